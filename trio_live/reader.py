"""Reading from the connection in use.

What lives here: Reader: frames into events until the connection ends, with a break whenever it is
time to look after the connection. What must not: what its end means (lifeline.py), what a frame
means (protocol.py), when it is time (keeper.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from trio_live.transport import NO_CLOSE_FRAME, Transport, TransportClosed

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.fanout import EventFanout
    from trio_live.outbox import Outbox
    from trio_live.protocol import LiveProtocol


class Caretaker(Protocol):
    """Who looks after the connection (keeper.py)."""

    @property
    def due(self) -> float:
        """When to look next."""
        ...

    @property
    def seeking(self) -> bool:
        """Whether it wants to hear of each frame."""
        ...

    def look(self) -> bool:
        """Do what is due; say whether the connection is alive."""
        ...

    def notice(self) -> None:
        """Hear that there was a frame, or that the service will close the connection."""
        ...


class Reader:
    """Reads from the connections of one session, one after another.

    Args:
        protocol: Takes the frames.
        outbox: Is told what the service has taken in.
        fanout: Is waited for, if a subscription blocks.
        publish: Takes the events.

    Attributes:
        frames: Messages that came, on all connections.
        bytes: Their bytes.
        received_at: When the last one came.
        end_at: When the connection is taken for lost, if it has not ended by then.
    """

    def __init__(
        self,
        protocol: LiveProtocol,
        outbox: Outbox,
        fanout: EventFanout,
        publish: Callable[[Sequence[SessionEvent]], None],
    ) -> None:
        self.frames = 0
        self.bytes = 0
        self.received_at = 0.0
        self.end_at = math.inf
        self._protocol = protocol
        self._outbox = outbox
        self._fanout = fanout
        self._publish = publish
        self._scope: trio.CancelScope | None = None  # of reading until it is time to look

    async def read(self, transport: Transport, keeper: Caretaker) -> TransportClosed:
        """Read until the connection ends, and have it looked after; give how it ended.

        Cancellation: atomic. If cancelled, no frame is lost.
        """
        clock = trio.lowlevel.current_clock()  # half the steps of trio.current_time()
        try:
            while True:
                with trio.CancelScope(deadline=min(keeper.due, self.end_at)) as self._scope:
                    while True:
                        # Before a frame is taken, not after: being cancelled here must lose none.
                        if self._fanout.blocked:
                            await self._fanout.wait_room()
                        frame: str | bytes | None = await transport.receive()
                        self.received_at = clock.current_time()
                        while frame is not None:
                            self._take(frame)
                            if keeper.seeking or self._protocol.go_away is not None:
                                keeper.notice()
                            frame = None if self._fanout.blocked else transport.receive_nowait()
                if trio.current_time() >= self.end_at or not keeper.look():
                    # It was taken for lost, or a write failed and the reading side has not noticed
                    # in all of close_timeout.
                    return TransportClosed(NO_CLOSE_FRAME)
        except TransportClosed as closed:
            return closed

    def look_at(self, when: float) -> None:
        """Have the keeper look at the connection then."""
        if self._scope is not None:
            self._scope.deadline = min(when, self.end_at)

    def end_by(self, deadline: float) -> None:
        """Take the connection for lost if it has not ended by then."""
        self.end_at = min(self.end_at, deadline)
        if self._scope is not None:
            self._scope.deadline = min(self._scope.deadline, deadline)

    def take(self, frame: str | bytes) -> None:
        """Turn a frame into events."""
        self.received_at = trio.current_time()
        self._take(frame)

    def _take(self, frame: str | bytes) -> None:
        self.frames += 1
        self.bytes += len(frame)
        self._publish(self._protocol.receive_frame(frame, self.received_at))
        if self._protocol.consumed is not None:
            self._outbox.sent.settle(self._protocol.consumed)
            self._protocol.consumed = None
