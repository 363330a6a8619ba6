"""Events and figures in words, for people.

What lives here: one line per event, and the lines of the summary. What must not: showing them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_live import (
    AudioData,
    Connected,
    Disconnected,
    Error,
    GenerationComplete,
    InputTranscription,
    Interrupted,
    OutputTranscription,
    PhaseChanged,
    SessionEvent,
    SessionResumeUpdate,
    TextComplete,
    TextDelta,
    TurnComplete,
    Usage,
)
from trio_live.cli.run import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_live.cli.measure import Summary


def describe(event: SessionEvent) -> str:
    """Say an event in one line."""
    match event:
        case Connected():
            words = "connected"
        case PhaseChanged(phase=phase):
            words = f"phase {phase.value}"
        case AudioData(sample_rate_hz=rate, response=response):
            words = f"the model speaks (response {response}, {rate:,} Hz)"
        case TextDelta(text=text):
            words = f"text: {text}"
        case TextComplete():
            words = "text complete"  # all of it has been shown
        case InputTranscription(text=text):
            words = f"you: {text}"
        case OutputTranscription(text=text):
            words = f"model: {text}"
        case Interrupted(response=response):
            words = f"interrupted (response {response})"
        case GenerationComplete(response=response):
            words = f"generation complete (response {response})"
        case TurnComplete(turn=turn, interrupted=interrupted):
            words = f"turn {turn} complete" + (", interrupted" if interrupted else "")
        case SessionResumeUpdate(resumable=resumable):
            words = "resumable" if resumable else "not resumable now"
        case Disconnected(code=code, reason=reason):
            words = f"disconnected: {code} {reason}"
        case Usage(total_tokens=tokens):
            words = f"usage: {tokens:,} tokens"
        case Error(message=message):
            words = f"error: {message}"
        case _:
            words = repr(event)  # sizes and kinds, never payloads
    return one_line(words)


def summary_lines(summary: Summary, reply: str | None) -> Iterator[tuple[str, str]]:
    """Give the summary as pairs of a heading and its text.

    Args:
        summary: The figures.
        reply: Where the reply was written, or None.
    """
    yield "session", f"{_count(summary.turns, 'turn')} in {summary.seconds:.2f} s"
    if summary.first_audio is not None:
        yield "first audio", f"{summary.first_audio:.3f} s after the last word"
    latencies = ", ".join(f"{latency:.3f}" for latency in summary.latencies)
    yield "turn latency", f"{latencies} s" if latencies else "no answer"
    yield "sent", f"{_count(summary.frames_sent, 'frame')}, {summary.bytes_sent:,} bytes"
    received = f"{_count(summary.frames_received, 'frame')}, {summary.bytes_received:,} bytes"
    yield "received", received
    lost = f", {summary.undelivered} not delivered" if summary.undelivered else ""
    yield "drops", f"{summary.dropped}{lost}"
    stale = f", {summary.stale_seconds:.2f} s more were stale" if summary.stale_seconds else ""
    if summary.skipped_bytes:
        stale += f", {summary.skipped_bytes:,} bytes were of another format"
    if reply is not None:
        yield "reply", f"{reply}: {summary.reply_seconds:.2f} s{stale}"
    elif summary.reply_seconds or stale:
        yield "reply", f"{summary.reply_seconds:.2f} s{stale} (--out FILE keeps it)"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
