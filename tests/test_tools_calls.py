"""Calls that come in pieces, and calls that the model itself lists and cancels."""

from __future__ import annotations

import trio
from tools_log import Log
from tools_parts import ToolFar
from trio.testing import MockClock

from trio_live.tools import Toolkit, running_calls


async def test_calls_in_pieces_are_put_together(autojump_clock: MockClock) -> None:
    """A call whose arguments are streamed is run when it is whole; a withdrawn one is not."""
    far = ToolFar()
    got: list[tuple[str, list[int]]] = []

    async def note(text: str, numbers: list[int]) -> None:
        """Note."""
        got.append((text, numbers))

    def piece(call_id: str | None, *args: dict[str, object], more: bool) -> None:
        call: dict[str, object] = {"partialArgs": list(args), "willContinue": more}
        if call_id:
            call["id"] = call_id
        if more:
            call["name"] = "note"
        far.say(toolCall={"functionCalls": [call]})

    with trio.fail_after(100):
        async with far.open_tools([note]) as session:
            for call_id in ("a", "b", "c"):
                piece(call_id, {"jsonPath": "$.text", "stringValue": "to "}, more=True)
            piece("a", {"jsonPath": "$.text", "stringValue": "gether"}, more=True)
            piece("a", {"jsonPath": "$['numbers'][0]", "numberValue": 1.0}, more=True)
            far.withdraw("b")
            piece("c", {"jsonPath": "$..text", "stringValue": "x"}, more=True)
            piece(None, {"jsonPath": "$.text", "stringValue": "x"}, more=True)
            await trio.sleep(1)
            assert got == []
            piece("a", {"jsonPath": "$.numbers[1]", "numberValue": 2.0}, more=False)
            await trio.sleep(1)
            assert got == [("to gether", [1, 2])]
            assert session.state.calls_owed == {}
        assert far.told["a"] == {"output": None}
        assert "not understood" in str(far.told["c"])


async def test_model_lists_and_cancels_running_calls(autojump_clock: MockClock) -> None:
    """With running_calls() the model sees what is running in the background, and stops it."""
    far, log = ToolFar(), Log()
    kit = Toolkit([log.wait])
    kit.add(log.wait, name="waited_for", behavior="BLOCKING")
    with trio.fail_after(100):
        async with far.open_tools([kit, running_calls()]):
            far.call(("a", "wait", {"seconds": 50}), ("b", "waited_for", {"seconds": 50}))
            await trio.sleep(2)
            far.call(("c", "list_running_calls", {}))
            await trio.sleep(0.1)
            assert far.told["c"] == {
                "output": [
                    {"id": "a", "name": "wait", "arguments": {"seconds": 50}, "seconds": 2.0}
                ]
            }
            far.call(("d", "cancel_running_call", {"call_id": "a"}))
            far.call(("e", "cancel_running_call", {"call_id": "b"}))
            await trio.sleep(0.1)
        assert far.told["a"] == {"error": "cancelled by the model"}
        assert far.told["d"] == {"output": "wait was cancelled"}
        assert far.told["e"] == {"error": "ToolError: no call with id 'b' is running"}
        assert log.stopped == [("a", "model"), ("b", "session")]
