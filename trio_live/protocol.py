"""The protocol of a session without any I/O: commands in, frames out; frames in, events out.

What lives here: LiveProtocol, which ties together the rules (outbound.py, history.py), the reading
of messages (inbound.py) and the phases (state.py). What must not: trio, sockets, clocks, logging.
Time is passed in, in seconds of whatever clock the caller has.

How to drive it: `dial`, then send the text of `setup`, then `receive_frame` each frame as it comes;
once `opened`, `send` commands. `close` when the end begins, `closed` when the connection is gone.
Each call returns the events that it caused; publish them in that order.

A session that outlives its connection: `lost` instead of `closed`, then the same line again from
`dial` on. `defer` checks a command that is to wait meanwhile. Once `opened` again, `restored`, and
`resend` what waited.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from trio_live import commands, events, outbound
from trio_live.config import merge
from trio_live.errors import InvalidArgument, LocalProtocolError
from trio_live.history import InitialHistory
from trio_live.inbound import Inbound
from trio_live.rules import MessageRules
from trio_live.state import CONVERSATION, SessionState, Trigger
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
from trio_live.wire.setup import SessionResumptionConfig

if TYPE_CHECKING:
    from trio_live.config import SessionConfig
    from trio_live.events import SessionEvent
    from trio_live.wire.marks import Platform


class LiveProtocol:
    """One session's side of the conversation.

    Args:
        config: What the session is to be.
        model_name: The model's name as the endpoint wants it.
        state: Kept up to date by this object; a new one if none is given.
        platform: Whose rules hold for what is sent; None: unknown, nothing is checked.

    Attributes:
        state: Phase, turns, handles and totals.
        activity_started: Whether the user's activity goes on, as the caller signalled it.
        resuming: Whether the last setup named a resumption handle.
    """

    def __init__(
        self,
        config: SessionConfig,
        model_name: str,
        state: SessionState | None = None,
        *,
        platform: Platform | None = None,
    ) -> None:
        self.state = SessionState() if state is None else state
        self._config = config
        self._model_name = model_name
        self._platform = platform
        self._history = InitialHistory()
        self._rules = MessageRules(config, platform)
        self._inbound = Inbound(self.state)
        # As the user signalled it, on this connection or one before. Not machine.user_speaking:
        # the service may hear speech end before we signal it.
        self.activity_started = False
        self.resuming = False
        self._given_handle = config.resumption_handle
        self._owed_before: dict[str | int, str] = {}  # calls that were owed when it was lost
        self._answered: set[str | int] = set()  # those of them whose answers wait

    @property
    def opened(self) -> bool:
        """Whether the setup was accepted and the end has not begun: commands may be sent."""
        return self.state.phase in CONVERSATION

    @property
    def handle(self) -> str | None:
        """The handle that the next setup names, or None. A secret."""
        return self.state.resumption_handle or self._given_handle

    @property
    def go_away(self) -> float | None:
        """The time left that a goAway said, -1 if it said none; None if there is nothing new."""
        return self._inbound.go_away

    @go_away.setter
    def go_away(self, value: None) -> None:
        self._inbound.go_away = value

    @property
    def quiet(self) -> bool:
        """Whether nothing would be lost if the session were resumed from its handle now."""
        state = self.state
        return (
            state.resumable
            and self._inbound.turns_at_handle == state.turns_started
            and state.turn is None
            and not self.activity_started
            and not state.machine.user_speaking
            and not state.machine.calls_owed
        )

    @property
    def waits_for_service(self) -> bool:
        """Whether it is the service's turn to say something."""
        machine = self.state.machine
        return self.state.turn is not None and not (machine.user_speaking or machine.calls_owed)

    def drop_handle(self) -> None:
        """Forget the handle: it is of no use any more."""
        self._given_handle = self.state.resumption_handle = None
        self.state.resumable = False

    def dial(self) -> list[SessionEvent]:
        """Note that connecting begins."""
        return self._inbound.fire(Trigger.DIAL)

    def setup(self) -> tuple[str, list[SessionEvent]]:
        """Give the setup frame, the first of a connection, and note that it is sent."""
        setup = self._config.setup(self._model_name)
        handle = self.handle
        self.resuming = handle is not None
        if handle != self._config.resumption_handle:
            resumption = SessionResumptionConfig(handle)
            setup = replace(setup, session_resumption=resumption)
        message = ClientMessage(setup=setup)
        extra = self._config.extra
        fields = codec.to_object(message)
        if extra:
            fields = merge(fields, {"setup": dict(extra)})
            frame = codec.encode(fields)
        else:
            frame = codec.encode(message)
        self._history.begin(cast("dict[str, object]", fields["setup"]))
        return frame, self._inbound.fire(Trigger.SETUP)

    def send(self, command: commands.SessionCommand, now: float) -> tuple[str, list[SessionEvent]]:
        """Give the frame for a command, and the events of sending it.

        Raises:
            LocalProtocolError: The command breaks a rule, or the session is not open. Nothing has
                changed, and any further command may be sent.
        """
        if not self.opened:
            raise LocalProtocolError(
                f"{type(command).__name__} cannot be sent while the session is "
                f"{self.state.phase.value}",
                phase=self.state.phase,
            )
        if isinstance(command, commands.SendRaw):
            outbound.check(command)
            return self._send_raw(command.message)
        answered, frame = self._prepare(command, self.state.machine.calls_owed)
        # From here on nothing can be refused.
        if type(command) is commands.SendAudio:
            return frame, []  # the hot path: nothing of the state depends on it
        self._note_activity(command)
        return frame, self._sent(command, answered, now)

    def defer(self, command: commands.SessionCommand) -> int:
        """Check a command that waits for the next connection; give its size in bytes of JSON.

        Raises:
            LocalProtocolError: The command breaks a rule. Nothing has changed.
        """
        if isinstance(command, commands.SendRaw):
            outbound.check(command)
            return len(_encode(command, command.message))
        open_calls = {k: v for k, v in self._owed_before.items() if k not in self._answered}
        answered, frame = self._prepare(command, open_calls)
        self._note_activity(command)
        self._answered.update(answered)
        return len(frame)

    def resend(
        self, command: commands.SessionCommand, now: float
    ) -> tuple[str, list[SessionEvent]] | None:
        """Give the frame for a command that has waited, and the events of sending it.

        Gives None for answers to calls that the service does not know any more. Activity is not
        looked at: OutageQueue has put it in order.
        """
        if isinstance(command, commands.SendRaw):
            return self._send_raw(command.message)
        answered: list[str | int] = []
        if isinstance(command, commands.SendToolResponse):
            owed = self.state.machine.calls_owed
            known = tuple(r for r in command.responses if _is_owed(r.id, r.name, owed))
            if not known:
                return None
            command = commands.SendToolResponse(known)
            answered = outbound.check_owed(known, owed)
        frame = _encode(command, self._build(command))
        return frame, self._sent(command, answered, now)

    def receive_frame(self, frame: str | bytes, now: float) -> list[SessionEvent]:
        """Read one frame of the service. Never raises, whatever the frame is."""
        message, leftovers = codec.decode(frame)
        return self._inbound.apply(message, leftovers, frame, now)

    def interrupt(self) -> list[SessionEvent]:
        """Mark what the model has said so far as stale, without telling the service."""
        return self._inbound.interrupt_locally()

    def close(self) -> list[SessionEvent]:
        """Note that the end begins: no command is taken from here on."""
        return self._inbound.fire(Trigger.CLOSE)

    def closed(self) -> list[SessionEvent]:
        """Note that the connection is gone, and the session with it."""
        self.state.machine.reset()
        self.activity_started = False
        return self._inbound.fire(Trigger.CLOSED)

    def lost(self, now: float) -> list[SessionEvent]:
        """Note that the connection, or an attempt to make one, has ended, and the session has not.

        The turn that goes on ends here.
        """
        self._owed_before.update(self.state.machine.calls_owed)
        self.state.machine.reset()
        return [*self._inbound.cut(now), *self._inbound.fire(Trigger.CLOSED)]

    def restored(self, waiting: Iterable[commands.SessionCommand]) -> list[SessionEvent]:
        """Note that the session goes on, on a new connection, with what waits for it.

        Calls that the service does not know any more are told as cancelled.
        """
        known = self._inbound.calls_at_handle if self.resuming else {}
        answers = [c for c in waiting if isinstance(c, commands.SendToolResponse)]
        ids = {response.id for answer in answers for response in answer.responses}
        names = {response.name for answer in answers for response in answer.responses}
        self.state.machine.calls_owed.update(
            (key, name)
            for key, name in known.items()
            if key in self._owed_before or key in ids or (isinstance(key, int) and name in names)
        )
        forgotten = tuple(
            key for key in self._owed_before if isinstance(key, str) and key not in known
        )
        self._inbound.calls_at_handle = dict(known)
        self._owed_before.clear()
        self._answered.clear()
        return [events.ToolCallCancelled(forgotten)] if forgotten else []

    def _prepare(
        self, command: commands.SessionCommand, owed: dict[str | int, str]
    ) -> tuple[list[str | int], str]:
        """Apply all rules to a command; give the keys of the calls that it settles, and its frame.

        Raises:
            LocalProtocolError: It breaks one. Nothing has changed.
        """
        outbound.check(command)
        self._history.check(command)
        outbound.check_activity(
            command, manual=self._config.manual_activity, started=self.activity_started
        )
        message = self._build(command)
        if isinstance(command, commands.SendAudio):
            return [], _encode(command, message)  # the hot path: no other rule is about it
        answered: list[str | int] = []
        if isinstance(command, commands.SendToolResponse):
            answered = outbound.check_owed(command.responses, owed)
        frame = _encode(command, message)
        self._rules.admit(message, initial=self._history.awaited)
        return answered, frame

    def _build(self, command: commands.SessionCommand) -> ClientMessage:
        return outbound.build(command, self._platform, announced=self._history.asked)

    def _note_activity(self, command: commands.SessionCommand) -> None:
        if isinstance(command, commands.ActivityStart | commands.ActivityEnd):
            self.activity_started = isinstance(command, commands.ActivityStart)

    def _sent(
        self, command: commands.SessionCommand, answered: list[str | int], now: float
    ) -> list[SessionEvent]:
        """Note that a command goes out; give the events of it."""
        machine = self.state.machine
        match command:
            case commands.SendToolResponse():
                return self._settle(answered)
            case commands.ActivityStart():
                self.state.begin_turn(now)
                machine.user_speaking = True
                return self._inbound.fire(Trigger.USER_STARTED)
            case commands.ActivityEnd():
                machine.user_speaking = False
                return self._inbound.fire(Trigger.USER_STOPPED)
            case commands.SendText() | commands.SendRealtimeText():
                self.state.begin_turn(now).add_sent(command.text)
            case commands.SeedHistory():
                self._history.sent(command)
            case commands.SendClientContent(turn_complete=complete):
                initial = self._history.sent(command)
                if complete and not initial:  # the end of an initial history is not answered
                    self.state.begin_turn(now)
            case _:
                pass
        return []

    def _send_raw(self, message: dict[str, object]) -> tuple[str, list[SessionEvent]]:
        """Give the frame for a message that is not checked; note what must be known of it."""
        frame = _encode(commands.SendRaw(message), message)
        seen = outbound.read_raw(message)
        if seen.client_content is not None and seen.client_content.turn_complete:
            self._history.awaited = False
        answers = () if seen.tool_response is None else seen.tool_response.function_responses
        owed = self.state.machine.calls_owed
        ids = dict.fromkeys(a.id for a in answers if a.id and not a.will_continue and a.id in owed)
        return frame, self._settle(list(ids)) if ids else []

    def _settle(self, keys: list[str | int]) -> list[SessionEvent]:
        """Take answered calls off the list of what is owed."""
        machine = self.state.machine
        for key in keys:
            del machine.calls_owed[key]
            machine.calls_executing.discard(key)
        if not machine.calls_owed:
            return self._inbound.fire(Trigger.TOOLS_SETTLED)
        # Some of the calls are answered and others are not: the program is at work on them.
        machine.calls_executing.update(machine.calls_owed)
        return self._inbound.fire(Trigger.TOOL_STARTED)


def _is_owed(call_id: str | None, name: str, owed: dict[str | int, str]) -> bool:
    unnamed = (key for key, called in owed.items() if called == name and isinstance(key, int))
    return call_id in owed or next(unnamed, None) is not None


def _encode(command: commands.SessionCommand, message: ClientMessage | dict[str, object]) -> str:
    try:
        return codec.encode(message)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        # None of these texts holds a payload, but a UnicodeEncodeError does.
        what = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise InvalidArgument(
            f"{type(command).__name__} cannot be written as JSON: {what}"
        ) from None
