"""Sound in files: WAV files to and from the PCM that a session takes and gives.

Reading 16 kHz mono 16-bit files, writing and measuring need nothing beyond Python. Other files are
converted with soundfile and soxr, the extra `audio`: `pip install trio-live[audio]`.

    pcm16 = await trio.to_thread.run_sync(read_wav, "question.wav")
    for chunk in chunks(pcm16):
        await session.send_audio(chunk)

What must not live here: sessions. `import trio_live` imports nothing of this package.
"""

from trio_live.audio.files import read_wav, write_wav
from trio_live.audio.pcm import INPUT_RATE_HZ, SILENCE_DBFS, chunks, duration, level_dbfs

__all__ = [
    "INPUT_RATE_HZ",
    "SILENCE_DBFS",
    "chunks",
    "duration",
    "level_dbfs",
    "read_wav",
    "write_wav",
]
