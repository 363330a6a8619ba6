"""Tools by which the model itself can see and stop the calls that are running.

What lives here: running_calls(). What must not: running calls (runner.py).
"""

from __future__ import annotations

from typing import Any, Final

import trio

from trio_live.tools.call import Call, ToolError
from trio_live.tools.kit import Toolkit

LIST: Final = "list_running_calls"
CANCEL: Final = "cancel_running_call"


def running_calls() -> Toolkit:
    """Make a kit of two tools: to list the NON_BLOCKING calls that are running, and to cancel one.

    With it the user can say "never mind": `open_session(config, tools=[kit, running_calls()])`.
    What is cancelled is answered with an error, as if `session.cancel_tool()` had been called.
    """
    kit = Toolkit(repeat_window=None)

    @kit.tool(
        name=LIST,
        description="Lists the calls of functions that are still running in the background: "
        "their ids, names, arguments, and for how many seconds they have been running.",
    )
    async def list_running(call: Call) -> list[dict[str, Any]]:
        await trio.lowlevel.checkpoint()
        now = trio.current_time()
        return [
            {
                "id": other.id,
                "name": other.name,
                "arguments": dict(other.args),
                "seconds": 0.0 if other.started is None else round(now - other.started, 1),
            }
            for other in _others(call)
        ]

    @kit.tool(
        name=CANCEL,
        description=f"Cancels a running call of a function, by an id that {LIST} gave.",
    )
    async def cancel_running(call_id: str, call: Call) -> str:
        await trio.lowlevel.checkpoint()
        for other in _others(call):
            if other.id == call_id and call.runner and call.runner.cancel(call_id, "model"):
                return f"{other.name} was cancelled"
        raise ToolError(f"no call with id {call_id!r} is running")

    return kit


def _others(call: Call) -> list[Call]:
    if call.runner is None:
        return []
    return [c for c in call.runner.background() if c.id is not None and c is not call]
