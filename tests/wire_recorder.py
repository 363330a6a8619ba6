"""A server that only records what a client sends, and what two clients' messages have in common.

What lives here: the recorder, the evening out of spellings, and the comparison. It knows nothing of
trio_live's structs, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio
import trustme
from trio_websocket import (
    ConnectionClosed,
    WebSocketRequest,
    serve_websocket,
)

Json = dict[str, Any]

# The server makes these calls at once in each session, so that there is something to answer.
CALLS: list[Json] = [{"id": f"c{number}", "name": "f", "args": {}} for number in range(12)]
CALLS += [{"name": "nameless", "args": {}}] * 3
ANSWERS = (b'{"setupComplete":{}}', json.dumps({"toolCall": {"functionCalls": CALLS}}).encode())

# The headers in which a service sees who calls.
HEADERS = ("authorization", "x-goog-api-key", "x-goog-user-project", "x-extra")

# Objects under these names belong to the user: what is in them is left as it is.
USERS_OWN = {
    "args",
    "customConfigs",
    "default",
    "example",
    "headers",
    "labels",
    "parametersJsonSchema",
    "partMetadata",
    "responseJsonSchema",
}
# Of these the names are the user's, and the values are not.
USERS_NAMES = {"properties", "defs"}
BYTES = {"consentAudio", "data", "imageData", "thoughtSignature", "voiceSampleAudio"}


class Refusal(str):
    """In place of a message: why the client refused to send one."""


@dataclass
class Connection:
    """One client's connection: where it went, and each frame that it sent, the setup first."""

    path: str
    headers: dict[str, str]
    frames: list[Json] = field(default_factory=list)


@dataclass
class Recorder:
    """What has been recorded. `url` begins with "wss:"; `trust` trusts it, as `ca_pem` does."""

    url: str
    trust: ssl.SSLContext
    connections: list[Connection] = field(default_factory=list)


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """Serve on this machine over TLS, which google-genai insists on; wait for clients to end."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    recorder = Recorder("", trust)
    async with trio.open_nursery() as clients, trio.open_nursery() as nursery:
        server = await nursery.start(
            partial(
                serve_websocket,
                partial(_record, recorder.connections),
                "localhost",
                0,
                context,
                handler_nursery=clients,
            )
        )
        recorder.url = f"wss://localhost:{server.port}"
        yield recorder
        nursery.cancel_scope.cancel()


async def _record(connections: list[Connection], request: WebSocketRequest) -> None:
    headers = {name.decode().lower(): value.decode() for name, value in request.headers}
    connection = Connection(
        request.path.replace("//ws/", "/ws/"),  # google-genai's base URL ends in a slash
        {name: headers[name] for name in HEADERS if name in headers},
    )
    connections.append(connection)
    websocket = await request.accept()
    with suppress(ConnectionClosed):
        connection.frames.append(json.loads(await websocket.get_message()))
        for answer in ANSWERS:
            await websocket.send_message(answer)
        while True:
            connection.frames.append(json.loads(await websocket.get_message()))


def normalised(value: Any, name: str = "", owner: str = "") -> Any:
    """Spell a message's names in camelCase and its bytes in standard base64, at any depth."""
    if name in USERS_OWN or (name == "response" and owner in ("functionResponses", "toolResponse")):
        return value
    if name == "response" and owner == "functionResponse":
        return value
    if isinstance(value, list):
        return [normalised(item, name, owner) for item in value]
    if isinstance(value, dict):
        if name in USERS_NAMES:
            return {key: normalised(item) for key, item in value.items()}
        spelled = {_camel(key): item for key, item in value.items()}
        assert len(spelled) == len(value), f"a field of {name} is there in both spellings"
        return {key: normalised(item, key, name) for key, item in spelled.items()}
    if name in BYTES and isinstance(value, str):
        text = value.translate(str.maketrans("-_", "+/")).rstrip("=")
        return text + "=" * (-len(text) % 4)
    return value


def _camel(name: str) -> str:
    return re.sub("_([a-z0-9])", lambda found: found[1].upper(), name)


def differences(genai: Any, ours: Any, where: str = "") -> list[str]:
    """Say where two messages differ, as "path: what google-genai has / what trio_live has"."""
    if isinstance(genai, Refusal) or isinstance(ours, Refusal):
        refusing = [
            client
            for client, sent in (("google-genai", genai), ("trio_live", ours))
            if isinstance(sent, Refusal)
        ]
        return [] if len(refusing) == 2 else [f"{refusing[0]} refuses"]
    if isinstance(genai, dict) and isinstance(ours, dict):
        told: list[str] = []
        for name in sorted({*genai, *ours}):
            path = f"{where}.{name}" if where else name
            told += differences(genai.get(name, ...), ours.get(name, ...), path)
        return told
    if isinstance(genai, list) and isinstance(ours, list) and len(genai) == len(ours):
        return [
            told
            for index, pair in enumerate(zip(genai, ours, strict=True))
            for told in differences(*pair, f"{where}[{index}]")
        ]
    # True == 1 in Python and not in JSON.
    if genai == ours and isinstance(genai, bool) == isinstance(ours, bool):
        return []
    return [f"{where}: {_shown(genai)} / {_shown(ours)}"]


def _shown(value: Any) -> str:
    return "nothing" if value is ... else json.dumps(value)
