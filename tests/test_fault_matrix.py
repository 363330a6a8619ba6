"""Every fault at every point of a session: what happens is exactly what the table says."""

from __future__ import annotations

import pytest
from fault_outcomes import OUTCOMES
from fault_scenario import run_fault
from trio.testing import MockClock

from trio_live.testing import Fault
from trio_live.testing.server.faults import KINDS, POINTS


def cells() -> dict[str, str]:
    """Read the table: "kind@point" and its outcome."""
    found: dict[str, str] = {}
    point = before = ""
    for line in OUTCOMES.strip().splitlines():
        if line.startswith("at "):
            point, _, before = line.removeprefix("at ").partition(": ")
        elif line:
            kind, _, outcome = line.partition(" ")
            found[f"{kind}@{point}"] = ", ".join(filter(None, [before, outcome.strip()]))
    return found


CELLS = cells()


@pytest.mark.parametrize("fault", CELLS)
async def test_fault_has_the_outcome_of_the_table(autojump_clock: MockClock, fault: str) -> None:
    """Laws 1, 4, 5: the events, the error, the time; nothing is left, each text is told of."""
    assert await run_fault(fault) == CELLS[fault]


def test_table_has_every_fault_at_every_point() -> None:
    """What cannot happen at a point is refused by the server's own words."""
    missing: list[str] = []
    for point in POINTS:
        for kind in KINDS:
            if f"{kind}@{point}" not in CELLS:
                missing.append(f"{kind}@{point}")
                with pytest.raises(ValueError, match="cannot happen"):
                    Fault(kind, point)
    others = [cell for cell in CELLS if cell.endswith("+1")]  # of the second connection
    assert len(missing) + len(CELLS) - len(others) == len(KINDS) * len(POINTS)
