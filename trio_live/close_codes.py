"""What the end of a connection means: close codes, reasons and HTTP statuses, as data.

What lives here: the table, its look-up, and the errors that tell it. What must not: acting on it.
The code alone says little: 1007, 1008 and 1011 each stand for passing and for permanent troubles,
so rows look at the reason's text and at whether the setup had been accepted. Source: public reports
of the service's users and Google's documentation, collected in November 2026; texts are matched
without case.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from trio_live.errors import ConnectionLost, SetupError
from trio_live.state import SessionPhase
from trio_live.transport.interface import NO_CLOSE_FRAME, TransportClosed

if TYPE_CHECKING:
    from trio_live.commands import SessionCommand
    from trio_live.music.commands import MusicCommand


class When(Enum):
    """When a connection ended."""

    SETUP = "before setupComplete"
    SESSION = "after setupComplete"


class Verdict(NamedTuple):
    """What an end of the connection means.

    Attributes:
        clean: A normal end.
        retryable: The same session may work on another connection, later.
        cause: What probably lies behind it and what to do; None if unknown.
    """

    clean: bool
    retryable: bool
    cause: str | None


class Row(NamedTuple):
    """One row: it applies if the code matches and the text is in the reason; None matches all."""

    code: int | None
    text: str | None
    when: When | None
    verdict: Verdict


def _passing(cause: str | None) -> Verdict:
    return Verdict(clean=False, retryable=True, cause=cause)


def _permanent(cause: str | None) -> Verdict:
    return Verdict(clean=False, retryable=False, cause=cause)


CLOSES: Final = (
    # Reasons that mean the same under any code come first, then codes.
    Row(None, "api key not valid", None, _permanent("the API key is wrong; check it")),
    Row(
        None,
        "api key was reported as leaked",
        None,
        _permanent("the key is blocked; make a new one"),
    ),
    Row(
        None,
        "unregistered callers",
        None,
        _permanent(
            "no credentials arrived, or an ephemeral token went to the unconstrained method"
        ),
    ),
    Row(None, "session handle", None, _permanent("the resumption handle is stale; start afresh")),
    Row(
        None, "session not found", None, _permanent("the resumption handle is stale; start afresh")
    ),
    Row(
        None,
        "requested entity was not found",
        None,
        _permanent("the resumption handle is stale; start afresh"),
    ),
    Row(
        None,
        "not found",
        When.SETUP,
        _permanent("no such model here: check its name, region, API version and Live support"),
    ),
    Row(None, "exceeded your current quota", None, _passing("the quota is used up; wait a minute")),
    Row(None, "resource_exhausted", None, _passing("the quota is used up; wait a minute")),
    Row(None, "resource has been exhausted", None, _passing("the quota is used up; wait a minute")),
    Row(
        1000,
        "operation was cancelled",
        None,
        _passing("the service rotates connections, about every ten minutes"),
    ),
    Row(1000, None, When.SESSION, Verdict(clean=True, retryable=False, cause=None)),
    Row(
        1007,
        "unknown name",
        None,
        _permanent("a field of the setup is misspelt or in the wrong place; see the reason"),
    ),
    Row(
        1007, "media_chunks", None, _permanent("realtimeInput.mediaChunks is not accepted any more")
    ),
    Row(
        1007,
        "response modalities",
        None,
        _permanent("the model does not answer in these modalities; native audio models say AUDIO"),
    ),
    Row(1007, "content_type_audio", None, _passing("audio was sent while a tool call was open")),
    Row(
        1007,
        None,
        When.SETUP,
        _permanent("the setup has a field or value that this model does not take"),
    ),
    Row(
        1007,
        None,
        When.SESSION,
        _permanent(
            "a message that the model does not take: clientContent in mid-session, audio before "
            "activityStart, or a full context"
        ),
    ),
    Row(
        1008,
        "not implemented, or supported",
        None,
        _passing("audio was sent while a blocking tool call was open"),
    ),
    Row(1008, "operation was aborted", None, _passing("the connection reached its age limit")),
    Row(1008, None, None, _permanent("the service's policy refuses this; see the reason")),
    Row(1009, None, None, _permanent("a message was larger than max_message_bytes")),
    Row(1011, None, None, _passing("a failure inside the service")),
    Row(1001, None, None, _passing("the server is going away")),
    Row(1012, None, None, _passing("the server restarts")),
    Row(1013, None, None, _passing("the server is overloaded")),
    Row(1014, None, None, _passing("a gateway failed")),
    Row(NO_CLOSE_FRAME, None, None, _passing("the network dropped the connection")),
)

_HTTP_CAUSES: Final = {
    400: "the request is malformed, or the API key is wrong",
    401: "the credentials are missing or wrong",
    403: "the credentials may not do this",
    404: "there is no Live API at this URL: check host, path and API version",
    429: "the quota is used up; wait",
}


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
    return _passing(None)


def judge_status(status: int) -> Verdict:
    """Say what an HTTP answer to the upgrade means."""
    if 300 <= status < 400:
        return _permanent("redirects are not followed, because credentials would go with them")
    passing = status == 429 or status >= 500
    cause = _HTTP_CAUSES.get(status, "the server is in trouble" if status >= 500 else None)
    return Verdict(clean=False, retryable=passing, cause=cause)


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


def connection_lost(
    closed: TransportClosed,
    phase: SessionPhase,
    undelivered: tuple[SessionCommand | MusicCommand, ...] = (),
    resumption_handle: str | None = None,
) -> ConnectionLost:
    """Build the error for a connection that ended in mid-session."""
    verdict = judge_close(closed.code, closed.reason, When.SESSION)
    return ConnectionLost(
        _tell("the connection was lost", closed, verdict.cause),
        cause=verdict.cause,
        undelivered=undelivered,
        resumption_handle=resumption_handle,
        retryable=verdict.retryable,
        phase=phase,
        code=closed.code,
        reason=closed.reason,
    )


def _tell(what: str, closed: TransportClosed, cause: str | None) -> str:
    text = f"{what} (close code {closed.code}"
    if closed.reason:
        text += f", {closed.reason!r}"
    return f"{text}): {cause}" if cause else f"{text})"
