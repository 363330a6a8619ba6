"""How a command runs and ends: signals, failures, exit codes.

What lives here: the one call of trio.run. What must not: what a command does.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click
import trio

from trio_live import ConfigError, InvalidArgument, LiveError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

CLOSE_TIMEOUT: Final = 1.0
"""Seconds that the end of a session may take here; "at once" matters more than the last goodbye."""

_FAILURE: Final = 1
_USAGE: Final = 2
_SIGNALLED: Final = 128  # plus the signal's number, as shells have it


class CommandFailed(Exception):
    """A command did not do what it was asked for; the message is the line to show."""


def run(command: Callable[[], Awaitable[int]]) -> int:
    """Run a command to its end and give the exit code.

    SIGINT and SIGTERM cancel it; what it has open is closed and its `finally` blocks run. Errors
    that a user can do something about become one line on stderr.
    """
    try:
        return trio.run(_supervise, command)
    except KeyboardInterrupt:  # before the signals were ours
        return _SIGNALLED + signal.SIGINT


@contextmanager
def plain_errors() -> Generator[None, None, None]:
    """Turn a group that holds nothing but expected errors into the first of them.

    The tasks of a command share one session, so one loss may reach several of them.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        expected, rest = group.split((LiveError, CommandFailed, BrokenPipeError))
        if expected is None or rest is not None:
            raise
        first: BaseException = expected
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from first.__cause__


async def _supervise(command: Callable[[], Awaitable[int]]) -> int:
    received: list[int] = []
    code = 0
    async with trio.open_nursery() as nursery:
        await nursery.start(_watch_signals, received, nursery.cancel_scope)
        try:
            with plain_errors():
                code = await command()
        except (LiveError, CommandFailed) as error:
            # An error on the way out of a cancelled command is only the echo of its end.
            code = 0 if received else _report(error)
        except BrokenPipeError:
            _forget_stdout()
            code = _FAILURE
        nursery.cancel_scope.cancel()
    return _SIGNALLED + received[0] if received else code


async def _watch_signals(
    received: list[int],
    scope: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[None],
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            received.append(number)
            scope.cancel()


def _report(error: LiveError | CommandFailed) -> int:
    click.echo(f"trio-live: error: {one_line(str(error))}", err=True)
    return _USAGE if isinstance(error, ConfigError | InvalidArgument) else _FAILURE


def one_line(text: str) -> str:
    """Make a text of anybody's safe to show: one line, without control characters."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """Drop what could steer a terminal: the model's words are not ours."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _forget_stdout() -> None:
    """Let Python's last flush go nowhere: whoever read our output is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
