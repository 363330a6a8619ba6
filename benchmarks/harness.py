"""How a question is asked: the server, a fresh process for each measurement, rounds, the printing.

What lives here: `Question`, `Run` and `main`. A question's module says what to measure and adds
samples; what figures come to is in figures.py.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.cores import machine, versions
from benchmarks.figures import Goal, Key, Ratio, Result, Sample, Samples, ratios, results
from benchmarks.peers import NAMES, PeerMissing, load, modes

ROOT: Final = Path(__file__).parent.parent
MODES: Final = ("plain", "tls")
TIMEOUT: Final = 120
"""Seconds for one measurement, which takes a few."""
OURS: Final = ("live", "fast")

LESS_IS_BETTER: Final = (
    *(("live", under) for under in ("bare", "floor")),
    *(("fast", under) for under in ("bare_fast", "floor", "live")),
    *((peer, ours) for peer in ("genai", "ws_trio", "ws_asyncio", "picows") for ours in OURS),
)
"""Quotients of costs: ours over what it is built on, others over ours."""
MORE_IS_BETTER: Final = tuple(
    (ours, peer) for ours in OURS for peer in NAMES if peer not in OURS
)  # fmt: skip
"""Quotients of capacities: ours over all others."""


@dataclass(frozen=True)
class Question:
    """What a module asks.

    Attributes:
        name: The module.
        title: The question, for people.
        unit: Of the figures.
        ask: Measures, by adding samples to the run.
        pairs: Which series are divided by which.
        goals: What should come out.
        rounds: How many are usual.
        uses_peers: Whether peers and modes can be chosen.
    """

    name: str
    title: str
    unit: str
    ask: Callable[[Run], None]
    pairs: Sequence[tuple[str, str]] = ()
    goals: Sequence[Goal] = ()
    rounds: int = 5
    uses_peers: bool = True


@dataclass
class Run:
    """One run of one question.

    Attributes:
        quick: Only see that it works: one round of the smallest size.
        samples: What was measured.
        missing: Why a peer is not measured.
    """

    rounds: int
    quick: bool
    peers: Sequence[str]
    modes: Sequence[str]
    server: Server
    samples: Samples = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        present = []
        for peer in self.peers:
            try:
                load(peer)
                present.append(peer)
            except PeerMissing as error:
                self.missing[peer] = str(error)
        self.peers = present

    def turns(self, *only: str) -> Iterator[tuple[int, str, str]]:
        """Give round, peer and mode, of the modes `only`; another peer begins each round."""
        for number in range(self.rounds):
            first = number % max(1, len(self.peers))
            for peer in [*self.peers[first:], *self.peers[:first]]:
                for mode in modes(peer):
                    if mode in self.modes and mode in (only or MODES):
                        yield number, peer, mode
            print(f"round {number + 1} of {self.rounds} done", file=sys.stderr, flush=True)

    def measure(self, peer: str, mode: str, job: str, **settings: Any) -> dict[str, Any]:
        """Do one job of `benchmarks.client` in a fresh process."""
        arguments = {
            "peer": peer,
            "url": self.server.url(mode),
            "ca_file": str(self.server.ca_file),
            "report_port": self.server.ports["report"],
            "job": job,
            "settings": settings,
        }
        figures: dict[str, Any] = json.loads(
            fresh("-m", "benchmarks.client", json.dumps(arguments))
        )
        return figures

    def add(
        self, number: int, group: str, series: str, value: float, figures: dict[str, Any]
    ) -> None:
        """Add a sample of round `number`, with what the client says about the processes."""
        wall = figures.get("wall") or 1.0
        sample = Sample(value, figures.get("server", 0.0) / wall, figures.get("waited", 0.0))
        self.samples.setdefault(Key(group, series), {})[number] = sample


class Server:
    """The server process; it starts when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"
        self._process: subprocess.Popen[str] | None = None
        self._ports: dict[str, int] = {}

    @property
    def ports(self) -> dict[str, int]:
        """Where it listens."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.server", str(self.ca_file)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert self._process.stdout is not None
            self._ports = json.loads(self._process.stdout.readline())
        return self._ports

    def url(self, mode: str) -> str:
        """Where a client connects to."""
        return f"{'wss' if mode == 'tls' else 'ws'}://127.0.0.1:{self.ports[mode]}"

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()


@contextmanager
def serve() -> Iterator[Server]:
    """Have a server for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.stop()


def environment() -> dict[str, str]:
    """Ours without what would lead a client elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(("GOOGLE_", "GEMINI_"))
    }


def fresh(*arguments: str, **variables: str) -> str:
    """Run Python in a process of its own, with environment variables; give what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment() | variables,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:500]} failed:\n{done.stderr[-4000:]}")
    return done.stdout


def answer(question: Question, options: argparse.Namespace, server: Server) -> dict[str, Any]:
    """Ask a question; give the report, as it is printed with `--json`."""
    rounds = 1 if options.quick else options.rounds or question.rounds
    run = Run(rounds, options.quick, options.peers, options.modes, server)
    question.ask(run)
    return {
        "question": question.name,
        "title": question.title,
        "unit": question.unit,
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "settings": {"rounds": rounds, "quick": options.quick},
        "missing": run.missing,
        "results": results(run.samples, question.goals),
        "ratios": ratios(run.samples, question.pairs, question.goals),
    }


def show(report: dict[str, Any]) -> None:
    """Print for people."""
    for title in ("machine", "versions", "settings", "missing"):
        print(f"{title}: {report[title]}")
    print(f"\n{report['title']} ({report['unit']})")
    rows: list[Result] = report["results"]
    for row in rows:
        print(
            f"{row['group']:24} {row['series']:12} {_cells(row['value'])}  {'; '.join(notes(row))}"
        )
    divided: list[Ratio] = report["ratios"]
    if divided:
        print("\nRatios, median of the rounds")
    for ratio in divided:
        names = f"{ratio['over']} / {ratio['under']}"
        goal = f"goal {ratio['goal']}: {verdict(ratio['met'])}" if ratio["goal"] else ""
        print(f"{ratio['group']:24} {names:24} {_cells(ratio['ratio'])}  {goal}")


def _cells(value: Any) -> str:
    return f"{value['median']:10.2f} ({value['min']:.2f} to {value['max']:.2f})"


def verdict(met: bool | None) -> str:
    """Say whether a goal is met."""
    return "met" if met else "not met"


def notes(row: Result) -> list[str]:
    """What a reader of a figure should know."""
    found = []
    if row["server"]:
        found.append(f"server {row['server']:.0%}")
    if row["server_was_bottleneck"]:
        found.append("the server was the bottleneck")
    if row["noisy_rounds"]:
        found.append(f"disturbed in {row['noisy_rounds']} of {row['rounds']} rounds")
    if row["goal"]:
        found.append(f"goal {row['goal']}: {verdict(row['met'])}")
    return found


def parser(description: str) -> argparse.ArgumentParser:
    """What all questions understand."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--quick", action="store_true", help="one short round: does it run at all?")
    made.add_argument("--rounds", type=int, default=0, help="0: as many as are usual")
    made.add_argument("--peers", nargs="+", choices=NAMES, default=list(NAMES))
    made.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    return made


def main(question: Question) -> None:
    """Ask one question, then print."""
    made = parser(question.title)
    made.add_argument("--json", action="store_true", help="print one JSON object")
    options = made.parse_args()
    with serve() as server:
        report = answer(question, options, server)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
