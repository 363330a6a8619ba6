"""Tools that are replaced while the session runs."""

from __future__ import annotations

import pytest
import trio
from tools_log import Log, nothing
from tools_parts import ToolFar
from trio.testing import MockClock

from trio_live import (
    ConfigError,
    FunctionDeclaration,
    LocalProtocolError,
    SessionConfig,
    SessionPhase,
)


async def test_tools_change(autojump_clock: MockClock) -> None:
    """update_tools() tells the model, at once and after a reconnect; running calls go on."""
    far, log = ToolFar(), Log()
    config = SessionConfig("gemini-3.8-live", tools=[FunctionDeclaration("own")])
    with trio.fail_after(100):
        async with far.open_tools([log.wait], config) as session:
            far.call(("a", "wait", {"seconds": 2}))
            await trio.sleep(1)
            await session.update_tools([nothing])
            far.call(("b", "nothing", {}), ("c", "wait", {"seconds": 1}))
            await trio.sleep(2)
            assert far.answered == {"a": 1, "b": 1, "c": 1}
            assert "there is no function 'wait'" in str(far.told["c"])
            (update,) = far.other
            told = update["contextUpdate"]["tools"]["tools"][0]["functionDeclarations"]
            assert [f["name"] for f in told] == ["own", "nothing"]
            with pytest.raises(ConfigError):
                await session.update_tools([nothing, nothing])
            far.peer.close()
            await session.wait_for_phase(SessionPhase.SETUP_SENT)
            await trio.sleep(1)
            far.read()
            assert far.setups[1]["tools"][0]["functionDeclarations"] == told


async def test_tools_cannot_change_where_there_are_none(autojump_clock: MockClock) -> None:
    """A session that was opened without tools runs none."""
    far = ToolFar()
    async with far.open() as session:
        with pytest.raises(LocalProtocolError, match="open_session"):
            await session.update_tools([nothing])
        assert not session.cancel_tool("a")


async def test_tools_change_is_undone_if_it_cannot_be_said(autojump_clock: MockClock) -> None:
    """If the update is refused, or cancelled, the tools are those of before."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session:
            with trio.CancelScope() as scope:
                scope.cancel()
                await session.update_tools([nothing])
            far.call(("a", "nothing", {}), ("b", "wait", {"seconds": 1}))
            await trio.sleep(2)
            assert "there is no function" in str(far.told["a"])
            assert far.told["b"] == {"output": "waited 1"}
            assert far.other == []
