"""A session as the runner of tools sees it, played by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from trio_live import (
    LocalProtocolError,
    Reconnected,
    Reconnecting,
    SessionConfig,
    ToolCall,
    ToolCallCancelled,
)
from trio_live.events import SessionEvent, ToolFinished
from trio_live.tools import Toolkit
from trio_live.tools.belt import Belt
from trio_live.tools.runner import ToolRunner
from trio_live.wire.functions import FunctionCall, FunctionResponse
from trio_live.wire.marks import Platform


class FakeSession:
    """The service's side of tools: what is owed, and what was answered.

    Attributes:
        sent: Each message of answers, in order.
    """

    def __init__(self) -> None:
        self.sent: list[list[FunctionResponse]] = []
        self.events: list[SessionEvent] = []
        self.started: list[str | int] = []
        self.owed: dict[str | int, str] = {}
        self.refusals: list[Exception] = []
        self.room: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
        self.manual: set[str] = set()
        self.all_answered = trio.Event()
        self.runner: ToolRunner

    def publish(self, happened: Sequence[SessionEvent]) -> None:
        self.events += happened

    @property
    def calls_owed(self) -> dict[str | int, str]:
        return self.owed

    def declares(self, name: str) -> bool:
        return name in self.manual

    def drop_call(self, key: str | int) -> None:
        self.owed.pop(key, None)

    async def wait_room(self) -> None:
        await self.room()

    def start_call(self, key: str | int) -> None:
        assert key in self.owed
        self.started.append(key)

    def answer(self, responses: Sequence[FunctionResponse]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        for response in responses:
            if response.id is None:
                key = next(k for k, name in self.owed.items() if name == response.name)
            else:
                key = response.id
            if key not in self.owed:
                raise LocalProtocolError("no such call is owed an answer")
            if not response.will_continue:
                del self.owed[key]
        self.sent.append(list(responses))
        if not self.owed:
            self.all_answered.set()

    def call(self, *calls: tuple[str, dict[str, Any]] | FunctionCall) -> None:
        """Let the service call functions in one message; ids count up from "1"."""
        made: list[FunctionCall] = []
        for call in calls:
            if not isinstance(call, FunctionCall):
                number = sum((isinstance(e, ToolCall) and len(e.calls)) or 0 for e in self.events)
                call = FunctionCall(*call, str(number + len(made) + 1))
            made.append(call)
            if call.id:
                self.owed[call.id] = call.name
            else:
                self.owed[len(self.owed) + 1] = call.name
        event = ToolCall(tuple(made))
        self.events.append(event)
        self.runner.follow([event])

    def reconnect(self) -> None:
        """Make another connection."""
        self.runner.follow([Reconnecting("lost", 1, 0.0), Reconnected(True, 0.0, {}, {}, {})])

    def withdraw(self, *ids: str) -> None:
        for call_id in ids:
            self.owed.pop(call_id, None)
        self.runner.follow([ToolCallCancelled(ids)])

    @property
    def answers(self) -> dict[str | None, object]:
        return {r.id: r.response for message in self.sent for r in message}

    @property
    def finished(self) -> dict[str | None, str]:
        return {e.id: e.outcome for e in self.events if isinstance(e, ToolFinished)}


@asynccontextmanager
async def running(
    *kits: Toolkit, platform: Platform | None = None, model: str = "gemini-2.5-flash-native-audio"
) -> AsyncIterator[FakeSession]:
    """Run a runner for the block."""
    session = FakeSession()
    session.runner = ToolRunner(Belt(SessionConfig(model), kits, platform), session)
    with trio.fail_after(10_000):
        async with trio.open_nursery() as nursery:
            await nursery.start(session.runner.run)
            yield session
            nursery.cancel_scope.cancel()


class Log:
    """Tools that write down what happens to them."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.started: list[str] = []

    async def wait(self, seconds: float, tag: str = "") -> str:
        """Take time."""
        self.started.append(tag)
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.ended.append(f"cancelled {tag}")
            raise
        self.ended.append(f"done {tag}")
        return tag
