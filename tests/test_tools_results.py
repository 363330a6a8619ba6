"""Results that cannot be told, or not as they are; and answers of one message."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio
from tools_one_call import SCHEDULES, call, quick, well
from tools_parts import ToolFar
from trio.testing import MockClock

import trio_live
from trio_live import SessionConfig
from trio_live.tools import Result, ToolError, Toolkit

HAS_NONE = SessionConfig("gemini-3.8-live-extended-thinking", response_modalities=["TEXT"])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), {"output": None}),
        ({"a": [float("inf")]}, {"a": [None]}),
        ({1: "x"}, {"1": "x"}),
        (2**70, {"output": 2**70}),
        ({1}, {"output": [1]}),
        (b"\0", {"output": "AA=="}),
        ("\ud800", None),
        ({None: 1}, None),
        ({(1,): 1}, None),
        (object(), None),
        (well, None),
    ],
)
async def test_results_that_are_not_json(
    autojump_clock: MockClock, value: object, told: object
) -> None:
    """A result is written as JSON has it (no number for NaN, base64 for bytes), or is an error."""

    async def tool() -> object:
        return value

    seen = await call(quick(tool))
    wrong = {"error": "ToolError: the result cannot be written as JSON"}
    assert seen.told == (told or wrong)


async def test_result_that_holds_itself(autojump_clock: MockClock) -> None:
    """Endless results end as an error."""
    endless: list[object] = []
    endless.append(endless)

    async def tool() -> object:
        return endless

    seen = await call(quick(tool))
    assert seen.told == {"error": "ToolError: the result cannot be written as JSON"}


@pytest.mark.parametrize(
    ("config", "behavior", "why"),
    [
        (SCHEDULES, "BLOCKING", "waits for the answer"),
        (HAS_NONE, None, "has none"),
    ],
)
@pytest.mark.parametrize("scheduling", ["INTERRUPT", "SILENT"])
async def test_result_whose_scheduling_has_no_meaning_is_told(
    autojump_clock: MockClock, config: SessionConfig, behavior: Any, why: str, scheduling: Any
) -> None:
    """The result is told without it, and the program that it was left out."""

    async def tool() -> Result:
        return Result("found", scheduling)

    seen = await call(quick(tool, behavior=behavior), config=config)
    assert (seen.told, seen.outcome) == ({"output": "found"}, "answered")
    assert seen.warnings == [
        f"a result of tool 'tool' came without its scheduling={scheduling!r}: the model {why}"
    ]


def test_scheduling_that_there_is_not() -> None:
    """A Result with a misspelt scheduling is refused where it is made."""
    with pytest.raises(ValueError, match="scheduling='NOW' must be one of"):
        Result("found", scheduling="NOW")  # type: ignore[arg-type]


async def test_stream_that_fails_is_ended_by_its_error(autojump_clock: MockClock) -> None:
    """What was told on the way stays told; the error is the last answer."""

    async def tool() -> AsyncGenerator[int, None]:
        yield 1
        raise ToolError("out of numbers")

    seen = await call(quick(tool, behavior="NON_BLOCKING"))
    assert seen.told == {"error": "ToolError: out of numbers"}
    assert seen.outcome == "failed"


async def test_rejected_calls_are_answered_with_their_batch(autojump_clock: MockClock) -> None:
    """What can be answered at once waits for the BLOCKING calls of its message, in any order."""

    async def wait(seconds: float) -> str:
        await trio.sleep(seconds)
        return "waited"

    for order in (1, -1):
        far = ToolFar()
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("a", "nowhere", {}),
            ("b", "wait", {"seconds": 1}),
            ("c", "wait", {}),
        ]
        with trio.fail_after(100):
            async with far.open_tools([quick(wait, behavior="BLOCKING")]):
                far.call(*calls[::order])
                await trio.sleep(2)
        far.read()
        assert [sorted(a["id"] for a in m) for m in far.answers_seen] == [["a", "b", "c"]]


async def test_same_id_twice_in_a_message(autojump_clock: MockClock) -> None:
    """One id is one call, whatever stands beside it."""
    far = ToolFar()
    ran: list[int] = []

    async def note(number: int) -> int:
        ran.append(number)
        return number

    with trio.fail_after(100):
        async with far.open_tools([quick(note)]) as session:
            far.call(("a", "note", {"number": 1}), ("a", "note", {"number": 2}))
            await trio.sleep(1)
            assert session.state.calls_owed == {}
    assert ran == [1]
    assert far.answered == {"a": 1}


async def test_unknown_function_among_a_thousand(autojump_clock: MockClock) -> None:
    """The model is told of some of the functions, not of all."""
    far = ToolFar()
    tools = [quick(well, name=f"tool_{n}") for n in range(1_000)]
    with trio.fail_after(100):
        async with far.open_tools(tools):
            far.call(("a", "nowhere", {}))
            await trio.sleep(1)
    told = far.told["a"]["error"]
    assert told.startswith("there is no function 'nowhere'; there are: tool_0, tool_1, ")
    assert told.endswith(" and 950 more")
    assert len(told) < 1_000


async def test_program_answers_a_tools_call_itself(autojump_clock: MockClock) -> None:
    """Whoever is first has answered: the tool's result is dropped."""
    far = ToolFar()

    async def slow() -> str:
        await trio.sleep(2)
        return "late"

    with trio.fail_after(100):
        async with far.open_tools([quick(slow)]) as session:
            far.call(("a", "slow", {}))
            await trio.sleep(1)
            mine = trio_live.FunctionResponse("slow", {"output": "early"}, "a")
            await session.send_tool_response([mine])
            await trio.sleep(5)
    assert far.told == {"a": {"output": "early"}}
    assert far.answered == {"a": 1}


async def test_one_sequential_tool_holds_up_no_other_of_a_limited_kit(
    autojump_clock: MockClock,
) -> None:
    """A call that waits for the one before it takes no place of the kit's limit."""
    running: list[str] = []
    peak = 0

    async def work(tag: str) -> str:
        nonlocal peak
        running.append(tag)
        peak = max(peak, len(running))
        try:
            await trio.sleep(2)
        finally:
            running.remove(tag)
        return tag

    kit = Toolkit(max_concurrent=2)
    kit.add(work, name="one_by_one", description="", sequential=True)
    kit.add(work, name="any", description="")
    far = ToolFar()
    with trio.fail_after(100):
        async with far.open_tools([kit]):
            ones = [(f"s{n}", "one_by_one", {"tag": f"s{n}"}) for n in range(3)]
            far.call(*ones, *((f"p{n}", "any", {"tag": f"p{n}"}) for n in range(3)))
            await trio.sleep(1)
            assert sorted(running) == ["p0", "s0"]
            await trio.sleep(2)
            assert len(running) == 2
            far.withdraw("s1", "p1")
            await trio.sleep(10)
        assert peak == 2
        assert far.answered == {"s0": 1, "s2": 1, "p0": 1, "p2": 1}
