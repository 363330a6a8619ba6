"""Calls that come in pieces, put together (Vertex AI, `stream_function_call_arguments`).

What lives here: CallPieces, plain bookkeeping. What must not: running calls. The pieces of a call
have its id; all but the last say `willContinue`, and only the first need have the name. A piece of
an argument says where it belongs as a JSON Path, of which names and indices are understood:
`$.city`, `$.stops[0].name`, `$['odd name']`. Pieces of one text are joined. (Facts: google-genai
3.4, `types.PartialArg`, and Vertex AI's page on function calling, read November 2026.)
"""

from __future__ import annotations

import re
from typing import Final, cast

from trio_live.wire.functions import FunctionCall, PartialArg

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[([0-9]{1,6})\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class CallPieces:
    """Collects the pieces of calls."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, dict[str, object]]] = {}

    def add(self, call: FunctionCall) -> FunctionCall | None:
        """Take a call, or a piece of one; give the whole one when nothing is missing any more.

        Raises:
            ValueError: It says something about where a piece belongs that is not understood. The
                call is forgotten.
        """
        call_id = call.id
        is_piece = bool(call.will_continue or call.partial_args)
        if not is_piece and call_id not in self._open:
            return call  # whole, as nearly all are
        if not call_id:
            raise ValueError("the call came in pieces that have no id")
        name, args = self._open.pop(call_id, (call.name, {}))
        args.update(call.args or {})
        for piece in call.partial_args or ():
            args = _put(args, piece)
        if call.will_continue:
            self._open[call_id] = (call.name or name, args)
            return None
        return FunctionCall(call.name or name, args, call_id)

    def drop(self, call_id: str) -> None:
        """Forget a call that was withdrawn."""
        self._open.pop(call_id, None)

    def clear(self) -> None:
        """Forget all: their connection is gone."""
        self._open.clear()


def _put(args: dict[str, object], piece: PartialArg) -> dict[str, object]:
    path = piece.json_path or ""
    steps = _STEP.findall(path[1:])
    read = sum(match.end() - match.start() for match in _STEP.finditer(path[1:]))
    if not path.startswith("$") or not steps or read != len(path) - 1:
        raise ValueError("a piece of the arguments has a path that is not understood")
    keys: list[str | int] = [
        int(index) if index else name or one or two for name, index, one, two in steps
    ]
    if not isinstance(keys[0], str):
        raise ValueError("a piece of the arguments is not in an object")
    return cast("dict[str, object]", _with(args, keys, _value(piece)))


def _with(container: object, keys: list[str | int], value: object) -> object:
    """Put a value at its place in a container, making what is missing on the way."""
    if not keys:
        if isinstance(container, str) and isinstance(value, str):
            return container + value  # one more piece of the same text
        return value
    key, *rest = keys
    if isinstance(key, str):
        named = cast("dict[str, object]", container) if isinstance(container, dict) else {}
        named[key] = _with(named.get(key), rest, value)
        return named
    items = cast("list[object]", container) if isinstance(container, list) else []
    if key > len(items):
        raise ValueError("a piece of the arguments leaves a gap in a list")
    if key == len(items):
        items.append(None)
    items[key] = _with(items[key], rest, value)
    return items


def _value(piece: PartialArg) -> object:
    for value in (piece.string_value, piece.number_value, piece.bool_value):
        if value is not None:
            return value
    return None
