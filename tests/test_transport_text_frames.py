"""Our frames of text are those of the libraries, whatever their length."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest
from websockets.frames import Frame
from websockets.protocol import Protocol, Side
from websockets.utils import apply_mask
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from trio_live.transport.text_frames import Mask, mask, text_frame

SIZES = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 929, 65_535, 65_536, 70_001]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("by", [mask, apply_mask])
def test_text_frame_is_what_both_libraries_read(by: Mask, size: int) -> None:
    """Both libraries read the text from it, as servers do, and say that it ends there."""
    text = "\u00e4" * (size // 2) + "x" * (size % 2)
    frame = text_frame(text, by)
    websockets = Protocol(Side.SERVER)
    websockets.receive_data(frame)
    [event] = websockets.events_received()
    assert isinstance(event, Frame)
    assert (event.fin, event.opcode, bytes(event.data)) == (True, 1, text.encode())
    wsproto = Connection(ConnectionType.SERVER)
    wsproto.receive_data(frame)
    events = [event for event in wsproto.events() if isinstance(event, TextMessage)]
    assert "".join(event.data for event in events) == text
    assert [event.message_finished for event in events][-1]


@pytest.mark.parametrize("size", SIZES)
def test_mask_is_that_of_websockets(size: int) -> None:
    """Masking by large numbers gives what masking byte by byte gives."""
    source = random.Random(size)
    data, key = source.randbytes(size), source.randbytes(4)
    plain = bytes(byte ^ key[index % 4] for index, byte in enumerate(data))
    assert mask(data, key) == apply_mask(data, key) == plain


def test_each_frame_has_a_key_of_its_own() -> None:
    """The key is four fresh random bytes (RFC 6455, section 5.3)."""
    keys = {text_frame("x" * 100)[2:6] for _ in range(600)}
    assert len(keys) >= 599  # two of these are alike once in 20,000 times


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_keys_of_its_own() -> None:
    """What is kept of random bytes is not used on both sides of a fork."""
    script = """if True:
        import os
        from trio_live.transport.text_frames import text_frame
        text_frame("x")
        ours, theirs = os.pipe()
        if not os.fork():
            os.write(theirs, text_frame("x"))
            os._exit(0)
        assert os.read(ours, 100) != text_frame("x")
    """
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
