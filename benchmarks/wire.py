"""The server's end of one connection: TLS in memory, frame headers, and what turns tell it to do.

Who uses it: server.py, which has the sockets' loop and says what the commands are.
"""

from __future__ import annotations

import base64
import hashlib
import re
import select
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from benchmarks.inputs import (
    CLOSE,
    PING,
    PONG,
    RECEIVED_BYTES,
    SENT_BYTES,
    TEXT,
    audio_json,
    frame,
    pcm,
)

if TYPE_CHECKING:
    from benchmarks.server import Loop

COMMAND_BYTES: Final = 512
BATCH: Final = 16
"""Messages per write of a blast: about 42 KB."""
READ_SIZE: Final = 256 * 1024
SEND_BUFFER_BYTES: Final = 256 * 1024
"""Small enough that flow control is felt within a run."""

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
COMMAND: Final = re.compile(rb"bench (\w+)((?: [\d.]+)+)")
AUDIO: Final = re.compile(rb'"data": ?"([^"]+)"')
KEY: Final = re.compile(rb"\r\nsec-websocket-key: *(\S+)", re.IGNORECASE)

SWITCHING: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: "
)
SETUP_COMPLETE: Final = frame(TEXT, b'{"setupComplete":{}}')
ASKS_HANDLE: Final = b"sessionResumption"
HANDLE: Final = frame(TEXT, b'{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}')
TURN_COMPLETE: Final = frame(TEXT, b'{"serverContent":{"turnComplete":true}}')
FRAMES: Final = [frame(TEXT, audio_json(pcm(RECEIVED_BYTES, index))) for index in range(BATCH)]


def unmask(payload: bytes, key: bytes) -> bytes:
    """Undo the client's mask; for the few frames that are looked at."""
    return bytes(byte ^ key[index & 3] for index, byte in enumerate(payload))


class Wire:
    """One session."""

    def __init__(self, loop: Loop, end: socket.socket, context: ssl.SSLContext | None) -> None:
        self._loop, self._socket = loop, end
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        if context is not None:
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._secured = context is None  # TLS's handshake is done
        self._unsent = b""
        self._stalled = False  # the socket takes no more
        self._tail = b""  # of what came: less than a frame
        self._upgraded = self._set_up = self._closed = False
        self._command = ""
        self._to_send = self._to_take = 0  # audio messages of the command in progress
        self._taken = 0
        self._send_period = self._take_period = self._at = 0.0

    def start(self) -> None:
        """Begin to serve."""
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.watch(self._socket.fileno(), self._ready)

    def _ready(self, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                self._send_unsent()
            if events & ~select.EPOLLOUT:
                self._read()
            # Also after reading: an answer to a ping may have taken the last of what was unsent.
            self._blast()
        except (ConnectionError, ssl.SSLError):
            self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.forget(self._socket)

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        if not data:
            self._close()
        elif self._tls is None:
            self._take_data(data)
        else:
            self._incoming.write(data)
            self._decrypt(self._tls)

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        records = []
        try:
            if not self._secured:
                tls.do_handshake()
                self._secured = True
            while data := tls.read(READ_SIZE):
                records.append(data)
        except ssl.SSLWantReadError:
            pass
        self._send_unsent()
        if records:
            self._take_data(b"".join(records))

    def _write(self, frames: Sequence[bytes]) -> None:
        """Send frames in one write, over TLS each as a record."""
        if self._closed:
            return
        if self._tls is None:
            self._unsent += b"".join(frames)
        else:
            for data in frames:
                self._tls.write(data)
        self._send_unsent()

    def _send_unsent(self) -> None:
        if self._outgoing.pending:
            self._unsent += self._outgoing.read()
        if not self._unsent:
            return
        with suppress(BlockingIOError):
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        if bool(self._unsent) != self._stalled:
            self._stalled = not self._stalled
            self._loop.also_writable(self._socket.fileno(), wanted=self._stalled)

    def _take_data(self, data: bytes) -> None:
        """Split what came into frames by their headers."""
        now = time.monotonic()
        if self._tail:
            data = self._tail + data
        position = 0 if self._upgraded else self._upgrade(data)
        end = len(data)
        while self._upgraded and end - position >= 6:
            size, head = data[position + 1] & 127, 6
            if size == 126:
                if end - position < 8:
                    break
                size, head = (data[position + 2] << 8) | data[position + 3], 8
            elif size == 127:
                raise ValueError("a benchmark sends no frame of 64 KiB or more")
            stop = position + head + size
            if stop > end:
                break
            if size > COMMAND_BYTES and self._set_up:
                if not self._taken:
                    self._check_audio(data[position:stop], head)
                self._count(now)
            else:
                start = position + head
                opcode = data[position] & 15
                self._take(opcode, unmask(data[start:stop], data[start - 4 : start]))
            position = stop
        self._tail = data[position:]

    def _upgrade(self, data: bytes) -> int:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        key = KEY.search(data[:end])
        if key is None:
            raise ValueError("not a WebSocket handshake")
        accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
        self._write((SWITCHING + accept + b"\r\n\r\n",))
        self._upgraded = True
        return end + 4

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self._write((frame(CLOSE, payload),))
            self._close()
        elif opcode == PING:
            self._write((frame(PONG, payload),))
        elif opcode != PONG and self._set_up:
            self._obey(payload)
        elif opcode != PONG:
            self._set_up = True
            self._write((SETUP_COMPLETE, HANDLE) if ASKS_HANDLE in payload else (SETUP_COMPLETE,))

    def _obey(self, payload: bytes) -> None:
        command = COMMAND.search(payload)
        if command is None:
            raise ValueError(f"no command in a message of {len(payload)} bytes")
        self._command = command[1].decode()
        numbers = [float(word) for word in command[2].split()]
        self._to_send = self._to_take = self._taken = 0
        self._take_period = 0.0
        match self._command, numbers:
            case "blast", [count]:
                self._to_send = int(count)
                self._blast()
            case "count", [count]:
                self._to_take = int(count)
            case "talk", [down, up, down_period, up_period, at]:
                self._to_send, self._to_take = int(down), int(up)
                self._send_period, self._take_period = down_period / 1000, up_period / 1000
                self._at = at / 1000
                if self._to_send:
                    self._loop.at(self._at, self._pace)
            case "cut", [at]:
                self._loop.at(at / 1000, self._cut)
            case _:
                raise ValueError(f"no such command: {self._command}")

    def _check_audio(self, raw: bytes, head: int) -> None:
        found = AUDIO.search(unmask(raw[head:], raw[head - 4 : head]))
        if found is None or len(base64.urlsafe_b64decode(found[1])) != SENT_BYTES:
            raise ValueError("the audio is not what the benchmark sends")

    def _count(self, now: float) -> None:
        if self._take_period:
            due = self._at + self._taken * self._take_period
            self._loop.account.late_received.append(now - due)
        self._taken += 1
        if self._taken == self._to_take and not self._to_send:
            self._done()

    def _blast(self) -> None:
        while self._command == "blast" and not self._stalled and not self._closed:
            batch = min(BATCH, self._to_send)
            self._to_send -= batch
            self._write(FRAMES[:batch])
            if not self._to_send:
                self._done()

    def _pace(self, due: float) -> float | None:
        self._loop.account.late_sent.append(time.monotonic() - due)
        try:
            self._write((FRAMES[self._to_send % BATCH],))
        except ConnectionError:
            self._close()
        self._to_send -= 1
        if self._closed:
            return None
        if self._to_send:
            return due + self._send_period
        if self._taken >= self._to_take:
            self._done()
        return None

    def _cut(self, _: float) -> None:
        self._close()

    def _done(self) -> None:
        self._command = ""
        self._write((TURN_COMPLETE,))
