"""Tools of an MCP server: a real one, over stdio, in a process of its own; on the real clock."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from mcp import Client, MCPError, StdioServerParameters, types
from tools_parts import ToolFar, listening

from trio_live import ConfigError, ToolFinished
from trio_live.tools import Toolkit

SERVER = Path(__file__).parent / "mcp_server.py"
SECONDS = 30.0


@asynccontextmanager
async def connected(
    marks: Path, changed: Callable[[], object] | None = None
) -> AsyncIterator[Client]:
    """A client of a new server.

    `changed` is called when the server says that it has other tools; that is the older protocol,
    where nobody subscribes to it.
    """

    async def handle(message: Any) -> None:
        if changed is not None and isinstance(message, types.ToolListChangedNotification):
            changed()

    server = StdioServerParameters(command=sys.executable, args=[str(SERVER), str(marks)])
    with trio.fail_after(SECONDS):
        mode = "auto" if changed is None else "legacy"
        async with Client(server, message_handler=handle, mode=mode) as client:
            yield client


async def test_tools_of_a_server(tmp_path: Path) -> None:
    """All pages are listed, under their prefix, with their schemas; each kind of result is told."""
    far = ToolFar()
    async with connected(tmp_path / "marks") as client:
        kit = await Toolkit.from_mcp(client, prefix="mcp_")
        assert [tool.name for tool in kit] == [
            f"mcp_{name}"
            for name in (
                *("echo", "measure", "fail", "slow", "count", "picture", "grow"),
                *("pay", "promise", "refuse", "die"),
            )
        ]
        async with far.open_tools([kit]):
            far.call(
                ("a", "mcp_echo", {"text": "hello"}),
                ("b", "mcp_measure", {"text": "hello"}),
                ("c", "mcp_fail", {}),
                ("d", "mcp_picture", {}),
            )
            await far.wait_answered(4)
    (functions,) = far.setups[0]["tools"]
    echo, measure, *_ = functions["functionDeclarations"]
    assert echo["description"] == "Say it again."
    assert echo["parametersJsonSchema"]["properties"] == {"text": {"type": "string"}}
    assert measure["description"] == "Measure a text"
    assert far.told == {
        "a": {"output": "hello"},
        "b": {"characters": 5},
        "c": {"error": "ToolError: out of paper"},
        "d": {"output": "a picture"},
    }
    (picture,) = [a for m in far.answers_seen for a in m if a["id"] == "d"]
    assert picture["parts"] == [
        {"inlineData": {"data": base64.b64encode(b"png").decode(), "mimeType": "image/png"}}
    ]


async def test_progress_of_a_server(tmp_path: Path) -> None:
    """What the server says on the way is told on the way, before its result."""
    far = ToolFar()
    async with (
        connected(tmp_path / "marks") as client,
        far.open_tools([await Toolkit.from_mcp(client)]),
    ):
        far.call(("a", "count", {}))
        await far.wait_answered(1)
    answers = [a for m in far.answers_seen for a in m]
    assert [(a["response"], a.get("willContinue")) for a in answers] == [
        ({"progress": 1.0, "total": 2.0, "message": "step 1"}, True),
        ({"progress": 2.0, "total": 2.0, "message": "step 2"}, True),
        ({"output": "done"}, None),
    ]


class OneTool:
    """What the SDK's client does with progress: a task for each, and the result beside them."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    async def list_tools(self, **_: object) -> types.ListToolsResult:
        schema = {"type": "object", "properties": {}}
        return types.ListToolsResult(tools=[types.Tool(name="count", input_schema=schema)])

    async def call_tool(
        self, name: str, args: object, progress_callback: Callable[..., Any]
    ) -> types.CallToolResult:
        assert (name, args) == ("count", {})
        for step in (1.0, 2.0, 3.0):
            self._nursery.start_soon(progress_callback, step, None, None)
            await trio.lowlevel.checkpoint()  # the reader reads the next message
        await trio.lowlevel.checkpoint()  # and wakes the caller
        return types.CallToolResult(content=[types.TextContent(type="text", text="done")])


async def test_progress_is_told_before_the_result_that_came_with_it() -> None:
    """Progress and result that came in one packet are told in their order."""
    far = ToolFar()
    async with trio.open_nursery() as nursery:
        client: Any = OneTool(nursery)
        async with far.open_tools([await Toolkit.from_mcp(client)]):
            far.call(("a", "count", {}))
            await far.wait_answered(1)
    answers = [a["response"] for m in far.answers_seen for a in m]
    assert [a.get("progress", a.get("output")) for a in answers] == [1.0, 2.0, 3.0, "done"]


async def test_cancelled_call_is_cancelled_at_the_server(tmp_path: Path) -> None:
    """A call that is withdrawn is stopped where it runs."""
    far, marks = ToolFar(), tmp_path / "marks"
    os.mkfifo(marks)  # reading it waits until the server has written
    async with (
        connected(marks) as client,
        far.open_tools([await Toolkit.from_mcp(client)]) as session,
    ):
        far.call(("a", "slow", {}), ("b", "echo", {"text": "x"}))
        await far.wait_answered(1)
        assert session.state.calls_running == {"a": "slow"}
        far.withdraw("a")
        with trio.fail_after(SECONDS):
            mark = await trio.to_thread.run_sync(marks.read_text, abandon_on_cancel=True)
        assert mark == "cancelled"
    assert far.answered == {"b": 1}


async def test_tools_of_a_server_change(tmp_path: Path) -> None:
    """When the server has other tools, a new kit takes the place of the old one."""
    far, changed = ToolFar(), trio.Event()
    async with (
        connected(tmp_path / "marks", changed.set) as client,
        far.open_tools([await Toolkit.from_mcp(client)]) as session,
    ):
        far.call(("a", "grow", {}))
        await changed.wait()
        await session.update_tools([await Toolkit.from_mcp(client)])
        far.call(("b", "grown", {}))
        await far.wait_answered(2)
    assert far.told["b"] == {"output": "done"}
    (update,) = far.other
    assert "grown" in str(update["contextUpdate"]["tools"])


async def test_options_of_a_servers_tools(tmp_path: Path) -> None:
    """What FunctionTool takes holds for each tool; a prefix that no name may have is refused."""
    async with connected(tmp_path / "marks") as client:
        kit = await Toolkit.from_mcp(client, timeout=3, behavior="BLOCKING")
        assert {(tool.timeout, tool.behavior) for tool in kit} == {(3.0, "BLOCKING")}
        with pytest.raises(ConfigError, match="my files"):
            await Toolkit.from_mcp(client, prefix="my files ")
        assert len(await Toolkit.from_mcp(client.session)) == len(kit)


async def test_errors_of_a_server_are_short_and_hold_no_arguments(tmp_path: Path) -> None:
    """The model hears which argument is wrong and why, not its value; the program has it all."""
    far = ToolFar()
    wrong = {"amount": "4111 1111", "card": {"number": "4111 1111"}}
    async with (
        connected(tmp_path / "marks") as client,
        far.open_tools([await Toolkit.from_mcp(client)]) as session,
        listening(session) as seen,
    ):
        far.call(("a", "pay", wrong), ("b", "promise", {}), ("c", "refuse", {}))
        await far.wait_answered(3)
    assert far.told["a"] == {
        "error": "ToolError: Error: 2 validation errors for Payment; amount: Input should be a "
        "valid integer, unable to parse string as an integer; card: Input should be a valid string"
    }
    assert far.told["b"] == {"error": "ToolError: the MCP server's result cannot be used"}
    assert far.told["c"]["error"].startswith(
        "ToolError: the MCP server did not do it: no such tool"
    )
    assert len(far.told["c"]["error"]) < 1_100
    causes = {e.id: e.error.__cause__ for e in seen if isinstance(e, ToolFinished) and e.error}
    assert isinstance(causes["b"], RuntimeError)
    assert isinstance(causes["c"], MCPError)


async def test_server_that_dies_during_a_call(tmp_path: Path) -> None:
    """Its calls are answered, those that come later, too; the session lives."""
    far = ToolFar()
    async with (
        connected(tmp_path / "marks") as client,
        far.open_tools([await Toolkit.from_mcp(client)]) as session,
    ):
        far.call(("a", "die", {}), ("b", "slow", {}))
        await far.wait_answered(2)
        far.call(("c", "echo", {"text": "x"}))
        await far.wait_answered(3)
        await session.send_text("still there")
    gone = {"error": "ToolError: the MCP server did not do it: Connection closed"}
    assert far.told == {"a": gone, "b": gone, "c": gone}
    assert len(far.other) == 1
