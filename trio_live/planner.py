"""What is done about the end of each connection of a session, and what the session had of it.

What lives here: Planner, which asks Backoff with what the session knows: what the end means, how
long the connection was of use, and whether it worked. What must not: connecting (lifeline.py),
delays and counts (reconnect.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trio_live.close_table import Recovery, Verdict
from trio_live.reconnect import Backoff

if TYPE_CHECKING:
    from trio_live.protocol import LiveProtocol
    from trio_live.reconnect import Plan, ReconnectPolicy

MOVE: Final = Verdict(Recovery.ROTATE, "the session moves on before the service closes this one")
"""What it means that the session leaves a connection that works."""

CALLED_OFF: Final = Verdict(Recovery.ROTATE, "the service closed the connection that it called off")
"""What a normal close means after goAway: the connection is over, the session is not."""


class Planner:
    """Plans the next attempts of one session.

    Args:
        policy: What is allowed; None: nothing.
        protocol: Knows the session.

    Attributes:
        backoff: Counts; None without a policy.
    """

    def __init__(self, policy: ReconnectPolicy | None, protocol: LiveProtocol) -> None:
        self.backoff = None if policy is None else Backoff(policy)
        self._protocol = protocol
        self._turns_before = 0  # how many were complete when the connection began
        self._handle_before: str | None = None  # the one that it was resumed from

    @property
    def attempts(self) -> int:
        """How many attempts were planned in this row."""
        return 0 if self.backoff is None else self.backoff.attempts

    def connected(self, now: float) -> None:
        """Note that a session's setup was accepted."""
        self._turns_before = self._turns_complete()
        self._handle_before = self._protocol.carried.handle
        if self.backoff is not None:
            self.backoff.connected(now)

    def after_end(
        self, verdict: Verdict, now: float, worked_until: float | None = None
    ) -> Plan | None:
        """Plan what comes after a connection that has ended.

        Args:
            verdict: What the end means.
            now: The time of the end; of a move, when it began.
            worked_until: Until when the connection was of use; None for until its end.

        Returns:
            The plan; None if there is nothing more to try.
        """
        backoff = self.backoff
        if backoff is None:
            return None
        if self._turns_complete() > self._turns_before:
            backoff.worked()
        elif self._protocol.carried.handle != self._handle_before:
            backoff.perhaps_worked()
        with_handle = self._protocol.carried.handle is not None
        if verdict is MOVE:
            return backoff.plan_move(verdict, now, with_handle=with_handle)
        return backoff.plan(verdict, now, with_handle=with_handle, worked_until=worked_until)

    def after_failure(self, verdict: Verdict, now: float) -> Plan | None:
        """Plan what comes after an attempt to connect that has failed; as `after_end`."""
        if self.backoff is None:
            return None
        return self.backoff.plan(
            verdict, now, with_handle=self._protocol.carried.handle is not None
        )

    def _turns_complete(self) -> int:
        state = self._protocol.state
        return state.turns_started - (state.turn is not None)
