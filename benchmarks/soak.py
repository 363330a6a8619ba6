"""Do sessions outlive their connections for as long as it takes, and is every text accounted for?

    python -m benchmarks.soak [--sessions 50] [--minutes 10] [--json]

Clients in this process; the embedded server and a proxy that breaks connections in another. Every
client has one conversation of a minute after the other: numbered texts, audio, answers to calls.
Even ones resume transparently, as on Vertex AI. It fails if a text is unaccounted for or doubled,
or if a task, a file or a connection is left over.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any, NamedTuple

import trio

from benchmarks.cores import machine, versions
from benchmarks.far_end import FarEnd, far_end
from benchmarks.soak_account import Account
from benchmarks.soak_client import Conversation, Totals, keep_talking
from benchmarks.soak_server import more_files

SAMPLE_SECONDS = 5.0
WARM_UP = 0.3
"""The share of the time after which memory must not grow any more."""


def resident_mib() -> float:
    """Give the memory of this process that is resident, in MiB; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def open_files() -> int:
    """Count this process's file descriptors; 0 where the system does not say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) - 1 if folder.exists() else 0


def tasks() -> int:
    """Count the tasks of the whole program."""
    return trio.lowlevel.current_statistics().tasks_living


class Held(NamedTuple):
    """What this process holds at one time.

    Attributes:
        at: Seconds since the beginning.
        mib: Resident memory.
        blocks: Pieces of memory that Python has handed out and not got back.
    """

    at: float
    mib: float
    blocks: float


async def _watch_memory(samples: list[Held]) -> None:
    begun = trio.current_time()
    while True:
        gc.collect()
        at = round(trio.current_time() - begun, 1)
        samples.append(Held(at, round(resident_mib(), 2), sys.getallocatedblocks()))
        await trio.sleep(SAMPLE_SECONDS)


def memory(samples: list[Held], seconds: float) -> dict[str, float]:
    """Compare what is held behind the warm-up with the end, each the median of a tenth.

    What grows in MiB and not in blocks is nobody's: a peak of load, or holes in the heap.
    """
    window = seconds / 10

    def around(begin: float) -> Held:
        near = [s for s in samples if begin <= s.at <= begin + window] or [samples[-1]]
        return Held(*(statistics.median(figures) for figures in zip(*near, strict=True)))

    warm, end = around(seconds * WARM_UP), around(seconds - window)
    return {
        "start_mib": samples[0].mib,
        "warm_mib": warm.mib,
        "end_mib": end.mib,
        "most_mib": max(sample.mib for sample in samples),
        "growth_percent": round((end.mib / warm.mib - 1) * 100 if warm.mib else 0.0, 2),
        "warm_blocks": warm.blocks,
        "end_blocks": end.blocks,
        "blocks_growth_percent": round((end.blocks / warm.blocks - 1) * 100, 2),
    }


def percentiles(gaps: list[float]) -> dict[str, float]:
    """Summarise the gaps, in milliseconds."""
    if not gaps:
        return {}
    gaps = sorted(gaps)
    shares = {"median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {
        name: round(gaps[min(len(gaps) - 1, int(share * len(gaps)))] * 1000, 1)
        for name, share in shares.items()
    }


async def _soak(place: FarEnd, options: argparse.Namespace) -> dict[str, Any]:
    totals, conversations = Totals(), list[Conversation]()
    samples: list[Held] = []
    seconds = options.minutes * 60
    tasks_before, files_before = tasks(), open_files()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_watch_memory, samples)
        until = trio.current_time() + seconds
        async with trio.open_nursery() as clients:
            for number in range(options.sessions):

                async def client(number: int = number) -> None:
                    await keep_talking(
                        place,
                        number,
                        totals,
                        conversations,
                        until=until,
                        seconds=options.conversation,
                        audio_period=options.audio_period,
                        seed=options.seed,
                        transport=options.transport,
                    )

                clients.start_soon(client)
        nursery.cancel_scope.cancel()
    left = {"tasks": tasks() - tasks_before, "files": open_files() - files_before}
    report = await _final_report(place)
    account = Account()
    unaccounted: list[str] = []
    for said in conversations:
        before = account.unaccounted + account.duplicated + account.unfinished
        arrived, history = (
            report["arrived"].get(said.name, []),
            report["history"].get(said.name, []),
        )
        account.add(said, arrived, history)
        if account.unaccounted + account.duplicated + account.unfinished != before:
            unaccounted.append(repr(said))
    left["connections"] = report["open"]
    return {
        "texts": dataclasses.asdict(account),
        "repeated_in_a_history": report["repeated"],
        "conversations": len(conversations),
        "lost_sessions": totals.lost,
        "openings_failed": totals.openings_failed,
        "refused": sum(said.refused for said in conversations),
        "reconnects": len(totals.gaps),
        "fresh": totals.fresh,
        "gap_ms": percentiles(list(totals.gaps)),
        "audio": totals.audio,
        "audio_dropped": totals.audio_dropped,
        "calls": {
            "answered": totals.answers,
            "answered_too_late": totals.answers_late,
            "arrived": report["answered"],
        },
        "causes": dict(totals.causes.most_common()),
        "refusals": report["refusals"],
        "faults": report["faults"],
        "connections": report["connections"],
        "memory": memory(samples, seconds),
        "left_over": left,
        "surprises": totals.surprises[:10],
        "server_errors": report["errors"][:10],  # of the embedded server, which is not on trial
        "amiss": unaccounted[:20],
        "good": account.good
        and not report["repeated"]
        and not any(left.values())
        and not totals.surprises,
    }


async def _final_report(place: FarEnd) -> dict[str, Any]:
    """Ask what arrived, when the network has let go of what it holds."""
    await place.tell("wait-closed 15")
    return await place.tell("report")


async def _run(options: argparse.Namespace) -> dict[str, Any]:
    faults = ["--mean-life", str(options.mean_life)] if options.mean_life else []
    async with far_end(
        *faults,
        *("--seed", str(options.seed)),
        *("--jitter", "0.03"),
        *("--go-away-after", str(options.go_away_after)),
    ) as place:
        return await _soak(place, options)


def show(report: dict[str, Any]) -> None:
    """Print it for people."""
    for name, value in report.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for key, figure in value.items():
                print(f"    {key:<24}{figure}")
        else:
            print(f"{name:<28}{value}")


def main() -> None:
    """Soak and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--conversation", type=float, default=60.0, help="seconds of one")
    parser.add_argument("--audio-period", type=float, default=0.1, help="seconds")
    parser.add_argument("--mean-life", type=float, default=20.0, help="of connections; 0: for ever")
    parser.add_argument("--go-away-after", type=float, default=15.0)
    parser.add_argument(
        "--transport", choices=("trio-websocket", "websockets"), default="trio-websocket"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    more_files()
    settings = {name: value for name, value in vars(options).items() if name != "json"}
    report = {"machine": machine(), "versions": versions(), "settings": settings}
    report |= trio.run(_run, options)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    sys.exit(not report["good"])


if __name__ == "__main__":
    main()
