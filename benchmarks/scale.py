"""Does a message cost more when there are more sessions? From 1 to 1,000 of them.

    python -m benchmarks.scale [--json] [--quick] [--rounds N] [--peers ...] [--modes ...]

Input: always 1,000 messages a second in either direction, over TLS, spread over the sessions. The
figure is microseconds of the client's processor time per message, wake-ups and timers included. It
is flat where nothing that is done for a message depends on the number of sessions.
"""

from __future__ import annotations

from typing import Final

from benchmarks.figures import Key
from benchmarks.harness import LESS_IS_BETTER, Question, Run, main

SESSIONS: Final = (1, 10, 100, 1_000)
PER_SECOND: Final = 1_000
SECONDS: Final = 2.0


def group(sessions: int) -> str:
    """Name a number of sessions."""
    return f"{sessions} open"


def ask(run: Run) -> None:
    """Measure every peer at each number of sessions."""
    numbers = (1, 10) if run.quick else SESSIONS
    for number, peer, mode in run.turns("tls"):
        for sessions in numbers:
            period = sessions / PER_SECOND
            figures = run.measure(
                peer, mode, "talk", sessions=sessions, seconds=0.1 if run.quick else SECONDS,
                down_period=period, up_period=period,
            )  # fmt: skip
            each = figures["cpu"] / figures["frames"] * 1e6
            run.add(number, group(sessions), peer, each, figures)
        least, most = (
            run.samples[Key(group(count), peer)][number].value
            for count in (numbers[0], numbers[-1])
        )
        run.add(number, "most / least", peer, most / least, {})


QUESTION: Final = Question(
    "scale", "Does a message cost more when there are more sessions?", "us of CPU per message",
    ask, LESS_IS_BETTER, rounds=3,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
