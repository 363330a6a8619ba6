"""One call from its arguments to what it is answered.

What lives here: attempt(). What must not: whether the answer is still wanted, and all else that
calls have in common (runner.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec
import trio

from trio_live.tools.answers import answer_of, error_answer, last_answer
from trio_live.tools.call import Refusal, Result
from trio_live.tools.failure import failure_of

if TYPE_CHECKING:
    from trio_live.events import Outcome
    from trio_live.tools.job import Job
    from trio_live.wire.functions import FunctionResponse

    Ending: TypeAlias = tuple[Outcome, FunctionResponse, Exception | None]

Warn: TypeAlias = Callable[[str], None]
"""Tells the program of something that is wrong, but stops nothing."""


async def attempt(job: Job, start: Callable[[Job], None], warn: Warn) -> Ending:
    """Do a call's work.

    Args:
        job: The work.
        start: Called when the call's turn has come, before the function is.
        warn: Tells the program what went wrong beside.

    Returns:
        How it ended, what the model is told, and the exception behind it.

    Raises:
        BaseException: No tool may keep it from the program.

    Cancellation: not atomic. If cancelled, the function may have done anything.
    """
    try:
        return await _call(job, start, warn)
    except (Exception, trio.Cancelled, BaseExceptionGroup) as raised:
        error = failure_of(raised)
        if error is None:
            raise
        return "failed", error_answer(_describe(job, error, warn)), error


async def _call(job: Job, start: Callable[[Job], None], warn: Warn) -> Ending:
    tool = job.tool
    try:
        args = tool.read(job.call.args)
    except msgspec.ValidationError as wrong:
        return "invalid", error_answer(f"wrong arguments: {wrong}"), wrong
    if (approve := tool.approve or job.kit.approve) is not None:
        verdict: object = await approve(job.call, args)
        if isinstance(verdict, Refusal):
            return "refused", error_answer(f"refused: {verdict.reason}"), None
        if isinstance(verdict, Mapping):
            args = dict(cast("Mapping[str, Any]", verdict))
        elif verdict is not None:
            kind = type(verdict).__name__
            raise TypeError(f"approve= gives a Refusal, arguments or None, not {kind}")
    await job.place.wait()
    await trio.lowlevel.checkpoint_if_cancelled()  # it may have been, since its task was made
    start(job)
    value = await tool.run(job.call, args, job.kit.threads)
    if tool.streams and job.streams:
        return "answered", last_answer(tool, can_schedule=job.can_schedule), None
    return "answered", job_answer(job, value, warn), None


def job_answer(
    job: Job, value: object, warn: Warn, *, will_continue: bool | None = None
) -> FunctionResponse:
    """Make an answer of what a tool gave; see `answer_of`."""
    if isinstance(value, Result) and value.scheduling and not job.can_schedule:
        # The result is worth more than the moment at which the model hears of it.
        warn(
            f"a result of tool {job.tool.name!r} came without its "
            f"scheduling={value.scheduling!r}: the model "
            + ("waits for the answer" if job.blocking else "has none")
        )
    return answer_of(job.tool, value, can_schedule=job.can_schedule, will_continue=will_continue)


def _describe(job: Job, error: Exception, warn: Warn) -> str:
    """Say what the model hears of an error; of one that cannot be described, its type."""
    try:
        return job.kit.describe_error(error)
    except Exception as wrong:
        warn(f"describe_error raised {type(wrong).__name__}")
        return type(error).__name__
