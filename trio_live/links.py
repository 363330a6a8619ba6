"""What becomes of the connection, as events.

What lives here: one frozen struct per event about connections and their end. What must not: the
other events, and the order of all of them (events.py, through which they are imported).
"""

from __future__ import annotations

import msgspec

from trio_live.wire.base import Data


class GoAway(Data, frozen=True):
    """The service will close this connection in `time_left` seconds (None if it does not say)."""

    time_left: float | None


class SessionResumeUpdate(Data, frozen=True):
    """Where the session could be resumed (`sessionResumptionUpdate`).

    Attributes:
        handle: The handle, or None while the session is not resumable. A secret.
        resumable: Whether the session can be resumed right now.
        last_consumed_index: Index of the last client message that the handle covers (Vertex,
            transparent mode), or None.
    """

    handle: str | None
    resumable: bool
    last_consumed_index: int | None = None


class Reconnecting(Data, frozen=True):
    """There is no connection; the next attempt to make one comes in `delay` seconds.

    Attributes:
        cause: What is wrong, in plain words.
        attempt: Which of a row of attempts it will be, from 1; 0 for a move: the session has left a
            connection that worked, before the service closes it.
        delay: Seconds until it begins.
        code: The close code of the connection that ended, or of the attempt that failed; or None.
        reason: The service's reason for it, "" if none.
        status: The HTTP status of the attempt that failed, or None.
    """

    cause: str
    attempt: int
    delay: float
    code: int | None = None
    reason: str = ""
    status: int | None = None


class Reconnected(Data, frozen=True):
    """There is a connection again, and what waited for it is on its way.

    Attributes:
        restored: Whether the service took the resumption handle. If not, it knows nothing of what
            was said before, but what `ReconnectPolicy.reseed` told it.
        gap_seconds: How long nothing could be sent.
        replayed: Commands that waited and were sent now: how many of each kind.
        dropped: Commands that waited and will not be sent: how many of each kind. Media that was
            too old, signals of activity without any, answers to calls that the service does not
            know any more.
        uncertain: Commands that were written to the connection that is gone, without a sign that
            the service got them: how many of each kind, media not counted. They are not sent again.
        cut_turn: The number of the turn that the loss ended, or None.
    """

    restored: bool
    gap_seconds: float
    replayed: dict[str, int]
    dropped: dict[str, int]
    uncertain: dict[str, int]
    cut_turn: int | None = None


class Disconnected(Data, frozen=True):
    """The session has ended, and its connection with it; the last event of a session.

    Attributes:
        code: The WebSocket close code; 1006 if there was none.
        reason: The other side's reason, "" if none.
        clean: Whether it was a normal end, said by both sides. If nobody answered our goodbye, it
            is not: what was written last may not have been read.
        undelivered: Accepted commands that were not written as a whole: how many of each kind.
        uncertain: Commands that were written, without a sign that the service got them: how many of
            each kind, media not counted. An answer to our goodbye is such a sign.
    """

    code: int
    reason: str
    clean: bool
    undelivered: dict[str, int]
    uncertain: dict[str, int] = msgspec.field(default_factory=dict[str, int])
