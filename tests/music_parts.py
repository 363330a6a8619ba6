"""What the tests of music sessions share: one whose far end the test plays, messages."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from session_parts import ENDPOINT, Json, Wired

import trio_live
from trio_live import MusicEvent, MusicSession, Subscription, WeightedPrompt

MODEL = "lyria-realtime-exp"
PROMPTS = [WeightedPrompt("piano", 1.0)]
PROMPTS_MESSAGE: Json = {"clientContent": {"weightedPrompts": [{"text": "piano", "weight": 1.0}]}}


class WiredMusic(Wired):
    """A music session over memory whose far end is the test; the setup is answered by itself."""

    def open_music(self, **settings: Any) -> AbstractAsyncContextManager[MusicSession]:
        transport = trio_live.TransportConfig(dialer=self._dial, **settings)
        return trio_live.open_music_session(MODEL, endpoint=ENDPOINT, transport=transport)


def control(name: str) -> Json:
    """The message that controls playback."""
    return {"playbackControl": name}


async def rest_of(events: Subscription[MusicEvent]) -> list[MusicEvent]:
    """Give all events up to the end."""
    return [event async for event in events]
