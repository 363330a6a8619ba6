"""Whether the other side is still there: judged by what is heard, without I/O.

What lives here: Liveness. What must not: pings themselves, clocks (time is passed in).

The other side is looked at from time to time, not at each frame. Two rules find it dead: a ping
has not led to anything for `ping_timeout`; or an answer is owed, and no message has come for
`silence_timeout`. Pongs of the service were measured to be late by 8 to 30 s (public reports), so
the first is patient, and any byte counts there. For the second a pong is no sign: proxies send
them for a service that hangs.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

PING_AFTER: Final = 20.0
"""After how many seconds in which nothing was heard a ping is sent, at most."""

_LAST_LOOK: Final = 1.0
"""How long after the verdict is looked again: this program may have been the one that slept."""


class Health(Enum):
    """What is to be done."""

    ALIVE = "nothing"
    DOUBTFUL = "send a ping"
    GONE = "let the connection go: nobody is there"
    SILENT = "let the connection go: who is there does not answer"


class Liveness:
    """Judges one connection after another.

    Args:
        ping_timeout: Seconds that an answer to a ping may take; None: no pings.
        silence_timeout: Seconds for which no message may come while an answer is owed; None: for
            ever.

    Attributes:
        look_at: When to look again.
    """

    def __init__(self, ping_timeout: float | None, silence_timeout: float | None) -> None:
        self.look_at = math.inf
        self._ping_timeout = ping_timeout
        self._silence_timeout = silence_timeout
        limits = [limit / 2 for limit in (ping_timeout, silence_timeout) if limit is not None]
        self._period = min(PING_AFTER, *limits) if limits else math.inf
        self._heard = self._messages = 0
        self._pinged_at: float | None = None
        self._owed_since: float | None = None
        self._condemned = False

    def begin(self, now: float) -> None:
        """Begin with a connection."""
        self._heard = self._messages = -1
        self._pinged_at = self._owed_since = None
        self._condemned = False
        self.look_at = now + self._period

    def end(self) -> None:
        """There is no connection."""
        self.look_at = math.inf

    def look(self, now: float, heard: int, messages: int, *, owed: bool) -> Health:
        """Judge.

        Args:
            now: The time.
            heard: How many bytes have come so far.
            messages: How many messages they were.
            owed: Whether the other side has something to say.
        """
        self.look_at = now + self._period
        still = heard == self._heard
        if not still:
            self._heard = heard
            self._pinged_at = None
        if not owed:
            self._owed_since = None
        elif self._owed_since is None or messages != self._messages:
            self._owed_since = now
        self._messages = messages
        if _over(now, self._pinged_at, self._ping_timeout):
            return self._condemn(now, Health.GONE)
        if _over(now, self._owed_since, self._silence_timeout):
            return self._condemn(now, Health.SILENT)
        self._condemned = False
        if not still or self._ping_timeout is None or self._pinged_at is not None:
            return Health.ALIVE
        self._pinged_at = now
        return Health.DOUBTFUL

    def _condemn(self, now: float, health: Health) -> Health:
        if self._condemned:
            return health
        self._condemned = True
        self.look_at = now + _LAST_LOOK
        return Health.ALIVE


def _over(now: float, since: float | None, limit: float | None) -> bool:
    return since is not None and limit is not None and now - since >= limit
