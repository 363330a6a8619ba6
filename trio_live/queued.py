"""A verb that waits for its command's turn.

What lives here: Queued, which knows at any moment whether it was cancelled. What must not: the
queue (outbox.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from trio_live.commands import SessionCommand
    from trio_live.errors import LiveError


class Queued:
    """A command that waits in the channel for its turn, and the verb that waits for it.

    Attributes:
        command: The command, or None if only the turn is waited for (flush).
        abandoned: The verb was cancelled.
        done: The turn has come, or never will.
        error: Why the command was refused, or None.
    """

    __slots__ = ("_waiting", "abandoned", "command", "done", "error")

    def __init__(self, command: SessionCommand | None) -> None:
        self.command = command
        self.abandoned = False
        self.done = False
        self.error: LiveError | None = None
        self._waiting: trio.lowlevel.Task | None = None

    def finish(self, error: LiveError | None) -> None:
        """Tell the verb how it went."""
        self.done = True
        self.error = error
        if self._waiting is not None:
            trio.lowlevel.reschedule(self._waiting)

    async def wait(self) -> None:
        """Wait for the turn.

        Cancellation: atomic. If cancelled, it is abandoned from that moment on, not only from when
        the verb's task gets to run: the pump may run before it (so this is no trio.Event).
        """
        if self.done:
            return
        self._waiting = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting = None
            self.abandoned = True
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
