"""Unusual types, signatures and callables as tools: told rightly, or refused by name."""

from __future__ import annotations

import datetime
import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    TypedDict,
    TypeVar,
)

import msgspec
import pytest

from trio_live import ConfigError
from trio_live.tools import Call, FunctionTool

T = TypeVar("T")


@dataclass
class Node:
    value: int
    after: Node | None = None


@dataclass
class Box(Generic[T]):
    item: T


@dataclass
class Limits:
    tags: list[str] = field(default_factory=lambda: [])
    most: float = math.inf


class Some(TypedDict, total=False):
    a: Required[int]
    b: str


class Most(TypedDict):
    a: int
    b: NotRequired[str]


class Pair(NamedTuple):
    a: int
    b: str = "x"


class Mixed(enum.Enum):
    NUMBER = 1
    TEXT = "b"


class Renamed(msgspec.Struct, rename="camel"):
    first_name: str
    birth_day: datetime.datetime | None = None


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog"):
    bites: bool


class Event(msgspec.Struct, array_like=True):
    at: datetime.datetime


def taking(hint: Any, *default: object) -> Callable[..., object]:
    """Make a function with one parameter."""

    def take(a: object) -> object:
        return a

    take.__annotations__ = {"a": hint}
    take.__defaults__ = default or None
    return take


def told(hint: Any, *default: object) -> dict[str, Any]:
    """Give what the model is told of a parameter of this type."""
    schema = FunctionTool(taking(hint, *default), description="").schema
    assert schema.get("required", []) == ([] if default else ["a"])
    told: dict[str, Any] = schema["properties"]["a"]
    return told


MOMENT = {"type": "string", "format": "date-time"}


WORD = {"enum": ["x", "y"], "type": "string"}


WHOLE = {"type": "integer"}


FEW = Annotated[list[int], msgspec.Meta(min_length=1)]


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (Literal["x", "y"] | None, {"anyOf": [WORD, {"type": "null"}]}),
        (Literal["x", 1], {"enum": [1, "x"]}),
        (
            Box[int],
            {
                "title": "Box[int]",
                "type": "object",
                "properties": {"item": WHOLE},
                "required": ["item"],
            },
        ),
        (dict[str, datetime.datetime], {"type": "object", "additionalProperties": MOMENT}),
        (list[datetime.time], {"type": "array", "items": {"type": "string", "format": "time"}}),
        (dict[int, str], {"type": "object", "additionalProperties": {"type": "string"}}),
        (FEW, {"type": "array", "items": WHOLE, "minItems": 1}),
        (Any, {}),
    ],
)
def test_types(hint: Any, schema: dict[str, Any]) -> None:
    """What the model is told of a type."""
    assert told(hint) == schema


def test_fields_of_structs() -> None:
    """Names are those of the wire, times have their format, what may be left out is not required.

    Defaults that JSON does not have, and lists that are made anew, are the function's business.
    """
    assert told(Renamed) == {
        "title": "Renamed",
        "type": "object",
        "properties": {
            "firstName": {"type": "string"},
            "birthDay": {"anyOf": [MOMENT, {"type": "null"}], "default": None},
        },
        "required": ["firstName"],
    }
    assert [told(kind)["required"] for kind in (Some, Most)] == [["a"], ["a"]]
    assert told(Limits) == {
        "title": "Limits",
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"type": "string"}},
            "most": {"type": "number"},
        },
    }
    assert told(tuple[datetime.datetime, int])["prefixItems"] == [MOMENT, {"type": "integer"}]
    assert told(Pair)["minItems"] == 1
    assert told(Event)["type"] == "array"


def test_tagged_structs_refer_to_nothing() -> None:
    """Structs with tags are told in place, each with its tag; no reference leads out."""
    schema = told(Cat | Dog)
    assert list(schema) == ["anyOf"]
    assert [o["properties"]["type"]["enum"] for o in schema["anyOf"]] == [["cat"], ["dog"]]
    tool = FunctionTool(taking(Cat | Dog), description="")
    assert tool.read({"a": {"type": "dog", "bites": True}}) == {"a": Dog(True)}


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), "\ud800", None])
def test_defaults_that_json_does_not_have_are_not_told(value: object) -> None:
    """A default that cannot be written is the function's own business: it is still used."""
    assert told(float, value) == {"type": "number"}


def test_mutable_defaults() -> None:
    """A default list is told, and the function's own is used."""
    mine: list[int] = []
    tool = FunctionTool(taking(list[int], mine), description="")
    assert tool.schema["properties"]["a"]["default"] == []
    assert tool.read({}) == {}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (taking(Node), "parameter 'a' of tool 'take'.* contains itself: Node"),
        (taking(Mixed), "parameter 'a' of tool 'take'.* all str or all int"),
        (taking(Final[int], 3), "parameter 'a' of tool 'take' has a type that no parameter can"),
        (FunctionTool, "parameter"),
    ],
)
def test_what_cannot_be_told_is_refused(function: Callable[..., Any], message: str) -> None:
    """What cannot be told is refused when the tool is made, naming the parameter."""
    with pytest.raises(ConfigError, match=message):
        FunctionTool(function, description="")


def test_positional_only_parameters_are_refused() -> None:
    """The model gives arguments by name."""

    def take(a: int, /) -> int:
        return a

    with pytest.raises(ConfigError, match="parameter 'a' of tool 'take' is positional-only"):
        FunctionTool(take)


def test_names_that_no_struct_can_have_are_refused() -> None:
    """A name with two underscores first cannot be converted to; it is refused."""

    def take(__a: int = 3) -> int:
        return __a

    take.__annotations__ = {"__a": int}
    with pytest.raises(ConfigError, match=r"'take' cannot take its parameters.*__a"):
        FunctionTool(take)


def test_names_of_local_types_are_explained() -> None:
    """A type that is local to a function is not found by its name; the error says what to do."""

    @dataclass
    class Local:
        a: int

    def take(a: Local) -> int:
        return a.a

    with pytest.raises(ConfigError, match=r"name 'Local' is not defined; types .* top of a module"):
        FunctionTool(take)


def test_call_parameter_may_have_a_default() -> None:
    """A function that is called by hand as well says `call: Call | None = None`."""

    async def take(a: int, call: Call | None = None) -> int:
        return a if call else 0

    async def described(a: int, call: Annotated[Call, "what is known of it"]) -> int:
        return a if call.id else 0

    for function in (take, described):
        assert list(FunctionTool(function).schema["properties"]) == ["a"]

    async def twice(one: Call, two: Call) -> None: ...

    with pytest.raises(ConfigError, match="'one' and 'two' of tool 'twice' are both the Call"):
        FunctionTool(twice)


def test_keys_that_are_no_text_are_converted() -> None:
    """JSON has only text as keys; a dict of numbers is still one."""
    tool = FunctionTool(taking(dict[int, str]), description="")
    assert tool.read({"a": {"1": "x"}}) == {"a": {1: "x"}}
    with pytest.raises(msgspec.ValidationError):
        tool.read({"a": {"one": "x"}})


def test_arguments_that_are_nested_too_deeply_do_not_fit() -> None:
    """What the model nests beyond Python's depth is wrong arguments, and no crash."""
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"x": deep}
    with pytest.raises(msgspec.ValidationError, match="too deeply"):
        FunctionTool(taking(dict[str, Any]), description="").read({"a": deep})


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (bool, 1, "Expected `bool`"),
        (int, True, "Expected `int`"),
        (int, "3", "Expected `int`"),
        (str, None, "Expected `str`, got `null`"),
        (float, "1", "Expected `float`"),
        (list[int], "1", "Expected `array`"),
        (datetime.datetime, "tomorrow", "Invalid RFC3339"),
        (Literal["x"], "y", "Invalid enum value"),
        (Most, {"b": "x"}, "missing required field `a`"),
        (Cat | Dog, {"type": "cow"}, "Invalid value 'cow'"),
        (Annotated[str, msgspec.Meta(pattern="^a")], "b", "matching regex"),
    ],
)
def test_arguments_of_the_wrong_kind(hint: Any, value: object, message: str) -> None:
    """Arguments are not bent to fit; the error says where and why."""
    with pytest.raises(msgspec.ValidationError, match=message):
        FunctionTool(taking(hint), description="").read({"a": value})
