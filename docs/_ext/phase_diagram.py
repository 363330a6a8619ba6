"""The phase diagram, drawn from `trio_live.state.TRANSITIONS`.

What lives here: which arrows there are (computed from the table) and an SVG of them (boxes at
fixed places). What must not: Sphinx; see directives.py. The drawing uses the page's own text
colour and tints that let the background through, so that it reads in light and dark themes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from typing import Final, TypeAlias

from trio_live.state import (
    CONVERSATION,
    RESTING_PHASES,
    TRANSITIONS,
    SessionPhase,
    Trigger,
)

P = SessionPhase


@dataclass(frozen=True)
class Group:
    """Phases that often lead to the same place; drawn as a frame around them."""

    title: str
    phases: tuple[SessionPhase, ...]


CONNECTION: Final = Group(
    "any phase of a connection", (P.CONNECTING, P.SETUP_SENT, *CONVERSATION)
)
TALK: Final = Group("any phase of the conversation", CONVERSATION)
GROUPS: Final = (CONNECTION, TALK)  # the larger one first

Source: TypeAlias = SessionPhase | Group
Target: TypeAlias = SessionPhase | str  # a text is REST


@dataclass(frozen=True)
class Arrow:
    """One arrow: from a phase, or from all of a group but some, to a phase or to REST."""

    source: Source
    target: Target
    triggers: tuple[Trigger, ...]
    exceptions: tuple[SessionPhase, ...] = ()

    def edges(self) -> Iterator[tuple[SessionPhase, Trigger, Target]]:
        """Give the entries of the table that this arrow stands for."""
        phases = (
            self.source.phases if isinstance(self.source, Group) else (self.source,)
        )
        for phase in phases:
            if phase is not self.target and phase not in self.exceptions:
                for trigger in self.triggers:
                    yield phase, trigger, self.target


def arrows() -> list[Arrow]:
    """Give the arrows of the whole table. What leaves a phase as it is has none."""
    sources: dict[tuple[Trigger, Target], list[SessionPhase]] = {}
    for phase, entries in TRANSITIONS.items():
        for trigger, target in entries.items():
            if target is not phase:
                sources.setdefault((trigger, target), []).append(phase)
    found: list[Arrow] = []
    for (trigger, target), phases in sources.items():
        left = list(phases)
        for group in GROUPS:
            members = [phase for phase in group.phases if phase is not target]
            missing = tuple(phase for phase in members if phase not in left)
            if len(missing) <= 1:
                found.append(Arrow(group, target, (trigger,), missing))
                left = [phase for phase in left if phase not in members]
                break
        found += [Arrow(phase, target, (trigger,)) for phase in left]
    return _merged(found)


def _merged(found: list[Arrow]) -> list[Arrow]:
    """Make one arrow with several labels of those that run side by side."""
    merged: dict[tuple[Source, Target, tuple[SessionPhase, ...]], Arrow] = {}
    for arrow in found:
        key = (arrow.source, arrow.target, arrow.exceptions)
        before = merged.get(key)
        both = (
            arrow
            if before is None
            else replace(before, triggers=before.triggers + arrow.triggers)
        )
        merged[key] = both
    return list(merged.values())


# The drawing. Units are pixels; text is 12 of them high.

WIDTH: Final = 880
HEIGHT: Final = 790
BOX_WIDTH: Final = 168
BOX_HEIGHT: Final = 38
LINE: Final = 14

# The upper left corners of the boxes.
PLACES: Final[dict[SessionPhase, tuple[int, int]]] = {
    P.DISCONNECTED: (130, 12),
    P.DISCONNECTING: (640, 12),
    P.CONNECTING: (130, 160),
    P.SETUP_SENT: (390, 160),
    P.ACTIVE: (390, 290),
    P.USER_SPEAKING: (390, 366),
    P.MODEL_SPEAKING: (390, 442),
    P.INTERRUPTED: (390, 518),
    P.TOOL_CALL_PENDING: (390, 594),
    P.TOOL_CALL_EXECUTING: (390, 670),
}
# Left, top, right, bottom.
FRAMES: Final = {CONNECTION: (10, 120, 870, 780), TALK: (28, 214, 852, 764)}
BUS: Final = 56  # the line from which the arrows of the conversation's frame start
REST_BAR: Final = (744, 290, 836, 708)
ORDINALS: Final = ("first", "second", "third", "else")


def svg() -> str:
    """Draw everything."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-label="The phases of a session and what leads from one to another; the tables'
        ' below say the same" font-family="Helvetica, Arial, \'DejaVu Sans\', sans-serif"'
        ' font-size="12" fill="currentColor">',
        '<defs><marker id="phase-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8"'
        ' markerHeight="8" orient="auto-start-reverse"><path d="M0,1 L10,5 L0,9 z"'
        ' fill="currentColor"/></marker></defs>',
    ]
    for group in GROUPS:
        parts.append(_frame(group))
    parts += [_box(phase) for phase in TRANSITIONS]
    parts.append(_rest_bar())
    drawn = arrows()
    bus_ends = [_bus_level(arrow.target) for arrow in drawn if arrow.source is TALK]
    parts.append(_line([(BUS, FRAMES[TALK][1] + 26), (BUS, max(bus_ends))], head=False))
    for arrow in drawn:
        parts.append(_draw(arrow, drawn))
    for order, phase in enumerate(RESTING_PHASES):
        parts.append(_draw_rest(order, phase, drawn))
    return "\n".join([*parts, "</svg>"])


def _frame(group: Group) -> str:
    left, top, right, bottom = FRAMES[group]
    tint = "0.05" if group is CONNECTION else "0.08"
    # The bus hangs below the inner title; the way to the first phase passes where that of the
    # outer one would be.
    at, anchor = (left + 16, "start") if group is TALK else (right - 16, "end")
    return (
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="10"'
        f' fill="#4a7fd6" fill-opacity="{tint}" stroke="currentColor" stroke-opacity="0.35"/>'
        + _text([group.title], at, top + 20, anchor, italic=True)
    )


def _box(phase: SessionPhase) -> str:
    x, y = PLACES[phase]
    tint = "#4a7fd6" if phase in CONVERSATION else "#8a8f98"
    return (
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" fill="{tint}"'
        ' fill-opacity="0.22" stroke="currentColor"/>'
        f'<text x="{x + BOX_WIDTH / 2}" y="{y + BOX_HEIGHT / 2 + 4}" text-anchor="middle"'
        ' font-family="\'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-weight="bold">'
        f"{phase.name}</text>"
    )


def _rest_bar() -> str:
    left, top, right, bottom = REST_BAR
    middle, centre = (left + right) / 2, (top + bottom) / 2
    words = ["whatever is", "still going on:", "the first of", "these that", "applies"]
    text = _text(words, middle, centre - LINE * len(words) / 2 + LINE, "middle")
    return (
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="14"'
        ' fill="#d69a4a" fill-opacity="0.2" stroke="currentColor" stroke-dasharray="5 3"/>'
        + text
    )


def _centre(phase: SessionPhase) -> tuple[float, float]:
    x, y = PLACES[phase]
    return x + BOX_WIDTH / 2, y + BOX_HEIGHT / 2


def _bus_level(target: Target) -> float:
    return (
        _centre(target)[1] if isinstance(target, SessionPhase) else FRAMES[TALK][3] - 22
    )


def _draw(arrow: Arrow, drawn: list[Arrow]) -> str:
    source, target = arrow.source, arrow.target
    words = [trigger.value for trigger in arrow.triggers]
    if arrow.exceptions:
        words.append(
            f"(not from {', '.join(phase.name for phase in arrow.exceptions)})"
        )
    if source is TALK and not _is_outside(target):
        return _from_bus(target, words)
    if isinstance(source, Group):
        assert isinstance(target, SessionPhase), "a frame leads to REST only by the bus"
        return _from_frame(source, target, words)
    if isinstance(target, SessionPhase):
        return _between(source, target, words)
    y = _centre(source)[1] - (8 if source in RESTING_PHASES else 0)
    start, end = PLACES[source][0] + BOX_WIDTH, REST_BAR[0]
    label = _wrapped(words, 27)
    return _line([(start, y), (end, y)]) + _text(
        label, (start + end) / 2, y - 6 - LINE * (len(label) - 1), "middle"
    )


def _is_outside(target: Target) -> bool:
    return isinstance(target, SessionPhase) and target not in CONVERSATION


def _from_bus(target: Target, words: list[str]) -> str:
    y = _bus_level(target)
    if isinstance(target, SessionPhase):
        path = [(float(BUS), y), (float(PLACES[target][0]), y)]
    else:
        middle = (REST_BAR[0] + REST_BAR[2]) / 2
        path = [(float(BUS), y), (middle, y), (middle, float(REST_BAR[3]))]
    upper, lower = [w for w in words if w[0] != "("], [w for w in words if w[0] == "("]
    label = _wrapped(upper, 40)
    return (
        _line(path)
        + _text(label, BUS + 10, y - 6 - LINE * (len(label) - 1), "start")
        + _text(_wrapped(lower, 40), BUS + 10, y + 16, "start")
    )


def _from_frame(group: Group, target: SessionPhase, words: list[str]) -> str:
    x, y = PLACES[target]
    along = x + BOX_WIDTH * 0.75
    edge = FRAMES[group][1]
    anchor, at = ("end", along - 8) if along > WIDTH * 0.6 else ("start", along + 8)
    label = _wrapped(words, 26)
    top = (edge + y + BOX_HEIGHT) / 2 + 4 - LINE * (len(label) - 1) / 2
    return _line([(along, edge), (along, y + BOX_HEIGHT)]) + _text(
        label, at, top, anchor
    )


def _between(source: SessionPhase, target: SessionPhase, words: list[str]) -> str:
    (x1, y1), (x2, y2) = PLACES[source], PLACES[target]
    if y1 == y2:
        y = y1 + BOX_HEIGHT / 2
        start, end = (x1 + BOX_WIDTH, x2) if x1 < x2 else (x1, x2 + BOX_WIDTH)
        label = _wrapped(words, max(16, int(abs(end - start) / 6.5)))
        above = y - 6 - LINE * (len(label) - 1)
        return _line([(start, y), (end, y)]) + _text(
            label, (start + end) / 2, above, "middle"
        )
    along = max(x1, x2) + BOX_WIDTH * 0.25
    start, end = (y1 + BOX_HEIGHT, y2) if y1 < y2 else (y1, y2 + BOX_HEIGHT)
    anchor, at = ("end", along - 8) if x2 < WIDTH * 0.3 else ("start", along + 8)
    label = _wrapped(words, 20)
    top = (start + end) / 2 + 4 - LINE * (len(label) - 1) / 2
    return _line([(along, start), (along, end)]) + _text(label, at, top, anchor)


def _draw_rest(order: int, phase: SessionPhase, drawn: list[Arrow]) -> str:
    """Draw what REST can become: back from the bar to the box, below an arrow that leads there."""
    leads = any(
        arrow.source is phase and not isinstance(arrow.target, SessionPhase)
        for arrow in drawn
    )
    y = _centre(phase)[1] + (8 if leads else 0)
    start, end = REST_BAR[0], PLACES[phase][0] + BOX_WIDTH
    text = _text([ORDINALS[order]], (start + end) / 2, y + 15, "middle", italic=True)
    return _line([(start, y), (end, y)], dashed=True) + text


def _line(
    points: list[tuple[float, float]], *, dashed: bool = False, head: bool = True
) -> str:
    path = " ".join(
        f"{'L' if n else 'M'}{x:g},{y:g}" for n, (x, y) in enumerate(points)
    )
    dashes = ' stroke-dasharray="5 3"' if dashed else ""
    marker = ' marker-end="url(#phase-arrow)"' if head else ""
    return (
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.2"'
        f"{dashes}{marker}/>"
    )


def _text(
    lines: list[str], x: float, y: float, anchor: str, *, italic: bool = False
) -> str:
    style = ' font-style="italic"' if italic else ""
    return "".join(
        f'<text x="{x:g}" y="{y + n * LINE:g}" text-anchor="{anchor}"{style}>{escape(line)}</text>'
        for n, line in enumerate(lines)
    )


def _wrapped(words: list[str], width: int) -> list[str]:
    return [line for text in words for line in textwrap.wrap(text, width)]
