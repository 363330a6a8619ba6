"""Checks of single values: types, ranges, enums, and what stands inside of wire structs.

What lives here: `read`, which gives a checked copy of an argument. What must not: rules between
arguments (session.py), the limits themselves (limits.py). Errors name the argument and the field by
their names in Python.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, cast

import msgspec
from msgspec.structs import force_setattr

from trio_live.config.arguments import ARGUMENTS, Argument
from trio_live.config.limits import (
    EXCLUSIVE,
    FUNCTION_NAME,
    MAY_BE_EMPTY,
    RANGES,
    REASONS,
    REQUIRED,
)
from trio_live.errors import ConfigError
from trio_live.wire import codec
from trio_live.wire.content import Content, Part
from trio_live.wire.fields import Field, fields_of
from trio_live.wire.marks import Platform
from trio_live.wire.schema import Schema
from trio_live.wire.tools import FunctionDeclaration, Tool

T = TypeVar("T")


def read(name: str, argument: Argument, value: object) -> object:
    """Check the value of an argument; give a copy that nothing outside can change.

    Raises:
        ConfigError: It is of another type, out of range, or holds something that cannot be.
    """
    if argument.many:
        return tuple(
            _read_one(f"{name}[{index}]", argument, item)
            for index, item in enumerate(_items(name, argument.kinds, value))
        )
    if value is None and name != "model":
        return None
    if argument.kinds == (str,):
        _check_text(name, value)
    if argument.kinds == (int,) and isinstance(value, float) and value.is_integer():
        value = int(value)  # as plain numbers come from YAML or a calculation
    if not isinstance(value, argument.kinds) or (
        isinstance(value, bool) and bool not in argument.kinds
    ):
        raise ConfigError(f"{name} must be {_either(argument.kinds)}, not {type(value).__name__}")
    return _read_one(name, argument, value)


def read_tools(values: tuple[Tool, ...]) -> tuple[Tool, ...]:
    """Check tools that are sent in a session as `read` does those of a config; give copies.

    Raises:
        ConfigError: As `read`.
    """
    return cast("tuple[Tool, ...]", read("tools", ARGUMENTS["tools"], values))


def _read_one(path: str, argument: Argument, value: object) -> object:
    if isinstance(value, Mapping):
        kind = dict[str, str] if argument.place is not None else dict[str, object]
        return _copy(path, cast("object", value), kind)
    if isinstance(value, msgspec.Struct):
        copied: msgspec.Struct = _copy(path, value, type(value))
        _check_struct(path, copied)
        return copied
    if argument.place is not None:
        _check_value(path, argument.place, value)
    return _copy(path, value, object) if isinstance(value, str) else value


def _copy(path: str, value: object, kind: type[T]) -> T:
    """Copy through JSON: what is not of its type is told with msgspec's own path."""
    try:
        finite = _is_finite(value)
        copied = codec.copy(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from None
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise ConfigError(_why_not_json(path, value)) from None
    if not finite:
        raise ConfigError(f"{path} holds a number that is not finite, which JSON has not")
    return copied


def _is_finite(value: object) -> bool:
    """Whether there is no NaN or infinity in a value, which an encoder writes as null."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, msgspec.Struct):
        return all(_is_finite(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, Mapping):
        return all(map(_is_finite, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, cast("Sequence[object]", value)))
    return True


def _why_not_json(path: str, value: object) -> str:
    """Say what cannot be written as JSON, and where, of a value that cannot."""
    inside: list[tuple[str, object]] = []
    if isinstance(value, msgspec.Struct):
        inside = [(f"{path}.{f.name}", getattr(value, f.name)) for f in fields_of(type(value))]
    elif isinstance(value, Mapping):
        named = cast("Mapping[object, object]", value)
        for key in named:
            if not isinstance(key, str):
                return f"{path} has the name {key!r}, which is a {type(key).__name__} and no text"
        inside = [(f"{path}[{key!r}]", item) for key, item in named.items()]
    elif isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        inside = [(f"{path}[{index}]", item) for index, item in enumerate(items)]
    for where, item in inside:
        try:
            codec.copy(item, object)
        except RecursionError:
            break  # it holds itself, or is too deep to be taken apart
        except (TypeError, ValueError, OverflowError):
            return _why_not_json(where, item)
    return f"{path} holds something that cannot be written as JSON"


def _check_struct(path: str, struct: msgspec.Struct) -> None:
    kind = type(struct)
    if isinstance(struct, Schema) and struct.type is not None:
        # JSON Schema has it in lower case. The struct is our own copy, which nobody has seen yet.
        force_setattr(struct, "type", struct.type.upper())
    fields = [field for field in fields_of(kind) if getattr(struct, field.name) is not None]
    given = {field.name for field in fields}
    for group in EXCLUSIVE.get(kind, ()):
        both = [name for name in group if name in given]
        if len(both) > 1:
            raise ConfigError(f"{path} has {' and '.join(both)}: one of them at most is taken")
    missing = [name for name in REQUIRED.get(kind, ()) if name not in given]
    if missing and (given or kind not in MAY_BE_EMPTY):
        raise ConfigError(f"{path} needs {' and '.join(missing)}")
    if isinstance(struct, Content):
        _check_instruction(path, struct)
        return
    if isinstance(struct, Tool) and not given:
        raise ConfigError(f"{path} is an empty Tool: it allows nothing")
    if isinstance(struct, FunctionDeclaration) and not FUNCTION_NAME.fullmatch(struct.name):
        raise ConfigError(
            f"{path}.name={struct.name!r} must begin with a letter or underscore and have letters, "
            "digits and _ . : - only, 128 at most"
        )
    for field in fields:
        _check_value(f"{path}.{field.name}", field, getattr(struct, field.name))


def _check_value(path: str, field: Field, value: object) -> None:
    """Check the value of one field: whether Live takes it at all, range, enum, what is inside."""
    if field.platform is Platform.NONE:
        reason = REASONS.get((field.owner, field.name))
        raise ConfigError(
            f"{path} is refused in Live sessions, on both platforms"
            + (f": {reason}" if reason else "; extra= passes it unchecked")
        )
    for where, item in _inside(path, value):
        if field.values and item not in field.values:
            raise ConfigError(
                f"{where}={item!r} must be one of {', '.join(field.values)}; extra= passes what is "
                "newer than this list"
            )
        if isinstance(item, msgspec.Struct):
            _check_struct(where, item)
    low, high = RANGES.get((field.owner, field.name), (None, None))
    if low is not None and high is not None and not low <= cast("float", value) <= high:
        raise ConfigError(f"{path}={value!r} must lie between {low} and {high}")


def _inside(path: str, value: object) -> Iterable[tuple[str, object]]:
    """Give the value, or each item of a list or map, with its path."""
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        return [(f"{path}[{index}]", item) for index, item in enumerate(items)]
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return [(f"{path}[{name!r}]", item) for name, item in named.items()]
    return [(path, value)]


def _check_instruction(path: str, content: Content) -> None:
    if not content.parts or any(
        not part.text or part != Part(text=part.text) for part in content.parts
    ):
        raise ConfigError(f"{path} takes parts of text only, and at least one")


def _check_text(name: str, value: object) -> None:
    if value == "":
        raise ConfigError(f"{name} must not be an empty text")
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a text that is not empty, not {type(value).__name__}")


def _items(name: str, kinds: tuple[type, ...], values: object) -> Sequence[object]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ConfigError(f"{name} must be a list or tuple, not {type(values).__name__}")
    items = cast("Sequence[object]", values)
    for item in items:
        if not isinstance(item, kinds):
            raise ConfigError(f"{name} must hold {_either(kinds)}, not {type(item).__name__}")
    return items


def _either(kinds: tuple[type, ...]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)
