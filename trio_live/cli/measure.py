"""What `talk` measures: latencies, and whether everything that was said has been answered.

What lives here: Stopwatch and Summary; time is passed in. What must not: I/O, clocks, words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trio_live import (
    AudioData,
    Interrupted,
    OutputTranscription,
    SessionEvent,
    TextDelta,
    ToolCall,
    TurnComplete,
    VoiceActivityStart,
)

SPEECH_DBFS: Final = -45.0
"""From here on a chunk counts as speech: quiet speech lies around -35, a quiet room below -55."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a talk.

    Attributes:
        seconds: How long the session took.
        turns: How many turns were completed.
        first_audio: Seconds from the user's last word to the model's first audio, or None.
        latencies: For each response, seconds from the user's last word to its first sound or text.
        frames_sent: Messages sent.
        frames_received: Messages received.
        bytes_sent: Their bytes.
        bytes_received: Their bytes.
        dropped: Events that this program lost because it was too slow.
        undelivered: Messages that were lost with the connection.
        reply_seconds: How much of the model's voice was kept.
        stale_seconds: How much of it an interruption made stale.
        skipped_bytes: How much of it was of another rate or format than its beginning.
    """

    seconds: float
    turns: int
    first_audio: float | None
    latencies: tuple[float, ...]
    frames_sent: int
    frames_received: int
    bytes_sent: int
    bytes_received: int
    dropped: int
    undelivered: int
    reply_seconds: float
    stale_seconds: float
    skipped_bytes: int


class Stopwatch:
    """Follows what is sent and what happens.

    The user's last word is the last chunk sent that was loud enough to be speech: a file usually
    ends in silence, and a microphone never stops.

    Attributes:
        latencies: See Summary.
        first_audio: See Summary.
        turns: See Summary.
        heard_speech: Whether anything that was sent was loud enough to be speech.
    """

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.first_audio: float | None = None
        self.turns = 0
        self._last_word = 0.0
        self.heard_speech = False
        self._response = 0  # the last one that has begun
        self._going_on = False  # somebody speaks
        self._answered = False  # a whole turn has ended since the last word

    @property
    def all_answered(self) -> bool:
        """Whether the last word has been followed by a complete turn, and nobody speaks."""
        return self._answered and not self._going_on

    def sent(self, at: float, level: float) -> None:
        """Note that a chunk of this level (dBFS) was sent."""
        is_speech = level >= SPEECH_DBFS
        if is_speech or not self.heard_speech:
            self._last_word = at
            self._answered = False
        self.heard_speech = self.heard_speech or is_speech

    def happened(self, at: float, event: SessionEvent) -> None:
        """Note an event."""
        match event:
            case AudioData(response=response) | TextDelta(response=response):
                self._going_on = True
                self._note_output(at, response, is_audio=isinstance(event, AudioData))
            case OutputTranscription() | ToolCall() | VoiceActivityStart() | Interrupted():
                self._going_on = True
            case TurnComplete(interrupted=interrupted):
                self._going_on = False
                self._answered = self._answered or not interrupted
                self.turns += 1
            case _:
                pass

    def _note_output(self, at: float, response: int, *, is_audio: bool) -> None:
        latency = at - self._last_word
        if response > self._response:
            self._response = response
            self.latencies.append(latency)
        if is_audio and self.first_audio is None:
            self.first_audio = latency
