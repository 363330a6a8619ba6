"""How faults happen on one connection."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio

from .faults import Fault, FaultPlan, Point
from .faulty_stream import FaultyStream
from .outbox import Outbox
from .shapes import JsonObject, get_object

_TEXT: Final = 1  # opcodes (RFC 6455, section 5.2)
_CLOSE: Final = 8
_GARBAGE: Final = b"\xf7\x03" + b"\x00garbage\xff" * 4  # an opcode that does not exist
_HALF_FRAME: Final = b"\x81\x7d" + b'{"serverContent"'  # says 125 bytes
_HALF_ANSWER: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs"
_NO_ANSWER: Final = b"\x00garbage\xff\r\n\r\n"


class FaultDesk:
    """Lets the faults of a plan happen on one connection.

    Args:
        plan: the server's faults.
        stream: the connection's bytes.

    Attributes:
        client_left: set when the client's close frame was there, and what goes wrong then is over.
    """

    def __init__(self, plan: FaultPlan, stream: FaultyStream) -> None:
        self.client_left = trio.Event()
        self._plan = plan
        self._stream = stream
        self._is_answering = False  # a part of the answer that runs was sent
        self._outbox: Outbox
        self._close: Callable[[int, str], None]
        self._announce_end: Callable[[float, bool], None]

    def bind(
        self,
        outbox: Outbox,
        close: Callable[[int, str], None],
        announce_end: Callable[[float, bool], None],
    ) -> None:
        """Give it the session of the connection.

        Args:
            outbox: what waits to be written.
            close: starts to close with a code and a reason.
            announce_end: sends goAway with a time; True if the end is to follow.
        """
        self._outbox = outbox
        self._close = close
        self._announce_end = announce_end
        outbox.watch = self._follow
        self._stream.watch_frames(self._client_closes)

    async def before_upgrade(self) -> Fault | None:
        """Let happen what is due before the upgrade; return what takes its place, if anything.

        An HTTP answer is left to the caller.
        """
        for fault in self._plan.reach("before-upgrade"):
            if fault.what in ("truncated", "garbage"):
                await self._write(_HALF_ANSWER if fault.what == "truncated" else _NO_ANSWER)
                await self._stream.cut()
            elif fault.what != "http":
                await self._act(fault)
            if fault.what in ("http", "rst", "truncated", "garbage"):
                return fault
        return None

    def reach(self, point: Point) -> None:
        """Let happen what is due here, behind what waits to be written."""
        for fault in self._plan.reach(point):
            if fault.closes_with is not None:
                self._close(*fault.closes_with)
            elif fault.what == "silence":
                self._outbox.changes.append(_say_nothing)
            elif fault.what == "not-resumable":
                self._outbox.changes.append(_Unresumable(int(fault.amount)))
            elif fault.what == "go-away":
                self._announce_end(fault.amount, fault.text != "stay")
            else:
                self._outbox.put_deed(functools.partial(self._act, fault))

    def _follow(self, message: JsonObject) -> None:
        """Look at a message that is on its way to the client."""
        if "setupComplete" in message:
            self.reach("after-setup")
        if "toolCall" in message:
            self.reach("during-tool-call")
        content = get_object(message, "serverContent")
        if "modelTurn" in content and not self._is_answering:
            self._is_answering = True
            self.reach("during-turn")
        if "turnComplete" in content:
            self._is_answering = False

    async def _client_closes(self) -> None:
        """Let happen what is due at the client's close frame, if it is not an answer to ours."""
        due = self._plan.reach("while-closing") if self._outbox.closing is None else []
        for fault in due:
            if fault.closes_with is not None:
                code, reason = fault.closes_with
                await self._write(_frame(_CLOSE, code.to_bytes(2, "big") + reason.encode()))
                await self._stream.cut()
            else:
                await self._act(fault)
        self.client_left.set()

    async def _act(self, fault: Fault) -> None:
        """Do what concerns the bytes."""
        match fault.what:
            case "rst":
                await self._stream.reset()
            case "half-open":
                self._stream.freeze()
                await trio.sleep(fault.amount)
                await self._stream.reset()
            case "stall":
                self._stream.freeze()
                await trio.sleep(fault.amount)
                self._stream.thaw()
            case "trickle":
                self._stream.trickle(fault.amount)
            case "truncated":
                await self._write(_HALF_FRAME)
                await self._stream.cut()
            case "garbage":
                await self._write(_GARBAGE)
            case "invalid-utf8":
                await self._write(_frame(_TEXT, b'{"serverContent": "\xff"}'))
            case "nonsense":
                await self._write(_frame(_TEXT, b'{"serverContent": '))
            case _:  # oversized
                filling = b"a" * max(0, int(fault.amount) - len(b'{"a":""}'))
                await self._write(_frame(_TEXT, b'{"a":"%b"}' % filling))

    async def _write(self, data: bytes) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # the client is gone
            await self._stream.send_all(data)


class _Unresumable:
    """Changes so many updates into those of a session that cannot be resumed."""

    def __init__(self, updates: int) -> None:
        self._left = updates

    def __call__(self, message: JsonObject) -> JsonObject:
        if self._left and get_object(message, "sessionResumptionUpdate"):
            self._left -= 1
            return {"sessionResumptionUpdate": {}}
        return message


def _say_nothing(message: JsonObject) -> None:
    """Drop a message."""


def _frame(opcode: int, payload: bytes) -> bytes:
    """Build a whole frame of a server."""
    size = len(payload)
    if size < 126:
        head = bytes([size])
    elif size < 65_536:
        head = b"\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + head + payload
