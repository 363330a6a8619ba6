"""Bars with spread, as one SVG: a panel per group of figures.

What lives here: drawing. What must not: measuring, Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from benchmarks.figures import Result

COLUMNS: Final = 3
PANEL_WIDTH: Final = 340
LABEL_WIDTH: Final = 84
VALUE_WIDTH: Final = 66
BAR: Final = 12
GAP: Final = 5
TITLE_HEIGHT: Final = 26
SECTION_HEIGHT: Final = 46
MARGIN: Final = 16

OURS: Final = ("live", "fast", "ours", "codec", "protocol")
FLOORS: Final = ("floor", "bare", "bare_fast", "base", "trio")
COLOUR: Final = "#8aa4c0"
OUR_COLOUR: Final = "#d9722e"
FLOOR_COLOUR: Final = "#bdbdbd"

STYLE: Final = (
    "text{font:11px sans-serif;fill:#222}.section{font-size:15px;font-weight:bold}"
    ".group{font-weight:bold}.value{fill:#444}"
)


def colour(series: str) -> str:
    """Tell ours, what ours is built on, and others apart."""
    if series in OURS:
        return OUR_COLOUR
    return FLOOR_COLOUR if series in FLOORS else COLOUR


def number(value: float) -> str:
    """Write a figure with three digits, or all those before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    """Write words at a place."""
    place = f'x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(words)}</text>"


def panel(title: str, rows: Sequence[Result], x: float, y: float) -> list[str]:
    """Draw one group: a bar to the median, and a line from the least to the most."""
    drawn = [text(x, y + 12, title, "group")]
    room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH - MARGIN
    most = max(row["value"]["max"] for row in rows) or 1.0
    for index, row in enumerate(rows):
        value = row["value"]
        top = y + TITLE_HEIGHT + index * (BAR + GAP) - 6
        middle, left = top + BAR / 2, x + LABEL_WIDTH
        width, low, high = (
            max(0.0, value[part]) / most * room for part in ("median", "min", "max")
        )
        drawn += [
            text(left - 6, top + BAR - 2, row["series"], "name", "end"),
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{BAR}"'
            f' fill="{colour(row["series"])}"/>',
            f'<path d="M{left + low:.1f} {middle:.1f}H{left + high:.1f}" stroke="#222"/>',
            text(left + max(width, high) + 5, top + BAR - 2, number(value["median"]), "value"),
        ]
    return drawn


def chart(reports: Sequence[dict[str, Any]]) -> str:
    """Draw all questions, one below the other, their groups in columns."""
    drawn: list[str] = []
    y = float(MARGIN)
    for report in reports:
        groups: dict[str, list[Result]] = {}
        for row in report["results"]:
            groups.setdefault(row["group"], []).append(row)
        drawn.append(text(MARGIN, y + 20, f"{report['title']} ({report['unit']})", "section"))
        y += SECTION_HEIGHT
        names = list(groups)
        for first in range(0, len(names), COLUMNS):
            line = names[first : first + COLUMNS]
            for column, name in enumerate(line):
                drawn += panel(name, groups[name], MARGIN + column * PANEL_WIDTH, y)
            tallest = max(len(groups[name]) for name in line)
            y += TITLE_HEIGHT + tallest * (BAR + GAP) + GAP
        y += MARGIN
    width = 2 * MARGIN + COLUMNS * PANEL_WIDTH
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y:.0f}"'
            f' viewBox="0 0 {width} {y:.0f}">',
            f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
            *drawn,
            "</svg>\n",
        ]
    )
