"""What the processes of a benchmark share: the input, the cores, the machine, the arithmetic."""

from __future__ import annotations

import base64
import importlib.metadata
import os
import platform
import random
import statistics
from pathlib import Path
from typing import TypedDict

RECEIVED_BYTES = 1920
"""40 ms of the model's voice: 16-bit mono at 24,000 Hz."""
SENT_BYTES = 640
"""20 ms of a microphone: 16-bit mono at 16,000 Hz."""
RECEIVE_PERIOD = 0.040
SEND_PERIOD = 0.020

CLIENT_CORE = 0
SERVER_CORE = 1
SEED = 20261122

PACKAGES = (
    "trio", "trio-websocket", "wsproto", "msgspec", "google-genai", "pydantic", "websockets",
    "trio-live",
)  # fmt: skip


class Spread(TypedDict):
    """A figure over the rounds."""

    median: float
    min: float
    max: float


def spread(values: list[float]) -> Spread:
    """Summarise one figure over the rounds, to three digits after the point."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def pcm(size: int, index: int) -> bytes:
    """Noise, the same in each run: voice does not compress or repeat either."""
    return random.Random(SEED + index).randbytes(size)


def audio_json(data: bytes) -> bytes:
    """The server's message that carries `data`, as the service writes it."""
    coded = base64.b64encode(data)
    blob = b'{"mimeType":"audio/pcm;rate=24000","data":"' + coded + b'"}'
    return b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":' + blob + b"}]}}}"


def can_pin() -> bool:
    """Whether client and server can have a core each."""
    if not hasattr(os, "sched_getaffinity"):
        return False
    return {CLIENT_CORE, SERVER_CORE} <= os.sched_getaffinity(0)


def pin(core: int) -> None:
    """Keep this process on one core; without an effect where that cannot be done."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def machine() -> dict[str, str | int]:
    """Name the machine in the way that a reader of the figures needs."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cores": os.cpu_count() or 1, "system": platform.system()}


def versions() -> dict[str, str]:
    """The versions of everything that is measured."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "checkout" if package == "trio-live" else "none"
    return found
