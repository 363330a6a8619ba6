"""How much memory does a session take? KiB of resident memory, idle and busy.

    python -m benchmarks.memory [--json] [--quick] [--rounds N] [--peers ...] [--modes ...]

A fresh process opens one session, for what is loaded or made only once, then 200 more: `idle` is
what each of these adds. `busy` is the same after a second of audio both ways in real time, with all
of them still open; the times that the benchmark notes are in it, about 1 KiB a session. All share
one `ssl.SSLContext`.
"""

from __future__ import annotations

from typing import Final

from benchmarks.figures import Goal
from benchmarks.harness import LESS_IS_BETTER, Question, Run, main
from benchmarks.inputs import RECEIVE_PERIOD, SEND_PERIOD

SESSIONS: Final = 200
BUSY_SESSIONS: Final = 50
"""Few enough that all peers keep up."""

GOALS: Final = (
    Goal(("tls idle",), "live", "", True, 56),
    Goal(("tls idle",), "fast", "", True, 44),
)


def ask(run: Run) -> None:
    """Measure every peer, idle and busy."""
    for number, peer, mode in run.turns():
        figures = run.measure(
            peer, mode, "opening", sessions=10 if run.quick else SESSIONS, together=10
        )
        run.add(number, f"{mode} idle", peer, figures["kib"], figures)
        figures = run.measure(
            peer, mode, "talk", sessions=5 if run.quick else BUSY_SESSIONS,
            seconds=0.2 if run.quick else 1.0, down_period=RECEIVE_PERIOD, up_period=SEND_PERIOD,
        )  # fmt: skip
        run.add(number, f"{mode} busy", peer, figures["kib"], figures)


QUESTION: Final = Question(
    "memory", "How much memory does a session take?", "KiB per session",
    ask, LESS_IS_BETTER, GOALS, rounds=3,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
