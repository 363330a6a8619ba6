"""Every error of trio_live.

    LiveError
    ├── ConfigError (ValueError)              a setting that cannot be; nothing was opened
    ├── LocalProtocolError                    a wrong call; nothing was sent, the session lives
    │   ├── InvalidArgument (ValueError)      a value that the call does not take
    │   ├── InvalidArgumentType (TypeError)   a type that the call does not take
    │   └── SendQueueFull                     no connection, and too much waits for one already
    ├── ConnectError                          no connection: network, TLS or the HTTP upgrade
    │   ├── ConnectTimeout
    │   └── CredentialsError                  no access token for the connection could be had
    ├── SetupError                            connected, but the service refused the session
    │   └── SetupTimeout
    ├── SessionClosed                         the session has ended normally
    ├── ConnectionLost                        the connection was lost for good
    └── SubscriberLagged                      one reader of events was too slow; the session lives

Three things are kept apart, as trio does for its resources: a normal end (SessionClosed), a loss
(ConnectionLost) and a mistake of the caller (LocalProtocolError). No error carries a key, a token,
a resumption handle or anything that was said, in its text or its repr.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_live.commands import SessionCommand
    from trio_live.music.commands import MusicCommand
    from trio_live.state import SessionPhase


class LiveError(Exception):
    """The root of trio_live's errors.

    Attributes:
        retryable: True if the same attempt may succeed later, unchanged.
        phase: The session's phase when it happened, if there was a session.
        code: The WebSocket close code, if a close caused it.
        reason: The reason text of that close.
        status: The HTTP status, if the upgrade was answered by one.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        phase: SessionPhase | None = None,
        code: int | None = None,
        reason: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.phase = phase
        self.code = code
        self.reason = reason
        self.status = status

    def again(self) -> Self:
        """Give a copy to raise, caused by this one.

        One object that was raised again and again would collect the frames of all who raised it.
        """
        copied = copy(self)
        copied.__cause__ = self
        return copied


class ConfigError(LiveError, ValueError):
    """A setting, endpoint or credential that cannot be used. Nothing was opened."""


class LocalProtocolError(LiveError):
    """A call that breaks a rule of the protocol or of this library. Nothing was sent."""


class InvalidArgument(LocalProtocolError, ValueError):
    """An argument whose value the call does not take. Nothing was sent."""


class InvalidArgumentType(LocalProtocolError, TypeError):
    """An argument whose type the call does not take. Nothing was sent."""


class SendQueueFull(LocalProtocolError):
    """There is no connection for now, and too much waits for one already. Nothing was sent."""


class ConnectError(LiveError):
    """No connection: the name, the network, TLS or the HTTP upgrade failed.

    Attributes:
        status: The HTTP status, if the server answered the upgrade with one.
        body: The beginning of that answer's body, with every secret of the request blanked out.
        cause: What probably lies behind it and what to do, in plain words, or None if unknown.
        retry_after: The seconds that the answer's Retry-After asks to wait, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        body: str | None = None,
        cause: str | None = None,
        retry_after: float | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.body = body
        self.cause = cause
        self.retry_after = retry_after


class ConnectTimeout(ConnectError):
    """The connection was not made within `connect_timeout`."""


class CredentialsError(ConnectError):
    """No connection, because no access token for it could be had."""


class SetupError(LiveError):
    """The service refused the session: it closed the connection instead of accepting the setup.

    Attributes:
        code: The close code.
        reason: The service's reason.
        cause: What probably lies behind it and what to do, in plain words, or None if unknown.
    """

    def __init__(self, message: str, *, cause: str | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.cause = cause


class SetupTimeout(SetupError):
    """The service took the setup and said nothing for `setup_timeout`."""


class SessionClosed(LiveError):
    """The session has ended normally, by either side; nothing was sent."""


class ConnectionLost(LiveError):
    """The connection was lost for good. Raised out of the session's block, which it cancels.

    Attributes:
        code: The close code; 1006 if the connection ended without one.
        reason: The service's reason.
        cause: What probably lies behind it, in plain words, or None if unknown.
        undelivered: The accepted commands that were not written to the network as a whole, in
            order.
        uncertain: What was written, without a sign that it arrived: how many commands of each kind,
            media aside. Empty where the session would not have gone on (`reconnect=None`).
        resumption_handle: The last handle from which the session can be resumed, or None.
            Treat it as a secret: it is never shown.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        undelivered: tuple[SessionCommand | MusicCommand, ...] = (),
        uncertain: Mapping[str, int] | None = None,
        resumption_handle: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.cause = cause
        self.undelivered = undelivered
        self.uncertain: Mapping[str, int] = {} if uncertain is None else uncertain
        self.resumption_handle = resumption_handle


class SubscriberLagged(LiveError):
    """One subscription reached its bound and ended; what was buffered has been delivered.

    Attributes:
        missed: How many events it did not get.
    """

    def __init__(self, missed: int) -> None:
        super().__init__(
            f"this subscription reached its bound and missed {missed} events; read faster, give it "
            'a larger bound, or choose policy="drop_oldest" or "block"'
        )
        self.missed = missed

    def __reduce__(self) -> tuple[type[SubscriberLagged], tuple[int]]:
        return type(self), (self.missed,)
