"""The benchmarks run and report in the promised shape. What they measure is never asserted."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from benchmarks.capacity import Search
from benchmarks.client import receive_all
from benchmarks.counts import bytecode_of
from benchmarks.figures import Goal, Key, Sample, lateness, ratios, results, spread
from benchmarks.harness import Run, Server
from benchmarks.inputs import RECEIVED_BYTES
from benchmarks.peers import NAMES, modes
from benchmarks.soak import Held, memory
from benchmarks.soak_account import Account
from benchmarks.soak_client import Conversation
from benchmarks.tools import TOOLS, Session, frames

ROOT = Path(__file__).parent.parent
NEEDS = {"genai": "google.genai", "picows": "picows"}
PEERLESS = ("codec", "fanout", "imports", "streams")
TALKING = ("capacity", "latency", "scale", "steady")


def exists(peer: str) -> bool:
    """Whether the library behind a peer is here."""
    try:
        return importlib.util.find_spec(NEEDS.get(peer, "websockets")) is not None
    except ModuleNotFoundError:
        return False


def run_quickly(question: str, *arguments: str) -> dict[str, Any]:
    """Run a question and read its report."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{question}", "--quick", "--json", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def check_report(report: dict[str, Any]) -> None:
    """See that a report has its parts, and figures that can be."""
    assert {"machine", "versions", "settings", "missing", "results", "ratios"} <= set(report)
    assert {"python", "trio", "trio-websocket", "msgspec", "picows"} <= set(report["versions"])
    assert {"cpu", "cores", "system", "pinned", "load"} == set(report["machine"])
    assert report["settings"] == {"rounds": 1, "quick": True}
    assert report["results"]
    for row in report["results"]:
        assert row["value"]["min"] == row["value"]["median"] == row["value"]["max"]
        assert row["server"] >= 0


def test_flood_measures_every_peer_that_exists() -> None:
    """A peer that is installed has positive figures for each of its modes, in all directions."""
    report = run_quickly("flood")
    check_report(report)
    ways = ("receive", "send", "send 16")
    for peer in NAMES:
        rows = [row for row in report["results"] if row["series"] == peer]
        expected = [f"{mode} {way}" for mode in modes(peer) for way in ways]
        assert [row["group"] for row in rows] == (expected if exists(peer) else [])
        assert (peer in report["missing"]) is not exists(peer)
        assert all(row["value"]["median"] > 0 for row in rows)
    seen = {(ratio["over"], ratio["under"]) for ratio in report["ratios"]}
    assert {("live", "bare"), ("fast", "floor"), ("ws_asyncio", "fast")} <= seen
    assert all(ratio["ratio"]["median"] > 0 for ratio in report["ratios"])


@pytest.mark.parametrize("question", TALKING)
def test_real_time_questions_run(question: str) -> None:
    """Each runs sessions on both event loops in real time, with a timer each or one clock."""
    report = run_quickly(question, "--peers", "ws_asyncio", "live", "fast")
    check_report(report)
    assert {row["series"] for row in report["results"]} == {"ws_asyncio", "live", "fast"}


@pytest.mark.parametrize("question", ["memory", "opening"])
def test_questions_of_many_sessions_run(question: str) -> None:
    """Each opens sessions one by one and together, plain and over TLS."""
    report = run_quickly(question, "--peers", "live", "fast")
    check_report(report)
    assert {row["group"].split()[0] for row in report["results"]} == {"plain", "tls"}


def test_storm_is_outlived_by_both_transports() -> None:
    """Dropped sessions come back, resumed; the run fails where one does not."""
    report = run_quickly("storm")
    check_report(report)
    assert {row["series"] for row in report["results"]} == {"live", "fast"}


@pytest.mark.parametrize("question", PEERLESS)
def test_questions_without_a_server_run(question: str) -> None:
    """Each has positive figures but where it subtracts."""
    report = run_quickly(question)
    check_report(report)
    for row in report["results"]:
        subtracted = row["series"] == "added" or row["group"] == "further reader"
        assert row["value"]["median"] > 0 or subtracted


def test_ratio_is_the_median_of_quotients_within_rounds() -> None:
    """A slow round slows both peers, so quotients come first and the median second."""
    live, bare = [10.0, 60.0, 15.0], [10.0, 30.0, 10.0]
    samples = {
        Key("send", peer): {n: Sample(us) for n, us in enumerate(figures)}
        for peer, figures in (("live", live), ("bare", bare))
    }
    goal = Goal(("send",), "live", "bare", True, 1.6)
    (ratio,) = ratios(samples, [("live", "bare"), ("genai", "live")], [goal])
    assert ratio["ratio"] == spread([1.0, 2.0, 1.5])
    assert (ratio["goal"], ratio["met"]) == ("<= 1.6", True)


def test_server_with_a_full_core_is_called_the_bottleneck() -> None:
    """The worst round counts, and rounds that others disturbed are counted."""
    runs = {0: Sample(1, server=0.1, waited=0.5), 1: Sample(3, server=0.95)}
    goal = Goal(("tls",), "bare", "", False, 2.5)
    (row,) = results({Key("tls", "bare"): runs}, [goal])
    assert (row["server_was_bottleneck"], row["noisy_rounds"], row["rounds"]) == (True, 1, 2)
    assert (row["goal"], row["met"]) == (">= 2.5", False)


def test_lateness_is_of_the_hundredth_message() -> None:
    """99 of 100 are at most so late."""
    assert lateness([0.001] * 98 + [0.5, 0.7]) == {
        "count": 100, "p50": 0.001, "p99": 0.7, "worst": 0.7
    }  # fmt: skip
    assert lateness([])["p99"] == 0


class Fake(Run):
    """A run in which a peer is in time up to a number of sessions."""

    def __init__(self, limit: int, tmp_path: Path, *, waited: float = 0.0) -> None:
        super().__init__(1, False, [], ["tls"], Server(tmp_path))
        self.limit, self.waited = limit, waited
        self.tried: list[int] = []

    def measure(self, peer: str, mode: str, job: str, **settings: Any) -> dict[str, Any]:
        self.tried.append(settings["sessions"])
        late = {"p99": 0.005 if settings["sessions"] <= self.limit else 0.020}
        return {"down": late, "up": late, "waited": self.waited, "server_waited": 0.0}


@pytest.mark.parametrize("before", [None, 40, 1000])
@pytest.mark.parametrize("limit", [1, 7, 60, 133, 900])
def test_search_finds_the_capacity_to_a_tenth(
    limit: int, before: int | None, tmp_path: Path
) -> None:
    """Wherever it begins, it ends at a number in time, with one that is not within a tenth."""
    run = Fake(limit, tmp_path)
    found = Search(run, "live", "tls", shared=False).find(before)
    assert limit / 1.11 - 1 <= found <= limit
    assert all(sessions > 0 for sessions in run.tried)


def test_search_excuses_disturbed_failures_a_few_times(tmp_path: Path) -> None:
    """Others on the machine are no failure of the peer, but a search ends all the same."""
    run = Fake(0, tmp_path, waited=0.5)
    assert Search(run, "live", "tls", shared=False).find(1) == 0
    assert run.tried == [1] * 5


class Lossy:
    """A session that loses the last message."""

    async def ask(self, command: str) -> None: ...

    async def receive(self, arrivals: list[float]) -> int:
        arrivals += [0.0] * 9
        return 9 * RECEIVED_BYTES

    async def push(self, chunk: bytes) -> None: ...

    async def flush(self) -> None: ...


async def test_peer_that_loses_messages_fails_the_run() -> None:
    """A client is not fast because it drops what it should read."""
    with pytest.raises(RuntimeError, match="expected 10 messages, got 9"):
        await receive_all(Lossy(), 10)


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


async def test_a_thousand_tools_cost_nothing_per_call(autojump_clock: MockClock) -> None:
    """A call of one among a thousand takes the same instructions as a call of the only one.

    Up to the start of its task; Trio's own are left out.
    """
    taken: list[int] = []
    for count in TOOLS:
        session = Session(count)
        async with trio.open_nursery() as nursery:
            await session.service.start(nursery)
            for call in frames(3):  # the last one finds everything warm
                counted = bytecode_of(partial(session.receive, call))
                await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        taken.append(sum(n for name, n in counted.items() if name.startswith("trio_live.")))
    assert taken[0] == taken[1] > 0


def run_json(*arguments: str) -> dict[str, Any]:
    """Run a script that must succeed, and read its report."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_soak_accounts_for_every_text_across_moves() -> None:
    """A few seconds of sessions that the service sends on: all is delivered, nothing is left."""
    report = run_json(
        "benchmarks.soak",
        *("--sessions", "4", "--minutes", "0.05", "--mean-life", "0", "--go-away-after", "1"),
    )
    assert report["good"]
    assert report["texts"]["sent"] == report["texts"]["delivered"] > 0
    assert report["reconnects"] > 0
    assert report["left_over"] == {"tasks": 0, "files": 0, "connections": 0}


def test_soak_tells_growth_of_what_is_kept_from_growth_of_the_heap() -> None:
    """Both are medians, behind the warm-up and at the end, so that one peak is no growth."""
    samples = [Held(at, 50.0, 1_000) for at in range(100)]
    samples[95] = Held(95, 90.0, 9_000)
    flat = memory(samples, 100.0)
    assert (flat["growth_percent"], flat["blocks_growth_percent"]) == (0, 0)
    assert flat["most_mib"] == 90
    frayed = memory([Held(at, 50.0 + at / 10, 1_000) for at in range(100)], 100.0)
    assert frayed["growth_percent"] > 10
    assert frayed["blocks_growth_percent"] == 0


def test_reconnect_benchmark_reports_gaps_and_storm() -> None:
    """The benchmark of reconnects runs, and its storm loses nothing."""
    report = run_json("benchmarks.reconnect", "--quick")
    assert set(report["loopback_ms"]) == set(report["round_trips"]) == {"drop", "rst", "go-away"}
    assert report["storm"]["resumed"] == report["storm"]["texts_arrived_once"] == 10


@pytest.mark.parametrize(
    ("said", "arrived", "history", "wrong"),
    [
        (Conversation("g", False, 3, finished=True), [1, 2, 3], [1, 2, 3], {}),
        (Conversation("g", False, 3, uncertain=1, finished=True), [1, 3], [1, 3], {}),
        (Conversation("g", False, 3, uncertain=1, finished=True), [1, 2, 3], [1, 3], {}),
        (Conversation("g", False, 3, finished=True), [1, 3], [1, 3], {"unaccounted": 1}),
        (Conversation("g", False, 2, finished=True), [1, 2, 2], [1, 2], {"duplicated": 1}),
        (Conversation("g", False, 2), [1, 2], [1, 2], {"unfinished": 1}),
        (Conversation("v", True, 2, finished=True), [1, 2, 2], [1, 2], {}),
        (Conversation("v", True, 2, finished=True), [1, 2], [1], {"unaccounted": 1}),
        (
            Conversation("v", True, 2, uncertain=1, finished=True),
            [1, 2],
            [1],
            {"unaccounted": 1},
        ),
        (Conversation("v", True, 2, finished=True), [1, 2], [2, 1], {"out_of_order": 1}),
        (Conversation("v", True, 2, finished=True), [1, 2], [1, 2, 2], {"duplicated": 1}),
        (Conversation("v", True, 2, fresh=True, finished=True), [1, 2], [2], {}),
        (Conversation("v", True, 2, lost=True), [1], [1], {}),
    ],
)
def test_soak_account_finds_what_nobody_reported(
    said: Conversation, arrived: list[int], history: list[int], wrong: dict[str, int]
) -> None:
    """Each way to be wrong is found, and what was reported is not wrong."""
    account = Account()
    account.add(said, arrived, history)
    names = ("unaccounted", "duplicated", "out_of_order", "unfinished")
    assert {n: getattr(account, n) for n in names if getattr(account, n)} == wrong
    assert account.good == (not wrong)
