"""Whether the other side is still there: judged by what is heard, without I/O.

What lives here: Liveness. What must not: pings themselves, clocks (time is passed in).

The other side is looked at from time to time, not at each frame. Two rules find it dead: a ping
has not led to anything for `ping_timeout`; or an answer is owed, and no message has come for
`silence_timeout`. Pongs of the service were measured to be late by 8 to 30 s (public reports), so
the first is patient, and any byte counts there. For the second a pong is no sign: proxies send
them for a service that hangs. It knows when the last message came, and when a turn began, and so is
due to the moment; that something else is owed, such as what follows a tool's answer, it finds out
at a look, which may be late by a twentieth of the time.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

PING_AFTER: Final = 20.0
"""After how many seconds in which nothing was heard a ping is sent, at most."""

_LAST_LOOK: Final = 1.0
"""How long after the verdict is looked again, at most: this program may be the one that slept."""

_LATEST: Final = 0.05
"""How late a look may find out that an answer is owed, as a part of the time for it."""


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
        heard_at: When a look last found that something had come.
    """

    def __init__(self, ping_timeout: float | None, silence_timeout: float | None) -> None:
        self._ping_timeout = ping_timeout
        self._ping_period = (
            PING_AFTER if ping_timeout is None else min(PING_AFTER, ping_timeout / 2)
        )
        self._silence_timeout = silence_timeout
        self.heard_at = 0.0
        self._owed_period = 0.0 if silence_timeout is None else silence_timeout * _LATEST
        self.end()

    @property
    def look_at(self) -> float:
        """When to look again."""
        return min(self._ping_at, self._silence_at)

    def begin(self, now: float) -> None:
        """Begin with a connection."""
        self.end()
        self._looked_at = self.heard_at = now
        if self._ping_timeout is not None:
            self._ping_at = now + self._ping_period
        if self._silence_timeout is not None:
            self._silence_at = now + self._owed_period

    def end(self) -> None:
        """There is no connection."""
        self._ping_at = self._silence_at = math.inf
        self._heard = -1
        self._pinged_at: float | None = None
        self._owed_since: float | None = None
        self._looked_at = -math.inf  # for what is owed
        self._gone = self._silent = False  # the first of two looks said so

    def look(self, now: float, heard: int, received_at: float, asked: float | None) -> Health:
        """Judge.

        Args:
            now: The time.
            heard: How many bytes have come so far.
            received_at: When the last message came.
            asked: If the other side has something to say, when the turn began; else None.
        """
        health = self._look_for_life(now, heard) if now >= self._ping_at else Health.ALIVE
        if health is not Health.GONE and now >= self._silence_at:
            return self._look_for_answer(now, received_at, asked) or health
        return health

    def _look_for_life(self, now: float, heard: int) -> Health:
        timeout = self._ping_timeout or 0.0
        self._ping_at = now + self._ping_period
        if heard != self._heard:
            self._heard = heard
            self.heard_at = now
            self._pinged_at = None
            self._gone = False
            return Health.ALIVE
        if self._pinged_at is None:
            self._pinged_at = now
            self._ping_at = min(self._ping_at, now + timeout)
            return Health.DOUBTFUL
        over_at = self._pinged_at + timeout
        if now < over_at:
            self._ping_at = min(self._ping_at, over_at)
        elif self._gone:
            return Health.GONE
        else:
            self._gone = True
            self._ping_at = now + _LAST_LOOK
        return Health.ALIVE

    def _look_for_answer(
        self, now: float, received_at: float, asked: float | None
    ) -> Health | None:
        """Judge by what is owed; None if there is nothing to complain of."""
        looked_at, self._looked_at = self._looked_at, now
        self._silence_at = now + self._owed_period
        if asked is None:
            self._owed_since = None
        elif self._owed_since is None or asked > self._owed_since:
            # Owed since a moment after the last look; the turn's beginning is that, if it is later.
            self._owed_since = asked if asked >= looked_at else now
        if self._owed_since is None:
            self._silent = False
            return None
        over_at = max(self._owed_since, received_at) + (self._silence_timeout or 0.0)
        if now < over_at:
            self._silent = False
            self._silence_at = min(self._silence_at, over_at)
        elif self._silent:
            return Health.SILENT
        else:
            self._silent = True
            self._silence_at = now + min(_LAST_LOOK, self._owed_period)
        return None
