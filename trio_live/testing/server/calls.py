"""The function calls of one session that wait for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

import trio

from .access import Platform
from .outbox import Outbox
from .shapes import JsonObject, get_objects, get_text, invalid_argument, is_object

_call_numbers = count(1)  # ids are unique in the process, so that none fits another session


class _Call:
    def __init__(self, name: str) -> None:
        self.name = name
        self.answered = trio.Event()
        self.answers: list[JsonObject] = []  # whole functionResponses, as they came


class CallDesk:
    """Issues calls, takes their answers and cancels them.

    Args:
        platform: an answer needs the call's id on the Gemini Developer API; Vertex AI also takes
            the oldest open call of that name.
        outbox: where toolCall and toolCallCancellation messages go.
        scheduling: whether an answer may say when the model takes notice of it.

    Attributes:
        blocking: functions that are declared BLOCKING; `willContinue` is ignored for them.
    """

    def __init__(self, platform: Platform, outbox: Outbox, *, scheduling: bool = True) -> None:
        self.blocking: frozenset[str] = frozenset()
        self._platform = platform
        self._outbox = outbox
        self._scheduling = scheduling
        self._open: dict[str, _Call] = {}
        self._issued: set[str] = set()  # every id ever sent, to tell a late answer from a wrong one

    def issue(self, calls: Sequence[tuple[str, JsonObject]]) -> list[str]:
        """Send one toolCall message and return the ids of its calls."""
        ids: list[str] = []
        function_calls: list[JsonObject] = []
        for name, args in calls:
            call_id = f"function-call-{next(_call_numbers)}"
            self._open[call_id] = _Call(name)
            function_calls.append({"id": call_id, "name": name, "args": args})
            ids.append(call_id)
        self._issued.update(ids)
        self._outbox.put_json({"toolCall": {"functionCalls": function_calls}})
        return ids

    async def answers(self, ids: Sequence[str]) -> list[list[JsonObject]]:
        """Wait until all these calls are answered or cancelled; return the answers of each.

        They are whole, with id and name. All but the last say `willContinue`. The last one of a
        cancelled call has the response `{"error": "cancelled"}`.
        """
        calls = [self._open[call_id] for call_id in ids]
        for call in calls:
            await call.answered.wait()
        return [call.answers for call in calls]

    def take(self, tool_response: JsonObject) -> None:
        """Take a client's toolResponse.

        Answers to calls that were cancelled or answered already are ignored: an answer and a
        cancellation can cross on the wire.

        Raises:
            Refusal: an answer without id (Gemini Developer API), with an id that was never issued,
                with a response that is not an object, with a part that is not one of media, or
                with a scheduling that the model does not have.
        """
        for answer in get_objects(tool_response, "functionResponses"):
            call_id = get_text(answer, "id") or self._oldest(get_text(answer, "name"))
            if call_id not in self._issued:
                raise invalid_argument("a function response for a call that was never made")
            if "scheduling" in answer and not self._scheduling:
                raise invalid_argument("this model has no scheduling")
            if not is_object(answer.get("response", {})):
                raise invalid_argument("the response of a function is not an object")
            for part in get_objects(answer, "parts"):
                if ("inlineData" in part) == ("fileData" in part):
                    raise invalid_argument("a function response's part has not one kind of data")
            self._keep(call_id, answer)

    def cancel(self, ids: Iterable[str] | None = None) -> None:
        """Cancel these calls, or all that are open, and tell the client."""
        ids = list(self._open) if ids is None else list(ids)
        if ids:
            self._outbox.put_json({"toolCallCancellation": {"ids": ids}})
        for call_id in ids:
            self._keep(call_id, {"response": {"error": "cancelled"}})

    def _keep(self, call_id: str, answer: JsonObject) -> None:
        call = self._open.get(call_id)
        if call is None:
            return
        call.answers.append({**answer, "id": call_id, "name": call.name})
        if answer.get("willContinue") is not True or call.name in self.blocking:
            del self._open[call_id]
            call.answered.set()

    def _oldest(self, name: str) -> str:
        if self._platform is Platform.GEMINI:
            raise invalid_argument("a function response needs the id of its call")
        return next((call_id for call_id, call in self._open.items() if call.name == name), "")
