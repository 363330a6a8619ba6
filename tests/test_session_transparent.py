"""Transparent resumption: nothing lost, nothing doubled; and going on in another process."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import pytest
import trio
from lasting_parts import Lasting
from session_parts import CONFIG, ENDPOINT, PCM, Json, frame, read_until, text_message
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    Checkpoint,
    ConfigError,
    FunctionResponse,
    LocalProtocolError,
    OwedCall,
    Reconnected,
    SendQueueFull,
    SessionResumeUpdate,
)
from trio_live.checkpoint import decode, encode
from trio_live.testing import LiveServer, Reply, UserTurn, cancel_at_every_checkpoint, connect_to

VERTEX = trio_live.Custom("ws://localhost/live")
TRANSPARENT: dict[str, object] = {"transparent": True}
CALL = frame(toolCall={"functionCalls": [{"id": "c1", "name": "f", "args": {}}]})


def texts(messages: list[Json]) -> list[str]:
    """The texts among messages."""
    return [
        message["clientContent"]["turns"][0]["parts"][0]["text"]
        for message in messages
        if "clientContent" in message
    ]


async def test_what_the_service_has_not_taken_in_is_sent_again_first(
    autojump_clock: MockClock,
) -> None:
    """Audio as well; what waited comes behind it; nothing is uncertain."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(changed=TRANSPARENT, endpoint=VERTEX) as session:
            for text in ("a", "b"):
                await session.send_text(text)
            await session.send_audio(PCM)
            await session.send_text("c")
            far.give_handle(consumed=2)
            await wait_all_tasks_blocked()
            far.dialling = trio.Event()
            far.peer.close()
            await session.wait_for_phase(trio_live.SessionPhase.CONNECTING)
            await session.send_text("d")
            far.dialling.set()
            told = (await read_until(session, Reconnected))[-1]
            first, second = far.frames(0), far.frames(1)
    assert first[0]["setup"]["sessionResumption"] == {"transparent": True}
    assert second[0]["setup"]["sessionResumption"] == {"handle": "handle-1", "transparent": True}
    assert list(second[1]["realtimeInput"]) == ["audio"]
    assert second[2:] == [text_message("c"), text_message("d")]
    assert isinstance(told, Reconnected)
    assert told.replayed == {"SendAudio": 1, "SendText": 2}
    assert (told.dropped, told.uncertain) == ({}, {})


async def test_session_without_a_handle_tells_what_is_lost(autojump_clock: MockClock) -> None:
    """There is nothing to resume: what was sent is counted, and not sent to a stranger."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(changed=TRANSPARENT, endpoint=VERTEX) as session:
            await session.send_text("a")
            far.peer.close()
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert (told.restored, told.dropped) == (False, {"SendText": 1})
            assert len(far.frames(1)) == 1


async def test_answer_to_a_call_that_will_be_made_again_is_withheld(
    autojump_clock: MockClock,
) -> None:
    """The call came after the handle: the restored session has not made it."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(changed=TRANSPARENT, endpoint=VERTEX) as session:
            far.give_handle(consumed=0)
            far.peer.send(CALL)
            await read_until(session, trio_live.ToolCall)
            await session.send_tool_response([FunctionResponse("f", {}, "c1")])
            far.peer.close()
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert told.dropped == {"SendToolResponse": 1}
            assert len(far.frames(1)) == 1


async def test_full_ledger_refuses_until_the_service_has_taken_something_in(
    autojump_clock: MockClock,
) -> None:
    """The bound has a defined behaviour; media falls out instead."""
    far = Lasting()
    changed = {**TRANSPARENT, "ledger_bytes": 2_000}
    with trio.fail_after(60):
        async with far.open(changed=changed, endpoint=VERTEX) as session:
            await session.send_text("x" * 2_000)
            with pytest.raises(SendQueueFull):
                await session.send_text("y")
            await session.send_audio(PCM)
            far.give_handle(consumed=1)
            await wait_all_tasks_blocked()
            await session.send_text("z")


class Model:
    """What the service has taken in, and what of it each of its handles covers."""

    def __init__(self, far: Lasting) -> None:
        self.taken: list[str] = []
        self._far = far
        self._states: dict[str | None, list[str]] = {None: []}
        self._index = 0  # of the last client message on this connection

    def read(self) -> None:
        """Take in everything that has come over the last connection."""
        for message in self._far.frames():
            if "setup" in message:
                handle = message["setup"]["sessionResumption"].get("handle")
                self.taken, self._index = list(self._states[handle]), 0
            else:
                self.taken += texts([message])
                self._index += 1

    def give_handle(self) -> None:
        """Give a handle for the state as it is, if the connection is still there."""
        name = f"handle-{len(self._states)}"
        with suppress(trio.ClosedResourceError):
            self._far.give_handle(name, consumed=self._index)
            self._states[name] = list(self.taken)


async def test_random_drops_deliver_each_text_once_and_in_order(autojump_clock: MockClock) -> None:
    """Against a small model of the service, resumed from its latest handle each time."""
    connections = 0
    for seed in range(150):
        rng = random.Random(seed)
        far = Lasting()
        model = Model(far)
        changed = {**TRANSPARENT, "max_attempts": 1_000, "give_up_after": 1e9}
        with trio.fail_after(60_000):
            async with far.open(changed=changed, endpoint=VERTEX) as session:
                model.read()
                model.give_handle()
                await wait_all_tasks_blocked()
                for number in range(30):
                    chance = rng.random()
                    if chance < 0.3:
                        model.read()
                        if chance < 0.15:
                            model.give_handle()
                        await wait_all_tasks_blocked()
                    elif chance < 0.4:
                        far.peer.stall()
                    elif chance < 0.5:
                        far.peer.resume()
                    elif chance < 0.65:
                        far.peer.close()
                        if chance < 0.58:
                            await read_until(session, Reconnected)
                    await session.send_text(f"{number:02}")
                await trio.sleep(1_000)
                far.peer.resume()
                await session.flush()
                model.read()
                connections += session.statistics().connections
        assert model.taken == [f"{number:02}" for number in range(30)], seed
    assert connections > 300


async def test_another_process_goes_on_from_a_checkpoint(autojump_clock: MockClock) -> None:
    """Handle, ledger, calls that are owed and counters; no key."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(changed=TRANSPARENT, endpoint=VERTEX) as session:
            await session.send_text("a")
            far.peer.send(CALL)
            far.give_handle(consumed=1)
            await read_until(session, SessionResumeUpdate)
            await session.send_text("b")
            checkpoint = session.checkpoint()
        assert checkpoint.handle == "handle-1"
        assert checkpoint.owed == (OwedCall("c1", "f"),)
        assert [entry.name for entry in checkpoint.ledger] == ["SendText"]
        assert (checkpoint.turns, checkpoint.connections) == (1, 1)
        again = decode(encode(checkpoint))

        far = Lasting()
        async with far.open(changed=TRANSPARENT, endpoint=VERTEX, resume=again) as session:
            told = (await read_until(session, Reconnected))[-1]
            assert told == Reconnected(True, 0.0, {"SendText": 1}, {}, {})
            await session.send_tool_response([FunctionResponse("f", {}, "c1")])
            sent = far.frames()
            assert sent[0]["setup"]["sessionResumption"]["handle"] == "handle-1"
            assert sent[1] == text_message("b")
            assert list(sent[2]) == ["toolResponse"]
            with pytest.raises(LocalProtocolError):
                await session.send_tool_response([FunctionResponse("f", {}, "c1")])
            assert session.statistics().connections == 2
            assert session.checkpoint().owed == ()


async def test_checkpoint_of_an_ordinary_session_has_no_ledger(autojump_clock: MockClock) -> None:
    """It is small: where to resume from, and what is owed."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("a")
            assert session.checkpoint() == Checkpoint(
                handle=None,
                model="models/gemini-3.8-live",
                platform=ENDPOINT.platform,
                session_id="s1",
                turns=1,
                connections=1,
            )


async def test_resumption_that_cannot_be_is_refused_before_anything_is_opened() -> None:
    """Each error names what does not fit."""
    good = Checkpoint(handle="h", model="models/gemini-3.8-live", platform=ENDPOINT.platform)
    far = Lasting()
    with pytest.raises(ConfigError, match="Vertex AI only"):
        far.open(changed=TRANSPARENT)
    config = trio_live.SessionConfig("m", session_resumption=False)
    with pytest.raises(ConfigError, match="session_resumption"):
        far.open(config, changed=TRANSPARENT, endpoint=VERTEX)
    with pytest.raises(ConfigError, match="not of 'models/other'"):
        far.open(trio_live.SessionConfig("other"), resume=good)
    config = trio_live.SessionConfig(CONFIG.model, resumption_handle="another")
    with pytest.raises(ConfigError, match="resumption_handle"):
        far.open(config, resume=good)
    with pytest.raises(ConfigError, match="Checkpoint"):
        far.open(resume="handle")  # type: ignore[arg-type]
    await trio.lowlevel.checkpoint()
    assert far.requests == []


@pytest.mark.parametrize("everywhere", [False, True], ids=["own", "everywhere"])
async def test_cancel_at_every_checkpoint_of_a_replay(
    autojump_clock: MockClock, everywhere: bool
) -> None:
    """Law 1: a resumed session that sends again what was not taken in, and is lost meanwhile."""

    async def scenario() -> None:
        far = Lasting()
        # Cancelled from anywhere, the far end may find its connection closed.
        with suppress(trio.ClosedResourceError):
            async with far.open(changed=TRANSPARENT, endpoint=VERTEX) as session:
                for text in ("a", "b", "c"):
                    await session.send_text(text)
                far.give_handle(consumed=1)
                await wait_all_tasks_blocked()
                far.peer.close()
                await session.send_text("d")
                await read_until(session, Reconnected)
                far.peer.stall()
                await session.send_text("e")
                far.peer.close()
                await read_until(session, Reconnected)
                await session.flush()
                assert texts(far.frames()) == ["b", "c", "d", "e"]

    with trio.fail_after(6_000):
        runs = await cancel_at_every_checkpoint(scenario, everywhere=everywhere)
        assert runs > 10


async def test_answer_that_crossed_with_its_withdrawal_is_not_replayed(
    autojump_clock: MockClock,
) -> None:
    """The service withdraws a call while its answer is under way; a resumed session gets it not."""

    async def model(turn: UserTurn, reply: Reply) -> None:
        if turn.text == "call":
            await reply.call_tools([("f", {})])
        await reply.text("ok")

    config = trio_live.SessionConfig(
        "demo",
        response_modalities=["TEXT"],
        tools=[trio_live.FunctionDeclaration("f", "x")],
    )
    restored: list[bool] = []
    with trio.fail_after(600):
        async with LiveServer(model, pace=0) as server:
            policy = trio_live.ReconnectPolicy(transparent=True)
            async with trio_live.open_session(
                config,
                endpoint=trio_live.VertexAI(api_key="any-key", base_url="ws://localhost"),
                transport=replace(connect_to(server), reconnect=policy),
            ) as session:
                await session.send_text("call")
                async for event in session:
                    match event:
                        case trio_live.ToolCall(calls=calls):
                            await session.send_text("next")  # the service withdraws the call
                            answer = trio_live.FunctionResponse("f", {"output": 1}, id=calls[0].id)
                            await session.send_tool_response([answer])
                        case trio_live.SessionResumeUpdate(resumable=True):
                            await server.sessions[0].abort()
                        case trio_live.Reconnected():
                            restored.append(event.restored)
                            break
                        case _:
                            pass
                await trio.sleep(2)
            assert restored == [True]
            assert [served.refusal for served in server.sessions] == ["", ""]
