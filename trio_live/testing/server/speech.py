"""Where speech starts and ends in a stream of PCM, by its loudness.

Time here is audio time, counted in samples: how fast or how late the chunks arrive plays no role.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from .pcm import BYTES_PER_SAMPLE, INPUT_RATE_HZ, loudness

FRAME_MS: Final = 20  # what one decision is made about; speech changes little within it


@dataclass(frozen=True, slots=True)
class SpeechStart:
    """Speech has begun.

    Attributes:
        offset: seconds from the start of the audio stream.
    """

    offset: float


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """Speech has ended.

    Attributes:
        offset: seconds from the start of the audio stream.
        pcm16: the speech, without the silence that ended it.
        sample_rate: its rate in samples a second.
    """

    offset: float
    pcm16: bytes
    sample_rate: int


SpeechEvent: TypeAlias = SpeechStart | SpeechEnd


class SpeechDetector:
    """Finds utterances in one audio stream.

    Args:
        threshold: mean absolute sample value from which a frame of 20 ms counts as speech.
        start_ms: that many milliseconds of speech in a row start an utterance.
        silence_ms: that many milliseconds without speech end it.
    """

    def __init__(self, *, threshold: int, start_ms: int, silence_ms: int) -> None:
        self._threshold = threshold
        self._frames_to_start = max(1, -(-start_ms // FRAME_MS))
        self._frames_to_end = max(1, -(-silence_ms // FRAME_MS))
        self._sample_rate = INPUT_RATE_HZ
        self._rest = bytearray()  # less than one frame
        self._speech = bytearray()  # the utterance so far, or the frames that may become one
        self._run = 0  # frames in a row: of speech while idle, of silence while speaking
        self._offset = 0.0  # seconds of complete frames seen
        self._speaking = False

    @property
    def speaking(self) -> bool:
        """Whether an utterance is open."""
        return self._speaking

    def feed(self, pcm16: bytes, sample_rate: int) -> list[SpeechEvent]:
        """Take the next chunk and return what happened in it.

        Args:
            pcm16: little-endian 16-bit mono PCM of any length.
            sample_rate: samples a second; a change ends an open utterance.
        """
        events: list[SpeechEvent] = []
        if sample_rate != self._sample_rate:
            events += self.flush()
            self._sample_rate = sample_rate
        self._rest += pcm16
        size = max(1, sample_rate * FRAME_MS // 1000) * BYTES_PER_SAMPLE
        whole = len(self._rest) - len(self._rest) % size
        for start in range(0, whole, size):
            self._take(bytes(self._rest[start : start + size]), events)
        del self._rest[:whole]
        return events

    def flush(self) -> list[SpeechEvent]:
        """End an open utterance at once, as the end of the audio stream does."""
        events: list[SpeechEvent] = []
        if self._speaking:
            self._speech += self._rest
            self._end(events)
        self._rest.clear()
        self._speech.clear()
        self._run = 0
        return events

    def _take(self, frame: bytes, events: list[SpeechEvent]) -> None:
        loud = loudness(frame) >= self._threshold
        self._offset += FRAME_MS / 1000
        if self._speaking:
            self._speech += frame
            self._run = 0 if loud else self._run + 1
            if self._run == self._frames_to_end:
                del self._speech[-self._run * len(frame) :]
                self._end(events)
        elif not loud:
            self._run = 0
            self._speech.clear()
        else:
            self._run += 1
            self._speech += frame
            if self._run == self._frames_to_start:
                self._speaking = True
                events.append(SpeechStart(round(self._offset - self._run * FRAME_MS / 1000, 3)))
                self._run = 0

    def _end(self, events: list[SpeechEvent]) -> None:
        events.append(SpeechEnd(round(self._offset, 3), bytes(self._speech), self._sample_rate))
        self._speech.clear()
        self._speaking = False
        self._run = 0
