"""Audio that waits while the model waits for a function.

What lives here: MicrophoneGate. What must not: I/O, clocks (time is passed in), what is a call
(protocol.py). Some models close the connection with 1008 when audio comes while a BLOCKING call is
open, others take it for a new turn and make the call again (reported by developers of three
clients); see Capabilities.audio_during_calls.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from trio_live import commands, events
from trio_live.commands import SessionCommand

AudioDuringCalls: TypeAlias = Literal["send", "drop", "hold"]
"""What happens to audio while a BLOCKING call is open: it is sent; it is dropped; it is held, and
sent when no such call is open any more, but for what is too old by then."""

MAX_HELD_BYTES: Final = 1024 * 1024
"""How much audio is held: half a minute at 16 kHz, if it is not dropped for its age before."""


class MicrophoneGate:
    """Keeps audio back while a call is open.

    Args:
        hold: Whether it is kept; else it is dropped.
        max_age: How old it may become, in seconds.
        is_shut: Says whether a call is open.
    """

    def __init__(self, *, hold: bool, max_age: float, is_shut: Callable[[], bool]) -> None:
        self._hold = hold
        self._max_age = max_age
        self._is_shut = is_shut
        self._held: deque[tuple[float, commands.SendAudio | commands.EndAudioStream]] = deque()
        self._held_bytes = 0
        self._dropped = 0
        self._shut_at: float | None = None  # since when something is kept back

    def keeps(self, command: SessionCommand, now: float) -> bool:
        """Take a command, if it is to wait or to be dropped; say whether it was taken."""
        if not isinstance(command, commands.SendAudio | commands.EndAudioStream):
            return False
        if not self._is_shut():
            return False
        if isinstance(command, commands.EndAudioStream) and not self._held:
            return False
        if self._shut_at is None:
            self._shut_at = now
        if not self._hold:
            self._dropped += 1
            return True
        self._held.append((now, command))
        self._held_bytes += len(command.data) if isinstance(command, commands.SendAudio) else 0
        self._drop_old(now)
        return True

    def release(self, now: float) -> tuple[list[SessionCommand], list[events.SessionEvent]]:
        """Give what was held, and what is told of it, if no call is open any more."""
        if self._shut_at is None or self._is_shut():
            return [], []
        self._drop_old(now)
        held = [command for _, command in self._held]
        audio = sum(isinstance(command, commands.SendAudio) for command in held)
        told = events.AudioHeldBack(self._dropped, audio, now - self._shut_at)
        self._clear()
        return [*held], [told]

    def drop_all(self) -> Counter[str]:
        """Drop what is held; give how many commands of each kind were dropped since it was shut."""
        lost = Counter(type(command).__name__ for _, command in self._held)
        lost["SendAudio"] += self._dropped
        self._clear()
        return +lost

    def _drop_old(self, now: float) -> None:
        held = self._held
        while held and (now - held[0][0] > self._max_age or self._held_bytes > MAX_HELD_BYTES):
            _, command = held.popleft()
            if isinstance(command, commands.SendAudio):
                self._held_bytes -= len(command.data)
                self._dropped += 1

    def _clear(self) -> None:
        self._held.clear()
        self._held_bytes = self._dropped = 0
        self._shut_at = None
