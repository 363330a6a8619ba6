"""A music session's side of the conversation, without I/O.

What lives here: from command to frame, with the rules (design law 9), and from frame to events.
What must not: trio, sockets, clocks, logging.

How to drive it: `dial`, send the text of `setup`, `receive_frame` each frame; once `opened`,
`send` commands. `close` when the end begins, `closed` when the connection is gone.

Rules source: "Live Music API reference" and "Music generation using Lyria RealTime", ai.google.dev;
google-genai 3.4 `types.LiveMusicGenerationConfig`; read November 2026.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, TypeAlias, TypeGuard

from trio_live import parts
from trio_live.config import merge
from trio_live.errors import InvalidArgument, InvalidArgumentType, LocalProtocolError
from trio_live.events import Connected, Disconnected, Error, MediaDropped, Unknown
from trio_live.music.commands import (
    ControlPlayback,
    MusicCommand,
    SetMusicGenerationConfig,
    SetWeightedPrompts,
)
from trio_live.music.events import MusicData, PromptFiltered
from trio_live.music.wire import (
    AudioChunk,
    MusicClientContent,
    MusicClientMessage,
    MusicGenerationConfig,
    MusicServerMessage,
    MusicSetup,
    WeightedPrompt,
)
from trio_live.state import PhaseMachine, SessionPhase, Trigger
from trio_live.wire import codec
from trio_live.wire.fields import fields_of
from trio_live.wire.first_look import decoder_of

MusicEvent: TypeAlias = (
    Connected | MusicData | PromptFiltered | Disconnected | Error | Unknown | MediaDropped
)
"""Any event of a music session."""

SAMPLE_RATE_HZ: Final = 48_000
CHANNELS: Final = 2
"""What music has where its mime type does not say it."""

RANGES: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0.0, 3.0),
    "top_k": (1, 1_000),
    "seed": (0, 2**31 - 1),
    "guidance": (0.0, 6.0),
    "bpm": (60, 200),
    "density": (0.0, 1.0),
    "brightness": (0.0, 1.0),
}
CONTROLS: Final = ("PLAY", "PAUSE", "STOP", "RESET_CONTEXT")

_DECODER: Final = decoder_of(MusicServerMessage, strict=False)


class MusicProtocol:
    """One music session's side of the conversation.

    Args:
        model_name: The model's name as the endpoint wants it.
    """

    def __init__(self, model_name: str) -> None:
        self._model_name = model_name
        self._machine = PhaseMachine()
        self._prompted = False  # prompts were sent

    @property
    def phase(self) -> SessionPhase:
        """Where the connection stands; of the conversation's phases there is only ACTIVE."""
        return self._machine.phase

    @property
    def opened(self) -> bool:
        """Whether the setup was accepted and the end has not begun: commands may be sent."""
        return self.phase is SessionPhase.ACTIVE

    def dial(self) -> None:
        """Note that connecting begins."""
        self._machine.fire(Trigger.DIAL)

    def setup(self) -> str:
        """Give the setup frame, the first of the connection, and note that it is sent."""
        self._machine.fire(Trigger.SETUP)
        return codec.encode(MusicClientMessage(setup=MusicSetup(self._model_name)))

    def send(self, command: MusicCommand) -> str:
        """Give the frame for a command, and note that it is sent.

        Raises:
            LocalProtocolError: As `check()`; nothing has changed.
        """
        self.check(command)
        frame = _encode(command)
        self._prompted |= isinstance(command, SetWeightedPrompts)
        return frame

    def check(self, command: MusicCommand) -> None:
        """Check a command against the rules.

        Raises:
            InvalidArgumentType: A value of the wrong type.
            InvalidArgument: A value that the service would refuse.
            LocalProtocolError: Music without prompts.
        """
        match command:
            case SetWeightedPrompts(prompts):
                _check_prompts(prompts)
            case SetMusicGenerationConfig(config):
                _check_config(config)
            case ControlPlayback(control):
                if control not in CONTROLS:
                    raise InvalidArgument(f"control must be one of {', '.join(CONTROLS)}")
                if control == "PLAY" and not self._prompted:
                    raise LocalProtocolError(
                        "there is nothing to play yet: say what with set_weighted_prompts()"
                    )

    def receive_frame(self, frame: str | bytes) -> list[MusicEvent]:
        """Read one frame of the service. Never raises, whatever the frame is."""
        message, leftovers = codec.decode_as(_DECODER, frame)
        happened: list[MusicEvent] = []
        if message.setup_complete is not None:
            self._machine.fire(Trigger.OPEN)
            happened.append(Connected(""))
        if message.server_content is not None:
            happened += map(_music_of, message.server_content.audio_chunks or ())
        if message.filtered_prompt is not None:
            filtered = message.filtered_prompt
            happened.append(PromptFiltered(filtered.text or "", filtered.filtered_reason or ""))
        if message.error is not None:
            happened.append(parts.error_of(message.error, frame))
        happened += map(parts.leftover_of, leftovers)
        return happened

    def close(self) -> None:
        """Note that the end begins: no command is taken from here on."""
        self._machine.fire(Trigger.CLOSE)

    def closed(self) -> None:
        """Note that the connection is gone."""
        self._machine.fire(Trigger.CLOSED)


def _music_of(chunk: AudioChunk) -> MusicData:
    rate, channels = _format_of(chunk.mime_type)
    return MusicData(chunk.data, rate, channels, chunk.mime_type, chunk.source_metadata)


@lru_cache(maxsize=16)
def _format_of(mime_type: str) -> tuple[int, int]:
    return (
        parts.parameter_of(mime_type, "rate", SAMPLE_RATE_HZ),
        parts.parameter_of(mime_type, "channels", CHANNELS),
    )


def _encode(command: MusicCommand) -> str:
    try:
        match command:
            case SetWeightedPrompts(prompts):
                return codec.encode(MusicClientMessage(client_content=MusicClientContent(prompts)))
            case ControlPlayback(control):
                return codec.encode(MusicClientMessage(playback_control=control))
            case SetMusicGenerationConfig(config, extra):
                built = codec.to_object(MusicClientMessage(music_generation_config=config))
                raw = {"musicGenerationConfig": codec.copy(extra or {}, dict[str, object])}
                return codec.encode(merge(built, raw))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        # None of these texts holds a payload, but a UnicodeEncodeError does.
        what = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)
        raise InvalidArgument(
            f"{type(command).__name__} cannot be written as JSON: {what}"
        ) from None


def _check_prompts(prompts: tuple[WeightedPrompt, ...]) -> None:
    if not prompts:
        raise InvalidArgument("prompts is empty: new prompts replace the old ones, so name some")
    for prompt in prompts:
        if not isinstance(prompt, WeightedPrompt):
            raise InvalidArgumentType(
                f"prompts must hold WeightedPrompt, not {type(prompt).__name__}"
            )
        if not isinstance(prompt.text, str) or not prompt.text:
            raise InvalidArgument("the text of a prompt must be a str that is not empty")
        weight: object = prompt.weight
        if not _is_number(weight, float) or not math.isfinite(weight) or weight == 0:
            raise InvalidArgument(
                f"the weight of a prompt must be a number other than 0, not {weight!r}; leave out "
                "a prompt that is not to count"
            )


def _check_config(config: MusicGenerationConfig) -> None:
    if not isinstance(config, MusicGenerationConfig):
        raise InvalidArgumentType(
            f"config must be a MusicGenerationConfig, not {type(config).__name__}"
        )
    for field in fields_of(MusicGenerationConfig):
        value: object = getattr(config, field.name)
        if value is None:
            continue
        if field.name in RANGES:
            if not _is_number(value, field.kind):
                raise InvalidArgumentType(
                    f"{field.name} must be {field.kind.__name__}, not {type(value).__name__}"
                )
            low, high = RANGES[field.name]
            if not low <= value <= high:
                raise InvalidArgument(f"{field.name}={value!r} must lie between {low} and {high}")
        elif field.kind is bool and not isinstance(value, bool):
            raise InvalidArgumentType(f"{field.name} must be a bool, not {type(value).__name__}")
        elif field.values and value not in field.values:
            raise InvalidArgument(
                f"{field.name}={value!r} must be one of {', '.join(field.values)}; what is newer "
                "than that goes into extra"
            )


def _is_number(value: object, kind: type) -> TypeGuard[float]:
    """Whether a value is a number of this kind; whole numbers are floats as well."""
    return isinstance(value, (int, kind)) and not isinstance(value, bool)
