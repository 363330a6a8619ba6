"""Turns: what was said by both sides, as far as it is kept.

What lives here: Turn, the text in it, and the bounds of both. What must not: when a turn begins and
ends (state.py, inbound.py), messages of the wire, I/O, clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trio_live.wire.functions import FunctionCall
    from trio_live.wire.usage import UsageMetadata

MAX_TURN_CHARS: Final = 1_048_576
"""How much of each of its texts a turn keeps: one that is never completed must not grow for ever.
Answers have 8,192 tokens at most, some 40,000 characters."""

MAX_CALLS: Final = 1_024
"""How many calls of a turn are kept, and how many can be owed an answer at a time. More than that
is no conversation; they are told as events, and cannot be answered."""


class BoundedText:
    """Text that comes in pieces; what is beyond MAX_TURN_CHARS is not kept."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def add(self, piece: str) -> None:
        """Add a piece, or what there is room for."""
        kept = piece[: MAX_TURN_CHARS - self._size]
        if kept:
            self._size += len(kept)
            self._pieces.append(kept)

    def __str__(self) -> str:
        return "".join(self._pieces)


class Turn:
    """One exchange: what the user put in and what the model answered, as far as it is known.

    Of each text the first MAX_TURN_CHARS characters are kept; the events have it all.

    Attributes:
        number: Counts turns of the session from 1.
        audio_bytes: Bytes of audio that the model sent.
        audio_seconds: Their duration in seconds.
        tool_calls: The calls that the model made, in order.
        usage: The last usage report of the turn, or None.
        interrupted: Whether the service said so.
        cut: Whether it ended because the connection did.
        reason: The service's turnCompleteReason, or None.
        started: When the first thing of the turn happened, in seconds of Trio's clock.
        completed: When it was complete, or None while it goes on.
    """

    __slots__ = (
        "_input",
        "_output",
        "_sent",
        "_text",
        "audio_bytes",
        "audio_seconds",
        "completed",
        "cut",
        "interrupted",
        "number",
        "reason",
        "started",
        "tool_calls",
        "usage",
    )

    def __init__(self, number: int, started: float) -> None:
        self.number = number
        self.started = started
        self.completed: float | None = None
        self._text = BoundedText()
        self._input = BoundedText()
        self._output = BoundedText()
        self._sent = BoundedText()
        self.audio_bytes = 0
        self.audio_seconds = 0.0
        self.tool_calls: list[FunctionCall] = []
        self.usage: UsageMetadata | None = None
        self.interrupted = False
        self.cut = False
        self.reason: str | None = None

    @property
    def text(self) -> str:
        """The model's text so far, without thoughts."""
        return str(self._text)

    @property
    def sent_text(self) -> str:
        """What the user sent as text."""
        return str(self._sent)

    @property
    def input_transcript(self) -> str:
        """What the service heard the user say."""
        return str(self._input)

    @property
    def output_transcript(self) -> str:
        """What the model said aloud, as text."""
        return str(self._output)

    def add_sent(self, text: str) -> None:
        """Record text that the user sent."""
        self._sent.add(text)

    def add_text(self, text: str) -> None:
        """Record a piece of the model's text."""
        self._text.add(text)

    def add_transcript(self, text: str, *, of_user: bool) -> None:
        """Record a piece of a transcript."""
        (self._input if of_user else self._output).add(text)

    def __repr__(self) -> str:
        state = "going on" if self.completed is None else "complete"
        return (
            f"<Turn {self.number} {state}, {self.audio_bytes} bytes of audio, "
            f"{len(self.tool_calls)} calls, interrupted={self.interrupted}>"
        )
