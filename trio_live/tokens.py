"""Ephemeral tokens: short-lived credentials for one session, for clients that must not have a key.

    token = await trio_live.tokens.create(api_key, config=config)       # where the key is
    async with trio_live.open_session(config, endpoint=trio_live.GoogleAI(token=token.name)): ...

What lives here: `create`, and what it asks the service for. What must not: sessions. It needs
httpcore (extra `tokens`), which is imported where it is used.

Source: google-genai 3.4.0 `tokens.py` and `_tokens_converters.py`, read November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit, urlunsplit

import msgspec
import trio

from trio_live.config import SessionConfig, merge
from trio_live.config.arguments import ARGUMENTS
from trio_live.endpoints import GoogleAI, key_from_environment
from trio_live.endpoints.address import (
    Headers,
    base_url,
    check_headers,
    check_key,
    check_name,
    secrets_of_headers,
)
from trio_live.endpoints.google_ai import HOST, TOKEN_PREFIX, TOKEN_VERSION
from trio_live.errors import ConfigError, CredentialsError
from trio_live.rules import check_setup
from trio_live.transport.opening import default_ssl_context
from trio_live.transport.proxy import ProxySetting, open_tcp, proxy_for
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
from trio_live.wire.fields import Field, fields_of, reachable
from trio_live.wire.generation import GenerationConfig
from trio_live.wire.marks import Platform
from trio_live.wire.salvage import salvage
from trio_live.wire.setup import Setup

if TYPE_CHECKING:
    import ssl

    from trio_live.http_post import OpenStream

_BODY_EXCERPT: Final = 300


@dataclass(frozen=True, slots=True)
class EphemeralToken:
    """A token as the service issued it.

    Attributes:
        name: "auth_tokens/...": for `GoogleAI(token=...)`. A secret, which is not in the repr.
        expire_time: When messages are refused; None if the service did not say.
        new_session_expire_time: When new sessions are refused; None if it did not say.
        uses: How many sessions may begin, 0 for any number; None if it did not say.
    """

    name: str = field(repr=False)
    expire_time: datetime | None = None
    new_session_expire_time: datetime | None = None
    uses: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    name: str = ""
    expire_time: datetime | None = None
    new_session_expire_time: datetime | None = None
    uses: int | None = None


async def create(
    api_key: str | None = None,
    *,
    config: SessionConfig | None = None,
    lock_additional_fields: Sequence[str] | None = None,
    uses: int | None = None,
    expire_time: datetime | None = None,
    new_session_expire_time: datetime | None = None,
    base_url: str = HOST,
    api_version: str = TOKEN_VERSION,
    headers: Mapping[str, str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    proxy: ProxySetting = True,
    answer_timeout: float = 30.0,
    insecure: bool = False,
    open_stream: OpenStream | None = None,
) -> EphemeralToken:
    """Ask the Gemini Developer API for an ephemeral token.

    Args:
        api_key: The key; None for the one in the environment.
        config: What sessions with the token are bound to; None leaves that to whoever has it.
        lock_additional_fields: None binds the whole setup: whatever the client asks for, it gets
            `config`. A list, also an empty one, binds only what `config` says and the fields in the
            list, and leaves the rest to the client. Names are those of the setup on the wire, in
            either spelling, such as "output_audio_transcription"; those of its generationConfig,
            such as "temperature", need no prefix; a path such as "speechConfig.languageCode" goes
            deeper. A field that is newer than this version is bound by `extra=` of the config.
            A token is about setups. Whether the service lets a session with a locked instruction or
            tools change them by `update_context()` is not known: do not rely on either.
        uses: How many sessions may begin, 0 for any number; None for the service's default, 1.
            Resuming a session does not count.
        expire_time: When messages are refused, less than 20 hours ahead; None for the service's
            default, 30 minutes from now.
        new_session_expire_time: When new sessions are refused; None for its default, 60 seconds
            from now.
        base_url: Another host that speaks the same protocol.
        api_version: "v1alpha" or "v1beta".
        headers: More headers for the request; they win over ours.
        ssl_context: None shares one default context with the sessions.
        proxy: As in `trio_live.TransportConfig`.
        answer_timeout: Seconds for all of it.
        insecure: Allow http:// to a host that is not this machine; the key then travels in the
            clear.
        open_stream: Opens the byte stream under the request, as `await open_stream(host, port)`;
            None for TCP, through the proxy if there is one.

    Raises:
        ConfigError: An argument cannot be used, or the extra `tokens` is missing.
        CredentialsError: There is no token: the service refused, could not be reached or was too
            slow. `status`, `body` and `retryable` say more.

    Cancellation: not atomic. If cancelled, a token may have been issued that nobody has.
    """
    from trio_live.http_post import Failed, post_json

    key = check_key("api_key", api_key) if api_key is not None else _key_from_environment()
    root = _base_url(base_url, insecure=insecure)
    version = check_name("api_version", api_version, TOKEN_VERSION)
    own: Headers = (("x-goog-api-key", key), ("Content-Type", "application/json"))
    extra = check_headers(headers)
    given = {name.lower() for name, _ in extra}
    _check_timeout(answer_timeout)
    body = request_body(config, lock_additional_fields, uses, expire_time, new_session_expire_time)
    with trio.move_on_after(answer_timeout):
        try:
            status, answer = await post_json(
                _http_url(f"{root}/{version}/auth_tokens"),
                (*(pair for pair in own if pair[0].lower() not in given), *extra),
                body,
                ssl_context or default_ssl_context(),
                open_stream or partial(open_tcp, proxy_for(proxy, root)),
            )
        except Failed as failed:
            raise CredentialsError(
                f"no ephemeral token: {failed}", retryable=failed.retryable
            ) from None
        return _read(status, answer, (key, *secrets_of_headers(extra)))
    raise CredentialsError(
        f"no ephemeral token: no answer within answer_timeout={answer_timeout:g} s", retryable=True
    )


def request_body(
    config: SessionConfig | None,
    lock_additional_fields: Sequence[str] | None,
    uses: int | None,
    expire_time: datetime | None,
    new_session_expire_time: datetime | None,
) -> dict[str, object]:
    """Give the JSON of a request for a token, as google-genai writes it.

    Raises:
        ConfigError: An argument cannot be used.
    """
    if not isinstance(config, SessionConfig | None):
        raise ConfigError(f"config must be a SessionConfig, not {type(config).__name__}")
    body: dict[str, object] = {}
    if uses is not None:
        body["uses"] = _check_uses(uses)
    for name, argument, time in (
        ("expireTime", "expire_time", expire_time),
        ("newSessionExpireTime", "new_session_expire_time", new_session_expire_time),
    ):
        if time is not None:
            body[name] = _rfc3339(argument, time)
    setup: dict[str, object] = {}
    if config is not None:
        check_setup(config, Platform.GEMINI)  # no other platform has such tokens
        setup = setup_of(config)
        body["bidiGenerateContentSetup"] = setup
    if mask := _mask(setup, lock_additional_fields):
        body["fieldMask"] = ",".join(mask)
    return body


def setup_of(config: SessionConfig) -> dict[str, object]:
    """Give the setup as JSON objects, raw fields included."""
    model = GoogleAI("-").model_name(config.model)
    message = codec.to_object(ClientMessage(setup=config.setup(model)))
    setup = cast("dict[str, object]", message["setup"])
    return merge(setup, config.extra or {})


def _mask(setup: dict[str, object], additional: Sequence[str] | None) -> list[str]:
    """Give the paths to lock; none means that the whole setup is locked, if there is one."""
    if additional is None:
        return []
    if isinstance(additional, str) or not all(isinstance(name, str) for name in additional):
        raise ConfigError("lock_additional_fields must be a list of names")
    mask: list[str] = []
    for name, value in setup.items():
        inner = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        mask += [f"{name}.{each}" for each in inner] or [name]
    # Each path in full, also without a config. google-genai 3.4 leaves the prefix out there, and
    # such a path names no field of a setup.
    return list(dict.fromkeys([*mask, *map(_path, additional)]))


def _path(name: str) -> str:
    """Give the path on the wire of a field to lock, which has its own name or a path in `name`."""
    first, *rest = name.split(".")
    root: type[msgspec.Struct] = Setup
    path: list[str] = []
    if _field(Setup, first) is None and _field(GenerationConfig, first) is not None:
        root, path = GenerationConfig, ["generationConfig"]
    struct: type[msgspec.Struct] | None = root
    for step in (first, *rest):
        field = None if struct is None else _field(struct, step)
        if field is None:
            raise ConfigError(_no_field(name))
        path.append(field.wire_name)
        struct = field.kind if field.kind is field.struct else None  # no path leads into a list
    return ".".join(path)


def _field(struct: type[msgspec.Struct], name: str) -> Field | None:
    return next(
        (field for field in _lockable(struct) if name in (field.name, field.wire_name)), None
    )


def _lockable(struct: type[msgspec.Struct]) -> list[Field]:
    return [field for field in fields_of(struct) if field.platform is not Platform.VERTEX]


def _no_field(name: str) -> str:
    """Say that a name is no field of a setup, and which one may be meant."""
    text = f"lock_additional_fields has {name!r}, which is no field of the Gemini API's setup"
    fields = [*_lockable(GenerationConfig), *_lockable(Setup)]
    argument = ARGUMENTS.get(name)
    if argument is not None and (place := argument.place) is not None:
        for field in fields:
            if field == place or (field.struct and place.owner in reachable(field.struct)):
                return f"{text}; what SessionConfig calls {name} is {field.name!r} there"
    known = {f.name.replace("_", ""): f.name for f in fields}
    import difflib  # only for this error

    like = difflib.get_close_matches(name.replace("_", "").lower(), known, 1)
    return f"{text}; did you mean {known[like[0]]!r}?" if like else text


def _check_uses(uses: object) -> int:
    if isinstance(uses, bool) or not isinstance(uses, int) or uses < 0:
        raise ConfigError(f"uses={uses!r} must be a whole number, 0 or more")
    return uses


def _check_timeout(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ConfigError(f"answer_timeout={seconds!r} must be a number of seconds above 0")


def _rfc3339(argument: str, time: object) -> str:
    if not isinstance(time, datetime) or time.utcoffset() is None:
        raise ConfigError(f"{argument} must be a datetime with a time zone")
    return time.astimezone(UTC).isoformat()


def _read(status: int, answer: bytes, secrets: tuple[str, ...]) -> EphemeralToken:
    if status == 200:
        # A token counts, whatever else of the answer cannot be read.
        read, _ = salvage(answer, _Answer)
        if read.name.startswith(TOKEN_PREFIX):
            times = read.expire_time, read.new_session_expire_time
            return EphemeralToken(read.name, *times, read.uses)
        raise CredentialsError("no ephemeral token: the answer is none", status=status)
    said = answer.decode("utf-8", "replace")
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, "***")
    raise CredentialsError(
        f"no ephemeral token: the service answered with HTTP {status}",
        status=status,
        body=said[:_BODY_EXCERPT],
        retryable=status == 429 or status >= 500,
    )


def _key_from_environment() -> str:
    variable, key = key_from_environment()
    if not key:
        raise ConfigError(
            "there is no API key: give api_key, or set GOOGLE_API_KEY or GEMINI_API_KEY"
        )
    return check_key(variable, key)


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    # User information would be sent by no one, and is no secret of ours to keep in a request.
    return urlunsplit((scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


_base_url = base_url  # the argument of the same name hides it
