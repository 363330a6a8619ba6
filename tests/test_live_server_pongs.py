"""What a pong of the embedded server says: everything before its ping was taken."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest
import trio
from live_server_client import GEMINI, KEY, MODEL, Json
from trio.testing import MockClock
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, Event, Message, Ping, Pong, Request

from trio_live.testing import LiveServer
from trio_live.testing.server import ServerSession


class PlainClient:
    """A client on wsproto alone, which sends several frames in one piece.

    Attributes:
        pongs: What came back.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.pongs: list[bytes] = []
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._stream = stream

    @property
    def is_open(self) -> bool:
        """Whether no close frame has come."""
        return self._ws.state is ConnectionState.OPEN

    async def set_up(self) -> None:
        """Connect, and send the setup."""
        await self.send(Request(host="h", target=GEMINI, extra_headers=KEY))
        await self._read_until(lambda event: isinstance(event, AcceptConnection))
        await self.send(message({"setup": {"model": MODEL}}))
        await self._read_until(lambda event: isinstance(event, Message))

    async def send(self, *events: Event) -> None:
        """Send frames in one piece."""
        await self._stream.send_all(b"".join(self._ws.send(event) for event in events))

    async def read_to_the_end(self) -> None:
        """Read, and answer nothing."""
        await self._read_until(lambda event: False)

    async def _read_until(self, is_last: Callable[[Event], bool]) -> None:
        while data := await self._stream.receive_some():
            self._ws.receive_data(bytes(data))
            for event in self._ws.events():
                if isinstance(event, Pong):
                    self.pongs.append(bytes(event.payload))
                if is_last(event):
                    return


def message(content: Json) -> Message[str]:
    """Build a text frame."""
    return Message(data=msgspec.json.encode(content).decode())


def text_and_ping(number: int) -> tuple[Message[str], Ping]:
    """Build a text and the ping behind it."""
    text = message({"realtimeInput": {"text": str(number)}})
    return text, Ping(payload=b"%d" % number)


def texts_of(session: ServerSession) -> list[bytes]:
    """Give the texts that were taken."""
    messages: list[Json] = session.received[1:]
    return [message["realtimeInput"]["text"].encode() for message in messages]


@pytest.mark.parametrize("how", ["close", "abort"])
@pytest.mark.parametrize("later", range(12))
async def test_pong_is_for_what_was_taken_whenever_the_server_ends(
    later: int, how: str, autojump_clock: MockClock
) -> None:
    """No text before a ping that was answered is dropped, at any moment of an end."""
    for _ in range(8):  # Trio runs tasks in a random order
        with trio.fail_after(60):
            async with LiveServer(pace=0, close_timeout=1) as server:
                client = PlainClient(server.open_stream())
                await client.set_up()
                session = server.sessions[0]

                async def end(session: ServerSession = session) -> None:
                    for _ in range(later):
                        await trio.lowlevel.checkpoint()
                    await (session.close(1000) if how == "close" else session.abort())

                async def talk(client: PlainClient = client) -> None:
                    for number in range(0, 10, 2):
                        if client.is_open:
                            with suppress(trio.BrokenResourceError):
                                await client.send(
                                    *text_and_ping(number), *text_and_ping(number + 1)
                                )

                async with trio.open_nursery() as nursery:
                    nursery.start_soon(end)
                    nursery.start_soon(talk)
                    nursery.start_soon(client.read_to_the_end)
                taken = texts_of(session)
                assert client.pongs == taken[: len(client.pongs)]
                assert taken == [b"%d" % number for number in range(len(taken))]
            assert server.errors == []


async def test_no_pong_for_what_comes_behind_a_refused_message(autojump_clock: MockClock) -> None:
    """What follows a message that ends the session is not taken, and its ping not answered."""
    with trio.fail_after(60):
        async with LiveServer(pace=0, close_timeout=1) as server:
            client = PlainClient(server.open_stream())
            await client.set_up()
            bad = message({"realtimeInput": {"nonsense": 1}})
            await client.send(*text_and_ping(0), bad, *text_and_ping(1), *text_and_ping(2))
            await client.read_to_the_end()
            session = server.sessions[0]
            assert session.closed is not None
            assert session.closed[0] == 1007
            assert texts_of(session) == [b"0"]
            assert client.pongs == [b"0"]
        assert server.errors == []
