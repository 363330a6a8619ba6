"""What the decoder refuses, taken apart: one broken thing costs no more than itself.

What lives here: reading a frame field by field and item by item, and the notes of what could not be
read. What must not: the usual way of a frame (codec.py). Each level of the types looks through its
text twice at most, so the work grows with the frame and no faster.
"""

from __future__ import annotations

import binascii
import re
from functools import cache
from types import UnionType
from typing import Annotated, Final, TypeAlias, TypeVar, Union, cast, get_args, get_origin

import msgspec

from trio_live.wire.base import Data

StructT = TypeVar("StructT", bound=msgspec.Struct)

# Of more broken items than that a list is broken itself: to tell of each takes far more than it.
_MAX_BROKEN_ITEMS: Final = 64

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()

_STANDARD_ALPHABET: Final = str.maketrans("-_", "+/")

# A pair of surrogates, half of one, or any other escape, in the order in which they are looked for.
_ESCAPES: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)

_Json: TypeAlias = bytes | str | msgspec.Raw

UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""What msgspec raises for a text that it does not read."""


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


def salvage(frame: str | bytes, kind: type[StructT]) -> tuple[StructT, list[Leftover]]:
    """Read what can be read of a frame.

    Returns:
        The message, and what is not in it: what is unknown where unknown names are forbidden, and
        what could not be read. A null is a field that is not set.
    """
    whole = whole_surrogates(frame)
    leftovers: list[Leftover] = []
    read = _read_fields(frame if whole is None else whole, kind, "", leftovers)
    message = read or kind()  # no message has bytes of its own
    if whole is not None and message == kind() and leftovers and not leftovers[0].where:
        leftovers = [Malformed("", "not JSON, and with half surrogate pairs", bytes_of(frame))]
    elif whole is not None:
        told = "half surrogate pairs, which are U+FFFD in the rest"
        leftovers.append(Malformed("", told, bytes_of(frame)))
    return message, leftovers


def whole_surrogates(frame: str | bytes) -> bytes | None:
    r"""Write each escape of half a surrogate pair as \ufffd; None if there is none.

    A text that is cut by UTF-16 units ends in such a half, and no decoder reads it.
    """
    text = bytes_of(frame)
    if rb"\ud" not in text and rb"\uD" not in text:
        return None
    # As Latin-1, whose characters are the bytes: joining many bytes takes ten times the memory.
    made = _ESCAPES.sub(
        lambda found: r"\ufffd" if found["half"] else found[0], text.decode("latin-1")
    ).encode("latin-1")
    return made if made != text else None


def bytes_of(text: _Json) -> bytes:
    """Give a JSON text as bytes, whatever stands in it."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)


def _read(text: msgspec.Raw, kind: object, where: str, notes: list[Leftover]) -> list[object]:
    """Read one value; if nothing of it can be read, give nothing and note that."""
    bare = _bare(kind)
    struct = _struct(bare)
    strict = struct is not None and struct.__struct_config__.forbid_unknown_fields
    first = bytes(memoryview(text)[:1])
    if not (strict and first == b"{"):
        try:
            return [msgspec.json.decode(text, type=kind, strict=False)]
        except UNREADABLE as error:
            problem = _explain(error)
            if bare is bytes and (data := _media(text)) is not None:
                return [data]
            if get_origin(bare) is tuple and first == b"[":
                return _read_items(text, get_args(bare)[0], where, problem, notes)
            if struct is None or first != b"{":
                notes.append(Malformed(where, problem, bytes(text)))
                return []
    read = _read_fields(text, cast("type[msgspec.Struct]", struct), where, notes)
    return [] if read is None else [read]


def _read_fields(
    text: _Json, struct: type[StructT], where: str, notes: list[Leftover]
) -> StructT | None:
    """Read an object field by field.

    Media without their bytes, and what is but a list, are nothing without it: then None, and the
    list or bytes are told. Where they are one field of several they may be None by their type.
    """
    try:
        fields = _FIELDS.decode(text)
    except UNREADABLE as error:
        notes.append(Malformed(where, _explain(error), bytes_of(text)))
        return struct()
    types = _types_of(struct)
    known: dict[str, object] = {}
    for name, value in fields.items():
        path = f"{where}.{name}" if where else name
        if name in types:
            attribute, kind = types[name]
            if bytes(memoryview(value)[:1]) != b"n":  # a null
                read = _read(value, kind, path, notes)
                if read:
                    known[attribute] = read[0]
                elif kind is bytes or get_origin(kind) is tuple:
                    return None
        elif struct.__struct_config__.forbid_unknown_fields:
            raw = b'{"%b":%b}' % (_ENCODER.encode(name)[1:-1], bytes(value))
            notes.append(Unrecognised(path, raw))
    return struct(**known)


def _read_items(
    text: msgspec.Raw, kind: object, where: str, problem: str, notes: list[Leftover]
) -> list[object]:
    """Read a list item by item; give nothing if it is none, or too much of it is broken."""
    try:
        items = _ITEMS.decode(text)
    except UNREADABLE:
        notes.append(Malformed(where, problem, bytes(text)))
        return []
    struct = _struct(_bare(kind))
    nothing = None if struct is None else struct()
    noted: list[Leftover] = []
    whole: list[object] = []
    for index, item in enumerate(items):
        path = f"{where}[{index}]"
        of_item: list[Leftover] = []
        read = _read(item, kind, path, of_item)
        if of_item and read in ([], [nothing]):  # nothing is left of it: it is told as a whole
            first = of_item[0]
            message = first.message if isinstance(first, Malformed) else "unknown"
            if inside := first.where.removeprefix(path):
                message += f" - at `${inside}`"  # as msgspec names a place
            read = []
            of_item = [Malformed(path, message, bytes(item))]
        whole += read
        noted += of_item
        if len(noted) > _MAX_BROKEN_ITEMS:
            notes.append(Malformed(where, f"too much of it is broken: {problem}", bytes(text)))
            return []
    notes += noted
    return [tuple(whole)]


def _media(text: msgspec.Raw) -> bytes | None:
    try:
        return base64_bytes(msgspec.json.decode(text, type=str))
    except UNREADABLE:
        return None


def base64_bytes(text: str) -> bytes | None:
    """Decode base64 in either alphabet, padded or not; None if it is none."""
    bare = text.translate(_STANDARD_ALPHABET).rstrip("=")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        return None


def _bare(kind: object) -> object:
    """Take marks and `| None` off a type."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (UnionType, Union):
        return _bare(next(k for k in get_args(kind) if k is not type(None)))
    return kind


def _struct(kind: object) -> type[msgspec.Struct] | None:
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def _explain(error: Exception) -> str:
    """Say what was wrong, without the payload: msgspec names types and paths, never values."""
    if isinstance(error, msgspec.MsgspecError):
        return str(error)
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "not valid UTF-8"


@cache
def _types_of(struct: type[msgspec.Struct]) -> dict[str, tuple[str, object]]:
    """Map each wire name of a struct to its attribute and type."""
    return {f.encode_name: (f.name, f.type) for f in msgspec.structs.fields(struct)}
