"""How soon are 500 sessions back that lose their connections at once?

    python -m benchmarks.storm [--json] [--quick] [--rounds N] [--modes ...]

The server drops all of them in the same moment, without a close frame, and takes everybody again,
by the handle that it gave. `typical` is the half of them, `last` the last one, in seconds from the
drop to the event that says that the session was resumed; `cpu` is the client's processor time per
session in milliseconds, from before the drop. Only peers that reconnect by themselves: ours.
"""

from __future__ import annotations

from typing import Final

from benchmarks.harness import OURS, Question, Run, main

SESSIONS: Final = 500


def ask(run: Run) -> None:
    """Drop and wait."""
    sessions = 10 if run.quick else SESSIONS
    for number, peer, mode in run.turns("tls"):
        if peer not in OURS:
            continue
        figures = run.measure(peer, mode, "storm", sessions=sessions)
        for name, value in (
            ("typical", figures["p50"]),
            ("last", figures["worst"]),
            ("cpu", figures["cpu"] / sessions * 1_000),
        ):
            run.add(number, name, peer, value, figures)


QUESTION: Final = Question(
    "storm", "How soon are 500 sessions back that lose their connections at once?",
    "seconds, ms of CPU per session", ask, (("fast", "live"),), rounds=3,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
