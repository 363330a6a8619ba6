"""The page of rules: what models can do, what platforms have, what values may be.

What lives here: Markdown from the tables of trio_live. What must not: Sphinx, and any
rule of its own. To write the page anew:

    python docs/_ext/rules_table.py > docs/reference/rules.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from trio_live.capabilities import MODELS, Capabilities
from trio_live.config.limits import EXCLUSIVE, RANGES, REASONS, REQUIRED
from trio_live.rules import PLATFORM_RANGES
from trio_live.wire.client import ClientMessage
from trio_live.wire.fields import Field, fields_of, reachable
from trio_live.wire.marks import Platform

INTRODUCTION: Final = """\
# Rules

What trio_live checks before it sends. The tables are made from the code that checks.
{doc}`../concepts/settings` tells what happens when a rule is broken, and how to get past
one.
"""

MODELS_TEXT: Final = """\
## What models can do

Read off the model's name, by these regular expressions; a resource name may stand around
it. An empty cell means that nothing is known, and nothing is
checked; so it is for every model that is not here. Give what you know yourself as
`SessionConfig(capabilities=...)`; see {py:class}`~trio_live.Capabilities`.
"""

PLATFORMS_TEXT: Final = """\
## What one platform has alone

Checked where the endpoint says which platform it is: `GoogleAI` and `VertexAI` do,
`Custom` does if you tell it. {doc}`wire` has all fields.
"""

RANGES_TEXT: Final = """\
Both have these fields, and one has bounds of its own:
"""

REFUSED_TEXT: Final = """\
## What no Live session takes

The service has these fields elsewhere. Refused when a `SessionConfig` is made.
"""

VALUES_TEXT: Final = """\
## What values may be

For every platform and model. Enums take the values that {doc}`wire` lists.
"""


def page() -> str:
    """Give the page."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    yield INTRODUCTION
    yield MODELS_TEXT
    yield "".join(f"- {row.title}: `{row.names}`\n" for row in MODELS)
    yield _table(["capability", *(row.title for row in MODELS)], _capabilities())
    yield PLATFORMS_TEXT
    yield _table(["field", "platform"], _platforms())
    yield RANGES_TEXT
    yield _table(["field", "platform", "least", "greatest"], _platform_ranges())
    yield REFUSED_TEXT
    yield _table(["field", "why"], _refused())
    yield VALUES_TEXT
    yield _table(["field", "least", "greatest"], _ranges())
    yield _table(["struct", "one of these at most"], _exclusive())
    yield _table(["struct", "needs"], _required())


def _capabilities() -> Iterator[list[str]]:
    for name in Capabilities.__struct_fields__:
        yield [f"`{name}`", *(_known(getattr(row.known, name)) for row in MODELS)]


def _known(value: object) -> str:
    match value:
        case None:
            return ""
        case True | False:
            return "yes" if value else "no"
        case ():
            return "none"
        case tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)


def _platforms() -> Iterator[list[str]]:
    for field in _fields():
        if field.platform in (Platform.GEMINI, Platform.VERTEX):
            yield [f"`{field.path}`", field.platform.value]


def _platform_ranges() -> Iterator[list[str]]:
    for (struct, name), (platform, low, high) in PLATFORM_RANGES.items():
        yield [_path(struct, name), platform.value, str(low), str(high)]


def _refused() -> Iterator[list[str]]:
    for field in _fields():
        if field.platform is Platform.NONE:
            yield [f"`{field.path}`", REASONS.get((field.owner, field.name), "")]


def _ranges() -> Iterator[list[str]]:
    for (struct, name), (low, high) in RANGES.items():
        yield [_path(struct, name), str(low), str(high)]


def _exclusive() -> Iterator[list[str]]:
    for struct, groups in EXCLUSIVE.items():
        for group in groups:
            yield [f"`{struct.__name__}`", ", ".join(f"`{name}`" for name in group)]


def _required() -> Iterator[list[str]]:
    for struct, names in REQUIRED.items():
        yield [f"`{struct.__name__}`", ", ".join(f"`{name}`" for name in names)]


def _fields() -> Iterator[Field]:
    for struct in reachable(ClientMessage):
        yield from fields_of(struct)


def _path(struct: type[msgspec.Struct], name: str) -> str:
    return next(f"`{field.path}`" for field in fields_of(struct) if field.name == name)


def _table(head: Sequence[str], rows: Iterator[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
