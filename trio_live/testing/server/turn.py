"""What a model function is given: the user's turn. Its answer goes out through `reply.Reply`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .pcm import INPUT_RATE_HZ, duration
from .shapes import JsonObject, decode_base64, get_object, get_objects, get_text
from .usage import IMAGE_TOKENS, Tokens, audio_tokens, text_tokens

if TYPE_CHECKING:
    from .reply import Reply


@dataclass(frozen=True, slots=True)
class UserTurn:
    """One turn of the user.

    Attributes:
        text: all text of the turn; contents are joined by newlines.
        audio: what was heard, 16-bit mono PCM at `sample_rate`; empty in a text turn.
        sample_rate: samples a second of `audio`.
        images: the encoded images (JPEG, PNG, WebP) that belong to the turn, oldest first.
        history: the contents before this turn, oldest first, with roles "user" and "model", on
            Vertex AI also "system". Speech is kept as its transcript.
        system_instruction: the text that holds for the answer, from the setup or an update of the
            context.
        tools: the tools that the model may use for it, likewise, as the client wrote them.
    """

    text: str = field(default="", repr=False)
    audio: bytes = field(default=b"", repr=False)
    sample_rate: int = INPUT_RATE_HZ
    images: list[bytes] = field(default_factory=list[bytes], repr=False)
    history: list[JsonObject] = field(default_factory=list[JsonObject], repr=False)
    system_instruction: str = field(default="", repr=False)
    tools: list[JsonObject] = field(default_factory=list[JsonObject], repr=False)

    @property
    def audio_seconds(self) -> float:
        """How long `audio` lasts, in seconds."""
        return duration(self.audio, self.sample_rate)

    @property
    def is_empty(self) -> bool:
        """Whether the user said, wrote and showed nothing."""
        return not (self.text or self.audio or self.images)


Model: TypeAlias = Callable[[UserTurn, "Reply"], Awaitable[None]]
"""The mind of the server: called once per user turn, cancelled when the user interrupts."""

Transcriber: TypeAlias = Callable[[bytes, int], str]
"""Turns 16-bit mono PCM and its sample rate into the words that were heard."""


def placeholder_transcript(pcm16: bytes, sample_rate: int) -> str:
    """Return a text that stands for what was said, such as "(1.9 s of speech)"."""
    return f"({duration(pcm16, sample_rate):.1f} s of speech)"


def text_of_content(content: JsonObject) -> str:
    """Return the text of one content."""
    return "".join(get_text(part, "text") for part in get_objects(content, "parts"))


def turn_of_contents(contents: Sequence[JsonObject], history: list[JsonObject]) -> UserTurn:
    """Return the turn that consists of these contents of a clientContent message."""
    texts: list[str] = []
    images: list[bytes] = []
    for content in contents:
        parts = get_objects(content, "parts")
        texts.append(text_of_content(content))
        for part in parts:
            blob = get_object(part, "inlineData")
            if get_text(blob, "mimeType").startswith("image/"):
                images.append(decode_base64(get_text(blob, "data")))
    return UserTurn("\n".join(text for text in texts if text), images=images, history=history)


def turn_tokens(turn: UserTurn) -> Tokens:
    """Return the tokens of a turn, without its history."""
    return Tokens(
        TEXT=text_tokens(len(turn.text)),
        AUDIO=audio_tokens(turn.audio_seconds),
        IMAGE=IMAGE_TOKENS * len(turn.images),
    )


def contents_tokens(contents: Sequence[JsonObject]) -> Tokens:
    """Return the tokens of contents."""
    return turn_tokens(turn_of_contents(contents, []))
