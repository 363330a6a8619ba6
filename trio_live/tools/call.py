"""What a tool sees and gives: Call, Result, ToolError.

What lives here: the vocabulary between a tool and the runner. What must not: running (runner.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import trio

if TYPE_CHECKING:
    from trio_live.wire.functions import FunctionResponsePart

Scheduling = Literal["SILENT", "WHEN_IDLE", "INTERRUPT"]
"""When the model hears of a NON_BLOCKING tool's answer: never said aloud, when it is quiet, now."""

CancelledBy = Literal["service", "timeout", "connection", "session", "user", "model"]
"""Who ended a call early: it was withdrawn, took too long, belongs to a connection that is gone and
cannot be answered any more, the session ends, `session.cancel_tool()` was called, or the model did
so itself (see `running_calls()`)."""


Progress = Callable[[object], Awaitable[None]]


class CallRunner(Protocol):
    """What runs calls, as far as a call can reach it."""

    def background(self) -> Sequence[Call]:
        """Give the running calls that the model does not wait for."""
        ...

    def cancel(self, call_id: str, by: CancelledBy) -> bool:
        """Stop a call; the model is told so. False if it is not running."""
        ...


class ToolError(Exception):
    """Raised by a tool to tell the model what went wrong: its text is part of the answer."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool returns to say more than a value.

    Attributes:
        value: Anything that can be written as JSON.
        scheduling: When the model hears of it. A model that waits for the answer, or has no
            scheduling, gets the result without it, and an `Error` event says so.
        parts: Media that belong to the answer.

    Raises:
        ValueError: There is no such scheduling.
    """

    value: object = None
    scheduling: Scheduling | None = None
    parts: tuple[FunctionResponsePart, ...] = ()

    def __post_init__(self) -> None:
        if self.scheduling is not None and self.scheduling not in get_args(Scheduling):
            choices = ", ".join(get_args(Scheduling))
            raise ValueError(f"scheduling={self.scheduling!r} must be one of {choices}, or None")


@dataclass(slots=True, eq=False)
class Call:
    """One call of a tool. A tool gets it by declaring a parameter of this type.

    Attributes:
        name: The tool's name.
        args: The arguments, as the model gave them.
        id: The service's id of the call; None from older servers.
        epoch: The connection that it came on, counted from 1.
        started: When it started, in seconds of Trio's clock; None while it waits for its turn.
        deadline: When it is stopped, in seconds of Trio's clock; set when it starts.
        cancelled_by: Who ended it early, or None; set before the tool is cancelled.
        send_progress: What `progress()` does; None where the service takes no progress.
        runner: What runs it; for tools about calls.
    """

    name: str
    args: Mapping[str, object] = field(repr=False)
    id: str | None
    epoch: int
    started: float | None = None
    deadline: float = float("inf")
    cancelled_by: CancelledBy | None = None
    send_progress: Progress | None = field(default=None, repr=False)
    runner: CallRunner | None = field(default=None, repr=False)

    async def progress(self, value: object) -> None:
        """Give the model an intermediate result, where the service takes one; else do nothing.

        Args:
            value: Anything that can be written as JSON, or a Result.

        Raises:
            ToolError: It cannot be written as JSON, or is too large.
            LiveError: It breaks a rule, or the session has ended.

        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await trio.lowlevel.checkpoint()
        if self.send_progress is not None:
            await self.send_progress(value)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Given by an `approve` hook: the call is not made, and the model is told why."""

    reason: str


Approve = Callable[[Call, dict[str, Any]], Awaitable["Refusal | Mapping[str, object] | None"]]
"""Asked before each call with the call and its converted arguments. None lets it through, a mapping
replaces the arguments, a Refusal answers the model instead."""
