"""How long does the import take? Milliseconds of processor time, and MiB, in a fresh interpreter.

    python -m benchmarks.imports [--json] [--quick] [--rounds N]

`base` is trio, trio-websocket and msgspec, which any Trio program for this service needs; `live` is
trio_live, `fast` the same with its fast transport, `genai` google.genai. `added` is live less base
of the same round. Net: the interpreter's own start is not in it. Everything is compiled beforehand.
"""

from __future__ import annotations

import tempfile
from typing import Final

from benchmarks.cores import CLIENT_CORE, pinned
from benchmarks.figures import Goal
from benchmarks.harness import Question, Run, fresh, main

IMPORTS: Final = {
    "base": "trio, trio_websocket, msgspec",
    "live": "trio_live",
    "fast": "trio_live, trio_live.transport.websockets",
    "genai": "google.genai",
}
MEASURE: Final = """
import time
from benchmarks.cores import resident_kib
before, begun = resident_kib(), time.process_time()
import {}
print((time.process_time() - begun) * 1000, (resident_kib() - before) / 1024)
"""
GOALS: Final = (Goal(("ms",), "added", "", True, 25),)
PAIRS: Final = (("live", "base"), ("genai", "live"), ("genai", "fast"))


def ask(run: Run) -> None:
    """Import each in a process of its own, after a first time that compiles it."""
    with tempfile.TemporaryDirectory() as cache, pinned(CLIENT_CORE):
        for number in range(-1, run.rounds):
            taken = {}
            for series, names in IMPORTS.items():
                told = fresh(
                    "-c",
                    MEASURE.format(names),
                    PYTHONPYCACHEPREFIX=cache,
                    PYTHONDONTWRITEBYTECODE="",
                )
                taken[series], mib = map(float, told.split())
                if number >= 0:
                    run.add(number, "ms", series, taken[series], {})
                    run.add(number, "MiB", series, mib, {})
            if number >= 0:
                run.add(number, "ms", "added", taken["live"] - taken["base"], {})


QUESTION: Final = Question(
    "imports", "How long does the import take?", "ms of CPU, MiB", ask, PAIRS, GOALS, rounds=9,
    uses_peers=False,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
