"""One client frame to one checked, camelCase message: syntax, field names, types.

Rules about what a message may say live in `rules`. Error texts are those of Google's proto3 JSON
parser, except that no value from the message is ever repeated in them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from .access import Platform
from .fields import (
    CLIENT_MESSAGE,
    Choice,
    Labels,
    Message,
    Only,
    Repeated,
    Scalar,
    Shape,
    to_snake,
)
from .shapes import JsonObject, Refusal, decode_base64, is_array, is_object

_INVALID_JSON: Final = "Invalid JSON payload received. "
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")


def read_message(
    frame: str | bytes, platform: Platform, shape: Message = CLIENT_MESSAGE
) -> JsonObject:
    """Decode one client frame and spell its fields in camelCase.

    Args:
        frame: the WebSocket message; bytes are what a binary frame carried.
        platform: which service's fields to accept.
        shape: the fields that a message may have.

    Returns:
        The message with exactly one key, which names its kind.

    Raises:
        Refusal: the frame is not one well-formed client message.
    """
    if isinstance(frame, bytes):
        raise Refusal(1007, _INVALID_JSON + "Unexpected token.", "a binary frame")
    try:
        decoded: object = msgspec.json.decode(frame)
    except (msgspec.DecodeError, RecursionError):
        raise Refusal(1007, _INVALID_JSON + "Unexpected token.", "not JSON") from None
    if not is_object(decoded):
        raise Refusal(1007, _INVALID_JSON + 'Unknown name "": Root element must be a message.')
    message = read_object(decoded, shape, platform)
    if len(message) > 1:
        raise Refusal(
            1007,
            _INVALID_JSON + "Invalid value (oneof), oneof field 'message_type' is already set. "
            f"Cannot set '{list(message)[1]}'",
        )
    if not message:
        raise Refusal(1007, _INVALID_JSON + "Unexpected empty message.", "a message with no kind")
    return message


def read_object(value: JsonObject, message: Message, platform: Platform) -> JsonObject:
    """Check an object's fields and spell them in camelCase, at any depth.

    Raises:
        Refusal: a field is unknown or has a wrong type.
    """
    return _read_object(value, message, "", platform)


def _read_object(value: JsonObject, message: Message, where: str, platform: Platform) -> JsonObject:
    read: JsonObject = {}
    for spelling, item in value.items():
        name = message.spellings.get(spelling)
        shape = None if name is None else message.fields[name]
        if isinstance(shape, Only):
            shape = shape.shape if shape.platform is platform else None
        if name is None or shape is None:
            place = f" at '{where}'" if where else ""
            unknown = f'Unknown name "{spelling}"{place}: Cannot find field.'
            raise Refusal(1007, _INVALID_JSON + unknown)
        path = f"{where}.{to_snake(name)}" if where else to_snake(name)
        if name in read:
            raise _invalid(path, "given twice")
        if item is None and shape is not Scalar.NEVER_NULL:
            continue  # proto3 JSON: null is the same as not given
        read[name] = _read_value(item, shape, path, platform)
    return read


def _read_value(value: object, shape: Shape, where: str, platform: Platform) -> object:
    match shape:
        case Message():
            if not is_object(value):
                raise _invalid(where, "not an object")
            return _read_object(value, shape, where, platform)
        case Repeated():
            if not is_array(value):
                raise _invalid(where, "not an array")
            return [
                _read_value(item, shape.item, f"{where}[{index}]", platform)
                for index, item in enumerate(value)
            ]
        case Choice():
            if not isinstance(value, str) or value not in shape.values:
                raise _invalid(where, "not one of the values of this enum")
            return value
        case Labels():
            if not is_object(value) or not all(isinstance(v, str) for v in value.values()):
                raise _invalid(where, "not a map of strings")
            return value
        case Scalar():
            if not _fits(value, shape):
                raise _invalid(where, shape.value)
            return value


def _fits(value: object, scalar: Scalar) -> bool:
    match scalar:
        case Scalar.ANYTHING:
            return True
        case Scalar.STRING | Scalar.NEVER_NULL:
            return isinstance(value, str)
        case Scalar.BOOL:
            return isinstance(value, bool)
        case Scalar.FLOAT:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case Scalar.INT32 | Scalar.INT64:
            return _is_integer(value)
        case Scalar.BYTES:
            return isinstance(value, str) and _is_base64(value)


def _is_integer(value: object) -> bool:
    """Whether proto3 JSON takes the value for an integer: 3, 3.0 and "3" are the same there."""
    if isinstance(value, str):
        return _INTEGER.fullmatch(value) is not None
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_base64(text: str) -> bool:
    try:
        decode_base64(text)
    except ValueError:
        return False
    return True


def _invalid(where: str, wanted: str) -> Refusal:
    return Refusal(1007, f"{_INVALID_JSON}Invalid value at '{where}' ({wanted})")
