"""What google-genai's own client sends and what trio_live sends for the same request, compared.

Both are run against a recorder on this machine: the same path, the same headers, the same frames,
but for snake_case or camelCase, the base64 alphabet, and what wire_differences.py lists.
"""

from __future__ import annotations

import inspect
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import trio

pytest.importorskip("google.genai")

from google.genai import live, types
from wire_cases_config import CONFIGS
from wire_cases_sends import SENDS
from wire_cases_settings import SETTINGS
from wire_cases_tools import TOOLS
from wire_clients import GENAI, Played, play_genai, play_ours
from wire_differences import DIFFERENCES
from wire_recorder import differences, normalised, recording

CASES = [*CONFIGS, *SETTINGS, *TOOLS, *SENDS]
PAIRS = [(platform, case) for platform in GENAI for case in CASES if platform in case.platforms]
REQUESTS = [
    (platform, case.name, send)
    for platform, case in PAIRS
    for send in ("", *(each.name for each in case.sends))
]
LISTED = {
    (platform, each.case, each.send): each for each in DIFFERENCES for platform in each.platforms
}

PARTS_UNSENT = {"audio_transcription"}  # only the service sends it

Captured = dict[tuple[str, str], tuple[Played, Played]]


@pytest.fixture(scope="module")
def captured() -> Iterator[Captured]:
    """Let both clients play every case on every platform."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "localhost")
        patch.setenv("no_proxy", "localhost")
        for name in list(os.environ):
            if name.startswith(("GOOGLE_", "GEMINI_")):
                patch.delenv(name)
        yield trio.run(_capture)


async def _capture() -> Captured:
    captured: Captured = {}
    with trio.fail_after(60):
        async with recording() as recorder:
            for platform in GENAI:
                cases = [case for on, case in PAIRS if on == platform]
                theirs = await trio.to_thread.run_sync(play_genai, recorder, cases, platform)
                ours = await play_ours(recorder, cases, platform)
                for pair in zip(theirs, ours, strict=True):
                    captured[platform, pair[0].case.name] = pair
    return captured


@pytest.mark.parametrize(("platform", "case", "send"), REQUESTS)
def test_wire_captured_requests_are_equal(
    captured: Captured, platform: str, case: str, send: str
) -> None:
    """The same request is the same message, or a listed one that differs as listed."""
    theirs, ours = (played.outcome(send) for played in captured[platform, case])
    listed = LISTED.get((platform, case, send))
    told = differences(normalised(theirs), normalised(ours))
    assert told == list(listed.told if listed else ())


@pytest.mark.parametrize(("platform", "case"), [(platform, case.name) for platform, case in PAIRS])
def test_wire_captured_connections_are_equal(captured: Captured, platform: str, case: str) -> None:
    """Path and headers are the same; and no frame was sent that nobody asked for."""
    theirs, ours = (played.connection for played in captured[platform, case])
    if theirs is None or ours is None:
        return
    if platform == "token":
        # google-genai sends an ephemeral token as a key as well, which the service does not need.
        assert theirs.headers.pop("x-goog-api-key") == theirs.headers["authorization"][6:]
    assert (ours.path, ours.headers) == (theirs.path, theirs.headers)
    for played in captured[platform, case]:
        assert played.connection is not None
        sent = len(played.case.sends) + 1 - len(played.refused)
        assert len(played.connection.frames) == sent


def test_wire_captured_differences_are_few_and_in_use() -> None:
    """The table of differences names requests that exist, and is small beside what is equal."""
    assert set(LISTED) <= set(REQUESTS)
    assert len(LISTED) == sum(len(each.platforms) for each in DIFFERENCES)  # none is listed twice
    assert all(each.reason for each in DIFFERENCES)
    assert len(REQUESTS) - len(LISTED) > 240
    assert len({each.reason for each in DIFFERENCES}) <= 12
    assert max(Counter(REQUESTS).values()) == 1


def test_wire_captured_covers_what_google_genai_takes() -> None:
    """Each setting, kind of tool and part, and argument of a verb that google-genai has is told."""
    configs = [types.LiveConnectConfig(**case.genai) for case in CASES]
    tools = [tool for config in configs for tool in config.tools or ()]
    assert _unused(types.LiveConnectConfig, configs) == set()
    assert _unused(types.Tool, tools) == set()
    calls = [send.genai for case in CASES for send in case.sends]
    for verb in ("client_content", "realtime_input", "tool_response", "context_update"):
        method = getattr(live.AsyncSession, f"send_{verb}")
        told = {name for call in calls if call.verb == method.__name__ for name in call.settings}
        assert told == set(inspect.signature(method).parameters) - {"self"}
    parts = [
        part
        for call in calls
        if isinstance(turns := call.settings.get("turns"), types.Content)
        for part in turns.parts or ()
    ]
    assert _unused(types.Part, parts) == PARTS_UNSENT
    answers = [
        types.FunctionResponse.model_validate(answer)
        for call in calls
        for answer in _list(call.settings.get("function_responses"))
    ]
    assert _unused(types.FunctionResponse, answers) == set()


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _unused(kind: Any, values: Sequence[object]) -> set[str]:
    return {
        name
        for name in kind.model_fields
        if all(getattr(value, name, None) is None for value in values)
    }
