"""A bare WebSocket client for the tests of the embedded server: JSON in, JSON out, nothing else."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from trio_live.testing.server import LiveServer

# Messages are asserted as wholes; their static type would only be in the way.
Json = dict[str, Any]

GEMINI = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent"
KEY = [(b"x-goog-api-key", b"k")]
BEARER = [(b"authorization", b"Bearer t")]
MODEL = "models/gemini-3.8-live"
VERTEX_MODEL = "publishers/google/models/gemini-live-2.5-flash-native-audio"


class Client:
    def __init__(self, websocket: WebSocketConnection) -> None:
        self.websocket = websocket

    async def send(self, message: Json) -> None:
        await self.websocket.send_message(msgspec.json.encode(message).decode())

    async def receive(self) -> Json:
        message = msgspec.json.decode(await self.websocket.get_message())
        assert isinstance(message, dict)
        return message

    async def receive_turn(self) -> list[Json]:
        """Everything up to turnComplete."""
        messages = [await self.receive()]
        while "turnComplete" not in messages[-1].get("serverContent", {}):
            messages.append(await self.receive())
        return messages

    async def receive_closed(self) -> tuple[int, str]:
        """Read to the end and return code and reason of the close frame."""
        with suppress(ConnectionClosed):
            while True:
                await self.websocket.get_message()
        closed = self.websocket.closed
        assert closed is not None
        return closed.code, closed.reason or ""

    async def set_up(self, **setup: object) -> Json:
        await self.send({"setup": {"model": MODEL} | setup})
        return await self.receive()

    async def say(self, text: str) -> None:
        await self.send({"realtimeInput": {"text": text}})

    async def hear(self, pcm: bytes, rate: int = 16_000) -> None:
        """Send audio in chunks of 100 ms, as fast as possible."""
        for start in range(0, len(pcm), rate // 5):
            await self.send(audio_message(pcm[start : start + rate // 5], rate))


def audio_message(pcm: bytes, rate: int = 16_000) -> Json:
    """One chunk of realtime audio."""
    data = base64.b64encode(pcm).decode()
    return {"realtimeInput": {"audio": {"data": data, "mimeType": f"audio/pcm;rate={rate}"}}}


@asynccontextmanager
async def connect(
    server: LiveServer,
    path: str = GEMINI,
    headers: list[tuple[bytes, bytes]] | None = None,
    stream: trio.abc.Stream | None = None,
) -> AsyncIterator[Client]:
    """Open a bare connection in memory; leaving closes it, with all that trio-websocket started."""
    async with trio.open_nursery() as nursery:
        websocket = await wrap_client_stream(
            nursery,
            # trio-websocket's annotation is narrower than what it takes.
            cast("trio.SocketStream", stream or server.open_stream()),
            "localhost",
            path,
            extra_headers=KEY if headers is None else headers,
        )
        yield Client(websocket)
        await websocket.aclose()
        nursery.cancel_scope.cancel()


async def close_of(server: LiveServer, message: Json | str | bytes, **setup: object) -> str:
    """Send one message on a new connection and return the service's reason to close with 1007.

    With setup arguments the message follows an accepted setup; else it is the first one.
    """
    async with connect(server) as client:
        if setup:
            assert "setupComplete" in await client.set_up(**setup)
        if isinstance(message, dict):
            await client.send(message)
        else:
            await client.websocket.send_message(message)
        code, reason = await client.receive_closed()
        assert code == 1007
        return reason


def speech(seconds: float, rate: int = 16_000) -> bytes:
    """A loud tone, which counts as speech."""
    return array(
        "h", (int(8000 * math.sin(i * 300 * math.tau / rate)) for i in range(int(seconds * rate)))
    ).tobytes()


def silence(seconds: float, rate: int = 16_000) -> bytes:
    """No sound."""
    return bytes(2 * int(seconds * rate))


def text_of(messages: list[Json]) -> str:
    """The text parts of a turn, thoughts left out."""
    return "".join(
        part["text"]
        for message in messages
        for part in message.get("serverContent", {}).get("modelTurn", {}).get("parts", [])
        if "text" in part and not part.get("thought")
    )


def audio_of(messages: list[Json]) -> bytes:
    """The audio of a turn."""
    return b"".join(
        base64.b64decode(part["inlineData"]["data"])
        for message in messages
        for part in message.get("serverContent", {}).get("modelTurn", {}).get("parts", [])
        if "inlineData" in part
    )


def content_keys(messages: list[Json]) -> list[str]:
    """The kinds of a turn's messages in order, runs of the same kind as one."""
    kinds: list[str] = []
    for message in messages:
        for kind in message.get("serverContent", message):
            if kind != "usageMetadata" and kinds[-1:] != [kind]:
                kinds.append(kind)
    return kinds
