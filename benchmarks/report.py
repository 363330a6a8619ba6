"""All questions in one run, as one Markdown page and one SVG.

    python -m benchmarks.report [--out FOLDER] [--quick] [--rounds N] [--questions ...] [--json]

Writes `report.md` and `report.svg` into the folder, docs/benchmarks by default, where the
documentation shows them. It takes an hour with the usual rounds, on a machine that has nothing else
to do.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import (
    capacity,
    codec,
    counts,
    fanout,
    flood,
    imports,
    latency,
    memory,
    opening,
    scale,
    steady,
    streams,
)
from benchmarks.chart import chart, number
from benchmarks.figures import Ratio, Result, Spread
from benchmarks.harness import ROOT, answer, parser, serve, verdict

QUESTIONS: Final = {
    module.QUESTION.name: module.QUESTION
    for module in (
        capacity, steady, flood, latency, scale, memory, opening, imports, codec, fanout, streams,
        counts,
    )
}  # fmt: skip
FOLDER: Final = ROOT / "docs" / "benchmarks"


def cell(value: Spread) -> str:
    """Write a median, and its spread where there is one."""
    middle = number(value["median"])
    if value["min"] == value["max"]:
        return middle
    return f"{middle} ({number(value['min'])} to {number(value['max'])})"


def table(head: str, columns: Sequence[str], rows: dict[str, dict[str, str]]) -> list[str]:
    """Write a table: rows by name, cells by column."""
    lines = [f"| {head} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, cells in rows.items():
        lines.append(f"| {name} | {' | '.join(cells.get(column, '') for column in columns)} |")
    return [*lines, ""]


def across(
    entries: Iterable[tuple[str, str, Spread]],
) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Arrange (group, name, figure) with groups as columns, or as rows if there are many."""
    listed = list(entries)
    groups = list(dict.fromkeys(group for group, _, _ in listed))
    names = list(dict.fromkeys(name for _, name, _ in listed))
    many = len(groups) > len(names)
    rows: dict[str, dict[str, str]] = {}
    for group, name, value in listed:
        row, column = (group, name) if many else (name, group)
        rows.setdefault(row, {})[column] = cell(value)
    return (names if many else groups), rows


def section(report: dict[str, Any]) -> list[str]:
    """Write one question."""
    figures: list[Result] = report["results"]
    divided: list[Ratio] = report["ratios"]
    lines = [f"## {report['title']}", "", f"`python -m benchmarks.{report['question']}`; "]
    lines[-1] += f"{report['unit']}, median of {report['settings']['rounds']} rounds, and spread."
    lines[-1] += _circumstances(figures)
    lines += ["", *table("", *across((r["group"], r["series"], r["value"]) for r in figures))]
    if divided:
        lines += ["Quotients within rounds:", ""]
        lines += table(
            "",
            *across((r["group"], f"{r['over']} / {r['under']}", r["ratio"]) for r in divided),
        )
    goals = [
        f"- {r['group']}, {r['series']}: {cell(r['value'])}, goal {r['goal']}: {verdict(r['met'])}"
        for r in figures
        if r["goal"]
    ]
    goals += [
        f"- {r['group']}, {r['over']} / {r['under']}: {cell(r['ratio'])}, goal {r['goal']}: "
        f"{verdict(r['met'])}"
        for r in divided
        if r["goal"]
    ]
    return [*lines, *goals, ""] if goals else lines


def _circumstances(figures: Sequence[Result]) -> str:
    told = []
    busiest = max((row["server"] for row in figures), default=0.0)
    if busiest:
        told.append(f"The server took at most {busiest:.0%} of its core.")
    held = [f"{row['series']} ({row['group']})" for row in figures if row["server_was_bottleneck"]]
    if held:
        told.append(f"It may have been the bottleneck for {', '.join(held)}.")
    noisy, runs = sum(r["noisy_rounds"] for r in figures), sum(r["rounds"] for r in figures)
    if noisy:
        told.append(f"In {noisy} of {runs} measurements others took the core for a while.")
    return "".join(f" {sentence}" for sentence in told)


def page(reports: Sequence[dict[str, Any]], day: datetime.date) -> str:
    """Write all of it as Markdown."""
    first = reports[0]
    machine, versions = first["machine"], first["versions"]
    loads = [report["machine"]["load"] for report in reports]
    where = "each process on a core of its own" if machine["pinned"] else "processes on any core"
    lines = [
        "# Measured",
        "",
        "Written by `python -m benchmarks.report`. What each figure means: `benchmarks/README.md`.",
        "",
        f"- {day.isoformat()}, {machine['cpu']}, {machine['cores']} cores, {machine['system']}; "
        f"{where}; load average {min(loads)} to {max(loads)}",
        f"- {', '.join(f'{name} {version}' for name, version in versions.items())}",
    ]
    missing = {peer: why for report in reports for peer, why in report["missing"].items()}
    lines += [f"- {peer} is not measured: {why}" for peer, why in missing.items()]
    lines += ["", "```{image} report.svg", ":alt: All figures as bars with their spread", "```", ""]
    for report in reports:
        lines += section(report)
    return "\n".join(lines)


def main() -> None:
    """Ask all, then write."""
    made = parser(str(__doc__).partition("\n")[0])
    made.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER")
    made.add_argument("--questions", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    made.add_argument("--json", action="store_true", help="print one JSON object as well")
    options = made.parse_args()
    reports = []
    with serve() as server:
        for name in options.questions:
            print(f"--- {name}", file=sys.stderr, flush=True)
            reports.append(answer(QUESTIONS[name], options, server))
    options.out.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(datetime.UTC).date()
    (options.out / "report.md").write_text(page(reports, today))
    (options.out / "report.svg").write_text(chart(reports))
    if options.json:
        print(json.dumps({report["question"]: report for report in reports}))


if __name__ == "__main__":
    main()
