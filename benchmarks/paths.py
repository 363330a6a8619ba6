"""The paths of a frame through the library without I/O, each as a function of no arguments.

What lives here: one server message and one command of each kind, and what is done with them. Who
uses it: codec.py, which takes their time, and counts.py, which counts their instructions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Final

import trio

from benchmarks.inputs import MODEL, RECEIVED_BYTES, SENT_BYTES, audio_json, pcm
from trio_live import SessionConfig, commands, outbound
from trio_live.fanout import EventFanout
from trio_live.protocol import LiveProtocol
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
from trio_live.wire.functions import FunctionResponse

Path = Callable[[], object]

WORDS: Final = (
    "Saturn has more than a hundred known moons; three of them are Titan, Rhea and Dione."
)
CALL: Final = {"id": "call-1", "name": "find_moons", "args": {"planet": "Saturn", "at_least": 3}}
DETAILS: Final = [
    {"modality": modality, "tokenCount": 1250} for modality in ("TEXT", "AUDIO")
]  # fmt: skip
USAGE: Final = {
    "promptTokenCount": 2500,
    "responseTokenCount": 812,
    "totalTokenCount": 3312,
    "promptTokensDetails": DETAILS,
    "responseTokensDetails": DETAILS[1:],
}


def _content(**fields: object) -> bytes:
    return json.dumps({"serverContent": fields}).encode()


SETUP_COMPLETE: Final = b'{"setupComplete":{"sessionId":"session-1"}}'
MESSAGES: Final[dict[str, bytes]] = {
    "audio, 20 ms": audio_json(pcm(960, 0)),
    "audio": audio_json(pcm(RECEIVED_BYTES, 0)),
    "audio, 100 ms": audio_json(pcm(4800, 0)),
    "text": _content(modelTurn={"parts": [{"text": WORDS}]}),
    "transcript": _content(outputTranscription={"text": WORDS}),
    "interrupted": _content(interrupted=True),
    "turn complete": json.dumps(
        {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE}
    ).encode(),
    "tool call": json.dumps({"toolCall": {"functionCalls": [CALL]}}).encode(),
    "resumption": json.dumps(
        {"sessionResumptionUpdate": {"newHandle": "h" * 80, "resumable": True}}
    ).encode(),
    "new field": _content(modelTurn={"parts": [{"text": WORDS}]}, somethingNew={"a": [1, 2]}),
}

COMMANDS: Final[dict[str, commands.SessionCommand]] = {
    "audio": commands.SendAudio(pcm(SENT_BYTES, 0)),
    "audio, 100 ms": commands.SendAudio(pcm(3200, 0)),
    "video": commands.SendVideo(pcm(50_000, 0)),
    "text": commands.SendText(WORDS),
    "tool response": commands.SendToolResponse(
        (FunctionResponse(name="find_moons", response={"output": ["Titan", "Rhea"]}, id="call-1"),)
    ),
}
CONFIG: Final = SessionConfig(
    MODEL, system_instruction=WORDS, response_modalities=["AUDIO"], voice="Kore"
)


def _opened() -> LiveProtocol:
    protocol = LiveProtocol(CONFIG, MODEL)
    protocol.dial()
    protocol.setup()
    protocol.receive_frame(SETUP_COMPLETE, 0.0)
    return protocol


def _call_and_answer() -> Path:
    protocol = _opened()
    call, answer = MESSAGES["tool call"], COMMANDS["tool response"]

    def path() -> None:
        protocol.receive_frame(call, 1.0)
        protocol.send(answer, 2.0)

    return path


def _fan_out(subscribers: int) -> Path:
    fanout = EventFanout()
    channels = [fanout.subscribe() for _ in range(subscribers)]
    happened = _opened().receive_frame(MESSAGES["audio"], 1.0)

    def path() -> None:
        fanout.publish(happened)
        for channel in channels:
            try:
                while True:
                    channel.receive_nowait()
            except trio.WouldBlock:
                pass

    return path


def decoding() -> dict[str, Path]:
    """One call decodes one message."""
    return {kind: partial(codec.decode, frame) for kind, frame in MESSAGES.items()}


def encoding() -> dict[str, Path]:
    """One call encodes one message."""
    messages = {kind: outbound.build(command) for kind, command in COMMANDS.items()}
    messages["setup"] = ClientMessage(setup=CONFIG.setup(MODEL))
    return {kind: partial(codec.encode, message) for kind, message in messages.items()}


def receiving() -> dict[str, Path]:
    """One call takes one frame through an open session's protocol."""
    return {
        kind: partial(_opened().receive_frame, MESSAGES[kind], 1.0)
        for kind in MESSAGES
        if kind != "tool call"
    }


def sending() -> dict[str, Path]:
    """One call takes one command through an open session's protocol."""
    return {
        kind: partial(_opened().send, COMMANDS[kind], 1.0)
        for kind in COMMANDS
        if kind != "tool response"
    } | {"tool call and response": _call_and_answer()}


def publishing() -> dict[str, Path]:
    """One call publishes a frame's events to so many subscribers, and reads them."""
    return {f"{count} subscribers": _fan_out(count) for count in (1, 4)}
