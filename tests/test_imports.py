"""What `import trio_live` brings along (law 12), and what waits until it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import trio_live

PACKAGE = Path(trio_live.__file__).parent

# Rooms that are imported where they are used. All others come with `import trio_live`.
LATER = {
    "__main__",
    "audio",
    "cli",
    "http_post",
    "music.handle",
    "music.protocol",
    "music.rules",
    "music.runner",
    "music.session",
    "testing",
    "tokens",
    "tools",
    "transport.memory",
    "transport.upgrade",
    "transport.websockets",
}

PROGRAM = """
import sys
import trio, trio_websocket, msgspec
before = set(sys.modules)
import trio_live
{use}
print(*sorted(set(sys.modules) - before))
"""


def imported(use: str = "") -> set[str]:
    """Give what a new interpreter has imported with trio_live, beyond what that stands on."""
    program = PROGRAM.format(use=use)
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


def later(module: str) -> bool:
    """Whether a module is of a room that is imported later."""
    name = module.removeprefix("trio_live.")
    return any(name == room or name.startswith(f"{room}.") for room in LATER)


def test_import_brings_the_rooms_of_a_session_and_nothing_else() -> None:
    """No room more, none less, and nothing of anybody else but what trio and msgspec have."""
    files = [path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")]
    names = {".".join(["trio_live", *parts]).removesuffix(".__init__") for parts in files}
    found = imported()
    assert {name for name in found if name.partition(".")[0] == "trio_live"} == {
        name for name in names if not later(name)
    }
    assert {name for name in found if name.partition(".")[0] != "trio_live"} == set()


@pytest.mark.parametrize("name", ["tools", "tokens", "open_music_session", "MusicSession"])
def test_names_that_come_later_are_there(name: str) -> None:
    """They are attributes like the others, and are looked up once."""
    assert name in dir(trio_live)
    use = f"from trio_live import {name}; assert vars(trio_live)['{name}'] is {name}"
    assert any(later(module) for module in imported(use) if module.startswith("trio_live."))


def test_name_that_does_not_exist() -> None:
    """It is told as of any module."""
    with pytest.raises(AttributeError, match="module 'trio_live' has no attribute 'nothing'"):
        trio_live.nothing  # type: ignore[attr-defined]  # noqa: B018
