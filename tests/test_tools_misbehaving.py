"""Tools, hooks and models that break the rules: each call is answered once, the session lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import trio
from session_parts import leaves_with
from tools_one_call import call, quick, well
from tools_parts import ToolFar
from trio.testing import MockClock

import trio_live
from trio_live import ToolFinished, ToolStarted
from trio_live.tools import Call, Refusal, ToolError
from trio_live.tools.desk import CallDesk
from trio_live.wire.functions import FunctionCall


async def test_error_of_a_nursery_in_a_tool_is_told_as_itself(autojump_clock: MockClock) -> None:
    """One error in a group is that error, for the model and for the program."""

    async def inner() -> None:
        raise ToolError("no such city")

    async def tool() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inner)

    seen = await call(quick(tool))
    assert seen.told == {"error": "ToolError: no such city"}
    assert seen.error == "ToolError('no such city')"


async def test_several_errors_of_a_tool(autojump_clock: MockClock) -> None:
    """Of several errors at once the model hears that there were several, and no text."""

    async def inner() -> None:
        raise ToolError("no such city")

    async def tool() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inner)
            nursery.start_soon(inner)

    seen = await call(quick(tool))
    assert seen.told == {"error": "ExceptionGroup"}
    assert seen.outcome == "failed"


@pytest.mark.parametrize("in_nursery", [False, True])
async def test_cleanup_that_fails_is_told(autojump_clock: MockClock, in_nursery: bool) -> None:
    """The failure of a cleanup, alone or beside cancelled tasks, ends neither session nor calls."""

    async def inner() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("with a secret")

    async def group() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inner)
            nursery.start_soon(trio.sleep_forever)

    seen = await call(quick(group if in_nursery else inner, name="tool"), withdraw=True)
    assert seen.told is None
    assert seen.outcome == "cancelled"
    assert seen.warnings == ["tool 'tool' raised ValueError after its call ended"]


@pytest.mark.parametrize("how", ["leave", "disconnect", "raise", "cancel"])
async def test_cleanup_that_fails_at_the_end(autojump_clock: MockClock, how: str) -> None:
    """The failure of a cleanup does not take the place of what ends the block."""

    async def inner() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError

    async def tool() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inner)
            nursery.start_soon(trio.sleep_forever)

    far = ToolFar()

    async def block(scope: trio.CancelScope) -> None:
        async with far.open_tools([quick(tool)]) as session:
            far.call(("a", "tool", {}))
            await trio.sleep(1)
            match how:
                case "disconnect":
                    await session.disconnect()
                case "raise":
                    raise KeyError
                case "cancel":
                    scope.cancel()
                    await trio.sleep(1)
                case _:
                    pass

    with trio.fail_after(100), trio.CancelScope() as scope:
        if how == "raise":
            with pytest.raises(KeyError):
                await block(scope)
        else:
            await block(scope)
    assert far.answered == {}


async def test_cancelled_of_another_scope_is_a_failure(autojump_clock: MockClock) -> None:
    """A tool that raises what another scope had raised fails, and stops no other call."""

    async def tool() -> None:
        kept: BaseException | None = None
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled as cancelled:
                kept = cancelled
                raise
        assert kept is not None
        raise kept

    seen = await call(quick(tool))
    assert seen.told == {"error": "RuntimeError"}
    assert "nothing had cancelled it" in seen.error


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("in_nursery", [False, True])
async def test_what_ends_programs_ends_the_block(
    autojump_clock: MockClock, kind: type[BaseException], in_nursery: bool
) -> None:
    """KeyboardInterrupt and its like leave the block, plainly; the call is not answered."""

    async def plain() -> None:
        raise kind

    async def group() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(plain)
            nursery.start_soon(trio.sleep_forever)

    far = ToolFar()
    with trio.fail_after(100), leaves_with(kind):
        async with far.open_tools([quick(group if in_nursery else plain, name="tool")]):
            far.call(("a", "tool", {}))
            await trio.sleep_forever()
    assert far.answered == {}


async def test_describe_error_that_raises(autojump_clock: MockClock) -> None:
    """The model hears the type of the error, the program that its hook failed."""

    async def tool() -> None:
        raise ValueError("with a secret")

    def describe(error: Exception) -> str:
        raise KeyError

    seen = await call(quick(tool), describe_error=describe)
    assert seen.told == {"error": "ValueError"}
    assert seen.warnings == ["describe_error raised KeyError"]


@dataclass
class Picky:
    """Arguments with a check of their own."""

    a: int

    def __post_init__(self) -> None:
        if self.a == 1:
            raise ValueError("a must not be 1")
        raise KeyError("a secret")


@pytest.mark.parametrize(
    ("given", "told", "outcome"),
    [
        (1, {"error": "wrong arguments: a must not be 1 - at `$.picky`"}, "invalid"),
        (2, {"error": "KeyError"}, "failed"),
    ],
)
async def test_arguments_that_check_themselves(
    autojump_clock: MockClock, given: int, told: dict[str, str], outcome: str
) -> None:
    """A ValueError of a type's own check is told to the model; any other error is a failure."""

    async def tool(picky: Picky) -> None: ...

    seen = await call(quick(tool), {"picky": {"a": given}})
    assert (seen.told, seen.outcome) == (told, outcome)


async def test_arguments_beyond_all_depth(autojump_clock: MockClock) -> None:
    """Whatever the model nests, the call is answered."""

    async def tool(a: dict[str, Any]) -> None: ...

    deep: dict[str, Any] = {}
    for _ in range(800):
        deep = {"x": deep}
    seen = await call(quick(tool), {"a": deep})
    assert (seen.told, seen.outcome) == (
        {"error": "wrong arguments: they are nested too deeply"},
        "invalid",
    )


def test_calls_that_are_too_deep_to_compare_are_no_repetitions() -> None:
    """What can be read but not written is not compared; looking at it raises nothing."""
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"x": deep}
    desk = CallDesk()
    for key in ("a", "b"):
        desk.next_message()
        work, ready = desk.take(key, FunctionCall("f", deep, key), None, now=0.0, window=1.0)
        assert work is not None
        assert ready == []


@pytest.mark.parametrize("verdict", [True, False, "yes", {"no such": 1}])
async def test_verdicts_that_are_none(autojump_clock: MockClock, verdict: Any) -> None:
    """What an approve hook may not give, or arguments that the tool has not, runs nothing."""
    ran: list[str] = []

    async def tool() -> None:
        ran.append("ran")

    async def approve(call: Call, args: dict[str, Any]) -> Any:
        return verdict

    seen = await call(quick(tool, approve=approve))
    assert seen.told == {"error": "TypeError"}
    assert ran == []


async def test_verdict_of_the_wrong_type_is_explained(autojump_clock: MockClock) -> None:
    """The program is told what a hook may give."""

    async def approve(call: Call, args: dict[str, Any]) -> Any:
        return True

    seen = await call(quick(well, name="tool", approve=approve))
    assert "approve" in seen.error
    assert "Refusal" in seen.error


async def test_approve_that_raises_refuses(autojump_clock: MockClock) -> None:
    """A hook that fails lets nothing through; a ToolError of its is told."""

    async def approve(call: Call, args: dict[str, Any]) -> Refusal | None:
        raise ToolError("ask your boss")

    seen = await call(quick(well, name="tool", approve=approve))
    assert (seen.told, seen.outcome) == ({"error": "ToolError: ask your boss"}, "failed")


async def test_approve_that_hangs_is_stopped_like_a_tool(autojump_clock: MockClock) -> None:
    """A hook may wait as long as a person needs; withdrawing the call ends it."""

    async def approve(call: Call, args: dict[str, Any]) -> Refusal | None:
        await trio.sleep(1_000)
        return None

    seen = await call(quick(well, name="tool", approve=approve, timeout=0.5), withdraw=True)
    assert (seen.told, seen.outcome) == (None, "cancelled")
    assert seen.finished.duration == 0


@pytest.mark.parametrize("what", ["disconnect", "close", "cancel", "cancel and wait", "update"])
async def test_tool_uses_its_session(autojump_clock: MockClock, what: str) -> None:
    """A tool may end the session, cancel itself, or replace the tools that it is one of."""
    far = ToolFar()
    seen: list[Any] = []
    sessions: list[trio_live.SessionHandle] = []

    async def tool(call: Call) -> str:
        (session,) = sessions
        match what:
            case "disconnect":
                await session.disconnect()
            case "close":
                session.close()
                await trio.sleep(1)
            case "update":
                await session.update_tools([])
            case _:
                assert session.cancel_tool(call.id or "")
                if what == "cancel and wait":
                    await trio.sleep(1)
        return "returned"

    with trio.fail_after(100):
        async with far.open_tools([quick(tool)]) as session:
            sessions.append(session)
            events = session.subscribe()
            far.call(("a", "tool", {}))
            await trio.sleep(3)
    seen = [e async for e in events if isinstance(e, ToolStarted | ToolFinished)]
    assert [type(e) for e in seen] == [ToolStarted, ToolFinished]
    told = {
        "cancel": {"error": "cancelled by the application"},
        "cancel and wait": {"error": "cancelled by the application"},
        "update": {"output": "returned"},
    }
    assert far.told == ({"a": told[what]} if what in told else {})
    assert seen[-1].outcome == ("answered" if what == "update" else "cancelled")
