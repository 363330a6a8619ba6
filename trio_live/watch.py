"""Waiting for a phase.

What lives here: PhaseWatch, a handle's `phase_rx`. What must not: the phases' rules (state.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_live.errors import InvalidArgumentType, LiveError, SessionClosed
from trio_live.events import PhaseChanged
from trio_live.state import SessionPhase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_live.events import SessionEvent


class PhaseWatch:
    """The current phase, and who waits for which.

    A waiter is released when its phase is entered, at that moment, not when it next gets to run. So
    a phase that lasts for no time at all is not missed.

    Attributes:
        phase: The current phase.
    """

    def __init__(self, phase: SessionPhase = SessionPhase.DISCONNECTED) -> None:
        self.phase = phase
        self._waiting: dict[SessionPhase, trio.Event] = {}
        self._ended = False
        self._error: LiveError | None = None

    def enter(self, phase: SessionPhase) -> None:
        """Note that a phase was entered."""
        self.phase = phase
        if (waiting := self._waiting.pop(phase, None)) is not None:
            waiting.set()

    def follow(self, happened: Iterable[SessionEvent]) -> None:
        """Note the phases that were entered in a list of events."""
        for event in happened:
            if type(event) is PhaseChanged:
                self.enter(event.phase)

    def close(self, error: LiveError | None = None) -> None:
        """Release everybody: the session has ended, and no phase will be entered any more.

        Only the first call counts.
        """
        if self._ended:
            return
        self._ended = True
        self._error = error
        for waiting in self._waiting.values():
            waiting.set()

    async def wait_for(self, target: SessionPhase) -> None:
        """Wait until `target` is entered, or return at once if it is the current phase.

        Raises:
            InvalidArgumentType: It is no SessionPhase.
            SessionClosed: The session ended normally without entering it.
            LiveError: The session ended without entering it, by this error.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        given: object = target
        if not isinstance(given, SessionPhase):
            raise InvalidArgumentType(
                f"target must be a SessionPhase such as SessionPhase.ACTIVE, not {given!r}"
            )
        if self.phase is target:
            await trio.lowlevel.checkpoint()
            return
        if self._ended:
            await trio.lowlevel.checkpoint()
        else:
            # No checkpoint before this: the phase could be entered and left during it.
            waiting = self._waiting.setdefault(target, trio.Event())
            await waiting.wait()
            if self._waiting.get(target) is not waiting:
                return  # taken out when the phase was entered
        if self._error is not None:
            raise self._error.again()
        raise SessionClosed(f"the session ended without entering {target.value}", phase=self.phase)
