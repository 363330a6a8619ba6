"""What stands behind the handles of a session that is really connected.

What lives here: SessionDriver, and the counts that it gives. What must not: the session's tasks and
its end (runner.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

import trio

from trio_live.interfaces import SessionStatistics
from trio_live.transport import TransportClosed

if TYPE_CHECKING:
    from trio_live.checkpoint import Checkpoint
    from trio_live.command_channel import CommandSender
    from trio_live.commands import SessionCommand
    from trio_live.errors import LiveError
    from trio_live.fanout import EventFanout
    from trio_live.lifeline import Lifeline
    from trio_live.no_tools import NoTools
    from trio_live.outbox import Outbox
    from trio_live.subscription import Subscription
    from trio_live.tools.belt import AnyTool
    from trio_live.tools.service import ToolService

_YIELD_EVERY: Final = 32
"""A call that need not wait lets other tasks run every so often (a full checkpoint costs 2 to 4 us,
as much as half of a send) and looks for cancellation each time."""


class Runner(Protocol):
    """What the driver needs of the one who runs the session."""

    async def outcome(self) -> LiveError:
        """Wait for the end; give the error of a send that found the connection broken."""
        ...

    def disconnect(self) -> None:
        """Begin the normal end: what was accepted is written first."""
        ...

    def interrupt(self) -> None:
        """Mark what the model has said so far as stale."""
        ...

    def checkpoint(self) -> Checkpoint:
        """Give what another process needs to go on."""
        ...


class SessionDriver:
    """Does what handles ask for (interfaces.Driver).

    Args:
        runner: Runs the session, and ends it.
        outbox: Takes the commands.
        line: Has the connection.
        fanout: Has the subscriptions.
        tools: Has the tools.
    """

    def __init__(
        self,
        runner: Runner,
        outbox: Outbox,
        line: Lifeline,
        fanout: EventFanout,
        tools: ToolService | NoTools,
    ) -> None:
        self._runner = runner
        self._outbox = outbox
        self._line = line
        self._fanout = fanout
        self._tools = tools
        self._credit = _YIELD_EVERY  # calls that need not let others run

    async def send(self, command: SessionCommand, command_tx: CommandSender) -> None:
        """See Driver."""
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            if self._outbox.send_now(command):
                if self._is_long_since():
                    await trio.lowlevel.cancel_shielded_checkpoint()
            else:
                await self._outbox.queue(command, command_tx)
        except TransportClosed:
            pass
        else:
            return
        raise await self._runner.outcome()

    def send_now(self, command: SessionCommand) -> bool:
        """See Driver."""
        try:
            return self._outbox.send_now(command)
        except TransportClosed:
            return False  # send() finds out why

    async def flush(self, command_tx: CommandSender) -> None:
        """See Driver."""
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            await self._outbox.flush(command_tx)
            if self._is_long_since():
                await trio.lowlevel.cancel_shielded_checkpoint()
        except TransportClosed:
            pass
        else:
            return
        raise await self._runner.outcome()

    def disconnect(self) -> None:
        """See Driver."""
        self._runner.disconnect()

    def interrupt(self) -> None:
        """See Driver."""
        self._runner.interrupt()

    def checkpoint(self) -> Checkpoint:
        """See Driver."""
        return self._runner.checkpoint()

    def cancel_tool(self, call_id: str) -> bool:
        """See Driver."""
        return self._tools.cancel(call_id)

    async def update_tools(self, tools: Sequence[AnyTool], command_tx: CommandSender) -> None:
        """See Driver."""
        await self._tools.update(tools, lambda update: self.send(update, command_tx))

    def statistics(self, own: Subscription) -> SessionStatistics:
        """See Driver."""
        outbox, line = self._outbox, self._line
        buffered = own.statistics()
        dropped, missed = self._fanout.losses()
        queued, peak_queued = outbox.queue_sizes()
        waiting_commands, waiting_bytes = outbox.waiting_sizes()
        return SessionStatistics(
            frames_sent=outbox.frames + line.setups,
            frames_received=line.reader.frames,
            bytes_sent=outbox.accepted_bytes,
            bytes_received=line.reader.bytes,
            backlog_bytes=outbox.backlog,
            peak_backlog_bytes=outbox.sent.peak_backlog,
            queued_commands=queued,
            peak_queued_commands=peak_queued,
            buffered_events=buffered.buffered_events,
            peak_buffered_events=buffered.peak_events,
            events=dict(self._fanout.counts),
            dropped_events=dropped,
            missed_events=missed,
            undelivered=dict(outbox.undelivered),
            connections=line.connections,
            waiting_commands=waiting_commands,
            waiting_bytes=waiting_bytes,
        )

    def _is_long_since(self) -> bool:
        """Count a call that need not wait; say whether it is time to let other tasks run."""
        self._credit -= 1
        if self._credit > 0:
            return False
        self._credit = _YIELD_EVERY
        return True
