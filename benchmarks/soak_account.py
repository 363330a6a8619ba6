"""What became of every text of a soak.

What lives here: the verdict about one conversation. What must not: talking, processes.

Without transparent resumption a text arrives once, or the session reports it (it may have arrived
all the same, where the session says that it does not know). With it, the last history of the
conversation has every text once and in order. Where a transparent conversation had to begin afresh
that history is gone; then each text has arrived, once or more.

A session tells numbers, not texts: one that was uncertain and arrived can hide one that is missing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from benchmarks.soak_client import Conversation


@dataclass
class Account:
    """Texts of all conversations.

    Attributes:
        sent: Accepted by a session.
        delivered: Of these, how many arrived.
        reported: Did not arrive, and the session said so, or that it could not know.
        cautious: Arrived, though a session could not know.
        with_session: Did not arrive, and the session ended with ConnectionLost.
        duplicated: How many are twice in a conversation.
        out_of_order: Transparent conversations whose history has another order.
        unaccounted: Did not arrive, and nobody said so.
        forgotten: Arrived, but what was resumed later is from before.
        unfinished: Conversations whose last text was never answered.
    """

    sent: int = 0
    delivered: int = 0
    reported: int = 0
    cautious: int = 0
    with_session: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    unaccounted: int = 0
    forgotten: int = 0
    unfinished: int = 0

    def add(self, said: Conversation, arrived: list[int], history: list[int]) -> None:
        """Add a conversation.

        Args:
            said: What the client knows.
            arrived: The numbers that arrived at any connection, each as often as it did.
            history: The numbers in the history at the last turn, in order.
        """
        sent = range(1, said.sent + 1)
        strict = said.transparent and not (said.fresh or said.lost)
        found = Counter(history if strict else arrived)
        missing = sum(number not in found for number in sent)
        twice = Counter(history if said.transparent else arrived)
        self.sent += said.sent
        self.delivered += said.sent - missing
        self.duplicated += sum(count - 1 for count in twice.values())
        self.out_of_order += strict and history != sorted(history)
        self.forgotten += 0 if strict else sum(n in found and n not in history for n in sent)
        self.unfinished += not (said.finished or said.lost)
        reported = said.undelivered + said.unanswered
        reported += 0 if said.transparent else said.uncertain
        told = min(missing, reported)
        self.reported += told
        self.cautious += reported - told
        if said.lost:
            self.with_session += missing - told
        else:
            self.unaccounted += missing - told

    @property
    def good(self) -> bool:
        """Whether nothing is amiss."""
        return not (self.duplicated or self.out_of_order or self.unaccounted or self.unfinished)
