"""The arrows of the house: which room may import which, and what no room may touch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "trio_live"

# Room -> the rooms it may import. Type-only imports count as well. Rooms above import from below.
ARROWS: dict[str, set[str]] = {
    "wire": set(),
    "turns": {"wire"},
    "state": {"turns", "wire"},
    "commands": {"wire"},
    "said": {"wire"},
    "calls": {"wire"},
    "links": {"wire"},
    "events": {"calls", "links", "music.events", "said", "state", "wire"},
    "errors": {"commands", "music.commands", "state"},
    "transport.interface": set(),
    "transport": {"transport.interface"},  # its __init__
    "transport.flusher": set(),
    "transport.outgoing": {"flag", "transport.flusher"},
    "transport.cutter": set(),
    "transport.text_frames": set(),
    "transport.inbox": {"transport.interface"},
    "flag": set(),
    "transport.frames": {"transport.opening", "transport.outgoing"},
    "transport.proxy": {"errors"},
    "transport.ssl_context": {"errors"},
    "transport.tickets": set(),
    "transport.tls": {"transport.outgoing", "transport.read_buffer"},
    "transport.read_buffer": set(),
    "transport.logs": set(),
    "transport.memory": {"transport.interface"},
    "close_table": {"transport.interface"},
    "close_codes": {
        "close_table",
        "commands",
        "errors",
        "music.commands",
        "state",
        "transport.interface",
    },
    "transport.failures": {
        "close_codes",
        "close_table",
        "errors",
        "transport.interface",
        "transport.proxy",
    },
    "transport.sockets": {"transport.read_buffer"},
    "transport.opening": {
        "transport.failures",
        "transport.interface",
        "transport.outgoing",
        "transport.proxy",
        "transport.sockets",
        "transport.tickets",
        "transport.tls",
    },
    "transport.trio_ws": {
        "errors",
        "flag",
        "transport.cutter",
        "transport.failures",
        "transport.frames",
        "transport.inbox",
        "transport.interface",
        "transport.logs",
        "transport.opening",
        "transport.outgoing",
        "transport.text_frames",
    },
    "transport.upgrade": {"transport.interface", "transport.opening", "transport.outgoing"},
    "transport.websockets": {
        "flag",
        "transport.cutter",
        "transport.failures",
        "transport.inbox",
        "transport.interface",
        "transport.opening",
        "transport.outgoing",
        "transport.text_frames",
        "transport.upgrade",
    },
    "transport.dialers": {
        "errors",
        "transport.interface",
        "transport.trio_ws",
        "transport.websockets",
    },
    "capabilities": {"wire"},
    "reconnect": {"close_table", "errors", "history", "state", "wire"},
    "outage": {"commands", "errors"},
    "connection": {
        "config",
        "endpoints",
        "errors",
        "flag",
        "state",
        "transport",
        "transport.dialers",
        "transport.proxy",
    },
    "config": {
        "capabilities",
        "errors",
        "reconnect",
        "transport.interface",
        "transport.proxy",
        "wire",
    },
    "endpoints": {"errors", "wire"},
    "http_post": {"endpoints", "errors", "transport.proxy", "wire"},
    "tokens": {
        "config",
        "endpoints",
        "errors",
        "http_post",
        "rules",
        "transport.opening",
        "transport.proxy",
        "wire",
    },
    "answers": {"errors", "wire"},
    "arguments": {"commands", "config", "errors", "wire"},
    "outbound": {"commands", "config", "errors", "wire"},
    "history": {"commands", "errors", "state", "wire"},
    "rules": {"capabilities", "config", "errors", "wire"},
    "parts": {"events", "wire"},
    "model_turn": {"events", "parts", "state", "turns", "wire"},
    "inbound": {"events", "model_turn", "parts", "state", "turns", "wire"},
    "carried": {"checkpoint", "commands", "events", "inbound", "ledger", "state", "wire"},
    "setups": {"config", "outbound", "wire"},
    "protocol": {
        "answers",
        "arguments",
        "carried",
        "checkpoint",
        "commands",
        "config",
        "errors",
        "events",
        "history",
        "inbound",
        "outbound",
        "rules",
        "setups",
        "state",
        "wire",
    },
    "ledger": {"wire"},
    "checkpoint": {"errors", "ledger", "wire"},
    "checkpoint_file": {"checkpoint"},
    "saver": {"checkpoint", "checkpoint_file", "events"},
    "subscription": {"errors", "events", "wire"},
    "fanout": {"errors", "events", "flag", "subscription"},
    "watch": {"errors", "events", "state"},
    "interfaces": {"checkpoint", "commands", "state", "subscription", "tools", "wire"},
    "pacing": {"errors"},
    "verbs": {"commands", "errors", "pacing", "wire"},
    "handle": {
        "arguments",
        "checkpoint",
        "command_channel",
        "commands",
        "errors",
        "fanout",
        "interfaces",
        "state",
        "subscription",
        "tools",
        "verbs",
        "watch",
    },
    "queued": {"commands", "errors"},
    "sent": {"commands", "ledger", "outage", "transport.interface"},
    "gate": {"commands", "events"},
    "tools": {
        "capabilities",
        "commands",
        "config",
        "errors",
        "events",
        "gate",
        "no_tools",
        "protocol",
        "wire",
    },
    "relay": {
        "arguments",
        "commands",
        "errors",
        "events",
        "flag",
        "ledger",
        "outage",
        "protocol",
        "reconnect",
        "sent",
        "transport.interface",
    },
    "command_channel": {"commands"},
    "outbox": {
        "arguments",
        "command_channel",
        "commands",
        "errors",
        "events",
        "gate",
        "ledger",
        "outage",
        "protocol",
        "queued",
        "reconnect",
        "relay",
        "transport.interface",
        "wire",
    },
    "liveness": set(),
    "keeper": {
        "close_table",
        "config",
        "connection",
        "errors",
        "fanout",
        "liveness",
        "protocol",
        "reader",
        "reconnect",
    },
    "planner": {"close_table", "protocol", "reconnect"},
    "opener": {
        "close_codes",
        "config",
        "connection",
        "endpoints",
        "errors",
        "events",
        "protocol",
        "state",
        "transport",
    },
    "reader": {"events", "fanout", "outbox", "protocol", "transport"},
    "lifeline": {
        "checkpoint",
        "close_codes",
        "close_table",
        "config",
        "connection",
        "endpoints",
        "errors",
        "events",
        "fanout",
        "keeper",
        "opener",
        "outbox",
        "planner",
        "protocol",
        "reader",
        "reconnect",
        "state",
        "transport",
    },
    "driver": {
        "checkpoint",
        "command_channel",
        "commands",
        "errors",
        "fanout",
        "interfaces",
        "lifeline",
        "no_tools",
        "outbox",
        "subscription",
        "tools",
        "transport",
    },
    "no_tools": {"commands", "config", "errors", "events"},
    "runner": {
        "checkpoint",
        "checkpoint_file",
        "close_codes",
        "close_table",
        "command_channel",
        "commands",
        "config",
        "driver",
        "endpoints",
        "errors",
        "events",
        "fanout",
        "flag",
        "handle",
        "lifeline",
        "no_tools",
        "outage",
        "outbox",
        "protocol",
        "saver",
        "state",
        "tools",
        "transport",
        "watch",
    },
    "session": {
        "checkpoint",
        "checkpoint_file",
        "config",
        "endpoints",
        "errors",
        "gate",
        "handle",
        "no_tools",
        "rules",
        "runner",
        "scope",
        "tools",
        "wire",
    },
    "scope": {"errors"},
    "music": set(),  # its __init__
    "music.wire": {"wire"},
    "music.commands": {"music.wire", "wire"},
    "music.events": {"music.wire", "wire"},
    "music.protocol": {
        "config",
        "errors",
        "events",
        "music.commands",
        "music.events",
        "music.wire",
        "parts",
        "state",
        "wire",
    },
    "music.handle": {
        "errors",
        "fanout",
        "music.commands",
        "music.protocol",
        "music.wire",
        "subscription",
    },
    "music.runner": {
        "close_codes",
        "close_table",
        "config",
        "connection",
        "endpoints",
        "errors",
        "events",
        "fanout",
        "music.commands",
        "music.handle",
        "music.protocol",
        "transport",
    },
    "music.session": {
        "config",
        "endpoints",
        "errors",
        "music.handle",
        "music.runner",
        "scope",
        "wire",
    },
    "testing.server": set(),  # speaks to clients over the wire only
    "testing": {
        "",
        "checkpoint",
        "commands",
        "config",
        "endpoints",
        "errors",
        "events",
        "fanout",
        "handle",
        "interfaces",
        "protocol",
        "rules",
        "subscription",
        "testing.server",
        "tools",
        "transport.memory",
        "transport.trio_ws",
        "watch",
    },
    "audio": {"errors"},
    "cli": {"", "audio", "endpoints", "testing"},
    "__main__": {"cli"},
}
ARROWS[""] = set(ARROWS) - {"testing", "testing.server", "audio", "cli", "__main__"}

# The core does no I/O (law 11): no trio, no clock, no logging.
CORE = {
    "wire",
    "state",
    "turns",
    "commands",
    "said",
    "calls",
    "links",
    "events",
    "errors",
    "close_table",
    "close_codes",
    "capabilities",
    "answers",
    "arguments",
    "outbound",
    "gate",
    "history",
    "rules",
    "parts",
    "model_turn",
    "inbound",
    "carried",
    "setups",
    "protocol",
    "music",
    "music.wire",
    "music.commands",
    "music.events",
    "music.protocol",
    "outage",
    "reconnect",
    "liveness",
    "ledger",
    "checkpoint",
}
IO_MODULES = {"trio", "time", "asyncio", "socket", "ssl", "logging", "threading", "select"}
WEBSOCKET_LIBRARIES = {"trio_websocket", "wsproto", "websockets"}
# What may be imported at the top of a module without an extra (law 12).
RUNTIME_DEPENDENCIES = {"trio", "trio_websocket", "wsproto", "h11", "msgspec"}
EXTRAS_ALLOWED_IN = {
    "audio": {"numpy", "soundfile", "soxr"},
    "cli": {"click", "rich"},
    "tools": {"docstring_parser", "mcp"},
    "endpoints": {"google"},  # google-auth
    "http_post": {"httpcore"},
    "transport.proxy": {"python_socks"},
    "transport.websockets": {"websockets"},
    "subscription": {"typing_extensions"},  # for type checkers, which bring it; never at run time
}


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def _room(module: str) -> str:
    """Give the longest room that a module's dotted name, without the package, lies in."""
    parts = module.split(".") if module else []
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in ARROWS:
            return name
    return ""


def _imports(path: Path, module: str) -> Iterator[str]:
    """Give the absolute name of everything that a file imports."""
    package = ["trio_live", *module.split(".")] if module else ["trio_live"]
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *((node.module or "").split(".") if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if _is_module(inner) else source


def _is_module(name: str) -> bool:
    if not name.startswith("trio_live."):
        return False
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").exists()


MODULES = dict(_modules())


@pytest.mark.parametrize("module", MODULES)
def test_layering_imports_follow_the_arrows(module: str) -> None:
    """A room imports only from the rooms that the table allows."""
    room = _room(module)
    for name in _imports(MODULES[module], module):
        if name == "trio_live" or name.startswith("trio_live."):
            target = _room(name.removeprefix("trio_live").removeprefix("."))
            assert target == room or target in ARROWS[room], f"{module} imports {name}"


def test_layering_arrows_have_no_cycle() -> None:
    """The table itself is acyclic, but for the package's own __init__, which imports the rest."""
    done: set[str] = set()
    waiting = {room: targets - {""} for room, targets in ARROWS.items() if room}
    while waiting:
        ready = {room for room, targets in waiting.items() if targets <= done}
        assert ready, f"a cycle among {sorted(waiting)}"
        done |= ready
        waiting = {room: t for room, t in waiting.items() if room not in ready}


@pytest.mark.parametrize("module", [m for m in MODULES if _room(m) in CORE])
def test_layering_core_does_no_io(module: str) -> None:
    """Law 11: the core imports no I/O, no clock, no logging, at run time or for types."""
    tops = {name.partition(".")[0] for name in _imports(MODULES[module], module)}
    # The one lock of the core keeps threads apart that each have a run, and waits for nothing else.
    lock = {"threading"} if module == "wire.first_look" else set[str]()
    assert tops & IO_MODULES == lock


@pytest.mark.parametrize(
    "module", [m for m in MODULES if not _room(m).startswith(("transport", "testing"))]
)
def test_layering_only_transport_and_testing_know_websockets(module: str) -> None:
    """A WebSocket library is imported in transport/ and testing/ only."""
    tops = {name.partition(".")[0] for name in _imports(MODULES[module], module)}
    assert tops & WEBSOCKET_LIBRARIES == set()


@pytest.mark.parametrize("module", MODULES)
def test_layering_no_private_names_of_other_packages(module: str) -> None:
    """Nothing reaches into the private parts of another package."""
    for name in _imports(MODULES[module], module):
        top, *rest = name.split(".")
        if top not in ("trio_live", "__future__"):
            assert not any(part.startswith("_") for part in rest), name
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if (
            isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and isinstance(node.value, ast.Name)
        ):
            assert node.value.id not in RUNTIME_DEPENDENCIES, ast.unparse(node)


@pytest.mark.parametrize("module", MODULES)
def test_layering_extras_are_imported_where_used(module: str) -> None:
    """Law 12: third-party modules beyond the runtime dependencies stay in their rooms."""
    import sys

    allowed = RUNTIME_DEPENDENCIES | {"trio_live"} | set(sys.stdlib_module_names)
    allowed |= EXTRAS_ALLOWED_IN.get(_room(module), set())
    if module == "testing.pytest_plugin":
        allowed |= {"pytest", "pytest_trio"}
    tops = {name.partition(".")[0] for name in _imports(MODULES[module], module)}
    assert tops <= allowed
