"""Arithmetic on 16-bit mono PCM, little-endian, in pure Python.

Fast enough for tests and for one conversation: a second of speech is resampled in about 10 ms.
"""

from __future__ import annotations

import math
import sys
from array import array
from typing import Final

INPUT_RATE_HZ: Final = 16_000
OUTPUT_RATE_HZ: Final = 24_000
BYTES_PER_SAMPLE: Final = 2

_TONE_HZ: Final = 240  # 100 samples a period at 24 kHz: the tone is one period, repeated
_TONE_AMPLITUDE: Final = 3_000


def to_samples(pcm16: bytes) -> array[int]:
    """Return the samples of PCM bytes."""
    samples = array("h", pcm16)
    if sys.byteorder == "big":  # pragma: no cover - no such machine in the tests
        samples.byteswap()
    return samples


def to_bytes(samples: array[int]) -> bytes:
    """Return the PCM bytes of samples."""
    if sys.byteorder == "big":  # pragma: no cover - no such machine in the tests
        samples = array("h", samples)
        samples.byteswap()
    return samples.tobytes()


def duration(pcm16: bytes, sample_rate: int) -> float:
    """Return how many seconds the audio lasts at `sample_rate` samples a second."""
    return len(pcm16) / (BYTES_PER_SAMPLE * sample_rate)


def loudness(pcm16: bytes) -> float:
    """Return the mean absolute sample value, 0 to 32768."""
    samples = to_samples(pcm16)
    return sum(map(abs, samples)) / len(samples) if samples else 0.0


def resample(pcm16: bytes, from_hz: int, to_hz: int) -> bytes:
    """Return the same sound at another rate, by linear interpolation."""
    if from_hz == to_hz or not pcm16:
        return pcm16
    samples = to_samples(pcm16)
    samples.append(samples[-1])  # the last sample has a right neighbour too
    step = from_hz / to_hz
    result = array("h", bytes(BYTES_PER_SAMPLE * ((len(samples) - 1) * to_hz // from_hz)))
    for index in range(len(result)):
        left = int(index * step)
        share = index * step - left
        result[index] = int(samples[left] * (1 - share) + samples[left + 1] * share)
    return to_bytes(result)


def tone(seconds: float) -> bytes:
    """Return a quiet 240 Hz tone of 24 kHz PCM that stands for spoken words."""
    period = array(
        "h",
        (
            int(_TONE_AMPLITUDE * math.sin(2 * math.pi * _TONE_HZ * index / OUTPUT_RATE_HZ))
            for index in range(OUTPUT_RATE_HZ // _TONE_HZ)
        ),
    )
    return to_bytes(period * max(1, round(seconds * _TONE_HZ)))
