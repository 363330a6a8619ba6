"""The embedded server knows each field that google-genai can send, at every depth, and no other."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_origin

import genai_types
import msgspec
import pytest
from google.genai import _live_converters
from google.genai import types as genai

from trio_live.testing.server.access import Platform
from trio_live.testing.server.fields import CLIENT_MESSAGE, REALTIME_INPUT_CONFIG
from trio_live.testing.server.grammar import (
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
from trio_live.testing.server.normalise import read_message
from trio_live.testing.server.shapes import Refusal

# What the server takes and google-genai does not have, with the reason.
NOT_THEIRS = {
    "LiveClientSetup.realtimeInputConfig": "there in LiveConnectConfig only",
    "LiveClientSetup.toolConfig": "Firebase's Android SDK sends it",
    "GenerationConfig.modelConfig": "what modelSelectionConfig becomes on Vertex AI",
}

# The older SDK path refuses these on Vertex AI, the path that is used sends them.
SENT_ANYWAY = {"audio_stream_end", "labels"}


def pairs() -> dict[str, tuple[Any, Message]]:
    """Each model of google-genai with the server's table for it, found by walking both."""
    found: dict[str, tuple[Any, Message]] = {}
    waiting: list[tuple[Any, Message]] = [
        (genai.LiveClientMessage, CLIENT_MESSAGE),
        (genai.RealtimeInputConfig, REALTIME_INPUT_CONFIG),
    ]
    while waiting:
        model, message = waiting.pop()
        if model.__name__ in found:
            continue
        found[model.__name__] = (model, message)
        for _, name, kind, _ in genai_types.fields(model):
            inner, shape = genai_types.model_in(kind), core(message.fields.get(name))
            if inner is not None and isinstance(shape, Message):
                waiting.append((inner, shape))
    return found


def core(shape: Shape | Only | None) -> Shape | None:
    """A shape without what is around it."""
    while isinstance(shape, Only | Repeated | MapOf):
        if isinstance(shape, Only):
            shape = shape.shape
        else:
            shape = shape.item if isinstance(shape, Repeated) else shape.value
    return shape


def test_every_field_of_the_sdk_is_known_and_no_other() -> None:
    """Names are the same, on both sides, in every message that can be reached."""
    missing, more = set[str](), set[str]()
    for model, message in pairs().values():
        theirs = {name for _, name, _, _ in genai_types.fields(model)}
        missing |= {f"{model.__name__}.{name}" for name in theirs - set(message.fields)}
        more |= {f"{model.__name__}.{name}" for name in set(message.fields) - theirs}
    assert missing == set()
    assert more == set(NOT_THEIRS)
    assert len(pairs()) > 80


SHAPES: dict[object, set[Scalar]] = {
    str: {Scalar.STRING, Scalar.DURATION, Scalar.NEVER_NULL},
    bytes: {Scalar.BYTES},
    bool: {Scalar.BOOL},
    int: {Scalar.INT32, Scalar.INT64},
    float: {Scalar.FLOAT},
    Any: {Scalar.ANYTHING, Scalar.OBJECT},
}


def values(kind: Any) -> set[str]:
    """What a string or an enum of google-genai may be."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {str(item.value) for item in kind}
    return set(get_args(kind))


def same(kind: Any, shape: Shape) -> bool:
    """Whether the server takes for a field what google-genai declares."""
    if get_origin(kind) is list:
        inner = genai_types.bare(get_args(kind)[0])
        return isinstance(shape, Repeated) and same(inner, shape.item)
    if get_origin(kind) is dict:
        inner = genai_types.bare(get_args(kind)[1])
        if inner is Any:
            return shape in SHAPES[Any]
        return isinstance(shape, MapOf) and same(inner, shape.value)
    if isinstance(shape, Choice):
        # A schema's types are also read in lower case.
        return values(kind) == {v for v in shape.values if v.lower() != v}
    if isinstance(shape, Message | Itself):
        return genai_types.model_in(kind) is not None
    return kind.__name__ == "datetime" if shape is Scalar.TIMESTAMP else shape in SHAPES[kind]


def test_every_field_takes_what_the_sdk_sends() -> None:
    """Types and the values of enums are the same."""
    wrong: list[str] = []
    for model, message in pairs().values():
        for _, name, kind, _ in genai_types.fields(model):
            shape = message.fields.get(name)
            shape = shape.shape if isinstance(shape, Only) else shape
            if shape is not None and not same(kind, shape):
                wrong.append(f"{model.__name__}.{name}")
    assert wrong == []


def refusals() -> Iterator[tuple[str, str, Platform]]:
    """What google-genai's converters refuse: model, attribute, and the platform that has it."""
    source = re.sub(r"'\s+'", "", inspect.getsource(_live_converters))
    for function in re.split(r"\ndef ", source):
        head = re.match(r"_(\w+)_to_(mldev|vertex)\(", function)
        if head is None or head[1] not in pairs():
            continue
        has = Platform.VERTEX if head[2] == "mldev" else Platform.GEMINI
        for attribute in re.findall(r"'(\w+) parameter is only supported in", function):
            yield head[1], attribute, has


def test_fields_of_one_platform_are_those_of_the_sdk() -> None:
    """What google-genai refuses to send to a platform, the server refuses there; and no more."""
    theirs = {
        (model, attribute, platform)
        for model, attribute, platform in refusals()
        if attribute not in SENT_ANYWAY
    }
    ours = {
        (name, to_snake(field), shape.platform)
        for name, (_, message) in pairs().items()
        for field, shape in message.fields.items()
        if isinstance(shape, Only)
    }
    # Its converter sends the one under the other's name to Vertex AI, instead of refusing it.
    renamed = {
        ("GenerationConfig", "model_selection_config", Platform.GEMINI),
        ("GenerationConfig", "model_config", Platform.VERTEX),
    }
    assert ours == theirs | renamed
    assert len(ours) > 25


def example(shape: Shape) -> object:
    """A value of a shape, with all its fields, in snake_case."""
    match shape:
        case Message():
            return {
                to_snake(name): example(inner)
                for name, inner in shape.fields.items()
                if not isinstance(inner, Only) and Itself.ITSELF not in (inner, core(inner))
            }
        case Repeated():
            return [example(shape.item)]
        case MapOf():
            return {"snake_key": example(shape.value)}
        case Choice():
            return min(shape.values)
        case Itself():
            return {}
        case Scalar():
            return SCALARS[shape]


SCALARS: dict[Scalar, object] = {
    Scalar.STRING: "s",
    Scalar.NEVER_NULL: "s",
    Scalar.BOOL: True,
    Scalar.INT32: 1,
    Scalar.INT64: "1",
    Scalar.FLOAT: 0.5,
    Scalar.BYTES: "-_-_",
    Scalar.DURATION: "1.5s",
    Scalar.TIMESTAMP: "2026-01-01T00:00:00Z",
    Scalar.OBJECT: {"snake_key": 1},
    Scalar.ANYTHING: {"snake_key": 1},
}


def camel(value: Any, shape: Shape) -> Any:
    """The same value in camelCase, keys of the user's kept."""
    if isinstance(shape, Message):
        names = {to_snake(name): name for name in shape.fields}
        return {names[key]: camel(item, core_of(shape, names[key])) for key, item in value.items()}
    if isinstance(shape, Repeated):
        return [camel(item, shape.item) for item in value]
    if isinstance(shape, MapOf):
        return {key: camel(item, shape.value) for key, item in value.items()}
    return value


def core_of(message: Message, name: str) -> Shape:
    """The shape of a field, whoever knows it."""
    shape = message.fields[name]
    return shape.shape if isinstance(shape, Only) else shape


@pytest.mark.parametrize("platform", list(Platform), ids=["gemini", "vertex"])
@pytest.mark.parametrize("kind", list(CLIENT_MESSAGE.fields))
def test_both_spellings_are_read_at_every_depth(kind: str, platform: Platform) -> None:
    """A message with every field in snake_case is read as the same one in camelCase."""
    shape = core_of(CLIENT_MESSAGE, kind)
    snake = {to_snake(kind): example(shape)}
    expected = {kind: camel(snake[to_snake(kind)], shape)}
    assert read_message(msgspec.json.encode(snake).decode(), platform) == expected
    assert read_message(msgspec.json.encode(expected).decode(), platform) == expected


def test_deep_messages_are_refused() -> None:
    """Nesting without end is refused, whoever runs out first."""
    deep = '{"items":' * 900 + "{}" + "}" * 900
    frame = (
        '{"setup":{"tools":[{"functionDeclarations":[{"name":"f","parameters":' + deep + "}]}]}}"
    )
    with pytest.raises(Refusal, match="Invalid JSON payload received"):
        read_message(frame, Platform.GEMINI)
