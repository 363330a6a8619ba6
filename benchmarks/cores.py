"""Where a process runs and what that tells: cores, processor time, waiting for a core, the machine.

Who uses it: the processes that measure, the server among them. What must not: what is measured.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CLIENT_CORE: Final = 0
SERVER_CORE: Final = 1

PACKAGES: Final = (
    "trio", "trio-websocket", "wsproto", "msgspec", "websockets", "picows", "uvloop",
    "google-genai", "pydantic", "trio-live",
)  # fmt: skip

_SCHEDULING: Final = Path("/proc/self/schedstat")
_PAGES: Final = Path("/proc/self/statm")


def can_pin() -> bool:
    """Whether client and server can have a core each."""
    if not hasattr(os, "sched_getaffinity"):
        return False
    return {CLIENT_CORE, SERVER_CORE} <= os.sched_getaffinity(0)


def pin(core: int) -> None:
    """Keep this process on one core; without an effect where that cannot be done."""
    if can_pin():
        os.sched_setaffinity(0, {core})


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this process on one core for as long as the block lasts."""
    allowed = os.sched_getaffinity(0) if can_pin() else None
    pin(core)
    try:
        yield
    finally:
        if allowed is not None:
            os.sched_setaffinity(0, allowed)


def allow_many_files() -> None:
    """Let this process have as many sockets as it may: thousands of sessions need them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def waited() -> float:
    """Seconds for which this thread was ready and another had its core; 0 where nobody counts."""
    return int(_SCHEDULING.read_text().split()[1]) / 1e9 if _SCHEDULING.exists() else 0.0


def resident_kib() -> float:
    """What this process has in memory, in KiB; 0 where that cannot be read."""
    if not _PAGES.exists():
        return 0.0
    return int(_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


class Clock:
    """Processor time of this process, real time, and waiting for the core, since its making."""

    def __init__(self) -> None:
        self._waited = waited()
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self) -> dict[str, float]:
        """Give `cpu` and `wall` in seconds, and `waited` as a share of the latter."""
        cpu = time.process_time() - self._cpu
        wall = time.perf_counter() - self._wall
        return {"cpu": cpu, "wall": wall, "waited": (waited() - self._waited) / wall}


def machine() -> dict[str, str | int | float | bool]:
    """Name the machine in the way that a reader of the figures needs."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "cpu": model,
        "cores": os.cpu_count() or 1,
        "system": platform.system(),
        "pinned": can_pin(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
    }


def versions() -> dict[str, str]:
    """The versions of everything that is measured."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "checkout" if package == "trio-live" else "none"
    return found
