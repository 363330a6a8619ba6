"""google-genai's pydantic models: what they reach, and random instances of them."""

from __future__ import annotations

import random
import types
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
from google.genai import types as genai
from pydantic.alias_generators import to_camel

Model = type[pydantic.BaseModel]


def wire_name(name: str, field: Any) -> str:
    """The name that a model's field has in JSON, by the model."""
    return str(field.alias or to_camel(name))


def bare(annotation: Any) -> Any:
    """A field's type without Optional and annotations; of a union of content forms, Content."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return genai.Content if genai.Content in kinds else bare(kinds[0])
    # A list of tools is behind a validator that hides what it is a list of.
    return list[genai.Tool] if annotation is list else annotation


def model_in(kind: Any) -> Model | None:
    """The model that a field holds, one or many of."""
    while get_origin(kind) in (list, dict):
        kind = bare(get_args(kind)[-1])
    return kind if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel) else None


def fields(model: Model) -> Iterator[tuple[str, str, Any, Any]]:
    """Each field of a model: attribute, name in JSON, type, and pydantic's own description."""
    for name, field in model.model_fields.items():
        yield name, wire_name(name, field), bare(field.annotation), field


def reachable(root: Model) -> list[Model]:
    """A model and all that its fields lead to."""
    seen: dict[Model, None] = {}
    waiting = [root]
    while waiting:
        model = waiting.pop()
        if model not in seen:
            seen[model] = None
            found = (model_in(kind) for _, _, kind, _ in fields(model))
            waiting.extend(inner for inner in found if inner is not None)
    return list(seen)


class Maker:
    """Makes random instances, the same ones for the same seed.

    Args:
        seed: Makes the instances.
        chance: How likely a field is set.
        required: Fields that are always set, as "Model.attribute".

    Attributes:
        made: Each field that has been set, as "Model.attribute".
    """

    def __init__(self, seed: int, chance: float, required: Collection[str] = ()) -> None:
        self.made: set[str] = set()
        self._random = random.Random(seed)
        self._chance = chance
        self._required = required
        self._depth = 0

    def make(self, model: Model) -> pydantic.BaseModel:
        """An instance with some of its fields set, at every depth."""
        set_: dict[str, Any] = {}
        self._depth += 1
        # Some models hold themselves: deep down there must be less and less.
        chance = self._chance if self._depth < 10 else self._chance / 8
        for name, _, kind, _ in fields(model):
            path = f"{model.__name__}.{name}"
            if path in self._required or self._random.random() < chance:
                self.made.add(path)
                set_[name] = self._value(kind)
        self._depth -= 1
        return model(**set_)

    def _value(self, kind: Any) -> Any:
        pick = self._random
        if get_origin(kind) is list:
            return [self._value(bare(get_args(kind)[0])) for _ in range(pick.randint(0, 3))]
        if get_origin(kind) is dict:
            inner = bare(get_args(kind)[1])
            return self._object() if inner is Any else {"-_": self._value(inner)}
        if kind is Any:
            return self._object()
        if get_origin(kind) is Literal:
            return pick.choice(get_args(kind))
        if issubclass(kind, pydantic.BaseModel):
            return self.make(kind)
        if issubclass(kind, Enum):
            return pick.choice(list(kind))
        return self._scalar(kind)

    def _scalar(self, kind: type) -> Any:
        pick = self._random
        if kind is bool:
            return pick.random() < 0.5
        if kind is int:
            return pick.choice([0, 1, -1, pick.randint(-(2**31), 2**31 - 1), 2**31 - 1])
        if kind is float:
            return pick.choice([0.0, 1.0, -2.5, pick.uniform(-1e6, 1e6), pick.random()])
        if kind is datetime:
            return datetime.fromtimestamp(pick.randrange(2**31), UTC)
        if kind is bytes:
            return pick.randbytes(pick.randint(0, 12))
        assert kind is str, kind
        return "".join(pick.choices('ab-_ "\\/\n\u00e4\u6f22\U0001f600', k=pick.randint(0, 6)))

    def _object(self) -> dict[str, Any]:
        """A free object, with names and texts that could be taken for base64 of ours."""
        pick = self._random
        values: list[Any] = [None, True, 1, -2.5, "-_-_", "QUJD", [], ["-_", {"data": "_w=="}], {}]
        names = ["data", "thoughtSignature", "inlineData", "sdkBlob", "x y", "\u00e4", ""]
        return {name: pick.choice(values) for name in pick.sample(names, pick.randint(0, 3))}
