"""Sound in files: what is read is what was recorded, or the error says in one line why not."""

from __future__ import annotations

import math
import os
import struct
import sys
import wave
from array import array
from pathlib import Path

import numpy
import pytest
import soundfile

from trio_live.audio import SILENCE_DBFS, chunks, duration, level_dbfs, read_wav, write_wav
from trio_live.errors import ConfigError, InvalidArgument

SPEECH = Path(__file__).parent.parent / "examples" / "speech.wav"


def tone(rate: int, *, seconds: float = 0.5, amplitude: float = 0.4) -> numpy.ndarray:
    """Give a 440 Hz tone as floating point samples."""
    return amplitude * numpy.sin(2 * math.pi * 440 * numpy.arange(int(rate * seconds)) / rate)


def loudest_frequency(pcm16: bytes, rate: int = 16_000) -> float:
    """Give the frequency in which most of the sound is."""
    spectrum = numpy.abs(numpy.fft.rfft(numpy.frombuffer(pcm16, "<i2")))
    return float(spectrum.argmax() * rate / (len(pcm16) // 2))


def test_read_wav_in_the_services_format_gives_it_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """16-bit mono at 16 kHz is not touched, and needs nothing beyond Python."""
    for name in ("soundfile", "soxr", "numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    pcm16 = os.urandom(32_000)
    write_wav(tmp_path / "a.wav", pcm16, 16_000)
    assert read_wav(tmp_path / "a.wav") == pcm16
    with wave.open(str(SPEECH), "rb") as example:
        assert read_wav(SPEECH) == example.readframes(example.getnframes())


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "PCM_32"),
        ("WAV", "FLOAT"),
        ("WAVEX", "PCM_16"),
        ("RF64", "DOUBLE"),
    ],
)
def test_read_wav_converts_any_pcm(
    tmp_path: Path, kind: str, subtype: str, channels: int, rate: int
) -> None:
    """Any sample format, rate and number of channels becomes 16 kHz mono of the same sound."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, numpy.stack([tone(rate)] * channels, 1), rate, subtype, format=kind)
    pcm16 = read_wav(path)
    assert duration(pcm16) == pytest.approx(0.5, abs=0.001)
    assert loudest_frequency(pcm16) == pytest.approx(440, abs=2)
    assert level_dbfs(pcm16) == pytest.approx(20 * math.log10(0.4 / math.sqrt(2)), abs=0.2)


def test_read_wav_averages_channels(tmp_path: Path) -> None:
    """A tone in one of two channels has half its amplitude, exactly if nothing is resampled."""
    samples = (tone(16_000) * 32_767).astype("<i2")
    both = numpy.stack([samples, numpy.zeros_like(samples)], 1)
    soundfile.write(tmp_path / "a.wav", both, 16_000, "PCM_16")
    assert read_wav(tmp_path / "a.wav") == numpy.rint(samples / 2).astype("<i2").tobytes()


def test_read_wav_limits_floating_point_to_full_scale(tmp_path: Path) -> None:
    """What exceeds full scale, or is no number, becomes the nearest sample there is."""
    samples = numpy.array([2.0, -2.0, math.inf, -math.inf, math.nan, 0.5] * 50, "float32")
    soundfile.write(tmp_path / "a.wav", samples, 16_000, "FLOAT")
    expected = [32_767, -32_768, 32_767, -32_768, 0, 16_384] * 50
    assert array("h", read_wav(tmp_path / "a.wav")).tolist() == expected


@pytest.mark.parametrize("promised", [10_000, 0x7FFF_F000, 0xFFFF_FFFF])
def test_read_wav_shorter_than_its_header_says_gives_what_is_there(
    tmp_path: Path, promised: int
) -> None:
    """Programs that write to a pipe cannot correct the header's sizes afterwards."""
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    header = b"RIFF" + struct.pack("<I", promised) + b"WAVEfmt " + struct.pack("<I", 16) + form
    path = tmp_path / "a.wav"
    path.write_bytes(header + b"data" + struct.pack("<I", promised) + bytes(range(101)))
    assert read_wav(path) == bytes(range(100))


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "is empty"),
        (b"RIFF\0\0", "is not a WAV file: its header is cut off"),
        (b"ID3 this is music of another kind", "is not a WAV file"),
        (b"RIFF\0\0\0\0AVI LIST", "is not a WAV file"),
        (b"RIFF\0\0\0\0WAVE", "cannot be read as a WAV file"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0", "cannot be read as a WAV file"),
    ],
)
def test_read_wav_refuses_what_is_none(tmp_path: Path, content: bytes, rule: str) -> None:
    """The error names the file and what is wrong with it."""
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument) as caught:
        read_wav(path)
    assert str(caught.value).startswith(f"{path}: {rule}")


def test_read_wav_without_sound_is_refused(tmp_path: Path) -> None:
    """A file of no samples at all cannot be said."""
    write_wav(tmp_path / "a.wav", b"", 16_000)
    with pytest.raises(InvalidArgument, match="has no sound in it"):
        read_wav(tmp_path / "a.wav")


def test_read_wav_of_no_file_names_the_systems_reason(tmp_path: Path) -> None:
    """A missing file and a directory are told apart."""
    with pytest.raises(InvalidArgument, match="no such file or directory") as caught:
        read_wav(tmp_path / "missing.wav")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    with pytest.raises(InvalidArgument, match="cannot be read: is a directory"):
        read_wav(tmp_path)


@pytest.mark.parametrize("missing", ["soundfile", "soxr"])
def test_read_wav_names_the_missing_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    """Without the extra, a file that needs it gives an error that says what to install."""
    write_wav(tmp_path / "a.wav", bytes(8_000), 8_000)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=r"pip install trio-live\[audio\]"):
        read_wav(tmp_path / "a.wav")


def test_write_wav_makes_a_file_that_others_read(tmp_path: Path) -> None:
    """Rate, format and samples are as given, and nothing else stays in the directory."""
    pcm16 = os.urandom(4_800)
    write_wav(tmp_path / "a.wav", pcm16, 24_000)
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert (rate, samples.tobytes()) == (24_000, pcm16)
    assert os.listdir(tmp_path) == ["a.wav"]


def test_write_wav_takes_several_channels(tmp_path: Path) -> None:
    """Interleaved samples go to their channels; half a frame is refused."""
    write_wav(tmp_path / "a.wav", bytes([1, 0, 2, 0, 3, 0, 4, 0]), 48_000, channels=2)
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert (rate, samples.tolist()) == (48_000, [[1, 2], [3, 4]])
    for channels in (2, 0, -1):
        with pytest.raises(InvalidArgument, match=f"channels={channels}"):
            write_wav(tmp_path / "b.wav", bytes(6), 48_000, channels)


def test_write_wav_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing file is replaced by a complete one or not at all."""
    path = tmp_path / "a.wav"
    write_wav(path, b"\1\0", 24_000)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wave.Wave_write, "writeframes", full)
    with pytest.raises(InvalidArgument, match="cannot be written: no space left on device"):
        write_wav(path, bytes(100), 24_000)
    monkeypatch.undo()
    assert soundfile.read(path, dtype="int16")[0].tolist() == [1]
    assert os.listdir(tmp_path) == ["a.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and devices of POSIX")
def test_write_wav_follows_links_and_spares_devices(tmp_path: Path) -> None:
    """A link still points to the file afterwards, and a device is written to, not replaced."""
    target = tmp_path / "target.wav"
    (tmp_path / "link.wav").symlink_to(target)
    write_wav(tmp_path / "link.wav", bytes(2), 24_000)
    assert (tmp_path / "link.wav").is_symlink()
    assert target.is_file()
    write_wav(os.devnull, bytes(2), 24_000)
    assert Path(os.devnull).is_char_device()


def test_write_wav_refuses_what_cannot_be_a_file(tmp_path: Path) -> None:
    """Half a sample, an impossible rate and a missing directory leave nothing behind."""
    with pytest.raises(InvalidArgument, match="odd number of bytes: 3"):
        write_wav(tmp_path / "a.wav", bytes(3), 24_000)
    with pytest.raises(InvalidArgument, match="sample_rate_hz=0"):
        write_wav(tmp_path / "a.wav", bytes(2), 0)
    with pytest.raises(InvalidArgument, match="cannot be written: no such file or directory"):
        write_wav(tmp_path / "none" / "a.wav", bytes(2), 24_000)
    assert os.listdir(tmp_path) == []


def test_chunks_are_of_equal_duration_and_join_to_the_whole() -> None:
    """Each chunk has the duration asked for; only the last may be shorter."""
    pcm16 = os.urandom(1_500)
    pieces = list(chunks(pcm16))
    assert [len(piece) for piece in pieces] == [640, 640, 220]
    assert b"".join(pieces) == pcm16
    assert [len(piece) for piece in chunks(pcm16, 10, 24_000)] == [480, 480, 480, 60]
    assert list(chunks(b"")) == []


def test_chunks_refuses_what_makes_no_whole_sample() -> None:
    """Half a sample and a chunk of no sample are refused at the call, not at the first piece."""
    with pytest.raises(InvalidArgument, match="odd number of bytes: 5"):
        chunks(bytes(5))
    with pytest.raises(InvalidArgument, match="less than one sample"):
        chunks(bytes(4), 0)


def test_level_is_in_db_below_full_scale() -> None:
    """A full square wave is 0 dB, a tenth of it -20 dB, silence the floor."""
    full = array("h", [-32_768, 32_767] * 100).tobytes()
    tenth = array("h", [-3_277, 3_277] * 100).tobytes()
    assert level_dbfs(full) == pytest.approx(0.0, abs=0.01)
    assert level_dbfs(tenth) == pytest.approx(-20.0, abs=0.01)
    assert level_dbfs(bytes(640)) == level_dbfs(b"") == SILENCE_DBFS
    assert level_dbfs(b"\1\0") > SILENCE_DBFS
