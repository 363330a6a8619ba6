"""Runs the tools of one session.

What lives here: ToolRunner: from a ToolCall event to the answer. What must not: what one call does
(attempt.py), the socket, the protocol's rules. Its place in a session:

    reader task -> follow(events) -> one task and one CancelScope per call -> answers -> writer task

`follow` never waits, so receiving never waits for a tool. Whatever ends a call (its result, an
error, its deadline, the service, the user, the end) settles it at the desk first and cancels its
scope second; a result that comes later finds the call settled and is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

import trio

from trio_live import events
from trio_live.tools.answers import AnswerSender, answer_for, error_answer
from trio_live.tools.attempt import attempt, job_answer
from trio_live.tools.call import Call
from trio_live.tools.deadlines import Deadlines
from trio_live.tools.desk import Batch, CallDesk, Key, Work
from trio_live.tools.job import Job, keyed
from trio_live.tools.pieces import CallPieces
from trio_live.tools.turns import Place, Turns

if TYPE_CHECKING:
    from trio_live.events import Outcome, SessionEvent
    from trio_live.tools.belt import Belt
    from trio_live.tools.call import CancelledBy, Progress
    from trio_live.tools.link import ToolSession
    from trio_live.wire.functions import FunctionCall, FunctionResponse

MAX_NAMES: Final = 50
"""How many names of functions the model hears that called one which there is not."""


class ToolRunner:
    """Runs the calls of one session.

    Args:
        belt: The tools.
        session: Where answers and events go.

    Attributes:
        epoch: The number of the session's connection, from 1.
    """

    def __init__(self, belt: Belt, session: ToolSession) -> None:
        self._session = session
        self._desk = CallDesk()
        self._pieces = CallPieces()
        self._jobs: dict[Work, Job] = {}
        self._answers = AnswerSender(session)
        self._deadlines = Deadlines[Job](self._be_late, lambda job: not job.work.is_open)
        self._idle = trio.Event()  # set, and replaced, when the last job has ended
        self._nursery: trio.Nursery | None = None
        self._ready = trio.Event()  # calls can be run
        self._halted = False
        self._scope = trio.CancelScope(shield=True)
        self._reconnecting = False
        self._limits: dict[object, Turns] = {}
        self._own: set[str] = set()  # names of tools that there are or were
        self.epoch = 1
        self.equip(belt)

    def equip(self, belt: Belt, *older: Belt) -> None:
        """Use these tools from now on, and what older ones have beside; running calls go on."""
        self._tools = {
            tool.name: (tool, kit, belt)
            for belt in (*older, belt)
            for kit in belt.kits
            for tool in kit
        }
        self._own.update(self._tools)
        for tool, kit, _ in self._tools.values():
            if kit.max_concurrent:
                self._limits.setdefault(kit, Turns(kit.max_concurrent))
            if tool.sequential:
                self._limits.setdefault(tool, Turns(1))

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run calls until cancelled.

        Cancellation: still cleans up. Tools are told who cancelled them, and waited for.
        """
        async with trio.open_nursery() as nursery:
            # Not start(): what is shielded could not be cancelled while it waits.
            nursery.start_soon(self._run_calls, name="trio_live tool calls")
            try:
                await self._ready.wait()
                task_status.started()
                await trio.sleep_forever()
            finally:
                self.halt("session")
                self._scope.cancel()

    async def _run_calls(self) -> None:
        # Shielded, so that a cancellation from outside finds tools only by way of halt().
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answers.run, name="trio_live tool answers")
                nursery.start_soon(self._deadlines.run, name="trio_live tool deadlines")
                self._nursery = nursery
                self._ready.set()

    def follow(self, happened: Sequence[SessionEvent]) -> None:
        """Act on what the service said. Never waits."""
        for event in happened:
            if type(event) is events.ToolCall:
                self._begin(event.calls)
            elif type(event) is events.ToolCallCancelled:
                for call_id in event.ids:
                    self._pieces.drop(call_id)
                    self._withdraw(call_id, "connection" if self._reconnecting else "service")
            elif type(event) is events.Reconnecting:
                self._reconnecting = True
            elif type(event) is events.Reconnected and self._reconnecting:
                self._reconnecting = False
                self._reconnected()

    def cancel(self, call_id: str, by: CancelledBy = "user") -> bool:
        """Stop a call; the model is told so. False if it is not running."""
        for work, job in self._jobs.items():
            if call_id in work.owed:
                who = "the model" if by == "model" else "the application"
                self._stop(job, by, f"cancelled by {who}")
                return True
        return False

    def halt(self, by: CancelledBy) -> None:
        """Stop every call without an answer, and begin no other one. Waits for nothing."""
        self._halted = True
        for work in self._desk.works():
            for key in tuple(work.owed):
                self._withdraw(key, by)

    async def stop(self, grace: float) -> None:
        """Stop every call, wait until all have cleaned up, `grace` seconds at most.

        What was ready to be sent is accepted then.
        """
        self.halt("session")
        with trio.move_on_after(grace):
            while self._jobs:
                await self._idle.wait()
        self._answers.flush()

    def running(self) -> tuple[Call, ...]:
        """Give the calls that are being worked on."""
        return tuple(job.call for job in self._jobs.values())

    def background(self) -> Sequence[Call]:
        """Give those of them that the model does not wait for."""
        return [j.call for j in self._jobs.values() if j.work.is_open and not j.blocking]

    def _reconnected(self) -> None:
        """Act on another connection: stop what the service does not know any more."""
        self.epoch += 1
        self._pieces.clear()
        self._desk.next_connection()
        owed = self._session.calls_owed
        for work in self._desk.works():
            for key in [key for key in work.owed if key not in owed]:
                self._withdraw(key, "connection")
        for job in self._jobs.values():
            if job.call.started is not None:
                for key in job.work.owed:
                    self._session.start_call(key)

    # From the call to its end.

    def _begin(self, calls: Sequence[FunctionCall]) -> None:
        if self._nursery is None or self._halted:
            return
        self._desk.next_message()
        batch = Batch(waiting=1)  # for the end of this message: some may be answered at once
        owed = self._session.calls_owed
        for call, key in keyed(calls, owed):
            name = call.name or owed.get(key, "")  # a later piece need not have it
            if name not in self._own and self._session.declares(name):
                continue  # the program's own
            if self._desk.is_over(key) and not self._answers.holds(key):
                self._session.drop_call(key)  # it crossed the answer, or was withdrawn before
                continue
            try:
                whole = self._pieces.add(call)
            except ValueError as error:
                self._reject(key, call, batch, "invalid", f"wrong arguments: {error}")
                continue
            if whole is not None:
                self._take(key, whole, batch)
        batch.waiting -= 1
        self._answers.put(batch.complete())

    def _take(self, key: Key, call: FunctionCall, batch: Batch) -> None:
        tool, kit, belt = self._tools.get(call.name, (None, None, None))
        if tool is None or kit is None or belt is None:
            text = f"there is no function {call.name!r}; there are: {self._names()}"
            self._reject(key, call, batch, "unknown", text)
            return
        blocking = belt.waits_for(tool)
        work, ready = self._desk.take(
            key, call, batch if blocking else None, trio.current_time(), kit.repeat_window
        )
        self._answers.put(ready)
        if work is None or self._nursery is None:
            return
        made = Call(call.name, call.args or {}, call.id, self.epoch, runner=self)
        limits = [self._limits[of] for of in (tool, kit) if of in self._limits]
        job = Job(
            work,
            made,
            tool,
            kit,
            blocking,
            belt.streams(tool),
            belt.schedules and not blocking,
            Place(limits),
        )
        if job.streams:
            made.send_progress = self._progress_of(job)
        self._jobs[work] = job
        self._nursery.start_soon(self._do, job, name=f"trio_live tool {tool.name}")

    def _names(self) -> str:
        some = ", ".join(islice(self._tools, MAX_NAMES))
        more = len(self._tools) - MAX_NAMES
        return f"{some} and {more} more" if more > 0 else some

    def _reject(
        self, key: Key, call: FunctionCall, batch: Batch, outcome: Outcome, text: str
    ) -> None:
        """Answer a call for which there is nothing to run."""
        work, _ = self._desk.take(key, call, batch, trio.current_time())
        if work is not None:
            self._finish(work, outcome, error_answer(text))

    async def _do(self, job: Job) -> None:
        """Do one work, in a task of its own."""
        try:
            with job.scope:
                outcome, answer, error = await attempt(job, self._start, self._warn)
                self._finish(job.work, outcome, answer, error, job)
        finally:
            job.place.leave()
            del self._jobs[job.work]
            if not self._jobs:
                self._idle.set()
                self._idle = trio.Event()

    def _start(self, job: Job) -> None:
        """Note that a call, whose turn has come, begins."""
        job.call.started = trio.current_time()
        job.call.deadline = job.call.started + job.tool.timeout
        self._deadlines.add(job.call.deadline, job)
        for key in job.work.owed:
            self._session.start_call(key)
        self._session.publish([events.ToolStarted(job.call.id, job.tool.name)])

    def _progress_of(self, job: Job) -> Progress:
        async def send(value: object) -> None:
            answer = job_answer(job, value, self._warn, will_continue=True)
            owed = [answer_for(key, job.tool.name, answer) for key in job.work.owed]
            await self._answers.send_progress(owed)

        return send

    # Ends other than a result.

    def _be_late(self, job: Job) -> None:
        self._stop(job, "timeout", f"no result within {job.tool.timeout:g} s")

    def _withdraw(self, key: Key, by: CancelledBy) -> None:
        work, ready = self._desk.withdraw(key)
        self._answers.put(ready)
        if work is not None and (job := self._jobs.get(work)) is not None:
            self._tell(job, "cancelled", by)

    def _stop(self, job: Job, by: CancelledBy, error: str) -> None:
        self._answers.put(self._desk.settle(job.work, error_answer(error), trio.current_time()))
        self._tell(job, "timeout" if by == "timeout" else "cancelled", by)

    def _tell(self, job: Job, outcome: Outcome, by: CancelledBy) -> None:
        job.call.cancelled_by = by
        job.scope.cancel()
        self._tell_end(job.call.id, job.tool.name, job.call.started, outcome)

    def _finish(
        self,
        work: Work,
        outcome: Outcome,
        answer: FunctionResponse,
        error: Exception | None = None,
        job: Job | None = None,
    ) -> None:
        """Settle a work with its own result, unless somebody was faster."""
        if not work.is_open:
            if error is not None:  # of its cleanup, say
                self._warn(f"tool {work.name!r} raised {type(error).__name__} after its call ended")
            return
        call_id = job.call.id if job else next((k for k in work.owed if isinstance(k, str)), None)
        self._answers.put(self._desk.settle(work, answer, trio.current_time()))
        self._tell_end(call_id, work.name, job.call.started if job else None, outcome, error)

    def _tell_end(
        self,
        call_id: str | None,
        name: str,
        started: float | None,
        outcome: Outcome,
        error: Exception | None = None,
    ) -> None:
        seconds = 0.0 if started is None else trio.current_time() - started
        self._session.publish([events.ToolFinished(call_id, name, seconds, outcome, error)])

    def _warn(self, text: str) -> None:
        self._session.publish([events.Error(text, b"")])
