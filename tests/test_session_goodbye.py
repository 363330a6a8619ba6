"""Between our close frame and the service's answer: what still arrives counts."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import cast

import msgspec
import pytest
import trio
from session_parts import CONFIG, ENDPOINT, open_over
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage

from trio_live import (
    ConnectionLost,
    Disconnected,
    SessionEvent,
    TextDelta,
    TransportConfig,
    open_session,
)
from trio_live.transport import trio_ws, websockets

LATE = [f"{number} " for number in range(20)]


def text_frame(text: str) -> bytes:
    """A WebSocket frame of the server with one piece of text."""
    message = {"serverContent": {"modelTurn": {"parts": [{"text": text}]}}}
    frames = Connection(ConnectionType.SERVER)  # one that has not seen our close frame
    return frames.send(TextMessage(msgspec.json.encode(message).decode()))


async def serve(stream: trio.abc.Stream) -> None:
    """Accept a session; talk on for a while when it is closed, and only then answer the close."""
    server = WSConnection(ConnectionType.SERVER)
    while data := await stream.receive_some():
        server.receive_data(bytes(data))
        for event in server.events():
            match event:
                case Request():
                    await stream.send_all(server.send(AcceptConnection()))
                case TextMessage():
                    await stream.send_all(server.send(TextMessage('{"setupComplete":{}}')))
                case CloseConnection():
                    for text in LATE:
                        await stream.send_all(text_frame(text))
                        await trio.sleep(0.01)
                    await stream.send_all(server.send(event.response()))
                case _:
                    pass


async def test_goodbye_what_arrives_before_the_answer_is_told(autojump_clock: MockClock) -> None:
    """Law 4: frames between our close and the answer to it become events, all of them, in order."""
    client, far = memory_stream_pair()

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return client

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, far)
            async with open_over(open_stream) as session:
                await session.disconnect()
                events = [event async for event in session]
            nursery.cancel_scope.cancel()
    assert [event.text for event in events if isinstance(event, TextDelta)] == LATE
    assert events[-1] == Disconnected(1000, "", True, {})


# How the far end takes our goodbye -> the code that is told, and whether that is a clean end.
ANSWERS: dict[str, tuple[int, bool]] = {
    "echo": (1000, True),
    "no code": (1000, True),
    "failure": (1011, False),
    "hang up": (1006, False),
    "reset": (1006, False),
    "silence": (1006, False),
}


class Line:
    """The client's end of a stream, which the far end can reset."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.reset = False  # how its end is told

    async def send_all(self, data: bytes) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))
        if not data and self.reset:
            raise trio.BrokenResourceError
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


async def answer(stream: trio.abc.Stream, line: Line, how: str, *, pongs: bool) -> None:
    """Accept a session; take its goodbye in one way or another."""
    server = WSConnection(ConnectionType.SERVER)
    while data := await stream.receive_some():
        server.receive_data(bytes(data))
        for event in server.events():
            match event:
                case Request():
                    await stream.send_all(server.send(AcceptConnection()))
                case TextMessage(data=text) if "setup" in text:
                    await stream.send_all(server.send(TextMessage('{"setupComplete":{}}')))
                case Ping() if pongs:
                    await stream.send_all(server.send(event.response()))
                case CloseConnection():
                    if how == "echo":
                        await stream.send_all(server.send(event.response()))
                    elif how == "no code":
                        await stream.send_all(b"\x88\x00")
                    elif how == "failure":
                        await stream.send_all(b"\x88\x02\x03\xf3")
                    elif how in ("hang up", "reset"):
                        line.reset = how == "reset"
                        await stream.aclose()
                        return
                case _:
                    pass


@pytest.mark.parametrize("transport", ["trio-websocket", "websockets"])
@pytest.mark.parametrize("pongs", [False, True], ids=["no sign", "confirmed"])
@pytest.mark.parametrize("how", ANSWERS)
async def test_goodbye_that_is_not_answered_is_not_clean(
    autojump_clock: MockClock,
    transport: str,
    how: str,
    pongs: bool,
) -> None:
    """Laws 4 and 7: whoever leaves is told the truth about what was sent last."""
    client, far = memory_stream_pair()
    line = Line(client)
    dial = {"trio-websocket": trio_ws.dial, "websockets": websockets.dial}[transport]

    async def open_any(_host: str, _port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return cast("trio.abc.Stream", line)

    settings = TransportConfig(dialer=partial(dial, open_stream=open_any))
    lost: ConnectionLost | None = None
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(answer, far, line, how, pongs=pongs))
            events: list[SessionEvent] = []
            try:
                async with open_session(CONFIG, endpoint=ENDPOINT, transport=settings) as session:
                    await session.send_text("the last")
                    await wait_all_tasks_blocked()
                    watching = session.subscribe()
            except ConnectionLost as error:
                lost = error
            with suppress(ConnectionLost):
                async for event in watching:
                    events.append(event)
            nursery.cancel_scope.cancel()
    code, clean = ANSWERS[how]
    uncertain = {} if clean or pongs else {"SendText": 1}
    assert events[-1] == Disconnected(code, "", clean, {}, uncertain)
    assert (lost is None) == (not uncertain)
    if lost is not None:
        assert (lost.code, lost.undelivered, lost.uncertain) == (code, (), uncertain)
    assert trio.current_time() == (5 if how == "silence" else 0)
