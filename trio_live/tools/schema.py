"""From a function's signature to the JSON Schema of its arguments, and back from JSON to arguments.

What lives here: Parameters. What must not: sessions, calls, I/O. Types are msgspec's business: what
it can decode a tool can take, what it cannot is refused when the tool is made.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType
from msgspec import inspect as types

from trio_live.errors import ConfigError
from trio_live.wire.first_look import FIRST_LOOK

Schema = dict[str, Any]

_VARIADIC: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
)
_FORMATS: Final[dict[type, str]] = {types.DateTimeType: "date-time", types.TimeType: "time"}


class Parameters:
    """What a function takes from the model.

    Args:
        function: The function.
        tool: The tool's name, for errors.
        descriptions: Parameter -> what it is, used where the annotation does not say it.
        injected: A parameter annotated with this type is left out: the runner gives it.

    Attributes:
        schema: JSON Schema of the arguments, always an object; types used twice stand twice.
        injected: The name of the parameter that the runner gives, or None.

    Raises:
        ConfigError: A parameter that cannot be expressed; the message names it.
    """

    def __init__(
        self,
        function: Callable[..., object],
        tool: str,
        descriptions: Mapping[str, str],
        injected: type,
    ) -> None:
        self.injected: str | None = None
        fields: list[tuple[str, Any, Any]] = []
        properties: Schema = {}
        required: list[str] = []
        for parameter, hint in _hinted(function, tool):
            name = parameter.name
            if _is(hint, injected):
                if self.injected is not None:
                    raise ConfigError(
                        f"parameters {self.injected!r} and {name!r} of tool {tool!r} are both the "
                        f"{injected.__name__}: one is enough"
                    )
                self.injected = name
                continue
            where = f"parameter {name!r} of tool {tool!r}"
            properties[name] = property_schema = _schema_of(hint, where)
            if description := descriptions.get(name):
                property_schema.setdefault("description", description)
            if parameter.default is parameter.empty:
                required.append(name)
                fields.append((name, hint, msgspec.NODEFAULT))
            else:
                # Left unset, so that the function's own default is used, whatever object it is.
                _tell_default(property_schema, parameter.default)
                fields.append((name, _or_unset(hint, where), UNSET))
        self.schema: Schema = {"type": "object", "properties": properties}
        if required:
            self.schema["required"] = required
        try:
            self._struct = msgspec.defstruct(
                "arguments", fields, kw_only=True, forbid_unknown_fields=True
            )
            with FIRST_LOOK, suppress(msgspec.ValidationError):  # required ones are not there
                msgspec.convert({}, self._struct)
        except (TypeError, ValueError, RuntimeError) as error:  # the last for names like __a
            raise ConfigError(f"tool {tool!r} cannot take its parameters: {error}") from None

    def read(self, args: Mapping[str, object] | None) -> dict[str, Any]:
        """Convert a call's arguments to what the function is annotated with.

        Raises:
            msgspec.ValidationError: They do not fit; the text says where and why.
        """
        try:
            given = _integral(dict(args or {}))
            struct = msgspec.convert(given, self._struct, str_keys=True)
        except RecursionError:
            raise msgspec.ValidationError("they are nested too deeply") from None
        values = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
        return {name: value for name, value in values if value is not UNSET}


class GivenParameters:
    """The same for a function that takes the arguments as one dict, with a schema from elsewhere.

    Nothing is checked or converted: whoever made the schema does that.
    """

    def __init__(
        self, function: Callable[..., object], tool: str, schema: Schema, injected: type
    ) -> None:
        if schema.get("type") != "object":
            raise ConfigError(f"the schema of tool {tool!r} must be of type 'object'")
        self.schema: Schema = {"properties": {}, **schema}
        hinted = _hinted(function, tool)
        self.injected = next((p.name for p, hint in hinted if _is(hint, injected)), None)
        names = [p.name for p, _ in hinted if p.name != self.injected]
        if len(names) != 1:
            raise ConfigError(
                f"tool {tool!r} has a schema of its own: its function takes one parameter, the "
                f"arguments as a dict, not {len(names)}"
            )
        self._name = names[0]

    def read(self, args: Mapping[str, object] | None) -> dict[str, Any]:
        """Give the arguments as they came."""
        return {self._name: dict(args or {})}


def layers_of(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Give a callable and what is behind its decorators and partials, down to the function."""
    layer: Any = function
    while True:
        yield layer
        if isinstance(layer, partial):
            layer = layer.func
        elif hasattr(layer, "__wrapped__"):
            layer = layer.__wrapped__
        elif inspect.isroutine(layer):
            return
        else:  # a callable object has code and annotations in its method
            layer = type(layer).__call__


def _hinted(function: Callable[..., object], tool: str) -> list[tuple[inspect.Parameter, Any]]:
    try:
        parameters = inspect.signature(function).parameters.values()
        *_, innermost = layers_of(function)
        hints = get_type_hints(innermost, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"the annotations of tool {tool!r} cannot be read: {error}; types that are written as "
            "text, as by `from __future__ import annotations`, must stand at the top of a module"
        ) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the annotations of tool {tool!r} cannot be read: {error}") from None
    hinted: list[tuple[inspect.Parameter, Any]] = []
    for parameter in parameters:
        if parameter.kind in _VARIADIC:
            raise ConfigError(
                f"parameter {parameter.name!r} of tool {tool!r} is {parameter.kind.description}: "
                "the model gives arguments by name"
            )
        if parameter.name not in hints:
            raise ConfigError(
                f"parameter {parameter.name!r} of tool {tool!r} has no annotation: the model is "
                "told its type"
            )
        hinted.append((parameter, hints[parameter.name]))
    return hinted


def _is(hint: object, injected: type) -> bool:
    """Whether an annotation is a type: alone, described, or with None."""
    if get_origin(hint) is Annotated:
        return _is(get_args(hint)[0], injected)
    return hint is injected or hint == (injected | None)


def _or_unset(hint: Any, where: str) -> Any:
    try:
        return hint | UnsetType
    except TypeError as error:  # Final[int]
        raise ConfigError(f"{where} has a type that no parameter can have: {error}") from None


def _schema_of(hint: Any, where: str) -> Schema:
    try:
        with FIRST_LOOK:
            schema = msgspec.json.schema(hint)
            info = types.type_info(hint)
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ConfigError(f"{where} has a type that cannot be told in JSON: {reason}") from None
    inlined = cast("Schema", _inline(schema, schema.get("$defs", {}), (), where))
    inlined.pop("$defs", None)
    _tell_formats(info, inlined)
    return inlined


def _inline(node: object, defs: Mapping[str, Schema], path: tuple[str, ...], where: str) -> object:
    """Put definitions in the place of references to them."""
    if isinstance(node, list):
        return [_inline(item, defs, path, where) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("Schema", node)
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.removeprefix("#/$defs/")
        if name in path:
            raise ConfigError(f"{where} has a type that contains itself: {name}")
        # What stands beside the reference (a description) is nearer to the parameter: it wins.
        beside = {key: value for key, value in schema.items() if key not in ("$ref", "$defs")}
        return _inline({**defs[name], **beside}, defs, (*path, name), where)
    inlined = {k: _inline(v, defs, path, where) for k, v in schema.items() if k != "$defs"}
    if "anyOf" in inlined:
        inlined.pop("discriminator", None)  # its references lead nowhere; each option has its tag
    values = inlined.get("enum")
    if isinstance(values, list) and "type" not in inlined:
        _tell_enum_type(inlined, cast("list[object]", values))
    if isinstance(default := inlined.get("default"), float) and not math.isfinite(default):
        del inlined["default"]
    if inlined.get("required") == []:
        del inlined["required"]
    if "description" in inlined and isinstance(inlined["description"], str):
        inlined["description"] = inspect.cleandoc(inlined["description"])
    return inlined


def _tell_enum_type(schema: Schema, values: list[object]) -> None:
    if all(isinstance(value, str) for value in values):
        schema["type"] = "string"
    elif all(isinstance(value, int) for value in values):
        schema["type"] = "integer"


def _tell_formats(info: types.Type, schema: Schema) -> None:
    """Name the format of times without a zone, which msgspec leaves out as no RFC has them."""
    if isinstance(info, types.Metadata):
        info = info.type
    if type(info) in _FORMATS:
        schema.setdefault("format", _FORMATS[type(info)])
    elif isinstance(info, types.UnionType):
        for member in info.types:
            for option in schema.get("anyOf", ()):
                if type(member) in _FORMATS and option == {"type": "string"}:
                    _tell_formats(member, option)
    elif isinstance(info, types.CollectionType):
        _tell_formats(info.item_type, schema.get("items", {}))
    elif isinstance(info, types.TupleType):
        for item, told in zip(info.item_types, schema["prefixItems"], strict=True):
            _tell_formats(item, told)
    elif isinstance(info, types.DictType):
        _tell_formats(info.value_type, schema.get("additionalProperties", {}))
    elif isinstance(info, types.StructType | types.DataclassType | types.TypedDictType):
        for field in info.fields:  # a Struct of array_like=True has no properties
            _tell_formats(field.type, schema.get("properties", {}).get(field.encode_name, {}))


def _tell_default(schema: Schema, default: object) -> None:
    try:
        plain = msgspec.to_builtins(default, str_keys=True)
        msgspec.json.encode(plain)
        json.dumps(plain, allow_nan=False)  # msgspec writes null for what is not finite
    except (TypeError, ValueError, OverflowError, RecursionError):
        return  # the function knows it; the model need not
    if plain is not None:
        schema.setdefault("default", plain)


def _integral(value: object) -> Any:
    """Make whole numbers ints: the service may write any number as a double, 3 as 3.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _integral(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_integral(item) for item in cast("list[object]", value)]
    return value
