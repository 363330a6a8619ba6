"""What a tool failed with.

What lives here: failure_of(). What must not: what the model hears of it (answers.py, kit.py).
"""

from __future__ import annotations

import math
from typing import cast

import trio


def failure_of(raised: BaseException) -> Exception | None:
    """Give the plain exception behind what a tool raised.

    A tool with a nursery raises groups. One exception alone is given as itself; cancellation beside
    others, as of a tool whose cleanup failed, is left out. Call it in the task that ran the tool.

    Returns:
        None if there is nothing but cancellation of this task, or something that no tool may keep
        from the program, such as KeyboardInterrupt: raise it again.
    """
    rest: BaseException | None = raised
    if isinstance(raised, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", raised)
        rest = group.split(trio.Cancelled)[1]
    elif isinstance(raised, trio.Cancelled):
        rest = None
    if rest is None and trio.current_effective_deadline() > -math.inf:
        # It kept what another scope had raised, say. Out of here it would end all calls, unheard.
        return RuntimeError("the tool raised trio.Cancelled, and nothing had cancelled it")
    while isinstance(rest, BaseExceptionGroup):
        alone, *others = cast("BaseExceptionGroup[BaseException]", rest).exceptions
        if others:
            break
        rest = alone
    return rest if isinstance(rest, Exception) else None
