"""SessionHandle: the public face of a session.

What lives here: how commands get on their way; reading; waiting. What must not: the verbs
themselves (verbs.py), connections and tasks (session.py), rules (outbound.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import trio

from trio_live import arguments, commands
from trio_live.command_channel import opened
from trio_live.errors import LocalProtocolError, SessionClosed
from trio_live.fanout import DEFAULT_MAX_BYTES, DEFAULT_MAX_EVENTS
from trio_live.verbs import SessionVerbs

if TYPE_CHECKING:
    from types import TracebackType

    from trio_live.checkpoint import Checkpoint
    from trio_live.commands import SessionCommand
    from trio_live.fanout import EventFanout
    from trio_live.interfaces import Driver, SessionStatistics
    from trio_live.state import SessionPhase, SessionState
    from trio_live.subscription import Policy, Subscription
    from trio_live.tools.belt import AnyTool
    from trio_live.watch import PhaseWatch


class SessionHandle(SessionVerbs):
    """The way to talk to a session and to listen to it. `open_session` makes one.

    Any number of tasks may use one handle, or clones of it. A handle can also be made from parts,
    for another transport or a test double:

    Args:
        command_tx: Takes the commands.
        event_tx: Gives the events; when it is closed, the session has ended.
        state: What is known of the session.
        phase_rx: Tells the phases.
        driver: Does the work of the verbs directly; without one, commands just go into
            `command_tx`.

    Attributes:
        state: Session id, phase, resumption handle, turns, totals. Read only.
    """

    def __init__(
        self,
        command_tx: trio.MemorySendChannel[SessionCommand],
        event_tx: EventFanout,
        state: SessionState,
        phase_rx: PhaseWatch,
        *,
        driver: Driver | None = None,
        events: Subscription | None = None,
    ) -> None:
        self._command_tx = command_tx
        self.state = state
        self._event_tx = event_tx
        self._phase_rx = phase_rx
        self._driver = driver
        # Made here and not at the first iteration: lossless from the first event on.
        self._events = event_tx.subscribe() if events is None else events
        self._closed = False

    @property
    def command_tx(self) -> trio.MemorySendChannel[SessionCommand]:
        """The channel behind the verbs. What is put into it is sent in order with theirs.

        A command that breaks a rule comes back as an `Error` event.
        """
        return opened(self._command_tx)

    @property
    def phase(self) -> SessionPhase:
        """The current phase."""
        return self._phase_rx.phase

    @property
    def session_id(self) -> str:
        """The service's id of the session, "" until it says one."""
        return self.state.session_id

    @property
    def resumption_handle(self) -> str | None:
        """The last handle from which the session can be resumed, or None. A secret."""
        return self.state.resumption_handle

    def event_sender(self) -> EventFanout:
        """Give the fan-out that this session's events go through; for transports and tests."""
        return self._event_tx

    def subscribe(
        self,
        *,
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        policy: Policy = "fail",
    ) -> Subscription:
        """Subscribe to the events from now on: `async with session.subscribe() as events`.

        Args:
            max_events: The bound in events.
            max_bytes: The bound in bytes of payload (media, text, raw JSON).
            policy: What happens at the bound: "fail", "drop_oldest" or "block"; see `Policy`.

        Raises:
            InvalidArgument: A bound below 1, or an unknown policy.
        """
        return self._event_tx.subscribe(max_events=max_events, max_bytes=max_bytes, policy=policy)

    def __aiter__(self) -> Subscription:
        """Iterate over all events of the session from its first on; goes on where it left off.

        The iteration ends when the session ends normally. It raises ConnectionLost if the session
        was lost, and SubscriberLagged if it was read so slowly that its bound was reached.
        """
        return self._events

    async def wait_for_phase(self, target: SessionPhase) -> None:
        """Wait until the phase is entered; return at once if it is the current one.

        A phase entered after the call is never missed, however short it is.

        Raises:
            InvalidArgumentType: It is no SessionPhase.
            SessionClosed: The session ended normally first.
            ConnectionLost: The session was lost first.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        await self._phase_rx.wait_for(target)

    def interrupt(self) -> None:
        """Mark what the model has said so far as stale, in this program only.

        Every subscriber gets `Interrupted(local=True)`, so that playback stops. The service is not
        told: it is interrupted by speech, by activity, or by a turn of text.
        """
        self._require_driver("interrupt").interrupt()

    def cancel_tool(self, call_id: str) -> bool:
        """Stop a running call of a tool (`open_session(tools=...)`); the model is told so.

        Args:
            call_id: As in the events `ToolCall` and `ToolStarted`, or in `state.calls_owed`.

        Returns:
            False if it is not running (any more).
        """
        return self._require_driver("cancel_tool").cancel_tool(call_id)

    async def update_tools(self, tools: Sequence[AnyTool]) -> None:
        """Replace the tools that were given to `open_session(tools=...)`.

        The model is told by `update_context`. What SessionConfig itself declares stays. Calls that
        are running go on; a call of a tool that is gone is answered with an error.

        Args:
            tools: All tools from now on, as for `open_session`; an empty list takes them away.

        Raises:
            ConfigError: As in `open_session`; nothing was changed.
            LocalProtocolError: The session was opened without `tools=`, if only an empty list.

        Raises, blocks: else as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was changed.
        """
        driver = self._require_driver("update_tools")
        if self._closed:
            raise self._closed_error()
        await driver.update_tools(tools, self._command_tx)

    async def flush(self) -> None:
        """Wait until every command accepted before is written to the network.

        Audio that is held because of a call (`audio_during_calls`) is not waited for.

        Raises:
            SessionClosed, ConnectionLost: The session ended first.

        Cancellation: atomic. If cancelled, the commands are still written.
        """
        driver = self._require_driver("flush")
        if self._closed:
            raise self._closed_error()
        await driver.flush(self._command_tx)

    async def disconnect(self) -> None:
        """End the session cleanly: write what was accepted, say goodbye, end the event streams.

        Returns when the session has ended, whoever ended it; takes `close_timeout` at most. Calling
        it again does nothing.

        Cancellation: not atomic. If cancelled, the session may go on ending; it is unusable.
        """
        await trio.lowlevel.checkpoint()
        if self._event_tx.ended:
            return
        if self._closed:
            raise self._closed_error()
        if self._driver is not None:
            self._driver.disconnect()
        else:
            with suppress(trio.BrokenResourceError):  # nobody takes commands: it is ending already
                await self._command_tx.send(commands.Disconnect())
        await self._event_tx.wait_closed()

    async def join(self) -> None:
        """Wait until the session has ended; from any clone, any number of times.

        Raises:
            ConnectionLost: The session was lost.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        await self._event_tx.wait_closed()
        await trio.lowlevel.checkpoint()
        if self._event_tx.error is not None:
            raise self._event_tx.error.again()

    def statistics(self) -> SessionStatistics:
        """Give counts of now: frames and bytes each way, queues and their peaks, events, losses."""
        return self._require_driver("statistics").statistics(self._events)

    def checkpoint(self) -> Checkpoint:
        """Give where the session stands, for `open_session(..., resume=...)` in another process.

        Take it at each `SessionResumeUpdate`, and whenever what was sent must not be lost
        (`ReconnectPolicy.transparent`). It is a secret.
        """
        return self._require_driver("checkpoint").checkpoint()

    def clone(self) -> Self:
        """Give another handle of the same session, with an end of the command channel of its own.

        When the last handle is closed, the session ends cleanly. They share the event iteration.

        Raises:
            SessionClosed: This handle is closed.
        """
        if self._closed:
            raise self._closed_error()
        return type(self)(
            self._command_tx.clone(),
            self._event_tx,
            self.state,
            self._phase_rx,
            driver=self._driver,
            events=self._events,
        )

    def close(self) -> None:
        """Close this handle's end of the command channel; see `clone()`."""
        self._closed = True
        self._command_tx.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SessionHandle {self.session_id or 'without id'}: {self.phase.value}>"

    def _send(self, command: SessionCommand) -> Awaitable[None]:
        if self._closed:
            raise self._closed_error()
        if self._driver is not None:
            return self._driver.send(command, self._command_tx)
        return self._queue(command)

    async def _queue(self, command: SessionCommand) -> None:
        arguments.check(command)
        if not self._event_tx.ended:
            with suppress(trio.BrokenResourceError):
                await self._command_tx.send(command)
                return
        if self._event_tx.error is not None:
            raise self._event_tx.error.again()
        raise SessionClosed("the session has ended; nothing was sent", phase=self.phase)

    def _send_now(self, command: SessionCommand) -> bool:
        if self._closed or self._driver is None:
            return False
        return self._driver.send_now(command)

    def _require_driver(self, name: str) -> Driver:
        if self._driver is None:
            raise LocalProtocolError(f"{name}() needs a session made by open_session()")
        return self._driver

    def _closed_error(self) -> SessionClosed:
        return SessionClosed("this handle is closed", phase=self.phase)
