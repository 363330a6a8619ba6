"""The short way of what the model says gives what the long way gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trio_live import SessionConfig, protocol
from trio_live.inbound import Inbound
from trio_live.protocol import LiveProtocol
from trio_live.state import SessionState, Trigger
from trio_live.wire import codec
from trio_live.wire.content import Blob
from trio_live.wire.salvage import Unrecognised
from trio_live.wire.voice import voice_of

AUDIO: dict[str, Any] = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}
IMAGE: dict[str, Any] = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
NAMED: dict[str, Any] = {"inlineData": AUDIO["inlineData"] | {"displayName": "voice"}}
PARTS: dict[str, list[dict[str, Any]]] = {
    "audio": [AUDIO],
    "audio of 8 kHz, and audio": [{"inlineData": {"mimeType": "audio/l16;rate=8000"}}, AUDIO],
    "image": [IMAGE],
    "named audio": [NAMED],
    "thought audio": [AUDIO | {"thought": True}],
    "signed audio": [AUDIO | {"thoughtSignature": "AAAA"}],
    "text and audio": [
        {"text": "one"} | AUDIO,
        {"text": "two"},
        {"text": "three", "thought": True},
    ],
    "file": [{"fileData": {"fileUri": "file", "mimeType": "image/png"}}],
    "nothing known": [{}, {"thought": True}],
    "none": [],
}
MORE: dict[str, dict[str, Any]] = {
    "alone": {},
    "with an end": {"serverContent": {"turnComplete": True}},
    "with an interruption": {"serverContent": {"interrupted": True}},
    "with a transcript": {"serverContent": {"outputTranscription": {"text": "one"}}},
    "with a role": {"serverContent": {"modelTurn": {"role": "model"}}},
    "with usage": {"usageMetadata": {"totalTokenCount": 3}},
    "with a call": {"toolCall": {"functionCalls": [{"id": "1", "name": "f"}]}},
}
TRIGGERS = (Trigger.DIAL, Trigger.SETUP, Trigger.OPEN)


def frame_of(parts: str, more: str) -> bytes:
    """Build a message."""
    extra = dict(MORE[more])
    added = dict(extra.pop("serverContent", {}))
    turn = {"parts": PARTS[parts]} | added.pop("modelTurn", {})
    content = {"modelTurn": turn} | added
    return json.dumps({"serverContent": content} | extra).encode()


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("parts", PARTS)
def test_what_the_model_says_takes_the_short_way_to_the_same_events(parts: str, more: str) -> None:
    """A message with something unknown beside it goes the long way; the rest of it is the same."""
    short, long = Inbound(SessionState()), Inbound(SessionState())
    for trigger in TRIGGERS:
        assert short.fire(trigger) == long.fire(trigger)
    unknown = [Unrecognised("", b"{}")]
    for name in (more, "alone", more):
        frame = frame_of(parts, name)
        message, leftovers = codec.decode(frame)
        assert leftovers == []
        told = long.apply(message, [*unknown], frame, 1.0)
        assert short.apply(message, [], frame, 1.0) == told[:-1]
        assert short.state.phase is long.state.phase
        assert repr(short.state.turn) == repr(long.state.turn)
        assert short.response == long.response


SETUP_COMPLETE = '{"setupComplete":{}}'
VOICE = frame_of("audio", "alone")
BROKEN = (
    VOICE.replace(b"AAAA", b"A_-A"),  # base64 for URLs
    VOICE.replace(b"AAAA", b"A"),
    VOICE.replace(b'"AAAA"', b"1"),
    VOICE.replace(b'"AAAA"', b"null"),
    VOICE.replace(b"modelTurn", b"model_turn"),
    VOICE.replace(b'"mimeType"', b'"unknown": {}, "mimeType"'),
    VOICE.replace(b'"parts"', b'"unknown": {}, "parts"'),
    VOICE.replace(b"audio/pcm", b"audio/\\ud800"),
    VOICE.replace(b"audio/pcm", b"audio/\xff"),
    VOICE[:-1],
    VOICE + b"x",
    b"[" * 2_000,
    b"null",
    b"{}",
)


def _opened() -> LiveProtocol:
    opened = LiveProtocol(SessionConfig("m"), "m")
    opened.dial()
    opened.setup()
    opened.receive_frame(SETUP_COMPLETE, 0.0)
    return opened


@pytest.mark.parametrize(
    "between",
    [*(frame_of(parts, more) for parts in PARTS for more in MORE), *BROKEN, b'{"serverContent":{}}']
    + [b'{"serverContent":{"%b":true}}' % end for end in (b"generationComplete", b"interrupted")],
)
def test_voice_that_is_decoded_on_its_own_gives_the_same_events(
    between: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes before, between and behind it, in binary frames and in text."""
    frames: list[str | bytes] = [VOICE, VOICE, between, between, VOICE, VOICE, between]
    frames += [frame_of("none", "with an end"), VOICE.decode(), VOICE.decode()]
    assert voice_of(VOICE) == Blob(b"\0\0\0", "audio/pcm;rate=24000")
    short, long = _opened(), _opened()
    told = [short.receive_frame(frame, 1.0) for frame in frames]
    monkeypatch.setattr(protocol, "voice_of", lambda frame: None)
    assert told == [long.receive_frame(frame, 1.0) for frame in frames]
    assert short.state.machine.phase is long.state.machine.phase
    for turns in ([short.state.turn, long.state.turn], [short.state.history, long.state.history]):
        assert repr(turns[0]) == repr(turns[1])
    last, other = short.state.turn, long.state.turn
    assert last is not None
    assert other is not None
    assert (last.audio_bytes, last.audio_seconds) == (other.audio_bytes, other.audio_seconds)
