"""What another process needs to go on with a session, and its bytes.

What lives here: Checkpoint, `encode` and `decode`. What must not: files (checkpoint_file.py), and
keys: a checkpoint names the session, not who may use it.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from trio_live.errors import ConfigError
from trio_live.ledger import LedgerEntry
from trio_live.wire.base import Data
from trio_live.wire.first_look import decoder_of
from trio_live.wire.marks import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION: Final = 1
"""Counts incompatible changes of what `encode` writes."""

# One line of what it is, so that what is torn or foreign can be told from what is only odd; then
# the JSON. The numbers are its bytes and their CRC-32.
_MAGIC: Final = b"trio_live checkpoint "
_HEAD: Final = re.compile(rb"trio_live checkpoint (\d{1,9}) (\d{1,18}) ([0-9a-f]{8})\n")
_LONGEST_HEAD: Final = 64


class OwedCall(Data, frozen=True):
    """A function call of the model that was not answered yet.

    Attributes:
        id: The service's id; a number if it came without one.
        name: The function's name.
    """

    id: str | int
    name: str


class Checkpoint(Data, frozen=True, kw_only=True):
    """Where a session stands. Made by the session, and given to `open_session` to go on with it.

    It holds a resumption handle and, in transparent resumption, what was sent last: keep it as you
    keep a password. The repr shows neither.

    Attributes:
        handle: The handle to resume from; None if the service has given none.
        model: The model's name as the service knows it; a handle is good for no other.
        platform: The service that gave the handle; None if the endpoint does not say.
        session_id: The service's id of the session, "" if it has said none.
        ledger: The messages that the service may not have taken in, in order; empty but in
            transparent resumption.
        owed: The calls that are owed an answer, in the order in which they were made.
        turns: How many turns have begun.
        total_tokens: The sum of the totals of all usage reports.
        connections: How many connections the session has had.
    """

    handle: str | None
    model: str
    platform: Platform | None = None
    session_id: str = ""
    ledger: tuple[LedgerEntry, ...] = ()
    owed: tuple[OwedCall, ...] = ()
    turns: int = 0
    total_tokens: int = 0
    connections: int = 0

    def _set_fields(self) -> Iterator[tuple[str, object]]:
        for name, value in super()._set_fields():
            yield name, len(self.ledger) if name == "ledger" else value


_decoder: Final = decoder_of(Checkpoint)


def encode(checkpoint: Checkpoint) -> bytes:
    """Give a checkpoint as bytes, for a file or a database."""
    body = msgspec.json.encode(checkpoint)
    return _MAGIC + b"%d %d %08x\n" % (VERSION, len(body), zlib.crc32(body)) + body


def decode(data: bytes, source: str = "the checkpoint") -> Checkpoint:
    """Read what `encode` gave.

    Args:
        data: The bytes.
        source: What to call them in an error, such as the name of their file.

    Raises:
        ConfigError: They are not a whole checkpoint of this version of the format; the message
            says which rule is broken, and shows nothing of what they hold.
    """
    head = _HEAD.match(data)
    if head is None:
        begins = data[: len(_MAGIC)]
        if begins == _MAGIC[: len(begins)] and b"\n" not in data[:_LONGEST_HEAD]:
            raise ConfigError(f"{source} is torn: its first line is not whole")
        raise ConfigError(
            f"{source} is no checkpoint: its first line is not that of trio_live checkpoints"
        )
    version, size, checksum = int(head[1]), int(head[2]), int(head[3], 16)
    if version != VERSION:
        raise ConfigError(
            f"{source} has version {version} of the format, and this trio_live reads version "
            f"{VERSION}"
        )
    body = data[head.end() :]
    if len(body) != size:
        raise ConfigError(f"{source} is torn: it has {len(body)} bytes where it says {size}")
    if zlib.crc32(body) != checksum:
        raise ConfigError(f"{source} is damaged: its checksum is not that of its bytes")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise ConfigError(
            f"{source} is no checkpoint: a field is missing or of a wrong type"
        ) from None
