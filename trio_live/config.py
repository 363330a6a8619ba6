"""What a session is to be: SessionConfig (for the service) and TransportConfig (how we connect).

What lives here: settings and their checks. What must not: I/O, URLs and credentials (endpoints/).
Both are immutable and can serve any number of sessions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, cast

from msgspec.structs import force_setattr

from trio_live.errors import ConfigError
from trio_live.transport.proxy import ProxySetting, check_proxy
from trio_live.wire import codec
from trio_live.wire.base import Data
from trio_live.wire.client import ClientMessage
from trio_live.wire.content import Content
from trio_live.wire.generation import GenerationConfig, ThinkingConfig
from trio_live.wire.setup import (
    AutomaticActivityDetection,
    ContextWindowCompressionConfig,
    RealtimeInputConfig,
    SessionResumptionConfig,
    Setup,
    SlidingWindow,
)
from trio_live.wire.speech import PrebuiltVoiceConfig, SpeechConfig, VoiceConfig
from trio_live.wire.tools import FunctionDeclaration, Tool
from trio_live.wire.transcription import AudioTranscriptionConfig

if TYPE_CHECKING:
    import ssl

    from trio_live.transport.interface import Dialer

MEBIBYTE: Final = 1024 * 1024

# The arguments of SessionConfig and what they take; None is always allowed but in _ITEMS.
_TEXTS: Final = ("voice", "language", "resumption_handle", "activity_handling", "turn_coverage")
_ITEMS: Final[dict[str, tuple[type, ...]]] = {
    "response_modalities": (str,),
    "tools": (Tool, FunctionDeclaration),
}
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "system_instruction": (str, Content),
    "thinking": (ThinkingConfig,),
    "input_transcription": (bool, AudioTranscriptionConfig),
    "output_transcription": (bool, AudioTranscriptionConfig),
    "activity_detection": (bool, AutomaticActivityDetection),
    "session_resumption": (bool,),
    "compression": (bool, ContextWindowCompressionConfig),
    "extra": (Mapping,),
}
_RANGES: Final[tuple[tuple[str, float, float, tuple[type, ...]], ...]] = (
    ("temperature", 0.0, 2.0, (int, float)),
    ("top_p", 0.0, 1.0, (int, float)),
    ("top_k", 1, math.inf, (int,)),
    ("max_output_tokens", 1, math.inf, (int,)),
    ("seed", -math.inf, math.inf, (int,)),
)


class _Model(Data, frozen=True):
    model: str


class SessionConfig(_Model, frozen=True, kw_only=True):
    """What the service is asked for. Immutable; one config serves any number of sessions.

    Attributes:
        model: The model's name, with or without "models/"; the only positional argument.
        system_instruction: Text (or Content of text parts) that holds for the whole session.
        response_modalities: What the model answers with: ("AUDIO",) or ("TEXT",); one of them.
        voice: The name of a prebuilt voice, such as "Puck".
        language: The language of speech as a BCP-47 code, such as "de-DE".
        temperature: Sampling temperature, 0.0 to 2.0.
        top_p: Nucleus sampling, 0.0 to 1.0.
        top_k: Sample from that many tokens at most.
        max_output_tokens: A bound on each answer.
        seed: Makes sampling repeatable where the model supports it.
        thinking: How much the model thinks.
        tools: What the model may use; bare function declarations are put into one tool.
        input_transcription: Send transcripts of the user's speech; a config instead of True refines
            it.
        output_transcription: Send transcripts of the model's speech, likewise.
        activity_detection: True lets the service detect speech; False means that this program says
            when the user speaks, with `signal_activity_start()` and `signal_activity_end()`; a
            config refines the service's detection.
        activity_handling: "START_OF_ACTIVITY_INTERRUPTS" or "NO_INTERRUPTION"; None: the service's
            default.
        turn_coverage: Which input belongs to a turn, by the service's enum; None: its default.
        session_resumption: Ask for resumption handles.
        resumption_handle: Resume the session that this handle names. A secret.
        compression: True for the service's own context compression; a config refines it.
        extra: Raw setup fields in the wire's spelling, merged in last and at any depth. Not
            checked: the way to what this version does not know.

    Raises:
        ConfigError: A value is out of its range or of a wrong type; the message names the argument.
    """

    system_instruction: str | Content | None = None
    response_modalities: Sequence[str] = ("AUDIO",)
    voice: str | None = None
    language: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    thinking: ThinkingConfig | None = None
    tools: Sequence[Tool | FunctionDeclaration] = ()
    input_transcription: bool | AudioTranscriptionConfig = False
    output_transcription: bool | AudioTranscriptionConfig = False
    activity_detection: bool | AutomaticActivityDetection = True
    activity_handling: str | None = None
    turn_coverage: str | None = None
    session_resumption: bool = True
    resumption_handle: str | None = None
    compression: bool | ContextWindowCompressionConfig = False
    extra: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        _check_text("model", self.model)
        for name in _TEXTS:
            if getattr(self, name) is not None:
                _check_text(name, getattr(self, name))
        for name, kinds in _KINDS.items():
            _check_kind(name, getattr(self, name), kinds)
        for name, low, high, kinds in _RANGES:
            _check_number(name, getattr(self, name), low, high, kinds)
        # Sequences are copied, so that a list which changes later does not change this config.
        for name, kinds in _ITEMS.items():
            force_setattr(self, name, _checked_items(name, getattr(self, name), kinds))
        if len(self.response_modalities) != 1:
            raise ConfigError(
                f"response_modalities={list(self.response_modalities)!r} must name exactly one "
                "modality: a Live session answers in one"
            )
        try:
            codec.encode(ClientMessage(setup=self.setup(self.model)))
            if self.extra is not None:
                force_setattr(self, "extra", codec.copy_object(self.extra))
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise ConfigError(
                "system_instruction, tools or extra holds something that cannot be written as JSON"
            ) from None

    @property
    def manual_activity(self) -> bool:
        """Whether this program, not the service, says when the user speaks."""
        detection = self.activity_detection
        return not detection if isinstance(detection, bool) else bool(detection.disabled)

    def setup(self, model_name: str) -> Setup:
        """Build the setup for a model name as the endpoint wants it; `extra` is not in it."""
        instruction = self.system_instruction
        if isinstance(instruction, str):
            instruction = Content.from_text(instruction)
        return Setup(
            model=model_name,
            generation_config=self._generation_config(),
            system_instruction=instruction,
            tools=self._tools(),
            realtime_input_config=self._realtime_input_config(),
            session_resumption=SessionResumptionConfig(self.resumption_handle)
            if self.session_resumption or self.resumption_handle
            else None,
            context_window_compression=ContextWindowCompressionConfig(
                sliding_window=SlidingWindow()
            )
            if self.compression is True
            else self.compression or None,
            input_audio_transcription=_transcription(self.input_transcription),
            output_audio_transcription=_transcription(self.output_transcription),
        )

    def _generation_config(self) -> GenerationConfig:
        speech = None
        if self.voice is not None or self.language is not None:
            voice = None
            if self.voice is not None:
                voice = VoiceConfig(PrebuiltVoiceConfig(self.voice))
            speech = SpeechConfig(voice, self.language)
        return GenerationConfig(
            response_modalities=tuple(self.response_modalities),
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_output_tokens=self.max_output_tokens,
            seed=self.seed,
            speech_config=speech,
            thinking_config=self.thinking,
        )

    def _tools(self) -> tuple[Tool, ...] | None:
        functions = tuple(tool for tool in self.tools if isinstance(tool, FunctionDeclaration))
        tools = tuple(tool for tool in self.tools if isinstance(tool, Tool))
        if functions:
            tools = (Tool(function_declarations=functions), *tools)
        return tools or None  # an empty list is refused by some models

    def _realtime_input_config(self) -> RealtimeInputConfig | None:
        setting = self.activity_detection
        detection: AutomaticActivityDetection | None = None
        if isinstance(setting, AutomaticActivityDetection):
            detection = setting
        elif not setting:
            detection = AutomaticActivityDetection(disabled=True)
        built = RealtimeInputConfig(detection, self.activity_handling, self.turn_coverage)
        return built if built != RealtimeInputConfig() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportConfig:
    """How a session connects, and how much it may hold.

    Attributes:
        connect_timeout: Seconds for the name, TCP, TLS and the HTTP upgrade together.
        setup_timeout: Seconds from then to the service's setupComplete.
        close_timeout: Seconds that a normal end may take to write what was accepted and to say
            goodbye.
        ssl_context: For wss URLs; None shares one default context among all sessions.
        proxy: The URL of a proxy, "http://user:password@host:port" or with https, socks4 or socks5
            (extra `proxy`); True reads `https_proxy`, `all_proxy` and `no_proxy` from the
            environment, as curl does; None connects directly. Not in the repr.
        max_message_bytes: A server message beyond it ends the connection with 1009.
        send_buffer_bytes: Sends wait while more than this is accepted and not yet written.
        max_buffered_events: The bound of the session's own event iteration, in events.
        max_buffered_bytes: The same in bytes of payload.
        transport: The WebSocket library under the session: "trio-websocket", or the faster
            "websockets" (extra `fast`).
        dialer: Another way to connect than these two; see `trio_live.transport.interface`.
    """

    connect_timeout: float = 10.0
    setup_timeout: float = 10.0
    close_timeout: float = 5.0
    ssl_context: ssl.SSLContext | None = None
    proxy: ProxySetting = field(default=True, repr=False)
    max_message_bytes: int = 64 * MEBIBYTE
    send_buffer_bytes: int = 256 * 1024
    max_buffered_events: int = 16_384
    max_buffered_bytes: int = 16 * MEBIBYTE
    transport: Literal["trio-websocket", "websockets"] = "trio-websocket"
    dialer: Dialer | None = None

    def __post_init__(self) -> None:
        check_proxy(self.proxy)
        if self.transport not in ("trio-websocket", "websockets"):
            raise ConfigError(
                f'transport={self.transport!r} must be "trio-websocket" or "websockets"'
            )
        for name in ("connect_timeout", "setup_timeout", "close_timeout"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ConfigError(f"{name}={value!r} must be a number of seconds above 0")
            if isinstance(value, int) and value > 1e9:  # an int can be more than any clock takes
                raise ConfigError(f"{name} must be at most 1e9 seconds")
        for name in (
            "max_message_bytes",
            "send_buffer_bytes",
            "max_buffered_events",
            "max_buffered_bytes",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name}={value!r} must be a whole number above 0")


def merge(base: dict[str, object], extra: Mapping[str, object]) -> dict[str, object]:
    """Merge raw fields into a JSON object, at any depth; `extra` wins; neither is changed."""
    merged = dict(base)
    for name, value in extra.items():
        old = merged.get(name)
        if isinstance(old, dict) and isinstance(value, Mapping):
            merged[name] = merge(
                cast("dict[str, object]", old), cast("Mapping[str, object]", value)
            )
        else:
            merged[name] = value
    return merged


def _transcription(setting: bool | AudioTranscriptionConfig) -> AudioTranscriptionConfig | None:
    if isinstance(setting, AudioTranscriptionConfig):
        return setting
    return AudioTranscriptionConfig() if setting else None


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name} must be a text that is not empty, not {type(value).__name__}")


def _check_kind(name: str, value: object, kinds: tuple[type, ...]) -> None:
    if value is not None and not isinstance(value, kinds):
        raise ConfigError(f"{name} must be {_either(kinds)}, not {type(value).__name__}")


def _check_number(
    name: str, value: object, low: float, high: float, kinds: tuple[type, ...]
) -> None:
    if isinstance(value, bool):
        raise ConfigError(f"{name} must be {_either(kinds)}, not bool")
    _check_kind(name, value, kinds)
    if value is not None and not low <= cast("float", value) <= high:
        raise ConfigError(f"{name}={value!r} must lie between {low} and {high}")


def _checked_items(name: str, values: object, kinds: tuple[type, ...]) -> tuple[object, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ConfigError(f"{name} must be a list or tuple, not {type(values).__name__}")
    items = tuple(cast("Sequence[object]", values))
    for item in items:
        if not isinstance(item, kinds):
            raise ConfigError(f"{name} must hold {_either(kinds)}, not {type(item).__name__}")
    return items


def _either(kinds: tuple[type, ...]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)
