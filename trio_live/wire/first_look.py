"""Types are looked at by one thread at a time.

What lives here: FIRST_LOOK, and decoder_of, which holds it. What must not: any type of the service.

msgspec learns what a struct is made of when it is to decode one for the first time. It notes what
it finds in the struct as it goes along, and lets other threads run meanwhile: one that decodes the
same struct then takes what is not there yet, and the interpreter dies (msgspec 0.22, with nothing
else imported; tests/test_threads.py). Several threads with a `trio.run` each, whose first sessions
begin together, are enough.

So whoever may be the first to decode a struct does it under this lock. Once it was looked at, with
all that it refers to, any number of threads may decode it.
"""

from __future__ import annotations

import threading
from typing import Any, Final, TypeVar, cast

import msgspec

FIRST_LOOK: Final = threading.RLock()

T = TypeVar("T")


_decoders: Final[dict[tuple[object, bool], msgspec.json.Decoder[Any]]] = {}


def decoder_of(kind: type[T], *, strict: bool = True) -> msgspec.json.Decoder[T]:
    """Give the one decoder of a type.

    Args:
        kind: The type.
        strict: Whether a number must not be written as a string.
    """
    decoder = _decoders.get((kind, strict))
    if decoder is None:
        with FIRST_LOOK:
            decoder = _decoders[kind, strict] = msgspec.json.Decoder(kind, strict=strict)
    return cast("msgspec.json.Decoder[T]", decoder)
