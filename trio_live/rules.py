"""What a platform or a model does not take, told before it is sent (design law 9).

What lives here: the rules that follow from the marks of the wire structs, from PLATFORM_RANGES and
from Capabilities. What must not: facts about models (capabilities.py), rules that hold everywhere
(config/, outbound.py). Platform unknown, or nothing known of the model: nothing is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from trio_live.capabilities import Capabilities, capabilities_of
from trio_live.errors import ConfigError, InvalidArgument, LocalProtocolError
from trio_live.wire.client import ClientMessage
from trio_live.wire.fields import refused, set_fields
from trio_live.wire.marks import Platform
from trio_live.wire.setup import ContextWindowCompressionConfig, Setup, SlidingWindow

if TYPE_CHECKING:
    from trio_live.config import SessionConfig
    from trio_live.wire.generation import GenerationConfig
    from trio_live.wire.tools import Tool

# (struct, field) -> platform, and the least and greatest value there. Source: "Start and manage
# live sessions", docs.cloud.google.com, read November 2026.
PLATFORM_RANGES: Final[dict[tuple[type[msgspec.Struct], str], tuple[Platform, int, int]]] = {
    (ContextWindowCompressionConfig, "trigger_tokens"): (Platform.VERTEX, 5_000, 128_000),
    (SlidingWindow, "target_tokens"): (Platform.VERTEX, 0, 128_000),
}

_EARLY: Final = "v1alpha"  # the version that has what Capabilities.alpha names
_UNLESS_SETUP: Final = (
    "if the model does take it, say so with capabilities=, or pass it unchecked in extra="
)
_UNLESS_SENT: Final = (
    "if the model does take it, say so with capabilities=, or use send_raw(), which is unchecked"
)


def check_setup(
    config: SessionConfig, platform: Platform | None, version: str | None = None
) -> None:
    """Check a config against the platform that it goes to and the model that it names.

    `extra` is not looked at.

    Args:
        config: The config.
        platform: Where it goes; None: unknown.
        version: The version of that API; None: unknown.

    Raises:
        ConfigError: The platform or the model does not take it; the message names the field by its
            path on the wire, and the way out.
    """
    setup = config.setup(config.model)
    if platform is not None:
        for problem in _platform_problems(ClientMessage(setup=setup), platform):
            raise ConfigError(f"{problem}; leave it out, or pass it unchecked in extra=")
        for problem in _range_problems(setup, platform):
            raise ConfigError(f"{problem}; extra= passes it unchecked")
    if platform is Platform.GEMINI and version not in (None, _EARLY):
        for problem in _early_problems(config):
            raise ConfigError(
                f"{problem}, not in {version} ({config.model}); connect with "
                f'api_version="{_EARLY}", or pass it unchecked in extra='
            )
    for problem in _model_problems(setup, known_of(config)):
        raise ConfigError(f"{problem} ({config.model}); {_UNLESS_SETUP}")


class MessageRules:
    """The same for what is sent in a session.

    Args:
        config: What the session is.
        platform: Where it is; None: unknown.
    """

    def __init__(self, config: SessionConfig, platform: Platform | None) -> None:
        self._model = config.model
        self._known = known_of(config)
        self._platform = platform

    def admit(self, message: ClientMessage, *, initial: bool) -> None:
        """Check the message of a command, the last check before it is sent.

        Args:
            message: The message.
            initial: Whether turns are the initial history, which has been announced.

        Raises:
            InvalidArgument: A field that the platform or the model does not take.
            LocalProtocolError: A message that the model does not take at this time.
        """
        only = self._known.client_content == "initial history"
        if message.client_content is not None and only and not initial:
            raise LocalProtocolError(
                f"{self._model} takes clientContent as its initial history only, with "
                "initial_history=True in the SessionConfig; use send_realtime_text(); "
                f"{_UNLESS_SENT}"
            )
        for problem in _role_problems(message, self._platform):
            raise InvalidArgument(f"{problem}; send_raw() is unchecked")
        for problem in _command_problems(message, self._known):
            raise InvalidArgument(f"{problem} ({self._model}); {_UNLESS_SENT}")
        if self._platform is not None:
            for problem in _platform_problems(message, self._platform):
                raise InvalidArgument(
                    f"{problem}; leave it out, or use send_raw(), which is unchecked"
                )


def known_of(config: SessionConfig) -> Capabilities:
    """Say what is known of the model of a config: what the config says, or else the table."""
    return capabilities_of(config.model) if config.capabilities is None else config.capabilities


def _platform_problems(message: ClientMessage, platform: Platform) -> Iterator[str]:
    for path in refused(message, platform):
        yield f"{path}: {platform.value} has no such field"


def _range_problems(setup: Setup, platform: Platform) -> Iterator[str]:
    for path, field, value in set_fields(setup, "setup"):
        where, low, high = PLATFORM_RANGES.get((field.owner, field.name), (None, 0, 0))
        if where is platform and isinstance(value, int) and not low <= value <= high:
            yield f"{path}={value} must lie between {low} and {high} on {platform.value}"


def _early_problems(config: SessionConfig) -> Iterator[str]:
    for name in known_of(config).alpha or ():
        if getattr(config, name) is not None:
            yield f"{name}: the Gemini API has it for this model in {_EARLY} only"


def _model_problems(setup: Setup, known: Capabilities) -> Iterator[str]:
    if setup.generation_config is not None:
        yield from _generation_problems(setup.generation_config, known)
    yield from _tool_problems("setup.tools", setup.tools, known)
    audio = None if setup.proactivity is None else setup.proactivity.proactive_audio
    if setup.proactivity is not None and known.proactive_audio == ():
        yield "setup.proactivity: the model takes no proactivity"
    elif audio is not None and audio not in (known.proactive_audio or (audio,)):
        yield (
            f"setup.proactivity.proactiveAudio={audio}: the model takes "
            f"{_either(known.proactive_audio or ())} only"
        )
    if (
        setup.history_config is not None
        and setup.history_config.initial_history_in_client_content
        and known.initial_history is False
    ):
        yield "setup.historyConfig: the model takes no initial history"


def _generation_problems(generation: GenerationConfig, known: Capabilities) -> Iterator[str]:
    path = "setup.generationConfig"
    modalities = known.response_modalities
    for modality in generation.response_modalities or ():
        if modalities is not None and modality not in modalities:
            yield (
                f"{path}.responseModalities=[{modality}]: the model answers in "
                f"{_either(modalities)} only"
            )
    if generation.enable_affective_dialog and known.affective_dialog is False:
        yield f"{path}.enableAffectiveDialog: the model has no affective dialog"
    thinking = generation.thinking_config
    if thinking is None:
        return
    budget, level = thinking.thinking_budget, thinking.thinking_level
    if known.thinking_budget is False and known.thinking_levels == ():
        yield f"{path}.thinkingConfig: the model takes no thinking config"
    elif budget is not None and known.thinking_budget is False:
        yield f"{path}.thinkingConfig.thinkingBudget: the model takes a thinking_level only"
    elif level is not None and known.thinking_levels == ():
        yield f"{path}.thinkingConfig.thinkingLevel: the model takes a thinking_budget only"
    elif level is not None and level not in (known.thinking_levels or (level,)):
        yield (
            f"{path}.thinkingConfig.thinkingLevel={level}: the model takes "
            f"{_either(known.thinking_levels or ())} only"
        )


def _tool_problems(path: str, tools: tuple[Tool, ...] | None, known: Capabilities) -> Iterator[str]:
    for number, tool in enumerate(tools or ()):
        for index, function in enumerate(tool.function_declarations or ()):
            behavior = function.behavior
            if behavior is not None and behavior not in (
                "UNSPECIFIED",
                *(known.behaviors or (behavior,)),
            ):
                yield (
                    f"{path}[{number}].functionDeclarations[{index}].behavior={behavior}: the "
                    f"model's functions are {_either(known.behaviors or ())} only"
                )


def _role_problems(message: ClientMessage, platform: Platform | None) -> Iterator[str]:
    """Name the roles that nobody has; "system" is Vertex AI's, and may be another platform's."""
    roles = (None, "user", "model", *(() if platform is Platform.GEMINI else ("system",)))
    content = message.client_content
    for index, turn in enumerate((content and content.turns) or ()):
        if turn.role not in roles:
            known = _either(roles[1:])
            yield f"clientContent.turns[{index}].role must be {known}"


def _command_problems(message: ClientMessage, known: Capabilities) -> Iterator[str]:
    if message.tool_response is not None and known.scheduling is False:
        for index, response in enumerate(message.tool_response.function_responses):
            if response.scheduling is not None:
                yield (
                    f"toolResponse.functionResponses[{index}].scheduling={response.scheduling}: "
                    "the model has no scheduling"
                )
    update = message.context_update
    if update is not None and update.tools is not None:
        yield from _tool_problems("contextUpdate.tools.tools", update.tools.tools, known)


def _either(values: tuple[object, ...]) -> str:
    return " or ".join(str(value) for value in values)
