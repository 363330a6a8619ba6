"""The tree of errors, and that nothing which is shown holds a secret or what was said."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_args, get_type_hints

import msgspec
import pytest
from rich.pretty import pretty_repr

from trio_live import (
    ConfigError,
    ConnectError,
    ConnectionLost,
    ConnectTimeout,
    CredentialsError,
    Disconnected,
    Error,
    InvalidArgument,
    InvalidArgumentType,
    LiveError,
    LocalProtocolError,
    Reconnected,
    Reconnecting,
    SendQueueFull,
    SendText,
    SessionClosed,
    SessionCommand,
    SessionConfig,
    SessionEvent,
    SessionPhase,
    SessionStatistics,
    SetupError,
    SetupTimeout,
    SubscriberLagged,
    SubscriptionStatistics,
    Word,
    errors,
)
from trio_live.capabilities import Capabilities
from trio_live.wire import (
    auth,
    client,
    codec,
    content,
    functions,
    generation,
    grounding,
    media,
    retrieval,
    schema,
    server,
    setup,
    speech,
    tools,
    transcription,
    usage,
)
from trio_live.wire.base import Data, redacted

SECRET = "PLANTED"

WIRE = (
    *(auth, client, codec, content, functions, generation, grounding, media, retrieval),
    *(schema, server, setup, speech, tools, transcription, usage),
)

TREE: list[tuple[type[LiveError], type[BaseException]]] = [
    (LiveError, Exception),
    (ConfigError, LiveError),
    (ConfigError, ValueError),
    (LocalProtocolError, LiveError),
    (InvalidArgument, LocalProtocolError),
    (InvalidArgument, ValueError),
    (InvalidArgumentType, LocalProtocolError),
    (InvalidArgumentType, TypeError),
    (SendQueueFull, LocalProtocolError),
    (ConnectError, LiveError),
    (ConnectTimeout, ConnectError),
    (CredentialsError, ConnectError),
    (SetupError, LiveError),
    (SetupTimeout, SetupError),
    (SessionClosed, LiveError),
    (ConnectionLost, LiveError),
    (SubscriberLagged, LiveError),
]


@pytest.mark.parametrize(("error", "base"), TREE)
def test_error_has_its_place_in_the_tree(error: type[LiveError], base: type[BaseException]) -> None:
    """Law 6: every error derives from LiveError, and from the builtin that says the same."""
    assert issubclass(error, base)


def test_tree_in_the_docstring_is_the_tree() -> None:
    """The module's drawing names every error, and only those."""
    classes = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, LiveError)
    }
    assert set(classes.values()) == {error for error, _ in TREE}
    drawn = (errors.__doc__ or "").partition("\n\n")[2].partition("\n\nThree")[0]
    assert set(classes) == {word for word in drawn.split() if word in classes}


def test_end_loss_and_misuse_are_three_families() -> None:
    """Law 7: an `except` for one of the three never catches another."""
    families = (SessionClosed, ConnectionLost, LocalProtocolError)
    assert all(not issubclass(a, b) for a in families for b in families if a is not b)


DETAILS: dict[str, Any] = {
    "retryable": True,
    "phase": SessionPhase.ACTIVE,
    "code": 1011,
    "reason": "why",
    "status": 503,
}
SAMPLES: list[tuple[LiveError, dict[str, Any]]] = [
    (LiveError("text", **DETAILS), DETAILS),
    (ConnectError("text", body="body", **DETAILS), {"body": "body", **DETAILS}),
    (ConnectTimeout("text", retryable=True), {"retryable": True, "body": None}),
    (SetupError("text", cause="because", **DETAILS), {"cause": "because", **DETAILS}),
    (SetupTimeout("text"), {"cause": None, "code": None}),
    (
        ConnectionLost(
            "text",
            cause="because",
            undelivered=(SendText("a"),),
            resumption_handle="handle",
            **DETAILS,
        ),
        {
            "cause": "because",
            "undelivered": (SendText("a"),),
            "resumption_handle": "handle",
            **DETAILS,
        },
    ),
    (SessionClosed("text", phase=SessionPhase.DISCONNECTED), {"phase": SessionPhase.DISCONNECTED}),
    (InvalidArgument("text"), {"retryable": False, "phase": None, "code": None, "status": None}),
    (SubscriberLagged(7), {"missed": 7, "retryable": False}),
]


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_error_keeps_its_attributes_through_pickle_and_copy(number: int) -> None:
    """Law 6: an error's data are attributes, and survive pickle and copy with the text."""
    error, attributes = SAMPLES[number]
    for twin in (error, pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert {name: getattr(twin, name) for name in attributes} == attributes


def test_subscriber_lagged_says_how_much_and_what_to_do() -> None:
    """The text of a lag is made of its count."""
    assert str(SubscriberLagged(7)) == (
        "this subscription reached its bound and missed 7 events; read faster, give it a larger "
        'bound, or choose policy="drop_oldest" or "block"'
    )


def test_connection_lost_shows_neither_handle_nor_commands() -> None:
    """Law 6: what is attached to a loss is not in its text."""
    error = ConnectionLost(
        "the connection was lost", undelivered=(SendText(SECRET),), resumption_handle=SECRET
    )
    assert SECRET not in str(error) + repr(error) + repr(error.undelivered)


# What is shown of data

# The service's vocabulary and the caller's own names, by struct where a name alone says too little.
COUNTS = {"dropped", "replayed", "uncertain", "undelivered"}  # by kinds of commands
VOCABULARY = {
    "cause",
    "activity_handling",
    "behavior",
    "behaviors",
    "category",
    "client_content",
    "end_of_speech_sensitivity",
    "id",
    "ids",
    "interaction_status",
    "language",
    "media_resolution",
    "method",
    "mime_type",
    "modality",
    "model",
    "name",
    "outcome",
    "reason",
    "response_modalities",
    "role",
    "scheduling",
    "session_id",
    "start_of_speech_sensitivity",
    "status",
    "thinking_level",
    "thinking_levels",
    "threshold",
    "tool_type",
    "turn_coverage",
    "vad_signal_type",
    "voice_name",
    "where",
}


RECURSIVE = {"properties", "items", "any_of", "defs"}  # of a Schema: schemas again


def structs() -> Iterator[type[msgspec.Struct]]:
    """Every struct that the library makes or takes."""
    yield from get_args(SessionEvent)
    yield from get_args(SessionCommand)
    yield from (SessionConfig, Word, SubscriptionStatistics, SessionStatistics)
    for module in WIRE:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Data):
                yield value


STRUCTS = sorted(set(structs()), key=lambda struct: (struct.__module__, struct.__name__))


def planted(kind: Any, name: str) -> Any:
    """A value of a type, with the secret in every text, bytes and object of it."""
    args = get_args(kind)
    if kind is str:
        return "open" if name in VOCABULARY else SECRET
    if kind is bytes:
        return SECRET.encode()
    if kind is object:
        return [SECRET, {SECRET: SECRET}]
    if kind in (bool, int, float):
        return kind(1)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return build(kind)
    if isinstance(kind, type) and issubclass(kind, Exception):
        return kind(SECRET)
    origin = getattr(kind, "__origin__", None)
    if origin is Literal:
        return args[0]
    if origin is tuple:
        return (planted(args[0], name),)
    if origin is dict:
        return {"open" if name in COUNTS else SECRET: planted(args[1], name)}
    return planted(args[0], name)  # a union: its first kind


def build(struct: type[msgspec.Struct]) -> msgspec.Struct:
    """A struct with the secret wherever it can be."""
    if struct is SessionConfig:
        return SessionConfig(
            "open",
            system_instruction=SECRET,
            resumption_handle=SECRET,
            voice=SECRET,
            extra={SECRET: SECRET},
        )
    hints = get_type_hints(struct)
    fields = set(struct.__struct_fields__) - RECURSIVE
    return struct(**{name: planted(hints[name], name) for name in fields})


@pytest.mark.parametrize("struct", STRUCTS)
def test_struct_shows_no_payload(struct: type[msgspec.Struct]) -> None:
    """Law 6: no text, audio, argument, handle or code is in the repr, str or rich repr of data."""
    value = build(struct)
    for shown in (repr(value), str(value), f"{value}", pretty_repr(value), repr([value])):
        assert SECRET not in shown
        assert struct.__name__ in shown


def test_struct_list_is_complete() -> None:
    """The test above looks at every event and every command, and at the wire."""
    assert len(get_args(SessionEvent)) == 39
    assert len(get_args(SessionCommand)) == 14
    assert {Error, SendText, functions.FunctionCall, server.ServerMessage} <= set(STRUCTS)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("text", "abc", "<3 chars>"),
        ("name", "abc", "'abc'"),
        ("data", b"abc", "<3 bytes>"),
        ("code", "abc", "<3 chars>"),
        ("code", 1011, "1011"),
        ("phase", SessionPhase.ACTIVE, "SessionPhase.ACTIVE"),
        ("flag", True, "True"),
        ("nothing", None, "None"),
        ("ids", ("a", "b"), "['a', 'b']"),
        ("args", {"a": 1}, "<1 keys>"),
        (
            "calls",
            (functions.FunctionCall("f", {"a": 1}),),
            "[FunctionCall(name='f', args=<1 keys>)]",
        ),
        ("other", object(), "<object>"),
    ],
)
def test_redacted_shows_kinds_and_sizes(name: str, value: object, shown: str) -> None:
    """Numbers, enums and the vocabulary are shown; all else becomes its kind or size."""
    assert redacted(name, value) == shown


def test_what_became_of_the_connection_is_shown_in_full() -> None:
    """Causes are our own words, counts are by kinds: a log of these events must be of use."""
    reconnecting = Reconnecting("the network dropped the connection", 1, 0.5, 1006, "why", 503)
    told = (
        "Reconnecting(cause='the network dropped the connection', attempt=1, delay=0.5, "
        "code=1006, reason='why', status=503)"
    )
    assert (str(reconnecting), repr(reconnecting)) == (told, told)
    assert dict(reconnecting.__rich_repr__())["cause"] == repr(reconnecting.cause)
    reconnected = Reconnected(True, 0.5, {"SendText": 2}, {"SendAudio": 9}, {}, 3)
    assert str(reconnected) == (
        "Reconnected(restored=True, gap_seconds=0.5, replayed={'SendText': 2}, "
        "dropped={'SendAudio': 9}, uncertain={}, cut_turn=3)"
    )
    assert str(Disconnected(1006, "", False, {"SendText": 1}, {"SendVideo": 2})) == (
        "Disconnected(code=1006, reason='', clean=False, undelivered={'SendText': 1}, "
        "uncertain={'SendVideo': 2})"
    )


def test_repr_of_settings_shows_their_vocabulary() -> None:
    """What a model can do, and what the service's enums say, is no secret and worth reading."""
    known = Capabilities(behaviors=("NON_BLOCKING",), client_content="any time")
    assert repr(known) == "Capabilities(client_content='any time', behaviors=['NON_BLOCKING'])"
    shown = repr(SessionConfig("m", media_resolution="MEDIA_RESOLUTION_LOW", labels={"a": "b"}))
    assert "response_modalities=['AUDIO'], media_resolution='MEDIA_RESOLUTION_LOW'" in shown
    assert "labels=<1 keys>" in shown


def test_repr_leaves_out_what_is_not_set() -> None:
    """Fields that are None are not shown, so that a repr is short."""
    assert repr(content.Part(text="abc")) == "Part(text=<3 chars>)"
    assert content.Part(text="abc").__rich_repr__() == [("text", "<3 chars>")]


def test_error_raised_again_does_not_grow() -> None:
    """What many tasks get is a copy each: the first keeps its own traceback and nothing else."""
    first = ConnectionLost("lost", code=1011, undelivered=(SendText("a"),))
    for _ in range(3):
        with pytest.raises(ConnectionLost) as caught:
            raise first.again()
        assert caught.value.__cause__ is first
        assert (caught.value.code, caught.value.undelivered) == (1011, (SendText("a"),))
    assert first.__traceback__ is None
