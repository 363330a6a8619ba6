"""Random server messages of google-genai's own types come through the codec field by field."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import genai_types
import msgspec
import pytest
from google.genai import types as genai

from trio_live.music.wire import MusicClientMessage, MusicServerMessage
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
from trio_live.wire.fields import fields_of
from trio_live.wire.server import ServerMessage

CASES = 3_000  # for each way of writing; the chance is such that each field is set many times

CLIENT_CASES = 1_000

# What a client always sends, so that our structs ask for it.
REQUIRED = {
    "LiveClientSetup.model",
    "LiveClientToolResponse.function_responses",
    "FunctionDeclaration.name",
}

# Where the wire has another name than google-genai's model.
RENAMED = {"voiceActivityType": "type"}
# Vertex AI's names for the same counts.
VERTEX = {
    "responseTokenCount": "candidatesTokenCount",
    "responseTokensDetails": "candidatesTokensDetails",
}


def on_the_wire(value: Any, names: dict[str, str]) -> Any:
    """A dumped message as JSON, with the names that the service gives to its fields."""
    if isinstance(value, list):
        return [on_the_wire(item, names) for item in value]
    if isinstance(value, dict):
        return {names.get(name, name): on_the_wire(item, names) for name, item in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


def differences(sent: Any, read: Any, where: str) -> list[str]:
    """Each place where a decoded value is not what was sent."""
    if isinstance(read, msgspec.Struct):
        return struct_differences(cast("dict[str, Any]", sent), read, where)
    if isinstance(read, tuple):
        if len(sent) != len(read):
            return [f"{where}: {len(sent)} items, not {len(read)}"]
        return [
            told
            for index, (a, b) in enumerate(zip(sent, read, strict=True))
            for told in differences(a, b, f"{where}[{index}]")
        ]
    if isinstance(read, dict) and isinstance(sent, dict) and set(sent) == set(read):
        names = cast("dict[str, Any]", read)
        return [
            d for name in names for d in differences(sent[name], names[name], f"{where}.{name}")
        ]
    return [] if sent == read else [f"{where}: {sent!r} became {read!r}"]


def struct_differences(sent: dict[str, Any], read: msgspec.Struct, where: str) -> list[str]:
    """The same for an object and a struct: each field sent is there, each other one is unset."""
    told: list[str] = []
    names = set(sent)
    for field in fields_of(type(read)):
        value = getattr(read, field.name)
        if field.wire_name in names:
            names.discard(field.wire_name)
            told += differences(sent[field.wire_name], value, f"{where}.{field.wire_name}")
        elif value not in (None, "", b"", (), 0):
            told.append(f"{where}.{field.wire_name} was not sent and is {value!r}")
    return told + [f"{where}.{name} has no field" for name in sorted(names)]


def standard_base64(value: object) -> str:
    """Write bytes as the service does."""
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()


def write_standard(message: Any, names: dict[str, str]) -> str:
    """As the service writes it: the standard alphabet."""
    dumped = message.model_dump(by_alias=True, exclude_none=True)
    return json.dumps(on_the_wire(dumped, names), default=standard_base64)


def write_url_safe(message: Any, names: dict[str, str]) -> str:
    """As pydantic writes it: the URL-safe alphabet."""
    dumped = message.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(on_the_wire(dumped, names), ensure_ascii=False)


@pytest.mark.parametrize("names", [RENAMED, RENAMED | VERTEX], ids=["gemini", "vertex"])
@pytest.mark.parametrize("write", [write_standard, write_url_safe])
def test_random_server_messages_come_through_field_by_field(
    write: Callable[[Any, dict[str, str]], str], names: dict[str, str]
) -> None:
    """Every field that google-genai can read from the service is read here, with its value."""
    maker = genai_types.Maker(seed=20261122, chance=0.5)
    for number in range(CASES):
        message = maker.make(genai.LiveServerMessage)
        frame = write(message, names)
        sent = on_the_wire(message.model_dump(by_alias=True, exclude_none=True), names)
        read, leftovers = codec.decode(frame if number % 2 else frame.encode())
        assert leftovers == []
        assert differences(sent, read, "") == []
    assert maker.made == {
        f"{model.__name__}.{name}"
        for model in genai_types.reachable(genai.LiveServerMessage)
        for name, *_ in genai_types.fields(model)
    }


def test_random_client_messages_are_read_and_written_field_by_field() -> None:
    """Every field that google-genai can send has its place, and goes out as it came in."""
    maker = genai_types.Maker(seed=3, chance=0.4, required=REQUIRED)
    decoder = msgspec.json.Decoder(ClientMessage, strict=False)
    for _ in range(CLIENT_CASES):
        message: Any = maker.make(genai.LiveClientMessage)
        if message.setup and message.setup.generation_config:
            message.setup.generation_config.top_k = 40.0  # a whole number to the service
        read = decoder.decode(write_standard(message, {}))
        sent = on_the_wire(message.model_dump(by_alias=True, exclude_none=True), {})
        assert differences(sent, read, "") == []
        assert decoder.decode(codec.encode(read)) == read
    assert maker.made == {
        f"{model.__name__}.{name}"
        for model in genai_types.reachable(genai.LiveClientMessage)
        for name, *_ in genai_types.fields(model)
    }


@pytest.mark.parametrize("write", [write_standard, write_url_safe])
def test_random_music_messages_come_through_field_by_field(
    write: Callable[[Any, dict[str, str]], str],
) -> None:
    """Every field of google-genai's music messages, of the service and of a client, is read."""
    decoders: dict[Any, msgspec.json.Decoder[Any]] = {
        genai.LiveMusicServerMessage: msgspec.json.Decoder(MusicServerMessage, strict=False),
        genai.LiveMusicClientMessage: msgspec.json.Decoder(MusicClientMessage, strict=False),
    }
    maker = genai_types.Maker(seed=48_000, chance=0.5, required={"LiveMusicClientSetup.model"})
    for _ in range(CLIENT_CASES):
        for root, decoder in decoders.items():
            message = maker.make(root)
            read, leftovers = codec.decode_as(decoder, write(message, {}))
            sent = on_the_wire(message.model_dump(by_alias=True, exclude_none=True), {})
            assert leftovers == []
            assert differences(sent, read, "") == []
            assert decoder.decode(codec.encode(read)) == read
    assert maker.made == {
        f"{model.__name__}.{name}"
        for root in decoders
        for model in genai_types.reachable(root)
        for name, *_ in genai_types.fields(model)
    }


def test_differences_are_found() -> None:
    """The comparison sees a changed, a missing, an additional and an unread value."""
    frame = {"goAway": {"timeLeft": "1s"}, "toolCallCancellation": {"ids": ["a"]}}
    read, _ = codec.decode(json.dumps(frame))
    assert differences(frame, read, "") == []
    other = {
        "goAway": {"timeLeft": "2s", "new": 1},
        "setupComplete": {},
        "toolCallCancellation": {"ids": []},
    }
    assert differences(other, read, "") == [
        ".setupComplete: {} became None",
        ".toolCallCancellation.ids: 0 items, not 1",
        ".goAway.timeLeft: '2s' became '1s'",
        ".goAway.new has no field",
    ]
    assert differences({}, read, "")[0].startswith(".toolCallCancellation was not sent and is")


def test_messages_are_written_as_they_were_read() -> None:
    """Encoding a decoded message and decoding it again gives the same message."""
    maker = genai_types.Maker(seed=7, chance=0.3)
    decoder = msgspec.json.Decoder(ServerMessage, strict=False)
    for _ in range(300):
        read, _ = codec.decode(write_standard(maker.make(genai.LiveServerMessage), RENAMED))
        assert decoder.decode(msgspec.json.encode(read)) == read


@pytest.mark.parametrize("as_text", [False, True])
def test_int64_of_any_size_is_read_from_both_spellings(as_text: bool) -> None:
    """Whole numbers of 64 bits come as texts or as numbers."""
    pick = random.Random(1)
    for number in [0, 2**63 - 1, *(pick.randrange(2**63) for _ in range(50))]:
        value = str(number) if as_text else number
        frame = {"sessionResumptionUpdate": {"lastConsumedClientMessageIndex": value}}
        read, leftovers = codec.decode(json.dumps(frame))
        assert leftovers == []
        assert read.session_resumption_update is not None
        assert read.session_resumption_update.last_consumed_client_message_index == number
