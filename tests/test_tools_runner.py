"""Running tools: one scope per call, one answer per call that is owed one."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_live import (
    InvalidArgument,
    LocalProtocolError,
    Reconnected,
    Reconnecting,
    SessionClosed,
    SessionConfig,
    ToolCall,
    ToolCallCancelled,
)
from trio_live.events import SessionEvent, ToolFinished, ToolStarted
from trio_live.tools import Call, Refusal, Result, ToolError, Toolkit
from trio_live.tools.answers import MAX_RESULT_BYTES
from trio_live.tools.belt import Belt
from trio_live.tools.runner import ToolRunner
from trio_live.wire.functions import FunctionCall, FunctionResponse, FunctionResponsePart
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


async def test_answers_of_a_blocking_batch_go_together(autojump_clock: trio.abc.Clock) -> None:
    """A batch of blocking calls runs at once and is answered in one message, when all are done."""
    async with running(Toolkit([Log().wait])) as session:
        session.call(("wait", {"seconds": 1, "tag": "a"}), ("wait", {"seconds": 3, "tag": "b"}))
        await trio.sleep(2)
        assert session.sent == []
        await trio.sleep(2)
        assert [[r.response for r in m] for m in session.sent] == [
            [{"output": "a"}, {"output": "b"}]
        ]
        assert sorted(map(str, session.started)) == ["1", "2"]
        assert session.finished == {"1": "answered", "2": "answered"}


async def test_answers_of_others_go_when_they_are_ready(autojump_clock: trio.abc.Clock) -> None:
    """NON_BLOCKING calls are answered each on its own, those ready together in one message."""
    kit = Toolkit()
    kit.add(Log().wait, behavior="NON_BLOCKING", scheduling="WHEN_IDLE")
    async with running(kit) as session:
        tags = [("wait", {"seconds": s, "tag": t}) for s, t in ((1, "a"), (2, "b"), (2, "c"))]
        session.call(*tags)
        await trio.sleep(5)
        assert [sorted(str(r.id) for r in message) for message in session.sent] == [
            ["1"],
            ["2", "3"],
        ]
        assert {r.scheduling for message in session.sent for r in message} == {"WHEN_IDLE"}


@pytest.mark.parametrize("count", [1, 2, 50])
async def test_batches(autojump_clock: trio.abc.Clock, count: int) -> None:
    """Batches of any size run in parallel, and each call is answered once."""
    async with running(Toolkit([Log().wait])) as session:
        session.call(*(("wait", {"seconds": 1, "tag": str(n)}) for n in range(count)))
        await trio.sleep(1.5)
        assert len(session.sent) == 1
        assert set(session.answers) == {str(n + 1) for n in range(count)}
        assert session.owed == {}


async def test_withdrawn_call_is_stopped_and_not_answered(
    autojump_clock: trio.abc.Clock,
) -> None:
    """What the service withdraws is cancelled at once; the rest of its batch is answered."""
    log = Log()
    async with running(Toolkit([log.wait])) as session:
        session.call(("wait", {"seconds": 9, "tag": "a"}), ("wait", {"seconds": 1, "tag": "b"}))
        await trio.sleep(2)
        assert session.sent == []  # the batch waits
        session.withdraw("1")
        await trio.sleep(1)
        assert log.ended == ["done b", "cancelled a"]
        assert session.answers == {"2": {"output": "b"}}
        assert session.finished == {"2": "answered", "1": "cancelled"}


async def test_timeout_is_answered(autojump_clock: trio.abc.Clock) -> None:
    """A call that takes too long is stopped, and the model is told."""
    log = Log()
    kit = Toolkit()
    kit.add(log.wait, timeout=2)
    async with running(kit) as session:
        session.call(("wait", {"seconds": 5, "tag": "a"}))
        await trio.sleep(3)
        assert session.answers == {"1": {"error": "no result within 2 s"}}
        assert session.finished == {"1": "timeout"}
        assert log.ended == ["cancelled a"]


async def test_thread_that_ignores_cancellation() -> None:
    """The answer of a plain function that is too slow does not wait for its thread.

    On the real clock: a virtual one does not know that a thread works.
    """
    release = threading.Event()
    entered = trio.Event()
    token: list[trio.lowlevel.TrioToken] = []

    def stubborn() -> str:
        """Wait."""
        trio.from_thread.run_sync(entered.set, trio_token=token[0])
        release.wait(60)
        return "late"

    kit = Toolkit()
    kit.add(stubborn, timeout=1)
    token.append(trio.lowlevel.current_trio_token())
    async with running(kit) as session:
        session.call(("stubborn", {}))
        await entered.wait()
        session.runner.cancel("1")
        await trio.testing.wait_all_tasks_blocked()
        assert session.answers == {"1": {"error": "cancelled by the application"}}
        release.set()
        await session.runner.stop(5)
        assert len(session.sent) == 1


@pytest.mark.parametrize(
    ("name", "answer", "outcome"),
    [
        ("fails", {"error": "ValueError"}, "failed"),
        ("explains", {"error": "ToolError: no such city"}, "failed"),
        ("odd", {"error": "ToolError: the result cannot be written as JSON"}, "failed"),
        ("nothing", {"output": None}, "answered"),
        ("mapping", {"a": 1}, "answered"),
        (
            "nowhere",
            {
                "error": "there is no function 'nowhere'; there are: fails, explains, odd, "
                "huge, nothing, mapping"
            },
            "unknown",
        ),
    ],
)
async def test_answers(name: str, answer: dict[str, object], outcome: str) -> None:
    """Results, exceptions and unknown functions each become one answer.

    On the real clock: a virtual one does not know that a thread works.
    """
    kit = Toolkit()

    @kit.tool
    async def fails() -> None:
        raise ValueError("with a secret")

    @kit.tool
    async def explains() -> None:
        raise ToolError("no such city")

    @kit.tool
    async def odd() -> object:
        return object()

    @kit.tool
    def huge() -> str:
        return "x" * MAX_RESULT_BYTES

    @kit.tool
    def nothing() -> None:
        return None

    @kit.tool
    async def mapping() -> dict[str, int]:
        return {"a": 1}

    async with running(kit) as session:
        session.call((name, {}), ("huge", {}))
        await session.all_answered.wait()
        assert session.answers["1"] == answer
        assert "is the limit" in str(session.answers["2"])
        assert session.finished == {"1": outcome, "2": "failed"}


async def test_wrong_arguments_are_told_to_the_model(autojump_clock: trio.abc.Clock) -> None:
    """Arguments that do not fit are answered with what is wrong; the function is not called."""
    log = Log()
    async with running(Toolkit([log.wait])) as session:
        session.call(("wait", {"seconds": "soon"}))
        await trio.sleep(1)
        assert session.answers == {
            "1": {"error": "wrong arguments: Expected `float`, got `str` - at `$.seconds`"}
        }
        assert log.started == []


async def test_described_errors(autojump_clock: trio.abc.Clock) -> None:
    """What the model hears of exceptions is the developer's choice."""

    async def fails() -> None:
        raise ValueError("told")

    async with running(Toolkit([fails], describe_error=str)) as session:
        session.call(("fails", {}))
        await trio.sleep(1)
        assert session.answers == {"1": {"error": "told"}}
        (finished,) = [e for e in session.events if isinstance(e, ToolFinished)]
        assert isinstance(finished.error, ValueError)


async def test_repeated_calls_run_once(autojump_clock: trio.abc.Clock) -> None:
    """The same id, or the same call under another id, is not run again; each id is answered."""
    log = Log()
    async with running(Toolkit([log.wait])) as session:
        args = {"seconds": 5, "tag": "a"}
        session.call(("wait", args))
        await trio.sleep(1)
        session.call(FunctionCall("wait", args, "1"))
        session.call(FunctionCall("wait", args, "again"))
        await trio.sleep(4.5)
        assert log.started == ["a"]
        assert session.answers == {"1": {"output": "a"}, "again": {"output": "a"}}
        session.call(FunctionCall("wait", args, "just now"))
        await trio.sleep(0.1)
        assert log.started == ["a"]
        assert session.answers["just now"] == {"output": "a"}
        await trio.sleep(2)
        session.call(FunctionCall("wait", args, "later"))
        await trio.sleep(6)
        assert log.started == ["a", "a"]


async def test_equal_calls_of_one_message_are_two(autojump_clock: trio.abc.Clock) -> None:
    """Two equal calls in one message are meant."""
    log = Log()
    async with running(Toolkit([log.wait])) as session:
        session.call(("wait", {"seconds": 1}), ("wait", {"seconds": 1}))
        await trio.sleep(2)
        assert len(log.started) == len(session.answers) == 2


async def test_call_that_is_withdrawn_and_repeated_runs_again(
    autojump_clock: trio.abc.Clock,
) -> None:
    """A call that was withdrawn was stopped, so that its repetition is run."""
    log = Log()
    async with running(Toolkit([log.wait])) as session:
        session.call(("wait", {"seconds": 5}))
        await trio.sleep(1)
        session.withdraw("1")
        session.call(FunctionCall("wait", {"seconds": 5}, "2"))
        await trio.sleep(6)
        assert session.answers == {"2": {"output": ""}}
        assert log.ended == ["cancelled ", "done "]


async def test_withdrawal_of_one_of_two_ids(autojump_clock: trio.abc.Clock) -> None:
    """Work that answers two ids goes on for the one that is still owed."""
    log = Log()
    async with running(Toolkit([log.wait])) as session:
        session.call(("wait", {"seconds": 5}))
        await trio.sleep(1)
        session.call(FunctionCall("wait", {"seconds": 5}, "2"))
        session.withdraw("1")
        await trio.sleep(6)
        assert session.answers == {"2": {"output": ""}}
        assert log.ended == ["done "]


async def test_manual_functions_are_left_alone(autojump_clock: trio.abc.Clock) -> None:
    """Calls of functions that were declared without a tool are the program's."""
    async with running(Toolkit([Log().wait])) as session:
        session.manual = {"own"}
        session.call(("own", {}))
        await trio.sleep(1)
        assert session.owed == {"1": "own"}
        assert session.sent == []


async def test_calls_without_ids(autojump_clock: trio.abc.Clock) -> None:
    """Older servers send no ids: answers are matched by name."""
    async with running(Toolkit([Log().wait])) as session:
        session.call(FunctionCall("wait", {"seconds": 1}), FunctionCall("wait", {"seconds": 2}))
        await trio.sleep(3)
        assert session.owed == {}
        assert [r.id for message in session.sent for r in message] == [None, None]


async def test_sequential(autojump_clock: trio.abc.Clock) -> None:
    """Sequential tools wait for each other, in order; others do not."""
    log = Log()
    kit = Toolkit()
    kit.add(log.wait, sequential=True)
    kit.add(log.wait, name="other")
    async with running(kit) as session:
        calls = [("wait", {"seconds": 2, "tag": t}) for t in "ab"]
        session.call(*calls, ("other", {"seconds": 1, "tag": "c"}))
        await trio.sleep(1.5)
        assert sorted(log.started) == ["a", "c"]
        await trio.sleep(4)
        assert log.ended == ["done c", "done a", "done b"]


async def test_concurrency_limit(autojump_clock: trio.abc.Clock) -> None:
    """A kit runs no more calls at a time than it is told to."""
    log = Log()
    async with running(Toolkit([log.wait], max_concurrent=2)) as session:
        session.call(*(("wait", {"seconds": 2, "tag": t}) for t in "abc"))
        await trio.sleep(1)
        assert len(log.started) == 2
        await trio.sleep(4)
        assert len(log.ended) == 3


async def test_approval(autojump_clock: trio.abc.Clock) -> None:
    """A hook lets a call through, changes its arguments, or refuses it with a reason."""
    asked: list[tuple[str, object]] = []

    async def approve(call: Call, args: dict[str, Any]) -> Refusal | dict[str, Any] | None:
        asked.append((call.name, args["tag"]))
        await trio.sleep(1)
        match args["tag"]:
            case "no":
                return Refusal("not today")
            case "change":
                return {**args, "tag": "changed"}
            case _:
                return None

    log = Log()
    async with running(Toolkit([log.wait], approve=approve)) as session:
        session.call(*(("wait", {"seconds": 1, "tag": t}) for t in ("yes", "no", "change")))
        await trio.sleep(3)
        assert session.answers == {
            "1": {"output": "yes"},
            "2": {"error": "refused: not today"},
            "3": {"output": "changed"},
        }
        assert session.finished["2"] == "refused"
        assert sorted(asked) == [("wait", "change"), ("wait", "no"), ("wait", "yes")]


async def test_tool_sees_its_call(autojump_clock: trio.abc.Clock) -> None:
    """A tool that asks for its Call gets it: id, arguments, deadline, and who cancelled it."""
    seen: list[Call] = []

    async def curious(call: Call, seconds: float) -> None:
        seen.append(call)
        await trio.sleep(seconds)

    kit = Toolkit()
    kit.add(curious, timeout=7)
    async with running(kit) as session:
        session.call(("curious", {"seconds": 50}))
        await trio.sleep(1)
        (call,) = session.runner.running()
        assert call is seen[0]
        assert (call.id, call.name, call.args, call.epoch) == ("1", "curious", {"seconds": 50}, 1)
        assert call.deadline == pytest.approx(trio.current_time() + 6)
        before = call.cancelled_by
        session.withdraw("1")
        await trio.sleep(1)
        assert (before, call.cancelled_by) == (None, "service")
        assert session.runner.running() == ()


async def test_result(autojump_clock: trio.abc.Clock) -> None:
    """A Result carries scheduling and media beside its value."""
    part = FunctionResponsePart()

    async def picture() -> Result:
        return Result("here", scheduling="INTERRUPT", parts=(part,))

    kit = Toolkit()
    kit.add(picture, behavior="NON_BLOCKING")
    async with running(kit) as session:
        session.call(("picture", {}))
        await trio.sleep(1)
        ((answer,),) = session.sent
        assert (answer.response, answer.scheduling, answer.parts) == (
            {"output": "here"},
            "INTERRUPT",
            (part,),
        )


async def counting(upto: int) -> AsyncGenerator[int, None]:
    """Count."""
    for number in range(upto):
        await trio.sleep(1)
        yield number


async def test_generators_stream_where_the_service_takes_it(
    autojump_clock: trio.abc.Clock,
) -> None:
    """Each value is an answer that continues; the last one ends the call in silence."""
    kit = Toolkit()
    kit.add(counting, behavior="NON_BLOCKING")
    async with running(kit, platform=Platform.GEMINI) as session:
        session.call(("counting", {"upto": 2}))
        await trio.sleep(5)
        answers = [r for message in session.sent for r in message]
        assert [(r.response, r.will_continue) for r in answers] == [
            ({"output": 0}, True),
            ({"output": 1}, True),
            ({}, False),
        ]
        assert answers[-1].scheduling == "SILENT"


@pytest.mark.parametrize("behavior", ["BLOCKING", "NON_BLOCKING"])
async def test_generators_fold_elsewhere(autojump_clock: trio.abc.Clock, behavior: Any) -> None:
    """Where no stream is taken, the values come as one answer."""
    kit = Toolkit()
    kit.add(counting, behavior=behavior)
    async with running(
        kit, platform=Platform.GEMINI if behavior == "BLOCKING" else None
    ) as session:
        session.call(("counting", {"upto": 2}))
        await trio.sleep(5)
        assert session.answers == {"1": {"output": [0, 1]}}


async def test_stop_cancels_and_waits_for_cleanup(autojump_clock: trio.abc.Clock) -> None:
    """At the end every call is cancelled; shielded cleanup is waited for, within the grace."""
    cleaned: list[float] = []

    async def careful(seconds: float) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(seconds)
                cleaned.append(seconds)

    async with running(Toolkit([careful])) as session:
        session.call(("careful", {"seconds": 2}), ("careful", {"seconds": 20}))
        await trio.sleep(1)
        began = trio.current_time()
        await session.runner.stop(5)
        assert trio.current_time() == pytest.approx(began + 5)
        assert cleaned == [2]
        assert session.sent == []
        assert set(session.finished.values()) == {"cancelled"}
        session.call(("careful", {"seconds": 1}))  # too late: nothing is begun
        assert len(session.runner.running()) == 1


async def test_another_connection(autojump_clock: trio.abc.Clock) -> None:
    """Calls that the next connection does not know are stopped; those that it knows go on."""
    log = Log()
    async with running(Toolkit([log.wait])) as session:
        session.call(("wait", {"seconds": 5, "tag": "lost"}))
        session.call(("wait", {"seconds": 5, "tag": "kept"}))
        await trio.sleep(1)
        (call, _) = session.runner.running()
        del session.owed["1"]
        session.reconnect()
        await trio.sleep(5)
        assert call.cancelled_by == "connection"
        assert session.answers == {"2": {"output": "kept"}}
        assert session.runner.epoch == 2


async def test_answer_that_is_refused_is_replaced(autojump_clock: trio.abc.Clock) -> None:
    """If a rule forbids an answer the model is told so, and so is the program."""

    async def quick() -> str:
        return "x"

    async with running(Toolkit([quick])) as session:
        session.refusals = [InvalidArgument("no scheduling here")]
        session.call(("quick", {}))
        await trio.sleep(1)
        assert session.answers == {"1": {"error": "no scheduling here"}}
        assert "refused, and an error sent" in getattr(session.events[-1], "message", "")
        session.refusals = [InvalidArgument("no"), InvalidArgument("never")]
        await trio.sleep(5)
        session.call(FunctionCall("quick", {}, "2"))
        await trio.sleep(1)
        assert "2" not in session.answers
        assert type(session.events[-1]).__name__ == "Error"


async def test_call_withdrawn_while_its_answer_waits(autojump_clock: trio.abc.Clock) -> None:
    """An answer that waits for room is not sent if its call is withdrawn meanwhile."""

    async def quick(tag: str) -> str:
        return tag

    async with running(Toolkit([quick])) as session:

        async def wait() -> None:
            session.room = trio.lowlevel.checkpoint
            session.withdraw("1")

        session.room = wait
        session.call(("quick", {"tag": "a"}), ("quick", {"tag": "b"}))
        await trio.sleep(1)
        assert session.answers == {"2": {"output": "b"}}


async def test_ended_session_stops_answers(autojump_clock: trio.abc.Clock) -> None:
    """When the session has ended nobody is told by the tools: the session says it."""

    async def quick() -> None: ...

    async with running(Toolkit([quick])) as session:
        session.refusals = [SessionClosed("over")]
        session.call(("quick", {}))
        await trio.sleep(1)
        assert session.sent == []


Step = tuple[str, int, float]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["call", "repeat", "withdraw", "cancel", "move"]),
            st.integers(0, 5),
            st.floats(0, 4),
        ),
        max_size=25,
    ),
    blocking=st.booleans(),
)
def test_one_answer_per_call(steps: list[Step], blocking: bool) -> None:
    """Each call is answered once, in any order of calls, repetitions, withdrawals, cancellations.

    One that was withdrawn, or lost with its connection, is answered at most once.
    """

    async def run() -> None:
        log = Log()
        kit = Toolkit()
        kit.add(log.wait, timeout=3, behavior="BLOCKING" if blocking else "NON_BLOCKING")
        made: list[FunctionCall] = []
        gone: set[str] = set()
        async with running(kit) as session:
            for kind, number, seconds in steps:
                some = [c for c in made if c.id and c.id in session.owed]
                picked = some[number % len(some)] if some else None
                if kind == "call":
                    batch = [
                        FunctionCall(
                            "wait", {"seconds": seconds, "tag": str(n)}, f"{len(made)}-{n}"
                        )
                        for n in range(number)
                    ]
                    made += batch
                    session.call(*batch)
                elif picked is None or picked.id is None:
                    continue
                elif kind == "repeat":
                    again = FunctionCall("wait", picked.args, f"again-{len(made)}")
                    made.append(again)
                    session.call(again)
                elif kind == "withdraw":
                    gone.add(picked.id)
                    session.withdraw(picked.id)
                elif kind == "cancel":
                    session.runner.cancel(picked.id)
                else:
                    gone.add(picked.id)
                    del session.owed[picked.id]
                    session.reconnect()
                await trio.sleep(seconds / 4)
            await trio.sleep(10)
            answered = [r.id for message in session.sent for r in message]
            assert len(answered) == len(set(answered))
            assert {c.id for c in made} - gone == set(answered) - gone
            assert session.owed == {}
            assert session.runner.running() == ()

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_started_and_finished(autojump_clock: trio.abc.Clock) -> None:
    """A call's events: it starts, it ends, and how long it took."""
    async with running(Toolkit([Log().wait])) as session:
        session.call(("wait", {"seconds": 1.5}))
        await trio.sleep(2)
        assert session.events[1:] == [
            ToolStarted("1", "wait"),
            ToolFinished("1", "wait", 1.5, "answered"),
        ]
