"""The table of phases: total, and REST by precedence; turns and totals."""

from __future__ import annotations

import itertools

import pytest

from trio_live.state import (
    CONVERSATION,
    REST,
    TRANSITIONS,
    PhaseMachine,
    SessionPhase,
    SessionState,
    Trigger,
)
from trio_live.turns import Turn
from trio_live.wire.usage import UsageMetadata

P = SessionPhase
T = Trigger

LINE = (T.DIAL, T.SETUP, T.OPEN)
CONVERSATION_TRIGGERS = [trigger for trigger in Trigger if trigger not in LINE]


def machine_in(phase: SessionPhase) -> PhaseMachine:
    """A machine that was put into a phase."""
    machine = PhaseMachine()
    machine.phase = phase
    return machine


def test_phases_are_the_ten() -> None:
    """A session has ten phases: four of the connection, six of the conversation."""
    assert len(SessionPhase) == 10
    assert set(TRANSITIONS) == set(SessionPhase)
    assert set(SessionPhase) - set(CONVERSATION) == {
        P.DISCONNECTED,
        P.CONNECTING,
        P.SETUP_SENT,
        P.DISCONNECTING,
    }


@pytest.mark.parametrize("phase", CONVERSATION)
def test_table_conversation_phase_has_each_conversation_trigger(phase: SessionPhase) -> None:
    """The table is total: no trigger of the conversation is without an entry anywhere in it."""
    assert set(TRANSITIONS[phase]) == set(CONVERSATION_TRIGGERS)


@pytest.mark.parametrize("phase", SessionPhase)
def test_table_targets_are_phases_or_rest(phase: SessionPhase) -> None:
    """A target is a phase or REST, and a conversation is only left by CLOSE and CLOSED."""
    for trigger, target in TRANSITIONS[phase].items():
        assert target == REST or isinstance(target, SessionPhase)
        if phase in CONVERSATION and trigger not in (T.CLOSE, T.CLOSED):
            assert target == REST or target in CONVERSATION


@pytest.mark.parametrize(
    ("trigger", "target"),
    [
        (T.USER_STARTED, P.USER_SPEAKING),
        (T.MODEL_OUTPUT, P.MODEL_SPEAKING),
        (T.INTERRUPTED, P.INTERRUPTED),
        (T.TOOL_STARTED, P.TOOL_CALL_EXECUTING),
        (T.TURN_COMPLETE, P.ACTIVE),
        (T.CLOSE, P.DISCONNECTING),
        (T.CLOSED, P.DISCONNECTED),
    ],
)
@pytest.mark.parametrize("phase", CONVERSATION)
def test_fire_in_any_conversation_phase_leads_to_one_place(
    phase: SessionPhase, trigger: Trigger, target: SessionPhase
) -> None:
    """What happens shows, whatever the phase was before."""
    machine = machine_in(phase)
    assert machine.fire(trigger) is (None if phase is target else target)
    assert machine.phase is target


@pytest.mark.parametrize("phase", CONVERSATION)
def test_fire_tool_call_is_pending_unless_calls_are_being_executed(phase: SessionPhase) -> None:
    """One more call does not stop the others; anywhere else it is pending."""
    machine = machine_in(phase)
    machine.fire(T.TOOL_CALL)
    executing = phase is P.TOOL_CALL_EXECUTING
    assert machine.phase is (P.TOOL_CALL_EXECUTING if executing else P.TOOL_CALL_PENDING)


@pytest.mark.parametrize("phase", CONVERSATION)
def test_fire_end_of_speech_or_calls_matters_only_where_it_is_shown(phase: SessionPhase) -> None:
    """Speech that ends changes USER_SPEAKING only; settled calls change the tool phases only."""
    stopped, settled = machine_in(phase), machine_in(phase)
    stopped.fire(T.USER_STOPPED)
    settled.fire(T.TOOLS_SETTLED)
    tools = (P.TOOL_CALL_PENDING, P.TOOL_CALL_EXECUTING)
    assert stopped.phase is (P.ACTIVE if phase is P.USER_SPEAKING else phase)
    assert settled.phase is (P.ACTIVE if phase in tools else phase)


@pytest.mark.parametrize(
    ("executing", "owed", "speaking"), list(itertools.product([False, True], repeat=3))
)
def test_rest_is_whatever_is_still_going_on_by_precedence(
    executing: bool, owed: bool, speaking: bool
) -> None:
    """REST: a tool executes, a call is owed, the user speaks, nothing; in this order."""
    machine = machine_in(P.MODEL_SPEAKING)
    machine.calls_executing = {"a"} if executing else set()
    machine.calls_owed = {"b": "f"} if owed else {}
    machine.user_speaking = speaking
    machine.fire(T.TURN_COMPLETE)
    if executing:
        assert machine.phase is P.TOOL_CALL_EXECUTING
    elif owed:
        assert machine.phase is P.TOOL_CALL_PENDING
    else:
        assert machine.phase is (P.USER_SPEAKING if speaking else P.ACTIVE)


def test_connection_goes_along_its_line() -> None:
    """A connection is dialled, set up, open, closing, closed."""
    machine = PhaseMachine()
    phases = [machine.fire(trigger) for trigger in (*LINE, T.CLOSE, T.CLOSED)]
    assert phases == [P.CONNECTING, P.SETUP_SENT, P.ACTIVE, P.DISCONNECTING, P.DISCONNECTED]


@pytest.mark.parametrize("phase", [p for p in SessionPhase if p not in CONVERSATION])
def test_connection_phase_ignores_what_it_does_not_list(phase: SessionPhase) -> None:
    """Out of order, a trigger leaves a connection's phase unchanged."""
    for trigger in Trigger:
        machine = machine_in(phase)
        if trigger not in TRANSITIONS[phase]:
            assert machine.fire(trigger) is None
            assert machine.phase is phase


@pytest.mark.parametrize("phase", [P.CONNECTING, P.SETUP_SENT, P.DISCONNECTING, *CONVERSATION])
def test_connection_that_is_gone_is_gone_from_anywhere(phase: SessionPhase) -> None:
    """CLOSED leads to DISCONNECTED from every phase."""
    assert machine_in(phase).fire(T.CLOSED) is P.DISCONNECTED


def test_reset_forgets_speech_and_calls() -> None:
    """With the connection, what was going on in it is forgotten."""
    machine = machine_in(P.TOOL_CALL_EXECUTING)
    machine.user_speaking = True
    machine.calls_owed = {"a": "f"}
    machine.calls_executing = {"a"}
    machine.reset()
    assert (machine.user_speaking, machine.calls_owed, machine.calls_executing) == (
        False,
        {},
        set(),
    )


def test_turn_collects_text_and_transcripts() -> None:
    """A turn's texts are the pieces in order."""
    turn = Turn(1, 2.0)
    turn.add_text("a")
    turn.add_text("b")
    turn.add_transcript("in", of_user=True)
    turn.add_transcript("out", of_user=False)
    assert (turn.text, turn.input_transcript, turn.output_transcript) == ("ab", "in", "out")


def test_turn_repr_shows_no_text() -> None:
    """Law 6: the repr of a turn says how it stands and nothing of what was said."""
    turn = Turn(3, 2.0)
    turn.add_text("secret")
    turn.add_transcript("secret", of_user=True)
    assert repr(turn) == "<Turn 3 going on, 0 bytes of audio, 0 calls, interrupted=False>"
    turn.completed = 4.0
    assert repr(turn) == "<Turn 3 complete, 0 bytes of audio, 0 calls, interrupted=False>"


def test_state_turns_are_numbered_and_history_is_bounded() -> None:
    """Law 3: of complete turns the last `max_turns` are kept; numbers go on."""
    state = SessionState(max_turns=2)
    for now in range(4):
        assert state.begin_turn(now) is state.begin_turn(now + 0.5)
        state.end_turn(now + 1)
    assert [(t.number, t.started, t.completed) for t in state.history] == [(3, 2, 3), (4, 3, 4)]
    assert state.turn is None
    assert state.end_turn(9) is None


def test_state_usage_belongs_to_the_turn_or_the_last_one() -> None:
    """A usage report counts for the turn that goes on, else for the last; totals add up."""
    state = SessionState()
    first, second, third = (UsageMetadata(total_token_count=n) for n in (3, None, 5))
    state.count_usage(first)
    turn = state.begin_turn(0)
    state.count_usage(second)
    assert turn.usage is second
    state.end_turn(1)
    state.count_usage(third)
    assert turn.usage is third
    assert state.total_tokens == 8


def test_state_repr_shows_no_handle() -> None:
    """Law 6: a resumption handle is not shown."""
    state = SessionState()
    assert repr(state) == "<SessionState without id: disconnected, 0 turns kept>"
    state.session_id = "s1"
    state.resumption_handle = "secret"
    assert repr(state) == "<SessionState s1: disconnected, 0 turns kept>"
