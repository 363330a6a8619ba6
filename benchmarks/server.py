"""A WebSocket server that is never the bottleneck: raw asyncio, frames encoded beforehand.

It accepts the upgrade on any path, answers the first message with ``setupComplete`` and then does
what text turns tell it:

``bench blast N``
    send N audio messages as fast as flow control lets, then ``turnComplete``;
``bench pace N PERIOD DELAY``
    the same in real time, PERIOD ms apart and DELAY ms from now;
``bench count N``
    take N audio messages, then send ``turnComplete``.

Inbound frames are counted by their headers alone: audio is longer than `COMMAND_BYTES`, commands
are shorter, and only the first audio of a count is unmasked, to see that it is what it should be.
Over TLS each message is a record of its own, as from a server that writes when it has something to
say.

Run as ``python -m benchmarks.server CA_FILE``: writes the certificate authority to the file and
prints one JSON line with its ports, then one per command done, before the client can know.
Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import socket
import ssl
import struct
import sys
import time
from typing import cast

import trustme

from benchmarks.common import (
    RECEIVED_BYTES,
    SENT_BYTES,
    SERVER_CORE,
    audio_json,
    can_pin,
    pcm,
    pin,
)

COMMAND_BYTES = 512
BATCH = 16
"""Messages per write of a blast: about 42 KB."""
SEND_BUFFER_BYTES = 256 * 1024
"""Small enough that flow control is felt within a run."""

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
COMMAND = re.compile(rb"bench (\w+)((?: [\d.]+)+)")
AUDIO = re.compile(rb'"data": ?"([^"]+)"')
KEY = re.compile(rb"\r\nsec-websocket-key: *(\S+)", re.IGNORECASE)


def frame(opcode: int, payload: bytes) -> bytes:
    """Encode one unmasked, final frame."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def unmask(payload: bytes, key: bytes) -> bytes:
    """Undo the client's mask; for the few frames that are looked at."""
    return bytes(byte ^ key[index & 3] for index, byte in enumerate(payload))


SETUP_COMPLETE = frame(1, b'{"setupComplete":{}}')
TURN_COMPLETE = frame(1, b'{"serverContent":{"turnComplete":true}}')
FRAMES = [frame(1, audio_json(pcm(RECEIVED_BYTES, index))) for index in range(BATCH)]


class Connection(asyncio.Protocol):
    """One session."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._tail = b""
        self._upgraded = self._set_up = self._paused = False
        self._command = ""
        self._frames = 0
        self._left = 0  # of the command in progress: to be sent, or to be taken
        self._cpu = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound the buffers."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def pause_writing(self) -> None:
        """Flow control: stop the blast."""
        self._paused = True

    def resume_writing(self) -> None:
        """Flow control: go on with the blast."""
        self._paused = False
        self._blast()

    def data_received(self, data: bytes) -> None:
        """Split what came into frames by their headers."""
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
            opcode = data[position] & 15
            if size > COMMAND_BYTES and self._set_up and opcode in (1, 2):
                if self._frames == self._left:
                    self._check_audio(data[position:stop], head)
                self._left -= 1
                if not self._left:
                    self._done()
            else:
                start = position + head
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
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._upgraded = True
        return end + 4

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 8:
            self._transport.write(frame(8, payload))
            self._transport.close()
        elif opcode == 9:
            self._transport.write(frame(10, payload))
        elif opcode in (1, 2):
            if self._set_up:
                self._obey(payload)
            else:
                self._set_up = True
                self._transport.write(SETUP_COMPLETE)

    def _obey(self, payload: bytes) -> None:
        command = COMMAND.search(payload)
        if command is None:
            raise ValueError(f"no command in a message of {len(payload)} bytes")
        numbers = [float(word) for word in command[2].split()]
        self._command = command[1].decode()
        self._frames = self._left = int(numbers[0])
        self._cpu = time.process_time()
        if self._command == "blast":
            self._blast()
        elif self._command == "pace":
            due = asyncio.get_running_loop().time() + numbers[2] / 1000
            self._pace(due, numbers[1] / 1000)

    def _check_audio(self, raw: bytes, head: int) -> None:
        found = AUDIO.search(unmask(raw[head:], raw[head - 4 : head]))
        if found is None or len(base64.urlsafe_b64decode(found[1])) != SENT_BYTES:
            raise ValueError("the audio is not what the benchmark sends")

    def _blast(self) -> None:
        while self._command == "blast" and self._left and not self._paused:
            batch = min(BATCH, self._left)
            # Over TLS each member becomes a record, all of them go out in one write.
            self._transport.writelines(FRAMES[:batch])
            self._left -= batch
            if not self._left:
                self._done()

    def _pace(self, due: float, period: float) -> None:
        loop = asyncio.get_running_loop()
        while self._left and due <= loop.time() and not self._transport.is_closing():
            self._transport.write(FRAMES[self._left % BATCH])
            self._left -= 1
            due += period
        if self._left:
            loop.call_at(due, self._pace, due, period)
        else:
            self._done()

    def _done(self) -> None:
        cpu = time.process_time() - self._cpu
        report = {"command": self._command, "frames": self._frames, "cpu": cpu}
        self._command = ""
        # Report first: what the client has seen complete, the parent can read without waiting.
        print(json.dumps(report), flush=True)
        self._transport.write(TURN_COMPLETE)


async def serve(ca_file: str) -> None:
    """Listen on loopback, with and without TLS, until standard input ends."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    loop = asyncio.get_running_loop()
    plain = await loop.create_server(Connection, "127.0.0.1", 0, backlog=512)
    tls = await loop.create_server(Connection, "127.0.0.1", 0, ssl=context, backlog=512)
    ports = {"plain": plain.sockets[0].getsockname()[1], "tls": tls.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    if can_pin():
        pin(SERVER_CORE)
    asyncio.run(serve(sys.argv[1]))
