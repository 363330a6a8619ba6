"""Answers on their way to the service.

What lives here: AnswerSender, and what answers look like. What must not: running tools (runner.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

import msgspec
import trio

from trio_live import events
from trio_live.errors import LiveError, LocalProtocolError
from trio_live.tools.call import Result, ToolError
from trio_live.tools.desk import Key
from trio_live.wire.functions import FunctionResponse

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.tools.function import FunctionTool

MAX_RESULT_BYTES: Final = 512 * 1024
"""What an answer may have as JSON: half of the megabyte that other makers' clients send at most."""


class ToolSession(Protocol):
    """What running tools needs of a session."""

    def publish(self, happened: Sequence[SessionEvent]) -> None:
        """Tell the session's readers."""
        ...

    def calls_owed(self) -> Mapping[Key, str]:
        """Give the calls that the service waits for: key -> name."""
        ...

    def start_call(self, key: Key) -> None:
        """Note that a call is being worked on."""
        ...

    async def answer(self, responses: Sequence[FunctionResponse]) -> None:
        """Send answers."""
        ...


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

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            answers, self._ready = self._ready, []
            await self.deliver(answers)

    async def deliver(self, answers: Sequence[FunctionResponse]) -> None:
        """Send what is still owed of these."""
        refused = False
        while owing := [answer for answer in answers if self._is_owed(answer)]:
            try:
                await self._session.answer(owing)
            except LocalProtocolError as refusal:
                if len(owing) < len(answers) or not all(map(self._is_owed, owing)):
                    answers = owing  # one was withdrawn while this waited
                elif not refused:
                    refused = True
                    answers = [answer_for(a.id, a.name, error_answer(str(refusal))) for a in owing]
                else:
                    self._session.publish([events.Error(f"no answer can be sent: {refusal}", b"")])
                    return
            except LiveError:
                return  # the session has ended, and says so itself
            else:
                return

    def _is_owed(self, answer: FunctionResponse) -> bool:
        owed = self._session.calls_owed()
        return answer.id in owed if answer.id else answer.name in owed.values()


def error_answer(text: str) -> FunctionResponse:
    """Make an answer that tells the model what went wrong."""
    return FunctionResponse(response={"error": text})


def answer_for(key: Key | None, name: str, answer: FunctionResponse) -> FunctionResponse:
    """Give an answer to the call of that key."""
    return msgspec.structs.replace(answer, name=name, id=key if isinstance(key, str) else None)


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


def answer_of(tool: FunctionTool, value: object, *, will_continue: bool | None) -> FunctionResponse:
    """Make an answer of what a tool gave.

    Raises:
        ToolError: It cannot be written as JSON, or is too large; the model can be told.
    """
    result = value if isinstance(value, Result) else Result(value)
    return FunctionResponse(
        tool.name,
        _as_object(result.value),
        scheduling=result.scheduling or tool.scheduling,
        will_continue=will_continue,
        parts=result.parts or None,
    )
