"""Whole messages out of what a WebSocket server sends, without the steps that these need not.

What lives here: MessageCutter. What must not: I/O; anything but messages that come in one frame and
break no rule. The service sends nothing else, but now and then a ping: so next to nothing is left
for the WebSocket library under a transport. A message that is received costs 13 us with it, and 35
us without it over trio-websocket, which takes two visits to the scheduler; 12.5 and 14 us over
websockets (benchmarks/flood.py over TLS, peers `live` and `fast`; without I/O, benchmarks/codec.py,
group "parse"; November 2026).

Whatever is not such a message goes to the library as it came, and the library judges it: fragments,
control frames, a bad frame, one that is too large. After the first that is neither a whole message
nor a ping or pong all the rest goes there too, so that the order stays what it was.
"""

from __future__ import annotations

from typing import Final

# The first byte of a frame: final, no extension, and what it is (RFC 6455, section 5.2).
_BINARY: Final = 0x82
_MESSAGES: Final = (0x81, _BINARY)
_HEARTBEATS: Final = (0x89, 0x8A)
_SHORT: Final = 126  # what stands in place of a length that takes two bytes more
_LONG: Final = 127  # and eight bytes more; from 128 on it is masked, which no server may do
_FITS_IN_SHORT: Final = bytes(6)  # how a length begins that need not take eight bytes


class MessageCutter:
    """Takes messages out of a stream of frames; begins where a frame does.

    Args:
        max_bytes: A message that is larger is left for the library to refuse.
    """

    __slots__ = ("_held", "_held_bytes", "_max_bytes", "_needed", "_open")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._open = True  # messages are still taken out
        self._held: list[bytes] = []  # of a frame that is not complete
        self._held_bytes = 0
        self._needed = 0  # how many there must be before it is worth another look

    def cut(self, data: bytes, messages: list[str | bytes]) -> bytes:
        """Take the next bytes; add the messages that are whole, and give what is not for us."""
        if not self._open:
            return data
        if self._held:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes < self._needed:
                return b""
            data = b"".join(self._held)
            self._held.clear()
            self._held_bytes = 0
        rest = b""
        start, stop, end = 0, 0, len(data)
        while start < end:
            stop = at = start + 2
            if stop > end:
                break
            kind, size = data[start], data[start + 1]
            if size == _SHORT:
                stop = at = start + 4
                if at > end:
                    break
                size = data[start + 2] << 8 | data[start + 3]
                if size < _SHORT:
                    return self._leave(rest + data[start:])
            elif size > _SHORT:
                stop = at = start + 10
                if at > end and size == _LONG:
                    break
                if size > _LONG or data[start + 2 : start + 8] == _FITS_IN_SHORT:
                    return self._leave(rest + data[start:])
                size = int.from_bytes(data[start + 2 : at])
            stop = at + size
            if kind in _MESSAGES and size <= self._max_bytes:
                if stop > end:
                    break
                message = data[at:stop]
                if kind == _BINARY:
                    messages.append(message)
                else:
                    try:
                        messages.append(message.decode())
                    except UnicodeDecodeError:
                        return self._leave(rest + data[start:])
            elif kind in _HEARTBEATS and at == start + 2:
                if stop > end:
                    break
                rest += data[start:stop]
            else:
                return self._leave(rest + data[start:])
            start = stop
        if start < end:
            self._held.append(data[start:])
            self._held_bytes = end - start
            self._needed = stop - start
        return rest

    def _leave(self, rest: bytes) -> bytes:
        self._open = False
        return rest
