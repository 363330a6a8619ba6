"""Sphinx directives for what the documentation takes from the code.

- `phase-diagram` and `phase-table`: the phases, from `trio_live.state.TRANSITIONS`.
- `close-codes`: what closes, HTTP statuses and network troubles mean, from
  `trio_live.close_table`.
- `recoveries`: what each of them asks for, from the same.
- `error-tree`: the classes of errors, from the classes.
- `event-list`: every event with the first sentence of its docstring.

It also sets the last lines of docstrings ("Cancellation: ...", "Blocks: ...") apart.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias, get_args

import phase_diagram
from docutils import nodes  # type: ignore[import-untyped]
from docutils.parsers.rst import Directive  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer

import trio_live
from trio_live.close_table import (
    CLOSES,
    STATUSES,
    TROUBLES,
    CloseRow,
    Recovery,
    Verdict,
    When,
)
from trio_live.state import CONVERSATION, TRANSITIONS, SessionPhase, Trigger

if TYPE_CHECKING:
    from sphinx.application import Sphinx

Cell: TypeAlias = str | nodes.Node

_NOTE = re.compile(r"^(\s*)(Cancellation|Blocks|Raises, blocks|Source): ")


class FromCode(Directive):  # type: ignore[misc]  # docutils has no types
    """A directive without content: what it shows is in the code."""


class PhaseDiagram(FromCode):
    """The drawing, inline, so that it takes the page's colours."""

    def run(self) -> list[nodes.Node]:
        html = f'<div class="phase-diagram">{phase_diagram.svg()}</div>'
        return [nodes.raw("", html, format="html")]


class PhaseTable(FromCode):
    """Phase by what happens: one table for the connection, one for the conversation."""

    required_arguments = 1  # "connection" or "conversation"

    def run(self) -> list[nodes.Node]:
        talk = self.arguments[0] == "conversation"
        phases = [phase for phase in TRANSITIONS if (phase in CONVERSATION) is talk]
        rows: list[list[Cell]] = []
        for trigger in Trigger:
            if any(trigger in TRANSITIONS[phase] for phase in phases):
                rows.append([trigger.value, *(_next_phase(p, trigger) for p in phases)])
        head: list[Cell] = ["what happens", *(_phase(phase) for phase in phases)]
        built = table(head, rows, [3] + [2] * len(phases))
        built["classes"].append("phase-table")
        return [built]


class CloseCodes(FromCode):
    """One of the tables of what an end means, in the order in which rows are tried."""

    required_arguments = 1  # "closes", "statuses" or "troubles"

    def run(self) -> list[nodes.Node]:
        tail = ["recovery", "raised if for good", "what it means"]
        if self.arguments[0] == "closes":
            rows = [_close_row(row) for row in CLOSES]
            return [
                table(["code", "reason has", "when", *tail], rows, [1, 3, 2, 2, 2, 5])
            ]
        if self.arguments[0] == "statuses":
            rows = [
                [_numbers(row.first, row.last), *_verdict(row.verdict, "ConnectError")]
                for row in STATUSES
            ]
            return [table(["status", *tail], rows, [1, 2, 2, 5])]
        rows = [
            [trouble.value, *_verdict(verdict, "ConnectError")]
            for trouble, verdict in TROUBLES.items()
        ]
        return [table(["trouble", *tail], rows, [3, 2, 2, 5])]


class Recoveries(FromCode):
    """What an end of a connection can ask for."""

    def run(self) -> list[nodes.Node]:
        rows: list[list[Cell]] = [
            [nodes.literal("", recovery.name), recovery.value] for recovery in Recovery
        ]
        return [table(["recovery", "what it asks for"], rows, [1, 4])]


class ErrorTree(FromCode):
    """`LiveError` and what derives from it."""

    def run(self) -> list[nodes.Node]:
        return [_error_items(trio_live.LiveError)]


class EventList(FromCode):
    """All events, in the order of the union `SessionEvent`."""

    def run(self) -> list[nodes.Node]:
        rows: list[list[Cell]] = [
            [_reference(kind), _first_sentence(kind)]
            for kind in get_args(trio_live.SessionEvent)
        ]
        return [table(["event", "what it tells"], rows, [1, 3])]


def table(
    head: Sequence[Cell], rows: Sequence[Sequence[Cell]], widths: Sequence[int]
) -> nodes.table:
    """Build a table."""
    group = nodes.tgroup("", cols=len(head))
    group += [nodes.colspec("", colwidth=width) for width in widths]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *(_row(cells) for cells in rows))
    return nodes.table("", group)


def _row(cells: Sequence[Cell]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        content = nodes.Text(cell) if isinstance(cell, str) else cell
        row += nodes.entry("", nodes.paragraph("", "", content))
    return row


def _phase(phase: SessionPhase) -> nodes.Node:
    # A zero-width space lets the long names break, so that the table fits the page.
    return nodes.literal("", phase.name.replace("_", "_\u200b"))


def _next_phase(phase: SessionPhase, trigger: Trigger) -> Cell:
    target = TRANSITIONS[phase].get(trigger, phase)
    if not isinstance(target, SessionPhase):
        return "what is still going on"
    return "stays" if target is phase else _phase(target)


def _close_row(row: CloseRow) -> list[Cell]:
    raised = {When.SETUP: ["SetupError"], When.SESSION: ["ConnectionLost"]}
    return [
        "any" if row.code is None else str(row.code),
        "anything" if row.text is None else nodes.literal("", row.text),
        "any time" if row.when is None else row.when.value,
        *_verdict(
            row.verdict,
            *(
                ["SetupError", "ConnectionLost"]
                if row.when is None
                else raised[row.when]
            ),
        ),
    ]


def _verdict(verdict: Verdict, *raised: str) -> list[Cell]:
    recovery = nodes.inline("", "", nodes.literal("", verdict.recovery.name))
    if verdict.wait:
        recovery += nodes.Text(f", after {verdict.wait:g} s at least")
    if verdict.tries is not None:
        times = "once" if verdict.tries == 1 else f"{verdict.tries} times"
        recovery += [
            nodes.Text(f", {times} in a row, then "),
            nodes.literal("", verdict.then.name),
        ]
    errors = nodes.inline()
    for number, name in enumerate([] if verdict.clean else raised):
        errors += [
            nodes.Text(" or " if number else ""),
            _reference(getattr(trio_live, name)),
        ]
    cause = "a normal end" if verdict.clean else verdict.cause or "unknown"
    return [recovery, errors if errors.children else "nothing", cause]


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _error_items(error: type[trio_live.LiveError]) -> nodes.bullet_list:
    text = nodes.paragraph("", "", _reference(error))
    for base in error.__bases__:
        if base.__module__ == "builtins" and base is not Exception:
            text += [
                nodes.Text(" (also a "),
                nodes.literal("", base.__name__),
                nodes.Text(")"),
            ]
    text += [nodes.Text(": "), _first_sentence(error)]
    item = nodes.list_item("", text)
    public = [
        kind for kind in error.__subclasses__() if kind in vars(trio_live).values()
    ]
    for child in public:
        item += _error_items(child)
    return nodes.bullet_list("", item)


def _reference(target: type) -> nodes.Node:
    return addnodes.pending_xref(
        "",
        nodes.literal("", target.__name__),
        refdomain="py",
        reftype="class",
        reftarget=f"trio_live.{target.__name__}",
        refexplicit=True,
        refwarn=True,
    )


def _first_sentence(documented: type) -> nodes.Node:
    text = (inspect.getdoc(documented) or "").partition("\n\n")[0].replace("\n", " ")
    sentence = re.split(r"(?<=[a-z)])\. ", text)[0].rstrip(".")
    parts = nodes.inline()
    for number, piece in enumerate(re.split(r"`+", sentence)):
        parts += nodes.literal("", piece) if number % 2 else nodes.Text(piece)
    return parts


# Users are handed these; how they are made is nobody's business.
_HANDED_OUT = {
    "trio_live.MusicSession",
    "trio_live.SessionScope",
    "trio_live.Subscription",
    "trio_live.testing.MusicMoment",
    "trio_live.testing.MusicServerSession",
    "trio_live.testing.Reply",
    "trio_live.testing.ServerSession",
    "trio_live.testing.UserTurn",
}


def hide_constructor(
    app: Sphinx,
    what: str,
    name: str,
    target: object,
    options: object,
    *signature: str | None,
) -> tuple[str, None] | None:
    """Show no constructor where users never call it."""
    return ("", None) if name in _HANDED_OUT else None


def set_notes_apart(
    app: Sphinx, what: str, name: str, target: object, options: object, lines: list[str]
) -> None:
    """Give each of the closing notes of a docstring a paragraph of its own."""
    if what == "data":
        lines[:] = _alias_docs(name.rpartition(".")[2])
    if what in ("data", "attribute", "property"):
        # An empty comment, else napoleon takes what is before a colon for a type.
        lines[:0] = ["..", ""]
    lines[:] = _with_notes_apart(lines)


def _alias_docs(name: str) -> list[str]:
    """Give the text below an alias: where it is imported from, only its type's own is found."""
    modules = sorted(
        module for module in sys.modules if module.startswith("trio_live.")
    )
    for module in modules:
        if name in vars(sys.modules[module]):
            analyzer = ModuleAnalyzer.for_module(module)
            analyzer.analyze()
            if ("", name) in analyzer.attr_docs:
                return [*analyzer.attr_docs["", name], ""]
    return []


def _with_notes_apart(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if found := _NOTE.match(line):
            yield ""
            yield f"{found[1]}**{found[2]}:** {line[found.end() :]}"
        else:
            yield line


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything."""
    kinds: dict[str, type[Directive]] = {
        "phase-diagram": PhaseDiagram,
        "phase-table": PhaseTable,
        "close-codes": CloseCodes,
        "recoveries": Recoveries,
        "error-tree": ErrorTree,
        "event-list": EventList,
    }
    for name, directive in kinds.items():
        app.add_directive(name, directive)
    app.connect(
        "autodoc-process-docstring", set_notes_apart, priority=100
    )  # before napoleon
    app.connect("autodoc-process-signature", hide_constructor)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
