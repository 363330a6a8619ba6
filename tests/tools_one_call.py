"""One call of a tool in a session, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio
from tools_parts import ToolFar, listening

import trio_live
from trio_live import SessionConfig, ToolFinished
from trio_live.tools import FunctionTool, Toolkit

SCHEDULES = SessionConfig("gemini-3.8-live", response_modalities=["TEXT"])


def quick(function: Callable[..., Any], **options: Any) -> FunctionTool:
    """A tool that needs no docstring."""
    return FunctionTool(function, description="", **options)


class Outcome:
    """What became of one call, and of one that came after it."""

    def __init__(self, far: ToolFar, seen: list[Any]) -> None:
        self.told = far.told.get("a")
        self.answered = far.answered
        (self.finished,) = [e for e in seen if isinstance(e, ToolFinished) and e.id == "a"]
        self.warnings = [e.message for e in seen if isinstance(e, trio_live.Error)]

    @property
    def outcome(self) -> str:
        return self.finished.outcome

    @property
    def error(self) -> str:
        return repr(self.finished.error)


async def well() -> str:
    """Be well."""
    return "well"


async def call(
    tool: FunctionTool,
    args: dict[str, Any] | None = None,
    *,
    withdraw: bool = False,
    config: SessionConfig = SCHEDULES,
    **options: Any,
) -> Outcome:
    """Let the service call a tool, and then another one, which must work as ever."""
    far = ToolFar()
    with trio.fail_after(100):
        async with (
            far.open_tools([Toolkit([tool, quick(well)], **options)], config) as session,
            listening(session) as seen,
        ):
            far.call(("a", tool.name, args or {}))
            await trio.sleep(1)
            if withdraw:
                far.withdraw("a")
                await trio.sleep(1)
            far.call(("b", "well", {}))
            await trio.sleep(1)
            assert session.state.calls_owed == {}
            assert session.state.calls_running == {}
    assert far.told["b"] == {"output": "well"}
    assert set(far.answered.values()) == {1}
    return Outcome(far, seen)
