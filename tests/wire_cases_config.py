"""Settings of a session, as google-genai and as trio_live are told them: those of every day.

The rest is in wire_cases_settings.py, tools are in wire_cases_tools.py.
"""

from __future__ import annotations

from typing import Any

from wire_clients import BOTH, OURS, PLAIN, Case

from trio_live import (
    AudioTranscriptionConfig,
    AutomaticActivityDetection,
    Content,
    ContextWindowCompressionConfig,
    Part,
    SlidingWindow,
    ThinkingConfig,
)


def config(
    name: str, genai: dict[str, Any], ours: dict[str, Any], on: tuple[str, ...] = BOTH
) -> Case:
    """A session with these settings and what every case has."""
    return Case(f"config: {name}", PLAIN | genai, OURS | ours, platforms=on)


def same(name: str, **settings: Any) -> Case:
    """A session that both are told with the same words."""
    return config(name, settings, settings)


def detection(name: str, **settings: Any) -> Case:
    """A session with the service's own speech detection."""
    return config(
        f"detection: {name}",
        {"realtime_input_config": {"automatic_activity_detection": settings}},
        {"activity_detection": AutomaticActivityDetection(**settings)},
    )


def transcription(name: str, ours: AudioTranscriptionConfig, **settings: Any) -> Case:
    """A session with transcripts of both sides."""
    return config(
        f"transcription: {name}",
        {"input_audio_transcription": settings, "output_audio_transcription": settings},
        {"input_transcription": ours, "output_transcription": ours},
    )


CONFIGS = [
    Case("defaults", {}, {}, platforms=("gemini", "vertex", "express", "token")),
    Case("plain", PLAIN, OURS, platforms=("gemini", "vertex", "express", "token")),
    same("audio", response_modalities=["AUDIO"]),
    same("image", response_modalities=["IMAGE"]),
    same("two modalities", response_modalities=["TEXT", "AUDIO"]),
    same("temperature", temperature=0.7),
    same("temperature 0", temperature=0.0),
    same("temperature above the range", temperature=2.5),
    same("top_p", top_p=0.95),
    same("top_k", top_k=40),
    same("max_output_tokens", max_output_tokens=100),
    same("seed", seed=-7),
    same("sampling", temperature=1.5, top_p=0.5, top_k=3, max_output_tokens=1, seed=1),
    same("system instruction", system_instruction="Be brief, ünd kind."),
    config(
        "system instruction as content",
        {"system_instruction": {"parts": [{"text": "a"}, {"text": "b"}], "role": "system"}},
        {"system_instruction": Content((Part(text="a"), Part(text="b")), "system")},
    ),
    config(
        "system instruction in parts",
        {"system_instruction": [{"text": "a"}, "b"]},
        {"system_instruction": Content((Part(text="a"), Part(text="b")), "user")},
    ),
    config(
        "thinking budget",
        {"thinking_config": {"thinking_budget": 0, "include_thoughts": True}},
        {"thinking": ThinkingConfig(True, 0)},
    ),
    config(
        "thinking level",
        {"thinking_config": {"thinking_level": "LOW"}},
        {"thinking": ThinkingConfig(thinking_level="LOW")},
    ),
    config("resumption", {"session_resumption": {}}, {"session_resumption": True}),
    config(
        "resumption of a session",
        {"session_resumption": {"handle": "h_1-2"}},
        {"session_resumption": True, "resumption_handle": "h_1-2"},
    ),
    config(
        "compression",
        {"context_window_compression": {"sliding_window": {}}},
        {"compression": True},
    ),
    config(
        "compression in numbers",
        {
            "context_window_compression": {
                "trigger_tokens": 10_000,
                "sliding_window": {"target_tokens": 5_000},
            }
        },
        {"compression": ContextWindowCompressionConfig(10_000, SlidingWindow(5_000))},
    ),
    config(
        "transcription",
        {"input_audio_transcription": {}, "output_audio_transcription": {}},
        {"input_transcription": True, "output_transcription": True},
    ),
    transcription(
        "languages", AudioTranscriptionConfig(("de-DE", "en-US")), language_codes=["de-DE", "en-US"]
    ),
    transcription(
        "vocabulary",
        AudioTranscriptionConfig(custom_vocabulary=("Trio_live",)),
        custom_vocabulary=["Trio_live"],
    ),
    transcription(
        "words and speakers",
        AudioTranscriptionConfig(word_timestamp=True, diarization=True),
        word_timestamp=True,
        diarization=True,
    ),
    transcription(
        "smart",
        AudioTranscriptionConfig(mode="SMART", source_text="a text"),
        mode="SMART",
        source_text="a text",
    ),
    transcription(
        "phrases",
        AudioTranscriptionConfig(adaptation_phrases=("old_way",)),
        adaptation_phrases=["old_way"],
    ),
    config(
        "manual activity",
        {"realtime_input_config": {"automatic_activity_detection": {"disabled": True}}},
        {"activity_detection": False},
    ),
    detection("padding", prefix_padding_ms=20, silence_duration_ms=100),
    detection(
        "sensitivity",
        start_of_speech_sensitivity="START_SENSITIVITY_HIGH",
        end_of_speech_sensitivity="END_SENSITIVITY_LOW",
    ),
    detection("said to be on", disabled=False),
    config(
        "no interruption",
        {"realtime_input_config": {"activity_handling": "NO_INTERRUPTION"}},
        {"activity_handling": "NO_INTERRUPTION"},
    ),
    config(
        "turn coverage",
        {"realtime_input_config": {"turn_coverage": "TURN_INCLUDES_ALL_INPUT"}},
        {"turn_coverage": "TURN_INCLUDES_ALL_INPUT"},
    ),
    Case(
        "another version, and a header",
        PLAIN | {"http_options": {"api_version": "v1alpha", "headers": {"X-Extra": "e"}}},
        OURS,
        endpoint={"api_version": "v1alpha", "headers": {"X-Extra": "e"}},
    ),
]
