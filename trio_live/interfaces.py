"""What a session is, seen from outside: protocols to write and test code against, statistics.

What lives here: SessionReader and SessionWriter, SessionStatistics, and Driver,
the other side of a handle. What must not: implementations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from trio_live.wire.base import Data

if TYPE_CHECKING:
    import trio

    from trio_live.checkpoint import Checkpoint
    from trio_live.commands import SessionCommand
    from trio_live.state import SessionPhase
    from trio_live.subscription import Policy, Subscription
    from trio_live.tools.belt import AnyTool
    from trio_live.wire.content import Content
    from trio_live.wire.functions import FunctionResponse
    from trio_live.wire.tools import FunctionDeclaration, Tool


class SessionReader(Protocol):
    """What code needs that only listens to a session."""

    @property
    def phase(self) -> SessionPhase:
        """The current phase."""
        ...

    @property
    def session_id(self) -> str:
        """The service's id of the session, "" until it says one."""
        ...

    def subscribe(
        self, *, max_events: int = ..., max_bytes: int = ..., policy: Policy = ...
    ) -> Subscription:
        """Subscribe to the events from now on."""
        ...


class SessionWriter(Protocol):
    """What code needs that only talks to a session."""

    async def send_audio(self, data: bytes, *, sample_rate_hz: int = ...) -> None:
        """Send a piece of microphone audio."""
        ...

    async def send_text(self, text: str) -> None:
        """Send a turn of text."""
        ...

    async def send_tool_response(self, responses: Sequence[FunctionResponse]) -> None:
        """Answer function calls."""
        ...

    async def send_client_content(
        self, turns: Sequence[Content], *, turn_complete: bool = ...
    ) -> None:
        """Send turns for the history."""
        ...

    async def send_video(self, data: bytes, *, mime_type: str = ...) -> None:
        """Send a video frame."""
        ...

    async def send_realtime_text(self, text: str) -> None:
        """Send text as real-time input."""
        ...

    async def seed_history(self, turns: Sequence[Content]) -> None:
        """Send what was said before, as history."""
        ...

    async def update_context(
        self,
        *,
        system_instruction: str | Content | None = ...,
        tools: Sequence[Tool | FunctionDeclaration] | None = ...,
    ) -> None:
        """Change system instruction and tools."""
        ...

    async def update_instruction(self, instruction: str) -> None:
        """Change the system instruction."""
        ...

    async def signal_activity_start(self) -> None:
        """Say that the user starts speaking."""
        ...

    async def signal_activity_end(self) -> None:
        """Say that the user stops speaking."""
        ...

    async def end_audio_stream(self) -> None:
        """Say that the microphone is off for now."""
        ...

    async def disconnect(self) -> None:
        """End the session cleanly."""
        ...


class SessionStatistics(Data, frozen=True):
    """Counts of a session, as of one moment.

    Attributes:
        frames_sent: Messages accepted for sending, the setup included.
        frames_received: Messages received.
        bytes_sent: Bytes accepted for sending, WebSocket framing included, TLS not.
        bytes_received: Bytes of received messages, without framing.
        backlog_bytes: Accepted bytes that the operating system has not taken yet.
        peak_backlog_bytes: The most there ever were.
        queued_commands: Commands in the channel `command_tx` that have not been looked at.
        peak_queued_commands: The most there ever were.
        buffered_events: Events waiting in the session's own iteration.
        peak_buffered_events: The most there ever were.
        events: How many events of each kind were published.
        dropped_events: Media events dropped by subscriptions, all together.
        missed_events: Events missed by subscriptions that reached their bound, all together.
        undelivered: Accepted commands lost with the session: how many of each kind.
        connections: Connections on which the service accepted the setup.
        waiting_commands: Commands that wait for a connection.
        waiting_bytes: Their size on the wire, in bytes of JSON.
    """

    frames_sent: int
    frames_received: int
    bytes_sent: int
    bytes_received: int
    backlog_bytes: int
    peak_backlog_bytes: int
    queued_commands: int
    peak_queued_commands: int
    buffered_events: int
    peak_buffered_events: int
    events: dict[str, int]
    dropped_events: int
    missed_events: int
    undelivered: dict[str, int]
    connections: int = 1
    waiting_commands: int = 0
    waiting_bytes: int = 0


class Driver(Protocol):
    """What stands behind the handles of a session that is really connected (session.py)."""

    async def send(
        self, command: SessionCommand, command_tx: trio.MemorySendChannel[SessionCommand]
    ) -> None:
        """Send a command, or queue it in the channel behind those that came before."""
        ...

    def send_now(self, command: SessionCommand) -> bool:
        """Send a command if that need not wait, in whatever task; give whether it was sent."""
        ...

    async def flush(self, command_tx: trio.MemorySendChannel[SessionCommand]) -> None:
        """Wait until all commands accepted before, the channel's included, are written."""
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

    def cancel_tool(self, call_id: str) -> bool:
        """Stop a running call."""
        ...

    async def update_tools(
        self, tools: Sequence[AnyTool], command_tx: trio.MemorySendChannel[SessionCommand]
    ) -> None:
        """Use other tools from now on."""
        ...

    def statistics(self, own: Subscription) -> SessionStatistics:
        """Give counts of now."""
        ...
