"""The model's voice as a listener would hear it.

What lives here: Tape, which plays in thought. What must not: clocks (time is passed in), files.
"""

from __future__ import annotations

from trio_live import AudioData, Interrupted
from trio_live.audio import duration


class Tape:
    """Records what would have been played.

    Audio comes faster than it plays, so an interruption finds much of it unplayed. That part is cut
    off, and what still comes of the interrupted response is not taken: the rule for every player.

    Attributes:
        sample_rate_hz: The rate of the first piece.
        stale_bytes: What an interruption made stale.
        skipped_bytes: Audio of another rate or format than the first; it does not fit on the tape.
    """

    def __init__(self) -> None:
        self.sample_rate_hz = 24_000
        self.stale_bytes = 0
        self.skipped_bytes = 0
        self._pcm16 = bytearray()
        self._stale_response = 0
        self._played_until = 0.0  # when all that is on the tape has been played

    @property
    def pcm16(self) -> bytes:
        """What is on the tape."""
        return bytes(self._pcm16)

    def add(self, at: float, audio: AudioData) -> None:
        """Take a piece that has come."""
        if audio.response <= self._stale_response:
            self.stale_bytes += len(audio.data)
            return
        if not self._pcm16:
            self.sample_rate_hz = audio.sample_rate_hz
        if audio.sample_rate_hz != self.sample_rate_hz or not audio.mime_type.startswith(
            "audio/pcm"
        ):
            self.skipped_bytes += len(audio.data)
            return
        whole = audio.data[: len(audio.data) // 2 * 2]
        self._pcm16 += whole
        self._played_until = max(self._played_until, at) + duration(whole, self.sample_rate_hz)

    def interrupt(self, at: float, event: Interrupted) -> None:
        """Cut off what has not been played by now."""
        self._stale_response = max(self._stale_response, event.response)
        unplayed = max(0.0, self._played_until - at)
        cut = min(2 * round(unplayed * self.sample_rate_hz), len(self._pcm16))
        if cut:
            del self._pcm16[-cut:]
        self.stale_bytes += cut
        self._played_until = min(self._played_until, at)
