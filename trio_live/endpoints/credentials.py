"""OAuth access tokens: from google-auth or from a function of the user's, without blocking Trio.

What lives here: where tokens come from. What must not: URLs. google-auth (extra `vertex`) is
imported where it is used; it blocks, so that it runs in worker threads.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar, cast

import trio

from trio_live.endpoints.address import Headers, check_key
from trio_live.errors import ConfigError, CredentialsError

T = TypeVar("T")

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"

# A metadata server that does not answer holds a thread for minutes, and a cancelled wait leaves it
# behind: so there is a bound, and it is not that of the program's own threads.
_THREADS: Final = 4
_limiter: Final = trio.lowlevel.RunVar[trio.CapacityLimiter]("trio_live credentials")

# What google-auth's credentials may hold that must not be shown.
_SECRET_ATTRIBUTES: Final = ("token", "refresh_token", "client_secret", "id_token")


class GoogleCredentials(Protocol):
    """What is used of `google.auth.credentials.Credentials`."""

    token: Any

    @property
    def valid(self) -> bool:
        """Whether the token can be used, and will be for the next minutes."""
        ...

    def refresh(self, request: Any, /) -> Any:
        """Get a new token; blocks."""
        ...


Credentials = GoogleCredentials | Callable[[], str] | Callable[[], Awaitable[str]]
"""`google.auth` credentials, or a function that gives an access token: a plain one runs in a worker
thread, an async one is awaited. It is asked anew for each connection."""


class TokenSource:
    """Gives the headers of OAuth, with a token that is fresh.

    Args:
        credentials: What the user gave; None for the application default credentials.
        quota_project: The project that pays, if not the one that the credentials name.

    Raises:
        ConfigError: These are no credentials.
    """

    def __init__(self, credentials: Credentials | None, quota_project: str | None) -> None:
        if not (credentials is None or callable(credentials) or hasattr(credentials, "refresh")):
            raise ConfigError(
                "credentials must be google.auth credentials or a function that gives an access "
                f"token, not {type(credentials).__name__}"
            )
        if quota_project is not None:
            check_key("quota_project", quota_project)
        self._function: Callable[[], object] | None = None
        self._google: GoogleCredentials | None = None
        self._usable = False  # the Google credentials have their scope
        if hasattr(credentials, "refresh"):
            self._google = cast("GoogleCredentials", credentials)
        elif credentials is not None:
            self._function = cast("Callable[[], object]", credentials)
        self._quota_project = quota_project
        # Held in worker threads: google-auth's credentials must not be refreshed by two at once.
        self._refreshing = threading.Lock()

    async def headers(self) -> Headers:
        """Give the headers for one connection.

        Raises:
            CredentialsError: No access token could be had.

        Cancellation: atomic. If cancelled, nothing changed; a worker thread is left to itself.
        """
        quota_project = self._quota_project
        if self._function is None:
            token, own_project = await _run_in_thread(self._refresh)
            quota_project = quota_project or own_project
        else:
            token = await _call(self._function)
        try:
            bearer = check_key("the access token", token)
        except ConfigError as error:
            raise CredentialsError(f"the credentials gave no access token: {error}") from None
        own: Headers = (("Authorization", f"Bearer {bearer}"),)
        return (*own, ("x-goog-user-project", quota_project)) if quota_project else own

    def _refresh(self) -> tuple[object, str | None]:
        """Give token and quota project of the Google credentials; runs in a worker thread."""
        google = _GoogleAuth()
        with self._refreshing:
            try:
                if not self._usable:
                    self._google = google.with_scope(self._google)
                    self._usable = True
                credentials = cast("GoogleCredentials", self._google)
                if not credentials.valid:
                    credentials.refresh(google.request())
                return credentials.token, getattr(credentials, "quota_project_id", None)
            except Exception as error:
                failure = _no_token(error, self._google)
        # Out here, where nothing becomes its context: an error may hold an answer whole.
        raise failure


class _GoogleAuth:
    """What is used of google-auth, which has no types; importing it takes 0.1 s."""

    def __init__(self) -> None:
        try:
            import google.auth
            from google.auth import credentials
            from google.auth.transport import requests
        except ImportError as error:
            raise ConfigError(
                "these credentials need google-auth and requests: pip install trio-live[vertex]"
            ) from error
        self._auth: Any = google.auth
        self._credentials: Any = credentials
        self._requests: Any = requests

    def with_scope(self, credentials: GoogleCredentials | None) -> GoogleCredentials:
        """Give credentials their scope; None stands for the application default credentials."""
        if credentials is None:
            return cast("GoogleCredentials", self._auth.default(scopes=[SCOPE])[0])
        scoped = self._credentials.with_scopes_if_required(credentials, [SCOPE])
        return cast("GoogleCredentials", scoped)

    def request(self) -> object:
        """Make what google-auth refreshes with; it waits for 120 s at most."""
        request: object = self._requests.Request()
        return request


async def _call(function: Callable[[], object]) -> object:
    """Ask the user's function, in a worker thread if it is a plain one."""
    try:
        if _is_async(function):
            return await cast("Awaitable[object]", function())
        # In a tuple: Trio refuses a coroutine, which a lambda around an async function gives.
        (token,) = await _run_in_thread(lambda: (function(),))
        return await token if inspect.isawaitable(token) else token
    except Exception as error:
        raise CredentialsError(
            f"the function that gives access tokens failed with {type(error).__name__}",
            retryable=_passes(error),
        ) from error


def _is_async(function: Callable[[], object]) -> bool:
    # isfunction's `__call__` is not a coroutine function, that of an instance may be.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  # not whether, but what it is
    )


async def _run_in_thread(function: Callable[[], T]) -> T:
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return await trio.to_thread.run_sync(function, abandon_on_cancel=True, limiter=limiter)


def _passes(error: BaseException) -> bool:
    """Whether what a function failed with may pass: it says so, or a network is behind it."""
    said: object = getattr(error, "retryable", None)
    if isinstance(said, bool):
        return said
    if isinstance(error, FileNotFoundError | PermissionError):
        return False
    if isinstance(error, OSError | trio.TooSlowError | trio.BrokenResourceError):
        return True
    behind = error.__cause__ or error.__context__
    return behind is not None and _passes(behind)


def _no_token(error: Exception, credentials: GoogleCredentials | None) -> CredentialsError:
    """Tell google-auth's complaint, with what the credentials hold blanked out."""
    said = str(error.args[0]) if error.args else ""
    for name in _SECRET_ATTRIBUTES:
        secret = getattr(credentials, name, None)
        if isinstance(secret, str) and secret:
            said = said.replace(secret, "***")
    kind = type(error).__name__
    return CredentialsError(
        f"no access token ({kind}): {said}" if said else f"no access token ({kind})",
        retryable=bool(getattr(error, "retryable", False)),
    )
