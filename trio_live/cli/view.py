"""What `talk` shows: the View protocol, and its two plain forms.

What lives here: LineView (one line per event) and JsonView. What must not: rich (live_view.py).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol

import click

from trio_live import AudioData
from trio_live.cli.describe import describe, summary_lines
from trio_live.cli.events_json import event_line, line

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trio_live import SessionEvent
    from trio_live.cli.measure import Summary


class View(Protocol):
    """Where a talk is shown. Times are seconds since the start. Nothing here blocks for long."""

    def started(self, words: str, fields: dict[str, object]) -> None:
        """Show where we connect and what we send: in words, and as fields for programs."""
        ...

    def running(self) -> AbstractContextManager[object]:
        """Give what has to be entered while the session runs."""
        ...

    def sent(self, at: float, level: float) -> None:
        """Show that a chunk of this level (dBFS) was sent."""
        ...

    def happened(self, at: float, event: SessionEvent) -> None:
        """Show an event."""
        ...

    def refresh(self, at: float) -> None:
        """Show what has gathered; called several times a second."""
        ...

    def ended(self, summary: Summary, reply: str | None) -> None:
        """Show what came of it, and where the reply was written."""
        ...


class _PlainView:
    """What both plain forms need not show."""

    def running(self) -> AbstractContextManager[object]:
        """Give nothing to enter."""
        from contextlib import nullcontext

        return nullcontext()

    def sent(self, at: float, level: float) -> None:
        """Show nothing: fifty lines a second say nothing."""

    def refresh(self, at: float) -> None:
        """Show nothing: each event was shown when it happened."""


class LineView(_PlainView):
    """One line per event; of a response's audio only the beginning."""

    def __init__(self) -> None:
        self._response = 0

    def started(self, words: str, fields: dict[str, object]) -> None:
        """Show the words."""
        del fields
        click.echo(words)

    def happened(self, at: float, event: SessionEvent) -> None:
        """Show the event and its time."""
        if isinstance(event, AudioData):
            if event.response == self._response:
                return
            self._response = event.response
        click.echo(f"{at:8.3f}  {describe(event)}")

    def ended(self, summary: Summary, reply: str | None) -> None:
        """Show the summary as a list."""
        for heading, words in summary_lines(summary, reply):
            click.echo(f"{heading + ':':14} {words}")


class JsonView(_PlainView):
    """One JSON object per line, for programs; see events_json.py."""

    def started(self, words: str, fields: dict[str, object]) -> None:
        """Show the fields."""
        del words
        click.echo(line(0.0, "start", fields))

    def happened(self, at: float, event: SessionEvent) -> None:
        """Show the event with all its fields."""
        click.echo(event_line(at, event))

    def ended(self, summary: Summary, reply: str | None) -> None:
        """Show the figures."""
        click.echo(line(summary.seconds, "summary", {**asdict(summary), "reply": reply}))
