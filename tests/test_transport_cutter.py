"""MessageCutter takes whole messages out of a stream; together with a library it is the library."""

from __future__ import annotations

import random

import pytest
from transport_far_end import BINARY, CLOSE, PING, PONG, TEXT, frame
from websockets.frames import Frame
from websockets.protocol import Protocol, Side

from trio_live.transport.cutter import MessageCutter

CONTINUATION = 0
LIMIT = 70_000

Seen = tuple[list[str | bytes], list[tuple[int, bytes]], str]
"""Messages, control frames, and how it failed."""


class Library:
    """What websockets makes of a stream."""

    def __init__(self) -> None:
        self._protocol = Protocol(Side.CLIENT, max_size=LIMIT)
        self._fragments = b""
        self._opcode = 0
        self.messages: list[str | bytes] = []
        self.control: list[tuple[int, bytes]] = []
        self.failed = ""

    def take(self, data: bytes) -> None:
        """Parse."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            assert isinstance(event, Frame)
            if self.failed:
                continue
            if event.opcode >= CLOSE:
                self.control.append((int(event.opcode), bytes(event.data)))
                continue
            self._opcode = event.opcode or self._opcode
            self._fragments += bytes(event.data)
            if event.fin:
                self._finish(self._fragments)
                self._fragments = b""
        error = self._protocol.parser_exc
        if error is not None and not self.failed:
            self.failed = type(error).__name__

    def _finish(self, data: bytes) -> None:
        try:
            self.messages.append(str(data, "utf-8") if self._opcode == TEXT else data)
        except UnicodeDecodeError:
            self.failed = "no text"


def chunks_of(stream: bytes, source: random.Random) -> list[bytes]:
    """Cut a stream into what reads could give."""
    chunks: list[bytes] = []
    start = 0
    most = source.choice((1, 3, 50, 5_000, 100_000))
    while start < len(stream):
        size = source.randint(1, most)
        chunks.append(stream[start : start + size])
        start += size
    return chunks


def stream_of(source: random.Random) -> bytes:
    """Make frames: nearly all of them whole messages, and seldom one of everything else."""
    stream = b""
    for _ in range(source.randint(1, 12)):
        size = source.choice((0, 1, 10, 125, 126, 127, 300, 65_535, 65_536, LIMIT, LIMIT + 1))
        kind = source.choices(range(12), (30, 20, 5, 5, 2, 2, 1, 1, 1, 1, 1, 1))[0]
        if size > 300 and source.random() < 0.8:
            size = 20
        payload = b"x" * size
        small = payload[:125]
        stream += [
            frame(TEXT, payload),
            frame(BINARY, payload),
            frame(PING, small),
            frame(PONG, small),
            frame(TEXT, payload, fin=False) + frame(PING, b"-") + frame(CONTINUATION, payload),
            frame(TEXT, "\u00e4\u20ac\U0001f600".encode() * 10),
            frame(CLOSE, b"\x03\xe8bye"),
            frame(TEXT, b"\xff" + small),
            frame(PING, b"p" * 126),
            b"\xc1" + frame(TEXT, small)[1:],  # RSV1
            b"\x81\x85mask12345",
            source.randbytes(5),
        ][kind]
    return stream


@pytest.mark.parametrize("seed", range(400))
def test_cutter_and_library_are_the_library(seed: int) -> None:
    """Whatever comes, in whatever pieces: what the library makes of it is what both make of it."""
    source = random.Random(seed)
    stream = stream_of(source)
    plain, behind = Library(), Library()
    plain.take(stream)
    cutter, cut = MessageCutter(LIMIT), list[str | bytes]()
    for chunk in chunks_of(stream, source):
        if rest := cutter.cut(chunk, cut):
            behind.take(rest)
    assert [*cut, *behind.messages] == plain.messages
    assert behind.control == plain.control
    assert behind.failed == plain.failed


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_whole_messages_need_no_library(size: int) -> None:
    """A message in one frame is taken out, whatever its length, byte by byte too."""
    sent = frame(TEXT, b"t" * size) + frame(BINARY, b"b" * size)
    for step in (len(sent), 1 if size < 1_000 else 999):
        cutter, messages = MessageCutter(LIMIT), list[str | bytes]()
        for start in range(0, len(sent), step):
            assert cutter.cut(sent[start : start + step], messages) == b""
        assert [*messages] == ["t" * size, b"b" * size]


@pytest.mark.parametrize(
    "length",
    [b"\x7e\x00\x05", b"\x7f" + bytes(7) + b"\x05", b"\x7f" + bytes(6) + b"\xff\xff"],
)
def test_length_in_more_bytes_than_it_needs_is_for_the_library(length: bytes) -> None:
    """Such a length breaks RFC 6455, section 5.2: the library says what follows from that."""
    messages = list[str | bytes]()
    sent = b"\x81" + length + b"12345"
    assert MessageCutter(LIMIT).cut(sent, messages) == sent
    assert not messages


def test_after_what_is_not_whole_all_is_for_the_library() -> None:
    """So that no message overtakes the fragments of one that came before it."""
    cutter, messages = MessageCutter(LIMIT), list[str | bytes]()
    first = frame(TEXT, b"one") + frame(PING, b"p")
    odd = frame(TEXT, b"tw", fin=False) + frame(CONTINUATION, b"o") + frame(TEXT, b"three")
    assert cutter.cut(first + odd, messages) == frame(PING, b"p") + odd
    assert [*messages] == ["one"]
    assert cutter.cut(frame(TEXT, b"four"), messages) == frame(TEXT, b"four")
