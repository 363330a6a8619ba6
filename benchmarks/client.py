"""One measurement: one peer, alone in this process, and the CPU time that it takes.

Run by `benchmarks.session` as ``python -m benchmarks.client PEER URL CA_FILE MESSAGES WARM_UP
SESSIONS``; prints one JSON line. With SESSIONS 0 the messages go as fast as they can through one
session, else each of so many sessions has MESSAGES frames in either direction in real time.
"""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TypedDict

from benchmarks.common import (
    CLIENT_CORE,
    RECEIVE_PERIOD,
    RECEIVED_BYTES,
    SEND_PERIOD,
    SENT_BYTES,
    can_pin,
    pcm,
    pin,
)
from benchmarks.peers import Peer, PeerSession, load

LEAD = 0.1
"""Seconds from asking for paced frames to the first, so that all sessions have asked."""


class Figure(TypedDict):
    """What one direction took."""

    frames: int
    cpu: float
    wall: float


Figures = dict[str, Figure]


class Clock:
    """CPU time of this process and real time, between two moments."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self, frames: int) -> Figure:
        """Take the time since the start."""
        cpu = time.process_time() - self._cpu
        return {"frames": frames, "cpu": cpu, "wall": time.perf_counter() - self._wall}


async def receive_all(session: PeerSession, messages: int) -> None:
    """Read a turn and see that it is whole: a lossy client would be a fast one."""
    seen = await session.receive()
    if seen != (messages, messages * RECEIVED_BYTES):
        raise RuntimeError(f"expected {messages} messages, got {seen[0]} with {seen[1]} bytes")


async def send_all(session: PeerSession, messages: int, delay: float, period: float) -> None:
    """Send audio and wait until the server has taken all of it."""
    await session.send(pcm(SENT_BYTES, 0), messages, period, delay)
    await receive_all(session, 0)


async def flood(
    peer: Peer, url: str, context: ssl.SSLContext | None, messages: int, warm_up: int
) -> Figures:
    """Measure one session at full speed."""
    figures: Figures = {}
    async with peer.open_session(url, context) as session:
        for count in (warm_up, messages):
            clock = Clock()
            await session.ask(f"bench blast {count}")
            await receive_all(session, count)
            figures["receive"] = clock.stop(count)
        for count in (warm_up, messages):
            await session.ask(f"bench count {count}")
            clock = Clock()
            await send_all(session, count, 0, 0)
            figures["send"] = clock.stop(count)
    return figures


async def steady(
    peer: Peer, url: str, context: ssl.SSLContext | None, messages: int, sessions: int
) -> Figures:
    """Measure sessions in real time, their ticks spread over the period."""
    figures: Figures = {}
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(peer.open_session(url, context))
            for _ in range(sessions)
        ]
        clock = Clock()
        jobs: list[Callable[[], Awaitable[None]]] = []
        for index, session in enumerate(opened):
            delay = LEAD + RECEIVE_PERIOD * index / sessions
            period_ms, delay_ms = RECEIVE_PERIOD * 1000, delay * 1000
            await session.ask(f"bench pace {messages} {period_ms:.3f} {delay_ms:.3f}")
            jobs.append(partial(receive_all, session, messages))
        await peer.together(jobs)
        figures["receive"] = clock.stop(messages * sessions)
        jobs.clear()
        for index, session in enumerate(opened):
            await session.ask(f"bench count {messages}")
            delay = LEAD + SEND_PERIOD * index / sessions
            jobs.append(partial(send_all, session, messages, delay, SEND_PERIOD))
        clock = Clock()
        await peer.together(jobs)
        figures["send"] = clock.stop(messages * sessions)
    return figures


def main() -> None:
    """Measure what the arguments say."""
    name, url, ca_file = sys.argv[1:4]
    messages, warm_up, sessions = map(int, sys.argv[4:7])
    if can_pin():
        pin(CLIENT_CORE)
    context = ssl.create_default_context(cafile=ca_file) if url.startswith("wss:") else None
    peer = load(name)
    if sessions:
        figures = peer.run(partial(steady, peer, url, context, messages, sessions))
    else:
        figures = peer.run(partial(flood, peer, url, context, messages, warm_up))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
