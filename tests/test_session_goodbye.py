"""Between our close frame and the service's answer: what still arrives counts."""

from __future__ import annotations

import msgspec
import trio
from session_parts import open_over
from trio.testing import MockClock, memory_stream_pair
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from trio_live import Disconnected, TextDelta

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
