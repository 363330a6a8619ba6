"""The parts of the command line, each by itself: figures, tape, words, lines, places."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio

import trio_live
from trio_live.audio import duration
from trio_live.cli.describe import describe, summary_lines
from trio_live.cli.events_json import event_line
from trio_live.cli.lines import LineReader
from trio_live.cli.measure import Stopwatch, Summary
from trio_live.cli.place import open_place
from trio_live.cli.run import CommandFailed, plain_errors
from trio_live.cli.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Sequence


LOUD = -20.0
QUIET = -80.0


def audio(response: int, seconds: float, rate: int = 24_000) -> trio_live.AudioData:
    """Give a piece of the model's voice: the response's number, over and over."""
    data = bytes([response, 0]) * int(seconds * rate)
    return trio_live.AudioData(data, rate, f"audio/pcm;rate={rate}", response)


# The tape


def test_tape_keeps_what_was_played_before_an_interruption() -> None:
    """Audio that came early but was not played yet is cut off, and so is what comes of it later."""
    tape = Tape()
    tape.add(10.0, audio(1, 2.0))  # two seconds arrive at once
    tape.interrupt(10.5, trio_live.Interrupted(1))
    tape.add(10.6, audio(1, 1.0))
    tape.add(11.0, audio(2, 0.25))
    assert tape.pcm16 == b"\1\0" * 12_000 + b"\2\0" * 6_000
    assert tape.stale_bytes == 2 * (36_000 + 24_000)


def test_tape_does_not_cut_what_was_played_to_its_end() -> None:
    """An interruption after the answer was played changes nothing of it."""
    tape = Tape()
    tape.add(0.0, audio(1, 0.5))
    tape.interrupt(3.0, trio_live.Interrupted(1))
    assert (duration(tape.pcm16, 24_000), tape.stale_bytes) == (0.5, 0)


def test_tape_takes_one_rate_and_counts_the_rest() -> None:
    """The first piece decides the rate; what is of another is counted, not mixed in."""
    tape = Tape()
    tape.add(0.0, audio(1, 0.5, 16_000))
    tape.add(0.0, audio(1, 0.5, 24_000))
    tape.add(0.0, trio_live.AudioData(b"opus", 16_000, "audio/opus", 1))
    assert (tape.sample_rate_hz, len(tape.pcm16)) == (16_000, 16_000)
    assert tape.skipped_bytes == 24_000 + 4


# The stopwatch


def test_stopwatch_measures_from_the_last_word_not_from_the_last_chunk() -> None:
    """Silence at the end of a file is not speech: the answer may come during it."""
    watch = Stopwatch()
    for at, level in [(1.0, LOUD), (1.5, LOUD), (2.0, QUIET), (2.5, QUIET)]:
        watch.sent(at, level)
    watch.happened(2.25, trio_live.OutputTranscription("hm", response=1))
    watch.happened(2.5, audio(1, 0.1))
    watch.happened(2.75, audio(1, 0.1))
    assert (watch.first_audio, watch.latencies) == (1.0, [1.0])
    watch.sent(4.0, LOUD)
    watch.happened(4.25, audio(2, 0.1))
    assert (watch.first_audio, watch.latencies) == (1.0, [1.0, 0.25])


def test_stopwatch_of_a_silent_file_measures_from_its_end() -> None:
    """Without any speech, the last chunk is the last word."""
    watch = Stopwatch()
    watch.sent(1.0, QUIET)
    watch.sent(2.0, QUIET)
    watch.happened(2.5, trio_live.TextDelta("?", 1))
    assert (watch.first_audio, watch.latencies) == (None, [0.5])


def test_stopwatch_knows_when_all_is_answered() -> None:
    """All is answered after a turn that nobody interrupted, until somebody speaks again."""
    watch = Stopwatch()
    steps: list[tuple[float | trio_live.SessionEvent, bool]] = [
        (LOUD, False),
        (audio(1, 0.1), False),
        (trio_live.Interrupted(1), False),
        (trio_live.TurnComplete(1, 1, interrupted=True), False),
        (audio(2, 0.1), False),
        (trio_live.TurnComplete(2, 1), True),
        (QUIET, True),
        (trio_live.VoiceActivityStart(), False),
        (trio_live.TurnComplete(2, 2), True),
        (LOUD, False),
    ]
    for at, (step, answered) in enumerate(steps):
        if isinstance(step, float):
            watch.sent(at, step)
        else:
            watch.happened(at, step)
        assert watch.all_answered == answered, step
    assert watch.turns == 3


# Words and JSON

EVENTS: Sequence[trio_live.SessionEvent] = (
    trio_live.Connected("s-1"),
    trio_live.PhaseChanged(trio_live.SessionPhase.ACTIVE, trio_live.SessionPhase.SETUP_SENT),
    trio_live.AudioData(b"secret", 24_000, "audio/pcm;rate=24000", 1),
    trio_live.TextDelta("a\x1b[31m\nb", 1),
    trio_live.TextComplete("ab", 1),
    trio_live.InputTranscription("hello"),
    trio_live.OutputTranscription("good day", response=1),
    trio_live.ToolCall((trio_live.FunctionCall("look_up", {"name": "Titan"}, "c-1"),)),
    trio_live.Interrupted(1),
    trio_live.GenerationComplete(1),
    trio_live.TurnComplete(1, 1, interrupted=True),
    trio_live.Usage(trio_live.UsageMetadata(total_token_count=1_234)),
    trio_live.GoAway(9.5),
    trio_live.SessionResumeUpdate("secret-handle", True),
    trio_live.Error("it is broken", b"secret"),
    trio_live.Unknown(b'{"secret": 1}'),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_event_in_words_is_one_safe_line(event: trio_live.SessionEvent) -> None:
    """No event can break the line, steer the terminal or show a secret."""
    words = describe(event)
    assert words
    assert words.isprintable()
    assert "secret" not in words


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_event_as_json_is_one_object_without_secrets(event: trio_live.SessionEvent) -> None:
    """Each line has time and name; media is given by size, handles not at all."""
    text = event_line(1.23456, event)
    fields = json.loads(text)
    assert "\n" not in text
    assert "secret" not in text
    assert (fields["t"], fields["event"]) == (1.2346, type(event).__name__)


def test_event_as_json_keeps_the_fields_names() -> None:
    """A program finds the fields where the library has them."""
    lines = [json.loads(event_line(0, event)) for event in EVENTS]
    fields = {line["event"]: line for line in lines}
    assert fields["AudioData"]["bytes"] == 6
    assert fields["Error"]["raw_bytes"] == 6
    assert fields["TextDelta"]["text"] == "a\x1b[31m\nb"
    assert fields["PhaseChanged"]["phase"] == "active"
    call = {"name": "look_up", "args": {"name": "Titan"}, "id": "c-1"}
    assert fields["ToolCall"]["calls"] == [call]
    assert "handle" not in fields["SessionResumeUpdate"]


# Lines of input


async def test_lines_are_put_together_from_pieces() -> None:
    """Lines end where they end, not where a read ends; the last one needs no line end."""
    pieces = iter([b"on", b"e\r\ntw", b"o\n\n\xc3", b"\xa4 \xff", b""])
    reader = LineReader(lambda: next(pieces))
    with trio.fail_after(5):
        read = [await reader.next_line() for _ in range(5)]
    assert read == ["one", "two", "", "ä \N{REPLACEMENT CHARACTER}", None]


# Groups


def test_plain_errors_leaves_the_first_of_the_expected() -> None:
    """A group of nothing but expected errors becomes one of them, with its cause."""
    cause = OSError("the network")
    lost = trio_live.ConnectionLost("lost")
    lost.__cause__ = cause
    with pytest.raises(trio_live.ConnectionLost) as caught, plain_errors():
        raise ExceptionGroup("", [ExceptionGroup("", [lost]), CommandFailed("no answer")])
    assert caught.value.__cause__ is cause


def test_plain_errors_keeps_a_group_with_a_bug_in_it() -> None:
    """A real mistake among them is not hidden."""
    with pytest.raises(ExceptionGroup) as caught, plain_errors():
        raise ExceptionGroup("", [trio_live.ConnectionLost("lost"), ZeroDivisionError()])
    assert len(caught.value.exceptions) == 2


# Where to connect


@pytest.mark.parametrize(
    ("url", "key", "kind", "address", "sends_key"),
    [
        ("http://127.0.0.1:9", "", "url", "ws://127.0.0.1:9/ws/google", False),
        ("wss://example.org/", "k-1", "url", "wss://example.org/ws/google", True),
        ("wss://u:p@example.org/live?key=k-2", "", "url", "wss://", False),
        ("wss://example.org/live", "k-1", "url", "wss://example.org/live", True),
        (None, " k-1\n", "gemini", "wss://generativelanguage.googleapis.com/ws/google", True),
        (None, "  ", "embedded", "ws://127.0.0.1:", False),
    ],
)
async def test_place_follows_url_then_key_then_nothing(
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
    key: str,
    kind: str,
    address: str,
    sends_key: bool,
) -> None:
    """A URL wins, a key means the real service, else a server is embedded; no secret is shown."""
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", key)
    with trio.fail_after(5):
        async with open_place(url) as place:
            resolved = await place.endpoint.resolve()
    assert place.kind == kind
    assert resolved.url.startswith(address)
    assert (("x-goog-api-key", "k-1") in resolved.headers) == sends_key
    for secret in ("k-1", "k-2", "u:p"):
        assert secret not in place.words + repr(place.endpoint)


async def test_place_follows_the_environment_of_vertex_ai_and_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What google-genai reads for Vertex AI is read, and a token may stand where a key does."""
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "auth_tokens/t")
    with trio.fail_after(5):
        async with open_place("ws://localhost:1") as place:
            resolved = await place.endpoint.resolve()
            assert resolved.headers == (("Authorization", "Token auth_tokens/t"),)
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
        async with open_place(None) as place:
            assert place.kind == "vertex"
            assert place.endpoint.model_name("m").startswith("projects/p/locations/global/")


def test_summary_in_words_says_what_is_missing() -> None:
    """Without an answer the summary says so, instead of leaving the line out."""
    summary = Summary(2.0, 0, None, (), 2, 1, 900, 20, 0, 3, 0.0, 0.0, 0)
    lines = dict(summary_lines(summary, None))
    assert lines["drops"] == "0, 3 not delivered"
    assert "reply" not in lines
    summary = Summary(9.0, 1, 0.5, (0.5,), 2, 1, 900, 20, 0, 0, 1.5, 0.25, 400)
    expected = "a.wav: 1.50 s, 0.25 s more were stale, 400 bytes were of another format"
    assert dict(summary_lines(summary, "a.wav"))["reply"] == expected
    assert lines["turn latency"] == "no answer"
    assert "first audio" not in lines
