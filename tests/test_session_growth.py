"""A session that lasts keeps no more after many connections and turns than after some."""

from __future__ import annotations

import gc
import logging
import sys
from collections import Counter
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live.testing import LiveServer, Reply, UserTurn, connect_to

CONFIG = trio_live.SessionConfig(
    "models/demo",
    response_modalities=["TEXT"],
    tools=[trio_live.FunctionDeclaration("look_up", "Look a number up.")],
)
WARM, MORE = 100, 100  # rounds; a session keeps fewer turns than that


async def answer(turn: UserTurn, reply: Reply) -> None:
    """Be the model: call a function, then speak."""
    await reply.call_tools([("look_up", {"number": 1})])
    await reply.text("word " * 20)


def kept_objects() -> Counter[type]:
    """Count all objects that refer to others, by type."""
    gc.collect()
    return Counter(map(type, gc.get_objects()))


async def _until_resumable(session: trio_live.SessionHandle) -> None:
    """Answer the calls of a turn, and wait for the handle behind it."""
    async for event in session:
        match event:
            case trio_live.ToolCall(calls=calls):
                await session.send_tool_response(
                    [trio_live.FunctionResponse(c.name, {"output": 1}, id=c.id) for c in calls]
                )
            case trio_live.SessionResumeUpdate(resumable=True):
                return
            case _:
                pass


async def _lose(session: trio_live.SessionHandle, server: LiveServer) -> None:
    await server.sessions[-1].abort()
    async for event in session:
        if isinstance(event, trio_live.Reconnected):
            break
    server.sessions[:-1] = []  # the server keeps them


async def _talk_and_lose(session: trio_live.SessionHandle, server: LiveServer) -> None:
    """Have two turns, on three connections: the second is resumed, the third begins afresh."""
    await session.send_audio(bytes(640))
    await session.send_text("first")
    await _until_resumable(session)
    await _lose(session, server)
    await session.send_text("second")
    await _until_resumable(session)
    server.forget_handles()
    await _lose(session, server)
    await trio.sleep(60)  # so that the connection counts as stable
    await wait_all_tasks_blocked()


@pytest.mark.parametrize("transparent", [False, True], ids=["plain", "transparent"])
async def test_many_connections_and_turns_leave_nothing(
    transparent: bool, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 200 connections, each connection more costs no object of any kind."""
    # pytest keeps what is logged, and with it what it is about.
    monkeypatch.setattr(logging.getLogger("trio-websocket"), "disabled", True)
    endpoint: trio_live.Endpoint = trio_live.GoogleAI("any-key", base_url="ws://localhost")
    if transparent:
        endpoint = trio_live.VertexAI(api_key="any-key", base_url="ws://localhost")
    policy = trio_live.ReconnectPolicy(transparent=transparent)
    found: list[tuple[Counter[type], int]] = []
    with trio.fail_after(100_000):
        async with (
            LiveServer(answer, pace=0, record=False) as server,
            trio_live.open_session(
                CONFIG,
                endpoint=endpoint,
                transport=replace(connect_to(server), reconnect=policy),
            ) as session,
        ):
            for times in (WARM, MORE):
                for _ in range(times):
                    await _talk_and_lose(session, server)
                found.append((kept_objects(), sys.getallocatedblocks()))
    (objects, blocks), (later_objects, later_blocks) = found
    more = later_objects - objects
    assert {kind: count for kind, count in more.items() if count >= MORE} == {}
    assert later_blocks - blocks < 2 * MORE  # of whatever type; caches still fill
