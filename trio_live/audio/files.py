"""WAV files to PCM and back.

What lives here: reading (untouched where the format is the service's, else converted) and writing.
What must not: arithmetic on samples (pcm.py). All of it blocks: from async code call it with
`trio.to_thread.run_sync`. soundfile, soxr and numpy are imported where they are used.
"""

from __future__ import annotations

import os
import wave
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from trio_live.audio.pcm import INPUT_RATE_HZ, SAMPLE_BYTES, check_whole
from trio_live.errors import ConfigError, InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO, TypeAlias

    import numpy

    Samples: TypeAlias = numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.float32]]

_HEADER_BYTES: Final = 12  # "RIFF", a size, "WAVE"
_KINDS: Final = (b"RIFF", b"RIFX", b"RF64")
_BLOCK_FRAMES: Final = 65_536  # converted at a time: memory follows the result, not the file


def read_wav(path: str | os.PathLike[str]) -> bytes:
    """Read a WAV file as what a session takes: PCM16, mono, 16,000 Hz.

    A 16-bit mono file at 16,000 Hz is given as it is, bit for bit. All others (8, 16, 24 or 32
    bits, floating point, any rate, any number of channels) are converted: channels are averaged,
    and soxr changes the rate at its high quality. A file that is shorter than its header says, as
    programs that write to a pipe leave it, gives what is there.

    Raises:
        InvalidArgument: The file is missing, cannot be read, is not a WAV file, has a broken header
            or no sound in it. The message names the file.
        ConfigError: It has to be converted and the extra `audio` is not installed.

    Blocks: for the whole file, about 80 ms for a minute of 48 kHz stereo.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            _check_header(name, file.read(_HEADER_BYTES))
            file.seek(0)
            pcm16 = _read_untouched(file)
    except OSError as error:
        raise InvalidArgument(f"{name}: cannot be read: {_why(error)}") from error
    if pcm16 is None:
        pcm16 = _read_converted(name)
    if not pcm16:
        raise InvalidArgument(f"{name}: has no sound in it")
    return pcm16


def write_wav(
    path: str | os.PathLike[str], pcm16: bytes, sample_rate_hz: int, channels: int = 1
) -> None:
    """Write PCM16 as a WAV file; an existing file is replaced only by a complete one.

    What is no ordinary file, such as a pipe or /dev/null, is written directly.

    Args:
        path: The file.
        pcm16: Signed 16-bit little-endian PCM, the channels interleaved.
        sample_rate_hz: Samples per second and channel; speech has 24,000, music 48,000.
        channels: 1 for speech, 2 for music.

    Raises:
        InvalidArgument: No whole number of samples for all channels, an impossible rate or number
            of channels, or the file cannot be written.

    Blocks: for the whole file.
    """
    check_whole(pcm16)
    if not 0 < channels < 2**15 or len(pcm16) % (SAMPLE_BYTES * channels):
        raise InvalidArgument(f"pcm16 does not hold whole samples of channels={channels!r}")
    if not 0 < sample_rate_hz < 2**31:
        raise InvalidArgument(f"sample_rate_hz={sample_rate_hz!r} is no rate of a WAV file")
    target = Path(os.path.realpath(path))  # through a link, not in place of it
    try:
        if target.exists() and not target.is_file():
            with open(target, "wb") as file:
                _write(file, pcm16, sample_rate_hz, channels)
            return
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with open(part, "wb") as file:
                _write(file, pcm16, sample_rate_hz, channels)
            os.replace(part, target)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        raise InvalidArgument(f"{os.fspath(path)}: cannot be written: {_why(error)}") from error


def _write(file: BinaryIO, pcm16: bytes, sample_rate_hz: int, channels: int) -> None:
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(sample_rate_hz)
        # Known before the first byte: the header of a pipe cannot be patched later.
        writer.setnframes(len(pcm16) // (SAMPLE_BYTES * channels))
        writer.writeframes(pcm16)


def _check_header(name: str, header: bytes) -> None:
    if not header:
        raise InvalidArgument(f"{name}: is empty")
    if header[:4] not in _KINDS or (len(header) == _HEADER_BYTES and header[8:] != b"WAVE"):
        raise InvalidArgument(f"{name}: is not a WAV file")
    if len(header) < _HEADER_BYTES:
        raise InvalidArgument(f"{name}: is not a WAV file: its header is cut off")


def _read_untouched(file: BinaryIO) -> bytes | None:
    """Give the sound if it is in the service's format, None if it has to be converted."""
    try:
        with wave.open(file, "rb") as reader:
            if (reader.getnchannels(), reader.getsampwidth()) != (1, SAMPLE_BYTES):
                return None
            if reader.getframerate() != INPUT_RATE_HZ:
                return None
            # A header may promise more than there is, up to 4 GiB: ask for no more than fits.
            size = os.fstat(file.fileno()).st_size
            pcm16 = reader.readframes(min(reader.getnframes(), size // SAMPLE_BYTES))
    except (wave.Error, EOFError):
        return None  # floating point, extensible, RF64 or broken: libsndfile knows
    return pcm16[: len(pcm16) - len(pcm16) % SAMPLE_BYTES]


def _read_converted(name: str) -> bytes:
    try:
        import soundfile  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise _missing_extra(name) from error
    pieces: list[bytes] = []
    try:
        with soundfile.SoundFile(name) as file:
            convert = _converter(name, int(file.samplerate))
            left = True
            while left:
                block = cast("Samples", file.read(_BLOCK_FRAMES, "float32", always_2d=True))
                left = len(block) > 0
                pieces.append(convert(block, not left))
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise InvalidArgument(f"{name}: cannot be read as a WAV file: {reason}") from error
    return b"".join(pieces)


def _converter(name: str, rate: int) -> Callable[[Samples, bool], bytes]:
    """Make a function that converts one block after another; its flag marks the last."""
    try:
        import numpy
        import soxr  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise _missing_extra(name) from error
    stream = None
    if rate != INPUT_RATE_HZ:
        stream = soxr.ResampleStream(rate, INPUT_RATE_HZ, 1, dtype="float32", quality="HQ")

    def convert(block: Samples, last: bool) -> bytes:
        mono: Samples = block.mean(axis=1, dtype=numpy.float32)
        if stream is not None:
            mono = stream.resample_chunk(mono, last=last)
        # Floating point files may exceed full scale, or hold what is no number at all.
        whole = numpy.nan_to_num(mono, nan=0.0, posinf=1.0, neginf=-1.0) * 32768.0
        return bytes(numpy.clip(numpy.rint(whole), -32768, 32767).astype("<i2"))

    return convert


def _missing_extra(name: str) -> ConfigError:
    return ConfigError(
        f"{name}: is not 16-bit mono at {INPUT_RATE_HZ} Hz, and converting it needs more: "
        "pip install trio-live[audio]"
    )


def _why(error: OSError) -> str:
    """Give the system's reason without the path, which the message has already."""
    return (error.strerror or str(error)).lower()
