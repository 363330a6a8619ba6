"""A service that keeps states and a client that keeps a ledger: the model of resumption.

The service reads messages from the wire when it likes to, hands out handles when it likes to, and
when a connection is lost it forgets what came after the handle that is resumed. What it has in its
history in the end is what was delivered.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class ModelService:
    """The service's side.

    Attributes:
        history: The messages of the session as it stands now, in order.
        wire: Messages that were written on the connection and not read yet.
        consumed: The index of the last message that was read on this connection.
        connected: Whether there is a connection.
    """

    history: list[str] = field(default_factory=list)
    wire: deque[str] = field(default_factory=deque)
    consumed: int = 0
    connected: bool = False
    _states: dict[str, list[str]] = field(default_factory=dict)

    def connect(self, handle: str | None) -> None:
        """Take a setup: go on from a handle's state, or from nothing."""
        self.history = [] if handle is None else list(self._states[handle])
        self.wire.clear()
        self.consumed = 0
        self.connected = True

    def read(self, count: int) -> None:
        """Read so many messages, or all there are."""
        for _ in range(min(count, len(self.wire))):
            self.history.append(self.wire.popleft())
            self.consumed += 1

    def update(self) -> tuple[str, int]:
        """Hand out a handle for the session as it stands, and the index that it reaches to."""
        handle = f"handle-{len(self._states)}"
        self._states[handle] = list(self.history)
        return handle, self.consumed

    def drop(self) -> None:
        """Lose the connection, with what was not read."""
        self.connected = False
        self.wire.clear()
