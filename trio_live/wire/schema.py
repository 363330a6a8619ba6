"""Schema: the service's own form of a schema, an OpenAPI subset with types in upper case.

What lives here: one struct, for arguments, answers and outputs. The other form, JSON Schema, is a
plain object wherever it may stand. Source: google-genai 3.4 `types.Schema`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.marks import Int64


class Schema(Wire, frozen=True):
    """What a value must look like.

    Attributes:
        type: "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT" or "NULL"; lower case, as
            in JSON Schema, is written in upper case.
        description: What it means, for the model to read.
        title: Its title.
        properties: Of an object: name to schema.
        required: Of an object: the names that must be there.
        property_ordering: Of an object: the order of its names.
        additional_properties: Of an object: whether, or by which schema, others may be there.
        items: Of an array: the schema of each item.
        enum: Of a text: all that it may be.
        format: Such as "int32", "double", "enum", "date-time".
        nullable: Whether it may be null.
        any_of: Schemas of which one must hold.
        default: What it is if it is left out.
        example: An example.
        minimum: Of a number: the least.
        maximum: Of a number: the greatest.
        min_length: Of a text, in characters.
        max_length: Of a text, in characters.
        min_items: Of an array.
        max_items: Of an array.
        min_properties: Of an object.
        max_properties: Of an object.
        pattern: Of a text: a regular expression.
        defs: At the root: schemas to refer to.
        ref: Refers to one of them.
    """

    type: enums.Type | None = None
    description: str | None = None
    title: str | None = None
    properties: dict[str, Schema] | None = None
    required: tuple[str, ...] | None = None
    property_ordering: tuple[str, ...] | None = None
    additional_properties: object = None
    items: Schema | None = None
    enum: tuple[str, ...] | None = None
    format: str | None = None
    nullable: bool | None = None
    any_of: tuple[Schema, ...] | None = None
    default: object = None
    example: object = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: Int64 | None = None
    max_length: Int64 | None = None
    min_items: Int64 | None = None
    max_items: Int64 | None = None
    min_properties: Int64 | None = None
    max_properties: Int64 | None = None
    pattern: str | None = None
    defs: dict[str, Schema] | None = None
    ref: str | None = None
