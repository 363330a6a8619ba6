"""Arithmetic on PCM: signed 16-bit little-endian mono, as sessions take and give it.

What lives here: pieces, durations, levels, in plain Python. What must not: files (files.py).
"""

from __future__ import annotations

import math
import sys
from array import array
from typing import TYPE_CHECKING, Final

from trio_live.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator

INPUT_RATE_HZ: Final = 16_000
"""What the service listens at; it resamples anything else."""

SAMPLE_BYTES: Final = 2

SILENCE_DBFS: Final = -96.0
"""What `level_dbfs` gives for digital silence: just below the smallest step of 16 bits (-90.3)."""

_FULL_SCALE: Final = 32_768


def chunks(
    pcm16: bytes, chunk_ms: int = 20, sample_rate_hz: int = INPUT_RATE_HZ
) -> Iterator[bytes]:
    """Cut PCM into pieces of equal duration; the last one may be shorter.

    Args:
        pcm16: Signed 16-bit little-endian mono; an even number of bytes.
        chunk_ms: The duration of a piece; 20 to 100 ms is usual for the service.
        sample_rate_hz: Samples per second.

    Raises:
        InvalidArgument: An odd number of bytes, or a duration or rate that makes no whole sample.
    """
    check_whole(pcm16)
    size = SAMPLE_BYTES * (sample_rate_hz * chunk_ms // 1000)
    if size < SAMPLE_BYTES:
        raise InvalidArgument(
            f"chunk_ms={chunk_ms!r} at sample_rate_hz={sample_rate_hz!r} is less than one sample"
        )
    return (pcm16[start : start + size] for start in range(0, len(pcm16), size))


def duration(pcm16: bytes, sample_rate_hz: int = INPUT_RATE_HZ) -> float:
    """Give the duration in seconds."""
    return len(pcm16) / (SAMPLE_BYTES * sample_rate_hz)


def level_dbfs(pcm16: bytes) -> float:
    """Give the level (root mean square) in dB below full scale: 0.0 is a full square wave.

    Costs about 10 us for 20 ms at 16 kHz. Empty or silent PCM gives `SILENCE_DBFS`.

    Raises:
        InvalidArgument: An odd number of bytes.
    """
    check_whole(pcm16)
    samples = array("h", pcm16)
    if sys.byteorder == "big":  # pragma: no cover - no such machine in the tests
        samples.byteswap()
    if not any(samples):
        return SILENCE_DBFS
    mean_square = sum(sample * sample for sample in samples) / len(samples)
    return max(SILENCE_DBFS, 10 * math.log10(mean_square / _FULL_SCALE**2))


def check_whole(pcm16: bytes) -> None:
    """Refuse PCM that ends in half a sample.

    Raises:
        InvalidArgument: An odd number of bytes.
    """
    if len(pcm16) % SAMPLE_BYTES:
        raise InvalidArgument(
            f"pcm16 must hold whole 16-bit samples, but it has an odd number of bytes: {len(pcm16)}"
        )
