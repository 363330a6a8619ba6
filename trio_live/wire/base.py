"""The root of every struct of trio_live, wire or not: frozen data whose repr never shows a payload.

What lives here: `Data` (repr without payloads) and `Wire` (the same, in the service's camelCase).
What must not: any field of the service. Imported by everything that defines data.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Field names whose values are the service's or the caller's own vocabulary, never what somebody
# said. Every other text, bytes or object is shown by its size only (design law 6).
_OPEN_FIELDS: Final = frozenset(
    {
        "activity_handling",
        "behavior",
        "behaviors",
        "category",
        "cause",
        "client_content",
        "end_of_speech_sensitivity",
        "id",
        "ids",
        "interaction_status",
        "language",
        "media_resolution",
        "method",
        "mime_type",
        "modality",
        "model",
        "name",
        "outcome",
        "phase",
        "previous",
        "reason",
        "response_modalities",
        "role",
        "scheduling",
        "session_id",
        "start_of_speech_sensitivity",
        "status",
        "thinking_level",
        "thinking_levels",
        "threshold",
        "tool_type",
        "turn_coverage",
        "vad_signal_type",
        "voice_name",
        "where",
    }
)

# Field names of counts by kinds of commands: their keys are our own words.
_COUNTS: Final = frozenset({"dropped", "replayed", "uncertain", "undelivered"})

# Numbers that are somebody's own: arguments of a call, and where the user is.
_HIDDEN_NUMBERS: Final = frozenset({"bool_value", "latitude", "longitude", "number_value"})


def redacted(name: str, value: object) -> str:
    """Show a field's value without what a person said, sent or must keep secret.

    Numbers, booleans, enums and structs are shown, but for what is an argument or a place; text
    under a name of the vocabulary too, and counts by kinds; other text and bytes become their
    length, objects and lists of them their size.
    """
    if name in _HIDDEN_NUMBERS and value is not None:
        return f"<{type(value).__name__}>"
    if value is None or isinstance(value, bool | int | float | Enum):
        return str(value) if isinstance(value, Enum) else repr(value)
    if isinstance(value, str):
        return repr(value) if name in _OPEN_FIELDS else f"<{len(value)} chars>"
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, tuple | list):
        items = cast("Sequence[object]", value)
        return "[" + ", ".join(redacted(name, item) for item in items) + "]"
    if isinstance(value, dict):
        if name in _COUNTS:
            return repr(cast("dict[str, int]", value))
        return f"<{len(cast('dict[str, object]', value))} keys>"
    return repr(value) if isinstance(value, msgspec.Struct) else f"<{type(value).__name__}>"


class Data(msgspec.Struct, frozen=True):
    """A frozen record. Its repr shows kinds and sizes, not text, audio, arguments or handles."""

    def __repr__(self) -> str:
        shown = (f"{name}={redacted(name, value)}" for name, value in self._set_fields())
        return f"{type(self).__name__}({', '.join(shown)})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Give rich the same redacted view; msgspec's own would print every value."""
        return [(name, redacted(name, value)) for name, value in self._set_fields()]

    def _set_fields(self) -> Iterator[tuple[str, object]]:
        for name in self.__struct_fields__:
            value: object = getattr(self, name)
            if value is not None:
                yield name, value


class Wire(Data, frozen=True, rename="camel", omit_defaults=True):
    """A message, or part of one, of the service: camelCase on the wire, unset fields left out."""
