"""Who makes the music: what a maker is given, and `tones`, the one that is built in."""

from __future__ import annotations

import math
import zlib
from array import array
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import trio

from .pcm import to_bytes
from .shapes import JsonObject, get_number

MUSIC_RATE_HZ: Final = 48_000
CHANNELS: Final = 2
CHUNK_SECONDS: Final = 2.0
MUSIC_TYPE: Final = f"audio/l16;rate={MUSIC_RATE_HZ};channels={CHANNELS}"

_FRAME_BYTES: Final = 2 * CHANNELS  # one sample of each channel
_LOUDEST: Final = 12_000
_DEFAULT_BPM: Final = 120
# A major pentatonic scale from 220 Hz on, as samples in one period: any of its tones fit together.
_PERIODS: Final = tuple(
    round(MUSIC_RATE_HZ / (220 * 2 ** (octave + step / 12)))
    for octave in (0, 1)
    for step in (0, 2, 4, 7, 9)
)


@dataclass(frozen=True, slots=True)
class MusicMoment:
    """What one chunk of music is to be made from.

    Attributes:
        prompts: text to weight; the weights' absolute values add up to 1.
        config: the fields of musicGenerationConfig that are set, in camelCase; `bpm` and `scale`
            are those at the last reset of the context.
        position: seconds of music since then.
        seconds: how much to make.
    """

    prompts: Mapping[str, float] = field(repr=False)
    config: JsonObject
    position: float
    seconds: float = CHUNK_SECONDS


MusicMaker: TypeAlias = Callable[[MusicMoment], Awaitable[bytes]]
"""The server's musician: called once per chunk, gives 16-bit little-endian stereo PCM at 48 kHz."""


async def tones(moment: MusicMoment) -> bytes:
    """Play one tone per prompt in turn, one a beat, each as loud as its weight says.

    The same prompts, config and position always give the same bytes.
    """
    await trio.lowlevel.checkpoint()
    bpm = get_number(moment.config, "bpm", _DEFAULT_BPM)
    beat = round(MUSIC_RATE_HZ * 60 / bpm) * _FRAME_BYTES
    bar = b"".join(_tone(text, weight, beat) for text, weight in sorted(moment.prompts.items()))
    start = round(moment.position * MUSIC_RATE_HZ) * _FRAME_BYTES % len(bar)
    size = round(moment.seconds * MUSIC_RATE_HZ) * _FRAME_BYTES
    return (bar * (2 + size // len(bar)))[start : start + size]


def _tone(text: str, weight: float, size: int) -> bytes:
    """Return so many bytes of the tone that stands for a text."""
    period = _PERIODS[zlib.crc32(text.encode()) % len(_PERIODS)]
    samples = array("h")
    for index in range(period):
        sample = int(_LOUDEST * abs(weight) * math.sin(2 * math.pi * index / period))
        samples.extend([sample] * CHANNELS)
    once = to_bytes(samples)
    return (once * (1 + size // len(once)))[:size]
