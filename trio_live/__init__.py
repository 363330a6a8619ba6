"""Gemini Live sessions for Trio.

    async with trio_live.open_session(trio_live.SessionConfig("gemini-3.8-live")) as session:
        await session.send_text("Name three moons of Saturn.")
        async for event in session:
            match event:
                case trio_live.AudioData(data=pcm):
                    play(pcm)
                case trio_live.TurnComplete():
                    break

A session is a scope. Entering it connects; leaving it, in whatever way, ends every task and closes
the socket. Inside, `session` takes commands (`send_audio`, `send_text`, ...) and gives events, to
the one `async for` above and to any number of `session.subscribe()`s, without losing any.

The house, from the ground up; each room imports only from those before it:

    wire/            the service's JSON as structs, and the codec
    state            phases and their transition table, turns, what is known of a session
    errors           LiveError and its tree
    commands, said, links, events   what a session is told, what it tells
    transport/       connections: the contract, trio-websocket, memory
    ledger           what the service may not have taken in yet (Vertex AI)
    checkpoint, checkpoint_file   what another process needs to go on, and where it is kept
    close_codes, close_table   what the end of a connection means, and the table of it
    capabilities     what a model can do, by its name
    reconnect        when to connect again
    config/          SessionConfig and TransportConfig
    endpoints/       where the service is, and credentials
    outbound, history   command -> message, with the rules that hold everywhere
    rules            the rules of platforms and models
    parts, inbound   parts and transcripts -> events; message -> events
    carried, setups, protocol     the whole conversation without I/O
    subscription, fanout, watch   events to their readers
    flag, pacing                  an event for those that mostly never come; the pacing clock
    interfaces, verbs, handle     what users hold
    gate, outage, outbox          the way out, and what waits while there is no connection
    connection, opener, liveness, keeper   one connection, and who looks after it
    planner, lifeline, driver, runner      one connection after another, and what runs it all
    no_tools, tools/              functions that the model calls
    scope                         the block around it all, for every kind of session
    session                       open_session: the settings, checked
    music/                        open_music_session, with rooms of its own of most of these kinds
    tokens, http_post             ephemeral tokens, and the one HTTP request that gets them
    testing/, audio/, cli/        the embedded server and doubles; sound; the command line
"""

from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from trio_live.capabilities import Capabilities, capabilities_of
from trio_live.checkpoint import Checkpoint, OwedCall
from trio_live.checkpoint_file import CheckpointFile
from trio_live.commands import (
    ActivityEnd,
    ActivityStart,
    Disconnect,
    EndAudioStream,
    SeedHistory,
    SendAudio,
    SendClientContent,
    SendRaw,
    SendRealtimeText,
    SendText,
    SendToolResponse,
    SendVideo,
    SessionCommand,
    UpdateContext,
    UpdateInstruction,
)
from trio_live.config import SessionConfig, TransportConfig
from trio_live.endpoints import Credentials, Custom, Endpoint, GoogleAI, VertexAI
from trio_live.errors import (
    ConfigError,
    ConnectError,
    ConnectionLost,
    ConnectTimeout,
    CredentialsError,
    InvalidArgument,
    InvalidArgumentType,
    LiveError,
    LocalProtocolError,
    SendQueueFull,
    SessionClosed,
    SetupError,
    SetupTimeout,
    SubscriberLagged,
)
from trio_live.events import (
    AudioData,
    AudioHeldBack,
    CodeExecutionResult,
    Connected,
    Disconnected,
    Error,
    ExecutableCode,
    FileData,
    GenerationComplete,
    GoAway,
    Grounding,
    InlineData,
    InputTranscription,
    InteractionStatus,
    InterimTranscription,
    Interrupted,
    MediaDropped,
    ModelPart,
    OutputTranscription,
    PhaseChanged,
    Reconnected,
    Reconnecting,
    ServerToolCall,
    ServerToolResponse,
    SessionEvent,
    SessionResumeUpdate,
    TextComplete,
    TextDelta,
    Thought,
    ToolCall,
    ToolCallCancelled,
    ToolFinished,
    ToolStarted,
    TurnComplete,
    Unknown,
    UrlContext,
    Usage,
    VoiceActivityEnd,
    VoiceActivityStart,
    WaitingForInput,
    Word,
)
from trio_live.fanout import EventFanout
from trio_live.handle import SessionHandle
from trio_live.interfaces import SessionReader, SessionStatistics, SessionWriter
from trio_live.music.commands import (
    ControlPlayback,
    MusicCommand,
    SetMusicGenerationConfig,
    SetWeightedPrompts,
)
from trio_live.music.events import MusicData, PromptFiltered
from trio_live.music.wire import MusicGenerationConfig, MusicSource, WeightedPrompt
from trio_live.reconnect import ReconnectPolicy
from trio_live.session import SessionScope, open_session
from trio_live.state import SessionPhase, SessionState
from trio_live.subscription import Policy, Subscription, SubscriptionStatistics
from trio_live.transport.ssl_context import make_ssl_context
from trio_live.turns import Turn
from trio_live.watch import PhaseWatch
from trio_live.wire.content import Blob, Content, Part
from trio_live.wire.functions import (
    FunctionCall,
    FunctionResponse,
    FunctionResponseBlob,
    FunctionResponseFileData,
    FunctionResponsePart,
)
from trio_live.wire.generation import GenerationConfig, ThinkingConfig, TranslationConfig
from trio_live.wire.setup import (
    AutomaticActivityDetection,
    AvatarConfig,
    ContextWindowCompressionConfig,
    HistoryConfig,
    ProactivityConfig,
    SafetySetting,
    SessionResumptionConfig,
    SlidingWindow,
)
from trio_live.wire.speech import SpeechConfig, VoiceConfig
from trio_live.wire.tools import FunctionDeclaration, Tool, ToolConfig
from trio_live.wire.transcription import AudioTranscriptionConfig
from trio_live.wire.usage import UsageMetadata

if TYPE_CHECKING:
    from trio_live import tokens, tools
    from trio_live.music.handle import MusicSession
    from trio_live.music.protocol import MusicEvent
    from trio_live.music.session import open_music_session

__version__ = "0.1.0"

# What only some programs use is imported when it is asked for: name -> where it is.
_LATER: Final = {
    "MusicEvent": "trio_live.music.protocol",
    "MusicSession": "trio_live.music.handle",
    "open_music_session": "trio_live.music.session",
    "tokens": "trio_live.tokens",
    "tools": "trio_live.tools",
}

__all__ = [
    # Sessions
    "open_session",
    "SessionScope",
    "SessionHandle",
    "SessionReader",
    "SessionWriter",
    "SessionStatistics",
    "SessionState",
    "SessionPhase",
    "Turn",
    "PhaseWatch",
    "Checkpoint",
    "CheckpointFile",
    "OwedCall",
    # Settings
    "SessionConfig",
    "TransportConfig",
    "ReconnectPolicy",
    "make_ssl_context",
    "Capabilities",
    "capabilities_of",
    "AudioTranscriptionConfig",
    "AutomaticActivityDetection",
    "AvatarConfig",
    "ContextWindowCompressionConfig",
    "GenerationConfig",
    "HistoryConfig",
    "ProactivityConfig",
    "SafetySetting",
    "SessionResumptionConfig",
    "SlidingWindow",
    "SpeechConfig",
    "ThinkingConfig",
    "TranslationConfig",
    "VoiceConfig",
    "Tool",
    "ToolConfig",
    "FunctionDeclaration",
    # Endpoints
    "Endpoint",
    "GoogleAI",
    "VertexAI",
    "Custom",
    "Credentials",
    "tokens",
    # Tools
    "tools",
    # Content
    "Blob",
    "Content",
    "FunctionCall",
    "FunctionResponse",
    "FunctionResponseBlob",
    "FunctionResponseFileData",
    "FunctionResponsePart",
    "Part",
    "UsageMetadata",
    # Commands
    "SessionCommand",
    "SendAudio",
    "SendVideo",
    "SendText",
    "SendRealtimeText",
    "SendClientContent",
    "SeedHistory",
    "SendToolResponse",
    "UpdateInstruction",
    "UpdateContext",
    "SendRaw",
    "ActivityStart",
    "ActivityEnd",
    "EndAudioStream",
    "Disconnect",
    # Events
    "SessionEvent",
    "Connected",
    "PhaseChanged",
    "TextDelta",
    "TextComplete",
    "Thought",
    "AudioData",
    "InlineData",
    "FileData",
    "ExecutableCode",
    "CodeExecutionResult",
    "ServerToolCall",
    "ServerToolResponse",
    "ModelPart",
    "InterimTranscription",
    "InputTranscription",
    "OutputTranscription",
    "Word",
    "Grounding",
    "UrlContext",
    "ToolCall",
    "ToolCallCancelled",
    "ToolStarted",
    "ToolFinished",
    "AudioHeldBack",
    "Interrupted",
    "GenerationComplete",
    "TurnComplete",
    "WaitingForInput",
    "InteractionStatus",
    "VoiceActivityStart",
    "VoiceActivityEnd",
    "Usage",
    "GoAway",
    "SessionResumeUpdate",
    "Reconnecting",
    "Reconnected",
    "Disconnected",
    "Error",
    "Unknown",
    "MediaDropped",
    # Music
    "open_music_session",
    "MusicSession",
    "WeightedPrompt",
    "MusicGenerationConfig",
    "MusicCommand",
    "SetWeightedPrompts",
    "SetMusicGenerationConfig",
    "ControlPlayback",
    "MusicEvent",
    "MusicData",
    "MusicSource",
    "PromptFiltered",
    # Subscriptions
    "EventFanout",
    "Subscription",
    "SubscriptionStatistics",
    "Policy",
    # Errors
    "LiveError",
    "ConfigError",
    "LocalProtocolError",
    "InvalidArgument",
    "InvalidArgumentType",
    "SendQueueFull",
    "ConnectError",
    "ConnectTimeout",
    "CredentialsError",
    "SetupError",
    "SetupTimeout",
    "SessionClosed",
    "ConnectionLost",
    "SubscriberLagged",
]


def _rename(public: object) -> None:
    """Let tracebacks and documentation name things where users import them from.

    Not so for structs: msgspec, and everybody who reads their annotations, looks the types of their
    fields up in the module that they name.
    """
    if isinstance(public, type) and issubclass(public, Struct):
        return
    if isinstance(public, type | FunctionType) and public.__module__.startswith("trio_live."):
        public.__module__ = "trio_live"


for _name in set(__all__) - _LATER.keys():
    _rename(globals()[_name])

if not TYPE_CHECKING:  # else every name would be right

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module 'trio_live' has no attribute {name!r}")
        module = import_module(_LATER[name])
        public = module if module.__name__ == f"trio_live.{name}" else getattr(module, name)
        _rename(public)
        globals()[name] = public
        return public

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
