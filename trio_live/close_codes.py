"""What the end of a connection means: close codes, reasons, HTTP statuses and network troubles.

What lives here: the look-up in the tables of `close_table`, and the errors that tell it. What must
not: acting on it, and counting what happened before. The code alone says little: 1007, 1008 and
1011 each stand for passing and for permanent troubles, so a row looks at the reason's text and at
whether the setup had been accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_live.close_table import CLOSES, STATUSES, TROUBLES, Recovery, Trouble, Verdict, When
from trio_live.errors import ConnectError, ConnectionLost, LiveError, SetupError
from trio_live.state import SessionPhase

if TYPE_CHECKING:
    from trio_live.commands import SessionCommand
    from trio_live.music.commands import MusicCommand
    from trio_live.transport.interface import TransportClosed


def judge_close(code: int, reason: str, when: When) -> Verdict:
    """Say what a close means; an unknown code counts as passing, without a cause."""
    said = reason.casefold()
    for row in CLOSES:
        if (
            row.code in (None, code)
            and (row.text is None or row.text in said)
            and row.when in (None, when)
        ):
            return row.verdict
    return Verdict(Recovery.TRANSIENT)


def judge_status(status: int, retry_after: float | None = None) -> Verdict:
    """Say what an HTTP answer to the upgrade means; an unknown status counts as permanent.

    Args:
        status: The status.
        retry_after: The seconds that the answer's Retry-After asks for, if there is one. They
            take the place of the table's, as the server knows better.
    """
    verdict = Verdict(Recovery.PERMANENT)
    for row in STATUSES:
        if row.first <= status <= row.last:
            verdict = row.verdict
            break
    if retry_after is None or not verdict.retryable:
        return verdict
    return verdict._replace(wait=retry_after)


def judge_trouble(trouble: Trouble) -> Verdict:
    """Say what a failure of the network means."""
    return TROUBLES[trouble]


def judge_error(error: LiveError) -> Verdict:
    """Say what an error means that ended an attempt to connect, or a connection.

    Timeouts, errors of credentials, and those of other dialers say themselves whether they pass.
    """
    if isinstance(error, ConnectError) and error.status is not None:
        return judge_status(error.status, error.retry_after)
    if error.code is not None:
        when = When.SETUP if isinstance(error, SetupError) else When.SESSION
        return judge_close(error.code, error.reason or "", when)
    cause = error.cause if isinstance(error, ConnectError) else None
    return Verdict(Recovery.TRANSIENT if error.retryable else Recovery.PERMANENT, cause)


def setup_refused(closed: TransportClosed) -> SetupError:
    """Build the error for a connection that was closed instead of accepting the setup."""
    verdict = judge_close(closed.code, closed.reason, When.SETUP)
    return SetupError(
        _tell("the service refused the session", closed, verdict.cause),
        cause=verdict.cause,
        retryable=verdict.retryable,
        phase=SessionPhase.SETUP_SENT,
        code=closed.code,
        reason=closed.reason,
    )


def checkpoint_refused(error: SetupError) -> SetupError:
    """Build the error for a checkpoint whose session the service does not know, or not any more."""
    return SetupError(
        f"the session of the checkpoint cannot be resumed: {error}. Open one without resume=, or "
        "with a ReconnectPolicy, which begins afresh by itself",
        cause=error.cause,
        phase=error.phase,
        code=error.code,
        reason=error.reason,
    )


def connection_lost(
    closed: TransportClosed,
    phase: SessionPhase,
    undelivered: tuple[SessionCommand | MusicCommand, ...] = (),
    resumption_handle: str | None = None,
    verdict: Verdict | None = None,
) -> ConnectionLost:
    """Build the error for a connection that ended in mid-session.

    Args:
        closed: How it ended.
        phase: The phase at that time.
        undelivered: What was accepted and not written.
        resumption_handle: From where a session can go on.
        verdict: What the end means; None to judge by code and reason.
    """
    verdict = verdict or judge_close(closed.code, closed.reason, When.SESSION)
    failure = ConnectionLost(
        _tell("the connection was lost", closed, verdict.cause),
        cause=verdict.cause,
        undelivered=undelivered,
        resumption_handle=resumption_handle,
        retryable=verdict.retryable,
        phase=phase,
        code=closed.code,
        reason=closed.reason,
    )
    failure.__cause__ = closed
    return failure


def not_made_again(
    closed: TransportClosed,
    error: LiveError,
    attempts: int,
    phase: SessionPhase,
    resumption_handle: str | None,
) -> ConnectionLost:
    """Build the error for a loss after which no attempt to go on has worked.

    Args:
        closed: How the connection ended.
        error: Why the last attempt failed.
        attempts: How many there were.
        phase: The phase before the loss.
        resumption_handle: From where a session can go on.
    """
    failure = ConnectionLost(
        f"the connection was lost (close code {closed.code}) and could not be made again in "
        f"{attempts} attempts: {error}",
        cause=judge_error(error).cause,
        resumption_handle=resumption_handle,
        retryable=error.retryable,
        phase=phase,
        code=closed.code if error.code is None else error.code,
        reason=closed.reason if error.code is None else error.reason,
        status=error.status,
    )
    failure.__cause__ = error
    return failure


def _tell(what: str, closed: TransportClosed, cause: str | None) -> str:
    text = f"{what} (close code {closed.code}"
    if closed.reason:
        text += f", {closed.reason!r}"
    return f"{text}): {cause}" if cause else f"{text})"
