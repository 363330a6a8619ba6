"""Ephemeral tokens: issued over REST, checked when a session begins, ended with their time.

Sources: the Live API's page on ephemeral tokens and google-genai 3.4.0 `tokens.py`. The words with
which the service refuses a token are not known publicly; those here are our own, with the close
code that it uses for callers whom it does not let in.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import trio

from .access import Platform
from .fields import SETUP
from .grammar import INT32, STRING, MapOf, Message, Only, Shape
from .normalise import read_object
from .plain_http import HttpError, PlainRequest, read_json
from .shapes import JsonObject, Refusal, get_number, get_object, get_text, is_object

PATH: Final = re.compile(r"/{1,2}(v1alpha|v1beta)/auth_tokens")
PREFIX: Final = "auth_tokens/"
LIFETIME: Final = timedelta(minutes=30)
NEW_SESSIONS_FOR: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=20)
MOST_TOKENS: Final = 1_000
EXPIRED: Final = (1008, "Token has expired.")

_REQUEST: Final = Message(
    {
        "uses": INT32,
        "expireTime": STRING,
        "newSessionExpireTime": STRING,
        "bidiGenerateContentSetup": SETUP,
        "fieldMask": STRING,
    }
)


@dataclass(slots=True)
class IssuedToken:
    """One token.

    Attributes:
        expires: on Trio's clock; messages are refused after it.
        sessions_until: on Trio's clock; new sessions are refused after it.
        uses_left: new sessions that may still begin; None for any number.
        setup: what sessions are bound to, or None.
        mask: the paths that are bound; None binds all, if there is a setup.
    """

    expires: float
    sessions_until: float
    uses_left: int | None
    setup: JsonObject | None = field(repr=False)
    mask: tuple[str, ...] | None

    def admit(self, asked: JsonObject) -> JsonObject:
        """Return the setup that a session gets, whatever it asked for.

        Raises:
            Refusal: the token is used up or its time is over.
        """
        handle = get_text(get_object(asked, "sessionResumption"), "handle")
        now = trio.current_time()
        if now >= self.expires:
            raise Refusal(*EXPIRED)
        if not handle and now >= self.sessions_until:
            raise Refusal(1008, "Token does not allow new sessions any more.")
        if not handle and self.uses_left == 0:
            raise Refusal(1008, "Token has no uses left.")
        agreed = self._bind(asked)
        if handle:  # which session it is about is not the token's to say
            agreed["sessionResumption"] = {
                **get_object(agreed, "sessionResumption"),
                "handle": handle,
            }
        return agreed

    def spend(self, setup: JsonObject) -> None:
        """Count a session that was admitted and has begun; resuming costs nothing."""
        if self.uses_left is not None and not get_object(setup, "sessionResumption").get("handle"):
            self.uses_left -= 1

    def _bind(self, asked: JsonObject) -> JsonObject:
        if self.mask is None:
            return dict(asked if self.setup is None else self.setup)
        agreed = dict(asked)
        for path in self.mask:
            _lock(agreed, self.setup or {}, path.split("."))
        return agreed


class TokenOffice:
    """Issues tokens and knows the newest of them again."""

    def __init__(self) -> None:
        self._issued: dict[str, IssuedToken] = {}

    def issue(self, request: PlainRequest) -> JsonObject:
        """Answer a request for a token whose caller was let in.

        Raises:
            HttpError: the request is not as it should be.
        """
        try:
            body = read_object(read_json(request.body), _REQUEST, Platform.GEMINI)
        except Refusal as refusal:
            raise HttpError(400, refusal.reason) from None
        now = datetime.now(UTC)
        uses = get_number(body, "uses", 1)
        if uses < 0:
            raise HttpError(400, "uses must not be negative.")
        expires = _read_time(body, "expireTime", now, LIFETIME)
        until = _read_time(body, "newSessionExpireTime", now, NEW_SESSIONS_FOR)
        setup, mask = body.get("bidiGenerateContentSetup"), get_text(body, "fieldMask")
        name = PREFIX + secrets.token_hex(32)
        while len(self._issued) >= MOST_TOKENS:
            del self._issued[next(iter(self._issued))]  # the oldest
        self._issued[name] = IssuedToken(
            expires=trio.current_time() + (expires - now).total_seconds(),
            sessions_until=trio.current_time() + (until - now).total_seconds(),
            uses_left=uses or None,
            setup=setup if is_object(setup) else None,
            mask=tuple(_read_path(path.strip()) for path in mask.split(",")) if mask else None,
        )
        times = {"expireTime": expires.isoformat(), "newSessionExpireTime": until.isoformat()}
        return {"name": name, "uses": uses, **times}

    def find(self, name: str) -> IssuedToken | None:
        """Return the token of that name, or None if it was not issued here."""
        return self._issued.get(name)


def _read_time(body: JsonObject, name: str, now: datetime, default: timedelta) -> datetime:
    text = get_text(body, name)
    if not text:
        return now + default
    try:
        time = datetime.fromisoformat(text)
        ahead = time - now
    except (ValueError, TypeError):
        raise HttpError(400, f"Invalid value at '{name}' (not an RFC 3339 timestamp)") from None
    if not timedelta(0) < ahead < LONGEST:
        raise HttpError(400, f"{name} must be in the future, and less than 20 hours away.")
    return time


def _lock(agreed: JsonObject, bound: JsonObject, path: list[str]) -> None:
    """Take the value at a path from `bound`; what is not there is left to the default."""
    name, rest = path[0], path[1:]
    if not rest:
        if name in bound:
            agreed[name] = bound[name]
        else:
            agreed.pop(name, None)
        return
    inner = dict(get_object(agreed, name))
    _lock(inner, get_object(bound, name), rest)
    if inner or name in agreed:
        agreed[name] = inner


def _read_path(path: str) -> str:
    """Give a path of the mask in camelCase; it must lead to a field of a setup, through objects."""
    shape: Shape = SETUP
    steps: list[str] = []
    for step in path.split("."):
        found: Shape | Only | None
        if isinstance(shape, MapOf):
            name, found = step, shape.value
        else:
            fields = shape if isinstance(shape, Message) else Message({})
            name = fields.spellings.get(step, "")
            found = fields.fields.get(name)
        if found is None or (isinstance(found, Only) and found.platform is not Platform.GEMINI):
            raise HttpError(400, f"Invalid value at 'field_mask': no such field: {path}")
        shape = found.shape if isinstance(found, Only) else found
        steps.append(name)
    return ".".join(steps)
