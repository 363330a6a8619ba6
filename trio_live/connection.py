"""One connection of a session, held by a task of its own.

What lives here: making it, within its time, and letting it go, so that nothing of it is left; and
the one timer of a session, kept by that task, which has nothing else to do. What must not: what
goes over it, what follows its end (runner.py), what there is to look after (keeper.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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


class Connection:
    """One connection; `connect` makes it.

    Attributes:
        transport: What it is used through.
    """

    transport: Transport

    def __init__(self) -> None:
        self._look: Callable[[], float] | None = None
        self._timer: trio.CancelScope | None = None  # of the wait for the next look
        self._released = Flag()
        self._gone = Flag()

    def watch(self, look: Callable[[], float]) -> None:
        """Have it looked after.

        Args:
            look: Called when it is time, in the task that holds the connection; says when it is
                time again. For the first time see `look_at`.
        """
        self._look = look

    def look_at(self, when: float) -> None:
        """Look after it then, and not before."""
        if self._timer is not None:
            self._timer.deadline = when

    def release(self) -> None:
        """Let it go: its tasks end, and its socket is closed, without waiting for anybody."""
        self._released.set()

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
        *,
        task_status: trio.TaskStatus[None],
    ) -> None:
        """Connect, report, and hold the connection's tasks until it is released or cancelled.

        Raises:
            LiveError: There is no connection.
        """
        failure: Exception | None = None
        try:
            async with trio.open_nursery() as nursery:
                try:
                    self.transport = await self._dial(nursery, endpoint, settings, secrets)
                except Exception as error:  # raised below, outside of the nursery
                    if isinstance(error, LiveError):
                        error.phase = error.phase or SessionPhase.CONNECTING
                    failure = error
                else:
                    task_status.started()
                    del task_status  # it holds the nursery that is only for starting: 1.1 KiB
                    await self._stay()
                nursery.cancel_scope.cancel()
            if failure is not None:
                raise failure
        finally:
            self._gone.set()
            del failure  # else it and this frame would keep each other alive

    async def _stay(self) -> None:
        """Wait until it is released; look after it when it is time."""
        due = math.inf
        while not self._released.is_set():
            with trio.CancelScope(deadline=due) as self._timer:
                await self._released.wait()
            if self._timer.cancelled_caught and self._look is not None:
                due = self._look()

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
    await nursery.start(connection.hold, endpoint, settings, secrets)
    return connection
