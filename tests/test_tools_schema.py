"""What the model is told of a function, and what its arguments become."""

from __future__ import annotations

import datetime
import functools
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
import tool_functions as functions
from google.genai import types as genai

from trio_live import ConfigError
from trio_live.tools import Call, FunctionTool, Toolkit

# What google-genai's automatic schema says otherwise, and why ours is meant.
DIFFERENT = {
    "mapping": "google-genai leaves out what the values are",
    "optional": "JSON Schema says null as a type, Google's own as `nullable`",
    "optional_text": "the same; and google-genai does not require it, though it has no default",
    "either": "google-genai says OBJECT beside anyOf, which no value is",
    "units": "google-genai leaves out the name of an enum in a list",
    "unique": "google-genai does not say that the numbers are unique",
    "place": "google-genai refuses dataclasses",
    "places": "google-genai refuses dataclasses",
    "point": "google-genai refuses structs",
    "filtered": "google-genai refuses typed dicts",
    "bounded": "google-genai does not read msgspec's bounds and descriptions",
}


def google_schema(function: Callable[..., Any]) -> dict[str, Any] | None:
    """Give google-genai's automatic schema in the spelling of JSON Schema; None if it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            declared = genai.FunctionDeclaration.from_callable_with_api_option(
                callable=function, api_option="GEMINI_API"
            )
        except ValueError:
            return None
        dumped = declared.model_dump(exclude_none=True, mode="json")
    given = dumped.get("parameters") or {"type": "OBJECT", "properties": {}}
    spelt: dict[str, Any] = lower(given)
    if not spelt.get("required"):
        spelt.pop("required", None)
    return spelt


def lower(node: Any) -> Any:
    """Spell types as JSON Schema does."""
    if isinstance(node, dict):
        return {
            key: value.lower() if key == "type" else lower(value) for key, value in node.items()
        }
    return [lower(item) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize("function", functions.ALL, ids=lambda f: f.__name__)
def test_schema_is_googles_or_better(function: Callable[..., Any]) -> None:
    """The schema of a function equals google-genai's automatic one but where ours says more."""
    ours, theirs = FunctionTool(function).schema, google_schema(function)
    assert (ours == theirs) == (function.__name__ not in DIFFERENT), (ours, theirs)


def test_thirty_functions() -> None:
    """The comparison covers thirty functions."""
    assert len(functions.ALL) == 30


def test_structs_are_told_in_place() -> None:
    """Nested types are written out where they are used, with their own descriptions."""
    assert FunctionTool(functions.places).schema["properties"]["a"] == {
        "type": "array",
        "items": {
            "title": "Place",
            "description": "A place on earth.",
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "country": {"type": "string", "default": "DE"},
            },
            "required": ["city"],
        },
    }


GOOGLE = """Tell the weather.

    Of any place.

    Args:
        city: Where,
            exactly.
        days: How many days.

    Returns:
        A sentence.
    """
NUMPY = """Tell the weather.

    Of any place.

    Parameters
    ----------
    city : str
        Where,
        exactly.
    days : int
        How many days.
    """
SPHINX = """Tell the weather.

    Of any place.

    :param city: Where,
        exactly.
    :param days: How many days.
    """


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, SPHINX])
def test_docstrings(docstring: str) -> None:
    """All three styles of docstring give the description and the parameters'."""

    async def weather(city: str, days: int = 1) -> str:
        return f"{city} {days}"

    weather.__doc__ = docstring
    tool = FunctionTool(weather)
    assert tool.description == "Tell the weather.\n\nOf any place."
    assert tool.schema["properties"]["city"]["description"] == "Where,\nexactly."
    assert tool.schema["properties"]["days"] == {
        "type": "integer",
        "default": 1,
        "description": "How many days.",
    }


def test_annotation_wins_over_docstring() -> None:
    """A description in the annotation is nearer to the parameter than the docstring."""

    def take(n: Annotated[int, msgspec.Meta(description="near")]) -> None:
        """Take.

        Args:
            n: far
        """

    assert FunctionTool(take).schema["properties"]["n"]["description"] == "near"


def test_arguments_are_converted() -> None:
    """A function gets what it is annotated with; whole doubles are whole numbers."""
    tool = FunctionTool(functions.several)
    args = {"a": "x", "b": 3.0, "c": 2, "d": True}
    assert tool.read(args) == {"a": "x", "b": 3, "c": 2.0, "d": True}
    assert type(tool.read(args)["b"]) is int
    assert FunctionTool(functions.unit).read({"a": "celsius"}) == {"a": functions.Unit.CELSIUS}
    assert FunctionTool(functions.place).read({"a": {"city": "Ulm"}}) == {
        "a": functions.Place("Ulm")
    }
    when = FunctionTool(functions.moment).read({"a": "2026-11-22T10:00:00Z"})["a"]
    assert when == datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC)


def test_defaults_are_the_functions_own() -> None:
    """What the model leaves out is not passed, so that the function's default object is used."""
    assert FunctionTool(functions.mixed_defaults).read({"a": "x", "c": "z"}) == {"a": "x", "c": "z"}
    assert FunctionTool(functions.nothing).read(None) == {}


@pytest.mark.parametrize(
    ("function", "args", "message"),
    [
        (functions.several, {"a": "x"}, "missing required field `b`"),
        (functions.whole, {"a": "three"}, r"Expected `int`, got `str` - at `\$.a`"),
        (functions.whole, {"a": 3.5}, r"Expected `int`, got `float` - at `\$.a`"),
        (functions.bounded, {"a": 11}, r"`int` <= 10 - at `\$.a`"),
        (functions.choice, {"a": "z"}, r"Invalid enum value 'z' - at `\$.a`"),
        (functions.nothing, {"b": 1}, "unknown field `b`"),
        (functions.point, {"a": {"x": 2}}, r"<= 1.0 - at `\$.a.x`"),
    ],
)
def test_wrong_arguments(
    function: Callable[..., Any], args: dict[str, object], message: str
) -> None:
    """Arguments that do not fit are refused with the place and the rule."""
    with pytest.raises(msgspec.ValidationError, match=message):
        FunctionTool(function).read(args)


class Tree(msgspec.Struct):
    children: list[Tree] = []


def _bare(a) -> None:  # type: ignore[no-untyped-def]
    """Take something."""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda *a: a, "parameter 'a' of tool 'f' is variadic positional"),
        (lambda **a: a, "parameter 'a' of tool 'f' is variadic keyword"),
        (_bare, "parameter 'a' of tool 'f' has no annotation"),
    ],
)
def test_signatures_that_cannot_be_told(function: Callable[..., Any], message: str) -> None:
    """What has no name or no type for the model is refused when the tool is made."""
    with pytest.raises(ConfigError, match=message):
        FunctionTool(function, name="f", description="")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (complex, "type <class 'complex'> is not supported"),
        (Callable[[], int], "is not supported"),
        (functions.Place | functions.Point, "more than one dict-like type"),
        (Tree, "contains itself: Tree"),
        (object, "is not supported"),
    ],
)
def test_types_that_cannot_be_told(kind: Any, message: str) -> None:
    """A type without a JSON Schema is refused, naming the parameter."""

    def take(a: int) -> None: ...

    take.__annotations__["a"] = kind
    with pytest.raises(ConfigError, match=r"parameter 'a' of tool 'take'.*" + message):
        FunctionTool(take, description="")


def test_unresolvable_annotation() -> None:
    """An annotation that names nothing is refused, naming the tool."""

    def take(a: int) -> None: ...

    take.__annotations__["a"] = "Nowhere"
    with pytest.raises(ConfigError, match=r"annotations of tool 'take' cannot be read.*Nowhere"):
        FunctionTool(take, description="")


def test_call_parameter_is_not_told() -> None:
    """A parameter annotated with Call is the runner's."""

    async def take(a: int, call: Call) -> None: ...

    assert list(FunctionTool(take).schema["properties"]) == ["a"]


class Adder:
    """Add."""

    def __call__(self, a: int) -> int:
        return a

    def method(self, a: int) -> int:
        """Add as well."""
        return a


def test_other_callables() -> None:
    """Methods, callable objects and partial functions are tools as well."""
    assert FunctionTool(Adder().method).schema["required"] == ["a"]
    assert FunctionTool(Adder()).name == "Adder"
    part = functools.partial(functions.several, b=1)
    assert FunctionTool(part, name="part").schema["required"] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "1st"}, "cannot be called '1st'"),
        ({"name": "x" * 129}, "cannot be called"),
        ({"behavior": "blocking"}, "behavior='blocking'"),
        ({"scheduling": "LATER"}, "scheduling='LATER'"),
        ({"timeout": 0}, "timeout=0 of tool 'nothing'"),
        ({"timeout": True}, "timeout=True"),
        ({"behavior": "BLOCKING", "scheduling": "SILENT"}, "has no meaning for a BLOCKING"),
        ({"schema": {"type": "array"}}, "must be of type 'object'"),
        ({"schema": {"type": "object"}}, "takes one parameter"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    """Bad options are refused, naming the option, the value and the tool."""
    with pytest.raises(ConfigError, match=message):
        FunctionTool(functions.nothing, **options)


def test_generators_are_async() -> None:
    """A plain generator cannot be stopped between its values; an async one streams."""

    def plain() -> Any:
        yield 1

    async def streaming() -> Any:
        yield 1

    with pytest.raises(ConfigError, match="plain generator"):
        FunctionTool(plain)
    assert FunctionTool(streaming).streams


def test_kit() -> None:
    """A kit collects tools, in order; functions stay what they are; names are unique."""
    kit = Toolkit([functions.text])

    @kit.tool
    def one() -> int:
        return 1

    @kit.tool(name="second", timeout=5)
    def two() -> int:
        return 2

    assert (one(), two()) == (1, 2)
    assert [tool.name for tool in kit] == ["text", "one", "second"]
    tool = kit.get("second")
    assert tool is not None
    assert tool.timeout == 5
    assert kit.get("two") is None
    assert repr(kit) == "<Toolkit of 3: text, one, second>"
    with pytest.raises(ConfigError, match="a tool 'one' already"):
        kit.add(one)
    with pytest.raises(ConfigError, match="takes no options"):
        kit.add(tool, timeout=1)
    with pytest.raises(ConfigError, match="max_concurrent=0"):
        Toolkit(max_concurrent=0)
    with pytest.raises(ConfigError, match="callable, not int"):
        kit.add(3)  # type: ignore[arg-type]


def test_declaration() -> None:
    """A declaration holds name, description, schema, behavior; no schema without parameters."""
    declared = FunctionTool(functions.nothing, behavior="NON_BLOCKING").declaration("BLOCKING")
    assert (declared.name, declared.description) == ("nothing", "Do nothing.")
    assert declared.parameters_json_schema is None
    assert declared.behavior == "NON_BLOCKING"
    other = FunctionTool(functions.text).declaration("BLOCKING")
    assert other.parameters_json_schema == FunctionTool(functions.text).schema
    assert other.behavior == "BLOCKING"
