"""The protocol of a session without any I/O: commands in, frames out; frames in, events out.

What lives here: LiveProtocol, which ties together the rules (outbound.py, history.py), the reading
of messages (inbound.py) and the phases (state.py). What must not: trio, sockets, clocks, logging.
Time is passed in, in seconds of whatever clock the caller has.

How to drive it: `dial`, then send the text of `setup`, then `receive_frame` each frame as it comes;
once `opened`, `send` commands. `close` when the end begins, `closed` when the connection is gone.
Each call returns the events that it caused; publish them in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from trio_live import commands, outbound
from trio_live.config import merge
from trio_live.errors import InvalidArgument, LocalProtocolError
from trio_live.history import InitialHistory
from trio_live.inbound import Inbound
from trio_live.rules import MessageRules
from trio_live.state import CONVERSATION, SessionState, Trigger
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage

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
        # Not machine.user_speaking: the service may hear speech end before we signal it.
        self._activity_started = False

    @property
    def opened(self) -> bool:
        """Whether the setup was accepted and the end has not begun: commands may be sent."""
        return self.state.phase in CONVERSATION

    def dial(self) -> list[SessionEvent]:
        """Note that connecting begins."""
        return self._inbound.fire(Trigger.DIAL)

    def setup(self) -> tuple[str, list[SessionEvent]]:
        """Give the setup frame, the first of a connection, and note that it is sent."""
        message = ClientMessage(setup=self._config.setup(self._model_name))
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
        outbound.check(command)
        if isinstance(command, commands.SendRaw):
            return self._send_raw(command.message)
        self._history.check(command)
        outbound.check_activity(
            command, manual=self._config.manual_activity, started=self._activity_started
        )
        if isinstance(command, commands.SendAudio):
            return _encode(command, outbound.build(command)), []  # nothing depends on it: hot path
        machine = self.state.machine
        answered = (
            outbound.check_owed(command.responses, machine.calls_owed)
            if isinstance(command, commands.SendToolResponse)
            else []
        )
        message = outbound.build(command, self._platform, announced=self._history.asked)
        frame = _encode(command, message)
        self._rules.admit(message, initial=self._history.awaited)
        # From here on nothing can be refused.
        caused: list[SessionEvent] = []
        match command:
            case commands.SendToolResponse():
                caused = self._settle(answered)
            case commands.ActivityStart():
                self.state.begin_turn(now)
                self._activity_started = machine.user_speaking = True
                caused = self._inbound.fire(Trigger.USER_STARTED)
            case commands.ActivityEnd():
                self._activity_started = machine.user_speaking = False
                caused = self._inbound.fire(Trigger.USER_STOPPED)
            case commands.SendText() | commands.SendRealtimeText():
                self.state.begin_turn(now)
            case commands.SeedHistory():
                self._history.sent(command)
            case commands.SendClientContent(turn_complete=complete):
                initial = self._history.sent(command)
                if complete and not initial:  # the end of an initial history is not answered
                    self.state.begin_turn(now)
            case _:
                pass
        return frame, caused

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
        """Note that the connection is gone."""
        self.state.machine.reset()
        self._activity_started = False
        return self._inbound.fire(Trigger.CLOSED)

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


def _encode(command: commands.SessionCommand, message: ClientMessage | dict[str, object]) -> str:
    try:
        return codec.encode(message)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        # None of these texts holds a payload, but a UnicodeEncodeError does.
        what = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise InvalidArgument(
            f"{type(command).__name__} cannot be written as JSON: {what}"
        ) from None
