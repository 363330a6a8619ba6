"""A small voice agent: microphone in, loudspeaker out, one tool, barge-in.

It takes any SessionReader and SessionWriter, so test_voice_agent.py runs minutes of talk with it in
milliseconds, on a virtual clock, without a key, a microphone or a loudspeaker.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

import trio

import trio_live


class LiveSession(trio_live.SessionReader, trio_live.SessionWriter, Protocol):
    """What the agent needs of a session."""


class Speaker:
    """A loudspeaker's queue. A real one would hand `queued` to a sound device, chunk by chunk."""

    def __init__(self) -> None:
        self.queued: list[trio_live.AudioData] = []
        self.flushes = 0

    def play(self, audio: trio_live.AudioData) -> None:
        """Queue a chunk."""
        self.queued.append(audio)

    def flush(self, response: int) -> None:
        """Drop what an interruption made stale."""
        self.queued = [audio for audio in self.queued if audio.response > response]
        self.flushes += 1


Tool = Callable[[dict[str, object]], Awaitable[dict[str, object]]]


async def run_agent(
    session: LiveSession,
    microphone: AsyncIterable[bytes],
    speaker: Speaker,
    tools: dict[str, Tool] | None = None,
) -> None:
    """Talk until the session ends or this is cancelled."""
    async with session.subscribe() as events, trio.open_nursery() as nursery:
        nursery.start_soon(_listen_to_user, session, microphone)
        async for event in events:
            match event:
                case trio_live.AudioData():
                    speaker.play(event)
                case trio_live.Interrupted(response=response):
                    speaker.flush(response)
                case trio_live.ToolCall(calls=calls):
                    for call in calls:
                        # A slow tool must not stop the agent from listening.
                        nursery.start_soon(_answer, session, call, tools or {})
                case _:
                    pass
        nursery.cancel_scope.cancel()


async def _listen_to_user(session: LiveSession, microphone: AsyncIterable[bytes]) -> None:
    async for chunk in microphone:
        await session.send_audio(chunk)


async def _answer(
    session: LiveSession, call: trio_live.FunctionCall, tools: dict[str, Tool]
) -> None:
    result = await tools[call.name](call.args or {})
    await session.send_tool_response([trio_live.FunctionResponse(call.name, result, call.id)])
