"""What is measured with: audio of the service's sizes and periods, and the frames that carry it.

What lives here: the input, the same in each run. What must not: processes, clocks, arithmetic.
"""

from __future__ import annotations

import base64
import random
import struct
from typing import Final

RECEIVED_BYTES: Final = 1920
"""40 ms of the model's voice: 16-bit mono at 24,000 Hz."""
SENT_BYTES: Final = 640
"""20 ms of a microphone: 16-bit mono at 16,000 Hz."""
RECEIVE_PERIOD: Final = 0.040
SEND_PERIOD: Final = 0.020
MODEL: Final = "models/bench"
SEED: Final = 20261122

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def pcm(size: int, index: int) -> bytes:
    """Noise, the same in each run: voice does not compress or repeat either."""
    return random.Random(SEED + index).randbytes(size)


def audio_json(data: bytes) -> bytes:
    """The server's message that carries `data`, as the service writes it."""
    coded = base64.b64encode(data)
    blob = b'{"mimeType":"audio/pcm;rate=24000","data":"' + coded + b'"}'
    return b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":' + blob + b"}]}}}"


def chunk_json(data: bytes) -> bytes:
    """The client's message that carries `data`."""
    coded = base64.b64encode(data)
    return (
        b'{"realtimeInput":{"audio":{"data":"' + coded + b'","mimeType":"audio/pcm;rate=16000"}}}'
    )


def frame(opcode: int, payload: bytes, *, masked: bool = False) -> bytes:
    """Encode one final WebSocket frame, a client's with a key of zeros."""
    size, bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, bit | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, bit | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + payload
