"""The message that nearly all are: one piece of the model's voice, and nothing else.

What lives here: a second decoder, for that message alone. What must not: any field of its own; a
message that it does not take is decoded as a ServerMessage, and so is the first of several.

A type that has no other fields takes 0.25 us less to decode, and what was decoded need not be
searched for more: a message of voice costs the protocol 2.2 us instead of 2.9 (benchmarks/codec.py,
"receive audio"; November 2026). A message that it does not take costs 0.35 us more.
"""

from __future__ import annotations

import functools

import msgspec

from trio_live.wire.base import Wire
from trio_live.wire.content import Blob
from trio_live.wire.first_look import decoder_of
from trio_live.wire.salvage import UNREADABLE


class VoicePart(Wire, frozen=True, gc=False, forbid_unknown_fields=True):
    """See Part."""

    inline_data: Blob


class VoiceTurn(Wire, frozen=True, gc=False, forbid_unknown_fields=True):
    """See Content."""

    parts: tuple[VoicePart]
    role: str | None = None


class VoiceContent(Wire, frozen=True, gc=False, forbid_unknown_fields=True):
    """See ServerContent."""

    model_turn: VoiceTurn


class VoiceMessage(Wire, frozen=True, gc=False, forbid_unknown_fields=True):
    """See ServerMessage."""

    server_content: VoiceContent


@functools.cache
def _decoder() -> msgspec.json.Decoder[VoiceMessage]:
    return decoder_of(VoiceMessage, strict=False)


def voice_of(frame: str | bytes) -> Blob | None:
    """Give the media of a message that holds one piece of it and nothing else; else None."""
    try:
        message = _decoder().decode(frame)
    except UNREADABLE:
        return None
    blob = message.server_content.model_turn.parts[0].inline_data
    return None if blob.display_name is not None else blob
