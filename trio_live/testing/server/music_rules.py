"""What a client of a music session may say: the fields of its messages, and the rules for values.

Sources: "Live Music API reference", ai.google.dev, and google-genai 3.4.0 `types.py`
(`LiveMusicClientMessage` and what it holds), read November 2026. The words with which the service
refuses music messages are not known publicly; they are those of Live sessions here.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from .access import Entrance
from .grammar import BOOL, FLOAT, INT32, STRING, Choice, Message, Repeated
from .shapes import JsonObject, get_objects, get_text, invalid_argument
from .terms import check_model

SCALES: Final = frozenset(
    {
        "SCALE_UNSPECIFIED",
        "C_MAJOR_A_MINOR",
        "D_FLAT_MAJOR_B_FLAT_MINOR",
        "D_MAJOR_B_MINOR",
        "E_FLAT_MAJOR_C_MINOR",
        "E_MAJOR_D_FLAT_MINOR",
        "F_MAJOR_D_MINOR",
        "G_FLAT_MAJOR_E_FLAT_MINOR",
        "G_MAJOR_E_MINOR",
        "A_FLAT_MAJOR_F_MINOR",
        "A_MAJOR_G_FLAT_MINOR",
        "B_FLAT_MAJOR_G_MINOR",
        "B_MAJOR_A_FLAT_MINOR",
    }
)
MODES: Final = frozenset(
    {"MUSIC_GENERATION_MODE_UNSPECIFIED", "QUALITY", "DIVERSITY", "VOCALIZATION"}
)
CONTROLS: Final = frozenset(
    {"PLAYBACK_CONTROL_UNSPECIFIED", "PLAY", "PAUSE", "STOP", "RESET_CONTEXT"}
)
RANGES: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0, 3),
    "topK": (1, 1000),
    "seed": (0, 2**31 - 1),
    "guidance": (0, 6),
    "bpm": (60, 200),
    "density": (0, 1),
    "brightness": (0, 1),
}
MUSIC_MESSAGE: Final = Message(
    {
        "setup": Message({"model": STRING}),
        "clientContent": Message(
            {"weightedPrompts": Repeated(Message({"text": STRING, "weight": FLOAT}))}
        ),
        "musicGenerationConfig": Message(
            {
                "temperature": FLOAT,
                "topK": INT32,
                "seed": INT32,
                "guidance": FLOAT,
                "bpm": INT32,
                "density": FLOAT,
                "brightness": FLOAT,
                "scale": Choice(SCALES),
                "muteBass": BOOL,
                "muteDrums": BOOL,
                "onlyBassAndDrums": BOOL,
                "musicGenerationMode": Choice(MODES),
            }
        ),
        "playbackControl": Choice(CONTROLS),
    }
)


def check_setup(setup: JsonObject, entrance: Entrance, models: Collection[str] | None) -> None:
    """Refuse a setup whose model is none, or does not exist.

    Raises:
        Refusal: the service would close the connection instead of answering `setupComplete`.
    """
    check_model(get_text(setup, "model"), entrance, models)


def check_prompts(content: JsonObject) -> dict[str, float]:
    """Return the prompts of a clientContent: text to weight, the weights normalised.

    Raises:
        Refusal: there is none, or one without text or weight.
    """
    prompts: dict[str, float] = {}
    for prompt in get_objects(content, "weightedPrompts"):
        text, weight = get_text(prompt, "text"), prompt.get("weight")
        if not text:
            raise invalid_argument("a prompt has no text")
        if not isinstance(weight, int | float) or not weight or not math.isfinite(weight):
            raise invalid_argument("the weight of a prompt must not be 0")
        prompts[text] = prompts.get(text, 0.0) + weight
    if not prompts:
        raise invalid_argument("there are no prompts")
    total = sum(map(abs, prompts.values())) or 1.0
    return {text: weight / total for text, weight in prompts.items()}


def check_config(config: JsonObject) -> None:
    """Refuse a config with a value out of its range.

    Raises:
        Refusal: there is one.
    """
    for name, (low, high) in RANGES.items():
        value = config.get(name, low)
        # proto3 JSON also writes whole numbers as strings
        if not isinstance(value, int | float | str) or not low <= float(value) <= high:
            raise invalid_argument(f"{name} must lie between {low} and {high}")


def check_control(control: object, *, prompted: bool) -> None:
    """Refuse a control that means nothing, or music before there are prompts.

    Raises:
        Refusal: it is one of these.
    """
    if control == "PLAYBACK_CONTROL_UNSPECIFIED":
        raise invalid_argument("playbackControl is unspecified")
    if control == "PLAY" and not prompted:
        raise invalid_argument("PLAY before there are prompts")
