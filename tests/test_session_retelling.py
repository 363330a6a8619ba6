"""What a session that goes on is told of the conversation before it: not twice, and not never."""

from __future__ import annotations

import pytest
import trio
from lasting_parts import Lasting
from session_parts import Json, frame, read_until, say, text_message
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import Content, Reconnected, SessionHandle

ANNOUNCED = trio_live.SessionConfig(
    "gemini-3.8-live", response_modalities=["TEXT"], initial_history=True
)
BEFORE = Content.from_text("we spoke of Saturn")


def content(*turns: tuple[str, str], complete: bool) -> Json:
    """A clientContent of turns, each a role and a text."""
    told = [{"role": role, "parts": [{"text": text}]} for role, text in turns]
    return {"clientContent": ({"turns": told} if told else {}) | {"turnComplete": complete}}


def announces(setup: Json) -> bool:
    """Whether a setup says that a history comes."""
    return "historyConfig" in setup["setup"]


async def one_turn(far: Lasting, session: SessionHandle) -> None:
    """The user asks, the model answers."""
    await session.send_text("go")
    far.peer.send(say("gone"))
    far.peer.send(frame(serverContent={"turnComplete": True}))
    await read_until(session, trio_live.TurnComplete)


async def lose(far: Lasting, session: SessionHandle) -> Reconnected:
    """Drop the connection, while a text waits."""
    far.dialling = trio.Event()
    far.peer.close()
    await session.wait_for_phase(trio_live.SessionPhase.CONNECTING)
    await session.send_text("and now?")
    far.dialling.set()
    told = (await read_until(session, Reconnected))[-1]
    assert isinstance(told, Reconnected)
    return told


async def test_resumed_session_does_not_announce_its_history_again(
    autojump_clock: MockClock,
) -> None:
    """It has it: a service that waited for it would be mute."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(ANNOUNCED) as session:
            await session.seed_history([BEFORE])
            far.give_handle()
            await wait_all_tasks_blocked()
            told = await lose(far, session)
            assert told.restored
            setup, *rest = far.frames()
            assert announces(far.frames(0)[0])
            assert not announces(setup)
            assert rest == [text_message("and now?")]


async def test_checkpoint_does_not_announce_the_history_again(autojump_clock: MockClock) -> None:
    """Neither in another process."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(ANNOUNCED) as session:
            await session.seed_history([BEFORE])
            far.give_handle()
            await wait_all_tasks_blocked()
            checkpoint = session.checkpoint()
        async with far.open(ANNOUNCED, resume=checkpoint) as session:
            await session.send_text("go on")
            setup, *rest = far.frames()
            assert not announces(setup)
            assert rest == [text_message("go on")]


@pytest.mark.parametrize("reseed", [None, "history"])
async def test_fresh_session_that_announced_a_history_gets_one(
    autojump_clock: MockClock, reseed: str | None
) -> None:
    """The turns so far, or an empty one: without any the service would stay mute."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(ANNOUNCED, changed={"reseed": reseed}) as session:
            await session.seed_history([BEFORE])
            await one_turn(far, session)
            told = await lose(far, session)
            assert not told.restored
            setup, *rest = far.frames()
    turns = [("user", "go"), ("model", "gone")] if reseed else []
    assert announces(setup)
    assert rest == [content(*turns, complete=True), text_message("and now?")]


async def test_fresh_session_is_told_what_a_function_gives(autojump_clock: MockClock) -> None:
    """Where no history was announced, as turns that are not to be answered."""
    far = Lasting()
    changed = {"reseed": lambda state: [BEFORE, *([BEFORE] * state.turns_started)]}
    with trio.fail_after(60):
        async with far.open(changed=changed) as session:
            await one_turn(far, session)
            await lose(far, session)
            assert far.frames()[1:] == [
                content(*[("user", "we spoke of Saturn")] * 2, complete=False),
                text_message("and now?"),
            ]


async def test_model_that_takes_no_contents_is_told_as_an_error(autojump_clock: MockClock) -> None:
    """The session lives, and says that it could not be told."""
    far = Lasting()
    config = trio_live.SessionConfig("gemini-3.1-flash-live-preview", response_modalities=["AUDIO"])
    with trio.fail_after(60):
        async with far.open(config, changed={"reseed": "history"}) as session:
            await session.send_realtime_text("go")
            far.peer.send(frame(serverContent={"turnComplete": True}))
            await read_until(session, trio_live.TurnComplete)
            far.peer.close()
            happened = await read_until(session, Reconnected)
            [error] = [event for event in happened if isinstance(event, trio_live.Error)]
            assert error.message.startswith("the conversation could not be told again: ")
            await session.send_realtime_text("it lives")
            assert far.frames()[1:] == [{"realtimeInput": {"text": "it lives"}}]


@pytest.mark.parametrize("way", ["instruction", "context", "raw"])
@pytest.mark.parametrize("handle", [False, True], ids=["afresh", "resumed"])
async def test_next_setup_has_what_the_service_was_told_meanwhile(
    autojump_clock: MockClock, way: str, handle: bool
) -> None:
    """A new instruction, or other functions, hold for the session, not for the connection."""
    far = Lasting()
    config = trio_live.SessionConfig(
        "gemini-3.8-live",
        response_modalities=["TEXT"],
        system_instruction="Be long.",
        tools=[trio_live.FunctionDeclaration("old", "x")],
    )
    brief = {"parts": [{"text": "Be brief."}], "role": "user"}
    new = {"functionDeclarations": [{"name": "new", "description": "y"}]}
    with trio.fail_after(60):
        async with far.open(config) as session:
            if handle:
                far.give_handle()
            match way:
                case "instruction":
                    await session.update_instruction("Be brief.")
                case "context":
                    await session.update_context(
                        system_instruction="Be brief.",
                        tools=[trio_live.FunctionDeclaration("new", "y")],
                    )
                case _:
                    update = {"systemInstruction": brief, "tools": {"tools": [new]}}
                    await session.send_raw({"contextUpdate": update})
            await wait_all_tasks_blocked()
            assert (await lose(far, session)).restored is handle
            setup = far.frames()[0]["setup"]
            assert setup["systemInstruction"] == brief
            old = {"functionDeclarations": [{"name": "old", "description": "x"}]}
            assert setup["tools"] == [old if way == "instruction" else new]
            if way == "context":
                await session.update_context(tools=[])
                await lose(far, session)
                assert "tools" not in far.frames()[0]["setup"]
