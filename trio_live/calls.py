"""What happens to calls of functions, as events.

What lives here: one frozen struct per event that is about calls and the tools that work on them.
What must not: the other events, and the order of all of them (events.py, through which they are
imported); the running of tools (tools/).
"""

from __future__ import annotations

from typing import Literal

from trio_live.wire.base import Data
from trio_live.wire.functions import FunctionCall


class ToolCall(Data, frozen=True):
    """The model calls functions (`toolCall`). Each call is owed one answer, errors included.

    What of a call could not be read is as if it had not come, and an `Error` after this names it.
    """

    calls: tuple[FunctionCall, ...]


class ToolCallCancelled(Data, frozen=True):
    """The service withdrew these calls (`toolCallCancellation`). Do not answer them."""

    ids: tuple[str, ...]


class ToolStarted(Data, frozen=True):
    """A tool of this session begins to work on a call.

    Attributes:
        id: The call's id, or None from older servers.
        name: The tool's name.
    """

    id: str | None
    name: str


Outcome = Literal["answered", "failed", "refused", "invalid", "unknown", "timeout", "cancelled"]
"""How a call ended: with a result, with an exception, by an approve hook, with arguments that do
not fit, for want of such a tool, by its deadline, or withdrawn (by the service, the application, or
because its connection or its session ended)."""


class ToolFinished(Data, frozen=True):
    """A call of a tool has ended; what the service is owed is on its way to it.

    Attributes:
        id: The call's id, or None from older servers.
        name: The tool's name, as called.
        duration: Seconds since it started; 0 if it never did.
        outcome: How it ended.
        error: The exception behind "failed" and "invalid", else None.
    """

    id: str | None
    name: str
    duration: float
    outcome: Outcome
    error: Exception | None = None


class AudioHeldBack(Data, frozen=True):
    """No BLOCKING call is open any more, during which audio was kept back.

    Attributes:
        dropped: How many `SendAudio` were dropped.
        sent: How many were held, and are sent now.
        seconds: For how long.
    """

    dropped: int
    sent: int
    seconds: float
