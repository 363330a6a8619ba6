"""When to connect again: the policy's checks, and the row of attempts that it gives."""

from __future__ import annotations

import random

import pytest

from trio_live import (
    ConfigError,
    Content,
    ReconnectPolicy,
    SeedHistory,
    SendClientContent,
    SessionConfig,
    TransportConfig,
)
from trio_live.close_table import Recovery, Verdict
from trio_live.protocol import LiveProtocol
from trio_live.reconnect import Backoff, Plan, seed_of
from trio_live.state import SessionState

PASSING = Verdict(Recovery.TRANSIENT, "the network")


def seeded(**settings: object) -> ReconnectPolicy:
    """A policy whose random waits are the same each time."""
    return ReconnectPolicy(rng=random.Random(1), **settings)  # type: ignore[arg-type]


def row(backoff: Backoff, verdict: Verdict = PASSING, *, most: int = 100) -> list[Plan]:
    """The plans for ends that follow each other as fast as the plans let them."""
    plans: list[Plan] = []
    now = 0.0
    while len(plans) < most and (plan := backoff.plan(verdict, now, with_handle=True)):
        plans.append(plan)
        now += plan.delay
    return plans


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("first_ceiling", -1),
        ("max_delay", float("nan")),
        ("give_up_after", "soon"),
        ("stable_after", None),
        ("media_max_age", True),
        ("max_attempts", 0),
        ("queue_commands", 1.5),
        ("queue_bytes", -1),
        ("reseed", "all"),
    ],
)
def test_policy_refuses_what_cannot_be(setting: str, value: object) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match=setting):
        ReconnectPolicy(**{setting: value})  # type: ignore[arg-type]


def test_policy_is_on_by_default_and_can_be_off() -> None:
    """It is a part of TransportConfig, which takes nothing else in its place."""
    assert TransportConfig().reconnect == ReconnectPolicy()
    assert TransportConfig(reconnect=None).reconnect is None
    with pytest.raises(ConfigError, match="reconnect"):
        TransportConfig(reconnect=True)  # type: ignore[arg-type]


def test_first_attempt_is_at_once_and_the_others_wait_within_their_ceilings() -> None:
    """Full jitter: each wait lies anywhere between 0 and a ceiling that doubles up to the most."""
    ceilings = [0.0, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
    peaks = [0.0] * len(ceilings)
    for seed in range(200):
        policy = ReconnectPolicy(
            rng=random.Random(seed), max_attempts=8, max_delay=10.0, give_up_after=1e9
        )
        plans = row(Backoff(policy))
        assert [plan.attempt for plan in plans] == list(range(1, 9))
        for index, plan in enumerate(plans):
            assert 0.0 <= plan.delay <= ceilings[index]
            peaks[index] = max(peaks[index], plan.delay / (ceilings[index] or 1.0))
    assert peaks[0] == 0.0
    assert all(peak > 0.9 for peak in peaks[1:])


def test_same_seed_gives_the_same_waits_and_none_gives_others() -> None:
    """Tests can repeat a row; sessions do not move in step."""
    assert row(Backoff(seeded())) == row(Backoff(seeded()))
    policy = ReconnectPolicy()
    assert row(Backoff(policy)) != row(Backoff(policy))


def test_row_ends_after_the_attempts_or_the_time() -> None:
    """A server that stays away is given up, by count and by time, whichever comes first."""
    assert len(row(Backoff(seeded(max_attempts=3)))) == 3
    plans = row(Backoff(seeded(give_up_after=20.0, max_attempts=1000, max_delay=5.0)))
    assert sum(plan.delay for plan in plans) <= 20.0
    assert len(plans) < 100


def test_row_goes_on_until_a_connection_was_stable() -> None:
    """A server that accepts and drops does not get an attempt at once each time."""
    backoff = Backoff(seeded(stable_after=30.0))
    now = 0.0
    for attempt in range(1, 6):
        plan = backoff.plan(PASSING, now, with_handle=True)
        assert plan is not None
        assert plan.attempt == attempt
        now += plan.delay
        backoff.connected(now)
        now += 29.9
    backoff.connected(now)
    assert backoff.plan(PASSING, now + 30.0, with_handle=True) == Plan(1, 0.0, fresh=False)


def test_wait_that_the_service_asks_for_is_kept_even_at_first() -> None:
    """Retry-After and quotas: jitter comes on top, so that sessions do not come back together."""
    plan = Backoff(seeded()).plan(Verdict(Recovery.TRANSIENT, "quota", 60.0), 0.0, with_handle=True)
    assert plan is not None
    assert 60.0 < plan.delay <= 61.0


@pytest.mark.parametrize("recovery", [Recovery.PERMANENT, Recovery.CLEAN])
def test_no_attempt_where_none_can_help(recovery: Recovery) -> None:
    """Permanent errors and clean ends are not retried, not once."""
    assert Backoff(seeded()).plan(Verdict(recovery), 0.0, with_handle=True) is None


def test_second_failure_inside_the_service_drops_the_handle() -> None:
    """One such end keeps it, a second in a row does not, and one after a stable time is a first."""
    internal = Verdict(Recovery.TRANSIENT, "inside", tries=1, then=Recovery.FRESH)
    backoff = Backoff(seeded())
    fresh: list[bool] = []
    for now in (0.0, 1.0, 100.0):
        plan = backoff.plan(internal, now, with_handle=True)
        assert plan is not None
        fresh.append(plan.fresh)
        backoff.connected(now)
    assert fresh == [False, True, False]


def test_seed_is_the_history_a_function_or_nothing() -> None:
    """Only what was said: the user's text or speech, the model's text or speech."""
    protocol = LiveProtocol(SessionConfig("m"), "models/m")
    state = protocol.state
    turn = state.begin_turn(0.0)
    turn.add_sent("hello")
    turn.add_text("hi")
    state.end_turn(1.0)
    turn = state.begin_turn(2.0)
    turn.add_transcript("spoken", of_user=True)
    turn.add_transcript("answered", of_user=False)
    state.end_turn(3.0)
    state.begin_turn(4.0)
    assert seed_of("history", state) == (
        Content.from_text("hello"),
        Content.from_text("hi", role="model"),
        Content.from_text("spoken"),
        Content.from_text("answered", role="model"),
    )
    assert seed_of(None, state) == ()

    def summary(known: SessionState) -> list[Content]:
        return [Content.from_text(f"{len(known.history)} turns")]

    assert seed_of(summary, state) == (Content.from_text("2 turns"),)


def state_of(*turns: tuple[str, str, str]) -> SessionState:
    """A state whose turns had these texts: sent, spoken, answered."""
    state = SessionState()
    for number, (sent, spoken, answered) in enumerate(turns):
        turn = state.begin_turn(number)
        turn.add_sent(sent)
        turn.add_transcript(spoken, of_user=True)
        turn.add_text(answered)
        state.end_turn(number)
    return state


def seeded_with(state: SessionState) -> list[tuple[str | None, list[str | None]]]:
    """What a fresh session is told, as roles and texts."""
    return [(c.role, [part.text for part in c.parts]) for c in seed_of("history", state)]


def test_history_begins_with_the_user_and_alternates() -> None:
    """As contents of the service must: whoever spoke first, and however often one side did."""
    spoke_first = state_of(("", "", "Hello!"), ("hi", "", ""), ("", "well", "yes"))
    assert seeded_with(spoke_first) == [
        ("user", ["."]),
        ("model", ["Hello!"]),
        ("user", ["hi", "well"]),
        ("model", ["yes"]),
    ]
    untranscribed = state_of(("", "", "one"), ("", "", "two"))
    assert seeded_with(untranscribed) == [("user", ["."]), ("model", ["one", "two"])]
    both = state_of(("typed", "spoken", ""))
    assert seeded_with(both) == [("user", ["typed", "spoken"])]
    assert seeded_with(state_of(("", "", ""))) == []


@pytest.mark.parametrize(
    ("model", "announced", "last"),
    [
        ("gemini-2.5-flash-native-audio-preview-12-2025", False, "user"),
        ("gemini-3.8-live", False, "model"),
        ("gemini-3.8-live", True, "model"),
        ("unheard-of", False, "model"),
    ],
)
def test_history_ends_as_the_model_wants_it(model: str, announced: bool, last: str) -> None:
    """2.5 wants the user's turn last; an announced history may end with the model's."""
    config = SessionConfig(model, response_modalities=["AUDIO"], initial_history=announced)
    protocol = LiveProtocol(config, f"models/{model}")
    protocol.dial()
    protocol.setup()
    protocol.receive_frame(b'{"setupComplete":{}}', 0.0)
    command = protocol.retell(seed_of("history", state_of(("hi", "", "hello"))))
    assert isinstance(command, SeedHistory if announced else SendClientContent)
    assert command.turns[-1].role == last
    assert command.turns[:2] == (
        Content.from_text("hi"),
        Content.from_text("hello", role="model"),
    )
    protocol.send(command, 1.0)
    question = protocol.retell((Content.from_text("hi"),))
    assert isinstance(question, SendClientContent)
    assert question.turns == (Content.from_text("hi"),)
