"""Toolkit: functions that the model may call, and how they are called.

What lives here: collecting tools. What must not: one session's calls (runner.py). A kit serves any
number of sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, overload

import trio

from trio_live.errors import ConfigError
from trio_live.tools.call import Approve, ToolError
from trio_live.tools.function import FunctionTool

if TYPE_CHECKING:
    from mcp import Client, ClientSession

F = TypeVar("F", bound=Callable[..., Any])
"""A function; `Toolkit.tool` gives it back."""

DEFAULT_REPEAT_WINDOW: Final = 1.0

DEFAULT_THREADS: Final = 40  # trio's own default for worker threads


def describe(error: Exception) -> str:
    """Say what the model hears of an exception: of a ToolError all, of others the type alone."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, ToolError) else kind


class Toolkit:
    """Tools that belong together. Give it to `open_session(tools=[kit])`.

        kit = Toolkit()

        @kit.tool
        async def weather(city: str) -> str: ...

    The limits hold for each session of its own, but for the threads, which all sessions share.

    Args:
        tools: Functions or tools to begin with.
        sequential: Whether each call waits until the one before has ended.
        max_concurrent: How many calls run at a time; None: as many as the model makes.
        max_threads: How many plain functions run at a time, in worker threads.
        repeat_window: Services have been seen to make a call twice. The same call (function and
            arguments) in a later message, while the first one runs or within so many seconds of its
            answer, is not run again but gets the same answer. None: each call is run, as it must be
            where the same call may be meant twice, like rolling dice.
        approve: Asked before each call, unless the tool has a hook of its own.
        describe_error: What the model hears of an exception; by default the text of a `ToolError`,
            and of any other only its type.

    Raises:
        ConfigError: A limit below 1, a function that cannot be a tool, or a name used twice.
    """

    def __init__(
        self,
        tools: Iterable[Callable[..., Any] | FunctionTool] = (),
        *,
        sequential: bool = False,
        max_concurrent: int | None = None,
        max_threads: int = DEFAULT_THREADS,
        repeat_window: float | None = DEFAULT_REPEAT_WINDOW,
        approve: Approve | None = None,
        describe_error: Callable[[Exception], str] = describe,
    ) -> None:
        for name, value in (("max_concurrent", max_concurrent), ("max_threads", max_threads)):
            if value is not None and (isinstance(value, bool) or not value >= 1):
                raise ConfigError(f"{name}={value!r} must be at least 1")
        window: object = repeat_window
        if window is not None and (not isinstance(window, int | float) or not window >= 0):
            raise ConfigError(f"repeat_window={window!r} must be seconds, 0 or more, or None")
        self.repeat_window = repeat_window
        self.max_concurrent = 1 if sequential else max_concurrent
        self.approve = approve
        self.describe_error = describe_error
        self._max_threads = max_threads
        self._threads: trio.CapacityLimiter | None = None
        self._tools: dict[str, FunctionTool] = {}
        for tool in tools:
            self.add(tool)

    @property
    def threads(self) -> trio.CapacityLimiter:
        """The limiter of its worker threads; its capacity can be changed at any time."""
        if self._threads is None:  # not made with the kit: that may be outside of trio.run()
            self._threads = trio.CapacityLimiter(self._max_threads)
        return self._threads

    def add(self, tool: Callable[..., Any] | FunctionTool, **options: Any) -> FunctionTool:
        """Add a tool, or a function with the options of `FunctionTool`; give the tool."""
        if not isinstance(tool, FunctionTool):
            tool = FunctionTool(tool, **options)
        elif options:
            raise ConfigError(f"{tool!r} is a tool already: it takes no options")
        if tool.name in self._tools:
            raise ConfigError(f"there is a tool {tool.name!r} already; give this one another name")
        self._tools[tool.name] = tool
        return tool

    @overload
    def tool(self, function: F, /) -> F: ...
    @overload
    def tool(self, function: None = None, /, **options: Any) -> Callable[[F], F]: ...

    def tool(self, function: F | None = None, /, **options: Any) -> F | Callable[[F], F]:
        """Make the function below a tool: `@kit.tool`, or `@kit.tool(timeout=5)`.

        The function stays what it is. The options are those of `FunctionTool`.
        """

        def decorate(decorated: F) -> F:
            self.add(decorated, **options)
            return decorated

        return decorate if function is None else decorate(function)

    @classmethod
    async def from_mcp(
        cls, client: Client | ClientSession, *, prefix: str = "", **options: Any
    ) -> Self:
        """Make a kit of the tools that an MCP server has now (extra `mcp`).

        Args:
            client: The SDK's `Client` or `ClientSession`, connected from Trio, which the SDK runs
                on; it must stay open as long as the kit is used.
            prefix: Put before each tool's name, to tell servers apart.
            options: Those of `FunctionTool`, for each of the tools.

        Raises:
            ConfigError: A tool whose name or schema a Live session does not take.
            Exception: What the SDK raises if the server cannot be asked.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        from trio_live.tools.mcp import tools_of

        return cls(await tools_of(client, prefix, **options))

    def get(self, name: str) -> FunctionTool | None:
        """Give the tool of that name, or None."""
        return self._tools.get(name)

    def __iter__(self) -> Iterator[FunctionTool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<Toolkit of {len(self)}: {', '.join(self._tools)}>"
