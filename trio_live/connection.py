"""One connection of a session, held by a task of its own.

What lives here: making it, within its time, lending its task to whoever uses it, and letting it go,
so that nothing of it is left. What must not: what goes over it, what follows its end (lifeline.py).

Who reads from a connection does so in the task that holds it, and goes on there when nothing of it
is left: a task of its own for either would take 2.5 KiB a session (benchmarks/memory.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import trio

from trio_live.errors import ConnectTimeout, LiveError
from trio_live.flag import Flag
from trio_live.state import SessionPhase
from trio_live.transport import DialRequest, Transport
from trio_live.transport.dialers import dialer_for
from trio_live.transport.proxy import proxy_for, secrets_of

if TYPE_CHECKING:
    from trio_live.config import TransportConfig
    from trio_live.endpoints import Endpoint

Afterwards = Callable[[], Awaitable[None]]
"""What is done when a connection is gone, by the task that held it."""

Work = Callable[["Connection"], Awaitable[Afterwards | None]]
"""What is done with a connection; cancelled when that is released. May give what comes then."""


class Connection:
    """One connection; `connect` makes it.

    Attributes:
        transport: What it is used through.
    """

    transport: Transport

    def __init__(self) -> None:
        self._made = Flag()  # there is a transport, or a failure
        self._failure: Exception | None = None
        self._work: Work | None = None
        self._wanted = Flag()  # there is work
        self._gone = Flag()
        self._released = False
        self._scope: trio.CancelScope | None = None  # of all its tasks

    def use(self, work: Work) -> None:
        """Have the task that holds it do something; with the end of that it is let go."""
        self._work = work
        self._wanted.set()

    def release(self) -> None:
        """Let it go: its tasks end, and its socket is closed, without waiting for anybody."""
        self._released = True
        if self._scope is not None:
            self._scope.cancel()

    async def wait_made(self) -> None:
        """Wait until it can be used; to be called once.

        Raises:
            LiveError: There is no connection.

        Cancellation: atomic. If cancelled, there is no connection.
        """
        try:
            await self._made.wait()
        except BaseException:
            self.release()
            with trio.CancelScope(shield=True):  # letting go does not wait for anybody
                await self._gone.wait()
            self._failure = None
            raise
        if self._failure is not None:
            failure, self._failure = self._failure, None
            try:
                raise failure
            finally:
                del failure  # else it and this frame would keep each other alive

    async def wait_gone(self) -> None:
        """Wait until nothing of it is left.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        await self._gone.wait()

    async def hold(
        self,
        endpoint: Endpoint,
        settings: TransportConfig,
        secrets: Sequence[str],
    ) -> None:
        """Connect, tell, and hold the connection's tasks until it is released or cancelled.

        Meanwhile, and then, do the work that there is.
        """
        afterwards: Afterwards | None = None
        try:
            async with trio.open_nursery() as nursery:
                self._scope = nursery.cancel_scope
                if self._released:
                    self._scope.cancel()
                try:
                    self.transport = await self._dial(nursery, endpoint, settings, secrets)
                except Exception as error:  # raised by wait_made()
                    if isinstance(error, LiveError):
                        error.phase = error.phase or SessionPhase.CONNECTING
                    self._failure = error
                else:
                    self._made.set()
                    await self._wanted.wait()
                    if self._work is not None:
                        afterwards = await self._work(self)
                nursery.cancel_scope.cancel()
        finally:
            self._gone.set()
            if self._failure is not None:
                self._made.set()
        if afterwards is not None:
            await afterwards()

    async def _dial(
        self,
        nursery: trio.Nursery,
        endpoint: Endpoint,
        settings: TransportConfig,
        secrets: Sequence[str],
    ) -> Transport:
        timeout = settings.connect_timeout
        dial = settings.dialer or dialer_for(settings.transport)
        with trio.move_on_after(timeout):
            address = await endpoint.resolve()
            proxy = proxy_for(settings.proxy, address.url)
            request = DialRequest(
                address.url,
                address.headers,
                (*address.secrets, *secrets_of(proxy), *secrets),
                settings.ssl_context,
                settings.max_message_bytes,
                proxy,
            )
            return await dial(nursery, request)
        raise ConnectTimeout(
            f"no connection within connect_timeout={timeout:g} s",
            retryable=True,
            phase=SessionPhase.CONNECTING,
        )


async def connect(
    nursery: trio.Nursery, endpoint: Endpoint, settings: TransportConfig, secrets: Sequence[str]
) -> Connection:
    """Make a connection whose tasks run in a nursery, within `connect_timeout`.

    Args:
        nursery: Runs its tasks.
        endpoint: Where to.
        settings: How.
        secrets: Texts to blank out in what the other side says, beside the endpoint's own.

    Raises:
        ConnectError: There is no connection; ConnectTimeout if it took too long.

    Cancellation: atomic. If cancelled, there is no connection.
    """
    connection = Connection()
    # nursery.start() would take 20 us more, a sixtieth of opening a session (benchmarks/opening.py)
    nursery.start_soon(connection.hold, endpoint, settings, secrets, name="trio_live reader")
    await connection.wait_made()
    return connection
