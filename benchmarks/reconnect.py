"""For how long can nothing be sent when a connection is lost, and when a session moves on?

    python -m benchmarks.reconnect [--rounds 50] [--storm 500] [--json] [--quick]

The embedded server is in another process, behind a proxy that breaks connections when it is told
to. A gap is `Reconnected.gap_seconds`. Over loopback: after an end without a close frame, after a
reset, and at a move after goAway. Through a network of known latency: the same in round trips of
bytes (the proxy accepts TCP connections at once). And a storm: all of many sessions lose their
connections at the same time; each sends a text as soon as it is told.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import trio

import trio_live
from benchmarks.cores import machine, versions
from benchmarks.far_end import FarEnd, far_end
from benchmarks.soak_server import CALL_EVERY, more_files

ROUND_TRIP: Final = 0.1
"""Seconds of the slow network."""
GOAL_MS: Final = 50
GOAL_ROUND_TRIPS: Final = 2
COMMANDS: Final = {"drop": "cut drop", "rst": "cut rst", "go-away": "go-away 30"}
_OPENING: Final = 50  # sessions that open at a time

_CONFIG: Final = trio_live.SessionConfig("demo", response_modalities=["TEXT"])
# Each loss is the first of a row, however soon it comes.
_POLICY: Final = trio_live.ReconnectPolicy(stable_after=0)


@asynccontextmanager
async def _open(place: FarEnd, patience: float = 10.0) -> AsyncIterator[trio_live.SessionHandle]:
    transport = trio_live.TransportConfig(
        reconnect=_POLICY, proxy=None, connect_timeout=patience, setup_timeout=patience
    )
    async with trio_live.open_session(
        _CONFIG, endpoint=place.endpoint(), transport=transport
    ) as session:
        yield session


async def _until_resumable(session: trio_live.SessionHandle, text: str) -> None:
    """Say something, and wait for the answer and the handle that covers it."""
    await session.send_text(text)
    answered = False
    async for event in session:
        match event:
            case trio_live.TurnComplete():
                answered = True
            case trio_live.SessionResumeUpdate(resumable=True) if answered:
                return
            case _:
                pass
    raise RuntimeError("the session has ended")


async def _until_back(session: trio_live.SessionHandle) -> trio_live.Reconnected:
    async for event in session:
        if isinstance(event, trio_live.Reconnected):
            return event
    raise RuntimeError("the session has ended")


async def measure(place: FarEnd, command: str, rounds: int) -> list[float]:
    """Give the gaps in seconds of a session that loses one connection after another."""
    gaps: list[float] = []
    async with _open(place) as session:
        for number in range(1, rounds + 1):
            await _until_resumable(session, f"{command}:{number * CALL_EVERY + 1}")
            await place.tell(command)
            back = await _until_back(session)
            if not back.restored:
                raise RuntimeError("the session was not resumed")
            gaps.append(back.gap_seconds)
    return gaps


async def measure_storm(place: FarEnd, count: int) -> dict[str, Any]:
    """Let so many sessions lose their connections at once."""
    gaps: list[float] = []
    all_open, all_back, leave = trio.Event(), trio.Event(), trio.Event()
    door = trio.CapacityLimiter(_OPENING)
    ready = restored = 0

    async def one(number: int) -> None:
        nonlocal ready, restored
        await door.acquire_on_behalf_of(number)
        async with _open(place, patience=60) as session:
            await _until_resumable(session, f"storm {number}:1")
            door.release_on_behalf_of(number)
            ready += 1
            if ready == count:
                all_open.set()
            async for event in session:
                match event:
                    case trio_live.Reconnecting(attempt=1):
                        await session.send_text(f"storm {number}:2")
                    case trio_live.Reconnected():
                        gaps.append(event.gap_seconds)
                        restored += event.restored
                        if len(gaps) == count:
                            all_back.set()
                    case trio_live.TextComplete(text="2"):
                        break
                    case _:
                        pass
            await leave.wait()

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(one, number)
        await all_open.wait()
        before = (await place.tell("report"))["connections"]
        begun = time.perf_counter()
        await place.tell("cut drop")
        await all_back.wait()
        taken = time.perf_counter() - begun
        while True:
            report = await place.tell("report")
            arrived = sum(numbers == [1, 2] for numbers in report["arrived"].values())
            if arrived == count or time.perf_counter() - begun > 60:
                break
            await trio.lowlevel.checkpoint()
        leave.set()
        nursery.cancel_scope.deadline = trio.current_time() + 30
    return {
        "sessions": count,
        "seconds_until_all_are_back": round(taken, 3),
        "median_gap_ms": _ms(statistics.median(gaps)),
        "resumed": restored,
        "dials": report["connections"] - before,
        "texts_arrived_once": arrived,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


async def _run(options: argparse.Namespace) -> dict[str, Any]:
    report: dict[str, Any] = {"loopback_ms": {}, "round_trips": {}}
    async with far_end() as place:
        for name, command in COMMANDS.items():
            gaps = sorted(await measure(place, command, options.rounds))
            report["loopback_ms"][name] = {
                "median": _ms(statistics.median(gaps)),
                "p90": _ms(gaps[int(0.9 * len(gaps))]),
                "max": _ms(gaps[-1]),
            }
    async with far_end("--latency", str(ROUND_TRIP / 2)) as place:
        for name, command in COMMANDS.items():
            gaps = await measure(place, command, max(2, options.rounds // 5))
            report["round_trips"][name] = round(statistics.median(gaps) / ROUND_TRIP, 2)
    async with far_end() as place:
        report["storm"] = await measure_storm(place, options.storm)
    drop, move = report["loopback_ms"]["drop"]["median"], report["round_trips"]["go-away"]
    report["goals"] = {
        f"median after a drop < {GOAL_MS} ms": drop < GOAL_MS,
        f"a move takes {GOAL_ROUND_TRIPS} round trips": round(move) <= GOAL_ROUND_TRIPS,
        "the storm loses nothing": report["storm"]["texts_arrived_once"] == options.storm,
    }
    return report


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--storm", type=int, default=500, help="sessions")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="does it run at all?")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.storm = 2, 10
    more_files()
    report: dict[str, Any] = {"machine": machine(), "versions": versions()}
    report |= trio.run(partial(_run, options))
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for name, figures in report.items():
        print(f"{name}:")
        for key, figure in figures.items():
            print(f"    {key:<32}{figure}")


if __name__ == "__main__":
    main()
