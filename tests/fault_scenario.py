"""One conversation during which one thing goes wrong, and what all sides saw of it, as text."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from typing import Final

import trio
import trio.testing
from session_parts import Json

import trio_live
from trio_live import events
from trio_live.testing import CallTools, Fault, LiveServer, Say, Step, scripted
from trio_live.testing.checkpoints import all_tasks

CONFIG = trio_live.SessionConfig(
    "models/demo",
    response_modalities=["TEXT"],
    tools=[trio_live.FunctionDeclaration("look_up")],
)


class Longest(random.Random):
    """Every wait is as long as it may be."""

    def uniform(self, a: float, b: float) -> float:
        """See random.Random."""
        return max(a, b)


POLICY = trio_live.ReconnectPolicy(rng=Longest())
TURN: Final[list[Step]] = [Say("one"), Say("two"), CallTools([("look_up", {})]), Say("three")]
BIGGEST: Final = 100_000
"""The size of message that the session takes."""

PATIENCE: Final = 1_000.0
"""Seconds in which everything must be over."""


def fault_at(text: str) -> Fault:
    """Read "kind@point"; in a turn it is the second one, so that there is a handle."""
    fault = Fault.parse(text)
    if fault.what == "oversized":
        fault = replace(fault, value=2 * BIGGEST)
    if fault.at in ("during-turn", "during-tool-call"):
        fault = replace(fault, skip=1)
    return fault


class Conversation:
    """Two turns, one after the other, and one more after each loss; a while later it is left.

    For faults of a resumed session the first turn is followed by a drop, during which the second
    text waits.

    Args:
        server: Where.
        fault: What goes wrong.
        pause: Seconds before the first text and before each answer to a call, so that it is clear
            what comes first, these or the fault.
        linger: Seconds until the block is left, once everything is said.

    Attributes:
        seen: The events that matter, as words.
        sent: The texts that were accepted.
        reported: Commands that were told as not, or perhaps not, delivered: how many of each kind.
    """

    def __init__(self, server: LiveServer, fault: Fault, pause: float, linger: float) -> None:
        self.seen: list[str] = []
        self.sent: list[str] = []
        self.reported: Counter[str] = Counter()
        self._server = server
        self._drops = fault.at in ("on-resume", "during-replay") or (
            fault.at == "before-upgrade" and fault.skip == 1
        )
        self._pause = pause
        self._linger = linger

    async def hold(self, endpoint: trio_live.Endpoint, transport: trio_live.TransportConfig) -> str:
        """Hold it; give how it ended."""
        scope = trio_live.open_session(CONFIG, endpoint=endpoint, transport=transport)
        session: trio_live.SessionHandle | None = None
        try:
            async with scope as session:
                await self._talk(session)
        except trio_live.LiveError as error:
            ending = _tell_error(error)
            if isinstance(error, trio_live.ConnectionLost):
                self.reported.update(type(command).__name__ for command in error.undelivered)
                self.reported.update(error.uncertain)
                self.seen += [
                    f"uncertain {kind[4:]}{f' x{n}' if n > 1 else ''}"
                    for kind, n in error.uncertain.items()
                ]
        else:
            ending = ""
        if session is not None:
            with trio.CancelScope() as reading:
                try:
                    async for event in session:
                        await self._note(event, None)
                except trio_live.ConnectionLost:
                    reading.cancel()
        return ending

    def tell(self, ending: str) -> str:
        """Give all of it as one line."""
        return ", ".join([*self.seen, *filter(None, [ending])])

    async def _talk(self, session: trio_live.SessionHandle) -> None:
        await trio.sleep(self._pause)
        await self._say(session)
        over = 0  # turns, the cut ones included
        with trio.CancelScope() as waiting:
            async for event in session:
                await self._note(event, session)
                match event:
                    case events.TurnComplete(cut=cut):
                        over += 1
                        if len(self.sent) == 1 and not self._drops and not cut:
                            await self._say(session)
                    case events.SessionResumeUpdate(resumable=True) if self._drops and over:
                        await self._server.sessions[0].abort()
                    case events.Reconnecting() if self._drops:
                        self._drops = False
                        await self._say(session)  # it waits
                    case events.Reconnected(replayed=replayed):
                        if over >= len(self.sent) and not replayed:
                            await self._say(session)
                    case _:
                        pass
                is_over = over >= len(self.sent) > 1 and not session_is_gone(session)
                waiting.deadline = trio.current_time() + self._linger if is_over else math.inf

    async def _say(self, session: trio_live.SessionHandle) -> None:
        text = f"text {len(self.sent) + 1}"
        self.sent.append(text)
        await session.send_text(text)

    async def _note(
        self, event: events.SessionEvent, session: trio_live.SessionHandle | None
    ) -> None:
        match event:
            case events.ToolCall(calls=calls) if session is not None:
                await trio.sleep(self._pause)
                answers = [trio_live.FunctionResponse(c.name, {}, c.id) for c in calls]
                try:
                    await session.send_tool_response(answers)
                except trio_live.LocalProtocolError:
                    self.seen.append("refused")
            case events.TurnComplete(cut=cut):
                self.seen.append("cut" if cut else "turn")
            case events.Reconnecting(attempt=attempt, code=code, status=status):
                self.seen.append(f"lost {code or status} #{attempt}")
            case events.Reconnected(restored=restored):
                self.seen.append("resumed" if restored else "afresh")
                for word in ("replayed", "dropped", "uncertain"):
                    self.seen += [
                        f"{word} {kind[4:]}{f' x{n}' if n > 1 else ''}"
                        for kind, n in getattr(event, word).items()
                    ]
                self.reported.update(event.dropped)
                self.reported.update(event.uncertain)
            case events.ToolCallCancelled():
                self.seen.append("call gone")
            case events.Error() | events.GoAway():
                self.seen.append(type(event).__name__)
            case events.Disconnected(code=code, clean=clean):
                self.seen.append(f"end {code}{'' if clean else ' badly'}")
            case _:
                pass


def session_is_gone(session: trio_live.SessionHandle) -> bool:
    """Whether the session is between two connections."""
    return session.phase in (
        trio_live.SessionPhase.DISCONNECTED,
        trio_live.SessionPhase.CONNECTING,
        trio_live.SessionPhase.SETUP_SENT,
    )


def _tell_error(error: trio_live.LiveError) -> str:
    codes = "/".join(str(code) for code in (error.code, error.status) if code is not None)
    passing = "passing" if error.retryable else "for good"
    phase = "no phase" if error.phase is None else error.phase.name
    return " ".join(filter(None, [type(error).__name__, codes, passing, "in", phase]))


async def run_fault(text: str) -> str:
    """Run the conversation with one fault over WebSocket in memory; give the whole outcome."""
    fault = fault_at(text)
    with trio.fail_after(PATIENCE):
        async with LiveServer(scripted([TURN] * 9), pace=0, faults=[fault]) as server:
            await trio.testing.wait_all_tasks_blocked()
            before = all_tasks()
            conversation = Conversation(server, fault, pause=0.1, linger=40)
            endpoint = trio_live.GoogleAI("planted-key", base_url="ws://localhost")
            transport = replace(
                trio_live.testing.connect_to(server),
                reconnect=POLICY,
                max_message_bytes=BIGGEST,
                silence_timeout=59.75,  # never in step with a fault that has a beat of a second
            )
            started_at = trio.current_time()
            ending = await conversation.hold(endpoint, transport)
            seconds = trio.current_time() - started_at
            await trio.sleep(100)
            await trio.testing.wait_all_tasks_blocked()
            assert all_tasks() == before
            assert [f.what for f in server.faults.happened] == [fault.what]
            assert server.errors == []
            check_account(server, conversation)
    return f"{conversation.tell(ending)} | {seconds:.0f} s"


def check_account(server: LiveServer, conversation: Conversation) -> None:
    """Check that each text was received once, or not and was reported."""
    messages: list[Json] = [m for session in server.sessions for m in session.received]
    received = Counter(
        message["clientContent"]["turns"][0]["parts"][0]["text"]
        for message in messages
        if "clientContent" in message
    )
    assert set(received.values()) <= {1}
    missing = len(conversation.sent) - received.total()
    assert missing <= conversation.reported["SendText"]
