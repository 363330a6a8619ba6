"""What the generations of models do differently, as data; a model's generation is in its name.

What lives here: one table. What must not: acting on it (terms.py, conversation.py, realtime.py,
reply.py). Of a name that is not known nothing is assumed: it gets what any generation is known to
take, and answers in the plainest form.

Sources: the Live API guides and the migration notes of the models 2.5, 3.1 and 3.8, read November
2026, and what developers report where the guides are silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from .access import Platform

_EVERYWHERE: Final = frozenset(Platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a generation takes and does.

    Attributes:
        platforms: where its models are.
        content_later: whether clientContent is taken after the initial history.
        content_interrupts: whether clientContent stops an answer even without turnComplete.
        media_chunks: whether realtimeInput.mediaChunks is still taken; its first chunk counts.
        empty_tools: whether `tools: []` is taken for no tools.
        early_audio: whether audio before activityStart is dropped; else it is refused.
        thinking_budget: whether thinkingConfig takes a budget.
        thinking_levels: the levels that it takes; with none, and no budget, no thinkingConfig.
        affective_dialog: whether enableAffectiveDialog is taken.
        proactivity: whether proactivity is taken at all.
        always_proactive: whether it cannot be switched off.
        alpha: whether these two need the version v1alpha on the Gemini Developer API.
        blocking: whether functions may be BLOCKING.
        non_blocking: whether functions may be NON_BLOCKING.
        scheduling: whether an answer to a call may say when the model takes notice of it.
        history: whether historyConfig is taken.
        activity_video_only: whether, by default on the Gemini Developer API, only images within
            an activity belong to the turn.
        bundles: where several fields come in one serverContent.
        reports_status: whether turnComplete comes with an interactionStatus.
    """

    platforms: frozenset[Platform] = _EVERYWHERE
    content_later: bool = True
    content_interrupts: bool = False
    media_chunks: bool = True
    empty_tools: bool = True
    early_audio: bool = True
    thinking_budget: bool = True
    thinking_levels: frozenset[str] = frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"})
    affective_dialog: bool = True
    proactivity: bool = True
    always_proactive: bool = False
    alpha: bool = False
    blocking: bool = True
    non_blocking: bool = True
    scheduling: bool = True
    history: bool = True
    activity_video_only: bool = False
    bundles: frozenset[Platform] = frozenset()
    reports_status: bool = False


NOTHING_ASSUMED: Final = Generation()

_2_5: Final = Generation(
    content_interrupts=True,
    thinking_levels=frozenset(),
    alpha=True,
    history=False,
    activity_video_only=True,
    bundles=frozenset({Platform.VERTEX}),
)
_3_1: Final = Generation(
    platforms=frozenset({Platform.GEMINI}),
    content_later=False,
    media_chunks=False,
    empty_tools=False,
    early_audio=False,
    thinking_budget=False,
    affective_dialog=False,
    proactivity=False,
    non_blocking=False,
    bundles=_EVERYWHERE,
)
_3_8: Final = Generation(
    media_chunks=False,
    empty_tools=False,
    early_audio=False,
    thinking_budget=False,
    thinking_levels=frozenset(),
    affective_dialog=False,
    always_proactive=True,
    bundles=_EVERYWHERE,
)
_3_8_EXTENDED: Final = replace(
    _3_8,
    thinking_levels=frozenset({"LOW", "MEDIUM", "HIGH"}),
    blocking=False,
    scheduling=False,
    reports_status=True,
)

# The first that fits the model's name, without what is before it in the resource name.
_NAMES: Final = (
    (re.compile(r"gemini-(live-)?2\.5-.*"), _2_5),
    (re.compile(r"gemini-3\.1-.*"), _3_1),
    (re.compile(r"gemini-3\.8-live-extended-thinking.*"), _3_8_EXTENDED),
    (re.compile(r"gemini-3\.8-live.*"), _3_8),
)


def generation_of(model: str) -> Generation:
    """Return the generation of a model, by its name or resource name."""
    name = model.rpartition("/")[2]
    return next((known for pattern, known in _NAMES if pattern.fullmatch(name)), NOTHING_ASSUMED)
