"""A session without a service.

What lives here: MockSession. What must not: sockets, servers. It is a real SessionHandle over the
real protocol, so that rules, phases and turns behave as they do; only the wire is missing.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from typing import TYPE_CHECKING, Literal, Self

import msgspec
import trio

from trio_live import commands, events, rules
from trio_live.config import SessionConfig
from trio_live.endpoints.custom import read_platform
from trio_live.errors import ConnectionLost, LiveError, SessionClosed
from trio_live.fanout import EventFanout
from trio_live.handle import SessionHandle
from trio_live.interfaces import SessionStatistics
from trio_live.protocol import LiveProtocol
from trio_live.tools.service import ToolService
from trio_live.watch import PhaseWatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trio_live.checkpoint import Checkpoint
    from trio_live.commands import SessionCommand
    from trio_live.events import SessionEvent
    from trio_live.subscription import Subscription
    from trio_live.tools.belt import AnyTool


class MockSession(SessionHandle):
    """A session that records what is sent and says what the test tells it to.

    It is open from the start; sends are checked against the rules, as in a real session. What is
    put into `command_tx` is taken out, in order, whenever the mock is used next.

    Args:
        config: As for open_session(); what it says of activity detection decides which sends are
            right.
        session_id: The id that the service is said to have given.
        tools: As for open_session(); `run_tools` runs them.
        platform: Whose rules hold, and who takes results in pieces: "gemini", as at `GoogleAI`,
            "vertex", as at `VertexAI`, or None, as at a `Custom` endpoint that does not say.
    """

    def __init__(
        self,
        config: SessionConfig | None = None,
        *,
        session_id: str = "mock-session",
        tools: Sequence[AnyTool] | None = None,
        platform: Literal["gemini", "vertex"] | None = "gemini",
    ) -> None:
        config = SessionConfig("models/mock") if config is None else config
        place = read_platform(platform)
        service = ToolService(config, tools, place)
        config = service.config
        rules.check_setup(config, place)
        protocol = LiveProtocol(config, config.model, platform=place)
        command_tx, command_rx = trio.open_memory_channel[commands.SessionCommand](math.inf)
        self._double = _Double(protocol, command_rx, service)
        super().__init__(
            command_tx,
            self._double.fanout,
            protocol.state,
            self._double.watch,
            driver=self._double,
        )
        self._double.publish(protocol.dial())
        self._double.publish(protocol.setup()[1])
        self.receive({"setupComplete": {"sessionId": session_id}})

    @property
    def sent(self) -> list[SessionCommand]:
        """Every command so far, in order: by verb, or put into `command_tx`."""
        self._double.take_queued()
        return self._double.sent

    async def run_tools(
        self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run the tools until cancelled: `await nursery.start(session.run_tools)`.

        What the service calls before is not run, and not answered.
        """
        async with trio.open_nursery() as nursery:
            await self._double.tools.start(nursery)
            task_status.started()

    def receive(self, message: Mapping[str, object]) -> None:
        """Let the service say a message, in the wire's spelling: `{"serverContent": {...}}`."""
        self._double.take_queued()
        self._double.receive(msgspec.json.encode(message))

    def emit(self, *happened: SessionEvent) -> None:
        """Publish events as they are; phase and state stay as they were."""
        self._double.publish(happened)

    def end(self, error: LiveError | None = None) -> None:
        """End the session: normally, or lost by an error, which readers and senders then get."""
        self._double.take_queued()
        self._double.end(error)

    def clone(self) -> Self:
        """Give another handle of the same session; see SessionHandle."""
        if self._closed:
            raise self._closed_error()
        twin = copy.copy(self)
        twin._command_tx = self._command_tx.clone()
        return twin

    def close(self) -> None:
        """Close this handle; when the last one is closed, the session ends."""
        super().close()
        self._double.end_if_left()


class _Double:
    """Stands where a connected session stands: checks, records, publishes."""

    def __init__(
        self,
        protocol: LiveProtocol,
        command_rx: trio.MemoryReceiveChannel[SessionCommand],
        tools: ToolService,
    ) -> None:
        self.protocol = protocol
        self.tools = tools
        tools.connect(protocol, self.publish, self.answer, trio.lowlevel.checkpoint)
        self.fanout = EventFanout()
        self.watch = PhaseWatch()
        self.sent: list[SessionCommand] = []
        self._command_rx = command_rx
        self._frames_received = 0

    def now(self) -> float:
        try:
            return trio.current_time()
        except RuntimeError:  # made outside of trio.run
            return 0.0

    def publish(self, happened: Sequence[SessionEvent]) -> None:
        self.watch.follow(happened)
        self.fanout.publish(happened)
        self.tools.follow(happened)

    def receive(self, frame: bytes) -> None:
        if not self.fanout.ended:
            self._frames_received += 1
            self.publish(self.protocol.receive_frame(frame, self.now()))

    def take(self, command: SessionCommand) -> None:
        _, happened = self.protocol.send(command, self.now())
        self.sent.append(command)
        self.publish(happened)

    def answer(self, command: commands.SendToolResponse) -> None:
        self.check_alive()
        self.take(command)

    def take_queued(self) -> None:
        while not self.fanout.ended:
            try:
                command = self._command_rx.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                return
            if isinstance(command, commands.Disconnect):
                self.sent.append(command)
                self.end(None)
                return
            try:
                self.take(command)
            except LiveError as refusal:
                self.publish([events.Error(f"a command was refused: {refusal}", b"")])

    def end(self, error: LiveError | None) -> None:
        if self.fanout.ended:
            return
        self.tools.halt("session" if error is None else "connection")
        code = 1000 if error is None else error.code or 1006
        lost = error.undelivered if isinstance(error, ConnectionLost) else ()
        undelivered = dict(Counter(type(command).__name__ for command in lost))
        reason = (error and error.reason) or ""
        closing = self.protocol.close() if error is None else []
        last = events.Disconnected(code, reason, error is None, undelivered)
        self.publish([*closing, *self.protocol.closed(), last])
        self.fanout.close(error)
        self.watch.close(error)
        self._command_rx.close()

    def disconnect(self) -> None:
        self.take_queued()
        self.sent.append(commands.Disconnect())
        self.end(None)

    def end_if_left(self) -> None:
        if not self.fanout.ended and not self._command_rx.statistics().open_send_channels:
            self.take_queued()
            self.end(None)

    def check_alive(self) -> None:
        if self.fanout.ended:
            raise self.fanout.error or SessionClosed("the session has ended; nothing was sent")

    async def send(
        self, command: SessionCommand, command_tx: trio.MemorySendChannel[SessionCommand]
    ) -> None:
        await trio.lowlevel.checkpoint()
        self.take_queued()
        self.check_alive()
        self.take(command)

    def send_now(self, command: SessionCommand) -> bool:
        if self.fanout.ended:
            return False
        self.take_queued()
        self.take(command)
        return True

    async def flush(self, command_tx: trio.MemorySendChannel[SessionCommand]) -> None:
        await trio.lowlevel.checkpoint()
        self.take_queued()
        self.check_alive()

    def interrupt(self) -> None:
        self.check_alive()
        self.publish(self.protocol.interrupt())

    def checkpoint(self) -> Checkpoint:
        return self.protocol.carried.checkpoint(None, (), 1)

    def cancel_tool(self, call_id: str) -> bool:
        return self.tools.cancel(call_id)

    async def update_tools(
        self, tools: Sequence[AnyTool], command_tx: trio.MemorySendChannel[SessionCommand]
    ) -> None:
        await self.tools.update(tools, lambda update: self.send(update, command_tx))

    def statistics(self, own: Subscription) -> SessionStatistics:
        buffered = own.statistics()
        dropped, missed = self.fanout.losses()
        return SessionStatistics(
            frames_sent=len(self.sent) + 1,  # the setup
            frames_received=self._frames_received,
            bytes_sent=0,
            bytes_received=0,
            backlog_bytes=0,
            peak_backlog_bytes=0,
            queued_commands=0,
            peak_queued_commands=0,
            buffered_events=buffered.buffered_events,
            peak_buffered_events=buffered.peak_events,
            events=dict(self.fanout.counts),
            dropped_events=dropped,
            missed_events=missed,
            undelivered={},
        )
