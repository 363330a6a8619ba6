"""Keeps an eye on the connection in use: moves in time, and finds out when it is dead.

What lives here: Keeper: when to look, the search for a safe moment, and the connection that is made
for it in advance. What must not: going on itself (lifeline.py).

The service closes connections after about ten minutes, mostly with a goAway some 50 s before, and
may fall silent after that. So both are deadlines of our own. From goAway, or `max_connection_age`,
on a move is wanted. The next connection is made at once but for its setup, because the service
refuses a handle whose connection is open; that is all that must not wait. Then comes the first safe
moment: no turn, no call that is owed an answer, no activity, and a handle that is newer than the
last turn. At the deadline it is moved without one. A service that wants every connection to be left
at once is given its way later and later, up to its deadlines (reconnect.py).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import trio

from trio_live.close_table import NO_ANSWER, NO_PONG
from trio_live.errors import LiveError
from trio_live.liveness import Health, Liveness

if TYPE_CHECKING:
    from trio_live.close_table import Verdict
    from trio_live.config import TransportConfig
    from trio_live.connection import Connection
    from trio_live.fanout import EventFanout
    from trio_live.protocol import LiveProtocol
    from trio_live.reader import Reader
    from trio_live.reconnect import Backoff

_DIAL_AGAIN: Final = 5.0
"""After how many seconds another connection is tried in advance, if there was none."""


class Keeper:
    """Looks after the connections of one session.

    Args:
        settings: How patient to be, and when to move.
        backoff: Keeps moves apart; None if there are none.
        protocol: Says what goes on.
        fanout: Says whether reading waits for a subscription.
        connect: Makes a connection, without the setup.
        move: Called when it is time to go over to the next connection.
        give_up: Called when the connection is dead, with what that means, and since when.
        reader: Says when the last message came, and is told when to call `look()`, whenever that
            changes in between.

    Attributes:
        seeking: Whether a move is wanted.
        called_off: Whether the service has said that it will close the connection.
    """

    def __init__(
        self,
        settings: TransportConfig,
        backoff: Backoff | None,
        protocol: LiveProtocol,
        fanout: EventFanout,
        connect: Callable[[], Awaitable[Connection]],
        move: Callable[[], None],
        give_up: Callable[[Verdict, float], None],
        reader: Reader,
    ) -> None:
        self.seeking = self.called_off = False
        self._policy = settings.reconnect
        self._backoff = backoff
        self._protocol = protocol
        self._fanout = fanout
        self._connect = connect
        self._move = move
        self._give_up = give_up
        self._reader = reader
        self._liveness = Liveness(settings.ping_timeout, settings.silence_timeout)
        self._connection: Connection | None = None
        self._seek_at = math.inf
        self._move_by = math.inf
        self._move_from: float | None = None  # it is too soon before that
        self._spare: Connection | None = None
        self._spare_scope: trio.CancelScope | None = None  # of making it
        self._nursery: trio.Nursery

    def watch(self, connection: Connection) -> None:
        """Look after this connection from now on."""
        now = trio.current_time()
        self._connection = connection
        self.seeking = self.called_off = False
        self._seek_at = self._move_by = math.inf
        if self._policy is not None and self._policy.max_connection_age is not None:
            self._seek_at = now + self._policy.max_connection_age
        self._liveness.begin(now)
        self._set_timer()
        if self._protocol.go_away is not None:  # it came before the setup was accepted
            self.notice()

    def rest(self) -> None:
        """There is no connection to look after."""
        self._connection = None
        self._protocol.go_away = None
        self.seeking = False
        self._seek_at = self._move_by = math.inf
        self._liveness.end()
        if self._spare_scope is not None:
            self._spare_scope.cancel()

    def stop(self) -> None:
        """There will be no other connection: let the one go that was made in advance."""
        self.rest()
        if self._spare is not None:
            self._spare.release()

    def take_spare(self) -> Connection | None:
        """Give the connection that was made in advance, if there is one."""
        spare, self._spare = self._spare, None
        return spare

    def start(self, nursery: trio.Nursery) -> None:
        """Begin; connections in advance are made in this nursery."""
        self._nursery = nursery

    def notice(self) -> None:
        """Look whether the frame that was just read is a reason to move, or lets us."""
        if self._connection is None:
            return
        time_left, self._protocol.go_away = self._protocol.go_away, None
        policy = self._policy
        if time_left is not None and policy is not None:
            self.called_off = True
            now = trio.current_time()
            patience = policy.move_patience
            if time_left >= 0:
                patience = max(0.0, time_left - policy.move_margin)
            self._move_by = min(self._move_by, now + patience)
            self._seek_at = now
            self._seek()
            self._set_timer()
        elif self.seeking:
            self._move_if_safe()

    def _set_timer(self) -> None:
        if self._connection is not None:
            self._reader.look_at(self.due)

    @property
    def due(self) -> float:
        """When to look next."""
        due = min(self._liveness.look_at, self._move_by)
        if not self.seeking:
            return min(due, self._seek_at)
        return due if self._move_from is None else min(due, self._move_from)

    def look(self) -> bool:
        """Do what is due; say whether the connection is alive."""
        connection, now = self._connection, trio.current_time()
        if connection is None:
            return True
        if now >= self._liveness.look_at:
            if self._fanout.blocked:  # we do not read, so there is nothing to be heard
                self._liveness.begin(now)
            transport = connection.transport
            asked, received_at = self._protocol.asked, self._reader.received_at
            health = self._liveness.look(now, transport.heard_bytes, received_at, asked)
            if health is Health.DOUBTFUL:
                transport.ping()
            elif health is not Health.ALIVE:
                if health is Health.GONE:
                    self._give_up(NO_PONG, self._liveness.heard_at)
                else:
                    self._give_up(NO_ANSWER, received_at)
                return False
        if now >= self._move_by:
            self._move_by = self._seek_at = math.inf  # a move takes a while
            self._move()
        elif self.seeking:
            self._move_if_safe()
        elif now >= self._seek_at:
            if self._protocol.carried.handle is None and self._policy is not None:
                # It is only old, and the next one could not go on from anything.
                self._seek_at = now + self._policy.move_patience
            else:
                self._seek()
        return True

    def _seek(self) -> None:
        """Begin to look for a safe moment, and make the next connection in the meantime."""
        if self.seeking or self._backoff is None:
            return
        self.seeking = True
        self._move_from = self._backoff.want_move(trio.current_time())
        self._nursery.start_soon(self._prepare, self._connection, name="trio_live next connection")

    async def _prepare(self, watched: Connection | None) -> None:
        """Make the next connection; what it needs is a setup."""
        policy = self._policy
        if self._connection is not watched:
            return  # it has ended in this very moment, and the next one is on its way
        with trio.CancelScope() as self._spare_scope:
            try:
                spare = await self._connect()
            except LiveError:
                spare = None  # the move, or the loss, will try again and tell
            self._spare_scope = None
            if policy is None or self._connection is not watched:
                if spare is not None:
                    spare.release()
                return
            now = trio.current_time()
            self._spare = spare
            only_old = self._move_by == math.inf  # there is no need to leave what works
            if spare is None:
                self.seeking = False
                self._seek_at = now + (policy.move_patience if only_old else _DIAL_AGAIN)
            elif only_old:
                self._move_by = max(now, self._move_from or now) + policy.move_patience
            self._set_timer()
            self._move_if_safe()

    def _move_if_safe(self) -> None:
        if self._move_from is not None and trio.current_time() < self._move_from:
            return
        self._move_from = None
        if self._spare is not None and self._protocol.quiet:
            self._move()
