"""The tools of a session, as the model that it talks to can have them.

What lives here: Belt: which tools there are, how each behaves with this model, and the config that
declares them. What must not: calls (runner.py), facts about models (capabilities.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from trio_live.capabilities import capabilities_of
from trio_live.config import SessionConfig
from trio_live.errors import ConfigError
from trio_live.tools.function import FunctionTool
from trio_live.tools.kit import Toolkit
from trio_live.wire.marks import Platform
from trio_live.wire.tools import FunctionDeclaration, Tool

AnyTool: TypeAlias = Callable[..., Any] | FunctionTool | Toolkit | FunctionDeclaration | Tool
"""What `open_session(tools=[...])` takes. A function becomes a FunctionTool; a declaration, or a
Tool of the service, is passed on, and calls of such functions are the program's to answer."""


class Belt:
    """The tools of a session.

    Args:
        config: What the session is without them.
        given: The tools.
        platform: Where it is; None: unknown.

    Attributes:
        config: The config with the tools declared.
        kits: All tools that are run here; those that were given alone are in a kit of their own.
        schedules: Whether an answer may say when the model hears of it.
        waited_for: The names of all declared functions whose answers the model waits for.

    Raises:
        ConfigError: A name that is used twice, something that is no tool, or a tool that the model
            cannot have.
    """

    def __init__(
        self, config: SessionConfig, given: Sequence[AnyTool], platform: Platform | None
    ) -> None:
        known = config.capabilities or capabilities_of(config.model)
        self._model = config.model
        self._behaviors = known.behaviors
        self._streams = platform is Platform.GEMINI
        self.schedules = known.scheduling is not False
        passed_on: list[FunctionDeclaration | Tool] = list(config.tools)
        alone = Toolkit()
        self.kits: list[Toolkit] = [alone]
        for item in _items(given):
            if isinstance(item, FunctionDeclaration | Tool):
                passed_on.append(item)
            elif isinstance(item, Toolkit):
                self.kits.append(item)
            else:
                alone.add(item)
        self._own = {tool: self._settle(tool) for kit in self.kits for tool in kit}
        declarations = [tool.declaration(self._own[tool]) for tool in self._own]
        if given:  # else the config stands as it is: a copy of it would be checked again
            config = msgspec.structs.replace(config, tools=(*passed_on, *declarations))
        self.config = config
        functions = [f for item in self.config.tools for f in _functions(item)]
        self.waited_for = frozenset(f.name for f in functions if self._waits(f.behavior))

    def waits_for(self, tool: FunctionTool) -> bool:
        """Whether the model waits for a tool's answer."""
        return self._waits(self._own[tool])

    def streams(self, tool: FunctionTool) -> bool:
        """Whether the service takes intermediate results of a tool."""
        return self._streams and not self.waits_for(tool)

    def _waits(self, behavior: str | None) -> bool:
        if behavior is None or behavior == "UNSPECIFIED":
            behavior = self._behaviors[0] if self._behaviors else "BLOCKING"
        return behavior == "BLOCKING"

    def _settle(self, tool: FunctionTool) -> str | None:
        """Say how a tool behaves with this model.

        What the tool leaves open is what the model does by itself, but said aloud: else the same
        declaration would mean different things with different models. None: nobody knows.
        """
        behaviors = self._behaviors
        if tool.scheduling is not None and not self.schedules:
            raise ConfigError(
                f"scheduling={tool.scheduling!r} of tool {tool.name!r}: the model has no "
                f"scheduling ({self._model}); if it does, say so with capabilities="
            )
        behavior = tool.behavior
        if behavior is None and tool.scheduling is not None:
            behavior = "NON_BLOCKING"  # nothing else can be scheduled
        if behavior is None:
            return behaviors[0] if behaviors else None
        if behaviors is not None and behavior not in behaviors:
            raise ConfigError(
                f"behavior={behavior!r} of tool {tool.name!r}: the model's functions are "
                f"{' or '.join(behaviors)} only ({self._model}); if not, say so with capabilities="
            )
        return behavior


def _items(given: Sequence[AnyTool]) -> Sequence[AnyTool]:
    items: object = given
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise ConfigError(f"tools must be a list or tuple, not {type(given).__name__}")
    return given


def _functions(item: FunctionDeclaration | Tool) -> Sequence[FunctionDeclaration]:
    return (item,) if isinstance(item, FunctionDeclaration) else item.function_declarations or ()
