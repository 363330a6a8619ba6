"""What the embedded server's model knows: context updates, histories, answers in pieces."""

from __future__ import annotations

import pytest
import trio
from live_server_client import (
    BEARER,
    VERTEX,
    VERTEX_MODEL,
    Json,
    connect,
    content_keys,
)
from trio.testing import MockClock

from trio_live.testing.server import LiveServer, Reply, UserTurn

TEXT = {"responseModalities": ["TEXT"]}


def instruction(text: str, role: str = "user") -> Json:
    """A content of one text."""
    return {"role": role, "parts": [{"text": text}]}


class Noting:
    """A model that notes what holds for each answer."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, list[Json]]] = []

    async def __call__(self, turn: UserTurn, reply: Reply) -> None:
        self.seen.append((turn.text, turn.system_instruction, turn.tools))
        await reply.text("ok")


async def test_update_of_the_context_holds_from_the_next_answer(autojump_clock: MockClock) -> None:
    """What an update names is replaced, and the rest stays; an answer keeps what it began with."""
    model = Noting()
    search: list[Json] = [{"googleSearch": {}}]
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            setup = {"systemInstruction": instruction("first"), "tools": search}
            await client.set_up(generationConfig=TEXT, **setup)
            await client.say("1")
            await client.receive()
            await client.send({"contextUpdate": {"systemInstruction": instruction("second")}})
            await client.receive_turn()
            await client.say("2")
            await client.receive_turn()
            await client.send({"contextUpdate": {"tools": {}}})
            await client.send({"contextUpdate": {}})
            await client.say("3")
            await client.receive_turn()
    assert model.seen == [("1", "first", search), ("2", "second", search), ("3", "second", [])]


async def test_turn_of_the_system_is_an_instruction_on_vertex_alone(
    autojump_clock: MockClock,
) -> None:
    """There it replaces the instruction and is no content; the Gemini API knows no such role."""
    model = Noting()
    message = {"clientContent": {"turns": [instruction("be brief", "system")]}}
    with trio.fail_after(60):
        async with LiveServer(model) as server:
            async with connect(server, VERTEX, BEARER) as client:
                await client.set_up(model=VERTEX_MODEL)
                await client.send(message)
                await client.say("hello")
                await client.receive_turn()
            async with connect(server) as client:
                await client.set_up()
                await client.send(message)
                closed = await client.receive_closed()
                assert closed == (1007, "Please use a valid role: user, model.")
    assert model.seen == [("hello", "be brief", [])]


async def test_history_may_come_in_pieces_and_end_with_the_model(
    autojump_clock: MockClock,
) -> None:
    """Up to turnComplete everything is history, and nothing is said to it."""
    histories: list[list[Json]] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        histories.append(turn.history)

    turns = [instruction("a"), instruction("b", "model")]
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(historyConfig={"initialHistoryInClientContent": True})
            await client.send({"clientContent": {"turns": turns[:1]}})
            await client.send({"realtimeInput": {"text": "unheard"}})
            await client.send({"clientContent": {"turns": turns[1:]}})
            await client.send({"clientContent": {"turnComplete": True}})
            await client.say("heard")
            turn = await client.receive_turn()
            assert content_keys(turn) == ["generationComplete", "turnComplete"]
    assert histories == [turns]


@pytest.mark.parametrize("behavior", [None, "NON_BLOCKING", "BLOCKING"])
async def test_pieces_of_an_answer_reach_the_model(
    autojump_clock: MockClock, behavior: str | None
) -> None:
    """With willContinue a call stays open; where the function is BLOCKING it is ignored."""
    seen: list[object] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(await reply.call_tools([("f", {})]))
        seen.append(reply.answers)

    function = {"name": "f"} | ({"behavior": behavior} if behavior else {})
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT, tools=[{"functionDeclarations": [function]}])
            await client.say("go")
            call_id = (await client.receive())["toolCall"]["functionCalls"][0]["id"]
            image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
            pieces: list[Json] = [
                {"response": {"n": 1}, "willContinue": True, "scheduling": "SILENT"},
                {"response": {"n": 2}, "parts": [image]},
            ]
            for piece in pieces:
                answer = {"id": call_id, "name": "f"} | piece
                await client.send({"toolResponse": {"functionResponses": [answer]}})
            await client.receive_turn()
    pieces = pieces[:1] if behavior == "BLOCKING" else pieces
    assert seen == [
        [pieces[-1]["response"]],
        [piece | {"id": call_id, "name": "f"} for piece in pieces],
    ]


@pytest.mark.parametrize(
    "part",
    [
        {},
        {
            "inlineData": {"mimeType": "image/png", "data": "AAAA"},
            "fileData": {"fileUri": "gs://a", "mimeType": "image/png"},
        },
    ],
)
async def test_part_of_an_answer_has_one_kind_of_data(
    autojump_clock: MockClock, part: Json
) -> None:
    """Neither and both are refused."""

    async def model(turn: UserTurn, reply: Reply) -> None:
        await reply.call_tools([("f", {})])

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.say("go")
            call_id = (await client.receive())["toolCall"]["functionCalls"][0]["id"]
            answer = {"id": call_id, "name": "f", "response": {}, "parts": [part]}
            await client.send({"toolResponse": {"functionResponses": [answer]}})
            assert (await client.receive_closed())[0] == 1007
            assert "one kind" in server.sessions[0].refusal
