"""The table of messages, fields, types and platforms, drawn from the wire structs.

What lives here: Markdown from `trio_live.wire`. What must not: Sphinx. To write the page anew:

    python docs/_ext/wire_table.py > docs/reference/wire.md
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

import msgspec

from trio_live.music.wire import MusicClientMessage, MusicServerMessage
from trio_live.wire.client import ClientMessage
from trio_live.wire.fields import Field, fields_of, reachable
from trio_live.wire.marks import Platform
from trio_live.wire.server import ServerMessage

Struct = type[msgspec.Struct]

SIDES: Final[tuple[tuple[str, Struct], ...]] = (
    ("What the service says", ServerMessage),
    ("What a client says", ClientMessage),
    ("What the service says of music", MusicServerMessage),
    ("What a client says of music", MusicClientMessage),
)
MUSIC: Final = "trio_live.music.wire"  # all of it is the Gemini API's

INTRODUCTION: Final = """\
# Messages and their fields

Every message of the service, every field in it, its type on the wire and the platform that has it.
The names are those of JSON; in Python they are the same words in snake_case. An *enum* is plain
text in Python: values that are not listed are kept as they come. A *duration* is a text such as
`12.5s`, an *int64* a number that is often written as a text, *base64* is `bytes` in Python.

*both* means the Gemini API and Vertex AI; *refused by Live* means that the service has the field
elsewhere and takes it in no Live session. A † marks what google-genai 3.4 has no field for. A
struct that both sides use stands where it is used first.
"""


def page() -> str:
    """Give the page."""
    return "\n".join([INTRODUCTION, *_sections()])


def rows(struct: Struct) -> list[tuple[str, str, str, str]]:
    """Give a struct's rows: name on the wire, type, platform, known values of an enum."""
    return [_row(field) for field in fields_of(struct)]


def structs() -> Iterator[tuple[str, list[Struct]]]:
    """Give, for each side, all structs that its messages lead to, each struct once."""
    told: set[Struct] = set()
    for title, root in SIDES:
        new = [struct for struct in reachable(root) if struct not in told]
        told.update(new)
        yield title, new


def _sections() -> Iterator[str]:
    for title, found in structs():
        yield f"## {title}\n"
        for struct in found:
            yield f"### {struct.__name__}\n"
            yield (
                f"{inspect.getdoc(struct) or ''}".partition("\n\n")[0].replace(
                    "\n", " "
                )
                + "\n"
            )
            lines = [_line(row) for row in rows(struct)]
            if lines:
                head = [
                    _line(("field", "type", "platform", "values")),
                    "|---|---|---|---|",
                ]
                yield "\n".join([*head, *lines]) + "\n"


def _row(field: Field) -> tuple[str, str, str, str]:
    mark = " †" if field.unlisted else ""
    platform = "both" if field.platform is None else field.platform.value
    if field.owner.__module__ == MUSIC:
        platform = Platform.GEMINI.value
    values = ", ".join(f"`{value}`" for value in field.values)
    return f"`{field.wire_name}`{mark}", field.type_text, platform, values


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
