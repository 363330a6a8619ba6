"""Plain values into the arguments of SessionConfig, for `SessionConfig.from_dict`.

What lives here: names in both spellings, and which struct a mapping stands for. What must not:
checks of values (values.py), but for their types, which msgspec checks on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast, get_args, get_origin

import msgspec

from trio_live.config.arguments import ARGUMENTS
from trio_live.errors import ConfigError
from trio_live.wire.fields import Field, fields_of, unmarked
from trio_live.wire.first_look import FIRST_LOOK
from trio_live.wire.salvage import base64_bytes
from trio_live.wire.tools import FunctionDeclaration, Tool

_INT64: Final = re.compile("-?[0-9]{1,19}")


def arguments_from(settings: Mapping[str, object]) -> dict[str, Any]:
    """Make keyword arguments of plain values.

    Raises:
        ConfigError: A name is unknown or given twice, or a value of a wrong type.
    """
    given: object = settings  # whatever the annotation says
    if not isinstance(given, Mapping):
        raise ConfigError(f"settings must be a mapping, not {type(given).__name__}")
    for name in settings:
        if name not in ARGUMENTS:
            raise ConfigError(_unknown("", name, ARGUMENTS))
    if "model" not in settings:
        raise ConfigError("model is missing: every session names its model")
    return {name: _argument(name, value) for name, value in settings.items()}


def _argument(name: str, value: object) -> object:
    argument = ARGUMENTS[name]
    structs = [kind for kind in argument.kinds if issubclass(kind, msgspec.Struct)]
    if not structs:
        return value
    if argument.many and isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return [_struct(f"{name}[{index}]", structs, item) for index, item in enumerate(items)]
    return _struct(name, structs, value)


def _struct(path: str, kinds: list[type[msgspec.Struct]], value: object) -> object:
    """Make the struct that a mapping stands for; leave everything else as it is."""
    if not isinstance(value, Mapping):
        return value
    plain = cast("Mapping[object, object]", value)
    kind = kinds[0]
    if len(kinds) > 1:  # of tools
        kind = FunctionDeclaration if "name" in plain else Tool
    try:
        with FIRST_LOOK:
            return msgspec.convert(_respelled(path, kind, plain), kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from None


def _respelled(path: str, kind: Any, value: object) -> object:
    """Give a value with the wire's spelling of each name that a struct knows, at any depth.

    Led by the types, so that the application's own objects are never touched.
    """
    kind = unmarked(kind)[0]
    if get_origin(kind) is tuple and isinstance(value, list | tuple):
        items = cast("list[object]", value)
        inner = get_args(kind)[0]
        return [_respelled(f"{path}[{index}]", inner, item) for index, item in enumerate(items)]
    if not isinstance(value, Mapping):
        return value
    plain = cast("Mapping[object, object]", value)
    if get_origin(kind) is dict:
        inner = get_args(kind)[1]
        return {name: _respelled(f"{path}[{name!r}]", inner, item) for name, item in plain.items()}
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return plain
    fields = {
        spelling: field for field in fields_of(kind) for spelling in (field.name, field.wire_name)
    }
    given: dict[str, object] = {}
    for name, item in plain.items():
        field = fields.get(name) if isinstance(name, str) else None
        if field is None:
            raise ConfigError(_unknown(path, name, [field.name for field in fields_of(kind)]))
        if field.wire_name in given:
            raise ConfigError(
                f"{path} has both {field.name} and {field.wire_name}: they are one field"
            )
        given[field.wire_name] = _respelled(f"{path}.{field.name}", field.kind, _plain(field, item))
    return given


def _plain(field: Field, value: object) -> object:
    """Read the texts that proto3-JSON has in place of numbers of 64 bits, and of bytes."""
    if not isinstance(value, str):
        return value
    if field.kind is bytes:
        data = base64_bytes(value)
        return value if data is None else data
    return int(value) if field.unit == "int64" and _INT64.fullmatch(value) else value


def _unknown(path: str, name: object, known: Iterable[str]) -> str:
    bare = {each.replace("_", ""): each for each in known}
    import difflib  # only for this error

    like = difflib.get_close_matches(str(name).replace("_", "").lower(), bare, 1)
    what = f"{path} has no field {name!r}" if path else f"SessionConfig has no argument {name!r}"
    return f"{what}; did you mean {bare[like[0]]!r}?" if like else what
