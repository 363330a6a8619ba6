"""One call that is being worked on.

What lives here: Job, and the pairing of calls with their keys. What must not: doing it (runner.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from trio_live.tools.call import Call
    from trio_live.tools.desk import Key, Work
    from trio_live.tools.function import FunctionTool
    from trio_live.tools.kit import Toolkit
    from trio_live.tools.turns import Place
    from trio_live.wire.functions import FunctionCall


@dataclass(slots=True, eq=False)
class Job:
    """A work being done.

    Attributes:
        blocking: Whether the model waits for it.
        streams: Whether the service takes intermediate results.
        can_schedule: Whether its answer may say when the model hears of it.
        place: Where it waits for its turn.
    """

    work: Work
    call: Call
    tool: FunctionTool
    kit: Toolkit
    blocking: bool
    streams: bool
    can_schedule: bool
    place: Place
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


def keyed(calls: Sequence[FunctionCall], owed: Mapping[Key, str]) -> list[tuple[FunctionCall, Key]]:
    """Pair calls with their keys; a call without an id has a number that stands for it."""
    numbers = [key for key in owed if isinstance(key, int)]
    keyed: list[tuple[FunctionCall, Key]] = []
    for call in reversed(calls):  # the newest numbers are theirs
        if call.id:
            keyed.append((call, call.id))
        elif numbers:
            keyed.append((call, numbers.pop()))
    return keyed[::-1]
