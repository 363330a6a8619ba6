"""Thirty functions as people write them, for the schemas of tools."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import msgspec


class Unit(enum.Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Place:
    """A place on earth."""

    city: str
    country: str = "DE"


class Point(msgspec.Struct):
    """A point on a map."""

    x: Annotated[float, msgspec.Meta(ge=0, le=1)]
    y: float = 0.5


class Filter(TypedDict, total=False):
    query: str
    limit: int


def nothing() -> None:
    """Do nothing."""


def text(a: str) -> str:
    """Take a text."""
    return a


def whole(a: int) -> int:
    """Take a whole number."""
    return a


def number(a: float) -> float:
    """Take a number."""
    return a


def truth(a: bool) -> bool:
    """Take a truth value."""
    return a


def several(a: str, b: int, c: float, d: bool) -> str:
    """Take several."""
    return f"{a}{b}{c}{d}"


def with_default(a: int = 3) -> int:
    """Take one that may be left out."""
    return a


def mixed_defaults(a: str, b: int = 2, c: str = "x") -> str:
    """Take some that may be left out."""
    return f"{a}{b}{c}"


def texts(a: list[str]) -> int:
    """Take texts."""
    return len(a)


def grid(a: list[list[int]]) -> int:
    """Take a grid."""
    return len(a)


def mapping(a: dict[str, int]) -> int:
    """Take numbers by name."""
    return len(a)


def anything(a: dict[str, Any]) -> int:
    """Take an object."""
    return len(a)


def optional(a: int | None = None) -> int | None:
    """Take a number or nothing."""
    return a


def optional_text(a: str | None) -> str | None:
    """Take a text or null, but say which."""
    return a


def either(a: int | str) -> str:
    """Take a number or a text."""
    return str(a)


def choice(a: Literal["x", "y"]) -> str:
    """Take one of two words."""
    return a


def choice_default(a: Literal["x", "y"] = "x") -> str:
    """Take one of two words, or none."""
    return a


def number_choice(a: Literal[1, 2]) -> int:
    """Take one of two numbers."""
    return a


def unit(a: Unit) -> str:
    """Take a unit."""
    return a.value


def unit_default(a: Unit = Unit.CELSIUS) -> str:
    """Take a unit, or none."""
    return a.value


def level(a: Level) -> int:
    """Take a level."""
    return a


def units(a: list[Unit]) -> int:
    """Take units."""
    return len(a)


def moment(a: datetime.datetime) -> str:
    """Take a moment."""
    return a.isoformat()


def day(a: datetime.date) -> str:
    """Take a day."""
    return a.isoformat()


def unique(a: set[int]) -> int:
    """Take numbers, each once."""
    return len(a)


def place(a: Place) -> str:
    """Take a dataclass."""
    return a.city


def places(a: list[Place]) -> int:
    """Take dataclasses."""
    return len(a)


def point(a: Point) -> float:
    """Take a struct."""
    return a.x


def filtered(a: Filter) -> int:
    """Take a typed dict."""
    return len(a)


def bounded(a: Annotated[int, msgspec.Meta(ge=0, le=10, description="How many.")]) -> int:
    """Take a number within bounds."""
    return a


ALL = (
    nothing,
    text,
    whole,
    number,
    truth,
    several,
    with_default,
    mixed_defaults,
    texts,
    grid,
    mapping,
    anything,
    optional,
    optional_text,
    either,
    choice,
    choice_default,
    number_choice,
    unit,
    unit_default,
    level,
    units,
    moment,
    day,
    unique,
    place,
    places,
    point,
    filtered,
    bounded,
)
