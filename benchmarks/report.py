"""All questions in one run, as one Markdown page and one SVG.

    python -m benchmarks.report [--out FOLDER] [--quick] [--rounds N] [--questions ...]

Writes `report.md` and `report.svg` into the folder, docs/benchmarks by default, where the
documentation shows them, and `report.json`, from which both are made: a run of some questions keeps
what is there of the others. They are written after each question. All of it takes an hour with the
usual rounds, on a machine that has nothing else to do.
"""

from __future__ import annotations

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
    storm,
    streams,
)
from benchmarks.chart import chart, number
from benchmarks.figures import Ratio, Result, Spread
from benchmarks.harness import ROOT, answer, parser, serve, verdict

Report = dict[str, Any]
"""What `harness.answer` gives."""

QUESTIONS: Final = {
    module.QUESTION.name: module.QUESTION
    for module in (
        capacity, steady, flood, latency, scale, memory, opening, storm, imports, codec, fanout,
        streams, counts,
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


def section(report: Report) -> list[str]:
    """Write one question."""
    figures: list[Result] = report["results"]
    divided: list[Ratio] = report["ratios"]
    rounds = report["settings"]["rounds"]
    lines = [
        f"## {report['title']}",
        "",
        f"`python -m benchmarks.{report['question']}`; {report['unit']}, "
        f"{f'median of {rounds} rounds, and spread' if rounds > 1 else 'one round'}."
        + _circumstances(figures),
        "",
        *table("", *across((r["group"], r["series"], r["value"]) for r in figures)),
    ]
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
    lines += [*goals, ""] if goals else []
    machine, versions = report["machine"], report["versions"]
    where = "each process on a core of its own" if machine["pinned"] else "processes on any core"
    missing = "".join(f" Not measured: {peer}, {why}." for peer, why in report["missing"].items())
    return [
        *lines,
        f"{report['day']}, {machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
        f"{where}, load average {machine['load']}; "
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}.{missing}",
        "",
    ]


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


def page(reports: Sequence[Report]) -> str:
    """Write all of it as Markdown."""
    lines = [
        "# Measured",
        "",
        "Written by `python -m benchmarks.report`. What each figure means: `benchmarks/README.md`.",
        "",
        "```{image} report.svg",
        ":alt: All figures as bars with their spread",
        "```",
        "",
    ]
    for report in reports:
        lines += section(report)
    return "\n".join(lines).rstrip() + "\n"


def write(folder: Path, asked: Report) -> None:
    """Put one question's report into the files, in place of what was known of it."""
    file = folder / "report.json"
    known: dict[str, Report] = json.loads(file.read_text()) if file.exists() else {}
    known[asked["question"]] = asked
    known = {name: known[name] for name in QUESTIONS if name in known}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(known[name])}" for name in known)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{{\n{lines}\n}}\n")
    (folder / "report.md").write_text(page(list(known.values())))
    (folder / "report.svg").write_text(chart(list(known.values())))


def main() -> None:
    """Ask all, and write."""
    made = parser(str(__doc__).partition("\n")[0])
    made.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER")
    made.add_argument("--questions", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    options = made.parse_args()
    with serve() as server:
        for name in options.questions:
            print(f"--- {name}", file=sys.stderr, flush=True)
            write(options.out, answer(QUESTIONS[name], options, server))


if __name__ == "__main__":
    main()
