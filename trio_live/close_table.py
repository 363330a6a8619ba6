"""What each end of a connection means, as data: the classification of everything that is known of.

What lives here: Recovery, Verdict, and the tables of close codes, HTTP statuses and network
troubles. What must not: looking things up (close_codes.py), acting. Source: public reports of the
service's users and Google's documentation, collected in November 2026; texts are matched without
case. Where reports give no number of seconds or of tries, the one here is this library's choice.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from trio_live.transport.interface import NO_CLOSE_FRAME

if TYPE_CHECKING:
    from collections.abc import Mapping


class When(Enum):
    """When a connection ended."""

    SETUP = "before setupComplete"
    SESSION = "after setupComplete"


class Recovery(Enum):
    """What the end of a connection asks for."""

    CLEAN = "a normal end"
    ROTATE = "the connection is over, the session is not: resume it at once"
    TRANSIENT = "connect again with the same handle, after a while"
    FRESH = "the handle is of no use: drop it and start a new session"
    PERMANENT = "trying again cannot help"


class Verdict(NamedTuple):
    """What an end of the connection means.

    Attributes:
        recovery: What it asks for.
        cause: What probably lies behind it and what to do; None if unknown.
        wait: Seconds to wait at least before the next attempt; more than 0 for quotas and overload.
        tries: How many ends in a row of this verdict `recovery` is good for; None for any number.
        then: What the next one in a row asks for.
    """

    recovery: Recovery
    cause: str | None = None
    wait: float = 0.0
    tries: int | None = None
    then: Recovery = Recovery.PERMANENT

    @property
    def clean(self) -> bool:
        """Whether it is a normal end."""
        return self.recovery is Recovery.CLEAN

    @property
    def retryable(self) -> bool:
        """Whether the same attempt, unchanged, may work later."""
        return self.recovery in (Recovery.ROTATE, Recovery.TRANSIENT)

    def after(self, before: int, *, with_handle: bool) -> Recovery:
        """Say what it asks for when it is not the first of its kind.

        Args:
            before: How many ends in a row with this verdict came before it.
            with_handle: Whether there is a resumption handle. Without one there is nothing to drop:
                what would be FRESH is then as PERMANENT or as passing as the rest of the verdict.
        """
        wanted = self.recovery if self.tries is None or before < self.tries else self.then
        if wanted is Recovery.FRESH and not with_handle:
            return Recovery.TRANSIENT if self.retryable else Recovery.PERMANENT
        return wanted


class CloseRow(NamedTuple):
    """One row: it applies if the code matches and the text is in the reason; None matches all."""

    code: int | None
    text: str | None
    when: When | None
    verdict: Verdict


class StatusRow(NamedTuple):
    """One row: it applies to the HTTP statuses from the first to the last."""

    first: int
    last: int
    verdict: Verdict


class Trouble(Enum):
    """What can be wrong with a network, before there is an HTTP answer."""

    NAME = "the name is not resolved"
    HOST_NAME = "it is no name of a host"
    REFUSED = "the connection is refused"
    UNREACHABLE = "there is no way to the host"
    BROKEN = "the connection breaks"
    TIMEOUT = "nothing answers"
    TLS = "the TLS handshake fails"
    CERTIFICATE = "the certificate is not accepted"
    DESCRIPTORS = "this program has too many open files"
    PROXY_PASSING = "the proxy does not connect, for now"
    PROXY_PERMANENT = "the proxy does not connect"
    OTHER = "anything else"


def _passing(cause: str | None, *, wait: float = 0.0, tries: int | None = None) -> Verdict:
    return Verdict(Recovery.TRANSIENT, cause, wait, tries)


def _permanent(cause: str | None) -> Verdict:
    return Verdict(Recovery.PERMANENT, cause)


_AGE: Final = Verdict(Recovery.ROTATE, "the connection reached its age limit")
# A quota counts by the minute; if three minutes do not help, it is another quota.
_QUOTA: Final = _passing("the quota is used up; wait a minute", wait=60.0, tries=3)
_STALE: Final = Verdict(Recovery.FRESH, "the resumption handle is stale; start afresh", tries=1)
# The service's own failures: a handle may be what it fails on, so the second one drops it.
_INTERNAL: Final = Verdict(
    Recovery.TRANSIENT, "a failure inside the service", tries=1, then=Recovery.FRESH
)

NO_PONG: Final = _passing("no ping was answered in time")
"""What it means that nobody is there any more."""

NO_ANSWER: Final = Verdict(
    Recovery.TRANSIENT, "the service owed an answer and fell silent", tries=1, then=Recovery.FRESH
)
"""What it means that the service does not answer. A handle may be what it hangs on."""

# Reasons that mean the same under any code come first, then codes.
CLOSES: Final = (
    CloseRow(None, "api key not valid", None, _permanent("the API key is wrong; check it")),
    CloseRow(
        None,
        "api key was reported as leaked",
        None,
        _permanent("the key is blocked; make a new one"),
    ),
    CloseRow(
        None,
        "unregistered callers",
        None,
        _permanent(
            "no credentials arrived, or an ephemeral token went to the unconstrained method"
        ),
    ),
    CloseRow(None, "session handle", None, _STALE),
    CloseRow(None, "session not found", None, _STALE),
    CloseRow(None, "requested entity was not found", None, _STALE),
    CloseRow(
        None,
        "not found",
        When.SETUP,
        _permanent("no such model here: check its name, region, API version and Live support"),
    ),
    CloseRow(None, "exceeded your current quota", None, _QUOTA),
    CloseRow(None, "resource_exhausted", None, _QUOTA),
    CloseRow(None, "resource has been exhausted", None, _QUOTA),
    CloseRow(
        1000,
        "operation was cancelled",
        None,
        Verdict(Recovery.ROTATE, "the service rotates connections, about every ten minutes"),
    ),
    CloseRow(1000, None, When.SESSION, Verdict(Recovery.CLEAN)),
    CloseRow(1001, None, None, _passing("the server is going away")),
    CloseRow(NO_CLOSE_FRAME, None, None, _passing("the network dropped the connection")),
    CloseRow(
        1007,
        "unknown name",
        When.SETUP,
        _permanent("a field of the setup is misspelt or in the wrong place; see the reason"),
    ),
    CloseRow(
        1007,
        "unknown name",
        When.SESSION,
        _permanent("a field of a message is misspelt or in the wrong place; see the reason"),
    ),
    CloseRow(
        1007, "media_chunks", None, _permanent("realtimeInput.mediaChunks is not accepted any more")
    ),
    CloseRow(
        1007,
        "response modalities",
        None,
        _permanent("the model does not answer in these modalities; native audio models say AUDIO"),
    ),
    CloseRow(
        1007,
        "content_type_audio",
        None,
        _passing("audio was sent while a tool call was open", tries=1),
    ),
    CloseRow(
        1007,
        None,
        When.SETUP,
        _permanent("the setup has a field or value that this model does not take"),
    ),
    CloseRow(
        1007,
        None,
        When.SESSION,
        _permanent(
            "a message that the model does not take: clientContent in mid-session, audio before "
            "activityStart, or a full context"
        ),
    ),
    CloseRow(
        1008,
        "not implemented, or supported",
        None,
        _passing("audio was sent while a blocking tool call was open", tries=1),
    ),
    CloseRow(1008, "operation was aborted", None, _AGE),
    CloseRow(1008, None, None, _permanent("the service's policy refuses this; see the reason")),
    CloseRow(1009, None, None, _permanent("a message was larger than max_message_bytes")),
    CloseRow(1011, "deadline expired", None, _AGE),
    CloseRow(1011, "currently unavailable", None, _passing("the service is down for the moment")),
    CloseRow(1011, "overloaded", None, _passing("the service is overloaded", wait=10.0)),
    CloseRow(1011, "thread was cancelled", None, _passing("the service gave up in mid-answer")),
    CloseRow(1011, "keepalive ping timeout", None, NO_PONG),
    CloseRow(1011, None, None, _INTERNAL),
    CloseRow(1012, None, None, _passing("the server restarts")),
    CloseRow(1013, None, None, _passing("the server is overloaded")),
    CloseRow(1014, None, None, _passing("a gateway failed")),
)
"""What a close means. The first row that fits decides; a code without a row passes."""

STATUSES: Final = (
    StatusRow(
        300,
        399,
        _permanent("redirects are not followed, because credentials would go with them"),
    ),
    StatusRow(400, 400, _permanent("the request is malformed, or the API key is wrong")),
    StatusRow(401, 401, _permanent("the credentials are missing or wrong")),
    StatusRow(403, 403, _permanent("the credentials may not do this")),
    StatusRow(
        404,
        404,
        _permanent("there is no Live API at this URL: check host, path and API version"),
    ),
    StatusRow(408, 408, _passing("the server waited too long for the request")),
    StatusRow(429, 429, _QUOTA),
    StatusRow(500, 599, _passing("the server is in trouble")),
)
"""What an HTTP answer to the upgrade means; a status without a row is permanent."""

TROUBLES: Final[Mapping[Trouble, Verdict]] = {
    Trouble.NAME: _passing("check the host's name, and whether this machine is online"),
    Trouble.HOST_NAME: _permanent("check the URL"),
    Trouble.REFUSED: _passing("no server listens there, or a firewall refuses: check the port"),
    Trouble.UNREACHABLE: _passing("check whether this machine is online"),
    Trouble.BROKEN: _passing("the network, or something in it, dropped the connection"),
    Trouble.TIMEOUT: _passing("the server or a firewall is silent: check host and port"),
    Trouble.TLS: _passing("check that the server speaks TLS at this port"),
    Trouble.CERTIFICATE: _permanent("check the host, this machine's clock, and the CA file"),
    Trouble.DESCRIPTORS: _passing("close connections, or raise the limit (ulimit -n)"),
    Trouble.PROXY_PASSING: _passing("check whether the proxy is up"),
    Trouble.PROXY_PERMANENT: _permanent("check the proxy's URL and credentials"),
    Trouble.OTHER: _passing(None),
}
"""What a network that does not connect means."""
