"""Answers on their way to the service.

What lives here: AnswerSender, and what answers look like. What must not: running tools (runner.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import msgspec
import trio

from trio_live import events
from trio_live.errors import LiveError, LocalProtocolError
from trio_live.tools.call import Result, ToolError
from trio_live.tools.desk import Key
from trio_live.wire.functions import FunctionResponse

if TYPE_CHECKING:
    from trio_live.tools.function import FunctionTool
    from trio_live.tools.link import ToolSession

MAX_RESULT_BYTES: Final = 512 * 1024
"""What an answer may have as JSON: half of the megabyte that other makers' clients send at most."""


class AnswerSender:
    """Sends answers from a task of its own; those that are ready together in one message."""

    def __init__(self, session: ToolSession) -> None:
        self._session = session
        self._ready: list[FunctionResponse] = []
        self._wake = trio.Event()

    def put(self, ready: Sequence[FunctionResponse]) -> None:
        """Take answers to send. Never waits."""
        self._ready += ready
        if ready:
            self._wake.set()

    def holds(self, key: Key) -> bool:
        """Whether an answer to this call has not been sent yet."""
        return any(answer.id == key for answer in self._ready)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            await self._session.wait_room()
            self.flush()

    def flush(self) -> None:
        """Send what is ready, room or not."""
        self._wake = trio.Event()
        ready, self._ready = self._ready, []
        self._send(ready)

    async def send_progress(self, answers: Sequence[FunctionResponse]) -> None:
        """Send intermediate answers, where they are still wanted.

        Raises:
            LiveError: They break a rule, or the session has ended.

        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._session.wait_room()
        if wanted := self._owed_of(answers):
            self._session.answer(wanted)

    def _send(self, answers: Sequence[FunctionResponse], *, replaced: bool = False) -> None:
        owed = self._owed_of(answers)
        if not owed:
            return
        try:
            self._session.answer(owed)
        except LocalProtocolError as refusal:
            if len(owed) > 1:  # one of them cannot be sent; the others can
                for answer in owed:
                    self._send([answer])
            elif replaced:
                self._session.publish([events.Error(f"no answer can be sent: {refusal}", b"")])
            else:
                text = f"the answer of {owed[0].name!r} was refused, and an error sent: {refusal}"
                self._session.publish([events.Error(text, b"")])
                error = error_answer(str(refusal))
                self._send([answer_for(owed[0].id, owed[0].name, error)], replaced=True)
        except LiveError:
            pass  # the session has ended, and says so itself

    def _owed_of(self, answers: Sequence[FunctionResponse]) -> list[FunctionResponse]:
        """Leave out answers to calls that were withdrawn meanwhile."""
        owed = self._session.calls_owed
        return [a for a in answers if (a.id in owed if a.id else a.name in owed.values())]


def error_answer(text: str) -> FunctionResponse:
    """Make an answer that tells the model what went wrong."""
    return FunctionResponse(response={"error": text})


def answer_for(key: Key | None, name: str, answer: FunctionResponse) -> FunctionResponse:
    """Give an answer to the call of that key."""
    return msgspec.structs.replace(answer, name=name, id=key if isinstance(key, str) else None)


def answer_of(
    tool: FunctionTool, value: object, *, can_schedule: bool, will_continue: bool | None = None
) -> FunctionResponse:
    """Make an answer of what a tool gave.

    Args:
        tool: The tool.
        value: What it gave.
        can_schedule: Whether the answer may say when the model hears of it; else it does not.
        will_continue: Whether more follows; None where the service does not ask.

    Raises:
        ToolError: It cannot be written as JSON, or is too large; the model can be told.
    """
    result = value if isinstance(value, Result) else Result(value)
    return FunctionResponse(
        tool.name,
        _as_object(result.value),
        scheduling=(result.scheduling or tool.scheduling) if can_schedule else None,
        will_continue=will_continue,
        parts=result.parts or None,
    )


def last_answer(tool: FunctionTool, *, can_schedule: bool) -> FunctionResponse:
    """Make the answer that ends a call of which everything was said on the way."""
    quiet = "SILENT" if can_schedule else None
    return FunctionResponse(tool.name, {}, scheduling=quiet, will_continue=False)


def _as_object(value: object) -> dict[str, object]:
    """Make an answer's object of a tool's value; an object is itself, else it is the output."""
    try:
        plain = msgspec.to_builtins(value, str_keys=True)
        size = len(msgspec.json.encode(plain))
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise ToolError("the result cannot be written as JSON") from None
    if size > MAX_RESULT_BYTES:
        raise ToolError(f"the result has {size} bytes as JSON; {MAX_RESULT_BYTES} is the limit")
    return cast("dict[str, object]", plain) if isinstance(plain, dict) else {"output": plain}
