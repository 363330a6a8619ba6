"""What does it cost to decode and to encode each kind of message?

    python -m benchmarks.codec [--json] [--quick] [--rounds N]

Input: one message of each kind, audio as noise. `codec` is `trio_live.wire.codec`, between text and
typed structs; `protocol` is the way through an open session's protocol as well, to events or from a
command; `plain` is json and base64 of the standard library, with dicts. `frame` puts the JSON of
640 bytes of audio into a masked frame: `codec` as the default transport does it, `protocol` as the
fast one does, `plain` as wsproto does. `parse` takes the JSON of 1,920 bytes out of one: `codec` is
our cutter, `plain` websockets. The best of 5 repetitions a round.
"""

from __future__ import annotations

import base64
import binascii
import json
import timeit
from collections.abc import Callable
from functools import partial
from typing import Final

from websockets.protocol import Protocol, Side
from websockets.speedups import apply_mask
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from benchmarks import paths
from benchmarks.cores import CLIENT_CORE, pinned
from benchmarks.harness import Question, Run, main
from trio_live.transport.cutter import MessageCutter
from trio_live.transport.text_frames import text_frame

REPETITION: Final = 0.01
"""Seconds."""
PAIRS: Final = (("plain", "codec"), ("plain", "protocol"), ("protocol", "codec"))


def decode_plain(frame: bytes) -> object:
    """Decode with the standard library, media down to bytes."""
    message = json.loads(frame)
    content = message.get("serverContent", {})
    for part in content.get("modelTurn", {}).get("parts", ()):
        if "inlineData" in part:
            part["inlineData"]["data"] = base64.b64decode(part["inlineData"]["data"])
    return message


def encode_plain(message: dict[str, object]) -> str:
    """Encode with the standard library, media from bytes."""

    def text(value: object) -> str:
        assert isinstance(value, bytes)
        return base64.b64encode(value).decode()

    return json.dumps(message, default=text)


def plain_encoding() -> dict[str, paths.Path]:
    """The messages of `paths.encoding()` as dicts."""
    return {
        kind: partial(encode_plain, json.loads(str(path()), object_hook=_with_bytes))
        for kind, path in paths.encoding().items()
    }


def plain_decoding() -> dict[str, paths.Path]:
    """The messages of `paths.decoding()`."""
    return {kind: partial(decode_plain, frame) for kind, frame in paths.MESSAGES.items()}


def _with_bytes(fields: dict[str, object]) -> dict[str, object]:
    if isinstance(data := fields.get("data"), str):
        fields["data"] = binascii.a2b_base64(data)
    return fields


def framing() -> dict[str, dict[str, paths.Path]]:
    """Building the frame of a chunk."""
    text = paths.encoding()["audio"]()
    assert isinstance(text, str)
    engine = Connection(ConnectionType.CLIENT)
    ways: dict[str, paths.Path] = {
        "codec": partial(text_frame, text),
        "protocol": partial(text_frame, text, apply_mask),
        "plain": lambda: engine.send(TextMessage(data=text)),
    }
    return {series: {"audio": path} for series, path in ways.items()}


def parsing() -> dict[str, dict[str, paths.Path]]:
    """Reading a frame of the model's voice."""
    payload = paths.MESSAGES["audio"]
    frame = b"\x81\x7e" + len(payload).to_bytes(2) + payload
    cutter, library = MessageCutter(1 << 20), Protocol(Side.CLIENT)

    def cut() -> object:
        messages = list[str | bytes]()
        cutter.cut(frame, messages)
        return messages

    def parse() -> object:
        library.receive_data(frame)
        return [str(event.data, "utf-8") for event in library.events_received()]  # type: ignore[union-attr]

    return {"codec": {"audio": cut}, "plain": {"audio": parse}}


def best(path: Callable[[], object], *, quick: bool) -> float:
    """Give the best time of one call, in microseconds."""
    timer = timeit.Timer(path)
    trial = 5
    number = trial if quick else max(trial, round(REPETITION / timer.timeit(trial) * trial))
    return min(timer.repeat(1 if quick else 5, number)) / number * 1e6


def ask(run: Run) -> None:
    """Time all paths."""
    groups: dict[str, dict[str, dict[str, paths.Path]]] = {
        "decode": {
            "codec": paths.decoding(),
            "protocol": paths.receiving(),
            "plain": plain_decoding(),
        },
        "encode": {
            "codec": paths.encoding(),
            "protocol": paths.sending(),
            "plain": plain_encoding(),
        },
        "frame": framing(),
        "parse": parsing(),
    }
    with pinned(CLIENT_CORE):
        for number in range(run.rounds):
            for way, by_series in groups.items():
                for series, by_kind in by_series.items():
                    for kind, path in by_kind.items():
                        taken = best(path, quick=run.quick)
                        run.add(number, f"{way} {kind}", series, taken, {})


QUESTION: Final = Question(
    "codec", "What does it cost to decode and to encode each kind of message?", "us",
    ask, PAIRS, rounds=5, uses_peers=False,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
