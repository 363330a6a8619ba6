"""Running tools: one scope per call, one answer per call that is owed one."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from tools_fake_session import Log, running

from trio_live.events import ToolFinished, ToolStarted
from trio_live.tools import Call, Refusal, Toolkit
from trio_live.wire.functions import FunctionCall


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
