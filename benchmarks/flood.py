"""What does a message cost at full speed? Microseconds of the client's processor time per message.

    python -m benchmarks.flood [--json] [--quick] [--rounds N] [--peers ...] [--modes ...]

Input: `receive`, 1,920 bytes of PCM in a ``serverContent.modelTurn`` frame of about 2.6 KB; `send`,
640 bytes of PCM as ``realtimeInput.audio``, one chunk after the other; `send 16`, the same with a
backlog: 16 chunks, then wait until they are written, where the peer lets one wait for that.

One session takes the messages as fast as it can. Its clock stops when all have been seen (receive)
or when the server has confirmed that it has taken all (send). This lets a client batch: reads and
writes that carry many frames are cheaper per frame. `benchmarks.steady` is what a voice pays.
"""

from __future__ import annotations

from typing import Final

from benchmarks.figures import Goal
from benchmarks.harness import LESS_IS_BETTER, Question, Run, main

BURSTS: Final = {"send 0": "send", "send 16": "send 16"}
GROUPS: Final = tuple(
    f"{mode} {way}" for mode in ("plain", "tls") for way in ("receive", *BURSTS.values())
)

GOALS: Final = (
    Goal(GROUPS, "live", "bare", True, 1.25),
    Goal(GROUPS, "fast", "bare_fast", True, 1.35),
    Goal(("tls receive",), "genai", "live", False, 2.4),
    Goal(("tls receive",), "genai", "fast", False, 5.5),
    Goal(("tls send",), "genai", "live", False, 1.7),
    Goal(("tls send",), "genai", "fast", False, 5.0),
    Goal(("tls send 16",), "genai", "live", False, 4.0),
    Goal(("tls send 16",), "genai", "fast", False, 9.0),
)


def ask(run: Run) -> None:
    """Measure every peer both ways."""
    messages = 100 if run.quick else 4_000
    for number, peer, mode in run.turns():
        told = run.measure(peer, mode, "flood", messages=messages, bursts=[0, 16])
        for way, figures in told.items():
            name = f"{mode} {BURSTS.get(way, way)}"
            run.add(number, name, peer, figures["cpu"] / figures["frames"] * 1e6, figures)


QUESTION: Final = Question(
    "flood", "What does a message cost at full speed?", "us of CPU per message",
    ask, LESS_IS_BETTER, GOALS, rounds=7,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
