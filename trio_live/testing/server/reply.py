"""How a model function answers: text, audio, transcripts and calls, at the pace of speech."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import trio

from .calls import CallDesk
from .outbox import Outbox
from .pcm import BYTES_PER_SAMPLE, OUTPUT_RATE_HZ, tone
from .shapes import JsonObject, encode_base64, get_object, get_objects
from .terms import Terms
from .usage import Tokens, audio_tokens, text_tokens

_TEXT_PIECE = 24  # characters of text in one message; the service sends a few words at a time
_SPOKEN_CHARACTERS_A_SECOND = 15
_LONGEST_TONE = 3.0  # seconds that stand for a text, however long it is


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast an answer leaves.

    Attributes:
        pace: seconds that pass per second of audio: 1.0 is real time, 0 as fast as possible.
        chunk_ms: milliseconds of audio in one message; a piece of text takes as long.
    """

    pace: float
    chunk_ms: int

    @property
    def chunk_bytes(self) -> int:
        """Bytes of 24 kHz PCM in one message."""
        return BYTES_PER_SAMPLE * (OUTPUT_RATE_HZ * self.chunk_ms // 1000)


class SessionControl(Protocol):
    """What a model function may do to its session besides answering."""

    async def go_away(self, time_left: float) -> None:
        """Announce the end of the connection in `time_left` seconds."""

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection with a close frame."""

    async def abort(self) -> None:
        """Drop the connection without one."""


class Reply:
    """The answer to one user turn; made by the server and handed to the model function.

    When the model function returns, the turn ends: generationComplete, the rest of the playback,
    turnComplete. When the user interrupts, whatever the function awaits is cancelled.

    Every method: Cancellation: atomic per message. If cancelled, the messages that were not yet
    sent did not happen. Blocks: for as long as the answer takes at the server's pace, and while
    the client does not read.

    Attributes:
        modality: "TEXT" or "AUDIO", what the session answers in.
        session: the session, to close it or to announce its end.
        answers: every functionResponse that came for its calls, whole: with `scheduling`,
            `willContinue` and `parts`, where the client gave them.
    """

    def __init__(
        self,
        terms: Terms,
        outbox: Outbox,
        desk: CallDesk,
        *,
        pacing: Pacing,
        session: SessionControl,
    ) -> None:
        self.modality = terms.modality
        self.session = session
        self.answers: list[JsonObject] = []
        self.scope = trio.CancelScope()  # around the model function; cancelled by interruption
        self.contents: list[JsonObject] = []  # what was sent, for the history
        self._transcribes = terms.output_transcription
        self._bundles = terms.bundles
        self._held: JsonObject = {}  # what is to come in the same serverContent as what follows
        self._next_part: JsonObject | None = None  # audio whose time has not come
        self._outbox = outbox
        self._desk = desk
        self._pacing = pacing
        self._playback_end = trio.current_time()  # when the client has played all that was sent
        self._over = False
        self._characters = Counter[str]()  # of texts and thoughts sent
        self._audio_seconds = 0.0

    async def text(self, text: str, *, thought: bool = False) -> None:
        """Say a text, in the session's modality.

        In a TEXT session it is sent as text, in an AUDIO session as its transcript and a quiet
        tone about as long as the words would take.

        Args:
            text: the words; nothing is sent for an empty one.
            thought: mark it as a thought, which is sent as text in both modalities.
        """
        if self.modality == "AUDIO" and not thought:
            if text:
                await self.transcript(text)
                await self.audio(tone(min(len(text) / _SPOKEN_CHARACTERS_A_SECOND, _LONGEST_TONE)))
            return
        for piece in _pieces(text):
            await self._pass_time()
            await self._ready()
            self._send_part({"text": piece, "thought": True} if thought else {"text": piece})
            if not thought:
                self._remember(piece)
            self._characters["THOUGHT" if thought else "TEXT"] += len(piece)
            self._take_time(self._pacing.chunk_ms / 1000)

    async def audio(self, pcm16: bytes) -> None:
        """Play audio to the user.

        Args:
            pcm16: little-endian 16-bit mono PCM at 24,000 Hz; an even number of bytes.

        Raises:
            RuntimeError: the session answers in text.
            ValueError: an odd number of bytes.
        """
        if self.modality != "AUDIO":
            raise RuntimeError("this session answers in TEXT; send text instead of audio")
        if len(pcm16) % BYTES_PER_SAMPLE:
            raise ValueError(f"pcm16 has an odd number of bytes: {len(pcm16)}")
        for start in range(0, len(pcm16), self._pacing.chunk_bytes):
            chunk = pcm16[start : start + self._pacing.chunk_bytes]
            blob: JsonObject = {
                "mimeType": f"audio/pcm;rate={OUTPUT_RATE_HZ}",
                "data": encode_base64(chunk),
            }
            part = self._next_part = {"inlineData": blob}
            await self._pass_time()
            await self._ready()
            self._next_part = None
            self._send_part(part)
            seconds = len(chunk) / (BYTES_PER_SAMPLE * OUTPUT_RATE_HZ)
            self._audio_seconds += seconds
            self._take_time(seconds)

    async def transcript(self, text: str) -> None:
        """Say what the audio says; sent if the setup asked for output transcription."""
        await self._ready()
        self._remember(text)
        if self._transcribes:
            self._release()
            self._held = {"outputTranscription": {"text": text}}
            if not self._bundles:
                self._release()

    async def call_tools(self, calls: Sequence[tuple[str, JsonObject]]) -> list[JsonObject]:
        """Call functions of the client and wait for all their answers.

        Args:
            calls: name and arguments of each function; they go out in one message.

        Returns:
            The `response` object of each call, in order: of a call that was answered in several
            pieces (`willContinue`) that of the last, the others are in `answers`.
        """
        await self._ready()
        self._release()
        ids = self._desk.issue(calls)
        for call_id, (name, args) in zip(ids, calls, strict=True):
            call: JsonObject = {"id": call_id, "name": name, "args": args}
            self._note("model", {"functionCall": call})
        answers = await self._desk.answers(ids)
        for answer in chain(*answers):
            self.answers.append(answer)
            self._note("user", {"functionResponse": answer})
        return [get_object(of_call[-1], "response") for of_call in answers]

    async def raw(self, message: JsonObject) -> None:
        """Send a message as it is, such as `{"serverContent": {"groundingMetadata": {}}}`."""
        await self._ready()
        self._release()
        self._outbox.put_json(message)

    async def finish(self) -> None:
        """Say that the answer is complete and wait until the user has heard it (server's use)."""
        await self._ready()
        self._held["generationComplete"] = True
        if not self._bundles or self._playback_end > trio.current_time():
            self._release()
        await self._pass_time()

    def stop(self) -> None:
        """Let nothing more out and cancel the model function (server's use)."""
        self._over = True
        self._held.pop("generationComplete", None)
        if self._bundles and self._next_part is not None:
            self._held["modelTurn"] = _turn_of(self._next_part)
        self.scope.cancel()

    def take_rest(self) -> JsonObject:
        """Return what was held to be sent with the end of the turn (server's use).

        Where several fields come in one serverContent, that is generationComplete, or for an
        answer that was interrupted what the user is not to hear any more.
        """
        rest, self._held = self._held, {}
        return rest

    @property
    def tokens(self) -> Tokens:
        """The tokens of what was sent."""
        return Tokens(
            TEXT=text_tokens(self._characters["TEXT"]),
            THOUGHT=text_tokens(self._characters["THOUGHT"]),
            AUDIO=audio_tokens(self._audio_seconds),
        )

    @property
    def is_over(self) -> bool:
        """Whether the turn was interrupted."""
        return self._over

    async def _ready(self) -> None:
        """Wait until a message may leave.

        The check comes after the wait: a task that was already awake when its scope was cancelled
        is told so only at its next checkpoint.
        """
        try:
            await self._outbox.room()
        except trio.ClosedResourceError:
            self._over = True
        if self._over:
            await trio.sleep_forever()  # until the cancellation that is on its way

    async def _pass_time(self) -> None:
        await trio.sleep_until(max(self._playback_end, trio.current_time()))

    def _take_time(self, seconds: float) -> None:
        start = max(self._playback_end, trio.current_time())
        self._playback_end = start + seconds * self._pacing.pace

    def _send_part(self, part: JsonObject) -> None:
        self._held["modelTurn"] = _turn_of(part)
        self._release()

    def _release(self) -> None:
        if self._held:
            self._outbox.put_json({"serverContent": self.take_rest()})

    def _remember(self, text: str) -> None:
        self._note("model", {"text": text})

    def _note(self, role: str, part: JsonObject) -> None:
        last = self.contents[-1] if self.contents else {}
        if last.get("role") != role:
            self.contents.append({"role": role, "parts": [part]})
            return
        parts = get_objects(last, "parts")
        if "text" in part and "text" in parts[-1]:
            part = {"text": f"{parts.pop()['text']}{part['text']}"}
        last["parts"] = [*parts, part]


def _turn_of(part: JsonObject) -> JsonObject:
    return {"role": "model", "parts": [part]}


def _pieces(text: str) -> Iterator[str]:
    """Cut a text at spaces into pieces that join to the same text."""
    while len(text) > _TEXT_PIECE:
        cut = text.rfind(" ", 1, _TEXT_PIECE)
        cut = _TEXT_PIECE if cut < 0 else cut
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text
