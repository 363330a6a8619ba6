"""The channel behind `command_tx`, made when somebody asks for it.

What lives here: CommandChannel, and CommandEnd, what a handle has of it. What must not: what
becomes of a command (outbox.py), the task that takes commands out (runner.py).

A verb needs no channel while nothing is queued, and most programs use nothing but verbs. Without it
and its task a session is 4.5 KiB smaller (benchmarks/memory.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import trio

from trio_live.commands import SessionCommand

COMMAND_BUFFER: Final = 64
"""How many raw commands fit into `command_tx` before a sender waits."""

CommandSender = trio.MemorySendChannel[SessionCommand]
CommandReceiver = trio.MemoryReceiveChannel[SessionCommand]


class CommandChannel:
    """The channel of one session, and how many handles the session has.

    Args:
        attend: Called when somebody has to take commands out, and when the last handle is closed
            of a channel that was never made.

    Attributes:
        receiver: The receiving end, or None while there is no channel.
    """

    def __init__(self, attend: Callable[[], object]) -> None:
        self.receiver: CommandReceiver | None = None
        self._attend = attend
        self._sender: CommandSender | None = None  # of all handles that have no end of their own
        self._handles = 0
        self._closed = False

    def end(self) -> CommandSender:
        """Give a further handle's end: a CommandEnd, which does what a handle does with a channel.

        The type is that of what it stands for.
        """
        self._handles += 1
        return cast("CommandSender", CommandEnd(self))

    def open(self) -> CommandSender:
        """Give a sending end; make the channel, if there is none. A handle must be open."""
        if self._sender is None:
            self._sender, self.receiver = trio.open_memory_channel[SessionCommand](COMMAND_BUFFER)
            if self._closed:
                self.receiver.close()
            else:
                self._attend()
        return self._sender.clone()

    def leave(self) -> None:
        """Note that a handle is closed."""
        self._handles -= 1
        if self._handles:
            return
        if self._sender is not None:
            self._sender.close()
        elif not self._closed:
            self._attend()

    def close(self) -> None:
        """Take no more commands: who sends gets trio.BrokenResourceError."""
        self._closed = True
        if self.receiver is not None:
            self.receiver.close()


class CommandEnd:
    """A handle's end of the channel, made when it is needed."""

    __slots__ = ("_channel", "_closed", "_sender")

    def __init__(self, channel: CommandChannel) -> None:
        self._channel = channel
        self._sender: CommandSender | None = None
        self._closed = False

    def open(self) -> CommandSender:
        """Give the real end."""
        if self._sender is None:
            if self._closed:
                self._sender, _ = trio.open_memory_channel[SessionCommand](0)
                self._sender.close()
            else:
                self._sender = self._channel.open()
        return self._sender

    async def send(self, command: SessionCommand) -> None:
        """See trio.MemorySendChannel."""
        await self.open().send(command)

    def clone(self) -> CommandSender:
        """Give an end for another handle."""
        return self._channel.end()

    def close(self) -> None:
        """See trio.MemorySendChannel."""
        if not self._closed:
            self._closed = True
            if self._sender is not None:
                self._sender.close()
            self._channel.leave()


def opened(command_tx: object) -> CommandSender:
    """Give the channel that a handle's end is, or stands for."""
    if isinstance(command_tx, CommandEnd):
        return command_tx.open()
    return cast("CommandSender", command_tx)
