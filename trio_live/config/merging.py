"""Raw fields into a message: the way past every check (`extra=`), and what they then say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast


def merge(base: dict[str, object], extra: Mapping[str, object]) -> dict[str, object]:
    """Merge raw fields into a JSON object, at any depth; `extra` wins; neither is changed."""
    merged = dict(base)
    for name, value in extra.items():
        old = merged.get(name)
        if isinstance(old, dict) and isinstance(value, Mapping):
            merged[name] = merge(
                cast("dict[str, object]", old), cast("Mapping[str, object]", value)
            )
        else:
            merged[name] = value
    return merged


def look_up(message: Mapping[str, object], *path: str) -> object:
    """Give the value at a path of wire names, each in either spelling; None if there is none."""
    found: object = message
    for name in path:
        if not isinstance(found, Mapping):
            return None
        fields = cast("Mapping[object, object]", found)
        snake = re.sub("[A-Z]", lambda upper: f"_{upper[0].lower()}", name)
        found = fields.get(name, fields.get(snake))
    return found
