"""Python functions as tools of the model.

What lives here: Toolkit, FunctionTool and what a tool sees of its call. What must not: sessions;
`open_session(tools=[...])` takes what is made here. Reading docstrings needs the extra `tools`.
"""

from trio_live.tools.belt import AnyTool
from trio_live.tools.call import Approve, Call, CancelledBy, Refusal, Result, Scheduling, ToolError
from trio_live.tools.function import FunctionTool
from trio_live.tools.kit import Toolkit
from trio_live.tools.running import running_calls

__all__ = [
    "AnyTool",
    "Approve",
    "Call",
    "CancelledBy",
    "FunctionTool",
    "Refusal",
    "Result",
    "Scheduling",
    "ToolError",
    "Toolkit",
    "running_calls",
]
