"""One client of the soak: conversation after conversation, and what each of them can account for.

What lives here: `Conversation`, and `keep_talking`, which has one after another. What must not:
the verdict (soak_account.py), processes.
"""

from __future__ import annotations

import random
from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import trio

import trio_live
from benchmarks.far_end import FarEnd
from benchmarks.inputs import SENT_BYTES

TEXT_PERIOD = 1.0
TransportName = Literal["trio-websocket", "websockets"]
LAST_WORDS_SECONDS = 120.0
AGAIN_SECONDS = {False: 5.0, True: 30.0}
"""When the last words are said again: without transparent resumption they may be lost."""
_SILENCE = bytes(SENT_BYTES)  # the service hears no speech, so that only texts make turns
_NO_MORE = (trio_live.ConnectionLost, trio_live.SessionClosed)
_CONFIG = trio_live.SessionConfig(
    "demo",
    response_modalities=["TEXT"],
    tools=[trio_live.FunctionDeclaration("look_up", "Look a number up.")],
)


@dataclass
class Totals:
    """What all clients together have seen.

    Attributes:
        gaps: Seconds for which nothing could be sent, one for each reconnect.
        fresh: How many reconnects did not resume.
        openings_failed: First connections that could not be made.
        lost: How many conversations ended with ConnectionLost.
        audio: Chunks that were accepted.
        audio_dropped: Chunks that waited for too long.
        answers: Answers to calls that were accepted.
        answers_late: Answers to calls that were withdrawn meanwhile.
        causes: Why connections ended, as the session says it.
        surprises: Whatever no client expects.
    """

    gaps: array[float] = field(default_factory=lambda: array("d"))
    fresh: int = 0
    openings_failed: int = 0
    lost: int = 0
    audio: int = 0
    audio_dropped: int = 0
    answers: int = 0
    answers_late: int = 0
    causes: Counter[str] = field(default_factory=Counter[str])
    surprises: list[str] = field(default_factory=list[str])


@dataclass
class Conversation:
    """What one conversation sent, and what it was told of losses.

    Attributes:
        name: Its name in the texts.
        transparent: Whether nothing may be lost.
        sent: How many texts were accepted, numbered from 1.
        refused: How many were not, with an exception; the number is used again.
        uncertain: How many the session says may have been lost.
        undelivered: How many it says were not written.
        unanswered: How many it says may have been lost when nobody answered its goodbye.
        fresh: Whether it began afresh at some time.
        lost: Whether it ended with ConnectionLost.
        finished: Whether the last text was answered.
    """

    name: str
    transparent: bool
    sent: int = 0
    refused: int = 0
    uncertain: int = 0
    undelivered: int = 0
    unanswered: int = 0
    fresh: bool = False
    lost: bool = False
    finished: bool = False


class Talker:
    """Has one conversation."""

    def __init__(
        self, said: Conversation, totals: Totals, rng: random.Random, audio_period: float
    ) -> None:
        self._said = said
        self._totals = totals
        self._rng = rng
        self._audio_period = audio_period
        self._last_answer = 0
        self._answered = trio.Event()
        self._all_read = trio.Event()

    async def talk(self, session: trio_live.SessionHandle, seconds: float) -> None:
        """Talk for some seconds, and on until the last text is answered."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, session)
            nursery.start_soon(self._speak, session)
            with suppress(*_NO_MORE):
                with trio.move_on_after(seconds):
                    while True:
                        await self._write(session)
                        await trio.sleep(TEXT_PERIOD * self._rng.uniform(0.5, 1.5))
                with trio.move_on_after(LAST_WORDS_SECONDS):
                    while not self._said.finished:
                        await self._write(session)
                        with trio.move_on_after(AGAIN_SECONDS[self._said.transparent]):
                            while self._last_answer < self._said.sent:
                                await self._answered.wait()
                            self._said.finished = True
                await session.disconnect()
                await self._all_read.wait()  # the last event tells what may be lost
            nursery.cancel_scope.cancel()

    async def _write(self, session: trio_live.SessionHandle) -> None:
        said = self._said
        try:
            await session.send_text(f"{said.name}:{said.sent + 1}")
        except trio_live.SendQueueFull:
            said.refused += 1
        else:
            said.sent += 1  # not if it was cancelled: then it was not sent

    async def _speak(self, session: trio_live.SessionHandle) -> None:
        with suppress(*_NO_MORE):
            await trio.sleep(self._rng.uniform(0, self._audio_period))
            due = trio.current_time()
            while True:
                await session.send_audio(_SILENCE)
                self._totals.audio += 1
                due = max(due + self._audio_period, trio.current_time() - 1)
                await trio.sleep_until(due)

    async def _look_up(
        self, session: trio_live.SessionHandle, calls: tuple[trio_live.FunctionCall, ...]
    ) -> None:
        answers = [trio_live.FunctionResponse(c.name, {"output": 1}, id=c.id) for c in calls]
        try:
            await session.send_tool_response(answers)
        except trio_live.LocalProtocolError:
            self._totals.answers_late += 1  # the service has withdrawn the call
        else:
            self._totals.answers += 1

    async def _read(self, session: trio_live.SessionHandle) -> None:
        said, totals = self._said, self._totals
        with suppress(*_NO_MORE):
            async for event in session:
                match event:
                    case trio_live.ToolCall(calls=calls):
                        await self._look_up(session, calls)
                    case trio_live.TextComplete(text=text) if text.isdigit():
                        self._last_answer = int(text)
                        self._answered.set()
                        self._answered = trio.Event()
                    case trio_live.Reconnecting(cause=cause):
                        totals.causes[cause] += 1
                    case trio_live.Reconnected():
                        totals.gaps.append(event.gap_seconds)
                        totals.audio_dropped += event.dropped.get("SendAudio", 0)
                        said.uncertain += event.uncertain.get("SendText", 0)
                        said.undelivered += event.dropped.get("SendText", 0)
                        if not event.restored:
                            totals.fresh += 1
                            said.fresh = True
                    case trio_live.Disconnected():
                        said.undelivered += event.undelivered.get("SendText", 0)
                        said.unanswered += event.uncertain.get("SendText", 0)
                    case trio_live.Error():
                        totals.surprises.append(repr(event))
                    case _:
                        pass
        self._all_read.set()


def _settings(transparent: bool, transport: TransportName) -> trio_live.TransportConfig:
    policy = trio_live.ReconnectPolicy(
        transparent=transparent, stable_after=2, move_margin=1, max_delay=5
    )
    return trio_live.TransportConfig(
        connect_timeout=5,
        setup_timeout=5,
        close_timeout=2,
        ping_timeout=3,
        silence_timeout=10,
        proxy=None,
        transport=transport,
        reconnect=policy,
    )


async def keep_talking(
    place: FarEnd,
    number: int,
    totals: Totals,
    conversations: list[Conversation],
    *,
    until: float,
    seconds: float,
    audio_period: float,
    seed: int,
    transport: TransportName,
) -> None:
    """Have one conversation after another until a time of Trio's clock.

    Args:
        place: The server behind its network.
        number: Which client this is; even ones resume transparently, as on Vertex AI.
        totals: Where counts go.
        conversations: Where what can be accounted for goes.
        until: When no new conversation begins.
        seconds: How long one is, but for its last words.
        audio_period: Seconds from one chunk of audio to the next.
        seed: Of everything that is random.
        transport: As in TransportConfig.
    """
    rng = random.Random(seed * 10_007 + number)
    transparent = number % 2 == 0
    settings = _settings(transparent, transport)
    index = 0
    await trio.sleep(rng.uniform(0, 1))
    while (left := until - trio.current_time()) > 0:
        index += 1
        said = Conversation(f"{number}.{index}", transparent)
        talker = Talker(said, totals, rng, audio_period)
        try:
            async with trio_live.open_session(
                _CONFIG, endpoint=place.endpoint(vertex=transparent), transport=settings
            ) as session:
                conversations.append(said)
                await talker.talk(session, min(left, seconds))
        except (trio_live.ConnectError, trio_live.SetupError):
            totals.openings_failed += 1
            await trio.sleep(rng.uniform(0, 1))
        except trio_live.ConnectionLost as lost:
            totals.lost += 1
            totals.causes[f"lost for good: {lost}"] += 1
            said.lost = True
            said.undelivered = sum(isinstance(c, trio_live.SendText) for c in lost.undelivered)
            said.unanswered = lost.uncertain.get("SendText", 0)
