"""Ready-made models: `echo`, and `scripted` for a conversation that is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import trio

from .pcm import OUTPUT_RATE_HZ, resample
from .reply import Reply
from .shapes import JsonObject
from .turn import Model, UserTurn, placeholder_transcript


async def echo(turn: UserTurn, reply: Reply) -> None:
    """Answer with what the user said: text with the same text, speech with the same speech.

    In an AUDIO session text is spoken (see `Reply.text`), and speech is played back with a
    placeholder for a transcript, such as "(1.9 s of speech)". In a TEXT session that placeholder
    is the answer to speech. A turn with images alone is answered with how many there were.
    """
    if turn.text:
        await reply.text(turn.text)
    if turn.audio:
        words = placeholder_transcript(turn.audio, turn.sample_rate)
        if reply.modality == "AUDIO":
            await reply.transcript(words)
            await reply.audio(resample(turn.audio, turn.sample_rate, OUTPUT_RATE_HZ))
        else:
            await reply.text(words)
    if turn.images and not (turn.text or turn.audio):
        await reply.text(f"({len(turn.images)} images)")


@dataclass(frozen=True, slots=True)
class Say:
    """Say a text in the session's modality.

    Attributes:
        text: the words.
        thought: whether it is a thought.
    """

    text: str
    thought: bool = False


@dataclass(frozen=True, slots=True)
class Speak:
    """Play audio.

    Attributes:
        pcm16: little-endian 16-bit mono PCM at 24,000 Hz.
        transcript: what it says.
    """

    pcm16: bytes = field(repr=False)
    transcript: str | None = None


@dataclass(frozen=True, slots=True)
class CallTools:
    """Call functions of the client and wait for the answers.

    Attributes:
        calls: name and arguments of each.
    """

    calls: Sequence[tuple[str, JsonObject]]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass.

    Attributes:
        seconds: how much, on Trio's clock.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class UntilInterrupted:
    """Go on for ever, silently: the turn ends when the user interrupts."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message as it is.

    Attributes:
        message: the JSON object.
    """

    message: JsonObject


@dataclass(frozen=True, slots=True)
class GoAway:
    """Announce the end of the connection, and end it when the time has passed.

    Attributes:
        time_left: seconds until then.
    """

    time_left: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection.

    Attributes:
        code: the WebSocket close code.
        reason: its text.
    """

    code: int
    reason: str = ""


Step: TypeAlias = Say | Speak | CallTools | Wait | UntilInterrupted | Send | GoAway | Close


def scripted(turns: Sequence[Sequence[Step]]) -> Model:
    """Return a model that answers the n-th user turn with the n-th list of steps.

    Turns are counted over all sessions of the server, so a script goes on after a reconnection.
    An interrupted turn counts as answered. After the last turn the answers are empty.
    """
    script = iter(turns)

    async def play(_turn: UserTurn, reply: Reply) -> None:
        for step in next(script, ()):
            await _play_step(step, reply)

    return play


async def _play_step(step: Step, reply: Reply) -> None:
    match step:
        case Say(text, thought):
            await reply.text(text, thought=thought)
        case Speak(pcm16, transcript):
            if transcript is not None:
                await reply.transcript(transcript)
            await reply.audio(pcm16)
        case CallTools(calls):
            await reply.call_tools(calls)
        case Wait(seconds):
            await trio.sleep(seconds)
        case UntilInterrupted():
            await trio.sleep_forever()
        case Send(message):
            await reply.raw(message)
        case GoAway(time_left):
            await reply.session.go_away(time_left)
        case Close(code, reason):
            await reply.session.close(code, reason)
