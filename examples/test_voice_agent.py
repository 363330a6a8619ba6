"""How a voice agent is tested with trio_live: run it with `pytest examples/test_voice_agent.py`.

The fixtures `live_server` and `live_session` come with trio_live; there is nothing to configure.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from voice_agent import Speaker, run_agent

import trio_live
from trio_live.testing import CallTools, MockSession, Model, Say, scripted

CHUNK_MS = 100
SILENCE = bytes(3200)  # 100 ms at 16 kHz
VOICE = b"\x00\x10\x00\xf0" * 800  # a loud buzz, as good as words for speech detection


@pytest.fixture
def live_config() -> trio_live.SessionConfig:
    """The agent speaks."""
    return trio_live.SessionConfig("models/agent", response_modalities=["AUDIO"])


async def speech(*stretches: float) -> AsyncIterator[bytes]:
    """Give a microphone: seconds of speech and of silence in turn, in real-time chunks."""
    for number, seconds in enumerate(stretches):
        for _ in range(round(seconds * 1000 / CHUNK_MS)):
            yield SILENCE if number % 2 else VOICE
            await trio.sleep(CHUNK_MS / 1000)


async def test_agent_minutes_of_talk_are_answered(live_session: trio_live.SessionHandle) -> None:
    """Two minutes of talk: twelve questions of two seconds, and each is answered in full."""
    speaker = Speaker()
    began = trio.current_time()
    with trio.move_on_after(150):
        await run_agent(live_session, speech(*[2.0, 8.0] * 12), speaker)
    assert trio.current_time() - began >= 120  # on the virtual clock
    assert len(live_session.state.history) == 12
    assert not any(turn.interrupted for turn in live_session.state.history)
    assert speaker.flushes == 0
    answered = sum(len(audio.data) for audio in speaker.queued) / 2 / 24_000
    assert answered >= 12 * 2.0


async def test_agent_barge_in_flushes_the_speaker(live_session: trio_live.SessionHandle) -> None:
    """Speech during an answer interrupts it, and what was queued of it is not played."""
    speaker = Speaker()
    with trio.move_on_after(30):
        await run_agent(live_session, speech(3.0, 1.5, 1.0, 20.0), speaker)
    assert [turn.interrupted for turn in live_session.state.history] == [True, False]
    assert speaker.flushes == 1
    assert {audio.response for audio in speaker.queued} == {2}


class TestTools:
    """What answers can be scripted for a module, a class or a conftest."""

    @pytest.fixture
    def live_model(self) -> Model:
        """Call a tool, then speak."""
        return scripted([[CallTools([("weather", {"city": "Oslo"})]), Say("It rains.")]])

    async def test_agent_answers_a_tool_call(self, live_session: trio_live.SessionHandle) -> None:
        """A slow tool runs while the agent goes on listening, and its answer goes back once."""
        asked: list[dict[str, object]] = []

        async def weather(args: dict[str, object]) -> dict[str, object]:
            asked.append(args)
            await trio.sleep(5)
            return {"sky": "rain"}

        with trio.move_on_after(30):
            await run_agent(live_session, speech(1.0, 20.0), Speaker(), {"weather": weather})
        assert asked == [{"city": "Oslo"}]
        [turn] = live_session.state.history
        assert [call.name for call in turn.tool_calls] == ["weather"]


async def test_agent_without_a_server(autojump_clock: trio.testing.MockClock) -> None:
    """MockSession records what is sent and says what the test tells it to."""
    session = MockSession()
    speaker = Speaker()
    audio = trio_live.AudioData(bytes(960), 24_000, "audio/pcm;rate=24000", 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_agent, session, speech(0.5), speaker)
        await trio.sleep(1)
        session.emit(audio, trio_live.Interrupted(response=1))
        await trio.testing.wait_all_tasks_blocked()
        session.end()
    assert [type(command) for command in session.sent] == [trio_live.SendAudio] * 5
    assert (speaker.queued, speaker.flushes) == ([], 1)
