"""The setup of each connection of a session: its config, and what the service was told since.

What lives here: Setups. What must not: the config's own fields (config/), when a setup is sent
(protocol.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from trio_live import outbound
from trio_live.config import merge
from trio_live.wire import codec
from trio_live.wire.setup import SessionResumptionConfig

if TYPE_CHECKING:
    from trio_live.config import SessionConfig
    from trio_live.wire.content import Content
    from trio_live.wire.tools import Tool


class Setups:
    """Builds the setups of one session.

    Args:
        config: What the session is to be.
        model_name: The model's name as the endpoint wants it.
        transparent: Whether to ask which messages each handle covers.

    Attributes:
        declared: The names of the functions that the model was last told of.
    """

    def __init__(self, config: SessionConfig, model_name: str, *, transparent: bool) -> None:
        self.declared: frozenset[str] = frozenset()
        self._config = config
        self._model_name = model_name
        self._transparent = transparent
        self._instruction: Content | None = None  # the last one that was told, if there was one
        self._tools: tuple[Tool, ...] | None = None  # likewise

    def build(self, handle: str | None) -> dict[str, object]:
        """Give the fields of the next setup; with a handle, of one that resumes the session."""
        setup = self._config.setup(self._model_name)
        if self._transparent or handle != self._config.resumption_handle:
            resumption = SessionResumptionConfig(handle, self._transparent or None)
            setup = replace(setup, session_resumption=resumption)
        if self._instruction is not None:
            setup = replace(setup, system_instruction=self._instruction)
        if self._tools is not None:
            setup = replace(setup, tools=self._tools or None)
        extra = self._config.extra
        fields = merge(codec.to_object(setup), {} if extra is None else extra)
        self.declared = outbound.declared_in(fields)
        return fields

    def replace_config(self, config: SessionConfig) -> None:
        """Name the tools of this config from now on."""
        self._config = config
        self._tools = None

    def note_told(self, instruction: Content | None, tools: tuple[Tool, ...] | None) -> None:
        """Note what the service was told in mid-session; None: nothing of the kind."""
        if instruction is not None:
            self._instruction = instruction
        if tools is not None:
            self._tools = tools
            self.declared = outbound.functions_of(tools)
