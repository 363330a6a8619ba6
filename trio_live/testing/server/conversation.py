"""Turns of one session: history, the running answer, interruption, usage, handles.

Everything here but the answer itself is synchronous, so that reading never waits for it and an
interruption is on the wire before the next client message is looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import trio

from .access import Platform
from .calls import CallDesk
from .outbox import Outbox
from .reply import Pacing, Reply, SessionControl
from .resumption import Checkpoint, Checkpoints
from .shapes import JsonObject, Refusal, get_object, get_objects, get_text, invalid_argument
from .terms import Terms
from .turn import (
    Model,
    UserTurn,
    contents_tokens,
    text_of_content,
    turn_of_contents,
    turn_tokens,
)
from .usage import Tokens, usage_metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a conversation needs from its session.

    Attributes:
        model: who answers.
        pacing: how fast.
        nursery: where answers run.
        control: the session, as model functions see it.
        checkpoints: the server's store of handles.
        is_open: whether the connection is still there.
        consumed: index of the last client message that is in the history, with all before it; the
            setup is 0.
        fail: called with what a model function raised.
    """

    model: Model
    pacing: Pacing
    nursery: trio.Nursery
    control: SessionControl
    checkpoints: Checkpoints
    is_open: Callable[[], bool]
    consumed: Callable[[], int]
    fail: Callable[[Exception], None]


class Conversation:
    """The dialogue of one session.

    Attributes:
        history: the contents so far; a turn that is being answered is in it already.
        desk: the open function calls.
    """

    def __init__(self, terms: Terms, outbox: Outbox, around: Surroundings) -> None:
        self.history: list[JsonObject] = []
        self.desk = CallDesk(terms.platform, outbox, scheduling=terms.generation.scheduling)
        self._terms = terms
        self._outbox = outbox
        self._around = around
        self._context = Tokens()  # of the history
        self._current: Reply | None = None  # the answer that runs or is being played
        self._queue: deque[tuple[UserTurn, str]] = deque()  # turns that must not interrupt
        self._seeding = terms.seeds_history
        self._instruction = ""
        self._tools: list[JsonObject] = []
        if terms.handle:
            saved = around.checkpoints.find(terms.handle, terms.model)
            self.history += saved.history
            self._context += saved.context

    @property
    def is_listening(self) -> bool:
        """False while the first clientContent, which fills the history, is still to come."""
        return not self._seeding

    def update_context(self, update: JsonObject) -> None:
        """Take the fields of a contextUpdate; they hold from the next answer on."""
        if "systemInstruction" in update:
            self._instruction = text_of_content(get_object(update, "systemInstruction"))
        if "tools" in update:
            self._tools = get_objects(get_object(update, "tools"), "tools")
            declared = [f for t in self._tools for f in get_objects(t, "functionDeclarations")]
            self.desk.blocking = frozenset(
                get_text(f, "name") for f in declared if f.get("behavior") == "BLOCKING"
            )

    def take_content(self, message: JsonObject) -> None:
        """Take a clientContent message: it appends to the history and may ask for an answer.

        Raises:
            Refusal: a role that does not exist, function calls in the initial history, or a model
                that takes nothing after it.
        """
        contents = get_objects(message, "turns")
        roles = {"user", "model"}
        if self._terms.platform is Platform.VERTEX:
            roles.add("system")
        for content in contents:
            if content.setdefault("role", "user") not in roles:
                raise Refusal(1007, "Please use a valid role: user, model.")
        complete = message.get("turnComplete") is True
        contents = self._heed(contents)
        if self._seeding:
            if any("functionCall" in part for c in contents for part in get_objects(c, "parts")):
                raise invalid_argument("the initial history contains function calls")
            self._append(contents)
            self._seeding = not complete
            return
        generation = self._terms.generation
        if not generation.content_later:
            raise invalid_argument("this model takes clientContent as initial history only")
        if self._current is not None and (complete or generation.content_interrupts):
            self._stop_answer(self._current, goes_on=complete)
        self._append(contents)
        if complete:
            self._start(self._last_turn())

    def _heed(self, contents: Sequence[JsonObject]) -> list[JsonObject]:
        """Take the contents of the role "system" for the system instruction; return the others."""
        for content in contents:
            if content["role"] == "system":
                self._instruction = text_of_content(content)
        return [content for content in contents if content["role"] != "system"]

    def take_turn(self, turn: UserTurn, heard: str) -> None:
        """Take a turn of realtime input; it is answered now, or after the running answer.

        Args:
            turn: what was said, written and shown.
            heard: the transcript of what was said, which stands for it in the history.
        """
        if turn.is_empty:
            # The activity had nothing in it.
            reason: JsonObject = {"turnCompleteReason": "NEED_MORE_INPUT"}
            self._outbox.put_json({"serverContent": reason | self._turn_complete(goes_on=False)})
            return
        self.activity_started()
        if self._current is not None:
            self._queue.append((turn, heard))
            return
        self._start_realtime(turn, heard)

    def activity_started(self) -> None:
        """Take note that the user has begun: a running answer stops, if that was agreed."""
        if self._terms.interrupts:
            self.interrupt()

    def interrupt(self) -> None:
        """Stop the running answer, if there is one; a turn that waits for its end is next."""
        if self._current is not None:
            self._stop_answer(self._current, goes_on=bool(self._queue))
            self._start_queued()

    def _stop_answer(self, reply: Reply, *, goes_on: bool) -> None:
        reply.stop()
        self.desk.cancel()
        self._outbox.put_json({"serverContent": reply.take_rest() | {"interrupted": True}})
        self._complete(reply, goes_on=goes_on)

    def _turn_complete(self, *, goes_on: bool) -> JsonObject:
        """Return the fields that end a turn.

        Args:
            goes_on: whether another answer follows at once, without the user.
        """
        if not self._terms.generation.reports_status:
            return {"turnComplete": True}
        return {"turnComplete": True, "interactionStatus": "IN_PROGRESS" if goes_on else "IDLE"}

    def _start_realtime(self, turn: UserTurn, heard: str) -> None:
        history = list(self.history)
        words = [text for text in (turn.text, heard) if text] or [f"({len(turn.images)} images)"]
        parts = [{"text": text} for text in words]
        self.history.append({"role": "user", "parts": parts})
        self._context += turn_tokens(turn)
        self._start(replace(turn, history=history))

    def _append(self, contents: Sequence[JsonObject]) -> None:
        self.history += contents
        self._context += contents_tokens(contents)

    def _last_turn(self) -> UserTurn:
        """Return what the user has said since the model's last content."""
        start = len(self.history)
        while start and get_text(self.history[start - 1], "role") == "user":
            start -= 1
        return turn_of_contents(self.history[start:], self.history[:start])

    def _start(self, turn: UserTurn) -> None:
        around = self._around
        self._current = Reply(
            self._terms, self._outbox, self.desk, pacing=around.pacing, session=around.control
        )
        if self._terms.resumption:
            # Not resumable while an answer runs; proto3 JSON leaves out what is false or empty.
            self._outbox.put_json({"sessionResumptionUpdate": {}})
        turn = replace(turn, system_instruction=self._instruction, tools=self._tools)
        around.nursery.start_soon(self._answer, turn, self._current)

    async def _answer(self, turn: UserTurn, reply: Reply) -> None:
        try:
            with reply.scope:
                await self._around.model(turn, reply)
                await reply.finish()
                if not reply.is_over:  # interrupted between the end of the wait and this line
                    self._complete(reply, goes_on=bool(self._queue))
                    self._start_queued()
        except Exception as error:  # a model function is the user's: anything can come
            self._around.fail(error)

    def _start_queued(self) -> None:
        if self._queue:
            self._start_realtime(*self._queue.popleft())

    def _complete(self, reply: Reply, *, goes_on: bool) -> None:
        """End the turn: only what was sent stays in the history."""
        self._current = None
        usage = usage_metadata(self._context, reply.tokens, self._terms.platform)
        content = reply.take_rest() | self._turn_complete(goes_on=goes_on)
        self._outbox.put_json({"serverContent": content, "usageMetadata": usage})
        self.history += reply.contents
        self._context += Tokens({k: n for k, n in reply.tokens.items() if k != "THOUGHT"})
        # A turn that waits was read, and would be neither in the handle's state nor said again.
        if self._terms.resumption and not self._queue:
            self._issue_handle()

    def _issue_handle(self) -> None:
        around = self._around
        checkpoint = Checkpoint(
            self._terms.model, list(self.history), Tokens(self._context), around.is_open
        )
        update: JsonObject = {"newHandle": around.checkpoints.save(checkpoint), "resumable": True}
        if self._terms.transparent:
            update["lastConsumedClientMessageIndex"] = str(around.consumed())  # int64
        self._outbox.put_json({"sessionResumptionUpdate": update})
