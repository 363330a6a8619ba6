"""How one connection of a session is made: dialled, and its setup accepted.

What lives here: Opener. What must not: which connection is in use, and what follows its end
(lifeline.py); a connection without a session (connection.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio

from trio_live.close_codes import setup_refused
from trio_live.connection import Connection, connect
from trio_live.errors import LiveError, SetupTimeout
from trio_live.state import SessionPhase
from trio_live.transport import Transport, TransportClosed

if TYPE_CHECKING:
    from trio_live.config import TransportConfig
    from trio_live.endpoints import Endpoint
    from trio_live.events import SessionEvent
    from trio_live.protocol import LiveProtocol


class Opener:
    """Makes the connections of one session.

    Args:
        endpoint: Where to connect.
        settings: How.
        protocol: Gives the setup.
        publish: Takes the events.
        receive: Takes each message that comes before the setup is accepted.

    Attributes:
        setups: How many setups were sent.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: TransportConfig,
        protocol: LiveProtocol,
        publish: Callable[[Sequence[SessionEvent]], None],
        receive: Callable[[str | bytes], None],
    ) -> None:
        self.setups = 0
        self._endpoint = endpoint
        self._settings = settings
        self._protocol = protocol
        self._publish = publish
        self._receive = receive
        self._nursery: trio.Nursery

    def start(self, nursery: trio.Nursery) -> None:
        """Run the tasks of connections in this nursery."""
        self._nursery = nursery

    async def open(self, spare: Connection | None = None) -> Connection:
        """Make a connection on which the setup is accepted.

        Args:
            spare: One that was dialled in advance, or None.

        Raises:
            ConnectError: There is none.
            SetupError: The service refused the session.

        Cancellation: atomic. If cancelled, there is no connection.
        """
        self._publish(self._protocol.dial())
        connection = spare or await self.dial()
        try:
            await self._set_up(connection.transport)
        except BaseException as error:
            connection.release()
            if isinstance(error, LiveError):
                await connection.wait_gone()  # before its handle is used again
            raise
        return connection

    async def dial(self) -> Connection:
        """Make a connection, without the setup.

        Raises:
            ConnectError: There is none.

        Cancellation: atomic. If cancelled, there is no connection.
        """
        handle = self._protocol.carried.handle
        secrets = [] if handle is None else [handle]
        return await connect(self._nursery, self._endpoint, self._settings, secrets)

    async def _set_up(self, transport: Transport) -> None:
        timeout = self._settings.setup_timeout
        frame, happened = self._protocol.setup()
        with trio.move_on_after(timeout):
            try:
                transport.send(frame)
                self.setups += 1
                self._publish(happened)
                while not self._protocol.opened:
                    self._receive(await transport.receive())
            except TransportClosed as closed:
                await trio.lowlevel.checkpoint_if_cancelled()  # that may be why it is closed
                closed.reason = self._protocol.carried.blank(closed.reason)
                raise setup_refused(closed) from closed
            return
        raise SetupTimeout(
            f"the service did not answer the setup within setup_timeout={timeout:g} s",
            retryable=True,
            phase=SessionPhase.SETUP_SENT,
        )
