"""What does it take to open a session, and a thousand?

    python -m benchmarks.opening [--json] [--quick] [--rounds N] [--peers ...] [--modes ...]

Opening is name, TCP, TLS, upgrade, setup and its answer, on loopback. `cpu` and `wall` are
milliseconds per session, of 100 opened one after the other; `ramp` is milliseconds per session of
1,000, 64 at a time. All share one `ssl.SSLContext`, and stay open until the last one is.
"""

from __future__ import annotations

from typing import Final

from benchmarks.figures import Goal
from benchmarks.harness import LESS_IS_BETTER, Question, Run, main

SESSIONS: Final = 100
RAMP: Final = 1_000
TOGETHER: Final = 64

GOALS: Final = tuple(
    Goal((f"{mode} cpu",), ours, "bare", True, bound)
    for mode in ("plain", "tls")
    for ours, bound in (("live", 1.15), ("fast", 1.0))
)


def ask(run: Run) -> None:
    """Open one by one, then many at a time."""
    count, ramp = (5, 20) if run.quick else (SESSIONS, RAMP)
    for number, peer, mode in run.turns():
        figures = run.measure(peer, mode, "opening", sessions=count, together=1)
        for part in ("cpu", "wall"):
            run.add(number, f"{mode} {part}", peer, figures[part] / count * 1_000, figures)
        figures = run.measure(peer, mode, "opening", sessions=ramp, together=TOGETHER)
        run.add(number, f"{mode} ramp", peer, figures["wall"] / ramp * 1_000, figures)


QUESTION: Final = Question(
    "opening", "What does it take to open a session, and a thousand?", "ms per session",
    ask, (*LESS_IS_BETTER, ("fast", "bare")), GOALS, rounds=3,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
