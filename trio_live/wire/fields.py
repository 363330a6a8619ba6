"""The fields of wire structs as data: names on the wire, kinds, units, enums, platforms.

What lives here: reading what structs and marks (marks.py) say, for rules and documentation. What
must not: any field of the service. Nothing on the way of audio uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec

from trio_live.wire.base import Data
from trio_live.wire.marks import Platform

_SCALARS: dict[object, str] = {
    str: "text",
    bytes: "base64",
    bool: "boolean",
    int: "integer",
    float: "number",
    object: "any",
}


class Field(Data, frozen=True):
    """One field of a wire struct.

    Attributes:
        owner: The struct.
        name: The attribute here.
        wire_name: The name in JSON.
        kind: Its Python type, without marks and `| None`.
        platform: Where it exists; None: on both platforms.
        values: The values known of an enum; () for other fields.
        unit: "duration", "RFC 3339", "int64", or "" for what needs no word.
        unlisted: Whether google-genai has no such field.
    """

    owner: type[msgspec.Struct]
    name: str
    wire_name: str
    kind: Any
    platform: Platform | None = None
    values: tuple[str, ...] = ()
    unit: str = ""
    unlisted: bool = False

    @property
    def path(self) -> str:
        """Name it as in "Setup.sessionResumption"."""
        return f"{self.owner.__name__}.{self.wire_name}"

    @property
    def struct(self) -> type[msgspec.Struct] | None:
        """The struct that it holds, one or many of; None if it holds none."""
        kind = self.kind
        while get_origin(kind) is not None:
            kind = unmarked(get_args(kind)[-1 if get_origin(kind) is dict else 0])[0]
        return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None

    @property
    def type_text(self) -> str:
        """Say its type in words, as in "list of Part" or "enum"."""
        return _describe(self.kind, self.unit, self.values)


@cache
def fields_of(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Give the fields of a struct, in their order."""
    found: list[Field] = []
    for info in msgspec.structs.fields(struct):
        kind, marks = unmarked(info.type)
        found.append(Field(struct, info.name, info.encode_name, kind, **marks))
    return tuple(found)


@cache  # msgspec reads the annotations anew at each call
def _defaults_of(struct: type[msgspec.Struct]) -> tuple[object, ...]:
    return tuple(info.default for info in msgspec.structs.fields(struct))


def reachable(root: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Give a struct and all that its fields lead to, each once, in the order of the fields."""
    seen: dict[type[msgspec.Struct], None] = {}
    waiting = [root]
    while waiting:
        struct = waiting.pop()
        if struct not in seen:
            seen[struct] = None
            waiting.extend(f.struct for f in reversed(fields_of(struct)) if f.struct is not None)
    return list(seen)


def refused(message: msgspec.Struct, platform: Platform) -> list[str]:
    """Name the fields set in a message, by path, that a platform does not have or Live refuses."""
    return [
        path for path, field, _ in set_fields(message) if field.platform not in (None, platform)
    ]


def set_fields(message: msgspec.Struct, where: str = "") -> Iterator[tuple[str, Field, object]]:
    """Give each field that is set in a message, at any depth: its path on the wire, and its value.

    A field that is left as it is by default counts as set, unless it is None.
    """
    for field in fields_of(type(message)):
        value = getattr(message, field.name)
        if value is None:
            continue
        path = f"{where}.{field.wire_name}" if where else field.wire_name
        yield path, field, value
        if isinstance(value, tuple):
            for index, item in enumerate(cast("tuple[object, ...]", value)):
                if isinstance(item, msgspec.Struct):
                    yield from set_fields(item, f"{path}[{index}]")
        elif isinstance(value, msgspec.Struct):
            yield from set_fields(value, path)


def mistyped(value: object, kind: Any, where: str) -> Iterator[str]:
    """Say what in a value is not of its type, at any depth: path in Python, and the two types.

    Python checks no field of a struct that is made, and an encoder writes whatever it can.
    """
    kind = unmarked(kind)[0]
    if kind is object:
        return
    if get_origin(kind) is tuple and isinstance(value, tuple | list):
        inner = get_args(kind)[0]
        for index, item in enumerate(cast("list[object]", value)):
            yield from mistyped(item, inner, f"{where}[{index}]")
    elif get_origin(kind) is dict and isinstance(value, Mapping):
        inner = get_args(kind)[1]
        for name, item in cast("Mapping[object, object]", value).items():
            yield from mistyped(item, inner, f"{where}[{name!r}]")
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, kind):
        for field, default in zip(fields_of(kind), _defaults_of(kind), strict=True):
            item = getattr(value, field.name)
            if item is not None or default is not None:
                yield from mistyped(item, field.kind, f"{where}.{field.name}")
    elif not _is_scalar(value, cast("object", kind)):
        wanted = _describe(kind, "", ())
        yield f"{where} must be {wanted}, not {type(value).__name__}"


def _is_scalar(value: object, kind: object) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float)
    return kind in _SCALARS and isinstance(value, cast("type", kind))


def unmarked(kind: Any) -> tuple[Any, dict[str, Any]]:
    """Take the marks and `| None` off a type; give what is left and what they said."""
    said: dict[str, Any] = {}
    while True:
        if get_origin(kind) is Annotated:
            kind, *marks = get_args(kind)
            for mark in marks:
                said |= mark.extra or {}
        elif get_origin(kind) in (UnionType, Union):
            kind = next(k for k in get_args(kind) if k is not type(None))
        elif get_origin(kind) is tuple:
            return kind, unmarked(get_args(kind)[0])[1] | said
        else:
            return kind, said


def _describe(kind: Any, unit: str, values: tuple[str, ...]) -> str:
    if get_origin(kind) is tuple:
        return f"list of {_describe(unmarked(get_args(kind)[0])[0], unit, values)}"
    if get_origin(kind) is dict:
        inner = unmarked(get_args(kind)[1])[0]
        return "object" if inner is object else f"map of {_describe(inner, unit, values)}"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind.__name__
    return unit or ("enum" if values else _SCALARS[kind])
