"""How one server behaves, beyond what it answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from .access import AccessRules
from .reply import Pacing
from .turn import Transcriber, placeholder_transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """The settings of a `LiveServer`, shared by its sessions.

    Attributes:
        access: which credentials are good.
        pacing: how fast answers leave.
        models: the models that exist; None for any.
        transcribe: what is sent as the transcript of the user's speech.
        go_away_after: seconds after setup at which the end of a connection is announced, or None.
        go_away_time_left: seconds between that announcement and the end.
        binary_frames: send messages in binary frames; Vertex AI always does.
        record: keep every client message in `ServerSession.received`.
        upgrade_timeout: seconds for the HTTP upgrade of a new connection.
        close_timeout: seconds for the close handshake.
    """

    access: AccessRules = field(default_factory=AccessRules)
    pacing: Pacing = field(default_factory=lambda: Pacing(1.0, 40))
    models: Collection[str] | None = None
    transcribe: Transcriber = placeholder_transcript
    go_away_after: float | None = None
    go_away_time_left: float = 10.0
    binary_frames: bool = False
    record: bool = True
    upgrade_timeout: float = 10.0
    close_timeout: float = 5.0
