"""What does it cost to decode one audio frame of the service?

    python -m benchmarks.decode [--json] [--quick]

Input: a `serverContent.modelTurn` with one part of noise as 24,000 Hz PCM, written by the service,
in four sizes. `codec` is `trio_live.wire.codec.decode()`, `plain` is json and base64 of the
standard library, down to the bytes. The best of 30 repetitions, in microseconds a frame.
"""

from __future__ import annotations

import argparse
import base64
import json
import timeit
from collections.abc import Callable
from typing import Final

from benchmarks.common import RECEIVED_BYTES, audio_json, machine, pcm, versions
from trio_live.wire import codec

SIZES: Final = (0, 960, RECEIVED_BYTES, 4800)


def plain(frame: bytes) -> bytes:
    """Decode with the standard library."""
    part = json.loads(frame)["serverContent"]["modelTurn"]["parts"][0]
    return base64.b64decode(part["inlineData"]["data"])


def best(decode: Callable[[bytes], object], frame: bytes, *, quick: bool) -> float:
    """Give the best time of one call, in microseconds."""
    number, repeat = (10, 1) if quick else (5_000, 30)
    taken = timeit.repeat(lambda: decode(frame), number=number, repeat=repeat)
    return round(min(taken) / number * 1e6, 3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="does it run at all?")
    options = parser.parse_args()
    figures = {
        str(size): {
            "codec": best(codec.decode, frame, quick=options.quick),
            "plain": best(plain, frame, quick=options.quick),
        }
        for size, frame in ((size, audio_json(pcm(size, 0))) for size in SIZES)
    }
    if options.json:
        print(json.dumps({"machine": machine(), "versions": versions(), "figures": figures}))
        return
    print(machine(), versions(), sep="\n")
    for size, figure in figures.items():
        print(f"{size:>6} bytes  codec {figure['codec']:7.3f} us  plain {figure['plain']:7.3f} us")


if __name__ == "__main__":
    main()
