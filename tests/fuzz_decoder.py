"""The fuzz target of the decoder: real messages, ways to break them, and what must hold then.

What lives here: seeds, mutations and the check, for `test_fuzz_decoder.py`, which runs them within
bounds and always alike, and for atheris, which runs for as long as it is let and is led by what the
code covers:

    pip install atheris
    python tests/fuzz_decoder.py -max_total_time=600 -max_len=100000

Input that fails is written to a file, whose name runs it again; make it a case of a test.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from random import Random
from typing import Any, Final, cast, get_args, get_origin

import msgspec

from trio_live import SessionConfig
from trio_live.events import SessionEvent, payload_size
from trio_live.protocol import LiveProtocol
from trio_live.wire import codec
from trio_live.wire.fields import fields_of
from trio_live.wire.server import ServerContent, ServerMessage

Frame = str | bytes

CONFIG: Final = SessionConfig("m")
KINDS: Final = get_args(SessionEvent)
DEEP: Final = 100_000  # nested levels
LARGE: Final = 20_000  # characters; what is larger is not made larger still

# As the service writes them; the two platforms differ in names and in text or binary frames.
MESSAGES: Final[list[dict[str, Any]]] = [
    {"setupComplete": {"sessionId": "s1"}},
    {"serverContent": {"modelTurn": {"parts": [{"text": "Hello, wörld 😀\n"}], "role": "model"}}},
    {
        "serverContent": {
            "modelTurn": {
                "parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAEC" * 9}}]
            }
        },
        "usageMetadata": {"totalTokenCount": 12, "responseTokensDetails": [{"modality": "AUDIO"}]},
    },
    {"serverContent": {"modelTurn": {"parts": [{"text": "hm", "thought": True}, {"new": [1]}]}}},
    {"serverContent": {"generationComplete": True}},
    {"serverContent": {"turnComplete": True, "turnCompleteReason": "MAX_REGENERATION_REACHED"}},
    {"serverContent": {"interrupted": True, "outputTranscription": {"text": "so"}}},
    {"toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {"a": [1, 2.5, None]}}]}},
    {"toolCallCancellation": {"ids": ["1", "2"]}},
    {"goAway": {"timeLeft": "12.5s"}},
    {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
    {"sessionResumptionUpdate": {"lastConsumedClientMessageIndex": "7"}},
    {"voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1.5s"}},
    {"voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_EOS"}},
    {"error": {"code": 503, "message": "later", "status": "UNAVAILABLE"}},
    {"somethingNew": {"a": 1}, "goAway": {}},
]


def every_field(struct: Any, depth: int = 0) -> dict[str, Any]:
    """Write a message in which each field of a struct is set, as deeply as is sensible."""
    return {field.wire_name: _example(field.kind, depth) for field in fields_of(struct)}


def _example(kind: Any, depth: int) -> Any:
    if get_origin(kind) is tuple:
        return [_example(get_args(kind)[0], depth)]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return every_field(kind, depth + 1) if depth < 6 else {}
    examples = {str: "1.5s", bytes: "-_+/", int: 7, float: 0.5, bool: True}
    return examples.get(kind, {"a": [None]})


SEEDS: Final = [
    *MESSAGES,
    every_field(ServerMessage),
    *({name: value} for name, value in every_field(ServerMessage).items()),
    *({"serverContent": {n: v}} for n, v in every_field(ServerContent).items()),
]

# What can stand anywhere in place of anything.
ODD_VALUES: Final[list[Any]] = [
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**25, 0.0, -0.0, 1e308, "", "a", "1.5s", "-",
    "AAAA", "A", "-_", "=", "\0", "\ufeff", "😀", "true", "7", "1e999", [], {}, [[]], [{}],
    {"": {}},
]  # fmt: skip
# The same, as what Python cannot write: JSON text that is put in place of a mark.
ODD_TEXTS: Final[list[str]] = [
    "NaN", "-Infinity", "1e999", "1e-999", "-", "01", "1.", "9" * 5_000, "0." + "3" * 900,
    '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"\\ud83d\\ude00"', '"\\x"', '"\\u12', "'a'",
    "[" * DEEP, "[" * 900 + "]" * 900, "[" * DEEP + "]" * DEEP, '{"a":' * DEEP,
    '{"a":' * 900 + "1" + "}" * 900, '{"parts":[' * 400 + "]}" * 400,
    '{"a":1,"a":2}', '{"parts":[],"parts":[{}]}', '{"text":"a","text":5}', "nul", "{", "]", ",", "",
    "[" + "{}," * 5_000 + "{}]", "[" + '"",' * 5_000 + '""]', '"' + "x" * 50_000 + '"',
    "{" + ",".join(f'"{n}":{n}' for n in range(2_000)) + "}",
    "[" + ",".join('{"new":1}' for _ in range(500)) + "]",
]  # fmt: skip
_MARK: Final = "\x01mark\x01"


def frames(random: Random) -> Frame:
    """Make one frame: a real message, changed in its tree, then in its bytes, or not."""
    message: Any = json.loads(json.dumps(random.choice(SEEDS)))
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        copy = json.dumps(_change_tree(message, random))
        message = json.loads(copy)
        if len(copy) > LARGE:
            break
    text = json.dumps(message, ensure_ascii=random.random() < 0.5)
    first, *others = text.split(json.dumps(_MARK))
    text = first + "".join(
        random.choice(ODD_TEXTS if number < 2 else ODD_TEXTS[:5]) + other
        for number, other in enumerate(others)
    )
    for change in (_repeat_a_key, _with_bom):
        if random.random() < 0.05:
            text = change(text, random)
    if random.random() < 0.3:
        return text
    frame = text.encode("utf-8", "surrogatepass")
    for _ in range(random.choice((0, 0, 0, 1, 3))):
        frame = _change_bytes(frame, random)
    if random.random() < 0.1:
        return frame.decode("utf-8", "surrogateescape")
    return frame


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give each container in a tree with each of its keys or indices."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _change_tree(message: Any, random: Random) -> Any:
    """Drop, copy, retype, nest or swap one thing somewhere in a message."""
    places = list(_places(message)) if isinstance(message, dict | list) else []
    if not places:
        return random.choice(ODD_VALUES)
    owner, key = random.choice(places)
    value = owner[key]
    other, other_key = random.choice(places)
    match random.randrange(8):
        case 0:
            del owner[key]
        case 1:
            owner[key] = random.choice(ODD_VALUES)
        case 2:
            owner[key] = _MARK
        case 3:
            owner[key] = [value] * random.choice((1, 2, 50))
        case 4:
            owner[key] = {str(key): value}
        case 5 if isinstance(owner, dict):
            owner[random.choice((f"{key}2", "", "new", "\ud800", "ü", str(other_key)))] = value
        case 6 if isinstance(value, str):
            owner[key] = value * random.choice((2, 1_000))
        case _:
            owner[key] = json.loads(json.dumps(other[other_key]))  # it may hold the owner
    return message


def _repeat_a_key(text: str, random: Random) -> str:
    return text.replace("{", random.choice(('{"serverContent":{},', '{"toolCall":5,')), 1)


def _with_bom(text: str, random: Random) -> str:
    return "\ufeff" + text


def _change_bytes(frame: bytes, random: Random) -> bytes:
    """Flip, cut, put in or repeat some bytes."""
    at = random.randrange(len(frame) + 1)
    end = min(len(frame), at + random.choice((1, 1, 4, 64)))
    match random.randrange(5):
        case 0:
            return frame[:at]
        case 1:
            return frame[:at] + frame[end:]
        case 2:
            return frame[:at] + bytes([random.randrange(256)]) + frame[end:]
        case 3:
            return (
                frame[:at] + random.choice((b'"', b"{", b"]", b"\\", b"\xff", b"\x00")) + frame[at:]
            )
        case _:
            return frame[:at] + frame[at:end] * 3 + frame[end:]


def open_protocol() -> LiveProtocol:
    """A session that has been set up."""
    protocol = LiveProtocol(CONFIG, "models/m")
    protocol.dial()
    protocol.setup()
    protocol.receive_frame(b'{"setupComplete":{}}', 0.0)
    return protocol


def check(protocol: LiveProtocol, frame: Frame) -> None:
    """Feed a frame to the codec and to a session; raise if anything is not as it must be.

    What happens is told as events, errors among them, and nothing is raised. Text and bytes mean
    the same. What was sent is not nothing, unless nothing was sent.
    """
    happened = protocol.receive_frame(frame, 1.0)
    for event in happened:
        assert isinstance(event, KINDS)
        assert payload_size(event) >= 0
        repr(event)
    message, leftovers = codec.decode(frame)
    for leftover in leftovers:
        repr(leftover)
    try:
        other = frame.encode() if isinstance(frame, str) else frame.decode()
    except UnicodeError:
        return
    again, others = codec.decode(other)
    assert (again, others) == (message, leftovers)
    said = {name for name, value in _top_level(frame) if value not in (None, "null")}
    known = {
        field.wire_name
        for field in fields_of(ServerMessage)
        if getattr(message, field.name) is not None
    }
    # "a.b" is the field b of a, or a field that is called so.
    wheres = [leftover.where for leftover in leftovers]
    told = {where[:at] for where in wheres for at in (*_dots(where), len(where))}
    assert "" in told or said <= known | told


def _dots(where: str) -> list[int]:
    return [at for at, character in enumerate(where) if character == "."]


def _top_level(frame: Frame) -> list[tuple[str, object]]:
    try:
        fields = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        return []
    return [(name, bytes(value).decode()) for name, value in fields.items()]


def main() -> None:
    """Run atheris."""
    import atheris

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.5:
            return cast("bytes", atheris.Mutate(data, max_size))
        frame = frames(random)
        made = frame if isinstance(frame, bytes) else frame.encode("utf-8", "surrogatepass")
        return made[:max_size]

    def run(data: bytes) -> None:
        check(open_protocol(), data)

    atheris.instrument_all()
    atheris.Setup(sys.argv, run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
