"""One answer per call, seen from the service, whatever happens in whatever order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

import trio
import trio.lowlevel
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from tools_parts import ToolFar

from trio_live import ConnectionLost
from trio_live.tools import Toolkit

KINDS = (
    "call",
    "twice",
    "withdraw",
    "cancel",
    "drop",
    "handle",
    "talk",
    "interrupt",
    "more tools",
)
Step = tuple[str, int, float]


class Service:
    """What a service knows of its calls.

    Attributes:
        made: The ids of all calls.
        unanswered: Those that may stay without an answer: withdrawn, or forgotten.
        owed: Those that the present connection waits for.
    """

    def __init__(self) -> None:
        self.far = ToolFar()
        self.made: list[tuple[str, str, dict[str, Any]]] = []
        self.unanswered: set[str] = set()
        self.owed: set[str] = set()
        self._known_at_handle: set[str] = set()

    def call(self, number: int, seconds: float) -> None:
        """Call one to seven functions, some of which fail, or do not exist."""
        names = ("wait", "rest", "stubborn", "fails", "missing", "nested", "stream")
        calls = [
            (f"c{len(self.made) + n}", names[n], {"seconds": seconds + n})
            for n in range(number + 1)
        ]
        self.made += calls
        self.owed |= {call_id for call_id, _, _ in calls}
        self.far.call(*calls)

    def call_twice(self, number: int) -> None:
        """Make a call again, under its id and under another one."""
        if not self.made:
            return
        call_id, name, args = self.made[number % len(self.made)]
        again = f"c{len(self.made)}"
        self.made.append((again, name, args))
        self.owed.add(again)
        if call_id in self.owed:
            self.far.call((call_id, name, args), (again, name, args))
        else:
            self.far.call((again, name, args))

    def withdraw(self, number: int) -> None:
        """Take a call back, if one is open."""
        self.look()
        if self.owed:
            call_id = sorted(self.owed)[number % len(self.owed)]
            self.owed.discard(call_id)
            self.unanswered.add(call_id)
            self._known_at_handle.discard(call_id)
            self.far.withdraw(call_id)

    def give_handle(self) -> None:
        """Say that the session can be resumed."""
        self.look()
        self._known_at_handle = set(self.owed)
        self.far.give_handle(f"handle-{len(self.made)}")

    async def drop(self, seconds: float) -> None:
        """Lose the connection, be away for a while, and wait for the next one."""
        connections = len(self.far.peers)
        self.far.dialling = trio.Event()
        self.far.peer.close()
        await trio.sleep(seconds)
        self.far.dialling.set()
        await trio.sleep(100)
        assert len(self.far.peers) == connections + 1
        self.look()
        self.unanswered |= self.owed - self._known_at_handle
        self.owed &= self._known_at_handle

    def look(self) -> None:
        """Take the answers in; the calls are owed no more."""
        answered = self.far.answered
        assert set(answered.values()) <= {1}
        self.owed -= set(answered)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 6), st.floats(0, 4)), max_size=20
    ),
    blocking=st.booleans(),
    sequential=st.booleans(),
    limit=st.sampled_from([None, 2]),
    ends_early=st.booleans(),
)
def test_every_call_is_answered_once(
    steps: list[Step], blocking: bool, sequential: bool, limit: int | None, ends_early: bool
) -> None:
    """Each call has one answer; a withdrawn one, or one that is forgotten, has one at most.

    Calls in batches, repeated, withdrawn, cancelled by the user, slow, failing, unknown; among
    reconnects with and without a handle that knows them; BLOCKING or not; one by one or not.
    """

    async def wait(seconds: float) -> str:
        """Wait."""
        await trio.sleep(seconds)
        return "done"

    async def stubborn(seconds: float) -> str:
        """Clean up at length."""
        try:
            await trio.sleep(seconds)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
        return "done"

    async def fails(seconds: float) -> None:
        """Fail."""
        await trio.sleep(seconds / 2)
        raise ValueError

    async def nested(seconds: float) -> None:
        """Have tasks of its own, one of which fails in its cleanup."""

        async def part() -> None:
            try:
                await trio.sleep(seconds)
            finally:
                raise ValueError

        async with trio.open_nursery() as nursery:
            nursery.start_soon(part)
            nursery.start_soon(trio.sleep_forever)

    async def stream(seconds: float) -> AsyncGenerator[float, None]:
        """Give results on the way."""
        yield 0
        await trio.sleep(seconds)
        yield seconds

    async def run() -> None:
        kit = Toolkit(sequential=sequential, max_concurrent=limit)
        functions: dict[str, Callable[..., Any]] = {
            "wait": wait,
            "stubborn": stubborn,
            "fails": fails,
            "stream": stream,
        }
        for name, function in functions.items():
            behavior = "BLOCKING" if blocking else "NON_BLOCKING"
            kit.add(function, name=name, behavior=behavior, timeout=3)
        kit.add(wait, name="rest", timeout=3)
        kit.add(nested, timeout=3, sequential=True)
        service = Service()
        far = service.far
        with trio.fail_after(100_000):
            async with far.open_tools([kit]) as session:
                for kind, number, seconds in steps:
                    match kind:
                        case "call":
                            service.call(number, seconds)
                        case "twice":
                            service.call_twice(number)
                        case "withdraw":
                            service.withdraw(number)
                        case "cancel" if service.made:
                            session.cancel_tool(service.made[number % len(service.made)][0])
                        case "drop":
                            await service.drop(number)
                        case "handle":
                            service.give_handle()
                        case "talk":
                            await session.send_text("and another thing")
                        case "interrupt":
                            session.interrupt()
                        case "more tools":
                            await session.update_tools([kit, Toolkit([other])])
                        case _:
                            pass
                    await trio.sleep(seconds / 3)
                if not ends_early:
                    await trio.sleep(1_000)
                    assert session.state.calls_owed == {}
                    assert session.state.calls_running == {}
        service.look()
        if not ends_early:
            ids = {call_id for call_id, _, _ in service.made}
            assert ids - set(far.answered) <= service.unanswered

    with suppress(ConnectionLost):
        trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


async def other() -> None:
    """Be another tool."""
