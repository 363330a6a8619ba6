"""SessionConfig: what the service is asked for, and the setup that says it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Final, Self

from msgspec.structs import asdict, fields, force_setattr

from trio_live.capabilities import Capabilities
from trio_live.config import mapping, values
from trio_live.config.arguments import ARGUMENTS
from trio_live.config.merging import look_up, merge
from trio_live.errors import ConfigError
from trio_live.wire import codec
from trio_live.wire.base import Data
from trio_live.wire.content import Content
from trio_live.wire.generation import GenerationConfig, ThinkingConfig, TranslationConfig
from trio_live.wire.setup import (
    AutomaticActivityDetection,
    AvatarConfig,
    ContextWindowCompressionConfig,
    HistoryConfig,
    ProactivityConfig,
    RealtimeInputConfig,
    SafetySetting,
    SessionResumptionConfig,
    Setup,
    SlidingWindow,
)
from trio_live.wire.speech import PrebuiltVoiceConfig, SpeechConfig, VoiceConfig
from trio_live.wire.tools import FunctionDeclaration, Tool, ToolConfig, declared_twice, gather
from trio_live.wire.transcription import AudioTranscriptionConfig

# What `generation` must not have, since an argument of its own says it: field -> argument.
_OWN: Final = {
    argument.place.name: name
    for name, argument in ARGUMENTS.items()
    if argument.place is not None and argument.place.owner is GenerationConfig
}


class _Model(Data, frozen=True):
    model: str


class SessionConfig(_Model, frozen=True, kw_only=True):
    """What the service is asked for. Frozen; one config serves any number of sessions.

    It keeps copies of what it is given. The mappings in them are plain dicts: do not change them.

    What platform and model do not take is told by `open_session()`, before anything is opened. None
    as the value of any argument but `model` stands for its default.

    Attributes:
        model: The model's name, with or without "models/"; the only positional argument.
        system_instruction: Text (or Content of text parts) that holds for the whole session.
        response_modalities: What the model answers with: ("AUDIO",), ("TEXT",), or, with an
            `avatar`, ("VIDEO",); one of them.
        voice: The name of a prebuilt voice, such as "Puck".
        language: The language of speech as a BCP-47 code, such as "de-DE".
        speech: Voice and language in full, in place of `voice` and `language`.
        temperature: Sampling temperature, 0.0 to 2.0.
        top_p: Nucleus sampling, 0.0 to 1.0.
        top_k: Sample from that many tokens at most.
        max_output_tokens: A bound on each answer.
        candidate_count: How many answers to generate.
        presence_penalty: Above 0: fewer tokens that have been used already; -2.0 to 2.0.
        frequency_penalty: Above 0: fewer tokens, the more they have been used; -2.0 to 2.0.
        seed: Makes sampling repeatable where the model supports it.
        media_resolution: How finely images and video are tokenised, as "MEDIA_RESOLUTION_LOW",
            "MEDIA_RESOLUTION_MEDIUM" or "MEDIA_RESOLUTION_HIGH".
        thinking: How much the model thinks.
        affective_dialog: Whether the model reacts to how the user sounds.
        translation: Into which language a translation model translates.
        generation: What else there is in the service's generation config.
        tools: What the model may use; bare function declarations are put into one tool.
        tool_config: How tools are used.
        safety_settings: What is blocked, one setting for each kind of harm.
        input_transcription: Send transcripts of the user's speech; a config instead of True refines
            it.
        output_transcription: Send transcripts of the model's speech, likewise.
        activity_detection: True lets the service detect speech; False means that this program says
            when the user speaks, with `signal_activity_start()` and `signal_activity_end()`; a
            config refines the service's detection.
        activity_handling: "START_OF_ACTIVITY_INTERRUPTS" or "NO_INTERRUPTION"; None: the service's
            default.
        turn_coverage: Which input belongs to a turn, by the service's enum; None: its default.
        interim_timestamps: Whether interim transcripts carry times.
        session_resumption: Ask for resumption handles; a config instead of True may ask for
            transparent resumption.
        resumption_handle: Resume the session that this handle names. A secret.
        compression: True for the service's own context compression; a config refines it.
        proactivity: Whether the model may stay silent when it is not addressed; a config also lets
            it speak about what it sees.
        initial_history: Whether the first `clientContent`, up to `turn_complete`, is a history
            that the model does not answer.
        avatar: A talking avatar.
        explicit_vad_signal: Whether the service sends `voiceActivity`.
        labels: The caller's own names and values, for billing and reports.
        extra: Raw setup fields in the wire's spelling, merged in last and at any depth; a list
            replaces the list that was there. Not checked: the way to what this version does not
            know.
        capabilities: What the model can do, in place of what `capabilities_of()` says of it;
            `Capabilities()` checks nothing.

    Raises:
        ConfigError: A value is out of its range or of a wrong type, or two exclude each other; the
            message names the argument, the value and the rule.
    """

    system_instruction: str | Content | None = None
    response_modalities: Sequence[str] = ("AUDIO",)
    voice: str | None = None
    language: str | None = None
    speech: SpeechConfig | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = None
    candidate_count: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    media_resolution: str | None = None
    thinking: ThinkingConfig | None = None
    affective_dialog: bool | None = None
    translation: TranslationConfig | None = None
    generation: GenerationConfig | None = None
    tools: Sequence[Tool | FunctionDeclaration] = ()
    tool_config: ToolConfig | None = None
    safety_settings: Sequence[SafetySetting] = ()
    input_transcription: bool | AudioTranscriptionConfig = False
    output_transcription: bool | AudioTranscriptionConfig = False
    activity_detection: bool | AutomaticActivityDetection = True
    activity_handling: str | None = None
    turn_coverage: str | None = None
    interim_timestamps: bool | None = None
    session_resumption: bool | SessionResumptionConfig = True
    resumption_handle: str | None = None
    compression: bool | ContextWindowCompressionConfig = False
    proactivity: bool | ProactivityConfig | None = None
    initial_history: bool | HistoryConfig = False
    avatar: AvatarConfig | None = None
    explicit_vad_signal: bool | None = None
    labels: Mapping[str, str] | None = None
    extra: Mapping[str, object] | None = None
    capabilities: Capabilities | None = None

    def __post_init__(self) -> None:
        # What is kept are copies, so that a list or object which changes later changes nothing.
        for name, default in _defaults(type(self)):
            value: object = getattr(self, name)
            if value is default and name != "model":
                continue  # to check all of them took 17.5 us instead of 7.5 (timeit)
            if value is None:
                value = default
            force_setattr(self, name, values.read(name, ARGUMENTS[name], value))
        self._check_together()

    @classmethod
    def from_dict(cls, settings: Mapping[str, object]) -> Self:
        """Make a config from plain values, as JSON, TOML or YAML have them.

        Args:
            settings: The arguments by name. In place of a struct stands a mapping, whose names are
                those of the struct's attributes or those of the wire: "thinking_budget" or
                "thinkingBudget". An item of `tools` with a "name" is a function declaration. Bytes
                may also be base64 texts. `extra` is kept as it is.

        Raises:
            ConfigError: As for the arguments; or a name is unknown at any depth, or is given in
                both spellings. The message says where.
        """
        return cls(**mapping.arguments_from(settings))

    @property
    def manual_activity(self) -> bool:
        """Whether this program, not the service, says when the user speaks; `extra` counts."""
        config = self._realtime_input_config()
        fields: dict[str, object]
        fields = {} if config is None else {"realtimeInputConfig": codec.to_object(config)}
        path = ("realtimeInputConfig", "automaticActivityDetection", "disabled")
        return look_up(merge(fields, self.extra or {}), *path) is True

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
            session_resumption=self._session_resumption(),
            context_window_compression=ContextWindowCompressionConfig(
                sliding_window=SlidingWindow()
            )
            if self.compression is True
            else self.compression or None,
            input_audio_transcription=_transcription(self.input_transcription),
            output_audio_transcription=_transcription(self.output_transcription),
            proactivity=ProactivityConfig(self.proactivity)
            if isinstance(self.proactivity, bool)
            else self.proactivity,
            explicit_vad_signal=self.explicit_vad_signal,
            history_config=HistoryConfig(True)
            if self.initial_history is True
            else self.initial_history or None,
            avatar_config=self.avatar,
            safety_settings=tuple(self.safety_settings) or None,
            labels=dict(self.labels) if self.labels else None,
            tool_config=self.tool_config,
        )

    def _generation_config(self) -> GenerationConfig:
        speech = self.speech
        if self.voice is not None or self.language is not None:
            voice = None
            if self.voice is not None:
                voice = VoiceConfig(PrebuiltVoiceConfig(self.voice))
            speech = SpeechConfig(voice, self.language)
        rest = asdict(self.generation or GenerationConfig())
        own = GenerationConfig(
            response_modalities=tuple(self.response_modalities),
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_output_tokens=self.max_output_tokens,
            seed=self.seed,
            media_resolution=self.media_resolution,
            speech_config=speech,
            thinking_config=self.thinking,
            candidate_count=self.candidate_count,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            enable_affective_dialog=self.affective_dialog,
            translation_config=self.translation,
        )
        return GenerationConfig(**{**rest, **{name: getattr(own, name) for name in _OWN}})

    def _tools(self) -> tuple[Tool, ...] | None:
        return gather(self.tools) or None  # an empty list is refused by some models

    def _realtime_input_config(self) -> RealtimeInputConfig | None:
        setting = self.activity_detection
        detection: AutomaticActivityDetection | None = None
        if isinstance(setting, AutomaticActivityDetection):
            detection = setting
        elif not setting:
            detection = AutomaticActivityDetection(disabled=True)
        built = RealtimeInputConfig(
            detection, self.activity_handling, self.turn_coverage, self.interim_timestamps
        )
        return built if built != RealtimeInputConfig() else None

    def _session_resumption(self) -> SessionResumptionConfig | None:
        setting = self.session_resumption
        if isinstance(setting, SessionResumptionConfig):
            return SessionResumptionConfig(self.resumption_handle, setting.transparent)
        wanted = setting or self.resumption_handle is not None
        return SessionResumptionConfig(self.resumption_handle) if wanted else None

    def _check_together(self) -> None:
        """Check what two arguments say together."""
        if len(self.response_modalities) != 1:
            raise ConfigError(
                f"response_modalities={list(self.response_modalities)!r} must name exactly one "
                "modality: a Live session answers in one"
            )
        if self.speech is not None:
            for name in ("voice", "language"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"{name} and speech exclude each other: say it in speech")
        speaks = self.voice is not None or (
            self.speech is not None and self.speech.voice_config is not None
        )
        if speaks and "TEXT" in self.response_modalities:
            raise ConfigError(
                "voice and speech need response_modalities=['AUDIO'], or ['VIDEO'] with an avatar, "
                "not ['TEXT']: the service refuses a voice for what is not spoken"
            )
        for name, argument in _OWN.items():
            if getattr(self.generation, name, None) is not None:
                raise ConfigError(
                    f"generation.{name} has an argument of its own: say it as {argument}="
                )
        if (twice := declared_twice(gather(self.tools))) is not None:
            raise ConfigError(f"tools has two functions of the name {twice!r}: calls go by name")
        resumption = self.session_resumption
        if isinstance(resumption, SessionResumptionConfig) and resumption.handle is not None:
            raise ConfigError(
                "session_resumption.handle has an argument of its own: say it as resumption_handle="
            )
        compression = self.compression
        if isinstance(compression, ContextWindowCompressionConfig):
            window = compression.sliding_window
            trigger = compression.trigger_tokens
            target = None if window is None else window.target_tokens
            if trigger is not None and target is not None and target >= trigger:
                raise ConfigError(
                    f"compression.sliding_window.target_tokens={target} must be below "
                    f"trigger_tokens={trigger}: a compression leaves less than what started it"
                )
        proactivity = self.proactivity
        if (
            isinstance(proactivity, ProactivityConfig)
            and proactivity.proactive_video
            and proactivity.proactive_audio is False
        ):
            raise ConfigError("proactivity.proactive_video=True needs proactive_audio=True")


@functools.cache
def _defaults(kind: type[SessionConfig]) -> tuple[tuple[str, object], ...]:
    """Give the arguments with their defaults. Once: asking msgspec takes 1 ms (measured)."""
    return tuple((field.name, None if field.required else field.default) for field in fields(kind))


def _transcription(setting: bool | AudioTranscriptionConfig) -> AudioTranscriptionConfig | None:
    if isinstance(setting, AudioTranscriptionConfig):
        return setting
    return AudioTranscriptionConfig() if setting else None
