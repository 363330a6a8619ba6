"""The documentation is true: its programs run and print what it says, its pictures are whole.

Every block marked `python` in docs/ and in README.md is a program of its own, or a file of tests:

- A program is executed. One that opens a session without an endpoint gets an echo on a loopback
  socket in place of the Gemini API: `endpoints.from_environment`, where `open_session` asks for
  the default, answers with that server's URL. Programs that connect in memory run on virtual time.
- A block marked `text` is what the program before it prints.
- A block with test functions is given to pytest.
- A block whose first line is a comment with a name, `# server.py`, is a file that the next program
  finds beside it.
"""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

import trio_live
from trio_live import endpoints
from trio_live.state import TRANSITIONS, SessionPhase, Trigger
from trio_live.testing import LiveServer

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SECONDS = 30.0  # no program takes one; a broken one must not hang

_FILE = re.compile(r"# (\w+\.py)\n")
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """One program: where it is, what it is, what it prints (None if the page does not say).

    `files` are what lies beside it: names and contents.
    """

    name: str
    code: str
    output: str | None
    files: tuple[tuple[str, str], ...] = ()

    @property
    def is_test_file(self) -> bool:
        return re.search(r"^(async )?def test_", self.code, re.MULTILINE) is not None

    @property
    def is_in_memory(self) -> bool:
        return "connect_to(" in self.code or "MemoryNetwork(" in self.code


def snippets() -> Iterator[Snippet]:
    """Give the programs of all pages."""
    for page in PAGES:
        if "_build" in page.parts:
            continue
        text = page.read_text(encoding="utf-8")
        blocks = list(_FENCE.finditer(text))
        files: list[tuple[str, str]] = []
        for block, after in zip(blocks, [*blocks, None][1:], strict=True):
            if block[1] != "python":
                continue
            if named := _FILE.match(block[2]):
                files.append((named[1], block[2]))
                continue
            output = after[2] if after is not None and after[1] == "text" else None
            line = text.count("\n", 0, block.start()) + 1
            yield Snippet(f"{page.relative_to(ROOT)}:{line}", block[2], output, tuple(files))
            files = []


SNIPPETS = list(snippets())
PROGRAMS = [snippet for snippet in SNIPPETS if not snippet.is_test_file]
TEST_FILES = [snippet for snippet in SNIPPETS if snippet.is_test_file]


def in_place_of_trio_run(
    monkeypatch: pytest.MonkeyPatch, *, virtual: bool
) -> Callable[[Callable[[], Awaitable[None]]], None]:
    """Make a `trio.run` that is bounded and, in real time, has the default endpoint beside it."""
    run = trio.run

    async def bounded(main: Callable[[], Awaitable[None]]) -> None:
        # Virtual time jumps to this deadline when a program would wait for ever.
        with trio.fail_after(SECONDS):
            if virtual:
                await main()
                return
            async with LiveServer(pace=0) as server:
                endpoint = trio_live.GoogleAI("test-key", base_url=await server.listen())
                monkeypatch.setattr(endpoints, "from_environment", lambda: endpoint)
                await main()

    def run_beside_server(main: Callable[[], Awaitable[None]]) -> None:
        clock = trio.testing.MockClock(autojump_threshold=0) if virtual else None
        run(bounded, main, clock=clock)

    return run_beside_server


@pytest.mark.parametrize("snippet", PROGRAMS, ids=lambda snippet: snippet.name)
def test_program_runs_and_prints_what_the_page_says(
    snippet: Snippet,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """A reader can paste any program of the documentation and see what it promises."""
    monkeypatch.setenv("GOOGLE_API_KEY", "test-key")
    replacement = in_place_of_trio_run(monkeypatch, virtual=snippet.is_in_memory)
    monkeypatch.setattr(trio, "run", replacement)
    monkeypatch.chdir(tmp_path)
    for name, content in snippet.files:
        (tmp_path / name).write_text(content, encoding="utf-8")
    exec(compile(snippet.code, snippet.name, "exec"), {"__name__": "__main__"})
    printed = capfd.readouterr()
    assert printed.err == ""
    if snippet.output is not None:
        assert printed.out == snippet.output


@pytest.mark.parametrize("snippet", TEST_FILES, ids=lambda snippet: snippet.name)
def test_file_of_tests_passes(snippet: Snippet, pytester: pytest.Pytester) -> None:
    """A reader can paste any test of the documentation, and it passes with nothing configured."""
    pytester.makeini("[pytest]\ntrio_mode = true\nfilterwarnings = error\n")
    pytester.makepyfile(snippet.code)
    result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider")
    count = len(re.findall(r"^(?:async )?def test_", snippet.code, re.MULTILINE))
    result.assert_outcomes(passed=count)


def test_every_program_of_the_concepts_says_what_it_prints() -> None:
    """Under docs/, a page that shows a program of its own server also shows the output."""
    silent = [s.name for s in PROGRAMS if s.is_in_memory and s.output is None]
    assert silent == []


def phase_diagram() -> dict[str, Any]:
    """Run the module that draws the phases; it is no part of a package."""
    return runpy.run_path(str(ROOT / "docs" / "_ext" / "phase_diagram.py"))


def test_phase_diagram_has_every_transition_once() -> None:
    """The arrows stand for the table of transitions, all of it and nothing else."""
    drawn = [edge for arrow in phase_diagram()["arrows"]() for edge in arrow.edges()]
    table = {
        (phase, trigger, target)
        for phase, entries in TRANSITIONS.items()
        for trigger, target in entries.items()
        if target is not phase
    }
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == table


def test_phase_diagram_names_every_phase_and_trigger() -> None:
    """No phase and nothing that happens is left out of the picture."""
    svg = phase_diagram()["svg"]()
    texts = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)).replace("&#x27;", "'")
    assert all(phase.name in texts for phase in SessionPhase)
    assert all(trigger.value in texts for trigger in Trigger)


def test_reference_has_every_public_name() -> None:
    """What can be imported from trio_live, its tools or its testing is documented."""
    pages = "\n".join(
        page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").iterdir()
    )
    documented = set(re.findall(r"auto\w+:: (\S+)", pages))
    public = {f"trio_live.{name}" for name in trio_live.__all__}
    public -= {"trio_live.tools"}  # a module
    for room in ("trio_live.testing", "trio_live.tools"):
        public |= {f"{room}.{name}" for name in sys.modules[room].__all__}
    assert sorted(public - documented) == []
