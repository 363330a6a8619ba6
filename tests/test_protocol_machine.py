"""LiveProtocol under every order of messages and commands, legal and illegal."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from trio_live import (
    ActivityEnd,
    ActivityStart,
    Connected,
    Content,
    EndAudioStream,
    FunctionResponse,
    Interrupted,
    LocalProtocolError,
    PhaseChanged,
    SeedHistory,
    SendAudio,
    SendClientContent,
    SendRealtimeText,
    SendText,
    SendToolResponse,
    SendVideo,
    SessionConfig,
    SessionPhase,
    ToolCall,
    TurnComplete,
    UpdateContext,
    UpdateInstruction,
)
from trio_live.events import SessionEvent, payload_size
from trio_live.protocol import LiveProtocol
from trio_live.state import CONVERSATION, REST, RESTING_PHASES, TRANSITIONS, SessionState, Trigger

P = SessionPhase
MAX_TURNS = 3

IDS = st.sampled_from(["1", "2", "3", "#1", ""])
PARTS = st.lists(
    st.sampled_from(
        [
            {"text": "a"},
            {"text": "t", "thought": True},
            {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}},
            {"inlineData": {"mimeType": "image/png", "data": "-_-_"}},
            {"functionCall": {"name": "f", "id": "9"}},
            {"toolCall": {"toolType": "GOOGLE_MAPS"}},
            {"fileData": {"fileUri": "gs://x"}},
            {"hologram": 1},
            {"inlineData": 5},
        ]
    ),
    max_size=2,
)
FLAG = st.sampled_from([True, False, None, "perhaps"])
CONTENT: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {},
    optional={
        "modelTurn": st.fixed_dictionaries({}, optional={"parts": PARTS}),
        "interrupted": FLAG,
        "generationComplete": FLAG,
        "turnComplete": FLAG,
        "turnCompleteReason": st.just("OTHER"),
        "waitingForInput": FLAG,
        "interactionStatus": st.just("IDLE"),
        "inputTranscription": st.just({"text": "in"}),
        "outputTranscription": st.just({"text": "out"}),
        "groundingMetadata": st.just({}),
        "urlContextMetadata": st.just({"urlMetadata": [{}]}),
        "interimInputTranscription": st.just({"text": "i", "words": [{}]}),
    },
)
CALLS = st.lists(st.fixed_dictionaries({"name": st.sampled_from("fg")}, optional={"id": IDS}))
ACTIVITY = st.sampled_from(["ACTIVITY_START", "ACTIVITY_END", "ACTIVITY_NEW"])
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "serverContent": CONTENT,
        "setupComplete": st.sampled_from([{}, {"sessionId": "s"}]),
        "toolCall": st.fixed_dictionaries({"functionCalls": CALLS}),
        "toolCallCancellation": st.fixed_dictionaries({"ids": st.lists(IDS, max_size=2)}),
        "usageMetadata": st.just({"totalTokenCount": 2}),
        "goAway": st.just({"timeLeft": "1s"}),
        "sessionResumptionUpdate": st.just({"newHandle": "h", "resumable": True}),
        "voiceActivity": st.fixed_dictionaries({"type": ACTIVITY}),
        "error": st.just({"code": 3}),
        "unheardOf": st.just([1]),
    },
)
BROKEN = st.sampled_from(["", "[]", "{", "null", '{"serverContent":7}', b"\xff", "{}"])
COMMANDS = st.sampled_from(
    [
        SendAudio(b"\x00\x00"),
        SendAudio(b"\x00"),
        SendVideo(b"x"),
        SendText("a"),
        SendText(""),
        SendText("\ud800"),
        SendRealtimeText("a"),
        SendClientContent((Content.from_text("a"),)),
        SendClientContent((), False),
        UpdateInstruction("a"),
        UpdateContext(tools=()),
        UpdateContext(),
        SeedHistory((Content.from_text("a"),)),
        SeedHistory((Content.from_text("a", role="model"),)),
        ActivityStart(),
        ActivityEnd(),
        EndAudioStream(),
        "no command",
    ]
)
RESPONSES = st.lists(
    st.builds(
        FunctionResponse,
        st.sampled_from("fg"),
        st.sampled_from([{}, {"output": 1}, {"output": object()}]),
        st.none() | IDS,
        will_continue=st.none() | st.booleans(),
    ),
    max_size=3,
)

# What leads where, from any phase of the conversation; the table must agree.
PROBES: tuple[tuple[dict[str, Any], Trigger], ...] = (
    ({"serverContent": {"interrupted": True}}, Trigger.INTERRUPTED),
    ({"serverContent": {"turnComplete": True}}, Trigger.TURN_COMPLETE),
    ({"serverContent": {"modelTurn": {"parts": [{"text": "a"}]}}}, Trigger.MODEL_OUTPUT),
    ({"toolCall": {"functionCalls": [{"name": "f", "id": "new"}]}}, Trigger.TOOL_CALL),
)


class ProtocolMachine(RuleBasedStateMachine):
    """Law 4, law 7: no order of messages and commands raises, freezes or miscounts anything."""

    @initialize(manual=st.booleans())
    def make(self, manual: bool) -> None:
        config = SessionConfig("m", activity_detection=not manual)
        self.protocol = LiveProtocol(config, "m", SessionState(max_turns=MAX_TURNS))
        self.phase = P.DISCONNECTED
        self.response = 0
        self.turn = 0
        self.now = 0.0

    @property
    def state(self) -> SessionState:
        return self.protocol.state

    def check(self, happened: list[SessionEvent]) -> None:
        """Follow the events: phases along the table, numbers never back."""
        for event in happened:
            payload_size(event)
            if isinstance(event, PhaseChanged):
                assert event.previous is self.phase
                assert event.phase is not self.phase
                targets = set(TRANSITIONS[self.phase].values())
                assert event.phase in targets or (REST in targets and event.phase in RESTING_PHASES)
                self.phase = event.phase
            if isinstance(event, TurnComplete) and event.turn:
                assert event.turn > self.turn
                self.turn = event.turn
            number = getattr(event, "response", self.response)
            assert number >= self.response
            self.response = number
        assert self.phase is self.state.phase

    # The line of the connection, in any order.

    @rule()
    def dial(self) -> None:
        self.check(self.protocol.dial())

    @rule()
    def set_up(self) -> None:
        self.check(self.protocol.setup()[1])

    @rule()
    def open_properly(self) -> None:
        self.check(self.protocol.dial())
        self.check(self.protocol.setup()[1])
        happened = self.protocol.receive_frame('{"setupComplete":{}}', self.now)
        assert isinstance(happened[0], Connected)
        self.check(happened)

    @rule(really=st.integers(0, 9))
    def close(self, really: int) -> None:
        if really == 0:  # seldom, so that conversations get long
            self.check(self.protocol.close())

    @rule(really=st.integers(0, 9))
    def lose(self, really: int) -> None:
        if really == 0:
            self.check(self.protocol.closed())
            assert self.state.machine.calls_owed == {}

    # The service.

    @rule(message=MESSAGE)
    def receive(self, message: dict[str, Any]) -> None:
        self.now += 1
        self.check(self.protocol.receive_frame(json.dumps(message), self.now))

    @rule(frame=BROKEN)
    def receive_broken(self, frame: str | bytes) -> None:
        self.check(self.protocol.receive_frame(frame, self.now))

    @rule(calls=CALLS)
    def call(self, calls: list[dict[str, str]]) -> None:
        frame = json.dumps({"toolCall": {"functionCalls": calls}})
        before = len(self.state.machine.calls_owed)
        happened = self.protocol.receive_frame(frame, self.now)
        assert isinstance(happened[0], ToolCall)
        assert before <= len(self.state.machine.calls_owed) <= before + len(calls)
        self.check(happened)

    # The caller.

    @rule(command=COMMANDS)
    def send(self, command: Any) -> None:
        self.try_to_send(command)

    @rule(responses=RESPONSES)
    def answer(self, responses: list[FunctionResponse]) -> None:
        before = len(self.state.machine.calls_owed)
        sent = self.try_to_send(SendToolResponse(tuple(responses)))
        assert len(self.state.machine.calls_owed) == before - (len(responses) if sent else 0)

    @rule()
    def answer_all(self) -> None:
        owed = self.state.machine.calls_owed
        responses = [
            FunctionResponse(name, {}, key if isinstance(key, str) else None)
            for key, name in owed.items()
        ]
        if responses and self.protocol.opened:
            assert self.try_to_send(SendToolResponse(tuple(responses)))
            assert owed == {}

    @rule()
    def interrupt(self) -> None:
        assert self.protocol.interrupt() == [Interrupted(self.response, local=True)]

    def try_to_send(self, command: Any) -> bool:
        """Send; a refusal must be a LocalProtocolError and must change nothing."""
        self.now += 1
        before = self.account()
        try:
            frame, happened = self.protocol.send(command, self.now)
        except LocalProtocolError:
            assert self.account() == before
            return False
        assert before[0] in CONVERSATION
        assert len(json.loads(frame)) == 1
        self.check(happened)
        return True

    def account(self) -> tuple[object, ...]:
        """Everything that a refused command must leave alone."""
        state, machine = self.state, self.state.machine
        return (
            state.phase,
            state.turn,
            state.turns_started,
            len(state.history),
            dict(machine.calls_owed),
            set(machine.calls_executing),
            machine.user_speaking,
        )

    # What must be true at any time.

    @invariant()
    def phase_shows_what_is_going_on(self) -> None:
        machine = self.state.machine
        assert machine.calls_executing <= set(machine.calls_owed)
        if self.state.phase is P.TOOL_CALL_EXECUTING:
            assert machine.calls_executing
        if self.state.phase is P.TOOL_CALL_PENDING:
            assert machine.calls_owed
        if self.state.phase is P.USER_SPEAKING:
            assert machine.user_speaking

    @invariant()
    def history_is_bounded_and_in_order(self) -> None:
        numbers = [turn.number for turn in self.state.history]
        assert len(numbers) <= MAX_TURNS
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert all(turn.completed is not None for turn in self.state.history)

    @invariant()
    def no_phase_is_frozen(self) -> None:
        if not self.protocol.opened:
            return
        for message, trigger in PROBES:
            twin = copy.deepcopy(self.protocol)
            twin.receive_frame(json.dumps(message), self.now)
            target = TRANSITIONS[self.state.phase][trigger]
            if isinstance(target, SessionPhase):
                assert twin.state.phase is target
            else:
                assert twin.state.phase in RESTING_PHASES


TestProtocolMachine = ProtocolMachine.TestCase
TestProtocolMachine.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
