"""When to connect again, and when to stop trying: as numbers and decisions, without I/O.

What lives here: ReconnectPolicy, and Backoff, which applies it to one session. What must not:
clocks (time is passed in, in seconds), connections (runner.py), what an end of a connection means
(close_table.py).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from trio_live.close_table import Recovery
from trio_live.errors import ConfigError
from trio_live.history import history_of
from trio_live.wire.content import Content

if TYPE_CHECKING:
    from trio_live.close_table import Verdict
    from trio_live.state import SessionState

Reseed = Callable[["SessionState"], Sequence[Content]] | Literal["history"] | None
"""What a fresh session is told of the conversation before it; see `ReconnectPolicy.reseed`."""

_SECONDS: Final = (
    "first_ceiling",
    "max_delay",
    "give_up_after",
    "stable_after",
    "media_max_age",
    "max_connection_age",
    "move_patience",
    "move_margin",
)
_COUNTS: Final = ("max_attempts", "queue_commands", "queue_bytes", "ledger_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectPolicy:
    """How a session goes on when its connection is lost. All times are in seconds.

    The first attempt is made at once. The n-th of a row waits for a random time between 0 and
    `first_ceiling` doubled n - 2 times, at most `max_delay`; longer, if the service asks for it or
    a quota is used up. A row of attempts ends when a connection has lasted for `stable_after`.

    A move, at goAway or by age, is no attempt of a row: the session leaves a connection that works,
    and waits for nothing. Moves that the service asks for soon after each other (within
    `stable_after` of the connection's beginning) are kept apart by times that grow as the ceilings
    do. They are spent on the connection that is there, and end at the service's deadline. Only
    where that leaves a connection less than `first_ceiling`, a move counts and waits as an attempt.

    Attributes:
        first_ceiling: The longest wait before the second attempt of a row.
        max_delay: The longest wait before any attempt.
        max_attempts: How many attempts a row may have.
        give_up_after: How long after the loss that began the row an attempt may still begin.
        stable_after: How long a connection must last for the row to be over.
        queue_commands: How many commands wait for the next connection at most, media aside.
        queue_bytes: How many bytes of JSON they may have together; media as much again.
        media_max_age: How old audio and video may be when the connection is back; what is older is
            dropped and counted.
        max_connection_age: From what age of a connection on a safe moment for the next one is
            looked for; the service closes them after about ten minutes. None: only at goAway.
        move_patience: How long such a moment is looked for, where the service sets no deadline.
        move_margin: How long before the service's own deadline the move is made in any case.
        transparent: Ask the service which messages each handle covers, keep the others and send
            them again after a resume, so that nothing is lost or doubled. Vertex AI only.
        ledger_bytes: How many bytes of JSON are kept for that. At the bound the oldest media falls
            out, and is counted if it is missed; other commands are refused by `SendQueueFull`.
        reseed: What a session that could not be resumed is told first: "history" for the turns in
            `state.history`, as text, the user's and the model's by turns; a function from the state
            to the contents; None for nothing. Where a turn of the user's must be the first or the
            last and there is none, "." is one. Some models take no contents in mid-session. Never
            used when a session is resumed.
        rng: Where the random waits come from; for tests. None for one of the session's own.

    Raises:
        ConfigError: A number is out of its range.
    """

    first_ceiling: float = 1.0
    max_delay: float = 30.0
    max_attempts: int = 10
    give_up_after: float = 300.0
    stable_after: float = 30.0
    queue_commands: int = 1_024
    queue_bytes: int = 1024 * 1024
    media_max_age: float = 1.0
    max_connection_age: float | None = 540.0
    move_patience: float = 30.0
    move_margin: float = 5.0
    transparent: bool = False
    ledger_bytes: int = 4 * 1024 * 1024
    reseed: Reseed = None
    rng: random.Random | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in _SECONDS:
            value: object = getattr(self, name)
            if value is None and name == "max_connection_age":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ConfigError(f"{name}={value!r} must be a number of seconds, 0 or more")
        for name in _COUNTS:
            count: object = getattr(self, name)
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ConfigError(f"{name}={count!r} must be a whole number above 0")
        if self.reseed not in (None, "history") and not callable(self.reseed):
            raise ConfigError('reseed must be "history", a function, or None')


_JITTER: Final = random.Random()  # no secret; one for all sessions, as each takes 2.8 KiB


class Plan(NamedTuple):
    """The next attempt.

    Attributes:
        attempt: Which of the row it is, from 1; 0 for a move.
        delay: Seconds to wait before it.
        fresh: Whether the resumption handle must be dropped first.
    """

    attempt: int
    delay: float
    fresh: bool


class Backoff:
    """Decides about the attempts of one session.

    Attributes:
        attempts: How many were planned in this row.
    """

    def __init__(self, policy: ReconnectPolicy) -> None:
        self.attempts = 0
        self._policy = policy
        self._rng = policy.rng or _JITTER
        self._began = 0.0  # when the row began
        self._connected_at: float | None = None
        self._moves = 0  # how many there were in a row
        self._move_from = 0.0  # when the one that is wanted is not too soon any more
        self._kind: tuple[Recovery, str | None] | None = None  # what the last end was
        self._in_a_row = 0  # how many such ends came before it
        self._excused = False  # nothing but a new handle has kept the last two apart

    def connected(self, now: float) -> None:
        """Note that a session's setup was accepted."""
        self._connected_at = now

    def worked(self) -> None:
        """Note that a turn was completed on the connection: its end is the first of its kind."""
        self._kind = None
        self._excused = False

    def perhaps_worked(self) -> None:
        """Note that there is a new handle, and no more.

        It speaks for the service, but only once: one that gives handles and fails at each turn does
        not work.
        """
        if self._kind is not None and not self._excused:
            self._kind = None
            self._excused = True

    def plan(
        self,
        verdict: Verdict,
        now: float,
        *,
        with_handle: bool,
        worked_until: float | None = None,
    ) -> Plan | None:
        """Plan the next attempt after a connection, or an attempt to make one, has ended.

        Args:
            verdict: What the end means.
            now: The time of the end.
            with_handle: Whether there is a resumption handle.
            worked_until: Until when the connection was of use; None for until its end.

        Returns:
            The plan, or None if there is nothing more to try.
        """
        policy = self._policy
        if self._connected_at is not None:
            until = now if worked_until is None else worked_until
            if until - self._connected_at >= policy.stable_after:
                self.attempts = 0
                self.worked()
        self._connected_at = None
        kind = (verdict.recovery, verdict.cause)
        self._in_a_row = self._in_a_row + 1 if kind == self._kind else 0
        self._kind = kind
        recovery = verdict.after(self._in_a_row, with_handle=with_handle)
        if recovery in (Recovery.CLEAN, Recovery.PERMANENT) or self.attempts >= policy.max_attempts:
            return None
        if not self.attempts:
            self._began = now
        delay = self._delay(verdict.wait)
        if now + delay - self._began > policy.give_up_after:
            return None
        self.attempts += 1
        return Plan(self.attempts, delay, recovery is Recovery.FRESH)

    def want_move(self, now: float) -> float:
        """Note that a move is wanted; give the time before which it comes too soon."""
        since = now if self._connected_at is None else self._connected_at
        if now - since >= self._policy.stable_after:
            self._moves = 0
        self._move_from = since + (self._ceiling(self._moves) if self._moves else 0.0)
        return self._move_from

    def plan_move(self, verdict: Verdict, now: float, *, with_handle: bool) -> Plan | None:
        """Plan the next connection after one that works was left.

        Args:
            verdict: What a move means.
            now: When it was left.
            with_handle: Whether there is a resumption handle.

        Returns:
            As `plan`.
        """
        self._moves += 1
        lasted = math.inf if self._connected_at is None else now - self._connected_at
        if now < self._move_from and lasted < self._policy.first_ceiling:
            return self.plan(verdict, now, with_handle=with_handle)
        if lasted >= self._policy.stable_after:
            self.attempts = 0
        self._connected_at = None
        return Plan(0, 0.0, fresh=False)

    def _delay(self, least: float) -> float:
        """Draw the wait before the next attempt: full jitter, on top of what was asked for."""
        if not self.attempts and not least:
            return 0.0
        return least + self._rng.uniform(0.0, self._ceiling(self.attempts))

    def _ceiling(self, before: int) -> float:
        """Give the longest wait of one in a row before which so many others came."""
        policy = self._policy
        doublings = min(max(0, before - 1), 64)
        return min(policy.max_delay, math.ldexp(policy.first_ceiling, doublings))


def seed_of(reseed: Reseed, state: SessionState) -> tuple[Content, ...]:
    """Give what a fresh session is told of the conversation before it."""
    if callable(reseed):
        return tuple(reseed(state))
    if reseed is None:
        return ()
    return history_of(state)
