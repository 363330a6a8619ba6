"""Runs the tools of one session.

What lives here: ToolRunner: from a ToolCall event to the answer. What must not: the socket, the
protocol's rules. Its place in a session:

    reader task -> follow(events) -> one task and one CancelScope per call -> answers -> writer task

`follow` never waits, so receiving never waits for a tool. Whatever ends a call (its result, an
error, its deadline, the service, the user, the end) settles it at the desk first and cancels its
scope second; a result that comes later finds the call settled and is dropped.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import trio

from trio_live import events
from trio_live.tools.answers import AnswerSender, ToolSession, answer_for, answer_of, error_answer
from trio_live.tools.call import Call, Refusal
from trio_live.tools.desk import Batch, CallDesk, Key, Work
from trio_live.tools.turns import Turns
from trio_live.wire.functions import FunctionCall, FunctionResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_live.events import Outcome, SessionEvent
    from trio_live.tools.call import CancelledBy, Progress
    from trio_live.tools.function import FunctionTool
    from trio_live.tools.kit import Toolkit


@dataclass(slots=True, eq=False)
class _Job:
    """A work being done."""

    work: Work
    call: Call
    tool: FunctionTool
    kit: Toolkit
    turns: Sequence[tuple[Turns, trio.Event]]
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    started: float | None = None

    def __lt__(self, other: _Job) -> bool:  # in the heap, between equal deadlines
        return id(self) < id(other)


class ToolRunner:
    """Runs the calls of one session.

    Args:
        kits: The tools.
        session: Where answers and events go.
        manual: Functions that were declared without a tool: their calls are the program's own.
        blocking: Whether the model waits for a tool that does not say its behavior.
        streams: Whether the service takes intermediate results.
        repeat_window: See `CallDesk`.

    Attributes:
        epoch: The number of the session's connection, from 1.
    """

    def __init__(
        self,
        kits: Sequence[Toolkit],
        session: ToolSession,
        *,
        manual: frozenset[str] = frozenset(),
        blocking: bool = True,
        streams: bool = False,
        repeat_window: float = 1.0,
    ) -> None:
        self._tools = {tool.name: (tool, kit) for kit in kits for tool in kit}
        self._limits: dict[object, Turns] = {
            kit: Turns(kit.max_concurrent) for kit in kits if kit.max_concurrent
        }
        self._limits |= {tool: Turns(1) for tool, _ in self._tools.values() if tool.sequential}
        self._session = session
        self._manual = manual
        self._blocking = blocking
        self._streams = streams
        self._desk = CallDesk(repeat_window)
        self._jobs: dict[Work, _Job] = {}
        self._answers = AnswerSender(session)
        self._deadlines: list[tuple[float, _Job]] = []
        self._alarm = trio.CancelScope()
        self._idle = trio.Event()
        self._nursery: trio.Nursery | None = None
        self.epoch = 1

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run calls until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._answers.run, name="trio_live tool answers")
            nursery.start_soon(self._watch_deadlines, name="trio_live tool deadlines")
            task_status.started()

    def follow(self, happened: Sequence[SessionEvent]) -> None:
        """Act on what the service said. Never waits."""
        for event in happened:
            if type(event) is events.ToolCall:
                self._begin(event.calls)
            elif type(event) is events.ToolCallCancelled:
                for call_id in event.ids:
                    self._withdraw(call_id, "service")

    def cancel(self, call_id: str) -> bool:
        """Stop a call for the user; the model is told so. False if it is not running."""
        for work, job in self._jobs.items():
            if call_id in work.owed:
                self._stop(job, "user", "cancelled by the application")
                return True
        return False

    def reconnected(self) -> None:
        """Stop the calls that the service does not know any more: another connection began."""
        self.epoch += 1
        owed = self._session.calls_owed()
        for work in self._desk.works():
            for key in [key for key in work.owed if key not in owed]:
                self._withdraw(key, "connection")

    async def stop(self, grace: float) -> None:
        """Stop every call without an answer; wait until all have cleaned up, `grace` s at most."""
        self._nursery = None
        for work in self._desk.works():
            for key in tuple(work.owed):
                self._withdraw(key, "session")
        if self._jobs:
            with trio.move_on_after(grace):
                await self._idle.wait()

    def running(self) -> tuple[Call, ...]:
        """Give the calls that are being worked on."""
        return tuple(job.call for job in self._jobs.values())

    # From the call to its end.

    def _begin(self, calls: Sequence[FunctionCall]) -> None:
        if self._nursery is None:
            return
        now = trio.current_time()
        self._desk.next_message()
        batch = Batch()
        for call, key in _keyed(calls, self._session.calls_owed()):
            if call.name in self._manual:
                continue
            tool, kit = self._tools.get(call.name, (None, None))
            waited_for = tool is None or self._is_blocking(tool)
            work, ready = self._desk.take(key, call, batch if waited_for else None, now)
            self._answers.put(ready)
            if work is None:
                continue
            if tool is None or kit is None:
                names = ", ".join(self._tools)
                answer = error_answer(f"there is no function {call.name!r}; there are: {names}")
                self._finish(work, "unknown", answer)
                continue
            made = Call(call.name, call.args or {}, call.id, self.epoch)
            if self._takes_progress(tool):
                made.send_progress = self._progress_of(work, tool)
            limits = [self._limits[of] for of in (kit, tool) if of in self._limits]
            turns = [(limit, limit.enter()) for limit in limits]
            job = self._jobs[work] = _Job(work, made, tool, kit, turns)
            self._nursery.start_soon(self._do, job, name=f"trio_live tool {tool.name}")

    async def _do(self, job: _Job) -> None:
        """Do one work, in a task of its own."""
        try:
            with job.scope:
                outcome, answer, error = await self._attempt(job)
                self._finish(job.work, outcome, answer, error, job)
        finally:
            for turns, turn in job.turns:
                turns.leave(turn)
            del self._jobs[job.work]
            if not self._jobs:
                self._idle.set()
                self._idle = trio.Event()

    async def _attempt(self, job: _Job) -> tuple[Outcome, FunctionResponse, Exception | None]:
        tool = job.tool
        try:
            args = tool.read(job.call.args)
        except msgspec.ValidationError as wrong:
            return "invalid", error_answer(f"wrong arguments: {wrong}"), wrong
        try:
            if (approve := tool.approve or job.kit.approve) is not None:
                verdict = await approve(job.call, args)
                if isinstance(verdict, Refusal):
                    return "refused", error_answer(f"refused: {verdict.reason}"), None
                args = args if verdict is None else dict(verdict)
            for _, turn in job.turns:
                await turn.wait()
            self._start(job)
            value = await tool.run(job.call, args, job.kit.threads)
            return "answered", self._answer(tool, value), None
        except Exception as error:
            return "failed", error_answer(job.kit.describe_error(error)), error

    def _start(self, job: _Job) -> None:
        """Note that a call, whose turn has come, begins."""
        job.started = trio.current_time()
        job.call.deadline = job.started + job.tool.timeout
        while self._deadlines and not self._deadlines[0][1].work.is_open:
            heapq.heappop(self._deadlines)
        heapq.heappush(self._deadlines, (job.call.deadline, job))
        self._alarm.deadline = self._deadlines[0][0]
        for key in job.work.owed:
            self._session.start_call(key)
        self._session.publish([events.ToolStarted(job.call.id, job.tool.name)])

    def _answer(self, tool: FunctionTool, value: object) -> FunctionResponse:
        if tool.streams and self._takes_progress(tool):
            # Everything was said on the way: this ends the call without another word.
            return FunctionResponse(tool.name, {}, scheduling="SILENT", will_continue=False)
        return answer_of(tool, value, will_continue=None)

    def _takes_progress(self, tool: FunctionTool) -> bool:
        return self._streams and tool.behavior == "NON_BLOCKING"

    def _progress_of(self, work: Work, tool: FunctionTool) -> Progress:
        async def send(value: object) -> None:
            answer = answer_of(tool, value, will_continue=True)
            await self._answers.deliver([answer_for(key, tool.name, answer) for key in work.owed])

        return send

    # Ends other than a result.

    def _withdraw(self, key: Key, by: CancelledBy) -> None:
        work, ready = self._desk.withdraw(key)
        self._answers.put(ready)
        if work is not None and (job := self._jobs.get(work)) is not None:
            self._tell(job, "cancelled", by)

    def _stop(self, job: _Job, by: CancelledBy, error: str) -> None:
        self._answers.put(self._desk.settle(job.work, error_answer(error), trio.current_time()))
        self._tell(job, "timeout" if by == "timeout" else "cancelled", by)

    def _tell(self, job: _Job, outcome: Outcome, by: CancelledBy) -> None:
        job.call.cancelled_by = by
        job.scope.cancel()
        self._session.publish([_finished(job.call.id, job.tool.name, job.started, outcome, None)])

    def _finish(
        self,
        work: Work,
        outcome: Outcome,
        answer: FunctionResponse,
        error: Exception | None = None,
        job: _Job | None = None,
    ) -> None:
        """Settle a work with its own result, unless somebody was faster."""
        if not work.is_open:
            return
        call_id = job.call.id if job else next((k for k in work.owed if isinstance(k, str)), None)
        self._answers.put(self._desk.settle(work, answer, trio.current_time()))
        started = job.started if job else None
        self._session.publish([_finished(call_id, work.name, started, outcome, error)])

    async def _watch_deadlines(self) -> None:
        """One timer for all calls; `_start` moves it forward."""
        while True:
            with trio.CancelScope() as self._alarm:
                if self._deadlines:
                    self._alarm.deadline = self._deadlines[0][0]
                await trio.sleep_forever()
            now = trio.current_time()
            while self._deadlines and self._deadlines[0][0] <= now:
                job = heapq.heappop(self._deadlines)[1]
                if job.work.is_open:
                    self._stop(job, "timeout", f"no result within {job.tool.timeout:g} s")

    def _is_blocking(self, tool: FunctionTool) -> bool:
        return self._blocking if tool.behavior is None else tool.behavior == "BLOCKING"


def _keyed(
    calls: Sequence[FunctionCall], owed: Mapping[Key, str]
) -> list[tuple[FunctionCall, Key]]:
    """Pair calls with their keys; a call without an id has a number that stands for it."""
    numbers = [key for key in owed if isinstance(key, int)]
    keyed: list[tuple[FunctionCall, Key]] = []
    for call in reversed(calls):  # the newest numbers are theirs
        if call.id:
            keyed.append((call, call.id))
        elif numbers:
            keyed.append((call, numbers.pop()))
    return keyed[::-1]


def _finished(
    call_id: str | None,
    name: str,
    started: float | None,
    outcome: Outcome,
    error: Exception | None,
) -> events.ToolFinished:
    seconds = 0.0 if started is None else trio.current_time() - started
    return events.ToolFinished(call_id, name, seconds, outcome, error)
