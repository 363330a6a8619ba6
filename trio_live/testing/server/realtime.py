"""Realtime input to turns: activity found in the audio, or marked by the client."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from .conversation import Conversation
from .outbox import Outbox
from .pcm import BYTES_PER_SAMPLE, INPUT_RATE_HZ
from .shapes import (
    JsonObject,
    Refusal,
    decode_base64,
    encode_duration,
    get_object,
    get_objects,
    get_text,
    invalid_argument,
)
from .speech import SpeechDetector, SpeechStart
from .terms import Terms
from .turn import Transcriber, UserTurn

MEDIA_CHUNKS: Final = (
    "realtime_input.media_chunks is deprecated. Use audio, video, or text instead."
)
EXPLICIT_ACTIVITY: Final = (
    "Explicit activity control is not supported when automatic activity detection is enabled."
)

MOST_IMAGE_BYTES: Final = 32 * 1024 * 1024
"""Of one turn; the images that were shown first are forgotten beyond it."""

_PCM: Final = re.compile(r"audio/pcm(?:;\s*rate=([1-9][0-9]{2,5}))?")
_IMAGES: Final = ("image/jpeg", "image/png", "image/webp")


class Listener:
    """Collects what the user says, shows and writes into turns.

    Audio, images and text are streams of their own; what belongs to one turn is decided by
    activity. Text outside of an activity is a turn by itself.
    """

    def __init__(
        self, terms: Terms, conversation: Conversation, outbox: Outbox, transcribe: Transcriber
    ) -> None:
        self._terms = terms
        self._conversation = conversation
        self._outbox = outbox
        self._transcribe = transcribe
        self._detector = SpeechDetector(
            threshold=terms.start_threshold, start_ms=terms.start_ms, silence_ms=terms.silence_ms
        )
        self._marked = False  # between activityStart and activityEnd
        self._audio = bytearray()  # of the marked activity
        self._sample_rate = INPUT_RATE_HZ
        self._text = ""  # written during an activity
        self._images: deque[bytes] = deque()  # shown since the last turn

    def take(self, message: JsonObject) -> None:
        """Take one realtimeInput message.

        Raises:
            Refusal: the message breaks a rule of the service.
        """
        if "mediaChunks" in message:
            message = self._unpack(message)
        if len(message) != 1:
            raise invalid_argument("realtimeInput takes exactly one field per message")
        kind = next(iter(message))
        self._check_mode(kind)
        if not self._conversation.is_listening:
            return  # mute until the initial history has come
        if kind == "audio":
            self._take_audio(get_object(message, kind))
        elif kind == "video":
            self._take_image(get_object(message, kind))
        elif kind == "text":
            self._take_text(get_text(message, kind))
        elif kind == "activityStart":
            self._mark_start()
        elif kind == "activityEnd":
            self._mark_end()
        elif message[kind] is True:
            self._hear(b"", end=True)

    def _unpack(self, message: JsonObject) -> JsonObject:
        """Return the first of the media chunks as audio or video; the others never counted."""
        if not self._terms.generation.media_chunks:
            raise Refusal(1007, MEDIA_CHUNKS)
        chunks = get_objects(message, "mediaChunks")
        if len(message) != 1 or not chunks:
            raise invalid_argument("realtimeInput takes exactly one field per message")
        is_audio = get_text(chunks[0], "mimeType").startswith("audio/")
        return {"audio" if is_audio else "video": chunks[0]}

    def _check_mode(self, kind: str) -> None:
        automatic = self._terms.automatic_detection
        if kind in ("activityStart", "activityEnd") and automatic:
            raise Refusal(1007, EXPLICIT_ACTIVITY)
        if kind == "audioStreamEnd" and not automatic:
            raise invalid_argument("audioStreamEnd needs automatic activity detection")

    def _take_audio(self, blob: JsonObject) -> None:
        found = _PCM.fullmatch(get_text(blob, "mimeType"))
        if found is None:
            raise invalid_argument("audio needs a mimeType such as audio/pcm;rate=16000")
        pcm16 = decode_base64(get_text(blob, "data"))
        if len(pcm16) % BYTES_PER_SAMPLE:
            raise invalid_argument("16-bit PCM with an odd number of bytes")
        rate = int(found[1] or INPUT_RATE_HZ)
        if self._terms.automatic_detection:
            self._sample_rate = rate
            self._hear(pcm16)
            return
        if not self._marked:
            if self._terms.generation.early_audio:
                return  # dropped without a word
            raise invalid_argument("audio before activityStart")
        if self._audio and rate != self._sample_rate:
            raise invalid_argument("the sample rate changed within an activity")
        self._sample_rate = rate
        self._audio += pcm16

    def _take_image(self, blob: JsonObject) -> None:
        if get_text(blob, "mimeType") not in _IMAGES:
            raise invalid_argument("video takes single frames: image/jpeg, image/png, image/webp")
        if self.is_active or self._terms.video_between_turns:
            self._images.append(decode_base64(get_text(blob, "data")))
            while sum(map(len, self._images)) > MOST_IMAGE_BYTES:
                self._images.popleft()

    def _take_text(self, text: str) -> None:
        if self.is_active:
            self._text += text
        else:
            self._text = text
            self._end_turn(b"", INPUT_RATE_HZ)

    @property
    def is_active(self) -> bool:
        """Whether the user is in the middle of speaking: what was heard is in no turn yet."""
        return self._marked or self._detector.speaking

    def _hear(self, pcm16: bytes, *, end: bool = False) -> None:
        events = self._detector.feed(pcm16, self._sample_rate)
        for event in events + (self._detector.flush() if end else []):
            if isinstance(event, SpeechStart):
                self._signal("ACTIVITY_START", event.offset)
                self._conversation.activity_started()
            else:
                self._signal("ACTIVITY_END", event.offset)
                self._end_turn(event.pcm16, event.sample_rate)

    def _signal(self, kind: str, offset: float) -> None:
        if self._terms.activity_signal:
            activity: JsonObject = {"type": kind, "audioOffset": encode_duration(offset)}
            self._outbox.put_json({"voiceActivity": activity})

    def _mark_start(self) -> None:
        if self._marked:
            raise invalid_argument("activityStart within an activity")
        self._marked = True
        self._conversation.activity_started()

    def _mark_end(self) -> None:
        if not self._marked:
            raise invalid_argument("activityEnd without activityStart")
        self._marked = False
        audio = bytes(self._audio)
        self._audio.clear()
        self._end_turn(audio, self._sample_rate)

    def _end_turn(self, audio: bytes, sample_rate: int) -> None:
        turn = UserTurn(self._text, audio, sample_rate, images=list(self._images))
        self._text, self._images = "", deque()
        heard = self._transcribe(audio, sample_rate) if audio else ""
        if heard and self._terms.input_transcription:
            self._outbox.put_json({"serverContent": {"inputTranscription": {"text": heard}}})
        self._conversation.take_turn(turn, heard)
