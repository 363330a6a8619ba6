"""The far end of the soak: the embedded server behind a bad network, in a process of its own.

    python -m benchmarks.soak_server [--mean-life S] [--latency S] [--go-away-after S] ...

It prints one JSON line with the proxy's port and then takes commands, a line each, and answers
each by a JSON line: `cut FAULT` breaks all connections, `go-away SECONDS` announces their end,
`wait-closed SECONDS` waits until all have ended, `report` says what has arrived. It ends when its
standard input does.

A text is "CONVERSATION:NUMBER"; `report` gives for each conversation which numbers arrived, how
often, and which of them the last turn's history had, in order.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections import Counter
from typing import Any

import trio

from benchmarks.faulty_proxy import FaultyProxy
from trio_live.testing import LiveServer, Reply, ServerSession, UserTurn

CALL_EVERY = 5
"""Each text whose number this divides makes the model call a function."""
SWEEP_SECONDS = 1.0


class Records:
    """What has arrived.

    Attributes:
        arrived: Conversation -> number -> how often it arrived.
        history: Conversation -> the numbers in the history at its last turn.
        repeated: How many numbers were twice in one history.
        answered: How many calls were answered.
    """

    def __init__(self) -> None:
        self.arrived: dict[str, Counter[int]] = {}
        self.history: dict[str, list[int]] = {}
        self.repeated = 0
        self.answered = 0

    def note(self, message: dict[str, Any]) -> None:
        """Note a client message."""
        for content in message.get("clientContent", {}).get("turns", ()):
            conversation, number = _parse(content["parts"][0]["text"])
            self.arrived.setdefault(conversation, Counter())[number] += 1

    async def answer(self, turn: UserTurn, reply: Reply) -> None:
        """Be the model: call a function at times, then say which number was heard."""
        history: list[Any] = [c for c in turn.history if c["role"] == "user"]
        texts = [c["parts"][0]["text"] for c in history if "text" in c["parts"][0]]
        texts += turn.text.splitlines()
        conversation, number = _parse(texts[-1])
        numbers = [_parse(text)[1] for text in texts]
        self.history[conversation] = numbers
        self.repeated += len(numbers) - len(set(numbers))
        if not number % CALL_EVERY:
            await reply.call_tools([("look_up", {"number": number})])
            self.answered += 1
        await reply.text(str(number))


def _parse(text: str) -> tuple[str, int]:
    conversation, _, number = text.rpartition(":")
    return conversation, int(number)


class FarEnd:
    """Server, proxy and records."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.records = Records()
        self.server = LiveServer(
            self.records.answer,
            pace=0,
            go_away_after=options.go_away_after,
            go_away_time_left=options.go_away_time_left,
        )
        self.options = options
        self.refusals = Counter[str]()
        self._ended: list[ServerSession] = []

    async def run(self) -> None:
        """Serve until the standard input ends."""
        options = self.options
        async with self.server, trio.open_nursery() as nursery:
            url = await self.server.listen()
            self.proxy = FaultyProxy(
                int(url.rpartition(":")[2]),
                seed=options.seed,
                mean_life=options.mean_life,
                latency=options.latency,
                jitter=options.jitter,
            )
            _say({"port": await self.proxy.listen(nursery)})
            nursery.start_soon(self._sweep_always)
            async for line in trio.wrap_file(sys.stdin):
                _say(await self._obey(*line.split()))
            nursery.cancel_scope.cancel()

    async def _obey(self, command: str, argument: str = "") -> dict[str, Any]:
        if command == "cut":
            return {"done": await self.proxy.cut_all(argument)}
        if command == "go-away":
            sessions = [session for session in self.server.sessions if session.closed is None]
            for session in sessions:
                await session.go_away(float(argument))
            return {"done": len(sessions)}
        if command == "wait-closed":
            with trio.move_on_after(float(argument)):
                await self.proxy.wait_closed()
            return {}
        self._sweep()
        return {
            "arrived": {
                name: list(counts.elements()) for name, counts in self.records.arrived.items()
            },
            "history": self.records.history,
            "repeated": self.records.repeated,
            "answered": self.records.answered,
            "refusals": self.refusals,
            "faults": self.proxy.happened,
            "connections": self.proxy.connections,
            "open": self.proxy.open,
            "errors": [repr(error) for error in self.server.errors],
        }

    async def _sweep_always(self) -> None:
        while True:
            await trio.sleep(SWEEP_SECONDS)
            self._sweep()

    def _sweep(self) -> None:
        """Note what came, and forget it and the connections that have ended."""
        kept, ended = list[ServerSession](), list[ServerSession]()
        for session in self.server.sessions:
            for message in session.received:
                self.records.note(message)
            session.received.clear()
            if session.error is not None:
                self.server.errors.append(session.error)
                session.error = None
            if session.refusal:
                self.refusals[session.refusal] += 1
                session.refusal = ""
            if session.closed is None:
                kept.append(session)
            elif session not in self._ended:  # it may still be reading
                ended.append(session)
        self.server.sessions[:] = kept + ended
        self._ended = ended


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def more_files() -> None:
    """Let this process open as many files as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mean-life", type=float, help="seconds until a fault, in the mean")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds, each way")
    parser.add_argument("--jitter", type=float, default=0.0, help="seconds more, each way")
    parser.add_argument("--go-away-after", type=float)
    parser.add_argument("--go-away-time-left", type=float, default=3.0)
    more_files()
    trio.run(FarEnd(parser.parse_args()).run)


if __name__ == "__main__":
    main()
