"""How many instructions does a frame take? Counted, not timed: the same on a busy machine.

    python -m benchmarks.counts            # print them
    python -m benchmarks.counts --check    # compare with baseline.json; 1 if a path has grown
    python -m benchmarks.counts --update   # write baseline.json: look at what it changes

Input: the paths of `benchmarks.paths`, each called until it is warm. Two counters:

* bytecode: the instructions of Python, by function, from `sys.settrace`. They need no tool and
  depend on the code and on Python's minor version alone.
* machine: the processor's instructions per call, from valgrind's callgrind where it is installed.
  They see what msgspec does, and depend on the builds of Python and msgspec, so that they are only
  compared where these are the baseline's.

A path that takes over a tenth more than in the baseline fails the check, which names the functions
that have grown. A version that the baseline does not know is said, and not compared.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec

from benchmarks import paths
from benchmarks.harness import ROOT, Question, Run, environment

BASELINE: Final = Path(__file__).with_name("baseline.json")
ALLOWED: Final = 1.10
WARM_UP: Final = 5
CALLS: Final = 200
NAMED: Final = 12
"""Functions of a path that the baseline keeps under valgrind: there are thousands of tiny ones."""

Counts = dict[str, dict[str, int]]
"""By path, then by function; for valgrind the functions are those of C."""


def all_paths() -> dict[str, paths.Path]:
    """Every path under one name."""
    groups = {
        "decode": paths.decoding(),
        "encode": paths.encoding(),
        "receive": paths.receiving(),
        "send": paths.sending(),
        "publish": paths.publishing(),
    }
    return {f"{way} {kind}": path for way, kinds in groups.items() for kind, path in kinds.items()}


def bytecode_of(path: Callable[[], object]) -> Counter[str]:
    """Count the instructions of one call by function."""
    counts: Counter[str] = Counter()

    def trace(frame: FrameType, event: str, _: object) -> Any:  # settrace's own type
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            counts[_name(frame)] += 1
        return trace

    before = sys.gettrace()
    gc.disable()
    sys.settrace(trace)
    try:
        path()
    finally:
        sys.settrace(before)
        gc.enable()
    return counts


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


def count_bytecode() -> Counts:
    """Count all paths, each warm."""
    counts: Counts = {}
    for name, path in all_paths().items():
        for _ in range(WARM_UP):
            path()
        counts[name] = dict(sorted(bytecode_of(path).items()))
    return counts


def mark() -> None:
    """Make the system call that callgrind is told to look for; it has no effect."""
    os.getpriority(os.PRIO_PROCESS, 0)


def run_marked() -> None:
    """Call each path between two marks: what runs under valgrind."""
    gc.disable()
    for path in all_paths().values():
        for _ in range(WARM_UP):
            path()
        mark()
        for _ in range(CALLS):
            path()
        mark()


def count_machine() -> Counts | None:
    """Count all paths under valgrind, per call; None where it is not installed."""
    if shutil.which("valgrind") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        # Each mark writes what was counted since the last one into a file of its own.
        command += ["--dump-before=getpriority", "--zero-before=getpriority"]
        command += ["--compress-strings=no", sys.executable, "-m", "benchmarks.counts"]
        subprocess.run(
            [*command, "--under-valgrind"],
            cwd=ROOT,
            env=environment() | {"PYTHONHASHSEED": "0"},
            capture_output=True,
            check=True,
        )
        counts: Counts = {}
        for index, name in enumerate(all_paths()):
            # The first mark of a path ends what came before it, the second one the path.
            by_function = read_dump(Path(f"{out}.{2 * index + 2}"))
            counts[name] = {"all": round(by_function.total() / CALLS)}
            for function, instructions in by_function.most_common(NAMED):
                counts[name][function] = round(instructions / CALLS)
        return counts


def read_dump(file: Path) -> Counter[str]:
    """Read a callgrind file: instructions by function, without those of what it calls."""
    counts: Counter[str] = Counter()
    function, of_callee = "", False
    for line in file.read_text().splitlines():
        if line.startswith("fn="):
            function = line[3:].partition("'")[0]  # what is recursive is one function all the same
        elif line.startswith("calls="):
            of_callee = True  # the next line is what the callee took
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            _, *cost = line.split()
            if cost and not of_callee:
                counts[function] += int(cost[0])
            of_callee = False
    return counts


def total(by_function: Mapping[str, int]) -> int:
    """What a path takes in all."""
    return by_function["all"] if "all" in by_function else sum(by_function.values())


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Name the functions that take more than they did, those that grew most first.

    Of what valgrind counts, the baseline keeps only the largest: of others it is not known whether
    they grew, so they are told as "few" before.
    """
    absent = "few" if "all" in before else "0"
    known = {name: count - before.get(name, 0) for name, count in after.items() if name != "all"}
    names = sorted((name for name in known if known[name] > 0), key=lambda name: -known[name])
    return [f"{name}: {before.get(name, absent)} -> {after[name]}" for name in names]


def compare(before: Counts, after: Counts) -> list[str]:
    """Say which paths have grown by more than is allowed, and through which functions."""
    found = []
    for name, by_function in after.items():
        if name not in before:
            found.append(f"{name}: not in the baseline; run with --update")
            continue
        was, now = total(before[name]), total(by_function)
        if now > was * ALLOWED:
            found.append(f"{name}: {was} -> {now} instructions ({now / was - 1:+.0%})")
            found += [f"    {line}" for line in grown(before[name], by_function)]
    return found


def bytecode_version() -> str:
    """Name what counts of bytecode depend on."""
    return f"Python {'.'.join(platform.python_version_tuple()[:2])}"


def counters() -> dict[str, dict[str, Counts]]:
    """Count with what is there: by counter, then by what the counts depend on."""
    found = {"bytecode": {bytecode_version(): count_bytecode()}}
    machine = count_machine()
    if machine is not None:
        build = f"{platform.python_implementation()} {platform.python_version()}"
        built = f"{build}, msgspec {msgspec.__version__}, {platform.machine()}"
        found["machine"] = {built: machine}
    return found


def check(found: dict[str, dict[str, Counts]]) -> list[str]:
    """Compare with the baseline; say on the way what is not compared."""
    baseline: dict[str, dict[str, Counts]] = json.loads(BASELINE.read_text())
    complaints = []
    for counter, by_version in found.items():
        for version, counts in by_version.items():
            before = baseline.get(counter, {}).get(version)
            if before is None:
                print(f"{counter}: no baseline for {version}; not compared")
            else:
                print(f"{counter}: {len(counts)} paths, {version}")
                complaints += [f"{counter}: {line}" for line in compare(before, counts)]
    if "machine" not in found:
        print("machine: valgrind is not installed; not compared")
    return complaints


def update(found: dict[str, dict[str, Counts]]) -> None:
    """Write what was counted into the baseline; other versions stay."""
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    for counter, by_version in found.items():
        baseline.setdefault(counter, {}).update(by_version)
    BASELINE.write_text(json.dumps(baseline, indent=1, sort_keys=True) + "\n")


def ask(run: Run) -> None:
    """Put the counts into a report; there is no spread."""
    for counter, by_version in counters().items():
        for counts in by_version.values():
            for name, by_function in counts.items():
                run.add(0, name, counter, total(by_function), {})


QUESTION: Final = Question(
    "counts", "How many instructions does a frame take?", "instructions per call",
    ask, rounds=1, uses_peers=False,
)  # fmt: skip


def main() -> None:
    """Count, then do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the baseline")
    parser.add_argument("--update", action="store_true", help="write the baseline")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--under-valgrind", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.under_valgrind:
        run_marked()
        return
    found = counters()
    if options.update:
        update(found)
    elif options.check:
        complaints = check(found)
        print("\n".join(complaints) or "nothing has grown by more than a tenth")
        sys.exit(bool(complaints))
    elif options.json:
        print(json.dumps(found))
    else:
        for counter, by_version in found.items():
            for version, counts in by_version.items():
                print(f"{counter}, {version}")
                for name, by_function in counts.items():
                    print(f"  {name:32} {total(by_function):10}")


if __name__ == "__main__":
    main()
