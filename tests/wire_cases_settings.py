"""Settings beside those of every day: voices, avatars, safety, translation and so on."""

from __future__ import annotations

from typing import Any

from google.genai import types
from wire_cases_config import config
from wire_clients import BYTES, Case

from trio_live.wire import generation, setup, speech
from trio_live.wire.schema import Schema
from trio_live.wire.transcription import AudioTranscriptionConfig

AUDIO: dict[str, Any] = {"response_modalities": ["AUDIO"]}


def spoken(name: str, genai: dict[str, Any], ours: dict[str, Any]) -> Case:
    """A session in which the model speaks."""
    return config(f"speech: {name}", AUDIO | {"speech_config": genai}, AUDIO | ours)


def replicated(name: str, genai: dict[str, Any], **ours: Any) -> Case:
    """A session in which the model speaks with a copy of somebody's voice."""
    sample: dict[str, Any] = {"mime_type": "audio/wav", "voice_sample_audio": BYTES}
    voice = speech.VoiceConfig(
        replicated_voice_config=speech.ReplicatedVoiceConfig("audio/wav", BYTES, **ours)
    )
    return spoken(
        name,
        {"voice_config": {"replicated_voice_config": sample | genai}},
        {"speech": speech.SpeechConfig(voice)},
    )


def generated(name: str, ours: generation.GenerationConfig, **genai: Any) -> Case:
    """A session with what google-genai has in its generation config only."""
    return config(
        f"generation: {name}",
        {"generation_config": types.GenerationConfig(**genai)},
        {"generation": ours},
    )


def setting(name: str, genai: Any, **ours: Any) -> Case:
    """A session with one setting of google-genai, by its name."""
    return config(f"setting: {name}", {name.partition(" ")[0]: genai}, ours)


PUCK: dict[str, Any] = {"voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}}}
OUR_PUCK = speech.VoiceConfig(speech.PrebuiltVoiceConfig("Puck"))
PAIR = types.MultiSpeakerVoiceConfig(
    speaker_voice_configs=[types.SpeakerVoiceConfig(speaker="A", voice_config=PUCK["voice_config"])]
)

COST: Any = {"feature_selection_preference": "PRIORITIZE_COST"}
OUR_COST = generation.ModelSelectionConfig("PRIORITIZE_COST")

SETTINGS = [
    spoken("voice", PUCK, {"voice": "Puck"}),
    spoken("language", {"language_code": "de-DE"}, {"language": "de-DE"}),
    spoken(
        "voice and language",
        PUCK | {"language_code": "de-DE"},
        {"voice": "Puck", "language": "de-DE"},
    ),
    spoken(
        "in full",
        PUCK | {"language_code": "de-DE"},
        {"speech": speech.SpeechConfig(OUR_PUCK, "de-DE")},
    ),
    spoken(
        "speaker's id",
        {"voice_config": {"voice": "v_1"}},
        {"speech": speech.SpeechConfig(speech.VoiceConfig(voice="v_1"))},
    ),
    replicated("copied voice", {}),
    replicated("copied voice with consent", {"consent_audio": BYTES}, consent_audio=BYTES),
    replicated(
        "copied voice with a signature",
        {"voice_consent_signature": {"signature": "s_1"}},
        voice_consent_signature=speech.VoiceConsentSignature("s_1"),
    ),
    spoken(
        "two speakers",
        {"multi_speaker_voice_config": PAIR},
        {
            "speech": speech.SpeechConfig(
                multi_speaker_voice_config=speech.MultiSpeakerVoiceConfig(
                    (speech.SpeakerVoiceConfig("A", OUR_PUCK),)
                )
            )
        },
    ),
    setting("media_resolution", "MEDIA_RESOLUTION_LOW", media_resolution="MEDIA_RESOLUTION_LOW"),
    setting("enable_affective_dialog", True, affective_dialog=True),
    setting("enable_affective_dialog off", False, affective_dialog=False),
    setting("proactivity", {"proactive_audio": True}, proactivity=True),
    setting("proactivity off", {"proactive_audio": False}, proactivity=False),
    setting(
        "proactivity in video",
        {"proactive_audio": True, "proactive_video": True},
        proactivity=setup.ProactivityConfig(True, True),
    ),
    setting("explicit_vad_signal", True, explicit_vad_signal=True),
    setting("history_config", {"initial_history_in_client_content": True}, initial_history=True),
    setting(
        "avatar_config",
        {"avatar_name": "a_1", "audio_bitrate_bps": 64_000, "video_bitrate_bps": 1_000_000},
        avatar=setup.AvatarConfig("a_1", audio_bitrate_bps=64_000, video_bitrate_bps=1_000_000),
    ),
    setting(
        "avatar_config of one's own",
        {"customized_avatar": {"image_mime_type": "image/png", "image_data": BYTES}},
        avatar=setup.AvatarConfig(customized_avatar=setup.CustomizedAvatar("image/png", BYTES)),
    ),
    setting(
        "safety_settings",
        [
            {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
            {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH"},
        ],
        safety_settings=[
            setup.SafetySetting("HARM_CATEGORY_HARASSMENT", "BLOCK_NONE"),
            setup.SafetySetting("HARM_CATEGORY_HATE_SPEECH", "BLOCK_ONLY_HIGH"),
        ],
    ),
    setting(
        "safety_settings by method",
        [
            {
                "category": "HARM_CATEGORY_HARASSMENT",
                "threshold": "BLOCK_NONE",
                "method": "SEVERITY",
            }
        ],
        safety_settings=[setup.SafetySetting("HARM_CATEGORY_HARASSMENT", "BLOCK_NONE", "SEVERITY")],
    ),
    setting(
        "translation_config",
        {"target_language_code": "de", "echo_target_language": True},
        translation=generation.TranslationConfig("de", True),
    ),
    setting("labels", {"the_team": "a_b"}, labels={"the_team": "a_b"}),
    setting(
        "session_resumption transparent",
        {"transparent": True},
        session_resumption=setup.SessionResumptionConfig(transparent=True),
    ),
    setting(
        "session_resumption transparent, of a session",
        {"transparent": True, "handle": "h_1"},
        session_resumption=setup.SessionResumptionConfig(transparent=True),
        resumption_handle="h_1",
    ),
    setting(
        "realtime_input_config interim",
        {"interim_transcript_timestamp_enabled": True},
        interim_timestamps=True,
    ),
    setting(
        "realtime_input_config in full",
        {
            "automatic_activity_detection": {"disabled": False, "prefix_padding_ms": 0},
            "activity_handling": "START_OF_ACTIVITY_INTERRUPTS",
            "turn_coverage": "TURN_INCLUDES_ONLY_ACTIVITY",
            "interim_transcript_timestamp_enabled": False,
        },
        activity_detection=setup.AutomaticActivityDetection(False, prefix_padding_ms=0),
        activity_handling="START_OF_ACTIVITY_INTERRUPTS",
        turn_coverage="TURN_INCLUDES_ONLY_ACTIVITY",
        interim_timestamps=False,
    ),
    config(
        "generation: candidates and penalties",
        {
            "generation_config": types.GenerationConfig(
                candidate_count=1, presence_penalty=0.5, frequency_penalty=-0.5
            )
        },
        {"candidate_count": 1, "presence_penalty": 0.5, "frequency_penalty": -0.5},
    ),
    generated(
        "civic answers",
        generation.GenerationConfig(enable_enhanced_civic_answers=True),
        enable_enhanced_civic_answers=True,
    ),
    config(
        "generation: model selection on the Gemini API",
        {"generation_config": types.GenerationConfig(model_selection_config=COST)},
        {"generation": generation.GenerationConfig(model_selection_config=OUR_COST)},
        on=("gemini",),
    ),
    config(
        "generation: model selection on Vertex AI",
        {"generation_config": types.GenerationConfig(model_selection_config=COST)},
        {"generation": generation.GenerationConfig(model_config=OUR_COST)},
        on=("vertex",),
    ),
    generated(
        "transcription",
        generation.GenerationConfig(
            audio_transcription_config=AudioTranscriptionConfig(("de-DE",))
        ),
        audio_transcription_config={"language_codes": ["de-DE"]},
    ),
    generated(
        "stop sequences", generation.GenerationConfig(stop_sequences=("x",)), stop_sequences=["x"]
    ),
    generated("log probabilities", generation.GenerationConfig(logprobs=1), logprobs=1),
    generated(
        "JSON",
        generation.GenerationConfig(
            response_mime_type="application/json", response_schema=Schema(type="STRING")
        ),
        response_mime_type="application/json",
        response_schema={"type": "STRING"},
    ),
]
