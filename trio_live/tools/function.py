"""A Python function as a tool.

What lives here: FunctionTool: its declaration, and how it is called. What must not: who calls it
and when (runner.py), schemas (schema.py).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Literal

import trio

from trio_live.errors import ConfigError
from trio_live.tools.call import Approve, Call, Scheduling
from trio_live.tools.schema import GivenParameters, Parameters, Schema, layers_of
from trio_live.wire.tools import FunctionDeclaration

if TYPE_CHECKING:
    from docstring_parser.common import Docstring

Behavior = Literal["BLOCKING", "NON_BLOCKING"]

DEFAULT_TIMEOUT: Final = 60.0

# FunctionDeclaration.name: a letter or underscore first; at most 128 characters.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")


class FunctionTool:
    """A function that the model may call. Made by `Toolkit.tool()`, or by `open_session(tools=)`.

    Args:
        function: Async, plain (it then runs in a worker thread) or an async generator (each value
            is an intermediate result, see `Toolkit`). Every parameter is annotated; one that is
            annotated with `Call` gets the call.
        name: None for the function's own.
        description: None for the docstring, which needs the extra `tools`.
        behavior: "BLOCKING": the model waits for the answer; "NON_BLOCKING": it talks on. None
            leaves it to the model.
        scheduling: When the model hears of a NON_BLOCKING answer; None leaves it to the service.
        timeout: Seconds from its start until a call is stopped and answered with an error.
        sequential: Whether a call waits until the one before has ended.
        abandon_on_cancel: For plain functions: whether a stopped call leaves its thread behind, to
            end when it may. Otherwise the session's end waits for the thread.
        approve: Asked before each call; None for the kit's.
        schema: JSON Schema of the arguments, from elsewhere: the function then takes them as one
            dict, as they came.

    Raises:
        ConfigError: Something about the function that the model cannot be told.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        behavior: Behavior | None = None,
        scheduling: Scheduling | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        sequential: bool = False,
        abandon_on_cancel: bool = False,
        approve: Approve | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise ConfigError(f"a tool must be callable, not {type(function).__name__}")
        self.function = function
        if name is None:  # a callable object has its class's
            name = getattr(function, "__name__", type(function).__name__)
        self.name = _check_name(name)
        _check_choice("behavior", behavior, ("BLOCKING", "NON_BLOCKING"), self.name)
        _check_choice("scheduling", scheduling, ("SILENT", "WHEN_IDLE", "INTERRUPT"), self.name)
        seconds: object = timeout
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            raise ConfigError(
                f"timeout={timeout!r} of tool {self.name!r} must be a number of seconds above 0"
            )
        if scheduling is not None and behavior == "BLOCKING":
            raise ConfigError(
                f"scheduling={scheduling!r} of tool {self.name!r} has no meaning for a BLOCKING "
                "tool: the model waits for its answer"
            )
        self.behavior = behavior
        self.scheduling = scheduling
        self.timeout = float(timeout)
        self.sequential = sequential
        self.abandon_on_cancel = abandon_on_cancel
        self.approve = approve
        kind = _kind_of(function)
        self.streams = kind == "stream"
        self.is_async = kind == "async"
        if kind == "generator":
            raise ConfigError(
                f"tool {self.name!r} is a plain generator: make it an async one, which can be "
                "stopped between its values"
            )
        told = _Told() if description is not None else _read_docstring(function, self.name)
        self.description = told.text if description is None else description
        self._parameters: Parameters | GivenParameters = (
            Parameters(function, self.name, told.parameters, Call)
            if schema is None
            else GivenParameters(function, self.name, dict(schema), Call)
        )

    @property
    def schema(self) -> Schema:
        """The JSON Schema of its arguments."""
        return self._parameters.schema

    def declaration(self, behavior: str | None = None) -> FunctionDeclaration:
        """Give what the model is told of it; `behavior` stands in where the tool has none."""
        schema = self.schema
        return FunctionDeclaration(
            self.name,
            self.description or None,
            schema if schema["properties"] else None,
            self.behavior or behavior,
        )

    def read(self, args: Mapping[str, object] | None) -> dict[str, Any]:
        """Convert the model's arguments; raises msgspec.ValidationError where they do not fit."""
        return self._parameters.read(args)

    async def run(self, call: Call, args: dict[str, Any], threads: trio.CapacityLimiter) -> object:
        """Call the function; give what it returns, or what it yields and has not told."""
        if self._parameters.injected is not None:
            args = {**args, self._parameters.injected: call}
        if self.streams:
            return await _exhaust(self.function(**args), call)
        if self.is_async:
            return await self.function(**args)
        return await trio.to_thread.run_sync(
            lambda: self.function(**args),
            abandon_on_cancel=self.abandon_on_cancel,
            limiter=threads,
        )

    def __repr__(self) -> str:
        return f"<FunctionTool {self.name}>"


async def _exhaust(values: AsyncGenerator[object, None], call: Call) -> object:
    given: list[object] = []
    async with aclosing(values):
        async for value in values:
            if call.send_progress is None:  # else it was told, and may be of any number
                given.append(value)
            await call.progress(value)
    return given


def _kind_of(function: Callable[..., Any]) -> Literal["async", "stream", "generator", "plain"]:
    """Say how a function is called: as the outermost of its decorators that is not plain."""
    for layer in layers_of(function):
        if inspect.iscoroutinefunction(layer):
            return "async"
        if inspect.isasyncgenfunction(layer):
            return "stream"
        if inspect.isgeneratorfunction(layer):
            return "generator"
    return "plain"


class _Told:
    """What a docstring tells: the text for the model, and a text per parameter."""

    def __init__(self, text: str = "", parameters: Mapping[str, str] | None = None) -> None:
        self.text = text
        self.parameters = dict(parameters or {})


def _read_docstring(function: Callable[..., Any], tool: str) -> _Told:
    text = inspect.getdoc(function)
    if not text:
        return _Told()
    try:
        from docstring_parser import parse
    except ImportError:
        raise ConfigError(
            f"reading the docstring of tool {tool!r} needs the extra: pip install "
            "'trio-live[tools]'; or give a description"
        ) from None
    parsed: Docstring = parse(text)
    paragraphs = (parsed.short_description, parsed.long_description)
    return _Told(
        "\n\n".join(paragraph for paragraph in paragraphs if paragraph),
        {p.arg_name: p.description for p in parsed.params if p.description},
    )


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"a tool cannot be called {name!r}: a letter or underscore first, then letters, "
            "digits and _ . : - , 128 characters at most; give it a name"
        )
    return name


def _check_choice(what: str, value: object, choices: tuple[str, ...], tool: str) -> None:
    if value is not None and value not in choices:
        raise ConfigError(f"{what}={value!r} of tool {tool!r} must be {' or '.join(choices)}")
