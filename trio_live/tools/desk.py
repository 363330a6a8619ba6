"""Which calls are open, and what answer each is still owed.

What lives here: CallDesk, plain bookkeeping. What must not: tasks, clocks, sockets, tools. One
piece of work may answer several calls: the service repeats calls under new ids. Each call is
answered once or not at all: whoever settles it first has settled it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import msgspec

from trio_live.wire.functions import FunctionCall, FunctionResponse

MAX_REMEMBERED: Final = 1_024
"""How many settled calls are remembered, so that one which the service repeats is not run again."""

MAX_RECENT: Final = 128
"""How many answers are kept for calls that are repeated: under another id, as long as the window
says, and under the same id on a later connection."""

Key = str | int
"""A call's id, or a number in the place of one."""


@dataclass(slots=True, eq=False)
class Batch:
    """Calls whose answers go out together: the blocking ones of one toolCall message."""

    waiting: int = 0
    answers: list[FunctionResponse] = field(default_factory=list[FunctionResponse])

    def complete(self) -> list[FunctionResponse]:
        """Give its answers if nothing is missing any more."""
        if self.waiting:
            return []
        answers, self.answers = self.answers, []
        return answers


@dataclass(slots=True, eq=False)
class Work:
    """One execution of a function, and the calls that are owed its result.

    Attributes:
        name: The function's name.
        asked: The function and its arguments, as one text.
        message: Which message it came with.
        window: How long its answer is kept, in seconds.
        owed: The calls' keys, each with the batch that it is answered in, or None.
    """

    name: str
    asked: bytes
    message: int
    window: float = 0.0
    owed: dict[Key, Batch | None] = field(default_factory=dict[Key, "Batch | None"])

    @property
    def is_open(self) -> bool:
        """Whether anybody still waits for it."""
        return bool(self.owed)


class CallDesk:
    """Keeps the open calls and finds repeated ones."""

    def __init__(self) -> None:
        self._works: dict[Key, Work] = {}
        self._running: dict[bytes, Work] = {}  # what is asked -> the work on it
        # Of this connection: key -> the batch in which its answer may still wait.
        self._settled: OrderedDict[Key, Batch | None] = OrderedDict()
        self._given: OrderedDict[Key, FunctionResponse] = OrderedDict()  # of all connections
        self._recent: OrderedDict[bytes, tuple[float, FunctionResponse]] = OrderedDict()
        self._message = 0

    def next_message(self) -> None:
        """Note that a toolCall message begins; equal calls within one are no repetition."""
        self._message += 1

    def next_connection(self) -> None:
        """Note that another connection begins: who asks on it does not know what was answered."""
        self._settled.clear()

    def is_over(self, key: Key) -> bool:
        """Whether a call was settled on this connection, and nothing more goes out for it."""
        if key not in self._settled:
            return False
        batch = self._settled[key]
        return batch is None or all(answer.id != key for answer in batch.answers)

    def take(
        self,
        key: Key,
        call: FunctionCall,
        batch: Batch | None,
        now: float,
        window: float | None = None,
    ) -> tuple[Work | None, list[FunctionResponse]]:
        """Take a call in; give the work that is to be done for it, if any, and answers to send.

        There is none to do if the call was seen before, or repeats one that is being worked on or
        was answered just now.

        Args:
            key: The call's key.
            call: The call.
            batch: What its answer waits for, or None.
            now: The time.
            window: Seconds after an answer in which the same call counts as repeated; while the
                work goes on, the same call in a later message always does. None: it never does.
        """
        if key in self._works or key in self._settled:
            return None, []
        asked = None if window is None else _asked(call)
        if asked is None or window is None or key in self._given:
            work = Work(call.name, b"", self._message)
            self._owe(work, key, batch)
            if key in self._given:  # on a connection before
                return None, self._answer(work, self._given[key])
            return work, []
        running = self._running.get(asked)
        if running is not None and running.message != self._message:
            self._owe(running, key, batch)
            return None, []
        work = Work(call.name, asked, self._message, window)
        self._owe(work, key, batch)
        until, answer = self._recent.get(asked, (now, None))
        if answer is not None and now < until:
            return None, self._answer(work, answer)
        self._running.setdefault(asked, work)
        return work, []

    def settle(self, work: Work, answer: FunctionResponse, now: float) -> list[FunctionResponse]:
        """Note the answer of a work; give the answers that can go out now."""
        ready = self._answer(work, answer)
        self._forget(work)
        if work.window:
            self._recent[work.asked] = (now + work.window, answer)
            self._recent.move_to_end(work.asked)
        while self._recent:
            until, _ = next(iter(self._recent.values()))
            if now < until and len(self._recent) <= MAX_RECENT:
                break
            self._recent.popitem(last=False)
        return ready

    def _answer(self, work: Work, answer: FunctionResponse) -> list[FunctionResponse]:
        ready: list[FunctionResponse] = []
        for key, batch in work.owed.items():
            own = msgspec.structs.replace(
                answer, name=work.name, id=key if isinstance(key, str) else None
            )
            if batch is None:
                ready.append(own)
            else:
                batch.answers.append(own)
            self._given[key] = answer
            self._given.move_to_end(key)
            ready += self._close(key, batch)
        work.owed.clear()
        while len(self._given) > MAX_RECENT:
            self._given.popitem(last=False)
        return ready

    def withdraw(self, key: Key) -> tuple[Work | None, list[FunctionResponse]]:
        """Close a call that is owed nothing any more.

        Gives the work that nobody waits for now, if there is one, and the answers that waited for
        this call's.
        """
        work = self._works.get(key)
        if work is None:
            self._remember(key)  # should it be withdrawn before it comes
            return None, []
        ready = self._close(key, work.owed.pop(key))
        if work.is_open:
            return None, ready
        self._forget(work)
        return work, ready

    def works(self) -> list[Work]:
        """Give the work that is going on."""
        return list(dict.fromkeys(self._works.values()))

    def _owe(self, work: Work, key: Key, batch: Batch | None) -> None:
        self._works[key] = work
        work.owed[key] = batch
        if batch is not None:
            batch.waiting += 1

    def _close(self, key: Key, batch: Batch | None) -> list[FunctionResponse]:
        del self._works[key]
        self._remember(key, batch)
        if batch is None:
            return []
        batch.waiting -= 1
        return batch.complete()

    def _forget(self, work: Work) -> None:
        if self._running.get(work.asked) is work:
            del self._running[work.asked]

    def _remember(self, key: Key, batch: Batch | None = None) -> None:
        self._settled[key] = batch
        if len(self._settled) > MAX_REMEMBERED:
            self._settled.popitem(last=False)


def _asked(call: FunctionCall) -> bytes | None:
    """Give a call's function and arguments as one text; None if they are nested too deeply."""
    try:
        return msgspec.json.encode((call.name, call.args or {}), order="sorted")
    except RecursionError:  # they could just be read
        return None
