"""JSON text to wire structs and back. No I/O, no state.

What lives here: one encoder and one typed decoder for the whole process. A frame is decoded once,
straight into structs; only a frame with something new or broken in it is taken apart (salvage.py),
so that its other facts are not lost with it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final, TypeVar, cast

import msgspec

from trio_live.wire.base import Wire
from trio_live.wire.first_look import decoder_of
from trio_live.wire.salvage import (
    UNREADABLE,
    Leftover,
    Malformed,
    bytes_of,
    salvage,
    whole_surrogates,
)
from trio_live.wire.server import ServerMessage

MessageT = TypeVar("MessageT", bound=Wire)

T = TypeVar("T")

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()

# Digits as google.protobuf.Duration has them: 10,000 years, in nanoseconds.
_DURATION: Final = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{0,9})?)s")

# Real messages that are large hold media or text; a grounded answer has some 50 bytes an object.
_LARGE: Final = 512 * 1024
_LEAST_BYTES_AN_OBJECT: Final = 16


@functools.cache
def server_decoder() -> msgspec.json.Decoder[ServerMessage]:
    """Give the decoder of the service's messages; made at the first, as it takes 8 ms."""
    # strict=False also reads int64 fields, which proto3-JSON writes as strings, and costs nothing
    # measurable on an audio frame.
    return decoder_of(ServerMessage, strict=False)


def encode(message: Wire | dict[str, object]) -> str:
    """Encode a message, as structs or as plain JSON objects, as the text of one WebSocket frame."""
    return _ENCODER.encode(message).decode()


def encode_utf8(message: Wire | dict[str, object]) -> bytes:
    """Encode a message as `encode()` does; a text is only in the way of a frame (0.2 us of 5.6)."""
    return _ENCODER.encode(message)


def to_object(message: Wire) -> dict[str, object]:
    """Give a client message as plain JSON objects, in the wire's spelling."""
    built: dict[str, object] = msgspec.json.decode(_ENCODER.encode(message))
    return built


def copy(value: object, kind: type[T]) -> T:
    """Copy a value at every depth, as JSON knows it; mappings of any kind become dicts.

    Raises:
        msgspec.ValidationError: Something in it is not of its type, with the path to it.
        TypeError, ValueError, RecursionError, OverflowError: It holds what JSON cannot.
    """
    return decoder_of(kind).decode(msgspec.json.encode(value, enc_hook=_plain))


def decode(frame: str | bytes) -> tuple[ServerMessage, list[Leftover]]:
    """Decode one frame of the service, text or binary.

    Returns:
        What is known of the message, and what is not: unknown fields of the envelope and of
        `serverContent`, and at any depth what is of a wrong type. Never raises for anything that a
        server may send. Takes at most 40 times the frame's memory, or 120 times up to 512 KiB.
    """
    return decode_as(server_decoder(), frame)


def decode_as(
    decoder: msgspec.json.Decoder[MessageT], frame: str | bytes
) -> tuple[MessageT, list[Leftover]]:
    """Decode one frame as a message of another kind, as `decode()` does.

    Unknown names are left over where a struct forbids them: those are taken apart field by field.
    """
    if len(frame) > _LARGE and _is_dense(frame):
        return decoder.type(), [Malformed("", "too many objects for its size", bytes_of(frame))]
    try:
        return decoder.decode(frame), []
    except UNREADABLE:
        # Rare: a new field, the URL-safe base64 alphabet, or something broken.
        message: type[MessageT] = decoder.type
        return salvage(frame, message)


def _is_dense(frame: str | bytes) -> bool:
    """Whether a frame holds hardly anything but objects, of which each takes up to 300 bytes."""
    objects = frame.count("{") if isinstance(frame, str) else frame.count(b"{")
    return objects * _LEAST_BYTES_AN_OBJECT > len(frame)


def seconds(duration: str | None) -> float | None:
    """Read a proto3-JSON duration such as "12.5s"; None if there is none or it is not one."""
    found = _DURATION.fullmatch(duration) if duration else None
    return float(found[1]) if found else None


def text_of(frame: str | bytes, *path: str | int) -> bytes:
    """Give a field's JSON text as the service wrote it, by names and indices from the top.

    The frame must have been decoded and have the field. If it cannot be looked through once more,
    being nested too deeply or having a name that is no UTF-8, both of which the decoder passes over
    in what it does not know, the text is that of the innermost field that could be. Half surrogate
    pairs are U+FFFD.
    """
    raw = whole_surrogates(frame) or bytes_of(frame)
    for step in path:
        try:
            raw = bytes(
                _ITEMS.decode(raw)[step] if isinstance(step, int) else _FIELDS.decode(raw)[step]
            )
        except (RecursionError, UnicodeError):
            break
    return raw


def items_of(frame: str | bytes, *path: str | int) -> list[bytes]:
    """Give the JSON texts of a list's items, as `text_of()` gives one field's.

    For all of them at once: each `text_of()` looks through the whole frame.
    """
    try:
        return [bytes(item) for item in _ITEMS.decode(text_of(frame, *path))]
    except UNREADABLE:  # see text_of()
        return []


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
