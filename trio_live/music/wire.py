"""The service's JSON for music: what a client says and what it is told.

What lives here: the messages of `BidiGenerateMusic`, which the Gemini API alone has. What must not:
rules (protocol.py). As in `trio_live.wire.server`, the envelope and its content refuse unknown
names, so that the codec reports what is new. Source: "Live Music API reference", ai.google.dev, and
google-genai 3.4 `types.LiveMusicClientMessage` and `LiveMusicServerMessage`, read November 2026.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from trio_live.wire.base import Wire
from trio_live.wire.client import Empty
from trio_live.wire.marks import Gemini, Unlisted, known
from trio_live.wire.server import ErrorStatus

Scale: TypeAlias = Annotated[
    str,
    known(
        "SCALE_UNSPECIFIED",
        "C_MAJOR_A_MINOR",
        "D_FLAT_MAJOR_B_FLAT_MINOR",
        "D_MAJOR_B_MINOR",
        "E_FLAT_MAJOR_C_MINOR",
        "E_MAJOR_D_FLAT_MINOR",
        "F_MAJOR_D_MINOR",
        "G_FLAT_MAJOR_E_FLAT_MINOR",
        "G_MAJOR_E_MINOR",
        "A_FLAT_MAJOR_F_MINOR",
        "A_MAJOR_G_FLAT_MINOR",
        "B_FLAT_MAJOR_G_MINOR",
        "B_MAJOR_A_FLAT_MINOR",
    ),
]
"""A major scale and the minor one with the same notes."""

MusicGenerationMode: TypeAlias = Annotated[
    str, known("MUSIC_GENERATION_MODE_UNSPECIFIED", "QUALITY", "DIVERSITY", "VOCALIZATION")
]
"""Where in the model's range prompts lead: to the best music, to more of a kind, to voices."""

PlaybackControl: TypeAlias = Annotated[
    str, known("PLAYBACK_CONTROL_UNSPECIFIED", "PLAY", "PAUSE", "STOP", "RESET_CONTEXT")
]
"""What happens to the music: it starts or goes on, is held, stops, or forgets what it played."""


class MusicSetup(Wire, frozen=True):
    """The first message, and only the first: the model's resource name."""

    model: Gemini[str]


class WeightedPrompt(Wire, frozen=True):
    """What the music is to be like, and how much of it.

    Attributes:
        text: A genre, an instrument, a mood, or all of these in words.
        weight: How much it counts beside the other prompts; any number but 0. The service
            normalises the weights of all prompts.
    """

    text: str | None = None
    weight: float | None = None


class MusicClientContent(Wire, frozen=True):
    """The prompts from now on; they replace those before."""

    weighted_prompts: Gemini[tuple[WeightedPrompt, ...] | None] = None


class MusicGenerationConfig(Wire, frozen=True):
    """How the music is made. It replaces the config before as a whole: None means the default.

    Attributes:
        temperature: How much the music varies, 0.0 to 3.0; the service's default is 1.1.
        top_k: Sample from that many tokens at most, 1 to 1,000; 40.
        seed: Makes the music repeatable, 0 to 2,147,483,647; random.
        guidance: How closely prompts are followed, 0.0 to 6.0; more makes transitions harsher; 4.0.
        bpm: Beats a minute, 60 to 200. Takes effect with the next `reset_context()`.
        density: How many notes, 0.0 (sparse) to 1.0 (busy).
        brightness: How much treble, 0.0 to 1.0.
        scale: The scale. Takes effect with the next `reset_context()`.
        mute_bass: Leave the bass out.
        mute_drums: Leave the drums out.
        only_bass_and_drums: Leave all the rest out.
        music_generation_mode: "QUALITY" (the default), "DIVERSITY" or "VOCALIZATION".
    """

    temperature: float | None = None
    top_k: int | None = None
    seed: int | None = None
    guidance: float | None = None
    bpm: int | None = None
    density: float | None = None
    brightness: float | None = None
    scale: Scale | None = None
    mute_bass: bool | None = None
    mute_drums: bool | None = None
    only_bass_and_drums: bool | None = None
    music_generation_mode: MusicGenerationMode | None = None


class MusicClientMessage(Wire, frozen=True):
    """The envelope of a client: exactly one field is set."""

    setup: Gemini[MusicSetup | None] = None
    client_content: Gemini[MusicClientContent | None] = None
    music_generation_config: Gemini[MusicGenerationConfig | None] = None
    playback_control: Gemini[PlaybackControl | None] = None


class MusicSource(Wire, frozen=True):
    """What a chunk of music was made from."""

    client_content: MusicClientContent | None = None
    music_generation_config: MusicGenerationConfig | None = None


class AudioChunk(Wire, frozen=True):
    """About two seconds of music, as "audio/l16;rate=48000;channels=2"."""

    data: bytes = b""
    mime_type: str = ""
    source_metadata: MusicSource | None = None


class MusicServerContent(Wire, frozen=True, forbid_unknown_fields=True):
    """Music, made as fast as the service can and not as fast as it is played."""

    audio_chunks: tuple[AudioChunk, ...] | None = None


class MusicFilteredPrompt(Wire, frozen=True):
    """A prompt that the service does not follow, and why; the music goes on without it."""

    text: str | None = None
    filtered_reason: str | None = None


class MusicServerMessage(Wire, frozen=True, forbid_unknown_fields=True):
    """The envelope of the service."""

    setup_complete: Empty | None = None
    server_content: MusicServerContent | None = None
    filtered_prompt: MusicFilteredPrompt | None = None
    error: Unlisted[ErrorStatus | None] = None
