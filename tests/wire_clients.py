"""google-genai and trio_live do what a case says, each against the recorder.

What lives here: what a case is, and the two clients that play it. What must not: cases
(wire_cases_*.py), comparing (test_wire_captured.py).
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import google.oauth2.credentials
from google import genai
from google.genai import types
from wire_recorder import Connection, Json, Recorder, Refusal

import trio_live

MODEL: Final = "unknown-live"  # no model's own rules
KEY: Final = "the-key"
TOKEN: Final = "auth_tokens/t"

BOTH: Final = ("gemini", "vertex")

# What each platform is to google-genai, and to trio_live.
_BEARER: Any = google.oauth2.credentials.Credentials
GENAI: Final[dict[str, dict[str, Any]]] = {
    "gemini": {"api_key": KEY},
    "token": {"api_key": TOKEN},
    "vertex": {
        "vertexai": True,
        "project": "p",
        "location": "us-central1",
        "credentials": _BEARER("ya29", quota_project_id="payer"),
    },
    "express": {"vertexai": True, "api_key": KEY},
}
ENDPOINTS: Final[dict[str, Any]] = {
    "gemini": lambda **how: trio_live.GoogleAI(KEY, **how),
    "token": lambda **how: trio_live.GoogleAI(token=TOKEN, **how),
    "vertex": lambda **how: trio_live.VertexAI(
        "p", "us-central1", credentials=_BEARER("ya29", quota_project_id="payer"), **how
    ),
    "express": lambda **how: trio_live.VertexAI(api_key=KEY, **how),
}


# What nearly every case begins with, so that the two clients' defaults do not matter.
PLAIN: Final[dict[str, Any]] = {"response_modalities": ["TEXT"]}
OURS: Final[dict[str, Any]] = PLAIN | {"session_resumption": False}
BYTES: Final = b"\xfb\xff\xfe\x00"  # "+//+AA==" or "-__-AA==": both alphabets, and padding


@dataclass(frozen=True)
class Call:
    """A method of a session, and its arguments."""

    verb: str
    arguments: tuple[Any, ...]
    settings: Mapping[str, Any]

    async def __call__(self, session: Any) -> None:
        await getattr(session, self.verb)(*self.arguments, **self.settings)


def call(verb: str, *arguments: Any, **settings: Any) -> Call:
    """Name a method and its arguments."""
    return Call(verb, arguments, settings)


@dataclass(frozen=True)
class Send:
    """One request, said to either client."""

    name: str
    genai: Call
    ours: Call


@dataclass(frozen=True)
class Case:
    """One session: how each client is told to set it up, and what is sent in it.

    Attributes:
        name: Of the case; unique.
        genai: Arguments of LiveConnectConfig.
        ours: Arguments of SessionConfig.
        sends: What is sent, in order.
        platforms: Where.
        endpoint: More arguments of our endpoint.
    """

    name: str
    genai: Mapping[str, Any]
    ours: Mapping[str, Any]
    sends: Sequence[Send] = ()
    platforms: Sequence[str] = BOTH
    endpoint: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Played:
    """What came of a case.

    Attributes:
        case: The case.
        refused: What the client refused to send, by the send's name; "" is the setup.
        connection: The client's connection, unless the setup was refused.
    """

    case: Case
    refused: dict[str, Refusal]
    connection: Connection | None = None

    def outcome(self, name: str) -> Json | Refusal:
        """Give the frame or the refusal of a send, or of the setup; once all has come."""
        if self.connection is None:
            return self.refused[""]
        if name in self.refused:
            return self.refused[name]
        sent = ["", *(send.name for send in self.case.sends if send.name not in self.refused)]
        return self.connection.frames[sent.index(name)]


def play_genai(recorder: Recorder, cases: Sequence[Case], platform: str) -> list[Played]:
    """Let google-genai play cases on a platform; in a thread, where asyncio can run."""
    before = len(recorder.connections)
    all_played: list[Played] = []

    async def play(client: Any, case: Case) -> None:
        played = Played(case, {})
        all_played.append(played)
        try:
            config = types.LiveConnectConfig(**case.genai)
            async with client.aio.live.connect(model=MODEL, config=config) as session:
                for send in case.sends:
                    try:
                        await send.genai(session)
                    except ValueError as error:
                        played.refused[send.name] = Refusal(error)
        except ValueError as error:
            played.refused[""] = Refusal(error)
        else:
            played.connection = recorder.connections[before + connected()]

    def connected() -> int:
        return sum(played.connection is not None for played in all_played)

    async def main() -> None:
        options = types.HttpOptions(
            base_url=recorder.url.replace("wss", "https"),
            async_client_args={"ssl": recorder.trust},
            api_version="v1alpha" if platform == "token" else None,
        )
        client = genai.Client(**GENAI[platform], http_options=options)
        async with asyncio.timeout(60), client.aio:
            for case in cases:
                await play(client, case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what is deprecated, or experimental
        asyncio.run(main())
    return all_played


async def play_ours(recorder: Recorder, cases: Sequence[Case], platform: str) -> list[Played]:
    """Let trio_live play cases on a platform."""
    return [await _play_ours(recorder, case, platform) for case in cases]


async def _play_ours(recorder: Recorder, case: Case, platform: str) -> Played:
    transport = trio_live.TransportConfig(ssl_context=recorder.trust, proxy=None)
    endpoint = ENDPOINTS[platform](base_url=recorder.url, **case.endpoint)
    played = Played(case, {})
    try:
        config = trio_live.SessionConfig(MODEL, **case.ours)
        async with trio_live.open_session(
            config, endpoint=endpoint, transport=transport
        ) as session:
            played.connection = recorder.connections[-1]
            async for event in session:
                if isinstance(event, trio_live.ToolCall):
                    break
            for send in case.sends:
                try:
                    await send.ours(session)
                except trio_live.LocalProtocolError as error:
                    played.refused[send.name] = Refusal(error)
    except trio_live.ConfigError as error:
        played.refused[""] = Refusal(error)
    return played
