"""Lines of standard input, without blocking the loop.

What lives here: LineReader. Bytes are read from the file descriptor itself: a thread that is left
behind in `sys.stdin.readline()` would hold its lock and break the interpreter's shutdown.
"""

from __future__ import annotations

import codecs
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_BYTES: Final = 65_536


class LineReader:
    """Gives lines of UTF-8 text, without their ends. What is no UTF-8 becomes a replacement sign.

    Args:
        read: Blocks until there are bytes; b"" at the end.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._text = ""
        self._ended = False

    async def next_line(self) -> str | None:
        """Wait for the next line; None at the end of the input.

        Cancellation: not atomic. If cancelled, a line may be lost; a thread stays behind until its
        read returns, and does not keep the program from ending.
        """
        while "\n" not in self._text and not self._ended:
            piece = await trio.to_thread.run_sync(self._read, abandon_on_cancel=True)
            self._ended = not piece
            self._text += self._decode(piece, final=not piece)
        if not self._text:
            return None
        text, _, self._text = self._text.partition("\n")
        return text.removesuffix("\r")


def standard_input() -> LineReader:
    """Give the lines of this process's standard input."""
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):  # replaced by a buffer, as test runners do
        return LineReader(partial(sys.stdin.buffer.read, _READ_BYTES))
    return LineReader(partial(os.read, descriptor, _READ_BYTES))
