"""Sessions that go on from a checkpoint whose handle the service does not take any more."""

from __future__ import annotations

import pytest
import trio
from lasting_parts import Lasting
from session_parts import CONFIG, ENDPOINT, leaves_with, open_with, read_until, text_message
from test_session_retelling import ANNOUNCED, BEFORE, announces, content
from test_session_transparent import VERTEX
from trio.testing import MockClock

import trio_live
from trio_live import (
    Checkpoint,
    Content,
    Reconnected,
    Reconnecting,
    SetupError,
    ToolCallCancelled,
    TurnComplete,
)
from trio_live.checkpoint import OwedCall
from trio_live.ledger import LedgerEntry
from trio_live.testing import LiveServer, connect_to
from trio_live.testing.checkpoints import cancel_at_every_checkpoint
from trio_live.transport import TransportClosed

MODEL = "models/gemini-3.8-live"
STALE = Checkpoint(
    handle="stale",
    model=MODEL,
    platform=ENDPOINT.platform,
    owed=(OwedCall("c1", "f"),),
    turns=3,
    connections=2,
)
REFUSALS = [
    (1008, "BidiGenerateContent session not found"),
    (1008, "Requested entity was not found."),
    (1007, "Invalid session handle"),
]


@pytest.mark.parametrize(("code", "reason"), REFUSALS)
async def test_stale_checkpoint_begins_afresh(
    autojump_clock: MockClock, code: int, reason: str
) -> None:
    """It is told, with what is lost; the handle is named once and never again."""
    far = Lasting()
    far.answers = [TransportClosed(code, reason)]
    with trio.fail_after(60):
        async with far.open(resume=STALE) as session:
            happened = await read_until(session, Reconnected)
            assert trio.current_time() == 0
            await session.send_text("go on")
            await session.flush()
            setup, *rest = far.frames()
            assert setup["setup"]["sessionResumption"] == {}
            assert rest == [text_message("go on")]
            assert far.refused[0]["setup"]["sessionResumption"] == {"handle": "stale"}
            assert session.statistics().connections == 3
            assert session.checkpoint().handle is None
    [told] = [event for event in happened if isinstance(event, Reconnecting)]
    assert (told.attempt, told.delay, told.code) == (1, 0.0, code)
    assert told.cause == "the resumption handle is stale; start afresh"
    assert ToolCallCancelled(("c1",)) in happened
    assert happened[-1] == Reconnected(False, 0.0, {}, {}, {})


async def test_ledger_of_a_stale_checkpoint_is_counted_and_not_sent(
    autojump_clock: MockClock,
) -> None:
    """Its messages belong to a session that is gone."""
    far = Lasting()
    far.answers = [TransportClosed(*REFUSALS[0])]
    stale = Checkpoint(
        handle="stale",
        model=VERTEX.model_name(CONFIG.model),
        platform=VERTEX.platform,
        ledger=(LedgerEntry("SendText", "{}"), LedgerEntry("SendAudio", "{}", media=True)),
    )
    with trio.fail_after(60):
        async with far.open(
            resume=stale, endpoint=VERTEX, changed={"transparent": True}
        ) as session:
            told = (await read_until(session, Reconnected))[-1]
            assert told == Reconnected(False, 0.0, {}, {"SendText": 1, "SendAudio": 1}, {})
            await session.flush()
            assert len(far.frames()) == 1


async def test_stale_checkpoint_is_told_what_the_policy_gives(autojump_clock: MockClock) -> None:
    """Without a handle, and only then; a history that was announced comes, if need be empty."""
    far = Lasting()
    far.answers = [TransportClosed(*REFUSALS[0])]
    with trio.fail_after(60):
        async with far.open(resume=STALE, changed={"reseed": lambda _: [BEFORE]}) as session:
            await read_until(session, Reconnected)
            assert far.frames()[1:] == [content(("user", "we spoke of Saturn"), complete=False)]
        async with far.open(resume=STALE, changed={"reseed": lambda _: [BEFORE]}) as session:
            await read_until(session, Reconnected)
            assert far.frames()[1:] == []
        far.answers = [TransportClosed(*REFUSALS[0])]
        async with far.open(ANNOUNCED, resume=STALE) as session:
            await read_until(session, Reconnected)
            setup, *rest = far.frames()
            assert announces(setup)
            assert rest == [content(complete=True)]


async def test_stale_checkpoint_without_a_policy_is_an_error_that_says_what_to_do(
    autojump_clock: MockClock,
) -> None:
    """It names the remedy, and is no passing trouble."""
    far = Lasting()
    far.answers = [TransportClosed(*REFUSALS[0])]
    with trio.fail_after(60), leaves_with(SetupError) as caught:
        async with far.open(policy=None, resume=STALE):
            pass
    assert "without resume=" in str(caught.value)
    assert "stale" not in str(caught.value).replace("handle is stale", "")
    assert (caught.value.code, caught.value.retryable) == (1008, False)
    assert isinstance(caught.value.__cause__, SetupError)
    assert len(far.peers) == 1


@pytest.mark.parametrize("policy", [trio_live.ReconnectPolicy(), None])
async def test_other_refusals_of_a_checkpoint_are_raised(
    autojump_clock: MockClock, policy: trio_live.ReconnectPolicy | None
) -> None:
    """The first connection is not tried again; and what does not come of the handle stays."""
    refusals = [(1008, "API key was reported as leaked"), (1008, ""), (1011, "Internal error")]
    for code, reason in refusals:
        far = Lasting()
        far.answers = [TransportClosed(code, reason)]
        with trio.fail_after(60), leaves_with(SetupError) as caught:
            async with far.open(policy=policy, resume=STALE):
                pass
        assert caught.value.code == code
        assert len(far.peers) == 1


async def test_fresh_session_that_is_refused_too_is_raised(autojump_clock: MockClock) -> None:
    """Once afresh, not more."""
    far = Lasting()
    far.answers = [TransportClosed(*REFUSALS[0]), TransportClosed(*REFUSALS[1])]
    with trio.fail_after(60), leaves_with(SetupError):
        async with far.open(resume=STALE):
            pass
    assert len(far.peers) == 2


async def test_real_server_that_forgot_the_session_gets_a_new_one(
    autojump_clock: MockClock,
) -> None:
    """Over WebSocket."""
    with trio.fail_after(600):
        async with LiveServer(pace=0) as server:
            async with open_with(server, CONFIG) as session:
                await session.send_text("before")
                await read_until(session, TurnComplete)
                await trio.sleep(1)
                checkpoint = session.checkpoint()
            assert checkpoint.handle is not None
        async with (
            LiveServer(pace=0) as server,
            trio_live.open_session(
                CONFIG, endpoint=ENDPOINT, transport=connect_to(server), resume=checkpoint
            ) as session,
        ):
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert not told.restored
            await session.send_client_content([Content.from_text("after")])
            await read_until(session, TurnComplete)


@pytest.mark.parametrize("everywhere", [False, True], ids=["own", "everywhere"])
async def test_cancel_at_every_checkpoint_of_a_stale_one(
    autojump_clock: MockClock, everywhere: bool
) -> None:
    """Law 1: neither connection is left behind."""

    async def scenario() -> None:
        far = Lasting()
        far.answers = [TransportClosed(*REFUSALS[0])]
        async with far.open(resume=STALE) as session:
            await session.send_text("go on")
            await session.flush()

    with trio.fail_after(6_000):
        assert await cancel_at_every_checkpoint(scenario, everywhere=everywhere) > 5
