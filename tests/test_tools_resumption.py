"""Connections that are lost in each phase of a call, and resumed, in all ways there are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest
import trio
from lasting_parts import POLICY
from session_parts import ENDPOINT, Json
from tools_parts import ToolFar
from trio.testing import MockClock

import trio_live
from trio_live import ToolCallCancelled, ToolFinished
from trio_live.testing.checkpoints import all_tasks
from trio_live.tools import Call, Toolkit

VERTEX = trio_live.Custom("ws://localhost/live", platform="vertex")
TRANSPARENT = replace(POLICY, transparent=True)

PHASES = ("turn", "approve", "async", "cleanup", "stream", "no_room", "not_written", "finished")
"""Where the call is when the connection is lost; its function then takes four more seconds."""


class Tools:
    """One tool per phase.

    Attributes:
        ran: The calls that were run.
        stopped: Who stopped them, if somebody did.
    """

    def __init__(self) -> None:
        self.ran: list[Call] = []
        self.stopped: list[str | None] = []
        self.kit = Toolkit(repeat_window=None)
        self.line = Toolkit(sequential=True, repeat_window=None)
        self.line.add(self.work, name="turn", description="")
        self.line.add(self.block, name="block", description="")
        self.kit.add(self.work, name="approve", description="", approve=self.ask)
        self.kit.add(self.work, name="async", description="")
        self.kit.add(self.clean, name="cleanup", description="")
        self.kit.add(self.stream, name="stream", description="", behavior="NON_BLOCKING")
        for name in ("no_room", "not_written", "finished", "next"):
            self.kit.add(self.quick, name=name, description="")

    async def ask(self, call: Call, args: dict[str, Any]) -> None:
        await trio.sleep(3)

    async def block(self) -> str:
        await trio.sleep(3)
        return "blocked"

    async def work(self, call: Call) -> str:
        self.ran.append(call)
        try:
            await trio.sleep(4)
        except trio.Cancelled:
            self.stopped.append(call.cancelled_by)
            raise
        return "worked"

    async def clean(self, call: Call) -> str:
        with trio.CancelScope(shield=True):
            await self.work(call)
        return "worked"

    async def stream(self, call: Call) -> AsyncGenerator[str, None]:
        yield "piece"
        yield await self.work(call)

    async def quick(self, call: Call) -> str:
        self.ran.append(call)
        return "worked"


def answers(frames: list[Json], call_id: str = "a") -> list[Any]:
    """The last answers to a call among messages."""
    return [
        answer["response"]
        for message in frames
        if "toolResponse" in message
        for answer in message["toolResponse"]["functionResponses"]
        if answer["id"] == call_id and not answer.get("willContinue")
    ]


class Story:
    """What is known of a session that lost its connection once.

    Attributes:
        first: What came on the first connection.
        second: What came on the second one.
    """

    def __init__(self, far: ToolFar, seen: list[Any], tools: Tools) -> None:
        self.first, self.second = far.frames(0), far.frames(1)
        self.ran = [call for call in tools.ran if call.id == "a"]
        self.stopped = tools.stopped
        self.outcomes = [e.outcome for e in seen if isinstance(e, ToolFinished) and e.id == "a"]
        self.cancelled = [e.ids for e in seen if isinstance(e, ToolCallCancelled)]


async def tell(
    phase: str, handle: str, *, transparent: bool, away: float = 1.0, again: bool = False
) -> Story:
    """Let a service call a function, lose the connection in a phase of the call, and resume.

    Args:
        phase: The phase.
        handle: When the handle was given that is resumed from: "before" the call, "after" it, or
            "never".
        transparent: Whether the service says what it has taken in.
        away: For how many seconds there is no connection.
        again: Whether the resumed service makes the same call again.
    """
    far, tools = ToolFar(), Tools()
    tasks = all_tasks()
    consumed = 0 if transparent else None
    with trio.fail_after(1_000):
        async with far.open_tools(
            [tools.kit, tools.line],
            policy=TRANSPARENT if transparent else POLICY,
            endpoint=VERTEX if transparent else ENDPOINT,
        ) as session:
            events = session.subscribe()
            if handle == "before":
                far.give_handle(consumed=consumed)
            if phase == "turn":
                far.call(("block", "block", {}))
            await trio.sleep(0.1)
            if phase in ("no_room", "not_written"):
                far.peer.stall()
            if phase == "no_room":
                with trio.move_on_after(0.1):
                    for _ in range(5):
                        await session.send_text("x" * 100_000)
            far.call(("a", phase, {}))
            if handle == "after":
                far.give_handle(consumed=consumed)
            await trio.sleep(1)
            far.dialling = trio.Event()
            far.peer.close()
            await trio.sleep(away)
            far.dialling.set()
            await trio.sleep(2)
            if again:
                far.call(("a", phase, {}))
            await trio.sleep(20)
            assert session.state.calls_owed == {}
            assert session.state.calls_running == {}
            far.call(("z", "next", {}))
            await trio.sleep(1)
    assert all_tasks() == tasks
    story = Story(far, [event async for event in events], tools)
    assert answers(story.second, "z") == [{"output": "worked"}]
    return story


WORKED = {"output": "worked"}


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("handle", ["before", "never"])
@pytest.mark.parametrize("phase", PHASES)
async def test_call_that_the_next_connection_does_not_know(
    autojump_clock: MockClock, phase: str, handle: str, transparent: bool
) -> None:
    """It is stopped, and nobody is answered: the resumed session has not made it."""
    story = await tell(phase, handle, transparent=transparent)
    assert answers(story.second) == []
    assert answers(story.first) == ([WORKED] if phase == "finished" else [])
    if phase in ("no_room", "not_written", "finished"):
        assert story.outcomes == ["answered"]
    else:
        assert story.outcomes == ["cancelled"]
        assert any("a" in ids for ids in story.cancelled)
        assert len(story.ran) == (phase not in ("turn", "approve"))
        assert story.stopped in ([], ["connection"])


@pytest.mark.parametrize("away", [1.0, 10.0])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("phase", PHASES)
async def test_call_that_the_next_connection_knows(
    autojump_clock: MockClock, phase: str, transparent: bool, away: float
) -> None:
    """It goes on, whether it ends before there is a connection or after, and is answered there.

    An answer that was written on the first connection is behind the handle: in a transparent
    resume it is written again, since the restored session waits for it.
    """
    story = await tell(phase, "after", transparent=transparent, away=away)
    assert story.outcomes == ["answered"]
    assert len(story.ran) == 1
    assert story.stopped == []
    assert story.cancelled == []
    folded = {"output": ["piece", "worked"]}  # Vertex AI takes no pieces
    last = {} if phase == "stream" and not transparent else folded if phase == "stream" else WORKED
    if phase == "finished":
        assert answers(story.first) == [WORKED]
        assert answers(story.second) == ([WORKED] if transparent else [])
    else:
        assert answers(story.first) == []
        assert answers(story.second) == [last]


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(
    ("phase", "handle", "runs", "outcomes"),
    [
        ("async", "before", 2, ["cancelled", "answered"]),
        ("async", "after", 1, ["answered"]),
        ("turn", "before", 1, ["cancelled", "answered"]),
        ("not_written", "before", 1, ["answered"]),
        ("finished", "before", 1, ["answered"]),
        ("finished", "after", 1, ["answered"]),
    ],
)
async def test_call_that_the_resumed_service_makes_again(
    autojump_clock: MockClock,
    phase: str,
    handle: str,
    runs: int,
    outcomes: list[str],
    transparent: bool,
) -> None:
    """What was stopped runs again, what runs goes on, what had ended is told again.

    In a transparent resume that knows the call the answer was told before the service asked again.
    """
    story = await tell(phase, handle, transparent=transparent, again=True)
    assert (len(story.ran), story.outcomes) == (runs, outcomes)
    before = transparent and (phase, handle) == ("finished", "after")
    assert answers(story.second) == [WORKED] * (2 if before else 1)
