"""`trio-live chat`: text in, text out, line by line.

What lives here: the session of it, and what it shows. What must not: options (app.py), reading
lines (lines.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import click
import trio

import trio_live
from trio_live.cli.events_json import event_line, line
from trio_live.cli.place import open_place
from trio_live.cli.run import CLOSE_TIMEOUT, CommandFailed, plain_errors, printable

if TYPE_CHECKING:
    from trio_live import SessionEvent, SessionHandle
    from trio_live.cli.lines import LineReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """What the user asked for.

    Attributes:
        url: A server, or None.
        insecure: Allow ws:// to another machine.
        wait: Seconds to wait for each answer.
        config: The session.
    """

    url: str | None
    insecure: bool
    wait: float
    config: trio_live.SessionConfig


class ChatView(Protocol):
    """Where a chat is shown. Times are seconds since the start."""

    def started(self, words: str, fields: dict[str, object]) -> None:
        """Show where we connect: in words, and as fields for programs."""
        ...

    def prompt(self) -> None:
        """Ask for a line."""
        ...

    def happened(self, at: float, event: SessionEvent) -> None:
        """Show an event."""
        ...

    def ended(self) -> None:
        """Leave the screen in order."""
        ...


class TextChatView:
    """Shows the answers as they come; nothing else on standard output, so that it can be piped.

    Args:
        interactive: Whether a person types: show a prompt.
    """

    def __init__(self, *, interactive: bool) -> None:
        self._interactive = interactive
        self._in_line = False

    def started(self, words: str, fields: dict[str, object]) -> None:
        """Show the words on standard error."""
        del fields
        click.echo(words, err=True)

    def prompt(self) -> None:
        """Show the prompt."""
        if self._interactive:
            click.echo("> ", nl=False)

    def happened(self, at: float, event: SessionEvent) -> None:
        """Show what the model says, and what a user has to know."""
        match event:
            case trio_live.TextDelta(text=text) | trio_live.OutputTranscription(text=text):
                click.echo(printable(text), nl=False)
                self._in_line = self._in_line or bool(text)
            case trio_live.TurnComplete() | trio_live.Interrupted():
                if self._in_line:
                    click.echo()
                self._in_line = False
                if isinstance(event, trio_live.TurnComplete) and event.cut:
                    click.echo("(the answer was cut off: the connection is gone)", err=True)
            case trio_live.Reconnecting(cause=cause, delay=seconds):
                click.echo(f"({printable(cause)}; connecting in {seconds:.1f} s)", err=True)
            case trio_live.Reconnected(restored=restored):
                known = "" if restored else ", but the server knows nothing of before"
                click.echo(f"(connected again{known})", err=True)
            case trio_live.GoAway(time_left=seconds):
                click.echo(f"(the server ends the session in {seconds} s)", err=True)
            case trio_live.Error(message=message):
                click.echo(f"(error: {printable(message)})", err=True)
            case _:
                pass

    def ended(self) -> None:
        """End the line of the prompt or of an answer that was cut off."""
        if self._interactive or self._in_line:
            click.echo()


class JsonChatView:
    """One JSON object per event; see events_json.py."""

    def started(self, words: str, fields: dict[str, object]) -> None:
        """Show the fields."""
        del words
        click.echo(line(0.0, "start", fields))

    def prompt(self) -> None:
        """Show nothing."""

    def happened(self, at: float, event: SessionEvent) -> None:
        """Show the event with all its fields."""
        click.echo(event_line(at, event))

    def ended(self) -> None:
        """Show nothing."""


async def chat(options: ChatOptions, lines: LineReader, view: ChatView) -> int:
    """Chat until the input ends; give the exit code.

    Raises:
        ConfigError: A setting is in the way.
        LiveError: The session failed.
        CommandFailed: An answer did not come in time, or the server ended the session.

    Cancellation: still cleans up. If cancelled, closes the session.
    """
    began = trio.current_time()
    async with open_place(options.url, insecure=options.insecure) as place:
        fields: dict[str, object] = {
            "server": place.kind,
            "endpoint": repr(place.endpoint),
            "model": options.config.model,
        }
        view.started(place.words, fields)
        try:
            with plain_errors():
                async with trio_live.open_session(
                    options.config,
                    endpoint=place.endpoint,
                    transport=trio_live.TransportConfig(close_timeout=CLOSE_TIMEOUT),
                ) as session:
                    await _Exchange(session, view, began).hold(lines, options.wait)
        finally:
            view.ended()
    return 0


class _Exchange:
    """Lines and answers in turn, while the events are shown whenever they come."""

    def __init__(self, session: SessionHandle, view: ChatView, began: float) -> None:
        self._session = session
        self._view = view
        self._began = began
        self._turn_complete = trio.Event()
        self._changed = trio.Event()  # replaced after each event
        self._at_end = False  # the user has no more lines

    async def hold(self, lines: LineReader, wait: float) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._show, nursery.cancel_scope)
            while (text := await self._ask(lines)) is not None:
                if text.strip():
                    await self._answer(text, wait)
            self._at_end = True
            await self._session.disconnect()  # and with the session, the events end
        if not self._at_end:
            raise CommandFailed("the server ended the session")

    async def _ask(self, lines: LineReader) -> str | None:
        self._view.prompt()
        return await lines.next_line()

    async def _answer(self, text: str, wait: float) -> None:
        self._turn_complete = trio.Event()
        await self._session.send_text(text)
        with trio.move_on_after(wait) as bound:
            while not self._turn_complete.is_set():
                await self._changed.wait()
                bound.deadline = trio.current_time() + wait
        if bound.cancelled_caught:
            raise CommandFailed(f"no complete answer: silence for {wait:g} s")

    async def _show(self, scope: trio.CancelScope) -> None:
        async for event in self._session:
            self._view.happened(trio.current_time() - self._began, event)
            if isinstance(event, trio_live.TurnComplete):
                self._turn_complete.set()
            self._changed.set()
            self._changed = trio.Event()
        scope.cancel()  # nobody needs to wait for a line or an answer any more
