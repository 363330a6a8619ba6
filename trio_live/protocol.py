"""The protocol of a session without any I/O: commands in, frames out; frames in, events out.

What lives here: LiveProtocol, which ties together the rules (outbound.py, history.py), the reading
of messages (inbound.py), the phases (state.py) and what outlives a connection (carried.py). What
must not: trio, sockets, clocks, logging. Time is passed in, in seconds of whatever clock the caller
has.

How to drive it: `dial`, then send the text of `setup`, then `receive_frame` each frame as it comes;
once `opened`, `send` commands. `close` when the end begins, `closed` when the connection is gone.
Each call returns the events that it caused; publish them in that order.

A session that outlives its connection: `carried.lost` instead of `closed`, then the same line again
from `dial` on. `defer` checks a command that is to wait meanwhile. Once `opened` again,
`carried.restored`, and for what waited `carried.still_owed`, `check_again` and `sent`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_live import answers, arguments, commands, outbound
from trio_live.carried import Carried
from trio_live.config.values import read_tools
from trio_live.errors import InvalidArgument, LocalProtocolError
from trio_live.history import InitialHistory
from trio_live.inbound import Inbound
from trio_live.rules import MessageRules, known_of
from trio_live.setups import Setups
from trio_live.state import CONVERSATION, SessionState, Trigger
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
from trio_live.wire.content import Content
from trio_live.wire.voice import voice_of

if TYPE_CHECKING:
    from trio_live.checkpoint import Checkpoint
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
        transparent: Whether the setup asks which messages each handle covers.

    Attributes:
        state: Phase, turns, handles and totals.
        activity_started: Whether the user's activity goes on, as the caller signalled it.
        carried: What outlives a connection: the handle, and the calls that are owed an answer.
        starts_told: Whether `start_call` tells which calls are worked on; else answering one of
            several calls is taken for work on all of them.
    """

    def __init__(
        self,
        config: SessionConfig,
        model_name: str,
        state: SessionState | None = None,
        *,
        platform: Platform | None = None,
        transparent: bool = False,
    ) -> None:
        self.state = SessionState() if state is None else state
        self._platform = platform
        self._setups = Setups(config, model_name, transparent=transparent)
        known = known_of(config)
        self._history = InitialHistory(ends_with_user=known.history_ends_with_user is True)
        self._manual = config.manual_activity
        self._rules = MessageRules(config, platform)
        self._inbound = Inbound(self.state)
        # As the user signalled it, on this connection or one before. Not machine.user_speaking:
        # the service may hear speech end before we signal it.
        self.activity_started = False
        self.carried = Carried(self._inbound, model_name, config.resumption_handle)
        self.starts_told = False

    @property
    def opened(self) -> bool:
        """Whether the setup was accepted and the end has not begun: commands may be sent."""
        return self.state.phase in CONVERSATION

    @property
    def declared(self) -> frozenset[str]:
        """The names of the functions that the model was last told of."""
        return self._setups.declared

    @property
    def go_away(self) -> float | None:
        """The time left that a goAway said, -1 if it said none; None if there is nothing new."""
        return self._inbound.go_away

    @go_away.setter
    def go_away(self, value: None) -> None:
        self._inbound.go_away = value

    @property
    def consumed(self) -> int | None:
        """The last client message that a new handle covers; None if there is nothing new."""
        return self._inbound.consumed

    @consumed.setter
    def consumed(self, value: None) -> None:
        self._inbound.consumed = value

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
    def asked(self) -> float | None:
        """When the turn began in which it is the service's to say something; None: it is not."""
        machine, turn = self.state.machine, self.state.turn
        return None if turn is None or machine.user_speaking or machine.calls_owed else turn.started

    def dial(self) -> list[SessionEvent]:
        """Note that connecting begins."""
        return self._inbound.fire(Trigger.DIAL)

    def setup(self) -> tuple[str, list[SessionEvent]]:
        """Give the setup frame, the first of a connection, and note that it is sent."""
        handle = self.carried.handle
        resuming = self.carried.resuming = handle is not None
        fields = self._setups.build(handle)
        self._history.begin(fields, resuming=resuming)
        return codec.encode({"setup": fields}), self._inbound.fire(Trigger.SETUP)

    def send(
        self, command: commands.SessionCommand, now: float
    ) -> tuple[bytes, list[SessionEvent]]:
        """Give the frame for a command, and the events of sending it: `check` and then `sent`.

        Raises:
            LocalProtocolError: See `check`.
        """
        frame, answered = self.check(command)
        self.note_activity(command)
        return frame, self.sent(command, answered, now)

    def check(self, command: commands.SessionCommand) -> tuple[bytes, list[str | int]]:
        """Give the frame for a command, and the keys of the calls that it answers.

        Nothing has changed until the frame is sent, which `sent` and `note_activity` tell.

        Raises:
            LocalProtocolError: The command breaks a rule, or the session is not open.
        """
        machine = self.state.machine
        if machine.phase not in CONVERSATION:
            name, phase = type(command).__name__, machine.phase
            raise LocalProtocolError(
                f"{name} cannot be sent while the session is {phase.value}", phase=phase
            )
        if type(command) is commands.SendAudio and not (self._manual or self._history.awaited):
            # No other rule is about it: half of its 180 instructions (benchmarks/counts.py).
            arguments.check_audio(command)
            return _encode(command, outbound.build_audio(command)), []
        answered, frame = self._prepare(command, machine.calls_owed)
        return frame, answered

    def defer(self, command: commands.SessionCommand) -> int:
        """Check a command that waits for the next connection; give its size in bytes of JSON.

        Raises:
            LocalProtocolError: The command breaks a rule. Nothing has changed.
        """
        answered, frame = self._prepare(command, self.carried.answerable)
        self.note_activity(command)
        self.carried.answer_later(answered)
        return len(frame)

    def check_again(self, command: commands.SessionCommand) -> tuple[bytes, list[str | int]]:
        """As `check`, for a command that was checked before and has waited.

        Activity is not looked at: OutageQueue has put it in order.
        """
        owed = self.state.machine.calls_owed
        if isinstance(command, commands.SendRaw):
            return _encode(command, command.message), _answered_raw(command, owed)
        answered: list[str | int] = []
        if isinstance(command, commands.SendToolResponse):
            answered = outbound.check_owed(command.responses, owed)
        return _encode(command, self._build(command)), answered

    def retell(self, turns: tuple[Content, ...]) -> commands.SessionCommand | None:
        """Give the command that tells a fresh session what was said before: see InitialHistory."""
        return self._history.retell(turns)

    def note_activity(self, command: commands.SessionCommand) -> None:
        """Note the caller's own signals of activity, when their command was accepted."""
        if isinstance(command, commands.ActivityStart | commands.ActivityEnd):
            self.activity_started = isinstance(command, commands.ActivityStart)

    def sent(
        self, command: commands.SessionCommand, answered: list[str | int], now: float
    ) -> list[SessionEvent]:
        """Note that a checked command goes out; give the events of that."""
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
            case commands.UpdateInstruction(text):
                self._setups.note_told(Content.from_text(text), None)
            case commands.UpdateContext(instruction, tools):
                self._setups.note_told(instruction, None if tools is None else read_tools(tools))
            case commands.SendRaw(message):
                seen = outbound.read_raw(message)
                if seen.client_content is not None and seen.client_content.turn_complete:
                    self._history.end()
                if (update := seen.context_update) is not None:
                    told = None if update.tools is None else update.tools.tools or ()
                    self._setups.note_told(update.system_instruction, told)
                return self._settle(answered) if answered else []
            case _:
                pass
        return []

    def adopt(self, checkpoint: Checkpoint) -> None:
        """Go on where another process stood: see `Carried.adopt`."""
        self.carried.adopt(checkpoint)
        if checkpoint.handle is not None:
            self._history.end()  # the session has it already, if it had one

    def receive_frame(self, frame: str | bytes, now: float) -> list[SessionEvent]:
        """Read one frame of the service. Never raises, whatever the frame is."""
        if self._inbound.voiced and (blob := voice_of(frame)) is not None:
            return self._inbound.apply_voice(blob, now)
        message, leftovers = codec.decode(frame)
        return self._inbound.apply(message, leftovers, frame, now)

    def start_call(self, key: str | int) -> list[SessionEvent]:
        """Note that a call is being worked on; of one that is owed nothing, nothing is noted."""
        machine = self.state.machine
        if key not in machine.calls_owed:
            return []
        machine.calls_executing.add(key)
        return self._inbound.fire(Trigger.TOOL_STARTED)

    def drop_call(self, key: str | int) -> list[SessionEvent]:
        """Note that a call is owed nothing: the service repeats what has been answered."""
        machine = self.state.machine
        if machine.calls_owed.pop(key, None) is None:
            return []
        machine.calls_executing.discard(key)
        return self._inbound.fire(Trigger.TOOLS_SETTLED)

    def replace_tools(self, config: SessionConfig) -> None:
        """Name the tools of this config in later setups: the service was told of them meanwhile."""
        self._setups.replace_config(config)

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

    def _prepare(
        self, command: commands.SessionCommand, owed: dict[str | int, str]
    ) -> tuple[list[str | int], bytes]:
        """Apply all rules to a command; give the keys of the calls that it settles, and its frame.

        Raises:
            LocalProtocolError: It breaks one. Nothing has changed.
        """
        arguments.check(command)
        if isinstance(command, commands.SendRaw):
            frame = _encode(command, command.message)
            return _answered_raw(command, owed), frame
        self._history.check(command)
        outbound.check_activity(command, manual=self._manual, started=self.activity_started)
        message = self._build(command)
        if isinstance(command, commands.SendAudio):
            return [], _encode(command, message)  # no other rule is about it
        answered: list[str | int] = []
        if isinstance(command, commands.SendToolResponse):
            answered = outbound.check_owed(command.responses, owed)
        frame = _encode(command, message)
        if isinstance(command, commands.SendToolResponse):
            answers.check_plain(command.responses)
        self._rules.admit(message, initial=self._history.awaited)
        return answered, frame

    def _build(self, command: commands.SessionCommand) -> ClientMessage:
        return outbound.build(command, self._platform, announced=self._history.asked)

    def _settle(self, keys: list[str | int]) -> list[SessionEvent]:
        """Take answered calls off the list of what is owed."""
        machine = self.state.machine
        for key in keys:
            del machine.calls_owed[key]
            machine.calls_executing.discard(key)
        if self.starts_told or not machine.calls_owed:
            return self._inbound.fire(Trigger.TOOLS_SETTLED)
        # Some of the calls are answered and others are not: the program is at work on them.
        machine.calls_executing.update(machine.calls_owed)
        return self._inbound.fire(Trigger.TOOL_STARTED)


def _answered_raw(command: commands.SendRaw, owed: dict[str | int, str]) -> list[str | int]:
    """Give the keys of the calls that a message answers, which is not checked."""
    response = outbound.read_raw(command.message).tool_response
    answers = () if response is None else response.function_responses
    return list(
        dict.fromkeys(a.id for a in answers if a.id and not a.will_continue and a.id in owed)
    )


def _encode(command: commands.SessionCommand, message: ClientMessage | dict[str, object]) -> bytes:
    try:
        return codec.encode_utf8(message)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        # None of these texts holds a payload, but a UnicodeEncodeError does.
        what = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise InvalidArgument(
            f"{type(command).__name__} cannot be written as JSON: {what}"
        ) from None
