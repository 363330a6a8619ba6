"""What does it cost to dispatch a call to a tool?

    python -m benchmarks.tools [--json] [--quick]

`bare` starts a task that does nothing in a nursery and waits for its end. `tool` is all that the
library does for a call of an async tool that does nothing: decode the toolCall, find the tool,
convert its two arguments, run it in a task and a cancel scope of its own with a deadline, tell the
events, check and encode the answer. Everything but the socket. One call at a time, with one tool
declared and with 1,000. The best of 7 repetitions, in microseconds a call.

Goal: at most 150 us more than `bare`, and 1,000 tools cost nothing more a call.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import trio

from benchmarks.cores import machine, versions
from trio_live import SessionConfig
from trio_live.commands import SendToolResponse
from trio_live.events import SessionEvent
from trio_live.protocol import LiveProtocol
from trio_live.tools import FunctionTool, Toolkit
from trio_live.tools.service import ToolService

GOAL_MICROSECONDS: Final = 150.0
TOOLS: Final = (1, 1_000)


async def nothing(number: int, text: str = "") -> None:
    """Do nothing.

    Args:
        number: Any.
        text: Any.
    """


class Session:
    """A session without a socket."""

    def __init__(self, tools: int) -> None:
        kit = Toolkit([FunctionTool(nothing, name=f"tool_{n}") for n in range(tools)])
        self.service = ToolService(SessionConfig("gemini-3.8-live"), [kit])
        self.protocol = LiveProtocol(self.service.config, "models/gemini-3.8-live")
        self.answered = trio.Event()
        self.service.connect(self.protocol, self.publish, self.answer, trio.lowlevel.checkpoint)
        self.publish(self.protocol.dial())
        self.publish(self.protocol.setup()[1])
        self.receive(b'{"setupComplete":{}}')

    def publish(self, happened: Sequence[SessionEvent]) -> None:
        """Act on events, as a session does."""
        self.service.follow(happened)

    def receive(self, frame: bytes) -> None:
        """Take a frame of the service."""
        self.publish(self.protocol.receive_frame(frame, trio.current_time()))

    def answer(self, command: SendToolResponse) -> None:
        """Take an answer, up to its frame."""
        _, happened = self.protocol.send(command, trio.current_time())
        self.publish(happened)
        self.answered.set()


def frames(count: int) -> list[bytes]:
    """Calls, as the service writes them."""
    return [
        msgspec.json.encode(
            {
                "toolCall": {
                    "functionCalls": [
                        {"id": f"call-{n}", "name": "tool_0", "args": {"number": n, "text": "x"}}
                    ]
                }
            }
        )
        for n in range(count)
    ]


async def best(once: Callable[[], Awaitable[None]], count: int, repeat: int) -> float:
    """Give the best time of one in `count`, in microseconds."""
    times: list[float] = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(count):
            await once()
        times.append(time.perf_counter() - start)
    return round(min(times) / count * 1e6, 1)


async def measure_bare(count: int, repeat: int) -> float:
    """Measure tasks that do nothing."""
    async with trio.open_nursery() as nursery:

        async def once() -> None:
            done = trio.Event()

            async def task() -> None:
                await trio.lowlevel.checkpoint()
                done.set()

            nursery.start_soon(task)
            await done.wait()

        return await best(once, count, repeat)


async def measure_tools(tools: int, count: int, repeat: int) -> float:
    """Measure calls of a tool among so many."""
    session = Session(tools)
    calls = iter(frames(count * repeat))
    async with trio.open_nursery() as nursery:
        await session.service.start(nursery)

        async def once() -> None:
            session.answered = trio.Event()
            session.receive(next(calls))
            await session.answered.wait()

        taken = await best(once, count, repeat)
        nursery.cancel_scope.cancel()
    return taken


async def measure(*, quick: bool) -> dict[str, float]:
    """Measure everything."""
    count, repeat = (10, 1) if quick else (2_000, 7)
    figures = {"bare": await measure_bare(count, repeat)}
    for tools in TOOLS:
        figures[f"tool of {tools}"] = await measure_tools(tools, count, repeat)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="does it run at all?")
    options = parser.parse_args()

    async def run() -> dict[str, float]:
        return await measure(quick=options.quick)

    figures = trio.run(run)
    if options.json:
        print(json.dumps({"machine": machine(), "versions": versions(), "figures": figures}))
        return
    print(machine(), versions(), sep="\n")
    for name, taken in figures.items():
        more, ratio = taken - figures["bare"], taken / figures["bare"]
        print(f"{name:>14} {taken:7.1f} us  {ratio:5.1f} x bare  {more:+7.1f} us")
    one, many = (figures[f"tool of {tools}"] for tools in TOOLS)
    print(f"{'1,000 / 1':>14} {many / one:7.2f}")
    print(f"goal: at most {GOAL_MICROSECONDS:+.0f} us for the tool")


if __name__ == "__main__":
    main()
