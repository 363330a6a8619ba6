"""The report of all benchmarks: one page and one image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.chart import chart
from benchmarks.figures import Goal, Key, Sample, ratios, results
from benchmarks.report import QUESTIONS, page, write

ROOT = Path(__file__).parent.parent


@pytest.fixture
def reports() -> list[dict[str, Any]]:
    """What two questions came to, one with a goal."""
    goal = Goal(("one",), "genai", "fast", False, 2)
    samples = {
        Key("one", series): {0: Sample(value, server=0.9), 1: Sample(value + 1, waited=0.2)}
        for series, value in (("genai", 12345.0), ("fast", 6.0), ("floor", 0.5))
    }
    made: list[dict[str, Any]] = []
    for name, unit in (("flood", "us"), ("memory", "KiB & more")):
        made.append(
            {
                "question": name,
                "title": QUESTIONS[name].title,
                "unit": unit,
                "day": "2026-11-22",
                "machine": {"cpu": "C", "cores": 2, "system": "S", "pinned": True, "load": 0.5},
                "versions": {"trio": "1"},
                "settings": {"rounds": 2, "quick": False},
                "missing": {"picows": "not installed"},
                "results": results(samples, []),
                "ratios": ratios(samples, [("genai", "fast")], [goal]),
            }
        )
    return made


def test_report_asks_questions_and_writes_both_files(
    reports: list[dict[str, Any]], tmp_path: Path
) -> None:
    """One command gives the page and the image; what was known of other questions stays."""
    write(tmp_path, reports[0])
    command = [sys.executable, "-m", "benchmarks.report", "--quick", "--out", str(tmp_path)]
    subprocess.run(
        [*command, "--questions", "fanout", "codec"],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=True,
    )
    text = (tmp_path / "report.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## {QUESTIONS[name].title}" for name in ("flood", "codec", "fanout")
    ]
    ElementTree.parse(tmp_path / "report.svg")


def test_page_has_figures_spread_goals_and_circumstances(reports: list[dict[str, Any]]) -> None:
    """What a reader needs to judge a figure stands beside it."""
    text = page(reports)
    for part in (
        "2026-11-22, C, 2 cores, S",
        "load average 0.5; trio 1.",
        "Not measured: picows, not installed.",
        "| genai | 12,346 (12,345 to 12,346) |",
        "goal >= 2: met",
        "The server took at most 90% of its core. It may have been the bottleneck for genai (one)",
        "In 3 of 6 measurements others took the core",
        "report.svg",
    ):
        assert part in text


def test_chart_is_an_image_with_every_bar(reports: list[dict[str, Any]]) -> None:
    """Each series has its bar and its line of spread, in well-formed SVG."""
    svg = "{http://www.w3.org/2000/svg}"
    image = ElementTree.fromstring(chart(reports))
    bars = len(image.findall(f"{svg}rect")) - 1  # the first one is the background
    assert (bars, len(image.findall(f"{svg}path"))) == (6, 6)
    words = {label.text for label in image.findall(f"{svg}text")}
    assert {"floor", "How much memory does a session take? (KiB & more)"} <= words
