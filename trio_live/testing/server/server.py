"""The server: where connections come in, and what they share."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self

import trio
import trio.testing
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream
from wsproto.utilities import LocalProtocolError

from .access import AccessRules, Entrance, Platform, Rejection, find_entrance, token_of
from .fault_desk import FaultDesk
from .faults import Fault, FaultPlan
from .faulty_stream import FaultyStream
from .line import Line
from .models import echo
from .music import MusicMaker, tones
from .music_session import MusicServerSession
from .options import ServerOptions
from .plain_http import HttpError, PlainRequest, is_upgrade, serve_plain
from .reply import Pacing
from .resumption import Checkpoints
from .session import House, ServerSession, Visitor
from .shapes import JsonObject
from .tokens import EXPIRED, IssuedToken, TokenOffice
from .tokens import PATH as TOKENS_PATH
from .turn import Model, Transcriber, placeholder_transcript
from .watched import WatchedStream

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
_RECEIVE_BYTES: Final = 65_536
_QUEUED_MESSAGES: Final = 0  # between trio-websocket's reader and ours: see line.py about pongs
# Who may have a token is decided as for a session with a key.
TOKENS_ENTRANCE: Final = Entrance(Platform.GEMINI, "v1alpha", constrained=False)


class LiveServer:
    """A Gemini Live service of your own, for tests and for trying things without a key.

    Use it as `async with LiveServer() as server:`, then `url = await server.listen()` for clients
    with a real socket, or `server.open_stream()` for a client in the same program, whose time can
    be virtual. It checks what the real service checks and closes with its codes and words; what
    it answers is a function of yours.

    Entering waits for nothing. Leaving drops all connections and waits until no task is left.

    What generations of models do differently is chosen by the model's name: those called
    gemini-2.5, gemini-3.1, gemini-3.8-live and gemini-3.8-live-extended-thinking. Of any other
    name nothing is assumed.

    It also issues ephemeral tokens, at `/v1alpha/auth_tokens`, and holds sessions to them; and it
    holds music sessions, in chunks of two seconds. It keeps the newest 1,000 resumption handles, of
    all sessions together, and as many tokens; of an image stream the last 32 MiB count in a turn.

    Args:
        model: answers each user turn, see `Model`.
        music: makes the music, see `MusicMaker`.
        api_keys: the valid API keys, and then no ephemeral tokens but those issued here; None for
            any that is not empty, and any token.
        bearer_tokens: the valid OAuth tokens; None for any.
        reject_with_http: refuse bad credentials with HTTP 401 or 403 instead of a close frame.
        models: the models that exist, such as "gemini-3.8-live"; None for any.
        pace: seconds that answers take per second of audio: 1.0 is real time, 0 at once.
        chunk_ms: milliseconds of audio in one message.
        go_away_after: seconds after setup at which the end of each connection is announced.
        go_away_time_left: seconds between that announcement and the end.
        binary_frames: send JSON in binary frames; on Vertex AI's path that is always so.
        transcribe: the transcript of the user's speech, from PCM and sample rate.
        record: keep all client messages in `ServerSession.received`; switch it off for long runs.
        faults: what goes wrong on purpose, see `Fault`; `faults.add` adds more while it runs.
        upgrade_timeout: seconds for the TLS handshake and HTTP upgrade of a connection.
        close_timeout: seconds that a client has to answer a close frame.

    Attributes:
        sessions: the sessions in the order of their connection, kept after they have ended.
        faults: the faults; `faults.happened` are those that have happened.
        upgrade_status: answer every request with this HTTP status, such as 503; None to serve.
        errors: what went wrong in serving connections, beside what sessions report; normally empty.
    """

    def __init__(
        self,
        model: Model = echo,
        *,
        music: MusicMaker = tones,
        api_keys: Collection[str] | None = None,
        bearer_tokens: Collection[str] | None = None,
        reject_with_http: bool = False,
        models: Collection[str] | None = None,
        pace: float = 1.0,
        chunk_ms: int = 40,
        go_away_after: float | None = None,
        go_away_time_left: float = 10.0,
        binary_frames: bool = False,
        transcribe: Transcriber = placeholder_transcript,
        record: bool = True,
        faults: Iterable[Fault] = (),
        upgrade_timeout: float = 10.0,
        close_timeout: float = 5.0,
    ) -> None:
        if pace < 0:
            raise ValueError(f"pace is negative: {pace}")
        if chunk_ms < 1:
            raise ValueError(f"chunk_ms is less than 1: {chunk_ms}")
        self._options = ServerOptions(
            access=AccessRules(
                api_keys=api_keys,
                bearer_tokens=bearer_tokens,
                reject_with_http=reject_with_http,
            ),
            pacing=Pacing(pace, chunk_ms),
            models=models,
            transcribe=transcribe,
            go_away_after=go_away_after,
            go_away_time_left=go_away_time_left,
            binary_frames=binary_frames,
            record=record,
            upgrade_timeout=upgrade_timeout,
            close_timeout=close_timeout,
        )
        self._checkpoints = Checkpoints()
        self._tokens = TokenOffice()
        self._music = music
        self._house = House(model, self._options, self._checkpoints)
        self._scope: AbstractAsyncContextManager[trio.Nursery] | None = None
        self._nursery: trio.Nursery | None = None  # while the block runs
        self._connected = trio.Event()  # replaced at every new session
        self.sessions: list[ServerSession] = []
        self.faults = FaultPlan(faults)
        self.upgrade_status: int | None = None
        self.errors: list[Exception] = []

    def __repr__(self) -> str:
        return f"<LiveServer with {len(self.sessions)} sessions>"

    async def __aenter__(self) -> Self:
        if self._scope is not None:
            raise RuntimeError("a LiveServer is entered once")
        self._scope = trio.open_nursery()
        self._nursery = await self._scope.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._scope is not None
        assert self._nursery is not None
        self._nursery.cancel_scope.cancel()
        self._nursery = None
        # The nursery does not see the block's exception: it would wrap it into a group. No task
        # here raises, so all that can come is a cancellation from outside.
        try:
            await self._scope.__aexit__(None, None, None)
        except* trio.Cancelled:
            if exc is None:
                raise  # else the block's own exception goes on, and wins

    async def listen(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        ssl_context: ssl.SSLContext | None = None,
    ) -> str:
        """Start to listen on a socket, in the background.

        Args:
            host: the name or address to bind.
            port: the port; 0 lets the system choose.
            ssl_context: the server's certificate; None for plain text.

        Returns:
            The base URL for clients, with "wss" if there is a certificate and "ws" otherwise.

        Raises:
            OSError: the address cannot be bound.
            RuntimeError: the server has not been entered.

        Cancellation: atomic. If cancelled, nothing listens.
        """
        nursery = self._running_nursery()
        # A name with two addresses would get a port for each: the first is enough.
        listener, *others = await trio.open_tcp_listeners(port, host=host)
        for other in others:
            await trio.aclose_forcefully(other)
        bound: int = listener.socket.getsockname()[1]
        listeners: list[trio.abc.Listener[trio.abc.Stream]] = [listener]
        if ssl_context is not None:
            listeners = [trio.SSLListener(listener, ssl_context, https_compatible=True)]
        nursery.start_soon(trio.serve_listeners, self.serve_stream, listeners)
        scheme = "ws" if ssl_context is None else "wss"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{bound}"

    def open_stream(self) -> trio.abc.Stream:
        """Return the client's end of a new connection in memory; no socket, no real time.

        Raises:
            RuntimeError: the server has not been entered.
        """
        client, server = trio.testing.memory_stream_pair()
        self._running_nursery().start_soon(self.serve_stream, server)
        return client

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """Serve one connection on a stream of yours, such as a slow or faulty one, to its end.

        Never raises; what goes wrong beside the sessions is added to `errors`.

        Args:
            stream: the server's end; closed on return.

        Cancellation: still cleans up. If cancelled, drops the connection without a close frame.
        Blocks: until the connection has ended.
        """
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

    async def wait_session(self, index: int = 0) -> ServerSession:
        """Wait until the setup of a session has been accepted.

        Args:
            index: its place in `sessions`, 0 for the first connection.

        Raises:
            RuntimeError: that connection ended before.

        Cancellation: atomic. If cancelled, nothing changed.
        """
        while len(self.sessions) <= index:
            await self._connected.wait()
        session = self.sessions[index]
        await session.wait_set_up()
        return session

    def forget_handles(self) -> None:
        """Make all resumption handles unknown, as the end of their lifetime does."""
        self._checkpoints.forget()

    def _running_nursery(self) -> trio.Nursery:
        if self._nursery is None:
            raise RuntimeError("use the LiveServer within its async with block")
        return self._nursery

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
        if self.upgrade_status is not None:
            raise HttpError(self.upgrade_status, "The service is unavailable.")
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
        faults = FaultDesk(self.faults, stream)
        if (fault := await faults.before_upgrade()) is not None:
            if fault.what == "http":
                status, answer_headers, body = fault.answer
                await request.reject(status, extra_headers=answer_headers, body=body)
            return
        if self.upgrade_status is not None:
            await request.reject(self.upgrade_status, body=b"The service is unavailable.")
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
        self.sessions.append(session)
        self._connected.set()
        self._connected = trio.Event()
        if token is not None:
            nursery.start_soon(_expire, session, token)
        await session.run()


async def _expire(session: ServerSession, token: IssuedToken) -> None:
    """End a session with its token."""
    await trio.sleep_until(token.expires)
    await session.close(*EXPIRED)
