"""The handles of resumable sessions, shared by all sessions of one server."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .shapes import JsonObject, Refusal
from .usage import Tokens

KEPT: Final = 1000
_HANDLE: Final = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a handle stands for.

    Attributes:
        model: the session's model; a handle is good for no other.
        history: the conversation so far, as contents.
        context: its tokens.
        owner_is_open: whether the connection that got the handle is still there.
    """

    model: str
    history: list[JsonObject] = field(repr=False)
    context: Tokens = field(repr=False)
    owner_is_open: Callable[[], bool] = field(repr=False)


class Checkpoints:
    """Handle -> checkpoint. Handles stay good for any number of resumptions.

    The newest `KEPT` of all sessions are kept; an older one is no longer found, as one whose
    lifetime is over.
    """

    def __init__(self) -> None:
        self._saved: dict[str, Checkpoint] = {}

    def save(self, checkpoint: Checkpoint) -> str:
        """Keep a checkpoint and return its handle."""
        handle = secrets.token_urlsafe(24)
        self._saved[handle] = checkpoint
        if len(self._saved) > KEPT:
            del self._saved[next(iter(self._saved))]
        return handle

    def find(self, handle: str, model: str) -> Checkpoint:
        """Return what a handle stands for.

        Raises:
            Refusal: the handle is none (1007), is unknown or no longer good (1008), is in use by a
                connection that is still open, or belongs to another model (1011, as reported by
                developers).
        """
        if not _HANDLE.fullmatch(handle):
            raise Refusal(1007, "Invalid session handle")
        found = self._saved.get(handle)
        if found is None:
            raise Refusal(1008, "BidiGenerateContent session not found", "an unknown handle")
        if found.owner_is_open():
            raise Refusal(1011, "Internal error encountered.", "the old connection is still open")
        if found.model != model:
            raise Refusal(1011, "Internal error encountered.", "the handle is of another model")
        return found

    def forget(self) -> None:
        """Make all handles unknown, as the passing of their lifetime does."""
        self._saved.clear()
