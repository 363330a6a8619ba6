"""Instruction counts: they are compared with the committed baseline, and growth is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import counts


def test_no_path_takes_more_instructions_than_the_baseline_allows() -> None:
    """Decode, encode, protocol and fan-out: bytecode within a tenth of the committed baseline."""
    version = counts.bytecode_version()
    baseline = json.loads(counts.BASELINE.read_text())["bytecode"]
    if version not in baseline:
        pytest.skip(f"no baseline for {version}")
    assert counts.compare(baseline[version], counts.count_bytecode()) == []


def test_counting_gives_the_same_twice() -> None:
    """A count is a property of the code, not of the run."""

    def path() -> list[str]:
        return sorted(str(number) for number in range(50))

    assert counts.bytecode_of(path) == counts.bytecode_of(path) != {}


def test_growth_is_reported_with_the_functions_that_grew() -> None:
    """A path over the allowance is named, then its functions, those that grew most first."""
    before = {"decode": {"same": 50, "grew": 20, "new": 0, "shrank": 30}, "send": {"f": 100}}
    after = {"decode": {"same": 50, "grew": 45, "new": 60, "shrank": 10}, "send": {"f": 110}}
    assert counts.compare(before, after) == [
        "decode: 100 -> 165 instructions (+65%)",
        "    new: 0 -> 60",
        "    grew: 20 -> 45",
    ]


def test_path_without_a_baseline_is_a_complaint() -> None:
    """A new path is counted from its first commit on."""
    assert counts.compare({}, {"new": {"f": 1}}) == ["new: not in the baseline; run with --update"]


def test_callgrind_file_is_read_by_function_without_callees(tmp_path: Path) -> None:
    """What a callee takes is counted with the callee; recursion is one function."""
    file = tmp_path / "out"
    file.write_text(
        "events: Ir\nfn=outer\n10 5\n+1 7\ncalls=2 30\n* 900\n-1 1\n"
        "fn=inner'2\n30 40\n31\ntotals: 953\n"
    )
    assert counts.read_dump(file) == {"outer": 13, "inner": 40}
