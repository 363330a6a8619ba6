"""What a session carries from one connection to the next, without I/O.

What lives here: Carried: the resumption handle, the calls that are owed an answer and what became
of them, the checkpoint. What must not: one message (inbound.py, outbound.py), what waits to be sent
(outage.py), when to connect (reconnect.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trio_live import commands, events
from trio_live.checkpoint import Checkpoint, OwedCall
from trio_live.state import Trigger

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.inbound import Inbound
    from trio_live.ledger import LedgerEntry
    from trio_live.wire.marks import Platform


class Carried:
    """What one session carries over.

    Args:
        inbound: Reads the session's messages, and keeps its state.
        model_name: The model's name as the endpoint wants it.
        handle: The handle to begin with, or None.

    Attributes:
        resuming: Whether the last setup named a resumption handle.
    """

    def __init__(self, inbound: Inbound, model_name: str, handle: str | None) -> None:
        self.resuming = False
        self._inbound = inbound
        self._state = inbound.state
        self._model_name = model_name
        self._given_handle = handle
        self._owed_before: dict[str | int, str] = {}  # calls that were owed when it was lost
        self._answered: dict[str | int, None] = {}  # those of them whose answers wait

    @property
    def handle(self) -> str | None:
        """The handle that the next setup names, or None. A secret."""
        return self._state.resumption_handle or self._given_handle

    @property
    def calls_without_answer(self) -> frozenset[str]:
        """The ids of the calls whose answers a session resumed from the handle would refuse.

        It does not know those that were made since; others have been withdrawn.
        """
        return frozenset((*self._inbound.calls_since_handle, *self._inbound.calls_withdrawn))

    @property
    def answerable(self) -> dict[str | int, str]:
        """The calls that an answer can be given to now, also while there is no connection.

        As `PhaseMachine.calls_owed`; meanwhile with those of the connection before, as it is not
        known yet which of them the service will know. Do not change it.
        """
        owed = self._state.machine.calls_owed
        if not self._owed_before and not self._answered:
            return owed
        return {k: v for k, v in (self._owed_before | owed).items() if k not in self._answered}

    def answer_later(self, keys: Iterable[str | int]) -> None:
        """Note that answers to these calls wait for the next connection."""
        self._answered.update(dict.fromkeys(keys))

    def blank(self, text: str) -> str:
        """Take the handle, a secret, out of a text of the service's."""
        handle = self.handle
        return text if handle is None else text.replace(handle, "***")

    def drop_handle(self) -> None:
        """Forget the handle: it is of no use any more."""
        self._given_handle = self._state.resumption_handle = None
        self._state.resumable = False

    def still_owed(self, command: commands.SessionCommand) -> commands.SessionCommand | None:
        """Give what of a command that has waited is still to be sent.

        That is all of it, but of answers those to calls that the service still knows; None if it
        knows none of them.
        """
        if not isinstance(command, commands.SendToolResponse):
            return command
        owed = self._state.machine.calls_owed
        known = tuple(r for r in command.responses if _is_owed(r.id, r.name, owed))
        return commands.SendToolResponse(known) if known else None

    def checkpoint(
        self, platform: Platform | None, ledger: tuple[LedgerEntry, ...], connections: int
    ) -> Checkpoint:
        """Give what another process needs to go on.

        Args:
            platform: The service that the session is at.
            ledger: What the service may not have taken in.
            connections: How many connections there have been.
        """
        still = (self._owed_before | self._state.machine.calls_owed).keys() - self._answered.keys()
        known = self._inbound.calls_at_handle
        return Checkpoint(
            handle=self.handle,
            model=self._model_name,
            platform=platform,
            session_id=self._state.session_id,
            ledger=ledger,
            owed=tuple(OwedCall(key, name) for key, name in known.items() if key in still),
            turns=self._state.turns_started,
            total_tokens=self._state.total_tokens,
            connections=connections,
        )

    def adopt(self, checkpoint: Checkpoint) -> None:
        """Go on where another process stood. The first connection is then one to be `restored`."""
        self._given_handle = checkpoint.handle
        self._owed_before = {call.id: call.name for call in checkpoint.owed}
        self._inbound.calls_at_handle = dict(self._owed_before)
        self._state.session_id = checkpoint.session_id
        self._state.turns_started = checkpoint.turns
        self._state.total_tokens = checkpoint.total_tokens

    def lost(self, now: float) -> list[SessionEvent]:
        """Note that the connection, or an attempt to make one, has ended, and the session has not.

        The turn that goes on ends here.
        """
        self._owed_before.update(self._state.machine.calls_owed)
        self._state.machine.reset()
        return [*self._inbound.cut(now), *self._inbound.fire(Trigger.CLOSED)]

    def restored(self, waiting: Iterable[commands.SessionCommand]) -> list[SessionEvent]:
        """Note that the session goes on, on a new connection, with what waits for it.

        Calls that the service does not know any more are told as cancelled.
        """
        known = self._inbound.calls_at_handle if self.resuming else {}
        answers = [c for c in waiting if isinstance(c, commands.SendToolResponse)]
        ids = {response.id for answer in answers for response in answer.responses}
        names = {response.name for answer in answers for response in answer.responses}
        self._state.machine.calls_owed.update(
            (key, name)
            for key, name in known.items()
            if key in self._owed_before or key in ids or (isinstance(key, int) and name in names)
        )
        forgotten = tuple(
            key for key in self._owed_before if isinstance(key, str) and key not in known
        )
        self._inbound.calls_at_handle = dict(known)
        self._owed_before.clear()
        self._answered.clear()
        told: list[SessionEvent] = []
        if forgotten:
            told.append(events.ToolCallCancelled(forgotten))
        if self._state.machine.calls_owed:
            told += self._inbound.fire(Trigger.TOOL_CALL)
        return told


def _is_owed(call_id: str | None, name: str, owed: dict[str | int, str]) -> bool:
    unnamed = (key for key, called in owed.items() if called == name and isinstance(key, int))
    return call_id in owed or next(unnamed, None) is not None
