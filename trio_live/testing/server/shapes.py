"""The JSON values of the wire: narrowing, base64, durations, and the refusal of a message.

A leaf: imports nothing of this package. The others read messages through these functions.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final, TypeAlias, TypeGuard

JsonObject: TypeAlias = dict[str, object]

# RFC 6455, 5.5: a control frame carries at most 125 bytes, of which the close code takes two.
MAX_REASON_BYTES: Final = 123

INVALID_JSON: Final = "Invalid JSON payload received. "
INVALID_ARGUMENT: Final = "Request contains an invalid argument."

_URLSAFE: Final = str.maketrans("-_", "+/")


class Refusal(Exception):
    """A client message that the service answers with a close frame.

    Attributes:
        code: the WebSocket close code.
        reason: the service's own words, often as opaque as "Request contains an invalid argument."
        detail: which rule refused the message, in plain words; never a value from the message.
    """

    def __init__(self, code: int, reason: str, detail: str = "") -> None:
        super().__init__(code, reason, detail)
        self.code = code
        self.reason = reason
        self.detail = detail or reason


def invalid_argument(detail: str) -> Refusal:
    """Return the refusal that the service gives without naming the field; `detail` names it."""
    return Refusal(1007, INVALID_ARGUMENT, detail)


def unknown_name(name: str, where: str) -> Refusal:
    """Return the refusal of a field that does not exist in the message at `where`."""
    place = f" at '{where}'" if where else ""
    return Refusal(1007, f'{INVALID_JSON}Unknown name "{name}"{place}: Cannot find field.')


def is_object(value: object) -> TypeGuard[JsonObject]:
    """Whether a decoded JSON value is an object (JSON keys are always strings)."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Whether a decoded JSON value is an array."""
    return isinstance(value, list)


def get_object(owner: Mapping[str, object], key: str) -> JsonObject:
    """Return the object under `key`, or an empty one."""
    value = owner.get(key)
    return value if is_object(value) else {}


def get_objects(owner: Mapping[str, object], key: str) -> list[JsonObject]:
    """Return the objects of the array under `key`, or an empty list."""
    value = owner.get(key)
    return [item for item in value if is_object(item)] if is_array(value) else []


def get_text(owner: Mapping[str, object], key: str) -> str:
    """Return the string under `key`, or an empty one."""
    value = owner.get(key)
    return value if isinstance(value, str) else ""


def get_number(owner: Mapping[str, object], key: str, default: int) -> int:
    """Return the whole number under `key` (proto3 JSON also writes it as a string)."""
    value = owner.get(key)
    return int(value) if isinstance(value, (int, float, str)) else default


def decode_base64(text: str) -> bytes:
    """Decode base64 in either alphabet, padded or not.

    The Python SDK sends the URL-safe alphabet and the JavaScript SDK the standard one.

    Raises:
        ValueError: the text is neither.
    """
    standard = text.translate(_URLSAFE).rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def encode_base64(payload: bytes) -> str:
    """Encode in the standard alphabet with padding, as the service writes it."""
    return base64.b64encode(payload).decode("ascii")


def encode_duration(seconds: float) -> str:
    """Write a protobuf duration: "10s", "12.5s", at most nanoseconds."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def cut_reason(reason: str) -> str:
    """Cut a close reason to what fits into a close frame."""
    return reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
