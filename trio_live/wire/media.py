"""What can be said about media in a part: resolution, what of it counts, how speech is to sound.

What lives here: the descriptions that stand beside a part's media. What must not: the media
themselves (content.py). Nearly all of it is for what a client sends. Source: google-genai 3.4
`types.py`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.marks import Duration


class PartMediaResolution(Wire, frozen=True):
    """How finely a part's media are tokenised: by level, or by a number of tokens."""

    level: enums.PartMediaResolutionLevel | None = None
    num_tokens: int | None = None


class VideoMetadata(Wire, frozen=True):
    """Which stretch of a video counts.

    Attributes:
        start_offset: Where it begins, as a duration.
        end_offset: Where it ends, as a duration.
        fps: Frames a second that the model sees, above 0.0 and up to 24.0; the service's default
            is 1.0.
        content_layers: What of it the model gets; frames and audio by default.
    """

    start_offset: Duration | None = None
    end_offset: Duration | None = None
    fps: float | None = None
    content_layers: tuple[enums.VideoMetadataContentLayer, ...] | None = None


class AudioMetadata(Wire, frozen=True):
    """Which stretch of a sound counts, as durations from its start."""

    start_offset: Duration | None = None
    end_offset: Duration | None = None


class DocumentMetadata(Wire, frozen=True):
    """Which pages of a document count, from 1 and with both ends, and as what they are read."""

    start_page: int | None = None
    end_page: int | None = None
    content_layers: tuple[enums.DocumentMetadataContentLayer, ...] | None = None


class SpreadsheetMetadata(Wire, frozen=True):
    """Which cells of a spreadsheet count, in A1 notation, on which sheet, counted from 1."""

    visible_cells: str | None = None
    sheet_index: int | None = None
    content_layers: tuple[enums.SpreadsheetMetadataContentLayer, ...] | None = None


class SpeechMetadata(Wire, frozen=True):
    """Who is to speak a text part, and in which style."""

    speaker: str | None = None
    style: str | None = None
