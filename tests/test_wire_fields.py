"""The wire's fields as data: marks, what a platform refuses, and the table in the documentation."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from trio_live.music.wire import MusicClientMessage, MusicServerMessage
from trio_live.wire.client import ClientContent, ClientMessage
from trio_live.wire.content import Blob, Content, Part
from trio_live.wire.fields import Field, fields_of, mistyped, reachable, refused
from trio_live.wire.functions import FunctionCall, FunctionResponse
from trio_live.wire.generation import GenerationConfig
from trio_live.wire.marks import Platform
from trio_live.wire.schema import Schema
from trio_live.wire.server import ServerMessage, SessionResumptionUpdate
from trio_live.wire.setup import SessionResumptionConfig, Setup
from trio_live.wire.speech import MultiSpeakerVoiceConfig, SpeechConfig
from trio_live.wire.tools import (
    ComputerUse,
    FileSearch,
    FunctionDeclaration,
    StreamableHttpTransport,
    Tool,
)
from trio_live.wire.usage import UsageMetadata

DOCS = Path(__file__).parent.parent / "docs"


def field(struct: type[msgspec.Struct], wire_name: str) -> Field:
    """One field of a struct, by its wire name."""
    return next(f for f in fields_of(struct) if f.wire_name == wire_name)


@pytest.mark.parametrize(
    ("struct", "wire_name", "text"),
    [
        (Part, "text", "text"),
        (Part, "thought", "boolean"),
        (Part, "thoughtSignature", "base64"),
        (Part, "inlineData", "Blob"),
        (Part, "partMetadata", "object"),
        (Content, "parts", "list of Part"),
        (GenerationConfig, "temperature", "number"),
        (GenerationConfig, "seed", "integer"),
        (GenerationConfig, "responseModalities", "list of enum"),
        (GenerationConfig, "responseJsonSchema", "any"),
        (SessionResumptionUpdate, "lastConsumedClientMessageIndex", "int64"),
        (StreamableHttpTransport, "timeout", "duration"),
        (StreamableHttpTransport, "headers", "map of text"),
        (Schema, "properties", "map of Schema"),
        (ComputerUse, "disabledSafetyPolicies", "list of enum"),
    ],
)
def test_type_text_says_what_is_on_the_wire(
    struct: type[msgspec.Struct], wire_name: str, text: str
) -> None:
    """A field's type is told in the words of JSON, with its unit."""
    assert field(struct, wire_name).type_text == text


def test_marks_are_read() -> None:
    """Platform, known values, unit and what google-genai lacks are on the field."""
    count = field(UsageMetadata, "candidatesTokenCount")
    assert (count.platform, count.unlisted) == (Platform.VERTEX, True)
    tier = field(UsageMetadata, "serviceTier")
    assert (tier.platform, tier.values[-1]) == (Platform.GEMINI, "priority")
    assert tier.path == "UsageMetadata.serviceTier"
    assert field(Setup, "model").platform is None


ENUMS = [
    found
    for root in (ServerMessage, ClientMessage)
    for struct in reachable(root)
    for found in fields_of(struct)
    if found.values
]


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.path)
def test_unknown_enum_values_are_kept_as_they_come(enum: Field) -> None:
    """A value of next year is read and written as it is, wherever an enum may stand."""
    many = enum.type_text == "list of enum"
    value = ["OF_NEXT_YEAR"] if many else "OF_NEXT_YEAR"
    named = {"name": "f"} if enum.owner is FunctionDeclaration else {}
    frame = json.dumps(named | {enum.wire_name: value})
    read = msgspec.json.decode(frame, type=enum.owner)
    assert getattr(read, enum.name) == (("OF_NEXT_YEAR",) if many else "OF_NEXT_YEAR")
    assert json.loads(msgspec.json.encode(read))[enum.wire_name] == value


def test_reachable_gives_each_struct_once_and_ends_on_recursive_ones() -> None:
    """A struct that holds itself is no trap."""
    assert reachable(Schema) == [Schema]
    found = reachable(ClientMessage)
    assert found[:2] == [ClientMessage, Setup]
    assert len(found) == len(set(found))


def test_refused_names_what_a_platform_does_not_have() -> None:
    """Fields of the other platform, and those that Live refuses on both, are named by path."""
    message = ClientMessage(
        setup=Setup(
            "m",
            GenerationConfig(
                speech_config=SpeechConfig(multi_speaker_voice_config=MultiSpeakerVoiceConfig())
            ),
            tools=(Tool(), Tool(file_search=FileSearch())),
            session_resumption=SessionResumptionConfig(transparent=False),
        ),
        client_content=ClientContent(
            (Content((Part(inline_data=Blob()), Part(function_call=FunctionCall(args={"a": 1})))),)
        ),
    )
    speakers = "setup.generationConfig.speechConfig.multiSpeakerVoiceConfig"
    assert refused(message, Platform.GEMINI) == [speakers, "setup.sessionResumption.transparent"]
    assert refused(message, Platform.VERTEX) == [speakers, "setup.tools[1].fileSearch"]
    assert refused(ClientMessage(), Platform.VERTEX) == []


# The table


@pytest.fixture
def wire_table() -> ModuleType:
    """The generator, which is no package's."""
    return generator("wire_table")


def generator(name: str) -> ModuleType:
    """Import a script of the documentation."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_table_in_the_documentation_is_what_the_structs_say(wire_table: ModuleType) -> None:
    """The page is generated; `python docs/_ext/wire_table.py` writes it anew."""
    page = (DOCS / "reference" / "wire.md").read_text(encoding="utf-8")
    assert page == wire_table.page()


def test_rules_in_the_documentation_are_what_the_tables_say() -> None:
    """The page is generated; `python docs/_ext/rules_table.py` writes it anew."""
    page = (DOCS / "reference" / "rules.md").read_text(encoding="utf-8")
    assert page == generator("rules_table").page()


def test_table_has_each_field_of_each_message_once(wire_table: ModuleType) -> None:
    """No struct that a message leads to, and no field of one, is missing or told twice."""
    told = [struct for _, found in wire_table.structs() for struct in found]
    assert len(told) == len(set(told))
    roots = (ServerMessage, ClientMessage, MusicServerMessage, MusicClientMessage)
    assert set(told) == {struct for root in roots for struct in reachable(root)}
    sections = dict(part.split("\n", 1) for part in wire_table.page().split("\n### ")[1:])
    for struct in told:
        for found in fields_of(struct):
            assert sections[struct.__name__].count(f"\n| `{found.wire_name}`") == 1, found.path


def test_types_are_checked_without_reading_annotations_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each answer to a call is checked: what msgspec finds out of a struct is found out once."""
    answer = FunctionResponse("f", {"output": 1}, "a")
    assert list(mistyped(answer, FunctionResponse, "answer")) == []

    def read_again(struct: object) -> None:
        raise AssertionError(struct)

    monkeypatch.setattr(msgspec.structs, "fields", read_again)
    assert list(mistyped(answer, FunctionResponse, "answer")) == []
