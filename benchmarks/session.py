"""What does a message cost the client? CPU microseconds per audio message, received and sent.

Question: how much processor time does trio_live take per message, beside the least that Trio can do
(trio-websocket and msgspec in a bare loop) and beside Google's own client (google-genai)?

Input: received, 1,920 bytes of PCM in a ``serverContent.modelTurn`` text frame; sent, 640 bytes of
PCM as ``realtimeInput.audio``. Over loopback, the server in a process and on a core of its own.

Machine: printed with the figures. Absolute times drift by a third between runs on shared machines;
the ratios are between runs of the same round, and they are what the goals are about.

Run as ``python -m benchmarks.session``; README.md says what each figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypedDict

from benchmarks.client import Figures
from benchmarks.common import (
    RECEIVE_PERIOD,
    SEND_PERIOD,
    Spread,
    can_pin,
    machine,
    spread,
    versions,
)
from benchmarks.peers import NAMES, PeerMissing, load, modes

ROOT = Path(__file__).parent.parent
MODES = ("plain", "tls")
DIRECTIONS = ("receive", "send")
BOTTLENECK_SHARE = 0.85
"""Of its core, from which on the server may have held the client up."""


class Goal(NamedTuple):
    """What a ratio should be: at most, or at least, a bound."""

    over: str
    under: str
    at_most: bool
    bound: float


GOALS = (
    Goal("live", "bare", True, 1.6),
    Goal("genai", "live", False, 2.0),
    Goal("genai", "fast", False, 5.0),
    Goal("live", "fast", False, 1.0),
)


class Key(NamedTuple):
    """What was measured."""

    mode: str
    direction: str
    peer: str


class Sample(NamedTuple):
    """One measurement: microseconds per message, and how busy the two cores were."""

    microseconds: float
    client_share: float
    server_share: float


Samples = dict[Key, dict[int, Sample]]
"""By what was measured, then by round."""


class Result(TypedDict):
    """The rounds of one peer, summarised."""

    mode: str
    direction: str
    peer: str
    microseconds: Spread
    client_share: float
    server_share: float
    server_was_bottleneck: bool


class Ratio(TypedDict):
    """One peer over another, round by round, beside the goal."""

    mode: str
    direction: str
    over: str
    under: str
    ratio: Spread
    goal: str
    met: bool


class Server:
    """The server process."""

    def __init__(self, process: subprocess.Popen[str], ca_file: Path) -> None:
        self._process = process
        self.ca_file = ca_file
        self.ports: dict[str, int] = json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server has ended")
        return line

    def url(self, mode: str) -> str:
        """Where the server listens."""
        return f"{'wss' if mode == 'tls' else 'ws'}://127.0.0.1:{self.ports[mode]}"

    def reports(self, count: int) -> list[dict[str, float]]:
        """The server's account of the last `count` commands."""
        return [json.loads(self._line()) for _ in range(count)]


@contextmanager
def serve() -> Iterator[Server]:
    """Run the server process."""
    with tempfile.TemporaryDirectory() as folder:
        ca_file = Path(folder) / "ca.pem"
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server", str(ca_file)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Server(process, ca_file)
            finally:
                process.terminate()


def environment() -> dict[str, str]:
    """Ours without what would lead a client elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(("GOOGLE_", "GEMINI_"))
    }


def measure(server: Server, peer: str, mode: str, options: argparse.Namespace) -> dict[str, Sample]:
    """Run one peer in a fresh process; return a sample per direction."""
    arguments = [options.messages, options.warm_up, options.steady]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.client", peer, server.url(mode), str(server.ca_file)]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{peer} over {mode} failed:\n{done.stderr[-4000:]}")
    figures: Figures = json.loads(done.stdout)
    # Warm-up and measurement in either direction; or one command per session and direction.
    reports = server.reports(2 * (options.steady or 2))
    half = len(reports) // 2
    samples = {}
    for direction, part in (("receive", reports[:half]), ("send", reports[half:])):
        figure = figures[direction]
        # Steady commands overlap, and each sees the whole server's time: the longest is the window.
        server_cpu = max(report["cpu"] for report in part) if options.steady else part[-1]["cpu"]
        samples[direction] = Sample(
            figure["cpu"] / figure["frames"] * 1e6,
            figure["cpu"] / figure["wall"],
            server_cpu / figure["wall"],
        )
    return samples


def run_rounds(server: Server, peers: list[str], options: argparse.Namespace) -> Samples:
    """Interleave the peers; a different one begins each round."""
    samples: Samples = {}
    for number in range(options.rounds):
        first = number % len(peers)
        for peer in peers[first:] + peers[:first]:
            for mode in modes(peer):
                if mode not in options.modes:
                    continue
                for direction, sample in measure(server, peer, mode, options).items():
                    samples.setdefault(Key(mode, direction, peer), {})[number] = sample
        print(f"round {number + 1} of {options.rounds} done", file=sys.stderr, flush=True)
    return samples


def results(samples: Samples) -> list[Result]:
    """Summarise each peer."""
    found: list[Result] = []
    for key in sorted(samples, key=lambda k: (k.mode, k.direction, NAMES.index(k.peer))):
        runs = list(samples[key].values())
        server_share = max(run.server_share for run in runs)
        found.append(
            {
                "mode": key.mode,
                "direction": key.direction,
                "peer": key.peer,
                "microseconds": spread([run.microseconds for run in runs]),
                "client_share": round(min(run.client_share for run in runs), 3),
                "server_share": round(server_share, 3),
                "server_was_bottleneck": server_share > BOTTLENECK_SHARE,
            }
        )
    return found


def ratios(samples: Samples) -> list[Ratio]:
    """Divide within each round, then summarise."""
    found: list[Ratio] = []
    for goal in GOALS:
        for mode in MODES:
            for direction in DIRECTIONS:
                over = samples.get(Key(mode, direction, goal.over))
                under = samples.get(Key(mode, direction, goal.under))
                if over is None or under is None:
                    continue
                values = spread([over[n].microseconds / under[n].microseconds for n in over])
                median, bound = values["median"], goal.bound
                found.append(
                    {
                        "mode": mode,
                        "direction": direction,
                        "over": goal.over,
                        "under": goal.under,
                        "ratio": values,
                        "goal": f"{'<=' if goal.at_most else '>='} {bound}",
                        "met": median <= bound if goal.at_most else median >= bound,
                    }
                )
    return found


def show(report: dict[str, object], rows: list[Result], divided: list[Ratio]) -> None:
    """Print for people."""
    for title in ("machine", "versions", "settings", "missing"):
        print(f"{title}: {report[title]}")
    print("\nCPU microseconds of the client per message")
    line = "{:6} {:8} {:6} {:>8} {:>8} {:>8} {:>8} {:>8}"
    print(line.format("mode", "", "peer", "median", "min", "max", "client", "server"))
    for row in rows:
        figure = row["microseconds"]
        cells = [f"{figure['median']:.1f}", f"{figure['min']:.1f}", f"{figure['max']:.1f}"]
        cells += [f"{row['client_share']:.0%}", f"{row['server_share']:.0%}"]
        note = "  the server was the bottleneck" if row["server_was_bottleneck"] else ""
        print(line.format(row["mode"], row["direction"], row["peer"], *cells) + note)
    print("\nRatios, median of the rounds")
    for ratio in divided:
        names, value = f"{ratio['over']} / {ratio['under']}", ratio["ratio"]
        print(
            f"{ratio['mode']:6} {ratio['direction']:8} {names:14} {value['median']:6.2f}"
            f" ({value['min']:.2f} to {value['max']:.2f})"
            f"   goal {ratio['goal']}: {'met' if ratio['met'] else 'not met'}"
        )


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.session", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=5000, help="per round and direction")
    parser.add_argument("--quick", action="store_true", help="one short round: does it run at all?")
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument(
        "--steady",
        type=int,
        metavar="SESSIONS",
        default=0,
        help="real time instead of full speed: so many sessions, each with 25 messages a second"
        " in and 50 out",
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a steady run")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.messages, options.seconds = 1, 200, 0.4
    if options.steady:
        # As many frames in either direction: sending takes half the time.
        options.messages = max(1, round(options.seconds / RECEIVE_PERIOD))
    options.warm_up = max(20, options.messages // 10)
    if options.rounds < 1 or options.messages < 1 or options.steady < 0:
        parser.error("rounds and messages start at 1, sessions at 0")
    return options


def main() -> None:
    """Measure, then print."""
    options = parse()
    peers, missing = [], {}
    for peer in options.peers:
        try:
            load(peer)
            peers.append(peer)
        except PeerMissing as error:
            missing[peer] = str(error)
    if not peers:
        raise SystemExit(f"nothing to measure: {missing}")
    with serve() as server:
        samples = run_rounds(server, peers, options)
    rows, divided = results(samples), ratios(samples)
    report: dict[str, object] = {
        "machine": machine() | {"pinned": can_pin()},
        "versions": versions(),
        "settings": {
            "rounds": options.rounds,
            "messages": options.messages,
            "steady_sessions": options.steady,
            "receive_period": RECEIVE_PERIOD if options.steady else 0,
            "send_period": SEND_PERIOD if options.steady else 0,
        },
        "missing": missing,
    }
    if options.json:
        print(json.dumps(report | {"results": rows, "ratios": divided}, indent=2))
    else:
        show(report, rows, divided)


if __name__ == "__main__":
    main()
