"""The ledger of transparent resumption: each text once and in order, and the bound."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger_model import ModelService

from trio_live.ledger import Ledger, LedgerEntry

LIMIT = 200


def text(frame: str) -> LedgerEntry:
    """Make an entry that must not be lost."""
    return LedgerEntry("SendText", frame)


def audio(frame: str) -> LedgerEntry:
    """Make an entry that may fall out."""
    return LedgerEntry("SendAudio", frame, media=True)


def opened(*entries: LedgerEntry, limit: int = LIMIT) -> Ledger:
    """Make a ledger of a first connection on which these were written."""
    ledger = Ledger(limit)
    assert ledger.begin() == Counter()
    for entry in entries:
        ledger.note(entry)
    return ledger


def frames(ledger: Ledger) -> list[str]:
    """Give what is kept."""
    return [entry.frame for entry in ledger.entries]


class Resumptions(RuleBasedStateMachine):
    """A client and a service, with drops and updates at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.service = ModelService()
        self.ledger = Ledger(LIMIT)
        self.handle: str | None = None
        self.expected: list[str] = []  # all texts that were accepted
        self.lost: Counter[str] = Counter()  # media, as reported
        self.media = 0  # accepted

    @initialize()
    def open(self) -> None:
        """Connect, and get a handle for a session in which nothing was said."""
        self.service.connect(None)
        self.ledger.begin()
        self.update()

    @precondition(lambda self: self.service.connected and not self.ledger.waiting)
    @rule(padding=st.integers(0, 60), wide=st.booleans())
    def send_text(self, padding: int, wide: bool) -> None:
        """Write a numbered text, if it can be kept."""
        frame = f"text {len(self.expected)} " + ("é" if wide else "e") * padding
        entry = text(frame)
        if self.ledger.fits(entry.size):
            self.ledger.note(entry)
            self.service.wire.append(frame)
            self.expected.append(frame)

    @precondition(lambda self: self.service.connected and not self.ledger.waiting)
    @rule(size=st.integers(10, 90))
    def send_audio(self, size: int) -> None:
        """Write audio: always accepted."""
        frame = f"audio {self.media} ".ljust(size, "a")
        self.ledger.note(audio(frame))
        self.service.wire.append(frame)
        self.media += 1

    @precondition(lambda self: self.service.connected)
    @rule(count=st.integers(0, 5))
    def read(self, count: int) -> None:
        """The service reads some of what was written."""
        self.service.read(count)

    @precondition(lambda self: self.service.connected)
    @rule()
    def update(self) -> None:
        """The service hands out a handle, and the client has it at once."""
        self.handle, consumed = self.service.update()
        self.ledger.settle(consumed)

    @precondition(lambda self: self.service.connected)
    @rule()
    def update_that_is_lost(self) -> None:
        """The service hands out a handle, which the client never sees."""
        self.service.update()

    @precondition(lambda self: self.service.connected)
    @rule(read=st.integers(0, 5))
    def drop(self, read: int) -> None:
        """The connection is lost, after the service has read a part of what was written."""
        self.service.read(read)
        self.service.drop()

    @precondition(lambda self: not self.service.connected)
    @rule(written=st.integers(0, 20))
    def resume(self, written: int) -> None:
        """Connect again; the first messages of the replay are written, the rest may follow."""
        self.service.connect(self.handle)
        self.lost += self.ledger.begin()
        self.replay(written)

    @precondition(lambda self: self.service.connected and self.ledger.waiting)
    @rule(written=st.integers(1, 20))
    def replay(self, written: int) -> None:
        """Write some more of the replay."""
        left = self.ledger.replay()
        for _ in range(written):
            frame = next(left, None)
            if frame is None:
                break
            self.service.wire.append(frame)

    @invariant()
    def bounded(self) -> None:
        """The bytes are those of the entries, and within the bound."""
        assert self.ledger.bytes == sum(len(frame.encode()) for frame in frames(self.ledger))
        assert self.ledger.bytes <= self.ledger.peak_bytes <= LIMIT

    def teardown(self) -> None:
        """In the end each text is in the history once, in order, and each audio there or counted.

        A gap's audio may be counted on one connection only: it is not in the history then.
        """
        if not self.service.connected:
            self.service.connect(self.handle)
            self.lost += self.ledger.begin()
        self.service.wire.extend(self.ledger.replay())
        self.service.read(10**6)
        history = self.service.history
        assert [frame for frame in history if frame.startswith("text")] == self.expected
        heard = [int(frame.split()[1]) for frame in history if frame.startswith("audio")]
        assert heard == sorted(set(heard))
        assert len(heard) + self.lost["SendAudio"] == self.media
        assert set(self.lost) <= {"SendAudio"}
        handle, consumed = self.service.update()
        self.ledger.settle(consumed)
        assert (len(self.ledger), self.ledger.bytes, handle != "") == (0, 0, True)


TestResumptions = Resumptions.TestCase


def test_ledger_is_settled_up_to_an_index_of_this_connection() -> None:
    """The setup is 0; what the latest handle's state has in it is forgotten, nothing else."""
    ledger = opened(text("one"), audio("two"), text("three"))
    ledger.settle(0)
    assert frames(ledger) == ["one", "two", "three"]
    ledger.settle(2)
    assert frames(ledger) == ["three"]
    ledger.settle(1)  # an old one
    assert frames(ledger) == ["three"]
    ledger.settle(99)  # more than was written
    assert (len(ledger), ledger.bytes) == (0, 0)


def test_ledger_counts_anew_on_each_connection() -> None:
    """What is written again has the indices of the new connection, and comes before what is new."""
    ledger = opened(text("one"), text("two"), text("three"))
    ledger.settle(1)
    assert ledger.begin() == Counter()
    with pytest.raises(ValueError, match="comes first"):
        ledger.note(text("four"))
    assert list(ledger.replay()) == ["two", "three"]
    ledger.note(text("four"))
    ledger.settle(2)
    assert frames(ledger) == ["four"]


def test_ledger_replay_that_is_cut_begins_again() -> None:
    """A replay that was cut is repeated as a whole, but for what was settled meanwhile."""
    ledger = opened(text("one"), text("two"), text("three"))
    ledger.begin()
    replay = ledger.replay()
    assert [next(replay), next(replay)] == ["one", "two"]
    ledger.settle(1)
    ledger.begin()
    assert list(ledger.replay()) == ["two", "three"]


def test_ledger_full_of_audio_drops_the_oldest_and_counts_it_when_it_is_lost() -> None:
    """Audio that fell out is lost only if the connection is, before the service had it."""
    ledger = opened(*(audio(f"{i}".ljust(50, "a")) for i in range(6)))
    assert [frame[0] for frame in frames(ledger)] == ["2", "3", "4", "5"]
    assert (ledger.bytes, ledger.peak_bytes) == (200, 200)
    ledger.settle(1)
    assert ledger.begin() == Counter(SendAudio=1)
    assert ledger.begin() == Counter()


def test_ledger_settles_what_fell_out() -> None:
    """What the service has had is not lost, though it fell out of the ledger."""
    ledger = opened(*(audio(f"{i}".ljust(50, "a")) for i in range(6)))
    ledger.settle(4)
    assert ledger.begin() == Counter()
    assert [frame[0] for frame in ledger.replay()] == ["4", "5"]


def test_ledger_full_of_texts_refuses_texts_and_lets_audio_fall_out_at_once() -> None:
    """A text is never dropped: what does not fit is not written. Audio goes on, uncovered."""
    ledger = opened(text("a" * 150), audio("b" * 40), audio("c" * 10))
    assert (ledger.fits(50), ledger.fits(51)) == (True, False)
    ledger.note(text("d" * 45))
    assert [frame[0] for frame in frames(ledger)] == ["a", "d"]
    ledger.note(audio("e" * 10))
    assert [frame[0] for frame in frames(ledger)] == ["a", "d"]
    ledger.note(LedgerEntry("SendVideo", "f" * 10, media=True))
    assert ledger.begin() == Counter(SendAudio=3, SendVideo=1)


def test_ledger_withholds_answers_to_calls_that_the_restored_session_never_made() -> None:
    """Of calls made since the handle nobody there knows; their answers are counted as lost."""
    ledger = opened(
        LedgerEntry("SendToolResponse", "old", answers=("1",)),
        LedgerEntry("SendToolResponse", "both", answers=("1", "2")),
        LedgerEntry("SendToolResponse", "new", answers=("2",)),
        text("last"),
    )
    assert ledger.begin({"2"}) == Counter(SendToolResponse=1)
    assert list(ledger.replay()) == ["old", "both", "last"]
    assert ledger.bytes == 11


def test_ledger_abandoned_counts_everything() -> None:
    """Without a handle nothing can be written again: all of it is told."""
    ledger = opened(*(audio("a" * 80) for _ in range(3)), text("one"))
    assert ledger.begin() == Counter(SendAudio=1)
    next(ledger.replay())
    assert ledger.waiting == 2
    assert ledger.abandon() == Counter(SendAudio=2, SendText=1)
    assert (len(ledger), ledger.bytes, ledger.waiting) == (0, 0, 0)


def test_ledger_goes_on_from_its_entries() -> None:
    """The entries of one ledger, put into another, are what it writes first."""
    ledger = opened(text("one"), audio("two"), text("é"))
    other = Ledger(LIMIT, ledger.entries)
    assert (other.bytes, len(other)) == (8, 3)
    other.begin()
    assert list(other.replay()) == ["one", "two", "é"]


def test_ledger_entry_shows_no_payload() -> None:
    """The repr of an entry has neither text nor ids of its content."""
    shown = repr(LedgerEntry("SendText", '{"clientContent":"a secret"}'))
    assert shown == "LedgerEntry(name='SendText', frame=<28 chars>, media=False, answers=[])"
