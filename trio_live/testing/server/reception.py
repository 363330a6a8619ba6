"""The way in: what happens on a connection from its first byte until it is a session.

What lives here: Reception. What must not: listening, a session's messages. It is below every
session and above TLS: plain HTTP, the upgrade, who may come in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream
from wsproto.utilities import LocalProtocolError

from .access import Entrance, Platform, Rejection, find_entrance, token_of
from .fault_desk import FaultDesk
from .faults import FaultPlan
from .faulty_stream import FaultyStream
from .line import Line
from .music import MusicMaker
from .music_session import MusicServerSession
from .plain_http import HttpError, PlainRequest, is_upgrade, serve_plain
from .session import ServerSession
from .shapes import JsonObject
from .tokens import EXPIRED, IssuedToken, TokenOffice
from .tokens import PATH as TOKENS_PATH
from .visitor import House, Visitor
from .watched import WatchedStream

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
_RECEIVE_BYTES: Final = 65_536
_QUEUED_MESSAGES: Final = 0  # between trio-websocket's reader and ours: see line.py about pongs
# Who may have a token is decided as for a session with a key.
TOKENS_ENTRANCE: Final = Entrance(Platform.GEMINI, "v1alpha", constrained=False)


class Reception:
    """Receives connections.

    Args:
        house: what all sessions share.
        music: makes the music.
        faults: what goes wrong on purpose.
        status: gives the HTTP status that answers every request, or None to serve.
        admit: called with each session before it runs.

    Attributes:
        errors: what went wrong, beside what sessions report.
    """

    def __init__(
        self,
        house: House,
        music: MusicMaker,
        faults: FaultPlan,
        *,
        status: Callable[[], int | None],
        admit: Callable[[ServerSession], None],
    ) -> None:
        self.errors: list[Exception] = []
        self._house = house
        self._options = house.options
        self._music = music
        self._faults = faults
        self._status = status
        self._admit = admit
        self._tokens = TokenOffice()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection to its end; see `LiveServer.serve_stream`."""
        faulty = FaultyStream(stream)
        watched = WatchedStream(faulty)
        try:
            async with trio.open_nursery() as nursery:
                try:
                    await self._serve_websocket(nursery, watched, faulty)
                except* LocalProtocolError:
                    # trio-websocket fails at a ping that comes after its own close frame, which
                    # may not have left yet.
                    with trio.move_on_after(self._options.close_timeout):
                        await faulty.said_close.wait()
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionClosed):
            pass  # the client hung up, or reset the connection, before there was a session
        except* Exception as group:
            # trio-websocket lets errors of wsproto and ssl escape from its reader task.
            self.errors.append(group)
        finally:
            await trio.aclose_forcefully(watched)

    async def _serve_websocket(
        self, nursery: trio.Nursery, watched: WatchedStream, faulty: FaultyStream
    ) -> None:
        """Serve in one nursery, while trio-websocket reads in another: its failures end itself."""
        async with trio.open_nursery() as reading:
            request = await self._receive_request(reading, watched)
            if request is not None:
                served = trio.Event()

                async def serve() -> None:
                    await self._serve_request(request, nursery, faulty)
                    served.set()

                nursery.start_soon(serve)
                await served.wait()
            reading.cancel_scope.cancel()

    async def _receive_request(
        self, nursery: trio.Nursery, stream: WatchedStream
    ) -> WebSocketRequest | None:
        request: WebSocketRequest | None = None
        with trio.move_on_after(self._options.upgrade_timeout) as scope:
            async with trio.open_nursery() as waiting:

                async def give_up() -> None:
                    await stream.gone.wait()
                    scope.cancel()

                waiting.start_soon(give_up)
                if not await is_upgrade(stream):
                    await serve_plain(stream, self._answer)
                    return None
                request = await wrap_server_stream(
                    nursery,
                    stream,
                    message_queue_size=_QUEUED_MESSAGES,
                    max_message_size=MAX_MESSAGE_BYTES,
                    receive_buffer_size=_RECEIVE_BYTES,
                )
                waiting.cancel_scope.cancel()
        return request

    def _answer(self, request: PlainRequest) -> JsonObject:
        """Answer a plain HTTP request: there are none but those for ephemeral tokens."""
        if (status := self._status()) is not None:
            raise HttpError(status, "The service is unavailable.")
        if not TOKENS_PATH.fullmatch(request.path):
            raise HttpError(404, "Not found.")
        if request.method != "POST":
            raise HttpError(405, "Method not allowed.")
        verdict = self._options.access.check(TOKENS_ENTRANCE, request.headers, request.query)
        if isinstance(verdict, Rejection):
            raise HttpError(verdict.status, verdict.body)
        if verdict is not None:
            raise HttpError(400 if verdict.code == 1007 else 403, verdict.reason)
        return self._tokens.issue(request)

    async def _serve_request(
        self, request: WebSocketRequest, nursery: trio.Nursery, stream: FaultyStream
    ) -> None:
        path, _, query = request.path.partition("?")
        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in request.headers}
        entrance = find_entrance(path)
        faults = FaultDesk(self._faults, stream)
        if (fault := await faults.before_upgrade()) is not None:
            if fault.what == "http":
                refusal, answer_headers, body = fault.answer
                await request.reject(refusal, extra_headers=answer_headers, body=body)
            return
        if (status := self._status()) is not None:
            await request.reject(status, body=b"The service is unavailable.")
            return
        if entrance is None:
            await request.reject(404, body=b"Not found.")
            return
        verdict = self._options.access.check(entrance, headers, query)
        if isinstance(verdict, Rejection):
            await request.reject(verdict.status, body=verdict.body.encode())
            return
        token = self._tokens.find(token_of(headers, query)) if entrance.constrained else None
        if verdict is None and entrance.constrained and token is None:
            verdict = self._options.access.judge_unknown_token()
        websocket = await request.accept()
        is_vertex = entrance.platform is Platform.VERTEX
        line = Line(
            websocket,
            binary=self._options.binary_frames or is_vertex,
            close_timeout=self._options.close_timeout,
        )
        visitor = Visitor(entrance, request.path, headers, verdict, faults, token)
        session = (
            MusicServerSession(visitor, self._house, line, self._music)
            if entrance.music
            else ServerSession(visitor, self._house, line)
        )
        self._admit(session)
        if token is not None:
            nursery.start_soon(_expire, session, token)
        await session.run()


async def _expire(session: ServerSession, token: IssuedToken) -> None:
    """End a session with its token."""
    await trio.sleep_until(token.expires)
    await session.close(*EXPIRED)
