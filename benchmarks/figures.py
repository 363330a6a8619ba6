"""The arithmetic of figures: samples by round, what they come to, and quotients within rounds.

What must not live here: processes, clocks, printing.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final, NamedTuple, TypedDict

BOTTLENECK_SHARE: Final = 0.85
"""Of its core, from which on the server may have held the client up."""
NOISY_SHARE: Final = 0.05
"""Of the time for which a process waited for its core, from which on others disturbed it."""


class Spread(TypedDict):
    """A figure over the rounds."""

    median: float
    min: float
    max: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise one figure over the rounds, to three digits after the point."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


class Lateness(TypedDict):
    """How late messages were, in seconds."""

    count: int
    p50: float
    p99: float
    worst: float


def lateness(seconds: Sequence[float]) -> Lateness:
    """Summarise how late messages were; all 0 if there were none."""
    ordered = sorted(seconds) or [0.0]
    return {
        "count": len(seconds),
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        "worst": ordered[-1],
    }


class Key(NamedTuple):
    """What was measured: a group of bars in the report, and one of them."""

    group: str
    series: str


class Sample(NamedTuple):
    """One measurement. Shares are of the time that it took."""

    value: float
    server: float = 0.0  # busy
    waited: float = 0.0  # the client was ready, and its core was taken


Samples = dict[Key, dict[int, Sample]]
"""By what was measured, then by round."""


class Goal(NamedTuple):
    """What a figure should be, or its quotient: at most, or at least, a bound."""

    groups: tuple[str, ...]
    over: str
    under: str  # "" for the figure itself
    at_most: bool
    bound: float

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.bound:g}"

    def met(self, value: float) -> bool:
        """Whether a value reaches it."""
        return value <= self.bound if self.at_most else value >= self.bound


class Result(TypedDict):
    """The rounds of one series in one group, summarised."""

    group: str
    series: str
    value: Spread
    rounds: int
    server: float
    server_was_bottleneck: bool
    noisy_rounds: int
    goal: str
    met: bool | None


class Ratio(TypedDict):
    """One series over another, round by round, beside the goal."""

    group: str
    over: str
    under: str
    ratio: Spread
    goal: str
    met: bool | None


def results(samples: Samples, goals: Sequence[Goal]) -> list[Result]:
    """Summarise each series, group by group, in the order in which groups came up."""
    found: list[Result] = []
    groups = list(dict.fromkeys(key.group for key in samples))
    for key in sorted(samples, key=lambda key: groups.index(key.group)):
        runs = list(samples[key].values())
        value = spread([run.value for run in runs])
        busiest = max(run.server for run in runs)
        goal = _goal(goals, key.group, key.series, "")
        found.append(
            {
                "group": key.group,
                "series": key.series,
                "value": value,
                "rounds": len(runs),
                "server": round(busiest, 3),
                "server_was_bottleneck": busiest > BOTTLENECK_SHARE,
                "noisy_rounds": sum(run.waited > NOISY_SHARE for run in runs),
                "goal": str(goal) if goal else "",
                "met": goal.met(value["median"]) if goal else None,
            }
        )
    return found


def ratios(
    samples: Samples, pairs: Sequence[tuple[str, str]], goals: Sequence[Goal]
) -> list[Ratio]:
    """Divide within each round, then summarise."""
    found: list[Ratio] = []
    for group in dict.fromkeys(key.group for key in samples):
        for over, under in pairs:
            above, below = samples.get(Key(group, over)), samples.get(Key(group, under))
            if above is None or below is None:
                continue
            quotients = [
                above[n].value / below[n].value for n in above if n in below and below[n].value
            ]
            if not quotients:
                continue
            ratio = spread(quotients)
            goal = _goal(goals, group, over, under)
            found.append(
                {
                    "group": group,
                    "over": over,
                    "under": under,
                    "ratio": ratio,
                    "goal": str(goal) if goal else "",
                    "met": goal.met(ratio["median"]) if goal else None,
                }
            )
    return found


def _goal(goals: Sequence[Goal], group: str, over: str, under: str) -> Goal | None:
    found = (g for g in goals if group in g.groups and (g.over, g.under) == (over, under))
    return next(found, None)
