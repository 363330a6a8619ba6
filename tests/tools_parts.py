"""What the tests of tools in sessions share: sessions with tools, and a count of answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import trio
import trio.testing
from lasting_parts import POLICY, Lasting
from session_parts import CONFIG, ENDPOINT, Json

import trio_live
from trio_live.testing import LiveServer, connect_to
from trio_live.tools import AnyTool


def open_tools(
    server: LiveServer,
    tools: Sequence[AnyTool],
    config: trio_live.SessionConfig = CONFIG,
    **options: Any,
) -> trio_live.SessionScope:
    """A session with tools, with an embedded server in memory."""
    return trio_live.open_session(
        config, endpoint=ENDPOINT, transport=connect_to(server), tools=tools, **options
    )


class ToolFar(Lasting):
    """The service's side, played by the test: calls functions, and counts answers."""

    def __init__(self) -> None:
        super().__init__()
        self.setups: list[Json] = []
        self.answers_seen: list[list[Json]] = []
        self.other: list[Json] = []

    def open_tools(
        self,
        tools: Sequence[AnyTool],
        config: trio_live.SessionConfig = CONFIG,
        *,
        policy: trio_live.ReconnectPolicy | None = POLICY,
        endpoint: trio_live.Endpoint = ENDPOINT,
        **options: Any,
    ) -> trio_live.SessionScope:
        transport = trio_live.TransportConfig(dialer=self.dial, reconnect=policy)
        return trio_live.open_session(
            config, endpoint=endpoint, transport=transport, tools=tools, **options
        )

    def call(self, *calls: tuple[str, str, Json]) -> None:
        """Call functions in one message: id, name, arguments."""
        made = [{"id": i, "name": n, "args": a} for i, n, a in calls]
        self.say(toolCall={"functionCalls": made})

    def withdraw(self, *ids: str) -> None:
        self.say(toolCallCancellation={"ids": list(ids)})

    def say(self, **message: object) -> None:
        with suppress(trio.ClosedResourceError):  # nobody hears it
            self.peer.send(msgspec.json.encode(message))

    def read(self) -> None:
        """Take in what has come on all connections."""
        for index in range(len(self.peers)):
            for frame in self.frames(index):
                self._take(frame)

    async def wait_answered(self, count: int) -> None:
        """Read on the last connection until so many calls have been answered."""
        while self.answered.total() < count:
            self._take(msgspec.json.decode(await self.peer.receive()))

    def _take(self, frame: Json) -> None:
        if "setup" in frame:
            self.setups.append(frame["setup"])
        elif "toolResponse" in frame:
            self.answers_seen.append(frame["toolResponse"]["functionResponses"])
        else:
            self.other.append(frame)

    @property
    def answered(self) -> Counter[str]:
        """How many final answers came for each id."""
        self.read()
        return Counter(
            a.get("id", "") for m in self.answers_seen for a in m if not a.get("willContinue")
        )

    @property
    def told(self) -> dict[str, Any]:
        """The last answer to each id."""
        self.read()
        return {a.get("id", ""): a["response"] for m in self.answers_seen for a in m}


@asynccontextmanager
async def listening(session: trio_live.SessionHandle) -> AsyncIterator[list[Any]]:
    """Collect the events of the block."""
    seen: list[Any] = []
    async with trio.open_nursery() as nursery, session.subscribe() as events:

        async def read() -> None:
            async for event in events:
                seen.append(event)

        nursery.start_soon(read)
        yield seen
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
