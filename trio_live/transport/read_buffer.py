"""Where bytes are read to before their number is known: one piece of memory for each `trio.run`.

What lives here: read_buffer. What must not: streams. Python's `recv(n)` allocates n bytes and gives
back most of them, for each read. Whatever was allocated meanwhile keeps the hole from being used
again, so the heap grows though nothing is kept: 20 sessions with audio grew by half a MiB in a
minute (benchmarks/soak.py, glibc).
"""

from __future__ import annotations

from typing import Final

import trio

READ_SIZE: Final = 65_536
"""How much is read from a socket at a time."""

_RECORD: Final = 16_384

_buffer = trio.lowlevel.RunVar[memoryview]("read_buffer")


def read_buffer() -> memoryview:
    """Give the memory that all readers of this `trio.run` share.

    It holds what one read completes, of a record of TLS that began before as well.
    Who reads into it copies before the next checkpoint. Other threads have other runs.
    """
    try:
        return _buffer.get()
    except LookupError:
        buffer = memoryview(bytearray(READ_SIZE + _RECORD))
        _buffer.set(buffer)
        return buffer
