"""TLS over an OutgoingStream, without a wait in the way of a write.

What lives here: TlsStream. What must not: sockets, WebSocket. trio.SSLStream writes under a lock
and reads one record at a time; here what is written is encrypted on its way to the socket, as
synchronously as everything that OutgoingStream writes, and a read gives all records that have
arrived. Measured
against SSLStream, one frame at a time (benchmarks/streams.py): a read costs a third less, a write
half.

The engine is `ssl.SSLObject` over two memory BIOs, as in asyncio and trio. Whatever it wants to
send itself (handshake, key update, alert) takes its place in the same order, so no lock is needed.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import trio

from trio_live.transport.outgoing import OutgoingStream
from trio_live.transport.read_buffer import READ_SIZE, read_buffer

# A server's certificates in one piece would leave `incoming` 4 KiB larger for good (measured).
_PIECE: Final = 1_024


class TlsStream(OutgoingStream):
    """The client's side of a TLS connection; see OutgoingStream for what it inherits.

    `accepted`, `written` and `backlog` count what was given to `write()`, not what TLS makes of it.
    Data is encrypted when it is written. `start()` comes before the handshake.
    End of data without TLS's own goodbye counts as the end, as browsers have it: the WebSocket
    above knows whether its own goodbye came.

    Args:
        stream: Carries the encrypted bytes. Owned from here on.
        try_write: As for OutgoingStream.
        context: What to trust.
        server_hostname: Whom the certificate must name.
        ticket: Of an earlier connection to that server; None: there is none.

    Attributes:
        engine: What encrypts and decrypts.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        try_write: Callable[[bytes], int] | None,
        context: ssl.SSLContext,
        server_hostname: str,
        ticket: ssl.SSLSession | None = None,
    ) -> None:
        super().__init__(stream, try_write)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.engine = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname, session=ticket
        )
        self._buffer = read_buffer()
        self._goodbye = False  # the peer has ended its side
        self._left_over = False  # there may be more than the last read took

    async def do_handshake(self) -> None:
        """Agree with the server on keys, and check who it is.

        Raises:
            ssl.SSLError: It is not the right one, or does not speak TLS as we do.
            trio.BrokenResourceError: The connection ended.

        Cancellation: not atomic. If cancelled, the stream is unusable.
        """
        await trio.lowlevel.checkpoint()
        rest = b""  # what has arrived and is not in `incoming`, which never shrinks again
        while True:
            try:
                self.engine.do_handshake()
            except ssl.SSLWantReadError:
                self._send_records()
                rest = rest or await super().receive_some(READ_SIZE)
                if not rest:
                    raise trio.BrokenResourceError(
                        "the connection ended during the TLS handshake"
                    ) from None
                self._incoming.write(rest[:_PIECE])
                rest = rest[_PIECE:]
            except ssl.SSLError:
                self._send_records()  # the alert that says why
                raise
            else:
                self._incoming.write(rest)
                self._left_over = self._incoming.pending > 0
                self._send_records()
                return

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read what has arrived, decrypted; b"" at the end.

        Cancellation: atomic. If cancelled, no data is lost.
        """
        limit = len(self._buffer) if max_bytes is None else min(max_bytes, len(self._buffer))
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._left_over and (data := self._decrypt(limit)):
            await trio.lowlevel.cancel_shielded_checkpoint()
            return data
        while not self._goodbye:
            records = await super().receive_some(READ_SIZE)
            if records:
                self._incoming.write(records)
            else:
                self._incoming.write_eof()
                self._goodbye = True
            if data := self._decrypt(limit):
                return data
        self.ended.set()
        return b""

    async def aclose(self) -> None:
        """Say goodbye in TLS's way, if that needs no waiting, and close at once."""
        self._nursery = None  # what is not written now is not written
        self._write_together()
        if not self._broken and not self.backlog:
            with suppress(ssl.SSLError):  # SSLWantReadError: it would wait for the answer
                self.engine.unwrap()
            self._send_records()
        await super().aclose()

    def _decrypt(self, limit: int) -> bytes:
        """Take up to `limit` bytes of plaintext out of the records that are there."""
        size = 0
        self._left_over = True
        engine, incoming, buffer = self.engine, self._incoming, self._buffer
        try:
            while size < limit:
                # With a buffer it gives a number, which its annotation does not say.
                read = cast("int", engine.read(limit - size, buffer[size:]))
                if not read:
                    self._goodbye = True
                    break
                size += read
                # To ask is cheaper than the exception that would tell (benchmarks/streams.py).
                if not incoming.pending and not engine.pending():
                    self._left_over = False
                    break
        except ssl.SSLWantReadError:
            self._left_over = False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._goodbye = True
        except ssl.SSLError as error:
            if not size:
                self._break()
                self.ended.set()
                raise trio.BrokenResourceError("TLS failed") from error
            self._goodbye = True  # what came before is good; nothing after it is
        self._send_records()  # a key update wants its answer
        return buffer[:size].tobytes()

    def _seal(self, data: bytes) -> bytes:
        """Encrypt data, in as few records as it fits in: what waited together shares them.

        One record for 16 frames instead of 16 records takes 1.0 us less a frame, of 7.9
        (benchmarks/flood.py, send 16, peer `fast`).
        """
        taken = self.engine.write(data) if data else 0
        while taken < len(data):
            taken += self.engine.write(memoryview(data)[taken:])
        return self._outgoing.read()

    def _send_records(self) -> None:
        """Send what TLS has to say itself, before anything that is not sealed yet."""
        if self._outgoing.pending and not self._broken:
            self._going += self._outgoing.read()
            self._write_together()
            self._write_soon()
