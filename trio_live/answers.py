"""What the answers to calls may hold.

What lives here: the check of the application's own JSON objects. What must not: the rest of the
rules for messages (outbound.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from trio_live.errors import InvalidArgumentType
from trio_live.wire.functions import FunctionResponse

_NOT_JSON: Final = (bytes, bytearray, memoryview, set, frozenset)


def check_plain(responses: Sequence[FunctionResponse]) -> None:
    """Check that answers hold what JSON has, where the encoder would quietly write something else.

    Args:
        responses: Answers that can be encoded, so that nothing in them holds itself.

    Raises:
        InvalidArgumentType: Bytes, which would become base64, or a set, which would become a list.
    """
    waiting: list[tuple[str, object]] = [("response", answer.response) for answer in responses]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            named = cast("dict[object, object]", value)
            waiting += [(f"{path}[{name!r}]", item) for name, item in named.items()]
        elif isinstance(value, list | tuple):
            items = cast("Sequence[object]", value)
            waiting += [(f"{path}[{index}]", item) for index, item in enumerate(items)]
        elif isinstance(value, _NOT_JSON):
            kind = type(cast("object", value)).__name__
            raise InvalidArgumentType(
                f"{path} is of the type {kind}, which JSON does not have: encode it yourself, "
                "or send media as parts="
            )
