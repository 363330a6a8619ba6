"""How much later does audio arrive because of the client? Milliseconds, at 1, 20 and 100 sessions.

    python -m benchmarks.latency [--json] [--quick] [--rounds N] [--peers ...] [--modes ...]

Input: as in `benchmarks.capacity`, over TLS, a timer per session. `down` is from the server's write
to the application, `up` from the time for which the application's timer was set to the server's
read; the server's own lateness is taken off the former. The timers of both event loops count in
whole milliseconds, which is in `up` of all peers.
"""

from __future__ import annotations

from typing import Final

from benchmarks.harness import LESS_IS_BETTER, Question, Run, main
from benchmarks.inputs import RECEIVE_PERIOD, SEND_PERIOD

SESSIONS: Final = (1, 20, 100)
SECONDS: Final = 3.0


def ask(run: Run) -> None:
    """Measure every peer at each number of sessions."""
    for number, peer, mode in run.turns("tls"):
        for sessions in (1, 2) if run.quick else SESSIONS:
            figures = run.measure(
                peer, mode, "talk", sessions=sessions, seconds=0.3 if run.quick else SECONDS,
                down_period=RECEIVE_PERIOD, up_period=SEND_PERIOD,
            )  # fmt: skip
            for part in ("p50", "p99"):
                down = max(0.0, figures["down"][part] - figures["server_late"][part])
                for way, seconds in (("down", down), ("up", figures["up"][part])):
                    group = f"{sessions} open, {way} {part}"
                    run.add(number, group, peer, seconds * 1_000, figures)


QUESTION: Final = Question(
    "latency", "How much later does audio arrive because of the client?", "ms",
    ask, LESS_IS_BETTER, rounds=3,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
