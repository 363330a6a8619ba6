"""Access tokens: from google-auth in a worker thread, or from a function, for each connection.

Real threads are used, so these tests run on the real clock; nothing in them waits for time to pass.
"""

from __future__ import annotations

import builtins
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import trio

from trio_live import ConfigError, CredentialsError, GoogleAI, SessionConfig, VertexAI, open_session
from trio_live.endpoints.credentials import SCOPE

pytest.importorskip("google.auth")

import google.auth.credentials
import google.auth.exceptions


class FakeCredentials(
    google.auth.credentials.Scoped, google.auth.credentials.CredentialsWithQuotaProject
):
    """Credentials of google-auth's kind, with a refresh of the test's."""

    def __init__(self, refresh: Callable[[], str], scopes: object = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._refresh = refresh
        self._scopes = scopes
        self.lasting = True
        self.threads: set[int] = set()

    @property
    def requires_scopes(self) -> bool:
        return self._scopes is None

    def with_scopes(self, scopes: object, default_scopes: object = None) -> FakeCredentials:
        return FakeCredentials(self._refresh, scopes)

    @property
    def valid(self) -> bool:
        return self.token is not None and self.lasting

    def refresh(self, request: object) -> None:
        self.threads.add(threading.get_ident())
        self.token = self._refresh()


async def headers_of(endpoint: VertexAI | GoogleAI) -> dict[str, str]:
    """Resolve an endpoint."""
    with trio.fail_after(30):
        return dict((await endpoint.resolve()).headers)


def vertex(credentials: Any = None, **settings: Any) -> VertexAI:
    """Make an endpoint with these credentials."""
    return VertexAI("p", "us-central1", credentials=credentials, **settings)


async def test_google_credentials_are_refreshed_in_a_thread_when_their_token_is_old() -> None:
    """A good token is used again; one that has expired is replaced, for the next connection."""
    tokens = iter(["one", "two"])
    credentials = FakeCredentials(lambda: next(tokens), scopes=["mine"])
    endpoint = vertex(credentials)
    assert await headers_of(endpoint) == {"Authorization": "Bearer one"}
    assert await headers_of(endpoint) == {"Authorization": "Bearer one"}
    credentials.lasting = False
    assert await headers_of(endpoint) == {"Authorization": "Bearer two"}
    assert credentials.threads
    assert threading.get_ident() not in credentials.threads


async def test_google_credentials_get_their_scope_and_name_their_quota_project() -> None:
    """Credentials without scopes get the cloud platform's; the project to charge is told."""
    scopes: list[object] = []

    class Unscoped(FakeCredentials):
        def with_scopes(self, scopes_: object, default_scopes: object = None) -> FakeCredentials:
            scopes.append(scopes_)
            scoped = FakeCredentials(lambda: "t", scopes_)
            scoped._quota_project_id = "payer"
            return scoped

    endpoint = vertex(Unscoped(lambda: "none"))
    expected = {"Authorization": "Bearer t", "x-goog-user-project": "payer"}
    assert [await headers_of(endpoint), await headers_of(endpoint)] == [expected] * 2
    assert scopes == [[SCOPE]]
    assert (await endpoint.resolve()).secrets == ("Bearer t", "t")
    other = vertex(Unscoped(lambda: "none"), quota_project="other")
    assert (await headers_of(other))["x-goog-user-project"] == "other"


async def test_no_credentials_means_the_application_default_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are looked for once, in a worker thread, with the cloud platform's scope."""
    asked: list[tuple[object, bool]] = []

    def default(scopes: object) -> tuple[FakeCredentials, str]:
        asked.append((scopes, threading.current_thread() is threading.main_thread()))
        return FakeCredentials(lambda: "t", scopes), "p"

    monkeypatch.setattr("google.auth.default", default)
    endpoint = vertex()
    for _ in range(2):
        assert await headers_of(endpoint) == {"Authorization": "Bearer t"}
    assert asked == [([SCOPE], False)]


async def test_two_connections_at_once_refresh_once() -> None:
    """google-auth's credentials are not for two threads at a time."""
    refreshes: list[str] = []

    def refresh() -> str:
        refreshes.append("x")
        return "t"

    endpoint = vertex(FakeCredentials(refresh, scopes=[]))
    async with trio.open_nursery() as nursery:
        for _ in range(6):  # more than there are threads
            nursery.start_soon(headers_of, endpoint)
    assert refreshes == ["x"]


async def test_waiting_for_a_token_can_be_cancelled() -> None:
    """The wait ends at once; the thread is left to itself, and its token serves the next one."""
    begun, finish = threading.Event(), threading.Event()

    def refresh() -> str:
        begun.set()
        assert finish.wait(30)
        return "late"

    endpoint = vertex(FakeCredentials(refresh, scopes=[]))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(endpoint.resolve)
            await trio.to_thread.run_sync(begun.wait, 30)
            nursery.cancel_scope.cancel()
    finish.set()
    assert await headers_of(endpoint) == {"Authorization": "Bearer late"}


@pytest.mark.parametrize("endpoint", [VertexAI, GoogleAI])
async def test_functions_are_asked_for_each_connection(endpoint: Any) -> None:
    """Plain functions run in a worker thread, async ones in the task; both may give anew."""
    numbers = iter(range(9))
    threads: list[bool] = []

    def plain() -> str:
        threads.append(threading.current_thread() is threading.main_thread())
        return f"t{next(numbers)}"

    async def waiting(prefix: str) -> str:
        await trio.lowlevel.checkpoint()
        threads.append(threading.current_thread() is threading.main_thread())
        return f"{prefix}{next(numbers)}"

    class Callable_:  # noqa: N801
        async def __call__(self) -> str:
            return await waiting("c")

    here = {"project": "p"} if endpoint is VertexAI else {}
    bearers = []
    for function in (plain, functools.partial(waiting, "a"), Callable_(), lambda: waiting("l")):
        place = endpoint(credentials=function, **here)
        bearers += [(await headers_of(place))["Authorization"] for _ in range(2)]
    names = ("t0", "t1", "a2", "a3", "c4", "c5", "l6", "l7")
    assert bearers == [f"Bearer {name}" for name in names]
    assert threads == [False] * 2 + [True] * 6


@pytest.mark.parametrize(
    ("token", "complaint"),
    [
        ("", "must be a text that is not empty"),
        (None, "must be a text that is not empty"),
        ("a\r\nX: PLANTED", "must be a text that is not empty"),
    ],
)
async def test_token_that_cannot_be_sent_is_an_error(token: Any, complaint: str) -> None:
    """What a function gives is checked before it becomes a header, and not shown."""
    with pytest.raises(CredentialsError, match=complaint) as caught:
        await headers_of(vertex(lambda: token))
    assert "PLANTED" not in str(caught.value)
    assert not caught.value.retryable


@pytest.mark.parametrize("is_async", [False, True])
async def test_function_that_fails_is_the_cause_of_the_error(is_async: bool) -> None:
    """The user's own exception is chained; its text is not repeated."""
    mine = OSError("PLANTED")

    def plain() -> str:
        raise mine

    async def waiting() -> str:
        raise mine

    with pytest.raises(CredentialsError) as caught:
        await headers_of(vertex(waiting if is_async else plain))
    assert str(caught.value) == "the function that gives access tokens failed with OSError"
    assert caught.value.__cause__ is mine


async def test_google_auth_that_fails_is_told_without_its_secrets() -> None:
    """Law 6: the complaint is told, what the credentials hold is blanked out, no more."""

    def refresh() -> str:
        raise google.auth.exceptions.RefreshError(  # type: ignore[no-untyped-call]
            "bad PLANTED", {"body": "PLANTED"}, retryable=True
        )

    credentials = FakeCredentials(refresh, scopes=[])
    credentials.refresh_token = "PLANTED"  # type: ignore[attr-defined]
    with pytest.raises(CredentialsError) as caught:
        await headers_of(vertex(credentials))
    assert str(caught.value) == "no access token (RefreshError): bad ***"
    assert caught.value.retryable
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_session_whose_credentials_fail_raises_the_plain_error() -> None:
    """Out of open_session it comes as itself, not in a group."""
    with pytest.raises(CredentialsError):
        async with open_session(SessionConfig("m"), endpoint=vertex(lambda: "")):
            raise AssertionError


@contextmanager
def missing(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """Let a package not be installed."""
    real = builtins.__import__

    def fail(wanted: str, globals_: Mapping[str, object] | None = None, *rest: Any) -> Any:
        if wanted.startswith(name):
            raise ImportError(wanted)
        return real(wanted, globals_, *rest)

    with monkeypatch.context() as patch:
        for module in [each for each in sys.modules if each.startswith(name)]:
            patch.delitem(sys.modules, module)
        patch.setattr(builtins, "__import__", fail)
        yield


async def test_without_google_auth_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Law 12: the extra is missed only where it is used."""
    endpoint = vertex()
    with missing(monkeypatch, "google.auth"), pytest.raises(ConfigError) as caught:
        await headers_of(endpoint)
    assert str(caught.value) == (
        "these credentials need google-auth and requests: pip install trio-live[vertex]"
    )
