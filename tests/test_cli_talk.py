"""A whole talk, with a server in memory and in virtual time."""

from __future__ import annotations

import io
import json
import math
from array import array
from typing import TYPE_CHECKING

import pytest
import trio
from rich.console import Console

import trio_live
from trio_live.cli.live_view import LiveView
from trio_live.cli.measure import Summary
from trio_live.cli.run import CommandFailed, plain_errors
from trio_live.cli.talk import SILENCE_SECONDS, Conversation
from trio_live.cli.view import JsonView, LineView
from trio_live.testing import Close, LiveServer, Speak, Step, UntilInterrupted, connect_to, scripted

if TYPE_CHECKING:
    from trio_live.cli.view import View
    from trio_live.testing import Model


def tone(seconds: float, rate: int = 16_000) -> bytes:
    """Give a 440 Hz tone, loud enough to be speech."""
    step = 2 * math.pi * 440 / rate
    return array(
        "h", (int(9_000 * math.sin(n * step)) for n in range(int(seconds * rate)))
    ).tobytes()


class KeptView(LiveView):
    """A live view in memory, which keeps the summary."""

    def __init__(self) -> None:
        self.output = io.StringIO()
        self.summary: Summary | None = None
        super().__init__(Console(file=self.output, force_terminal=True, width=100, height=40))

    def ended(self, summary: Summary, reply: str | None) -> None:
        self.summary = summary
        super().ended(summary, reply)


async def hold(model: Model | None, pcm16: bytes, view: View, *, wait: float = 30) -> None:
    """Hold a conversation with a server that answers like this."""
    async with LiveServer(model) if model else LiveServer() as server:
        conversation = Conversation(view, wait)
        config = trio_live.SessionConfig("m", input_transcription=True, output_transcription=True)
        with trio.fail_after(100), plain_errors(), view.running():
            async with trio_live.open_session(
                config,
                endpoint=trio_live.GoogleAI("k", base_url="ws://localhost"),
                transport=connect_to(server),
            ) as session:
                await conversation.hold(session, pcm16)
        conversation.conclude(None)


async def test_talk_sends_in_real_time_without_drift(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second of speech takes a second; the summary has the figures of the session."""
    await hold(None, tone(1.0), JsonView())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    summary = lines[-1]
    first = next(line for line in lines if line["event"] == "AudioData")
    assert summary["event"] == "summary"
    # The last word is the chunk at 0.98 s; the server waits for half a second of silence.
    assert first["t"] == pytest.approx(0.98 + 0.5, abs=0.03)
    assert summary["first_audio"] == pytest.approx(0.5, abs=0.03)
    assert summary["latencies"] == [summary["first_audio"]]
    chunks_sent = (1.0 + SILENCE_SECONDS) / 0.02
    assert summary["frames_sent"] == chunks_sent + 2  # the setup, and the end of the stream
    assert (summary["turns"], summary["dropped"], summary["undelivered"]) == (1, 0, 0)
    assert summary["reply_seconds"] == pytest.approx(1.0, abs=0.05)


async def test_talk_drops_what_an_interruption_made_stale(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A sentence after a pause interrupts the answer to the first, and that is cut on the tape."""
    script: list[list[Step]] = [
        [Speak(tone(3.0, 24_000)), UntilInterrupted()],
        [Speak(tone(0.5, 24_000))],
    ]
    pcm16 = tone(0.5) + bytes(32_000) + tone(0.5)
    view = KeptView()
    await hold(scripted(script), pcm16, view)
    shown = view.output.getvalue()
    assert "interrupted (response 1)" in shown
    assert "turn latency" in shown
    assert view.summary is not None
    # Half a second of silence ends the first sentence; the answer plays until the second begins.
    assert view.summary.reply_seconds == pytest.approx(0.5 + 0.5, abs=0.15)
    assert len(view.summary.latencies) == 2


async def test_talk_without_an_answer_ends_in_time(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is waited for longer than the user said; what there is, is shown."""
    began = trio.current_time()
    with pytest.raises(CommandFailed, match=r"^no complete answer: silence for 7 s$"):
        await hold(scripted([[UntilInterrupted()]]), tone(0.1), LineView(), wait=7)
    assert trio.current_time() - began == pytest.approx(0.1 + SILENCE_SECONDS + 7, abs=0.1)


async def test_talk_of_nothing_says_that_there_was_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A file in which nobody speaks gets no answer, and the user is told so."""
    with pytest.raises(CommandFailed, match=r"silence for 7 s; the file has no speech in it$"):
        await hold(None, bytes(3_200), LineView(), wait=7)


async def test_talk_that_the_server_ends_early_fails(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A normal close before the end is a failure of the command all the same."""
    with pytest.raises(CommandFailed, match="the server ended the session before the answer was"):
        await hold(scripted([[Close(1000)]]), tone(0.5), LineView())


async def test_talk_that_loses_the_connection_raises_it_plain(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The loss leaves as itself, whichever of the command's tasks noticed it first."""
    with pytest.raises(trio_live.ConnectionLost) as caught:
        await hold(scripted([[Close(1008, "Refused for good.")]]), tone(0.5), LineView())
    assert caught.value.code == 1008
