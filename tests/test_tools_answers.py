"""What calls are answered: results, errors, pieces; in which messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio
import trio.testing
from tools_fake_session import Log, running

from trio_live import (
    InvalidArgument,
    SessionClosed,
)
from trio_live.events import ToolFinished
from trio_live.tools import Result, ToolError, Toolkit
from trio_live.tools.answers import MAX_RESULT_BYTES
from trio_live.wire.functions import FunctionCall, FunctionResponsePart
from trio_live.wire.marks import Platform


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
