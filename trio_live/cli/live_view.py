"""The live view of `talk`: phase, levels, transcript and the latest events.

What lives here: everything that is drawn with rich. What must not: measuring. rich's own refresh
thread stays off: talk's loop says when to draw, so that a frame never shows half an update.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from trio_live import (
    AudioData,
    InputTranscription,
    OutputTranscription,
    PhaseChanged,
    TextDelta,
)
from trio_live.audio import SILENCE_DBFS, level_dbfs
from trio_live.cli.describe import describe, summary_lines
from trio_live.cli.run import printable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trio_live import SessionEvent
    from trio_live.cli.measure import Summary

_EVENTS: Final = 8
_TRANSCRIPT_LETTERS: Final = 400  # of the end of each side's
_BAR: Final = 30
_FLOOR_DBFS: Final = -60.0  # an empty bar
_HOLD_S: Final = 0.25  # after that without a chunk, a level falls to silence


class _Level:
    """The level of the latest chunk in one direction."""

    def __init__(self) -> None:
        self._dbfs = SILENCE_DBFS
        self._at = 0.0

    def set(self, at: float, dbfs: float) -> None:
        self._at, self._dbfs = at, dbfs

    def bar(self, now: float) -> Text:
        dbfs = self._dbfs if now - self._at <= _HOLD_S else SILENCE_DBFS
        filled = round(_BAR * min(1.0, max(0.0, 1 - dbfs / _FLOOR_DBFS)))
        label = f" {dbfs:6.1f} dB" if dbfs > _FLOOR_DBFS else "  silent"
        return Text.assemble(("█" * filled, "green"), ("░" * (_BAR - filled), "dim"), label)


class LiveView:
    """Draws the talk in a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._title = ""
        self._now = 0.0
        self._phase = "connecting"
        self._microphone = _Level()
        self._speaker = _Level()
        self._said = {"you": "", "model": ""}
        self._events: deque[tuple[float, str]] = deque(maxlen=_EVENTS)
        self._response = 0

    def started(self, words: str, fields: dict[str, object]) -> None:
        """Show where we connect, above what is drawn."""
        self._title = str(fields.get("model", ""))
        self._console.print(Text(words))

    def running(self) -> AbstractContextManager[object]:
        """Give what draws while it is entered, and puts the terminal in order when it is left."""
        return self._live

    def sent(self, at: float, level: float) -> None:
        """Move the microphone's level."""
        self._microphone.set(at, level)

    def happened(self, at: float, event: SessionEvent) -> None:
        """Take an event into what is drawn next."""
        match event:
            case AudioData(data=pcm16, response=response):
                self._speaker.set(at, level_dbfs(pcm16[: len(pcm16) // 2 * 2]))
                if response == self._response:
                    return
                self._response = response
            case PhaseChanged(phase=phase):
                self._phase = phase.value
            case InputTranscription(text=text):
                self._say("you", text)
            case OutputTranscription(text=text) | TextDelta(text=text):
                self._say("model", text)
            case _:
                pass
        self._events.append((at, describe(event)))

    def refresh(self, at: float) -> None:
        """Draw."""
        self._now = at
        self._live.update(self._drawn(), refresh=True)

    def ended(self, summary: Summary, reply: str | None) -> None:
        """Show the summary under what was drawn last."""
        table = Table.grid(padding=(0, 2))
        for heading, words in summary_lines(summary, reply):
            table.add_row(Text(heading, "bold"), Text(words))
        self._console.print(table)

    def _say(self, who: str, text: str) -> None:
        self._said[who] = (self._said[who] + printable(text))[-_TRANSCRIPT_LETTERS:]

    def _drawn(self) -> Panel:
        state = Table.grid(padding=(0, 2))
        state.add_row(Text("phase", "bold"), Text(f"{self._phase}   {self._now:.1f} s", "cyan"))
        state.add_row(Text("sent", "bold"), self._microphone.bar(self._now))
        state.add_row(Text("received", "bold"), self._speaker.bar(self._now))
        for who, text in self._said.items():
            state.add_row(Text(who, "bold"), Text(text))
        events = Table.grid(padding=(0, 2))
        events.add_column(justify="right", style="dim")
        events.add_column(no_wrap=True, overflow="ellipsis")
        for at, words in self._events:
            events.add_row(f"{at:.3f}", Text(words))
        return Panel(Group(state, Text(), events), title=Text(self._title), title_align="left")
