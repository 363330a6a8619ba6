"""What waits to be written to one socket: the only way from a session's tasks to its writer.

trio-websocket breaks the connection when a send is cancelled in mid-frame, and a model function is
cancelled at any moment; so nobody but the writer task touches the socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec
import trio

from .shapes import JsonObject, cut_reason

# Model output waits while this many frames are unwritten: what the client does not read is not
# generated. Control messages go in regardless, so reading never waits for writing.
_ROOM: Final = 8


@dataclass(frozen=True, slots=True)
class Close:
    """The last item of an outbox: the close frame.

    Attributes:
        code: the WebSocket close code.
        reason: its text, at most 123 bytes.
    """

    code: int
    reason: str


Deed: TypeAlias = Callable[[], Awaitable[None]]
"""Something that the writer does between two frames."""


class Outbox:
    """A queue of frames with an end.

    Args:
        binary: encode JSON messages as binary frames, as Vertex AI does.

    Attributes:
        changes: what becomes of each JSON message, one after the other; None drops it.
        watch: called with each JSON message that was queued.
    """

    def __init__(self, *, binary: bool) -> None:
        self._binary = binary
        self.changes: list[Callable[[JsonObject], JsonObject | None]] = []
        self.watch: Callable[[JsonObject], None] | None = None
        self._items: deque[str | bytes | Close | Deed] = deque()
        self._changed = trio.Event()  # replaced at every change
        self.closing: Close | None = None  # set once; nothing is queued behind it

    def put_json(self, message: JsonObject) -> None:
        """Queue a message, however full the queue is; ignored once closing."""
        for change in self.changes:
            changed = change(message)
            if changed is None:
                return
            message = changed
        encoded = msgspec.json.encode(message)
        self.put(encoded if self._binary else encoded.decode())
        if self.watch is not None:
            self.watch(message)

    def put_deed(self, deed: Deed) -> None:
        """Let the writer do something when everything before it is written."""
        if self.closing is None:
            self._items.append(deed)
            self._notify()

    def put(self, frame: str | bytes) -> None:
        """Queue a frame, however full the queue is; ignored once closing."""
        if self.closing is None:
            self._items.append(frame)
            self._notify()

    def close(self, code: int, reason: str) -> bool:
        """Queue the close frame and return whether this was the first to do so."""
        if self.closing is not None:
            return False
        self.closing = Close(code, cut_reason(reason))
        self._items.append(self.closing)
        self._notify()
        return True

    def shut(self) -> None:
        """Let nothing more in or out: the connection is gone."""
        self.closing = self.closing or Close(1006, "")
        self._items.clear()
        self._notify()

    async def room(self) -> None:
        """Wait until the writer has caught up.

        Raises:
            trio.ClosedResourceError: the session is closing.

        Cancellation: atomic. If cancelled, nothing changed.
        """
        await trio.lowlevel.checkpoint()
        while self.closing is None and len(self._items) >= _ROOM:
            await self._changed.wait()
        if self.closing is not None:
            raise trio.ClosedResourceError("the session is closing")

    async def get(self) -> str | bytes | Close | Deed:
        """Wait for the next item; only the writer task calls this."""
        while not self._items:
            await self._changed.wait()
        item = self._items.popleft()
        self._notify()
        return item

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
