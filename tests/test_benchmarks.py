"""The benchmarks run and report in the promised shape. What they measure is never asserted."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import trio_live
from benchmarks.client import receive_all
from benchmarks.common import RECEIVED_BYTES, spread
from benchmarks.decode import SIZES
from benchmarks.peers import NAMES, modes
from benchmarks.session import Key, Sample, ratios, results
from benchmarks.tools import TOOLS

ROOT = Path(__file__).parent.parent


def exists(peer: str) -> bool:
    """Whether the library behind a peer is here."""
    match peer:
        case "live":
            return hasattr(trio_live, "open_session")
        case "genai":
            return importlib.util.find_spec("google.genai") is not None
    return True


def run_session(*arguments: str) -> dict[str, Any]:
    """Run the script and read its report."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.session", "--quick", "--json", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module", params=[(), ("--steady", "2")], ids=["flood", "steady"])
def report(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One short run of all peers."""
    return run_session(*request.param)


@pytest.mark.parametrize("peer", NAMES)
def test_quick_run_measures_every_peer_that_exists(report: dict[str, Any], peer: str) -> None:
    """A peer that is installed has positive figures for each of its modes, in both directions."""
    rows = [row for row in report["results"] if row["peer"] == peer]
    if not exists(peer):
        assert (rows, peer in report["missing"]) == ([], True)
        return
    assert peer not in report["missing"]
    measured = {(row["mode"], row["direction"]) for row in rows}
    assert measured == {(mode, way) for mode in modes(peer) for way in ("receive", "send")}
    for row in rows:
        figure = row["microseconds"]
        assert 0 < figure["min"] <= figure["median"] <= figure["max"]
        assert row["client_share"] > 0
        assert row["server_share"] >= 0
        assert isinstance(row["server_was_bottleneck"], bool)


def test_quick_run_names_machine_versions_and_settings(report: dict[str, Any]) -> None:
    """Figures come with what is needed to read them."""
    assert set(report) == {"machine", "versions", "settings", "missing", "results", "ratios"}
    assert set(report["machine"]) == {"cpu", "cores", "system", "pinned"}
    assert {"python", "trio", "trio-websocket", "msgspec"} <= set(report["versions"])
    assert report["settings"]["rounds"] == 1


def test_quick_run_divides_peers_that_exist(report: dict[str, Any]) -> None:
    """Each ratio has its goal beside it, and says whether it is met."""
    expected = set()
    if exists("live"):
        expected |= {("live", "bare", mode) for mode in ("plain", "tls")}
        expected |= {("live", "fast", mode) for mode in ("plain", "tls")}
        if exists("genai"):
            expected |= {("genai", "live", "tls"), ("genai", "fast", "tls")}
    seen = {(ratio["over"], ratio["under"], ratio["mode"]) for ratio in report["ratios"]}
    assert seen == expected
    for ratio in report["ratios"]:
        assert ratio["ratio"]["median"] > 0
        assert ratio["goal"].split()[0] in {"<=", ">="}
        assert isinstance(ratio["met"], bool)


def test_ratio_is_the_median_of_quotients_within_rounds() -> None:
    """A slow round slows both peers, so quotients come first and the median second."""
    live, bare = [10.0, 60.0, 15.0], [10.0, 30.0, 10.0]
    samples = {
        Key("plain", "send", peer): {n: Sample(us, 1, 0.1) for n, us in enumerate(figures)}
        for peer, figures in (("live", live), ("bare", bare))
    }
    (ratio,) = ratios(samples)
    assert ratio["ratio"] == spread([1.0, 2.0, 1.5])
    assert (ratio["goal"], ratio["met"]) == ("<= 1.6", True)


def test_server_with_a_full_core_is_called_the_bottleneck() -> None:
    """The worst round counts."""
    key = Key("tls", "receive", "bare")
    (row,) = results({key: {0: Sample(1, 1, 0.1), 1: Sample(1, 0.5, 0.95)}})
    assert (row["server_was_bottleneck"], row["client_share"]) == (True, 0.5)


class Lossy:
    """A session that loses the last message."""

    async def ask(self, command: str) -> None: ...

    async def receive(self) -> tuple[int, int]:
        return 9, 9 * RECEIVED_BYTES

    async def send(self, chunk: bytes, count: int, period: float, delay: float) -> None: ...


async def test_peer_that_loses_messages_fails_the_run() -> None:
    """A client is not fast because it drops what it should read."""
    with pytest.raises(RuntimeError, match="expected 10 messages, got 9"):
        await receive_all(Lossy(), 10)


def test_decode_benchmark_reports_each_size() -> None:
    """The benchmark of the codec runs and reports both ways to decode for each size."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.decode", "--quick", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    figures = json.loads(done.stdout)["figures"]
    assert list(figures) == [str(size) for size in SIZES]
    assert all(figure["codec"] > 0 and figure["plain"] > 0 for figure in figures.values())


def test_streams_benchmark_reports_each_way_and_mode() -> None:
    """The benchmark of the streams runs and compares both with Trio's, read and written."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.streams", "--quick", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    figures = json.loads(done.stdout)["figures"]
    assert list(figures) == ["plain read", "plain write", "tls read", "tls write"]
    for figure in figures.values():
        assert set(figure) == {"trio", "ours", "trio / ours"}


def test_tools_benchmark_reports_bare_tasks_and_tools() -> None:
    """The benchmark of tools runs and reports a bare task, one tool, and one among many."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tools", "--quick", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    figures = json.loads(done.stdout)["figures"]
    assert list(figures) == ["bare", *(f"tool of {count}" for count in TOOLS)]
    assert all(taken > 0 for taken in figures.values())
