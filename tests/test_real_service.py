"""One turn with the real service. Skipped without a key; costs a few tokens with one.

Run it as `GEMINI_API_KEY=... python -m pytest tests/test_real_service.py`; TRIO_LIVE_TEST_MODEL
names another model than the default.
"""

from __future__ import annotations

import os

import pytest
import trio

import trio_live
from trio_live.endpoints import key_from_environment

MODEL = os.environ.get("TRIO_LIVE_TEST_MODEL", "gemini-3.8-live")


@pytest.mark.skipif(not key_from_environment()[1], reason="needs GEMINI_API_KEY in the environment")
async def test_real_service_answers_a_text_aloud() -> None:
    """A text turn is answered with voice and its transcript, and the turn is completed."""
    config = trio_live.SessionConfig(MODEL, output_transcription=True)
    with trio.fail_after(60):
        async with trio_live.open_session(config) as session:
            await session.send_text("Say the word hello, and nothing else.")
            async for event in session:
                if isinstance(event, trio_live.TurnComplete):
                    break
    [turn] = session.state.history
    assert turn.audio_seconds > 0
    assert "hello" in turn.output_transcript.casefold()
    assert session.statistics().events.get("Unknown", 0) == 0
