"""What ends of connections mean: the service's reasons, row by row, and the errors that tell it."""

from __future__ import annotations

import pytest

from trio_live import SendText, SessionPhase
from trio_live.close_codes import (
    When,
    connection_lost,
    judge_close,
    judge_status,
    setup_refused,
)
from trio_live.transport import TransportClosed

BOTH = (When.SETUP, When.SESSION)
SETUP = (When.SETUP,)
SESSION = (When.SESSION,)
NOT_FOUND_MODEL = (
    "models/x is not found for API version v1beta, or is not supported for bidiGenerateContent."
)
LEAKED = "Your API key was reported as leaked. Please use another API key."
UNREGISTERED = "Method doesn't allow unregistered callers (callers without established identity)."
MODALITIES = "The requested combination of response modalities (TEXT, AUDIO) is not supported."

# Code, reason as reported, when, whether it may pass, and words of the cause.
TABLE: list[tuple[int, str, tuple[When, ...], bool, str | None]] = [
    (1000, "The operation was cancelled.", BOTH, True, "rotates connections"),
    (1001, "going away", BOTH, True, "going away"),
    (1012, "", BOTH, True, "restarts"),
    (1013, "try again later", BOTH, True, "overloaded"),
    (1014, "", BOTH, True, "gateway"),
    (1006, "", BOTH, True, "dropped the connection"),
    (1007, "API key not valid. Please pass a valid API key.", BOTH, False, "key is wrong"),
    (1007, "Request contains an invalid argument.", SETUP, False, "field or value"),
    (1007, "Request contains an invalid argument.", SESSION, False, "clientContent in mid-session"),
    (1007, 'Unknown name "x" at setup: Cannot find field.', BOTH, False, "misspelt"),
    (1007, "Invalid JSON payload received.", SETUP, False, "field or value"),
    (1007, "realtime_input.media_chunks is deprecated.", BOTH, False, "mediaChunks"),
    (1007, MODALITIES, BOTH, False, "modalities"),
    (1007, "Cannot extract voices from a non-audio request.", SETUP, False, "field or value"),
    (1007, "Invalid session handle", BOTH, False, "handle is stale"),
    (1007, "Unsupported CONTENT_TYPE_AUDIO in this state", SESSION, True, "tool call was open"),
    (1008, NOT_FOUND_MODEL, SETUP, False, "no such model"),
    (1008, "Publisher Model `publishers/x` was not found.", SETUP, False, "no such model"),
    (1008, UNREGISTERED, BOTH, False, "no credentials arrived"),
    (1008, LEAKED, BOTH, False, "make a new one"),
    (
        1008,
        "Operation is not implemented, or supported, or enabled.",
        SESSION,
        True,
        "blocking tool call",
    ),
    (1008, "BidiGenerateContent session not found", BOTH, False, "handle is stale"),
    (1008, "Requested entity was not found.", BOTH, False, "handle is stale"),
    (1008, "The operation was aborted.", BOTH, True, "age limit"),
    (1008, "something else", BOTH, False, "policy"),
    (1009, "", BOTH, False, "max_message_bytes"),
    (1011, "Internal error encountered.", BOTH, True, "inside the service"),
    (1011, "Internal error occurred.", BOTH, True, "inside the service"),
    (1011, "The service is currently unavailable.", BOTH, True, "inside the service"),
    (1011, "Deadline expired before operation could complete.", BOTH, True, "inside the service"),
    (1011, "Thread was cancelled when writing StartStep status", BOTH, True, "inside the service"),
    (1011, "You exceeded your current quota, please check your plan", BOTH, True, "quota"),
    (1011, "RESOURCE_EXHAUSTED", BOTH, True, "quota"),
    (1011, "Resource has been exhausted (e.g. check quota).", BOTH, True, "quota"),
    (1011, "OVERLOADED_TOO_MANY_RETRIES", BOTH, True, "inside the service"),
    (1000, "", SETUP, True, None),
    (1002, "", BOTH, True, None),
    (4711, "", BOTH, True, None),
]
ROWS = [(*row[:2], when, *row[3:]) for row in TABLE for when in row[2]]


@pytest.mark.parametrize(("code", "reason", "when", "retryable", "cause"), ROWS)
def test_close_means_what_was_reported(
    code: int, reason: str, when: When, retryable: bool, cause: str | None
) -> None:
    """Each close of the service that is known of is judged by code, text and time."""
    verdict = judge_close(code, reason, when)
    assert (verdict.clean, verdict.retryable) == (False, retryable)
    assert (cause or "") in (verdict.cause or "")
    assert (verdict.cause is None) is (cause is None)
    assert judge_close(code, reason.upper(), when) == verdict


def test_close_1000_in_session_is_the_only_clean_end() -> None:
    """A normal close ends a session cleanly, unless the service says that it was cancelled."""
    clean = [
        (code, when)
        for code in range(1000, 5000)
        for when in BOTH
        if judge_close(code, "", when)[0]
    ]
    assert clean == [(1000, When.SESSION)]
    assert judge_close(1000, "bye", When.SESSION).clean


@pytest.mark.parametrize(
    ("status", "retryable", "cause"),
    [
        (400, False, "the request is malformed, or the API key is wrong"),
        (401, False, "the credentials are missing or wrong"),
        (403, False, "the credentials may not do this"),
        (404, False, "there is no Live API at this URL: check host, path and API version"),
        (429, True, "the quota is used up; wait"),
        (500, True, "the server is in trouble"),
        (503, True, "the server is in trouble"),
        (301, False, "redirects are not followed, because credentials would go with them"),
        (302, False, "redirects are not followed, because credentials would go with them"),
        (200, False, None),
        (418, False, None),
    ],
)
def test_status_means_what_http_says(status: int, retryable: bool, cause: str | None) -> None:
    """An HTTP answer to the upgrade is permanent but for quota and trouble of the server."""
    assert judge_status(status) == (False, retryable, cause)


def test_setup_refused_tells_code_reason_and_cause() -> None:
    """Law 6: a refused setup carries everything there is to know of it."""
    error = setup_refused(TransportClosed(1007, "API key not valid"))
    assert str(error) == (
        "the service refused the session (close code 1007, 'API key not valid'): "
        "the API key is wrong; check it"
    )
    assert (error.code, error.reason, error.cause) == (
        1007,
        "API key not valid",
        "the API key is wrong; check it",
    )
    assert (error.retryable, error.phase) == (False, SessionPhase.SETUP_SENT)


def test_connection_lost_tells_code_reason_cause_and_what_was_not_delivered() -> None:
    """Law 7: a loss carries the commands that were not written and the handle to resume from."""
    lost = (SendText("a"),)
    error = connection_lost(TransportClosed(1006), SessionPhase.MODEL_SPEAKING, lost, "handle")
    assert str(error) == (
        "the connection was lost (close code 1006): the network dropped the connection"
    )
    assert (error.code, error.reason, error.retryable) == (1006, "", True)
    assert (error.phase, error.undelivered) == (SessionPhase.MODEL_SPEAKING, lost)
    assert error.resumption_handle == "handle"


def test_connection_lost_by_an_unknown_code_claims_no_cause() -> None:
    """Of a close that nobody knows the error says code and reason only."""
    error = connection_lost(TransportClosed(4711, "odd"), SessionPhase.ACTIVE)
    assert str(error) == "the connection was lost (close code 4711, 'odd')"
    assert (error.cause, error.undelivered, error.resumption_handle) == (None, (), None)
