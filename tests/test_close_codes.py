"""What ends of connections mean: the service's reasons, row by row, and the errors that tell it."""

from __future__ import annotations

import pytest

from trio_live import (
    ConnectError,
    ConnectionLost,
    ConnectTimeout,
    CredentialsError,
    LiveError,
    SendText,
    SessionPhase,
    SetupError,
    SetupTimeout,
)
from trio_live.close_codes import (
    connection_lost,
    judge_close,
    judge_error,
    judge_status,
    judge_trouble,
    setup_refused,
)
from trio_live.close_table import CLOSES, Recovery, Trouble, When
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

R = Recovery
Once = tuple[int, Recovery]
TO_FRESH: Once = (1, R.FRESH)
TO_THE_END: Once = (1, R.PERMANENT)
NOT_DONE = "Operation is not implemented, or supported, or enabled."
QUOTA_SAID = "You exceeded your current quota, please check your plan and billing details."

# Every close that is known of: code, reason as reported, when, what it asks for, words of the
# cause; then seconds to wait at least, and for how many times it is good and what comes then.
Close = tuple[int, str, tuple[When, ...], Recovery, str | None, float, Once | None]
CLOSED: list[Close] = [
    (1000, "The operation was cancelled.", BOTH, R.ROTATE, "rotates connections", 0, None),
    (1000, "", SESSION, R.CLEAN, None, 0, None),
    (1000, "bye", SESSION, R.CLEAN, None, 0, None),
    (1000, "", SETUP, R.TRANSIENT, None, 0, None),
    (1001, "going away", BOTH, R.TRANSIENT, "going away", 0, None),
    (1012, "", BOTH, R.TRANSIENT, "restarts", 0, None),
    (1013, "try again later", BOTH, R.TRANSIENT, "overloaded", 0, None),
    (1014, "", BOTH, R.TRANSIENT, "gateway", 0, None),
    (1006, "", BOTH, R.TRANSIENT, "dropped the connection", 0, None),
    (1006, "Invalid opcode 0x3", BOTH, R.TRANSIENT, "dropped the connection", 0, None),
    (1007, "API key not valid. Please pass a valid API key.", BOTH, R.PERMANENT, "wrong", 0, None),
    (1007, "Request contains an invalid argument.", SETUP, R.PERMANENT, "field or value", 0, None),
    (1007, "Request contains an invalid argument.", SESSION, R.PERMANENT, "full context", 0, None),
    (1007, 'Unknown name "x" at setup', SETUP, R.PERMANENT, "of the setup is misspelt", 0, None),
    (1007, 'Unknown name "x": Cannot', SESSION, R.PERMANENT, "of a message is misspelt", 0, None),
    (1007, "Invalid JSON payload received.", SETUP, R.PERMANENT, "field or value", 0, None),
    (1007, "media_chunks is deprecated.", BOTH, R.PERMANENT, "mediaChunks", 0, None),
    (1007, MODALITIES, BOTH, R.PERMANENT, "modalities", 0, None),
    (1007, "Cannot extract voices from a non-audio request.", SETUP, R.PERMANENT, "field", 0, None),
    (1007, "Invalid session handle", BOTH, R.FRESH, "handle is stale", 0, TO_THE_END),
    (1007, "CONTENT_TYPE_AUDIO in this state", SESSION, R.TRANSIENT, "tool call", 0, TO_THE_END),
    (1008, NOT_FOUND_MODEL, SETUP, R.PERMANENT, "no such model", 0, None),
    (1008, "Publisher Model `x` was not found.", SETUP, R.PERMANENT, "no such model", 0, None),
    (1008, UNREGISTERED, BOTH, R.PERMANENT, "no credentials arrived", 0, None),
    (1008, LEAKED, BOTH, R.PERMANENT, "make a new one", 0, None),
    (1008, NOT_DONE, SESSION, R.TRANSIENT, "blocking tool call", 0, TO_THE_END),
    (1008, "BidiGenerateContent session not found", BOTH, R.FRESH, "stale", 0, TO_THE_END),
    (1008, "Requested entity was not found.", BOTH, R.FRESH, "stale", 0, TO_THE_END),
    (1008, "The operation was aborted.", BOTH, R.ROTATE, "age limit", 0, None),
    (1008, "something else", BOTH, R.PERMANENT, "policy", 0, None),
    (1009, "", BOTH, R.PERMANENT, "max_message_bytes", 0, None),
    (1011, "Internal error encountered.", BOTH, R.TRANSIENT, "inside the service", 0, TO_FRESH),
    (1011, "Internal error occurred.", BOTH, R.TRANSIENT, "inside the service", 0, TO_FRESH),
    (1011, "", BOTH, R.TRANSIENT, "inside the service", 0, TO_FRESH),
    (1011, "The service is currently unavailable.", BOTH, R.TRANSIENT, "is down", 0, None),
    (1011, "Deadline expired before operation could complete.", BOTH, R.ROTATE, "age", 0, None),
    (1011, "Thread was cancelled when writing StartStep", BOTH, R.TRANSIENT, "gave up", 0, None),
    (1011, QUOTA_SAID, BOTH, R.TRANSIENT, "quota", 60, (3, R.PERMANENT)),
    (1011, "RESOURCE_EXHAUSTED", BOTH, R.TRANSIENT, "quota", 60, (3, R.PERMANENT)),
    (1011, "Resource has been exhausted.", BOTH, R.TRANSIENT, "quota", 60, (3, R.PERMANENT)),
    (1011, "OVERLOADED_TOO_MANY_RETRIES", BOTH, R.TRANSIENT, "overloaded", 10, None),
    (1011, "keepalive ping timeout", BOTH, R.TRANSIENT, "no ping was answered", 0, None),
    (1002, "", BOTH, R.TRANSIENT, None, 0, None),
    (4711, "", BOTH, R.TRANSIENT, None, 0, None),
]  # fmt: skip


def is_retryable(recovery: Recovery) -> bool:
    """Say whether the same attempt may work later."""
    return recovery in (R.ROTATE, R.TRANSIENT)


@pytest.mark.parametrize("row", CLOSED, ids=lambda row: f"{row[0]} {row[1][:24]}")
def test_close_means_what_was_reported(row: Close) -> None:
    """Each close of the service that is known of is judged by code, text and time."""
    code, reason, moments, recovery, cause, wait, good_for = row
    for when in moments:
        verdict = judge_close(code, reason, when)
        assert (verdict.recovery, verdict.wait) == (recovery, wait)
        assert verdict.clean is (recovery is R.CLEAN)
        assert verdict.retryable is is_retryable(recovery)
        assert (cause or "") in (verdict.cause or "")
        assert (verdict.cause is None) is (cause is None)
        assert (None if verdict.tries is None else (verdict.tries, verdict.then)) == good_for
        assert judge_close(code, reason.upper(), when) == verdict


@pytest.mark.parametrize("row", CLOSED, ids=lambda row: f"{row[0]} {row[1][:24]}")
def test_close_becomes_an_error_that_is_judged_alike(row: Close) -> None:
    """The error of a close has its verdict's words, and says so again when it is asked."""
    for when in row[2]:
        verdict = judge_close(row[0], row[1], when)
        closed = TransportClosed(row[0], row[1])
        error: LiveError = setup_refused(closed)
        if when is When.SESSION:
            error = connection_lost(closed, SessionPhase.ACTIVE)
        assert isinstance(error, SetupError | ConnectionLost)
        assert (error.retryable, error.cause) == (verdict.retryable, verdict.cause)
        assert judge_error(error) == verdict


def test_close_1000_in_session_is_the_only_clean_end() -> None:
    """A normal close ends a session cleanly, unless the service says that it was cancelled."""
    clean = [
        (code, when)
        for code in range(1000, 5000)
        for when in BOTH
        if judge_close(code, "", when).clean
    ]
    assert clean == [(1000, When.SESSION)]


def test_close_table_has_no_row_that_nothing_reaches() -> None:
    """Each row is the answer to at least one close that is known of."""
    reached = {
        judge_close(code, reason, when) for code, reason, moments, *_ in CLOSED for when in moments
    }
    assert [row for row in CLOSES if row.verdict not in reached] == []


@pytest.mark.parametrize(
    ("reason", "with_handle", "expected"),
    [
        ("Internal error encountered.", True, [R.TRANSIENT, R.FRESH, R.FRESH]),
        ("Internal error encountered.", False, [R.TRANSIENT, R.TRANSIENT, R.TRANSIENT]),
        ("session not found", True, [R.FRESH, R.PERMANENT, R.PERMANENT]),
        ("session not found", False, [R.PERMANENT, R.PERMANENT, R.PERMANENT]),
        (NOT_DONE, True, [R.TRANSIENT, R.PERMANENT, R.PERMANENT]),
        ("RESOURCE_EXHAUSTED", True, [R.TRANSIENT, R.TRANSIENT, R.TRANSIENT]),
        ("The operation was aborted", True, [R.ROTATE, R.ROTATE, R.ROTATE]),
        ("The service is currently unavailable.", True, [R.TRANSIENT] * 3),
    ],
)
def test_verdict_after_others_of_its_kind(
    reason: str, with_handle: bool, expected: list[Recovery]
) -> None:
    """One failure of the service keeps the handle, a second drops it; a stale one is of no use."""
    code = 1011 if reason.startswith(("Internal", "RESOURCE", "The service")) else 1008
    verdict = judge_close(code, reason, When.SESSION)
    assert [verdict.after(n, with_handle=with_handle) for n in range(3)] == expected
    assert judge_close(1011, "RESOURCE_EXHAUSTED", When.SESSION).after(
        3, with_handle=with_handle
    ) is (R.PERMANENT)


@pytest.mark.parametrize(
    ("status", "recovery", "wait", "cause"),
    [
        (400, R.PERMANENT, 0, "the request is malformed, or the API key is wrong"),
        (401, R.PERMANENT, 0, "the credentials are missing or wrong"),
        (403, R.PERMANENT, 0, "the credentials may not do this"),
        (404, R.PERMANENT, 0, "there is no Live API at this URL: check host, path and API version"),
        (408, R.TRANSIENT, 0, "the server waited too long for the request"),
        (429, R.TRANSIENT, 60, "the quota is used up; wait a minute"),
        (500, R.TRANSIENT, 0, "the server is in trouble"),
        (502, R.TRANSIENT, 0, "the server is in trouble"),
        (503, R.TRANSIENT, 0, "the server is in trouble"),
        (504, R.TRANSIENT, 0, "the server is in trouble"),
        (301, R.PERMANENT, 0, "redirects are not followed, because credentials would go with them"),
        (302, R.PERMANENT, 0, "redirects are not followed, because credentials would go with them"),
        (200, R.PERMANENT, 0, None),
        (418, R.PERMANENT, 0, None),
    ],
)  # fmt: skip
def test_status_means_what_http_says(
    status: int, recovery: Recovery, wait: float, cause: str | None
) -> None:
    """An HTTP answer to the upgrade is permanent but for quota and trouble of the server."""
    verdict = judge_status(status)
    assert (verdict.recovery, verdict.wait, verdict.cause) == (recovery, wait, cause)
    assert (verdict.clean, verdict.retryable) == (False, is_retryable(recovery))
    asked = judge_status(status, 7.5)
    assert asked.wait == (7.5 if is_retryable(recovery) else 0)
    error = ConnectError("", status=status, retry_after=7.5, retryable=verdict.retryable)
    assert judge_error(error) == asked


def test_trouble_is_judged_one_by_one() -> None:
    """What keeps a network from connecting may pass, but for names, certificates and a proxy."""
    permanent = {t for t in Trouble if judge_trouble(t).recovery is R.PERMANENT}
    assert permanent == {Trouble.HOST_NAME, Trouble.CERTIFICATE, Trouble.PROXY_PERMANENT}
    assert {t for t in Trouble if judge_trouble(t).recovery is R.TRANSIENT} == (
        set(Trouble) - permanent
    )
    assert {t for t in Trouble if judge_trouble(t).cause is None} == {Trouble.OTHER}


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeout("", retryable=True),
        SetupTimeout("", retryable=True),
        CredentialsError("", retryable=False),
        ConnectError("", cause="check the URL", retryable=False),
    ],
)
def test_error_without_code_and_status_says_itself_whether_it_passes(error: LiveError) -> None:
    """A timeout may pass; what failed for another reason says so."""
    verdict = judge_error(error)
    assert verdict.recovery is (R.TRANSIENT if error.retryable else R.PERMANENT)
    assert verdict.cause == (error.cause if isinstance(error, ConnectError) else None)


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
