"""The server: its settings, where connections come from, and the sessions that they became.

What lives here: LiveServer. What must not: HTTP, WebSocket (reception.py), what a session does.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import trio
import trio.testing

from .access import AccessRules
from .faults import Fault, FaultPlan
from .models import echo
from .music import MusicMaker, tones
from .options import ServerOptions
from .reception import Reception
from .reply import Pacing
from .resumption import Checkpoints
from .session import ServerSession
from .turn import Model, Transcriber, placeholder_transcript
from .visitor import House


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
        options = ServerOptions(
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
        self._scope: AbstractAsyncContextManager[trio.Nursery] | None = None
        self._nursery: trio.Nursery | None = None  # while the block runs
        self._connected = trio.Event()  # replaced at every new session
        self.sessions: list[ServerSession] = []
        self.faults = FaultPlan(faults)
        self.upgrade_status: int | None = None
        self._reception = Reception(
            House(model, options, self._checkpoints),
            music,
            self.faults,
            status=lambda: self.upgrade_status,
            admit=self._admit,
        )
        self.errors = self._reception.errors

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
        await self._reception.serve(stream)

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

    def _admit(self, session: ServerSession) -> None:
        self.sessions.append(session)
        self._connected.set()
        self._connected = trio.Event()

    def _running_nursery(self) -> trio.Nursery:
        if self._nursery is None:
            raise RuntimeError("use the LiveServer within its async with block")
        return self._nursery
