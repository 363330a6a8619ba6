"""What does a session cost in real time? Milliseconds of the client's processor time per second.

    python -m benchmarks.steady [--json] [--quick] [--rounds N] [--peers ...] [--modes ...]

Input: 20 and 60 sessions over TLS, each with 50 chunks of 640 bytes up and 25 messages of 1,920
bytes down a second, ticks spread evenly. Nearly every frame is then a wake-up of its own, and the
figure includes that wake-up and the application's timer: it is what a voice server pays. `timers`
and `shared clock` are as in `benchmarks.capacity`.
"""

from __future__ import annotations

from typing import Final

from benchmarks.capacity import WAYS
from benchmarks.harness import LESS_IS_BETTER, Question, Run, main
from benchmarks.inputs import RECEIVE_PERIOD, SEND_PERIOD

SESSIONS: Final = (20, 60)
SECONDS: Final = 2.0


def ask(run: Run) -> None:
    """Measure every peer at each number of sessions, both ways to keep time."""
    seconds = 0.3 if run.quick else SECONDS
    for number, peer, mode in run.turns("tls"):
        for sessions in (2,) if run.quick else SESSIONS:
            for way, shared in WAYS.items():
                figures = run.measure(
                    peer, mode, "talk", sessions=sessions, seconds=seconds,
                    down_period=RECEIVE_PERIOD, up_period=SEND_PERIOD, shared=shared,
                )  # fmt: skip
                each = figures["cpu"] / seconds / sessions * 1_000
                run.add(number, f"{sessions} open, {way}", peer, each, figures)


QUESTION: Final = Question(
    "steady", "What does a session cost in real time?", "ms of CPU per session and second",
    ask, LESS_IS_BETTER, rounds=3,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
