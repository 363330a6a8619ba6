"""No gap against google-genai's types: each field they reach has its place in our structs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import genai_types
import msgspec
import pytest
from genai_types import Model
from google.genai import _live_converters
from google.genai import types as genai

from trio_live.music.wire import MusicClientMessage, MusicServerMessage
from trio_live.wire.client import ClientMessage
from trio_live.wire.fields import Field, fields_of, reachable, unmarked
from trio_live.wire.generation import GenerationConfig
from trio_live.wire.marks import Platform
from trio_live.wire.server import ServerMessage
from trio_live.wire.setup import RealtimeInputConfig, Setup
from trio_live.wire.tools import Tool, ToolConfig

Struct = type[msgspec.Struct]

# Where google-genai's tree and ours have their common roots. LiveConnectConfig is below.
ROOTS: list[tuple[Model, Struct]] = [
    (genai.LiveServerMessage, ServerMessage),
    (genai.LiveClientMessage, ClientMessage),
    (genai.LiveMusicServerMessage, MusicServerMessage),
    (genai.LiveMusicClientMessage, MusicClientMessage),
    (genai.Tool, Tool),
    (genai.ToolConfig, ToolConfig),
    (genai.RealtimeInputConfig, RealtimeInputConfig),
]

# What google-genai has and we do not, with the reason.
NOT_OURS = {
    "VoiceActivity.voiceActivityType": "on the wire it is `type`; its converter renames it",
    "LiveConnectConfig.httpOptions": "how google-genai connects; never on the wire",
}

# What we have and google-genai has not, beside what is marked as Unlisted, with the reason.
OURS = {
    "VoiceActivity.type": "google-genai's voiceActivityType",
    "Setup.realtimeInputConfig": "in google-genai in LiveConnectConfig only",
}

UNLISTED = {
    "GenerationConfig.modelConfig": "Vertex AI's name for modelSelectionConfig",
    "ServerMessage.error": "undocumented; seen by other clients",
    "MusicServerMessage.error": "read as in Live sessions",
    "ServerMessage.interactionStatus": "the migration guide reads it here",
    "Setup.toolConfig": "part of generateContent requests; no Live document names it",
    "UsageMetadata.candidatesTokenCount": "Vertex AI's name for responseTokenCount",
    "UsageMetadata.candidatesTokensDetails": "Vertex AI's name for responseTokensDetails",
}

# Where google-genai's descriptions and its converters disagree: the converters are what runs.
SENT_ANYWAY = {
    "GoogleMaps.authConfig": "_GoogleMaps_to_mldev() sends it",
    "AuthConfig.apiKey": "_AuthConfig_to_mldev() sends it, and nothing else of it",
}

# In LiveConnectConfig flat, on the wire in generationConfig.
FLAT = {
    *("responseModalities", "temperature", "topP", "topK", "maxOutputTokens", "mediaResolution"),
    *("seed", "speechConfig", "thinkingConfig", "enableAffectiveDialog", "translationConfig"),
}

SHAPES: dict[object, tuple[object, ...]] = {
    str: (str,),
    bytes: (bytes,),
    bool: (bool,),
    int: (int,),
    float: (float, int),  # topK is a whole number to us
    Any: (object, dict[str, object]),  # JSON Schema is an object
}


def pairs() -> dict[tuple[Model, Struct], None]:
    """Each model with the struct that stands for it, found by walking both trees together."""
    found: dict[tuple[Model, Struct], None] = {}
    waiting = list(ROOTS)
    while waiting:
        pair = waiting.pop()
        if pair in found:
            continue
        found[pair] = None
        ours = {field.wire_name: field for field in fields_of(pair[1])}
        for _, name, kind, _ in genai_types.fields(pair[0]):
            model = genai_types.model_in(kind)
            struct = ours[name].struct if name in ours else None
            if model is not None and struct is not None:
                waiting.append((model, struct))
    return found


def common() -> Iterator[tuple[Any, Any, Field]]:
    """Each field that both have: its type there, its description there, and ours."""
    for model, struct in pairs():
        ours = {field.wire_name: field for field in fields_of(struct)}
        for _, name, kind, described in genai_types.fields(model):
            if name in ours:
                yield kind, described, ours[name]


def same_shape(theirs: Any, field: Field) -> bool:
    """Whether a field of ours can hold what theirs can."""
    ours = field.kind
    if get_origin(theirs) is list:
        if get_origin(ours) is not tuple:
            return False
        theirs = genai_types.bare(get_args(theirs)[0])
        ours = get_args(ours)[0]
    elif get_origin(theirs) is dict:
        return get_origin(ours) is dict
    if genai_types.model_in(theirs) is not None:
        return field.struct is not None
    if is_enum(theirs):
        return bool(field.values)
    if field.unit == "RFC 3339":
        return True
    return unmarked(ours)[0] in SHAPES[theirs]


def is_enum(kind: Any) -> bool:
    """Whether a type of google-genai is a set of known texts."""
    return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum))


def values_of(kind: Any) -> tuple[str, ...]:
    """The values of an enum of google-genai, one or many of which a field holds."""
    if get_origin(kind) is list:
        kind = genai_types.bare(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(str(value.value) for value in kind) if is_enum(kind) else ()


def test_every_field_of_google_genai_has_its_place() -> None:
    """What google-genai's messages reach is a field of ours by its wire name, or has a reason."""
    missing = {
        f"{model.__name__}.{name}"
        for model, struct in pairs()
        for _, name, _, _ in genai_types.fields(model)
        if name not in {field.wire_name for field in fields_of(struct)}
    }
    assert missing == {name for name in NOT_OURS if not name.startswith("LiveConnectConfig.")}


def test_every_model_of_google_genai_has_its_struct() -> None:
    """Walking both trees together reaches all models that google-genai's tree reaches."""
    models = {model for model, _ in pairs()}
    assert models == {inner for root, _ in ROOTS for inner in genai_types.reachable(root)}
    assert len(models) > 120


def test_every_field_of_ours_is_known_to_google_genai() -> None:
    """What we have beyond google-genai is marked as such, or has a reason."""
    theirs: dict[Struct, set[str]] = {}
    for model, struct in pairs():
        theirs.setdefault(struct, set()).update(n for _, n, _, _ in genai_types.fields(model))
    roots = (ServerMessage, ClientMessage, MusicServerMessage, MusicClientMessage)
    ours = [field for root in roots for struct in reachable(root) for field in fields_of(struct)]
    # What is behind an unlisted field is not theirs as a whole.
    beyond = {f.path for f in ours if f.owner in theirs and f.wire_name not in theirs[f.owner]}
    assert beyond == set(OURS) | set(UNLISTED)
    assert {f.path for f in ours if f.unlisted} == set(UNLISTED)


def test_every_setting_of_live_connect_config_reaches_the_setup() -> None:
    """Each field of LiveConnectConfig, flat in part, is in the setup or its generationConfig."""
    ours = {
        False: {f.wire_name: f for f in fields_of(Setup)},
        True: {f.wire_name: f for f in fields_of(GenerationConfig)},
    }
    covered = {model for model, _ in pairs()}
    for _, name, kind, _ in genai_types.fields(genai.LiveConnectConfig):
        if f"LiveConnectConfig.{name}" in NOT_OURS:
            continue
        field = ours[name in FLAT].get(name)
        assert field is not None, name
        assert same_shape(kind, field), name
        assert genai_types.model_in(kind) in {*covered, None}, name


def test_fields_have_the_shape_that_google_genai_gives_them() -> None:
    """Lists are lists, messages messages, numbers numbers."""
    assert [field.path for kind, _, field in common() if not same_shape(kind, field)] == []


def test_enums_know_the_values_that_google_genai_knows() -> None:
    """The known values of each enum are those of google-genai, in any order."""
    assert {
        field.path: set(values_of(kind)) ^ set(field.values)
        for kind, _, field in common()
        if set(values_of(kind)) != set(field.values)
    } == {}


@pytest.mark.parametrize(
    ("lacking", "platform"), [("Gemini API", Platform.VERTEX), ("Vertex AI", Platform.GEMINI)]
)
def test_platform_marks_say_what_google_genai_says(lacking: str, platform: Platform) -> None:
    """A field that google-genai describes as missing on one platform is marked as the other's."""
    told = {
        field.path: field.platform
        for _, described, field in common()
        if re.search(rf"This field is not supported in {lacking}", described.description or "")
    }
    assert len(told) >= 8
    wrong = {path: mark for path, mark in told.items() if mark not in (platform, Platform.NONE)}
    assert set(wrong) == (set(SENT_ANYWAY) if platform is Platform.VERTEX else set())


# What google-genai's converters refuse on one platform and we do not mark, with the reason.
UNMARKED = {
    "audio_stream_end": "refused on Vertex AI in one of two ways to send it, sent in the other",
    "labels": "refused on Vertex AI in one of two ways to send it, sent in the other",
}


@pytest.mark.parametrize(
    ("only", "platform"),
    [("Gemini Enterprise Agent Platform", Platform.VERTEX), ("Gemini Developer", Platform.GEMINI)],
)
def test_platform_marks_say_what_the_converters_refuse(only: str, platform: Platform) -> None:
    """What google-genai raises a ValueError for on one platform is marked as the other's."""
    source = re.sub(r"'\s+'", "", inspect.getsource(_live_converters))
    refused = set(re.findall(rf"'(\w+) parameter is only supported in {only}", source))
    assert len(refused) >= 10
    marked = {
        field.name
        for root in (ClientMessage, MusicClientMessage)
        for struct in reachable(root)
        for field in fields_of(struct)
        if field.platform is platform
    }
    assert refused - marked <= set(UNMARKED)
