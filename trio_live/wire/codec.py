"""JSON text to wire structs and back. No I/O, no state.

What lives here: one encoder and one typed decoder for the whole process, and the slow path for what
they refuse. A frame is decoded once, straight into structs; only a frame with something new or
broken in it is taken apart field by field, so that its other facts are not lost with it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Final, TypeGuard, TypeVar, Union, cast, get_args, get_origin

import msgspec

from trio_live.wire.base import Data, Wire
from trio_live.wire.content import Content, Part
from trio_live.wire.server import ServerMessage

MessageT = TypeVar("MessageT", bound=Wire)

T = TypeVar("T")

# strict=False also reads int64 fields, which proto3-JSON writes as strings, and costs nothing
# measurable on an audio frame.
_DECODER: Final = msgspec.json.Decoder(ServerMessage, strict=False)
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()

# Digits as google.protobuf.Duration has them: 10,000 years, in nanoseconds.
_DURATION: Final = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{0,9})?)s")

# Real messages that are large hold media or text; a grounded answer has some 50 bytes an object.
_LARGE: Final = 512 * 1024
_LEAST_BYTES_AN_OBJECT: Final = 16
# More broken parts than that make a broken turn: to tell of each takes far more than the part.
_MAX_BROKEN_PARTS: Final = 64


class Malformed(Data, frozen=True):
    """Something that the service sent and that could not be read.

    Attributes:
        where: The field, as in "serverContent.modelTurn.parts[1]"; "" for the whole frame.
        message: What was wrong with it, without the payload.
        raw: The JSON text of that field, or the frame as received.
    """

    where: str
    message: str
    raw: bytes


class Unrecognised(Data, frozen=True):
    """Something that the service sent under a name that is not known here: `{name: value}`."""

    where: str
    raw: bytes


Leftover = Malformed | Unrecognised


def encode(message: Wire | dict[str, object]) -> str:
    """Encode a message, as structs or as plain JSON objects, as the text of one WebSocket frame."""
    return _ENCODER.encode(message).decode()


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
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_plain), type=kind)


def decode(frame: str | bytes) -> tuple[ServerMessage, list[Leftover]]:
    """Decode one frame of the service, text or binary.

    Returns:
        What is known of the message, and what is not: unknown fields of the envelope and of
        `serverContent`, and fields and parts of a wrong type. Never raises for anything that a
        server may send. Takes at most 40 times the frame's memory, or 120 times up to 512 KiB.
    """
    return decode_as(_DECODER, frame)


def decode_as(
    decoder: msgspec.json.Decoder[MessageT], frame: str | bytes
) -> tuple[MessageT, list[Leftover]]:
    """Decode one frame as a message of another kind, as `decode()` does.

    Unknown names are left over where a struct forbids them: those are taken apart field by field.
    """
    if len(frame) > _LARGE and _is_dense(frame):
        return decoder.type(), [Malformed("", "too many objects for its size", _bytes_of(frame))]
    try:
        return decoder.decode(frame), []
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        # Rare: a new field, the URL-safe base64 alphabet, or something broken.
        leftovers: list[Leftover] = []
        message: type[MessageT] = decoder.type
        return message(**_decode_fields(frame, "", _types_of(message), leftovers)), leftovers


def _is_dense(frame: str | bytes) -> bool:
    """Whether a frame holds hardly anything but objects, of which each takes up to 300 bytes."""
    objects = frame.count("{") if isinstance(frame, str) else frame.count(b"{")
    return objects * _LEAST_BYTES_AN_OBJECT > len(frame)


def _bytes_of(frame: str | bytes) -> bytes:
    return frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else bytes(frame)


def seconds(duration: str | None) -> float | None:
    """Read a proto3-JSON duration such as "12.5s"; None if there is none or it is not one."""
    found = _DURATION.fullmatch(duration) if duration else None
    return float(found[1]) if found else None


def text_of(frame: str | bytes, *path: str | int) -> bytes:
    """Give a field's JSON text as the service wrote it, by names and indices from the top.

    The frame must have been decoded and have the field. If it cannot be looked through once more,
    being nested too deeply or having a name that is no UTF-8, both of which the decoder passes over
    in what it does not know, the text is that of the innermost field that could be.
    """
    raw = frame.encode() if isinstance(frame, str) else bytes(frame)
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
    except (msgspec.MsgspecError, RecursionError, UnicodeError):  # see text_of()
        return []


def _decode_fields(
    frame: str | bytes, where: str, types: dict[str, tuple[str, object]], leftovers: list[Leftover]
) -> dict[str, object]:
    """Decode an object field by field into keyword arguments; what fails goes to `leftovers`."""
    try:
        fields = _FIELDS.decode(frame)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        leftovers.append(Malformed(where, _explain(error), _bytes_of(frame)))
        return {}
    known: dict[str, object] = {}
    for name, raw_value in fields.items():
        path = f"{where}.{name}" if where else name
        value = bytes(raw_value)
        if name not in types:
            leftovers.append(
                Unrecognised(path, b'{"%b":%b}' % (_ENCODER.encode(name)[1:-1], value))
            )
            continue
        attribute, kind = types[name]
        struct = _bare(kind)
        if _is_strict(struct) and value[:1] == b"{":
            known[attribute] = struct(**_decode_fields(value, path, _types_of(struct), leftovers))
            continue
        read = _decode_turn(value, leftovers) if path == _MODEL_TURN else []
        for decoded in read or _decode_or_note(value, kind, path, leftovers):
            known[attribute] = decoded
    return known


def _decode_turn(raw: bytes, leftovers: list[Leftover]) -> list[Content]:
    """Decode a turn of the model part by part: only what fails of it goes to `leftovers`.

    Returns:
        The turn without that; nothing if it is no object with a list of parts, or too much fails.
    """
    try:
        fields = _FIELDS.decode(raw)
        items = _ITEMS.decode(fields["parts"])
    except (msgspec.MsgspecError, RecursionError, UnicodeError, KeyError):
        return []
    noted: list[Leftover] = []
    role = bytes(fields.get("role", b"null"))
    roles = _decode_or_note(role, str | None, f"{_MODEL_TURN}.role", noted)
    parts: list[Part] = []
    for index, item in enumerate(items):
        where = f"{_MODEL_TURN}.parts[{index}]"
        parts += cast("list[Part]", _decode_or_note(bytes(item), Part, where, noted))
        if len(noted) > _MAX_BROKEN_PARTS:
            return []
    leftovers += noted
    return [Content(tuple(parts), *cast("list[str | None]", roles))]


def _decode_or_note(
    raw: bytes, kind: object, where: str, leftovers: list[Leftover]
) -> list[object]:
    """Decode one field; if it cannot be read, give nothing and note that."""
    try:
        return [_decode_leniently(raw, kind)]
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        leftovers.append(Malformed(where, _explain(error), raw))
        return []


def _decode_leniently(raw: bytes, kind: object) -> object:
    """Decode one field; if it is refused, try again with every base64 text in standard form."""
    try:
        return msgspec.json.decode(raw, type=kind, strict=False)
    except msgspec.ValidationError:
        loose = _standard_base64(msgspec.json.decode(raw), kind)
        return msgspec.convert(loose, kind, strict=False)


def _standard_base64(value: object, kind: object) -> object:
    """Decode what its type says is base64, in either alphabet, padded or not.

    Led by the types, so that the application's own objects are never touched.
    """
    kind = _bare(kind)
    if kind is bytes:
        return _base64_bytes(value) if isinstance(value, str) else value
    if get_origin(kind) is tuple:
        item_kind = get_args(kind)[0]
        if not isinstance(value, list):
            return value
        return [_standard_base64(item, item_kind) for item in cast("list[object]", value)]
    types = _types_of(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else {}
    if not types or not isinstance(value, dict):
        return value
    return {
        name: _standard_base64(item, types[name][1]) if name in types else item
        for name, item in cast("dict[str, object]", value).items()
    }


def _bare(kind: object) -> object:
    """Take marks and `| None` off a type."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (UnionType, Union):
        return _bare(next(k for k in get_args(kind) if k is not type(None)))
    return kind


def _is_strict(kind: object) -> TypeGuard[type[msgspec.Struct]]:
    """Whether it is a struct that refuses unknown names, so that none of them is overlooked."""
    return (
        isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind.__struct_config__.forbid_unknown_fields
    )


def _base64_bytes(text: str) -> object:
    bare = text.translate(_STANDARD_ALPHABET).rstrip("=")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return text  # not base64 in any alphabet: left for the decoder to refuse by path


def _explain(error: Exception) -> str:
    """Say what was wrong, without the payload: msgspec names types and paths, never values."""
    if isinstance(error, msgspec.MsgspecError):
        return str(error)
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "not valid UTF-8"


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_STANDARD_ALPHABET: Final = str.maketrans("-_", "+/")


@cache
def _types_of(struct: type[msgspec.Struct]) -> dict[str, tuple[str, object]]:
    """Map each wire name of a struct to its attribute and type."""
    return {f.encode_name: (f.name, f.type) for f in msgspec.structs.fields(struct)}


_MODEL_TURN: Final = "serverContent.modelTurn"
