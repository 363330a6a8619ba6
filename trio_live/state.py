"""Where a session stands: its phases, the table of their transitions, its totals.

What lives here: SessionPhase, the transition table as data with the few lines that apply it, and
SessionState. What must not: turns (turns.py), messages of the wire, I/O, clocks. Imported by
everything above.

Theory of operation
-------------------
A session is in one of ten phases. Four belong to the connection (DISCONNECTED, CONNECTING,
SETUP_SENT, DISCONNECTING), six to the conversation. Things happen (`Trigger`) and the table says
where each leads.

The connection's phases form a line: out of order is a bug of this library, so a trigger that a
phase does not list leaves it unchanged. The conversation is the service's, and the service is free:
it may interrupt nothing, complete a turn twice, call tools in mid-sentence. So each conversation
phase has an entry for each conversation trigger, and no message can freeze or break the machine.

A phase shows the latest thing that happened. When that thing is over, the target is not a fixed
phase but `REST`: whatever is still going on, in this order: a tool is executing, a call is owed an
answer, the user is speaking, nothing (ACTIVE). REST is computed from three facts that the machine
keeps beside the phase: calls owed, calls executing, user speaking.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from trio_live.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_live.wire.usage import UsageMetadata


class SessionPhase(Enum):
    """The ten phases of a session."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    SETUP_SENT = "setup_sent"
    ACTIVE = "active"
    USER_SPEAKING = "user_speaking"
    MODEL_SPEAKING = "model_speaking"
    INTERRUPTED = "interrupted"
    TOOL_CALL_PENDING = "tool_call_pending"
    TOOL_CALL_EXECUTING = "tool_call_executing"
    DISCONNECTING = "disconnecting"


class Trigger(Enum):
    """What happens to a session, as far as its phase goes."""

    DIAL = "the library starts to connect"
    SETUP = "setup is sent"
    OPEN = "setupComplete arrives"
    USER_STARTED = "activityStart is sent, or the service hears speech start"
    USER_STOPPED = "activityEnd is sent, or the service hears speech end"
    MODEL_OUTPUT = "the model says something"
    INTERRUPTED = "the service interrupts the model"
    TURN_COMPLETE = "the model's turn is complete"
    TOOL_CALL = "the model calls functions"
    TOOL_STARTED = "a call is being executed"
    TOOLS_SETTLED = "calls were answered or withdrawn, all or some"
    CLOSE = "the session starts to end"
    CLOSED = "the connection is gone"


REST: Final = "rest"
"""The target "whatever is still going on"; see the theory above."""

P = SessionPhase
T = Trigger

CONVERSATION: Final = (
    P.ACTIVE,
    P.USER_SPEAKING,
    P.MODEL_SPEAKING,
    P.INTERRUPTED,
    P.TOOL_CALL_PENDING,
    P.TOOL_CALL_EXECUTING,
)

# Most conversation triggers lead to one place from everywhere; exceptions follow.
_FROM_ANY_CONVERSATION: Final[Mapping[Trigger, SessionPhase | str]] = {
    T.USER_STARTED: P.USER_SPEAKING,
    T.MODEL_OUTPUT: P.MODEL_SPEAKING,
    T.INTERRUPTED: P.INTERRUPTED,
    T.TURN_COMPLETE: REST,
    T.TOOL_CALL: P.TOOL_CALL_PENDING,
    T.TOOL_STARTED: P.TOOL_CALL_EXECUTING,
    T.CLOSE: P.DISCONNECTING,
    T.CLOSED: P.DISCONNECTED,
}

TRANSITIONS: Final[Mapping[SessionPhase, Mapping[Trigger, SessionPhase | str]]] = {
    P.DISCONNECTED: {T.DIAL: P.CONNECTING},
    P.CONNECTING: {T.SETUP: P.SETUP_SENT, T.CLOSE: P.DISCONNECTING, T.CLOSED: P.DISCONNECTED},
    P.SETUP_SENT: {T.OPEN: P.ACTIVE, T.CLOSE: P.DISCONNECTING, T.CLOSED: P.DISCONNECTED},
    P.DISCONNECTING: {T.CLOSED: P.DISCONNECTED},
    # Speech that ends, or calls that are settled, matter only where they are what the phase shows.
    P.ACTIVE: {**_FROM_ANY_CONVERSATION, T.USER_STOPPED: P.ACTIVE, T.TOOLS_SETTLED: P.ACTIVE},
    P.USER_SPEAKING: {
        **_FROM_ANY_CONVERSATION,
        T.USER_STOPPED: REST,
        T.TOOLS_SETTLED: P.USER_SPEAKING,
    },
    P.MODEL_SPEAKING: {
        **_FROM_ANY_CONVERSATION,
        T.USER_STOPPED: P.MODEL_SPEAKING,
        T.TOOLS_SETTLED: P.MODEL_SPEAKING,
    },
    P.INTERRUPTED: {
        **_FROM_ANY_CONVERSATION,
        T.USER_STOPPED: P.INTERRUPTED,
        T.TOOLS_SETTLED: P.INTERRUPTED,
    },
    P.TOOL_CALL_PENDING: {
        **_FROM_ANY_CONVERSATION,
        T.USER_STOPPED: P.TOOL_CALL_PENDING,
        T.TOOLS_SETTLED: REST,
    },
    P.TOOL_CALL_EXECUTING: {
        **_FROM_ANY_CONVERSATION,
        T.USER_STOPPED: P.TOOL_CALL_EXECUTING,
        T.TOOL_CALL: P.TOOL_CALL_EXECUTING,  # one more call does not stop the others
        T.TOOLS_SETTLED: REST,
    },
}

RESTING_PHASES: Final = (P.TOOL_CALL_EXECUTING, P.TOOL_CALL_PENDING, P.USER_SPEAKING, P.ACTIVE)
"""What REST can become, in order of precedence."""


class PhaseMachine:
    """Applies the table.

    Attributes:
        phase: The current phase.
        user_speaking: Whether speech has started and not ended.
        calls_owed: Calls that are owed an answer: id -> function name. A call that came without an
            id has a number in its place, which no id can be equal to.
        calls_executing: The keys of those that are being executed; all of them are owed.
    """

    __slots__ = ("calls_executing", "calls_owed", "phase", "user_speaking")

    def __init__(self) -> None:
        self.phase = SessionPhase.DISCONNECTED
        self.user_speaking = False
        self.calls_owed: dict[str | int, str] = {}
        self.calls_executing: set[str | int] = set()

    def fire(self, trigger: Trigger) -> SessionPhase | None:
        """Apply one trigger; give the phase entered, or None if the phase is the same."""
        target = TRANSITIONS[self.phase].get(trigger, self.phase)
        if not isinstance(target, SessionPhase):
            target = self._rest()
        if target is self.phase:
            return None
        self.phase = target
        return target

    def reset(self) -> None:
        """Forget the conversation's facts: a connection ended."""
        self.user_speaking = False
        self.calls_owed.clear()
        self.calls_executing.clear()

    def _rest(self) -> SessionPhase:
        holds = (bool(self.calls_executing), bool(self.calls_owed), self.user_speaking, True)
        return next(p for p, here in zip(RESTING_PHASES, holds, strict=True) if here)


class SessionState:
    """What is known of a session, kept up to date by it. Read it; do not write to it.

    Attributes:
        session_id: The service's id of the session, "" until it says one.
        phase: The current phase.
        resumption_handle: The last handle from which the session can be resumed. A secret.
        resumable: Whether the service last said that the session can be resumed right now.
        turn: The turn that goes on, or None between turns.
        history: The last complete turns, oldest first, at most `max_turns` of them.
        total_tokens: The sum of the totals of all usage reports: what the session has been billed
            for.
    """

    __slots__ = (
        "_max_turns",
        "history",
        "machine",
        "resumable",
        "resumption_handle",
        "session_id",
        "total_tokens",
        "turn",
        "turns_started",
    )

    def __init__(self, *, max_turns: int = 32) -> None:
        self.machine = PhaseMachine()
        self.session_id = ""
        self.resumption_handle: str | None = None
        self.resumable = False
        self.turn: Turn | None = None
        self.turns_started = 0
        self.history: list[Turn] = []
        self._max_turns = max_turns
        self.total_tokens = 0

    @property
    def phase(self) -> SessionPhase:
        """The current phase."""
        return self.machine.phase

    @property
    def calls_owed(self) -> dict[str | int, str]:
        """The calls that are owed an answer: id -> function name; a number for want of an id."""
        return dict(self.machine.calls_owed)

    @property
    def calls_running(self) -> dict[str | int, str]:
        """Those of them that are being worked on."""
        machine = self.machine
        return {k: n for k, n in machine.calls_owed.items() if k in machine.calls_executing}

    def begin_turn(self, now: float) -> Turn:
        """Give the turn that goes on, beginning one if there is none."""
        if self.turn is None:
            self.turns_started += 1
            self.turn = Turn(self.turns_started, now)
        return self.turn

    def end_turn(self, now: float) -> Turn | None:
        """Complete the turn that goes on and keep it; None if there was none."""
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.completed = now
            self.history.append(turn)
            del self.history[: max(0, len(self.history) - self._max_turns)]
        return turn

    def count_usage(self, usage: UsageMetadata) -> None:
        """Add a usage report to the totals and to the turn it belongs to."""
        turn = self.turn or (self.history[-1] if self.history else None)
        if turn is not None:
            turn.usage = usage
        self.total_tokens += usage.total_token_count or 0

    def __repr__(self) -> str:
        return (
            f"<SessionState {self.session_id or 'without id'}: {self.phase.value}, "
            f"{len(self.history)} turns kept>"
        )
