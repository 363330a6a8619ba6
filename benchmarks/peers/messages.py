"""The messages for the peers that have no structs of their own: msgspec, as its users would do it.

What lives here: structs of what a voice program needs, one encoder and one typed decoder.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from benchmarks.inputs import MODEL

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
SETUP: Final = (
    f'{{"setup":{{"model":"{MODEL}","generationConfig":{{"responseModalities":["AUDIO"]}}}}}}'
)


class Struct(msgspec.Struct, omit_defaults=True, rename="camel"):
    """Base of the wire structs."""


class Blob(Struct):
    """Media, base64-coded by msgspec."""

    data: bytes
    mime_type: str = ""


class Part(Struct):
    """One part of a content."""

    text: str | None = None
    inline_data: Blob | None = None
    thought: bool = False


class Content(Struct):
    """One message of a conversation."""

    parts: list[Part] = []
    role: str = ""


class Transcription(Struct):
    """Text of what was said."""

    text: str = ""
    finished: bool = False


class ServerContent(Struct):
    """What the model says, and where in its turn it is."""

    model_turn: Content | None = None
    generation_complete: bool = False
    turn_complete: bool = False
    interrupted: bool = False
    input_transcription: Transcription | None = None
    output_transcription: Transcription | None = None


class ServerMessage(Struct):
    """One frame from the server; rare members stay undecoded."""

    setup_complete: msgspec.Raw = msgspec.Raw()
    server_content: ServerContent | None = None
    tool_call: msgspec.Raw = msgspec.Raw()
    tool_call_cancellation: msgspec.Raw = msgspec.Raw()
    usage_metadata: msgspec.Raw = msgspec.Raw()
    go_away: msgspec.Raw = msgspec.Raw()
    session_resumption_update: msgspec.Raw = msgspec.Raw()


class RealtimeInput(Struct):
    """One chunk of the microphone."""

    audio: Blob


class ClientContent(Struct):
    """One turn of the user."""

    turns: list[Content]
    turn_complete: bool


class ClientMessage(Struct):
    """One frame to the server."""

    realtime_input: RealtimeInput | None = None
    client_content: ClientContent | None = None


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(ServerMessage)


def encode_chunk(chunk: bytes) -> bytes:
    """Encode one chunk of the microphone."""
    message = ClientMessage(RealtimeInput(Blob(chunk, "audio/pcm;rate=16000")))
    return _ENCODER.encode(message)


def encode_turn(text: str) -> bytes:
    """Encode a user's turn."""
    turn = ClientContent([Content([Part(text=text)], "user")], turn_complete=True)
    return _ENCODER.encode(ClientMessage(client_content=turn))


def check_setup(message: str | bytes) -> None:
    """See that the setup was accepted."""
    if not _DECODER.decode(message).setup_complete:
        raise RuntimeError("the server did not complete the setup")


class Turn:
    """What was received of a turn."""

    def __init__(self, arrivals: list[float]) -> None:
        self._arrivals = arrivals
        self.size = 0

    def take(self, message: str | bytes) -> bool:
        """Decode one message; say whether the turn is complete."""
        content = _DECODER.decode(message).server_content
        if content is None:
            return False
        if content.model_turn is not None:
            for part in content.model_turn.parts:
                if part.inline_data is not None:
                    self._arrivals.append(time.monotonic())
                    self.size += len(part.inline_data.data)
        return content.turn_complete
