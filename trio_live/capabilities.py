"""What a model can do, as a table by model name: Capabilities, capabilities_of().

What lives here: facts about models. What must not: what follows from them (rules.py). The service
changes monthly, so the table only says what is known, says nothing of a model that is not in it,
and gives way to `SessionConfig(capabilities=...)`. Sources: the model guides of ai.google.dev and
google-gemini/gemini-skills, `gemini-live-api-dev`, read November 2026.
"""

from __future__ import annotations

import functools
import re
from typing import Final, Literal, TypeAlias

from trio_live.wire.base import Data

TurnsUse: TypeAlias = Literal["any time", "initial history"]
"""When a model takes `clientContent`: in the whole session, or as its initial history only."""


class Capabilities(Data, frozen=True, kw_only=True):
    """What a model can do. None says that nothing is known: then nothing is assumed or checked.

    Attributes:
        response_modalities: What it can answer with.
        client_content: When it takes `clientContent`, which is what `send_text()` and
            `send_client_content()` send: "any time", or as "initial history" only.
        initial_history: Whether it takes `initial_history`.
        history_ends_with_user: Whether a history that was not announced must end with a turn of
            the user.
        thinking_budget: Whether thinking is set by a budget in tokens.
        thinking_levels: The levels by which thinking is set; () if it is not set so. A model with
            neither budget nor levels refuses every `thinking`.
        behaviors: The kinds of functions, of "BLOCKING" and "NON_BLOCKING"; what a declaration
            that says nothing means is the first.
        scheduling: Whether an answer to a call may say when the model takes notice of it.
        proactive_audio: The values that `proactive_audio` may have; () if the model refuses every
            `proactivity`.
        affective_dialog: Whether it reacts to how the user sounds.
        alpha: Which of `proactivity` and `affective_dialog` the Gemini API has in its version
            v1alpha only.
        audio_during_calls: Whether it takes audio while a BLOCKING call is open. Not checked, since
            a microphone does not stop by itself: see where a program has to.
    """

    response_modalities: tuple[str, ...] | None = None
    client_content: TurnsUse | None = None
    initial_history: bool | None = None
    history_ends_with_user: bool | None = None
    thinking_budget: bool | None = None
    thinking_levels: tuple[str, ...] | None = None
    behaviors: tuple[str, ...] | None = None
    scheduling: bool | None = None
    proactive_audio: tuple[bool, ...] | None = None
    affective_dialog: bool | None = None
    alpha: tuple[str, ...] | None = None
    audio_during_calls: bool | None = None


UNKNOWN: Final = Capabilities()
"""A model of which nothing is known."""

_VERSION: Final = r"(-preview)?(-latest|(-[0-9]+)+)?"


class Generation(Data, frozen=True):
    """A row of the table.

    Attributes:
        title: What such models are called.
        names: Their names, as a regular expression that the whole name must match.
        known: What is known of them.
    """

    title: str
    names: str
    known: Capabilities


MODELS: Final[tuple[Generation, ...]] = (
    Generation(
        "2.5 native audio",
        r"gemini-(live-)?2\.5-flash(-preview)?-native-audio(-dialog)?" + _VERSION,
        Capabilities(
            response_modalities=("AUDIO",),
            client_content="any time",
            initial_history=False,
            history_ends_with_user=True,
            thinking_budget=True,
            thinking_levels=(),
            behaviors=("BLOCKING", "NON_BLOCKING"),
            scheduling=True,
            proactive_audio=(True, False),
            affective_dialog=True,
            alpha=("proactivity", "affective_dialog"),
            audio_during_calls=False,
        ),
    ),
    Generation(
        "3.1 Flash Live",
        r"gemini-3\.1-flash-live" + _VERSION,
        Capabilities(
            client_content="initial history",
            initial_history=True,
            thinking_budget=False,
            behaviors=("BLOCKING",),  # scheduling is ignored for them, which is no refusal
            proactive_audio=(),
            affective_dialog=False,
            audio_during_calls=False,
        ),
    ),
    Generation(
        "3.8 Live",
        r"gemini-3\.8-live" + _VERSION,
        Capabilities(
            client_content="any time",
            initial_history=True,
            thinking_budget=False,
            thinking_levels=(),
            behaviors=("NON_BLOCKING", "BLOCKING"),
            scheduling=True,
            proactive_audio=(True,),
            affective_dialog=False,
        ),
    ),
    Generation(
        "3.8 Live extended thinking",
        r"gemini-3\.8-live-extended-thinking" + _VERSION,
        Capabilities(
            client_content="any time",
            initial_history=True,
            thinking_budget=False,
            thinking_levels=("LOW", "MEDIUM", "HIGH"),
            behaviors=("NON_BLOCKING",),
            scheduling=False,
            proactive_audio=(True,),
            affective_dialog=False,
        ),
    ),
)

# What may stand before a name: no resource name but a published model's says what the model is.
_PREFIX: Final = r"((projects/[^/]+/locations/[^/]+/)?publishers/google/)?(models/)?"


@functools.lru_cache(maxsize=64)  # it is asked three times for each session that is opened
def capabilities_of(model: str) -> Capabilities:
    """Say what is known of a model, by its name with or without a resource name around it.

    A tuned model, or one of another publisher, is unknown whatever it is called.
    """
    for row in MODELS:
        if re.fullmatch(_PREFIX + f"({row.names})", model):
            return row.known
    return UNKNOWN
