"""An embedded Gemini Live service: `LiveServer`, models that answer, and what they are given.

It speaks the service's side of `BidiGenerateContent` and `BidiGenerateMusic` over WebSockets, on a
real socket or in memory, and knows nothing of this library's client: the two meet on the wire only.
"""

from __future__ import annotations

from .faults import Fault, FaultPlan
from .models import (
    CallTools,
    Close,
    GoAway,
    Say,
    Send,
    Speak,
    Step,
    UntilInterrupted,
    Wait,
    echo,
    scripted,
)
from .music import MusicMaker, MusicMoment, tones
from .music_session import MusicServerSession
from .pcm import resample, tone
from .reply import Reply, SessionControl
from .server import LiveServer
from .session import ServerSession
from .shapes import JsonObject
from .turn import Model, Transcriber, UserTurn, placeholder_transcript

__all__ = [
    "LiveServer",
    "ServerSession",
    # models
    "Model",
    "UserTurn",
    "Reply",
    "SessionControl",
    "Transcriber",
    "echo",
    "scripted",
    "placeholder_transcript",
    # the steps of a script
    "Step",
    "Say",
    "Speak",
    "CallTools",
    "Wait",
    "UntilInterrupted",
    "Send",
    "GoAway",
    "Close",
    # music
    "MusicServerSession",
    "MusicMaker",
    "MusicMoment",
    "tones",
    # what goes wrong on purpose
    "Fault",
    "FaultPlan",
    # audio
    "resample",
    "tone",
    "JsonObject",
]
