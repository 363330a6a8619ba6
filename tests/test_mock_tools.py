"""Tools in a mock of a session: run, stopped and answered as in a session."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio
from session_parts import CONFIG
from tools_parts import ToolFar
from trio.testing import MockClock

import trio_live
from trio_live import ConfigError, FunctionResponse
from trio_live.testing import MockSession
from trio_live.tools import Call, FunctionTool, Toolkit
from trio_live.wire.client import ToolResponse


async def test_mock_session_runs_tools(autojump_clock: MockClock) -> None:
    """A MockSession runs tools, once it is told to."""
    stopped: list[tuple[str | None, str | None]] = []

    async def wait(seconds: float, call: Call) -> str:
        """Wait a while."""
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            stopped.append((call.id, call.cancelled_by))
            raise
        return f"waited {seconds:g}"

    session = MockSession(tools=[wait])
    with trio.fail_after(100):
        async with trio.open_nursery() as nursery:
            await nursery.start(session.run_tools)
            call = {"id": "a", "name": "wait", "args": {"seconds": 1}}
            session.receive({"toolCall": {"functionCalls": [call]}})
            await trio.sleep(2)
            assert session.sent == [
                trio_live.SendToolResponse((FunctionResponse("wait", {"output": "waited 1"}, "a"),))
            ]
            session.receive({"toolCall": {"functionCalls": [call | {"id": "b"}]}})
            await trio.sleep(0.5)
            assert session.cancel_tool("b")
            await session.update_tools([])
            session.receive({"toolCall": {"functionCalls": [call | {"id": "c"}]}})
            await trio.sleep(0.5)
            session.end()
            nursery.cancel_scope.cancel()
    assert stopped == [("b", "user")]


@pytest.mark.parametrize("platform", ["gemini", "vertex", None])
@pytest.mark.parametrize("behavior", ["BLOCKING", "NON_BLOCKING"])
async def test_mock_session_answers_as_a_session_does(
    autojump_clock: MockClock, platform: Any, behavior: Any
) -> None:
    """Results in pieces, or folded: the same answers on the same platform."""

    async def count() -> Any:
        """Count."""
        for number in range(3):
            yield number
            await trio.sleep(1)

    kit = Toolkit([FunctionTool(count, behavior=behavior)])
    made = {"id": "a", "name": "count", "args": {}}
    far = ToolFar()
    endpoint = trio_live.Custom("ws://localhost/live", platform=platform)
    with trio.fail_after(100):
        async with far.open_tools([kit], endpoint=endpoint):
            far.call(("a", "count", {}))
            await trio.sleep(5)
        mock = MockSession(CONFIG, tools=[kit], platform=platform)
        async with trio.open_nursery() as nursery:
            await nursery.start(mock.run_tools)
            mock.receive({"toolCall": {"functionCalls": [made]}})
            await trio.sleep(5)
            nursery.cancel_scope.cancel()
    far.read()
    sent = [command for command in mock.sent if isinstance(command, trio_live.SendToolResponse)]
    wire = [ToolResponse(command.responses) for command in sent]
    assert far.answers_seen == [
        list(msgspec.to_builtins(message)["functionResponses"]) for message in wire
    ]
    assert len(sent) == (4 if (platform, behavior) == ("gemini", "NON_BLOCKING") else 1)


def test_mock_session_knows_the_platforms() -> None:
    """A platform that there is not is refused; one that there is has its rules."""
    with pytest.raises(ConfigError, match="platform='mars'"):
        MockSession(platform="mars")  # type: ignore[arg-type]
