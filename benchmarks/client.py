"""One measurement: one peer, alone in this process, pinned to its core.

What lives here: the jobs, each an async function that gives a dict of figures. Who uses it: the
questions, through `benchmarks.harness`, as ``python -m benchmarks.client JSON``; it prints one JSON
line. Nothing is taken on trust: a peer that loses a message fails the run.
"""

from __future__ import annotations

import gc
import json
import socket
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from benchmarks.cores import CLIENT_CORE, Clock, allow_many_files, pin, resident_kib
from benchmarks.figures import lateness
from benchmarks.inputs import RECEIVED_BYTES, SENT_BYTES, pcm
from benchmarks.peers import Peer, PeerSession, load

LEAD: Final = 0.1
LEAD_PER_SESSION: Final = 0.0005
"""Seconds from asking for paced frames to the first, so that all sessions have asked."""
RAMP_STEP: Final = 0.020
RAMP_STEPS: Final = 30
"""Seconds from some sessions to the next ones, and how many such steps there are: that hundreds
begin to talk within the same 20 ms would be the measurement's doing."""
WHEEL: Final = 0.005
"""Seconds between two ticks of the clock that sessions can share."""
CHUNK: Final = pcm(SENT_BYTES, 0)

Figures = dict[str, Any]


class Bench:
    """A peer and a server."""

    def __init__(self, arguments: Figures) -> None:
        self.peer: Peer = load(arguments["peer"])
        self.url: str = arguments["url"]
        self.context: ssl.SSLContext | None = None
        if self.url.startswith("wss:"):
            self.context = ssl.create_default_context(cafile=arguments["ca_file"])
        self._report_port: int = arguments["report_port"]

    def open_session(self) -> Any:  # an async context manager of a PeerSession
        """Open one session."""
        return self.peer.open_session(self.url, self.context)

    def server_report(self) -> Figures:
        """What the server did since it was asked before; blocks."""
        with socket.create_connection(("127.0.0.1", self._report_port)) as asked:
            told = b"".join(iter(partial(asked.recv, 65_536), b""))
        report: Figures = json.loads(told)
        return report


PushFrom = Callable[[Iterable[bytes]], Awaitable[None]]


def paced(session: PeerSession) -> PushFrom | None:
    """Give the peer's own way to send a source at its speed, by one clock, if it has one."""
    push_from: PushFrom | None = getattr(session, "push_from", None)
    return push_from


async def receive_all(session: PeerSession, messages: int) -> list[float]:
    """Read a turn and see that it is whole: a lossy client would be a fast one."""
    arrivals: list[float] = []
    size = await session.receive(arrivals)
    seen = len(arrivals)
    if (seen, size) != (messages, messages * RECEIVED_BYTES):
        raise RuntimeError(f"expected {messages} messages, got {seen} with {size} bytes")
    return arrivals


async def flood(bench: Bench, messages: int, bursts: list[int]) -> Figures:
    """Send and receive as fast as it goes over one session; a tenth more before, not counted.

    With a burst of 0 chunks are pushed one after the other, else so many before each flush.
    """
    figures: Figures = {}
    warm_up = max(20, messages // 10)
    async with bench.open_session() as session:
        for count in (warm_up, messages):
            bench.server_report()
            clock = Clock()
            await session.ask(f"bench blast {count}")
            await receive_all(session, count)
            figures["receive"] = clock.stop() | {"frames": count}
        figures["receive"]["server"] = bench.server_report()["cpu"]
        for burst in bursts:
            for count in (warm_up, messages):
                await session.ask(f"bench count {count}")
                bench.server_report()
                clock = Clock()
                for number in range(1, count + 1):
                    await session.push(CHUNK)
                    if burst and number % burst == 0:
                        await session.flush()
                await session.flush()
                await receive_all(session, 0)
                figures[f"send {burst}"] = clock.stop() | {"frames": count}
            figures[f"send {burst}"]["server"] = bench.server_report()["cpu"]
    return figures


class Talk:
    """Sessions in real time, both ways, each in a task of its own, ticks spread over the period."""

    def __init__(
        self,
        bench: Bench,
        sessions: int,
        seconds: float,
        down_period: float,
        up_period: float,
        shared: bool = False,
    ) -> None:
        self._bench, self._sessions, self._shared = bench, sessions, shared
        self._periods = (down_period, up_period)
        self._down, self._up = (max(1, round(seconds / period)) for period in self._periods)
        self._late: list[float] = []
        self._opened: list[PeerSession] = []
        self._turns = [bench.peer.Event() for _ in range(sessions + 1)]  # one opens at a time
        self._begin, self._over = bench.peer.Event(), bench.peer.Event()
        self._finished = 0
        self._start = 0.0
        self._resident = 0.0  # KiB, with one session open
        self._clock: Clock
        self.figures: Figures = {}

    async def run(self) -> Figures:
        """Open all, let them talk, close all."""
        self._turns[0].set()
        jobs: list[Callable[[], Awaitable[None]]] = [
            partial(self._session, index) for index in range(self._sessions)
        ]
        if self._shared:
            jobs.append(self._wheel)
        await self._bench.peer.together(jobs)
        return self.figures

    def _offset(self, index: int) -> float:
        """When a session begins, in seconds after the first one."""
        ramp = RAMP_STEP * (index // self._slots % RAMP_STEPS)
        if self._shared:
            return ramp + WHEEL * (index % self._slots)
        return ramp + self._periods[1] * index / self._sessions

    @property
    def _slots(self) -> int:
        return max(1, round(self._periods[1] / WHEEL))

    async def _session(self, index: int) -> None:
        await self._turns[index].wait()
        async with self._bench.open_session() as session:
            if not self._opened:
                self._resident = resident_kib()
            self._opened.append(session)
            self._turns[index + 1].set()
            if len(self._opened) == self._sessions:
                gc.collect()  # what opening left: else chance decides who pays for it in talking
                self._bench.server_report()
                self._clock = Clock()
                self._start = time.monotonic() + LEAD + LEAD_PER_SESSION * self._sessions
                self._begin.set()
            await self._begin.wait()
            at = self._start + self._offset(index)
            down, up = (period * 1000 for period in self._periods)
            await session.ask(f"bench talk {self._down} {self._up} {down} {up} {at * 1000:.3f}")
            listen = partial(self._listen, session, at)
            jobs = [listen]
            if not self._shared:
                jobs.append(partial(self._speak, session, at))
            elif push_from := paced(session):
                jobs.append(partial(self._speak_from, push_from, at))
            await self._bench.peer.together(jobs)
            self._finished += 1
            if self._finished == self._sessions:
                self._stop()
                self._over.set()
            await self._over.wait()

    async def _listen(self, session: PeerSession, at: float) -> None:
        arrivals = await receive_all(session, self._down)
        period = self._periods[0]
        self._late += [when - at - number * period for number, when in enumerate(arrivals)]

    async def _speak(self, session: PeerSession, at: float) -> None:
        sleep_until, period = self._bench.peer.sleep_until, self._periods[1]
        for number in range(self._up):
            await sleep_until(at + number * period)
            await session.push(CHUNK)

    async def _speak_from(self, push_from: PushFrom, at: float) -> None:
        await self._bench.peer.sleep_until(at)
        await push_from(CHUNK for _ in range(self._up))

    async def _wheel(self) -> None:
        """Send for all sessions by one clock, as a program does whose library has none."""
        await self._begin.wait()
        if paced(self._opened[0]):
            return
        slots, ticks = self._slots, self._up * self._slots
        first = [round(self._offset(index) / WHEEL) for index in range(self._sessions)]
        for number in range(ticks + max(first)):
            await self._bench.peer.sleep_until(self._start + number * WHEEL)
            for index in range(number % slots, self._sessions, slots):
                if 0 <= number - first[index] < ticks:
                    await self._opened[index].push(CHUNK)

    def _stop(self) -> None:
        figures = self._clock.stop()
        server = self._bench.server_report()
        self.figures = figures | {
            "frames": self._sessions * (self._down + self._up),
            "server": server["cpu"],
            "down": lateness(self._late),
            "up": server["late_received"],
            "server_late": server["late_sent"],
            "server_waited": server["waited"],
            "kib": (resident_kib() - self._resident) / max(1, self._sessions - 1),
        }


async def talk(bench: Bench, **settings: Any) -> Figures:
    """See `Talk`."""
    return await Talk(bench, **settings).run()


async def opening(bench: Bench, sessions: int, together: int) -> Figures:
    """Open sessions, so many at once, and keep them; what it took, and the memory of idle ones."""
    figures: Figures = {}
    async with bench.open_session():  # what is only loaded or made once
        gc.collect()
        before = resident_kib()
        opened = 0
        over = bench.peer.Event()
        clock = Clock()
        bench.server_report()

        async def open_some(count: int) -> None:
            nonlocal opened
            async with AsyncExitStack() as stack:
                for _ in range(count):
                    await stack.enter_async_context(bench.open_session())
                opened += count
                if opened == sessions:
                    figures.update(clock.stop())
                    gc.collect()
                    figures["kib"] = (resident_kib() - before) / sessions
                    figures["server"] = bench.server_report()["cpu"]
                    over.set()
                await over.wait()

        shares = [len(range(first, sessions, together)) for first in range(together)]
        await bench.peer.together([partial(open_some, share) for share in shares if share])
    return figures


async def storm(bench: Bench, sessions: int) -> Figures:
    """Let the server drop all sessions at once; how long until each is resumed, in seconds."""
    turns = [bench.peer.Event() for _ in range(sessions + 1)]  # one opens at a time
    begin, over = bench.peer.Event(), bench.peer.Event()
    turns[0].set()
    at = 0.0
    gaps: list[float] = []
    figures: Figures = {}
    clock = Clock()

    async def outlive(index: int) -> None:
        nonlocal at, clock
        await turns[index].wait()
        async with bench.open_session() as session:
            turns[index + 1].set()
            if index == sessions - 1:
                bench.server_report()
                clock = Clock()
                at = time.monotonic() + LEAD + LEAD_PER_SESSION * sessions
                begin.set()
            await begin.wait()
            await session.ask(f"bench cut {at * 1000:.3f}")
            if not await session.reconnected():
                raise RuntimeError("a session was not resumed")
            gaps.append(time.monotonic() - at)
            if len(gaps) == sessions:
                figures.update(clock.stop() | lateness(gaps))
                figures["server"] = bench.server_report()["cpu"]
                over.set()
            await over.wait()

    await bench.peer.together([partial(outlive, index) for index in range(sessions)])
    return figures


JOBS: Final[dict[str, Callable[..., Awaitable[Figures]]]] = {
    "flood": flood,
    "talk": talk,
    "opening": opening,
    "storm": storm,
}


def main() -> None:
    """Measure what the argument says."""
    arguments = json.loads(sys.argv[1])
    pin(CLIENT_CORE)
    allow_many_files()
    bench = Bench(arguments)

    async def job() -> Figures:
        return await JOBS[arguments["job"]](bench, **arguments["settings"])

    print(json.dumps(bench.peer.run(job)))


if __name__ == "__main__":
    main()
