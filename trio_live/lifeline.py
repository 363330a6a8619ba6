"""The connections of a session, one after another.

What lives here: Lifeline: what is done with a connection from its setup to its end, and going on
after that, in the task that holds the connection. What must not: what a session's end looks like
(runner.py), how one connection is made (opener.py) and read from (reader.py), when to try again
(reconnect.py).

The order of going on: read to the end -> let commands wait -> end the turn -> close the old
connection -> wait -> dial -> set up -> send what waited. The old connection is gone before the
setup of the next is sent: the service refuses a handle whose connection is open (reported by
developers).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from trio_live import events
from trio_live.close_codes import (
    checkpoint_refused,
    connection_lost,
    judge_close,
    judge_error,
    not_made_again,
)
from trio_live.close_table import NO_PONG, Recovery, Verdict, When
from trio_live.errors import ConnectionLost, LiveError, SetupError
from trio_live.keeper import Keeper
from trio_live.opener import Opener
from trio_live.planner import CALLED_OFF, MOVE, Planner
from trio_live.reader import Reader
from trio_live.reconnect import seed_of
from trio_live.transport import NO_CLOSE_FRAME, Transport, TransportClosed

if TYPE_CHECKING:
    from trio_live.checkpoint import Checkpoint
    from trio_live.config import TransportConfig
    from trio_live.connection import Afterwards, Connection
    from trio_live.endpoints import Endpoint
    from trio_live.events import SessionEvent
    from trio_live.fanout import EventFanout
    from trio_live.outbox import Outbox
    from trio_live.protocol import LiveProtocol
    from trio_live.reconnect import Plan
    from trio_live.state import SessionPhase

_LAST_WORDS: Final = 1.0
"""How long, in seconds, a connection that has ended may take to be closed in order."""


class Ending(NamedTuple):
    """How the last connection ended.

    Attributes:
        closed: What the transport said.
        failure: What was tried in vain, or None.
    """

    closed: TransportClosed
    failure: ConnectionLost | None


class Lifeline:
    """Makes the connections of a session, and reads from them.

    Args:
        endpoint: Where to connect.
        settings: How.
        protocol: Takes the frames.
        outbox: Is told what to send over.
        fanout: Is waited for, if a subscription blocks.
        publish: Takes the events.
        ended: Told how the last connection ended, when all is read; None: the end was asked for
            while there was no connection. The connection is let go when it has returned and
            `release()` was called.
        resume: Where the session stood in another process, or None.

    Attributes:
        connections: How many there were, counted when the setup was accepted; those in other
            processes included.
        reader: Reads from the one in use, and counts what came on all of them.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: TransportConfig,
        protocol: LiveProtocol,
        outbox: Outbox,
        fanout: EventFanout,
        publish: Callable[[Sequence[SessionEvent]], None],
        ended: Callable[[Ending | None], Awaitable[None]],
        resume: Checkpoint | None = None,
    ) -> None:
        self.connections = 0 if resume is None else resume.connections
        self._resumed = resume is not None
        self._settings = settings
        self._protocol = protocol
        self._outbox = outbox
        self._fanout = fanout
        self._publish = publish
        self._ended = ended
        self._policy = settings.reconnect
        self._planner = Planner(settings.reconnect, protocol)
        self._leaving = False  # there will not be another connection
        self._current: Connection | None = None  # the one in use
        self._attempt_scope: trio.CancelScope | None = None  # of what is done without a connection
        self._moving_since: float | None = None  # a move to the next connection has begun
        self._dead: Verdict | None = None  # the connection in use gives no sign of life
        self._worked_until: float | None = None  # and has given none since then
        self.reader = Reader(protocol, outbox, fanout, publish)
        self._opener = Opener(endpoint, settings, protocol, publish, self.reader.take)
        self._keeper = Keeper(
            settings,
            self._planner.backoff,
            protocol,
            fanout,
            self._opener.dial,
            self._move,
            self._bury,
            self.reader,
        )

    @property
    def setups(self) -> int:
        """How many setups were sent."""
        return self._opener.setups

    @property
    def connected(self) -> bool:
        """Whether there is a connection on which the setup was accepted."""
        return self._current is not None

    async def open(self, nursery: trio.Nursery) -> None:
        """Make the first connection.

        If the service does not know the session of a checkpoint any more, a new one is begun.

        Raises:
            ConnectError: There is none.
            SetupError: The service refused the session.
        """
        self._opener.start(nursery)
        self._keeper.start(nursery)
        try:
            connection = await self._opener.open()
        except SetupError as error:
            verdict = judge_error(error)
            if not self._resumed or verdict.recovery is not Recovery.FRESH:
                raise
            plan = self._planner.after_failure(verdict, trio.current_time())
            if plan is None or not plan.fresh:
                raise checkpoint_refused(error) from error
            self._lose(verdict, plan, error.code, error.reason)
            self._protocol.carried.drop_handle()
            connection = await self._opener.open()
        if self._resumed:
            self._resume(connection, trio.current_time(), None)
        else:
            self._use(connection)

    def begin(self) -> None:
        """Begin to read from the connection, after `open()`."""
        if self._current is not None:
            self._current.use(self._serve)

    async def _serve(self, current: Connection) -> Afterwards | None:
        """Read to the end of a connection; give what is to be done when it is gone, if anything."""
        closed = await self.reader.read(current.transport, self._keeper)
        closed.reason = self._protocol.carried.blank(closed.reason)
        verdict = self._dead or judge_close(closed.code, closed.reason, When.SESSION)
        if verdict.clean and self._keeper.called_off:
            verdict = CALLED_OFF
        ended_at = trio.current_time()
        if self._moving_since is not None and not self._leaving:
            verdict, closed, ended_at = MOVE, TransportClosed(NO_CLOSE_FRAME), self._moving_since
        plan = None
        if not self._leaving:
            plan = self._planner.after_end(verdict, ended_at, self._worked_until)
        if plan is None:
            self._keeper.stop()
            await self._ended(Ending(closed, self._deadly(closed)))
            await trio.sleep_forever()  # until it is released
        return await self._part(current, closed, verdict, plan)

    def leave(self) -> Transport | None:
        """Make no further connection; give the transport of the one that is there, if one is."""
        self._leaving = True
        self._keeper.stop()
        if self._current is not None:
            return self._current.transport
        if self._attempt_scope is not None:
            self._attempt_scope.cancel()
        return None

    def end_by(self, deadline: float) -> None:
        """Take the connection for lost if it has not ended by then."""
        self.reader.end_by(deadline)

    async def close(self) -> None:
        """Close the connection, in order if that takes no longer than `close_timeout`."""
        if self._current is not None:
            with trio.move_on_after(self._settings.close_timeout):
                await self._current.transport.aclose()
            self.release()

    def release(self) -> None:
        """Let the connection go, without waiting for anybody."""
        if self._current is not None:
            self._current.release()

    def _move(self) -> None:
        """Go over to the next connection: say goodbye on this one, and read what is still said."""
        if self._current is None or self._leaving or self._moving_since is not None:
            return
        now = trio.current_time()
        self._moving_since = now
        self._outbox.suspend()
        self._current.transport.goodbye()
        self.end_by(now + _LAST_WORDS)

    def _bury(self, verdict: Verdict, since: float) -> None:
        """Take the connection for lost: it has given no sign of life since then."""
        self._dead, self._worked_until = verdict, since

    def _deadly(self, closed: TransportClosed) -> ConnectionLost | None:
        """Give the error of a connection that gave no sign of life; None if it ended otherwise."""
        if self._dead is None or self._leaving:
            return None
        phase, handle = self._protocol.state.phase, self._protocol.carried.handle
        return connection_lost(closed, phase, (), handle, self._dead)

    def _use(self, connection: Connection) -> None:
        """Send over this connection, and read from it, from now on."""
        self._current = connection
        self._moving_since = None
        self._dead = self._worked_until = None
        self._planner.connected(trio.current_time())
        self.reader.end_at = math.inf
        self._keeper.watch(connection)
        self.connections += 1
        self._outbox.attach(connection.transport)

    async def _part(
        self, old: Connection, closed: TransportClosed, verdict: Verdict, plan: Plan
    ) -> Afterwards:
        """Part from a connection; give what makes the next one."""
        lost_at = trio.current_time() if self._moving_since is None else self._moving_since
        state = self._protocol.state
        phase, cut_turn = state.phase, None if state.turn is None else state.turn.number
        self._current = None
        self._keeper.rest()
        self._outbox.suspend()
        code = None if self._moving_since is not None else closed.code
        self._lose(verdict, plan, code, closed.reason)
        if self._dead is not NO_PONG:
            with trio.move_on_after(min(_LAST_WORDS, self._settings.close_timeout)) as scope:
                self._attempt_scope = scope
                await old.transport.aclose()
        return partial(self._go_on, closed, plan, lost_at, phase, cut_turn)

    async def _go_on(
        self,
        closed: TransportClosed,
        plan: Plan,
        lost_at: float,
        phase: SessionPhase,
        cut_turn: int | None,
    ) -> None:
        """Make the next connection and use it, now that the one before is gone."""
        self._outbox.settle()
        with trio.CancelScope() as self._attempt_scope:
            if self._leaving:
                self._attempt_scope.cancel()
            while True:
                if plan.fresh:
                    self._protocol.carried.drop_handle()
                await trio.sleep(plan.delay)
                spare = self._keeper.take_spare()
                try:
                    new = await self._opener.open(spare)
                except LiveError as error:
                    verdict = judge_error(error)
                    if spare is not None and not verdict.retryable:
                        # The service may only be tired of having waited for its setup.
                        verdict = verdict._replace(recovery=Recovery.TRANSIENT)
                    if self._leaving:
                        continue  # and that is cancelled
                    next_plan = self._planner.after_failure(verdict, trio.current_time())
                    if next_plan is None:
                        self._keeper.stop()
                        self._publish(self._protocol.carried.lost(trio.current_time()))
                        handle, attempts = self._protocol.carried.handle, self._planner.attempts
                        lost = not_made_again(closed, error, attempts, phase, handle)
                        await self._ended(Ending(closed, lost))
                        return
                    plan = next_plan
                    self._lose(verdict, plan, error.code, error.reason, error.status)
                else:
                    if not self._leaving:
                        self._resume(new, lost_at, cut_turn)
                        self.begin()
                        return
                    new.release()  # the end was asked for in this very moment
        await self._ended(None)

    def _lose(
        self,
        verdict: Verdict,
        plan: Plan,
        code: int | None,
        reason: str | None,
        status: int | None = None,
    ) -> None:
        """Tell that there is no connection, and when the next attempt comes."""
        cause = verdict.cause or "the connection ended"
        self._publish(
            [
                *self._protocol.carried.lost(trio.current_time()),
                events.Reconnecting(cause, plan.attempt, plan.delay, code, reason or "", status),
            ]
        )

    def _resume(self, connection: Connection, lost_at: float, cut_turn: int | None) -> None:
        """Use a new connection, and send what waited for it. Synchronous: nothing comes between."""
        restored = self._protocol.carried.resuming
        self._publish(self._protocol.carried.restored(self._outbox.waiting))
        self._use(connection)
        if self._policy is not None and not restored:
            self._outbox.seed(seed_of(self._policy.reseed, self._protocol.state))
        replayed, dropped = self._outbox.replay(restored=restored)
        gap = trio.current_time() - lost_at
        uncertain = dict(self._outbox.sent.uncertain)
        self._publish(
            [events.Reconnected(restored, gap, dict(replayed), dict(dropped), uncertain, cut_turn)]
        )
