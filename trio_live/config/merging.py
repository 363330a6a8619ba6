"""Raw fields into a message: the way past every check (`extra=`)."""

from __future__ import annotations

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
