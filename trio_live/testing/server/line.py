"""One WebSocket connection as the server holds it: one writer, one reader, one end.

The reader never waits for anything but the socket, so pings are answered and interruptions are
seen while an answer is on its way or the client is slow to read.

A pong says that everything before its ping was taken: a client may rely on that. So nothing lies
between the task that answers pings and the reader (the queue of trio-websocket has no room); what
the reader was given it takes, though the connection is being closed by then; and when it takes no
more, no ping behind is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from .outbox import Close, Outbox

# RFC 6455, 7.1.5: what stands for a connection that ended without a close frame.
LOST: Final = (1006, "")


class Line:
    """Reads and writes one connection until it ends.

    Args:
        websocket: the accepted connection; its reader task runs elsewhere.
        binary: send messages as binary frames.
        close_timeout: seconds for the client to answer a close frame.

    Attributes:
        outbox: what waits to be written.
        closed: code and reason of what ended the connection first, or None.
        ended: set when everything is over.
    """

    def __init__(
        self, websocket: WebSocketConnection, *, binary: bool, close_timeout: float
    ) -> None:
        self.outbox = Outbox(binary=binary)
        self.closed: tuple[int, str] | None = None
        self.ended = trio.Event()
        self._websocket = websocket
        self._close_timeout = close_timeout
        self._nursery: trio.Nursery | None = None  # while running
        self._written = trio.Event()  # the writer has done all it ever will

    async def run(
        self, start: Callable[[trio.Nursery], None], take: Callable[[str | bytes], None]
    ) -> None:
        """Serve until the connection has ended; returns or is cancelled, never raises.

        Args:
            start: called once with the nursery in which everything of this connection runs.
            take: called with each frame, in order; with none any more when the connection is
                being closed, but for the one that was waited for then.
        """
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._run_writer)
                start(nursery)
                await self._run_reader(take)
                if self.outbox.closing is not None:
                    # The reader has ended; the close frame, or its answer, is still to come.
                    await self._written.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
            del self._websocket  # the server keeps its sessions: not with all their buffers
            self._note_end(LOST)
            self.outbox.shut()
            self.ended.set()

    def end(self, code: int, reason: str) -> None:
        """Start to close the connection: what is queued first, then the close frame."""
        if self.outbox.close(code, reason) and self._nursery is not None:
            closing = self.outbox.closing or Close(code, reason)
            self._note_end((closing.code, closing.reason))
            self._nursery.start_soon(self._enforce_end, self._nursery.cancel_scope)

    def drop(self) -> None:
        """End the connection without a close frame."""
        self._note_end(LOST)
        self.outbox.shut()
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    async def _run_reader(self, take: Callable[[str | bytes], None]) -> None:
        while self.outbox.closing is None:
            try:
                frame = await self._websocket.get_message()
            except ConnectionClosed as closed:
                reason = closed.reason
                self._note_end((int(reason.code), reason.reason or "") if reason else LOST)
                return
            take(frame)

    async def _run_writer(self) -> None:
        try:
            while True:
                item = await self.outbox.get()
                if isinstance(item, Close):
                    await self._websocket.aclose(item.code, item.reason)
                    return
                if isinstance(item, str | bytes):
                    await self._websocket.send_message(item)
                else:
                    await item()
        except ConnectionClosed:
            return  # the reader learns it too, and knows the reason
        finally:
            self._written.set()

    async def _enforce_end(self, scope: trio.CancelScope) -> None:
        """End without the client when it does not read, or does not answer the close frame."""
        await trio.sleep(self._close_timeout)
        scope.cancel()

    def _note_end(self, end: tuple[int, str]) -> None:
        self.closed = self.closed or end
