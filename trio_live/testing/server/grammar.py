"""What a field of a message may hold, as data: the kinds that the tables of fields are made of.

What lives here: shapes and their names. What must not: the fields themselves (fields.py and
fields_*.py), and reading a message by them (normalise.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from .access import Platform

_CAPITAL: Final = re.compile(r"(?=[A-Z])")


class Scalar(Enum):
    """A single value, named as the service names it in its error texts."""

    STRING = "TYPE_STRING"
    BOOL = "TYPE_BOOL"
    INT32 = "TYPE_INT32"
    INT64 = "TYPE_INT64"
    FLOAT = "TYPE_FLOAT"
    BYTES = "TYPE_BYTES"
    NEVER_NULL = "TYPE_STRING, not null"
    DURATION = "type.googleapis.com/google.protobuf.Duration"
    TIMESTAMP = "type.googleapis.com/google.protobuf.Timestamp"
    OBJECT = "type.googleapis.com/google.protobuf.Struct"
    ANYTHING = "type.googleapis.com/google.protobuf.Value"


class Itself(Enum):
    """The message that the field is in: a schema within a schema."""

    ITSELF = "itself"


@dataclass(frozen=True, slots=True)
class Choice:
    """A string out of a closed list."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Repeated:
    """An array."""

    item: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are the user's own, such as the properties of a schema."""

    value: Shape


@dataclass(frozen=True, slots=True)
class Only:
    """A field that one platform alone knows."""

    platform: Platform
    shape: Shape


@dataclass(frozen=True, slots=True)
class Message:
    """An object with known fields, spelled in camelCase or snake_case."""

    fields: dict[str, Shape | Only]
    spellings: dict[str, str] = field(init=False)  # spelling on the wire -> camelCase name

    def __post_init__(self) -> None:
        both = {to_snake(name): name for name in self.fields} | {name: name for name in self.fields}
        object.__setattr__(self, "spellings", both)


Shape: TypeAlias = Scalar | Itself | Choice | Repeated | MapOf | Message


def to_snake(name: str) -> str:
    """Spell a camelCase name in snake_case."""
    return _CAPITAL.sub("_", name).lower()


def choice(*values: str) -> Choice:
    """Return the shape of an enum with these values."""
    return Choice(frozenset(values))


def only_gemini(shape: Shape) -> Only:
    """Return the shape of a field that the Gemini Developer API alone knows."""
    return Only(Platform.GEMINI, shape)


def only_vertex(shape: Shape) -> Only:
    """Return the shape of a field that Vertex AI alone knows."""
    return Only(Platform.VERTEX, shape)


STRING: Final = Scalar.STRING
BOOL: Final = Scalar.BOOL
INT32: Final = Scalar.INT32
INT64: Final = Scalar.INT64
FLOAT: Final = Scalar.FLOAT
BYTES: Final = Scalar.BYTES
DURATION: Final = Scalar.DURATION
TIMESTAMP: Final = Scalar.TIMESTAMP
OBJECT: Final = Scalar.OBJECT
ANYTHING: Final = Scalar.ANYTHING
ITSELF: Final = Itself.ITSELF
EMPTY: Final = Message({})
STRINGS: Final = Repeated(STRING)
