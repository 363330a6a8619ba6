"""How many sessions can one core hold in real time?

    python -m benchmarks.capacity [--json] [--quick] [--rounds N] [--peers ...] [--modes ...]

Input: each session sends 50 chunks of 640 bytes a second and gets 25 messages of 1,920 bytes, over
TLS. The sessions begin to talk one after another in 0.6 s, and their ticks are spread evenly. All
of them are due at known times. A chunk is late by as much as the server gets it after its time, a
message by as much as the application has it after its time.

The figure is the largest number of sessions, to a tenth, at which 99 of 100 chunks and 99 of 100
messages are at most 10 ms late. In `timers` each session has a task that sleeps until its next
chunk; in `shared clock` one task sends for all, by ticks 5 ms apart, and trio_live's sessions use
`send_audio_from`, whose clock has the same ticks. A number is refused when it fails twice; a
failure while a process waited for its core (others use the machine) does not count, up to three
times in a search.
"""

from __future__ import annotations

from typing import Any, Final

from benchmarks.figures import NOISY_SHARE, Goal
from benchmarks.harness import MORE_IS_BETTER, Question, Run, main
from benchmarks.inputs import RECEIVE_PERIOD, SEND_PERIOD

LIMIT: Final = 0.010
SECONDS: Final = 3.0
FIRST: Final = 60
FIRST_STEP: Final = 1.5
MOST: Final = 1_500
PRECISION: Final = 0.1
FAILURES: Final = 2
EXCUSES: Final = 3
WAYS: Final = {"timers": False, "shared clock": True}

GOALS: Final = (
    Goal(("timers",), "live", "genai", False, 1.3),
    Goal(("timers",), "fast", "genai", False, 2.5),
    Goal(("timers",), "fast", "ws_asyncio", False, 1.0),
    Goal(("shared clock",), "fast", "genai", False, 4.5),
)


class Search:
    """The search for one peer's limit."""

    def __init__(self, run: Run, peer: str, mode: str, *, shared: bool) -> None:
        self._run, self._peer, self._mode, self._shared = run, peer, mode, shared
        self._excuses = EXCUSES
        self.figures: dict[str, Any] = {}  # of the largest number that was in time

    def find(self, before: int | None) -> int:
        """Give the largest number of sessions that is in time, 0 if one already is too many.

        Args:
            before: What an earlier search found: it is tried first, and its neighbours.
        """
        if self._run.quick:
            return 2 if self._in_time(2) else 1
        good, bad, number = 0, MOST, before or FIRST
        step = 1 + PRECISION if before else FIRST_STEP
        while True:
            if self._in_time(number):
                good = number
            else:
                bad = number
            if bad - good <= max(1, PRECISION * good):
                return good
            if bad == MOST:
                number = min(MOST - 1, max(good + 1, int(good * step)))
            elif not good:
                number = int(bad / step)
            else:
                number = (good + bad) // 2

    def _in_time(self, sessions: int) -> bool:
        failures = 0
        while failures < FAILURES:
            figures = self._run.measure(
                self._peer,
                self._mode,
                "talk",
                sessions=sessions,
                seconds=0.3 if self._run.quick else SECONDS,
                down_period=RECEIVE_PERIOD,
                up_period=SEND_PERIOD,
                shared=self._shared,
            )
            if self._run.quick or max(figures["down"]["p99"], figures["up"]["p99"]) <= LIMIT:
                self.figures = figures
                return True
            disturbed = max(figures["waited"], figures["server_waited"]) > NOISY_SHARE
            if disturbed and self._excuses:
                self._excuses -= 1
            else:
                failures += 1
        return False


def ask(run: Run) -> None:
    """Search each peer's limit; each search begins where the one before ended."""
    found: dict[tuple[str, str], int] = {}
    for number, peer, mode in run.turns("tls"):
        for way, shared in WAYS.items():
            search = Search(run, peer, mode, shared=shared)
            found[peer, way] = search.find(found.get((peer, way)))
            run.add(number, way, peer, found[peer, way], search.figures)


QUESTION: Final = Question(
    "capacity", "How many sessions can one core hold in real time?", "sessions",
    ask, MORE_IS_BETTER, GOALS, rounds=3,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
