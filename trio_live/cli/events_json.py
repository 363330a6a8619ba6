"""Events as JSON objects, for `--json`.

What lives here: the one shape of a line. What must not: who prints it.

One object per line: `t`, seconds since the start; `event`, the event's name as in `trio_live`;
then its fields under their own names. Media is given by its size (`bytes`), raw JSON by
`raw_bytes`; resumption handles are left out. The lines "start", "summary" and
"listening" are the command's own.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_live import SessionEvent

_SECRET: Final = frozenset({"handle", "resumption_handle", "voice_consent_signature"})


def event_line(at: float, event: SessionEvent) -> str:
    """Give the line of an event of the session."""
    return line(at, type(event).__name__, dict(_fields(event)))


def line(at: float, name: str, fields: dict[str, object]) -> str:
    """Give one line, without its line end."""
    return json.dumps({"t": round(at, 4), "event": name, **fields}, ensure_ascii=False)


def _fields(struct: msgspec.Struct) -> Iterator[tuple[str, object]]:
    for name in struct.__struct_fields__:
        value: object = getattr(struct, name)
        if value is None or name in _SECRET:
            continue
        if isinstance(value, bytes):
            yield "bytes" if name == "data" else f"{name}_bytes", len(value)
        else:
            yield name, _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, msgspec.Struct):
        return dict(_fields(value))
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[object, ...]", value)]
    return value
