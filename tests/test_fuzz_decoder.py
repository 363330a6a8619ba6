"""The decoder under anything that can come: it tells events or errors, in linear time and memory.

Bounded and always alike; fuzz_decoder.py says how to search further. Time is counted, not measured:
each call that Python makes, with the bytes that are looked through in it. A decoder that looks
through a frame once for each of its parts is found so, on any machine.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from random import Random
from types import FrameType
from typing import Any

import fuzz_decoder
import msgspec
import pytest
from fuzz_decoder import DEEP, check, frames, open_protocol
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_live import Error, Unknown
from trio_live.protocol import LiveProtocol
from trio_live.wire import codec, salvage

PARTS = b'{"serverContent":{"modelTurn":{"parts":['
CALLS = b'{"toolCall":{"functionCalls":['
ARGS = CALLS + b'{"args":{"a":['


@given(seed=st.integers(0, 2**64))
@settings(max_examples=1_500, deadline=None, derandomize=True)
def test_fuzz_broken_messages_become_events(seed: int) -> None:
    """Law 4: real messages, broken in their tree and in their bytes, raise nothing."""
    random = Random(seed)
    protocol = open_protocol()
    for _ in range(random.choice((1, 1, 3))):
        check(protocol, frames(random))


@given(frame=st.binary(max_size=200) | st.text(max_size=200))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_fuzz_any_frame_becomes_events(frame: str | bytes) -> None:
    """Law 4: no bytes and no text, whatever they are, make a session raise."""
    check(open_protocol(), frame)


@pytest.mark.parametrize("text", fuzz_decoder.ODD_TEXTS, ids=range(len(fuzz_decoder.ODD_TEXTS)))
@pytest.mark.parametrize(
    "around",
    [
        "%s",
        '{"new":%s}',
        '{"goAway":{"timeLeft":%s}}',
        '{"usageMetadata":{"totalTokenCount":%s}}',
        '{"serverContent":{"modelTurn":{"parts":%s}}}',
        '{"serverContent":{"modelTurn":{"parts":[{"new":1},%s]}}}',
        '{"serverContent":{"modelTurn":{"parts":[{"new":%s},{"new":1}]}}}',
        '{"toolCall":{"functionCalls":[{"id":"1","args":%s}]}}',
        '{"error":%s}',
        '{"voiceActivity":{"type":"NEW","new":%s}}',
    ],
)
def test_fuzz_odd_json_in_any_place_becomes_events(around: str, text: str) -> None:
    """Law 4: numbers, nesting, escapes and lists beyond all measure, wherever they stand."""
    check(open_protocol(), around % text)
    check(open_protocol(), (around % text).encode())


@pytest.mark.parametrize("levels", [*range(900, 1_010), 5_000, DEEP])
def test_fuzz_any_depth_becomes_events(levels: int) -> None:
    """Law 4: what can just be decoded, and not quite once more, raises nothing either."""
    nested = "[" * levels + "]" * levels
    parts = '[{"new":1},{"new":' + nested + '},{"new":2}]'
    frame = '{"serverContent":{"modelTurn":{"parts":' + parts + "}}}"
    check(open_protocol(), frame)
    check(open_protocol(), frame.encode())


def test_fuzz_a_name_that_is_no_utf8_beside_unknown_parts_becomes_one_event() -> None:
    """Law 4: the decoder passes over such a name, and the list of the parts cannot be found."""
    turn = b'{"parts":[{"new":1},{"new":2}],"\xed\xa0\x80":0}'
    happened = open_protocol().receive_frame(b'{"serverContent":{"modelTurn":%b}}' % turn, 1.0)
    assert [event for event in happened if isinstance(event, Unknown | Error)] == [Unknown(turn)]


# Time and memory


def repeated(before: bytes, item: bytes, after: bytes) -> Callable[[int], bytes]:
    """Make frames of any number of the same thing."""
    return lambda count: before + b",".join([item] * count) + after


def numbered(before: bytes, item: bytes, after: bytes) -> Callable[[int], bytes]:
    """Make frames of any number of things that differ in a number."""
    return lambda count: before + b",".join(item % number for number in range(count)) + after


LISTS = {
    "parts without anything": repeated(PARTS, b"{}", b"]}}}"),
    "parts of unknown kinds": repeated(PARTS, b'{"new":1}', b"]}}}"),
    "parts of unknown kinds, as many as are read": repeated(PARTS, b'{"new":12345678}', b"]}}}"),
    "parts of text": repeated(PARTS, b'{"text":"a"}', b"]}}}"),
    "parts of thought": repeated(PARTS, b'{"text":"a","thought":true}', b"]}}}"),
    "parts of media": repeated(PARTS, b'{"inlineData":{}}', b"]}}}"),
    "parts of audio of many types": numbered(
        PARTS, b'{"inlineData":{"mimeType":"audio/%d;;;;;;;"}}', b"]}}}"
    ),
    "parts of text and more": repeated(PARTS, b'{"text":"a","fileData":{}}', b"]}}}"),
    "parts that are no objects": repeated(PARTS, b"5", b"]}}}"),
    "parts of which one is broken": repeated(PARTS, b"{}", b",5]}}}"),
    "parts of which every other is broken": repeated(PARTS, b'{"inlineData":5},{}', b"]}}}"),
    "parts beside a field of no UTF-8": repeated(PARTS, b"{}", b'],"\xff":0}}}'),
    "calls": repeated(CALLS, b"{}", b"]}}"),
    "calls of which one is broken": repeated(CALLS, b"{}", b",5]}}"),
    "arguments of lists": repeated(ARGS, b"[]", b"]}}]}}"),
    "arguments of objects": repeated(ARGS, b'{"":0}', b"]}}]}}"),
    "arguments of long numbers": repeated(ARGS, b"9" * 300, b"]}}]}}"),
    "arguments by name": numbered(CALLS + b'{"args":{', b'"%d":0', b"}}]}}"),
    "calls of which every other is broken": repeated(
        CALLS, b'{"id":5,"name":"f"},{"id":""}', b"]}}"
    ),
    "cancelled calls of which one is broken": numbered(
        b'{"toolCallCancellation":{"ids":[', b'"%d"', b",5]}}"
    ),
    "words of which all are broken": repeated(
        b'{"serverContent":{"outputTranscription":{"words":[', b'{"word":5}', b"]}}}"
    ),
    "cancelled calls": numbered(b'{"toolCallCancellation":{"ids":[', b'"%d"', b"]}}"),
    "words": repeated(b'{"serverContent":{"outputTranscription":{"words":[', b"{}", b"]}}}"),
    "sources": repeated(
        b'{"serverContent":{"groundingMetadata":{"groundingChunks":[', b"{}", b"]}}}"
    ),
    "pages": repeated(b'{"serverContent":{"urlContextMetadata":{"urlMetadata":[', b"{}", b"]}}}"),
    "unknown fields": numbered(b"{", b'"%d":0', b"}"),
    "unknown fields of content": numbered(b'{"serverContent":{', b'"%d":0', b"}}"),
    "the same field": repeated(b"{", b'"goAway":{}', b"}"),
    "the same unknown field": repeated(b"{", b'"new":{}', b"}"),
    "interruptions": repeated(b'{"serverContent":{', b'"interrupted":true', b"}}"),
}
TEXTS: dict[str, Callable[[int], bytes]] = {
    "text": lambda count: PARTS + b'{"text":"%b"}]}}}' % (b"a" * count),
    "escapes": lambda count: PARTS + b'{"text":"%b"}]}}}' % (rb"\u0041" * count),
    "half surrogate pairs": lambda count: PARTS + b'{"text":"%b"}]}}}' % (rb"\ud83d" * count),
    "media": lambda count: PARTS + b'{"inlineData":{"data":"%b"}}]}}}' % (b"AAAA" * count),
    "URL-safe media": lambda count: PARTS + b'{"inlineData":{"data":"%b"}}]}}}' % (b"-_-_" * count),
    "broken media": lambda count: PARTS + b'{"inlineData":{"data":"%b="}}]}}}' % (b"-_-_" * count),
    "a number": lambda count: b'{"usageMetadata":{"totalTokenCount":%b}}' % (b"9" * count),
    "a number as text": lambda count: (
        b'{"usageMetadata":{"totalTokenCount":"%b"}}' % (b"9" * count)
    ),
    "a fraction": lambda count: ARGS + b"0.%b]}}]}}" % (b"3" * count),
    "a duration": lambda count: b'{"goAway":{"timeLeft":"%bs"}}' % (b"9" * count),
    "a mime type": lambda count: (
        PARTS + b'{"inlineData":{"mimeType":"audio/%b"}}]}}}' % (b";rate=0" * count)
    ),
    "nesting": lambda count: b"[" * count,
    "nested objects": lambda count: b'{"serverContent":' * count,
    "spaces": lambda count: b" " * count,
    "no JSON": lambda count: b"\xff" * count,
    "a long unknown name": lambda count: b'{"%b":0}' % (b"a" * count),
}


class Work:
    """Counts calls, and the bytes or characters that they are given to look through."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self.done += 1
        elif event == "c_call":
            owner = getattr(argument, "__self__", None)
            self.done += 1 + (len(owner) if isinstance(owner, str | bytes) else 0)

    def reading(self, decode: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function of msgspec, so that what it reads is counted."""

        def counted(data: Any, **settings: Any) -> Any:
            self.done += len(data if isinstance(data, str) else memoryview(data))
            return decode(data, **settings)

        return counted


class Decoder:
    """In place of one of msgspec's, whose methods cannot be replaced."""

    def __init__(self, replaced: msgspec.json.Decoder[Any], work: Work) -> None:
        self.decode = work.reading(replaced.decode)
        self.type = replaced.type


def work_of(monkeypatch: pytest.MonkeyPatch, protocol: LiveProtocol, frame: str | bytes) -> int:
    """Count what a session does for a frame."""
    work = Work()
    with monkeypatch.context() as patch:
        counting = Decoder(codec.server_decoder(), work)
        patch.setattr(codec, "server_decoder", lambda: counting)
        for module in (codec, salvage):
            for name in ("_FIELDS", "_ITEMS"):
                patch.setattr(module, name, Decoder(getattr(module, name), work))
        patch.setattr(msgspec.json, "decode", work.reading(msgspec.json.decode))
        before = sys.getprofile()
        sys.setprofile(work)
        try:
            protocol.receive_frame(frame, 1.0)
        finally:
            sys.setprofile(before)
    return work.done


@pytest.mark.parametrize("as_text", [False, True], ids=["bytes", "text"])
@pytest.mark.parametrize("name", [*LISTS, *TEXTS])
def test_fuzz_work_grows_with_the_frame_and_no_faster(
    monkeypatch: pytest.MonkeyPatch, name: str, as_text: bool
) -> None:
    """Law 3: twice the frame is twice the work, for every shape that repeats something."""
    shape = (LISTS | TEXTS)[name]
    small, large = (
        work_of(monkeypatch, open_protocol(), frame.decode("latin-1") if as_text else frame)
        for frame in (shape(2_000), shape(4_000))
    )
    assert large <= 2.1 * small + 1_000


def test_fuzz_work_of_one_look_for_each_part_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The count above finds a decoder that looks through the frame once for each part."""

    def items_of(frame: str | bytes, *path: str) -> list[bytes]:
        count = frame.count(b"{}" if isinstance(frame, bytes) else "{}")  # type: ignore[arg-type]
        return [codec.text_of(frame, *path, index) for index in range(count)]

    monkeypatch.setattr(codec, "items_of", items_of)
    shape = LISTS["parts without anything"]
    small, large = (work_of(monkeypatch, open_protocol(), shape(n)) for n in (200, 400))
    assert large > 3 * small


def memory_of(frame: bytes) -> int:
    """Give the most bytes that a session has in use while it reads a frame."""
    protocol = open_protocol()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        happened = protocol.receive_frame(frame, 1.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert happened
    return peak - before


@pytest.mark.parametrize(("size", "times"), [(60_000, 120), (540_000, 40)])
@pytest.mark.parametrize("name", LISTS)
def test_fuzz_memory_of_lists_is_bounded(name: str, size: int, times: int) -> None:
    """Law 3: structs take more than their text, within bounds; those of large frames less so."""
    shape = LISTS[name]
    frame = shape(size * 1_000 // len(shape(1_000)))
    assert memory_of(frame) <= times * len(frame)


@pytest.mark.parametrize("name", TEXTS)
def test_fuzz_memory_of_texts_is_small(name: str) -> None:
    """Law 3: media, text and numbers are held once or twice, and in the slow path some more."""
    frame = TEXTS[name](100_000)
    assert memory_of(frame) <= 8 * len(frame) + 20_000


def test_fuzz_a_large_frame_of_objects_is_told_and_not_read() -> None:
    """Law 3: its objects would take a hundred times its memory; no real message is like that."""
    frame = LISTS["calls"](200_000)
    (event,) = open_protocol().receive_frame(frame, 1.0)
    assert event == Error(
        "a frame of the service could not be read: too many objects for its size", frame
    )
