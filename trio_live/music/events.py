"""What only a music session tells; the rest of its events are those of a Live session.

What lives here: two frozen structs. What must not: how they come about, and the union of all events
of a music session (protocol.py). `trio_live.events` knows their sizes, so this imports none of it.
"""

from __future__ import annotations

from trio_live.music.wire import MusicSource
from trio_live.wire.base import Data


class MusicData(Data, frozen=True):
    """A chunk of music, about two seconds (`audioChunks`).

    Attributes:
        data: PCM, signed 16-bit little-endian, the channels interleaved.
        sample_rate_hz: Samples per second and channel; 48,000.
        channels: 2: left, right.
        mime_type: What the service says of it.
        source: The prompts and the config that it was made from, if the service says so.
    """

    data: bytes
    sample_rate_hz: int
    channels: int
    mime_type: str
    source: MusicSource | None = None

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.data) / (2 * self.channels * self.sample_rate_hz)


class PromptFiltered(Data, frozen=True):
    """The service does not follow a prompt (`filteredPrompt`); the music goes on without it.

    Attributes:
        text: The prompt.
        filtered_reason: The service's reason.
    """

    text: str
    filtered_reason: str
