"""One client frame to one checked, camelCase message: syntax, field names, types.

Rules about what a message may say live in terms.py and with those who take it. Error texts are
those of Google's proto3 JSON parser, except that no value from the message is repeated in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from .access import Platform
from .fields import CLIENT_MESSAGE
from .grammar import (
    Choice,
    Itself,
    MapOf,
    Message,
    Only,
    Repeated,
    Scalar,
    Shape,
    to_snake,
)
from .shapes import (
    INVALID_JSON,
    JsonObject,
    Refusal,
    decode_base64,
    is_array,
    is_object,
    unknown_name,
)

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_DURATION: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?s")


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
        raise Refusal(1007, INVALID_JSON + "Unexpected token.", "a binary frame")
    try:
        decoded: object = msgspec.json.decode(frame)
    except (msgspec.DecodeError, RecursionError):
        raise Refusal(1007, INVALID_JSON + "Unexpected token.", "not JSON") from None
    if not is_object(decoded):
        raise Refusal(1007, INVALID_JSON + 'Unknown name "": Root element must be a message.')
    message = read_object(decoded, shape, platform)
    if len(message) > 1:
        raise Refusal(
            1007,
            INVALID_JSON + "Invalid value (oneof), oneof field 'message_type' is already set. "
            f"Cannot set '{list(message)[1]}'",
        )
    if not message:
        raise Refusal(1007, INVALID_JSON + "Unexpected empty message.", "a message with no kind")
    return message


def read_object(value: JsonObject, message: Message, platform: Platform) -> JsonObject:
    """Check an object's fields and spell them in camelCase, at any depth.

    Raises:
        Refusal: a field is unknown or has a wrong type, or the object is nested too deeply.
    """
    try:
        return _read_object(value, message, "", platform)
    except RecursionError:
        raise Refusal(1007, INVALID_JSON + "Message too deep.") from None


def _read_object(value: JsonObject, message: Message, where: str, platform: Platform) -> JsonObject:
    read: JsonObject = {}
    for spelling, item in value.items():
        name = message.spellings.get(spelling)
        shape = None if name is None else message.fields[name]
        if isinstance(shape, Only):
            shape = shape.shape if shape.platform is platform else None
        if name is None or shape is None:
            raise unknown_name(spelling, where)
        path = f"{where}.{to_snake(name)}" if where else to_snake(name)
        if name in read:
            raise _invalid(path, "given twice")
        if item is None and shape is not Scalar.NEVER_NULL:
            continue  # proto3 JSON: null is the same as not given
        read[name] = _Reader(message, path, platform).read(item, shape)
    return read


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the value of one field.

    Attributes:
        owner: the message that the field is in.
        where: the field's path.
        platform: which service's fields to accept.
    """

    owner: Message
    where: str
    platform: Platform

    def read(self, value: object, shape: Shape) -> object:
        match shape:
            case Itself():
                return self.read(value, self.owner)
            case Message():
                if not is_object(value):
                    raise _invalid(self.where, "not an object")
                return _read_object(value, shape, self.where, self.platform)
            case Repeated():
                if not is_array(value):
                    raise _invalid(self.where, "not an array")
                return [
                    replace(self, where=f"{self.where}[{index}]").read(item, shape.item)
                    for index, item in enumerate(value)
                ]
            case MapOf():
                if not is_object(value):
                    raise _invalid(self.where, "not an object")
                return {key: self.read(item, shape.value) for key, item in value.items()}
            case Choice():
                if not isinstance(value, str) or value not in shape.values:
                    raise _invalid(self.where, "not one of the values of this enum")
                return value
            case Scalar():
                if not _fits(value, shape):
                    raise _invalid(self.where, shape.value)
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
            return _is_integer(value, 32 if scalar is Scalar.INT32 else 64)
        case Scalar.BYTES:
            return isinstance(value, str) and _is_base64(value)
        case Scalar.DURATION:
            return isinstance(value, str) and _DURATION.fullmatch(value) is not None
        case Scalar.TIMESTAMP:
            return isinstance(value, str) and _is_time(value)
        case Scalar.OBJECT:
            return is_object(value)


def _is_integer(value: object, bits: int) -> bool:
    """Whether proto3 JSON takes the value for an integer: 3, 3.0 and "3" are the same there."""
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return False
    elif isinstance(value, float):
        if not value.is_integer():
            return False
    elif isinstance(value, bool) or not isinstance(value, int):
        return False
    return -(1 << bits - 1) <= int(value) < 1 << bits - 1


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    try:
        decode_base64(text)
    except ValueError:
        return False
    return True


def _invalid(where: str, wanted: str) -> Refusal:
    return Refusal(1007, f"{INVALID_JSON}Invalid value at '{where}' ({wanted})")
