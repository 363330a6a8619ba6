"""MusicCommand: what a music session is told.

What lives here: one frozen struct per command. What must not: checks and encoding (protocol.py).
The verbs of MusicSession make these; they come back in `ConnectionLost.undelivered`.
"""

from __future__ import annotations

from collections.abc import Mapping

from trio_live.music.wire import MusicGenerationConfig, PlaybackControl, WeightedPrompt
from trio_live.wire.base import Data


class SetWeightedPrompts(Data, frozen=True):
    """New prompts in place of the old ones."""

    prompts: tuple[WeightedPrompt, ...]


class SetMusicGenerationConfig(Data, frozen=True):
    """A new config in place of the old one; `extra` are raw fields of it, merged in last."""

    config: MusicGenerationConfig
    extra: Mapping[str, object] | None = None


class ControlPlayback(Data, frozen=True):
    """Play, pause, stop, or reset the context."""

    control: PlaybackControl


MusicCommand = SetWeightedPrompts | SetMusicGenerationConfig | ControlPlayback
"""Any command of a music session."""
