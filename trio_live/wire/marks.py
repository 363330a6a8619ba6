"""What a field's type says beyond its shape: unit, known values, and the platform that has it.

What lives here: annotations for the fields of wire structs, kept as data, so that rules and
documentation can read them (fields.py). They change nothing about decoding: an enum is plain text,
a duration the service's own text. A field without a platform mark exists on both.

Platforms source: google-genai 3.4, `_live_converters.py` (what it refuses to send) and `types.py`
("not supported in ..."), read November 2026.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias, TypeVar

from msgspec import Meta

T = TypeVar("T")


class Platform(StrEnum):
    """Where a field exists, for those that do not exist everywhere."""

    GEMINI = "Gemini API"
    VERTEX = "Vertex AI"
    NONE = "refused by Live"


Gemini: TypeAlias = Annotated[T, Meta(extra={"platform": Platform.GEMINI})]
"""Only the Gemini API has this field; Vertex AI refuses it or never sends it."""

Vertex: TypeAlias = Annotated[T, Meta(extra={"platform": Platform.VERTEX})]
"""Only Vertex AI has this field; the Gemini API refuses it or never sends it."""

Refused: TypeAlias = Annotated[T, Meta(extra={"platform": Platform.NONE})]
"""The type exists in the service, but a Live session refuses it on both platforms."""

Unlisted: TypeAlias = Annotated[T, Meta(extra={"unlisted": True})]
"""The service takes or sends it, or is said to; google-genai 3.4 has no such field."""

Duration: TypeAlias = Annotated[str, Meta(extra={"unit": "duration"})]
"""A proto3-JSON duration such as "12.5s"; `codec.seconds()` reads it."""

Timestamp: TypeAlias = Annotated[str, Meta(extra={"unit": "RFC 3339"})]
"""A point in time such as "2026-11-22T17:00:00Z"."""

Int64: TypeAlias = Annotated[int, Meta(extra={"unit": "int64"})]
"""A whole number that proto3-JSON writes as a text; both spellings are read."""

JsonObject: TypeAlias = dict[str, object]
"""An object of the application's or of another API's own; never looked into."""


def known(*values: str) -> Meta:
    """Mark an enum by the values known in November 2026; others are kept as they come."""
    return Meta(extra={"values": values})
