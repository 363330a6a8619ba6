"""The floor on Trio: trio-websocket and msgspec with nothing between them and the benchmark.

No reader of its own, no events, no phases: `get_message` and one typed decode, one encode and
`send_message`. All settings are trio-websocket's own but the largest message, which a session with
video needs larger.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from benchmarks.peers.on_trio import run, together

__all__ = ["open_session", "run", "together"]

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
SETUP = '{"setup":{"model":"models/bench","generationConfig":{"responseModalities":["AUDIO"]}}}'


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


class Session:
    """A WebSocket after setup."""

    def __init__(self, websocket: WebSocketConnection) -> None:
        self._websocket = websocket
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(ServerMessage)

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        turn = ClientContent([Content([Part(text=command)], "user")], turn_complete=True)
        message = ClientMessage(client_content=turn)
        await self._websocket.send_message(self._encoder.encode(message).decode())

    async def receive(self) -> tuple[int, int]:
        """Count audio until the turn is complete."""
        get_message, decode = self._websocket.get_message, self._decoder.decode
        messages = size = 0
        while True:
            content = decode(await get_message()).server_content
            if content is None:
                continue
            if content.model_turn is not None:
                for part in content.model_turn.parts:
                    if part.inline_data is not None:
                        messages += 1
                        size += len(part.inline_data.data)
            if content.turn_complete:
                return messages, size

    async def send(self, chunk: bytes, count: int, period: float, delay: float) -> None:
        """Send chunks; `send_message` returns when its frame is written."""
        send_message, encode = self._websocket.send_message, self._encoder.encode
        due = trio.current_time() + delay
        for _ in range(count):
            if period:
                await trio.sleep_until(due)
                due += period
            message = ClientMessage(RealtimeInput(Blob(chunk, "audio/pcm;rate=16000")))
            await send_message(encode(message).decode())


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    async with open_websocket_url(url, context, max_message_size=MAX_MESSAGE_BYTES) as websocket:
        await websocket.send_message(SETUP)
        reply = msgspec.json.decode(await websocket.get_message(), type=ServerMessage)
        if not reply.setup_complete:
            raise RuntimeError("the server did not complete the setup")
        yield Session(websocket)
