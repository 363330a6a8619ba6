"""How the model answers: sampling, output, thinking, translation.

What lives here: `generationConfig` of a setup and what is in it, but for speech (speech.py). Live
takes a part of it only: what it is said to refuse is marked. Source: google-genai 3.4
`types.GenerationConfig`; "Live API reference", `generationConfig`; both read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.marks import Duration, Gemini, Refused, Unlisted, Vertex
from trio_live.wire.schema import Schema
from trio_live.wire.speech import SpeechConfig
from trio_live.wire.transcription import AudioTranscriptionConfig


class ThinkingConfig(Wire, frozen=True):
    """How much the model thinks: a budget in tokens (0 off, -1 automatic) or a level, by model."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: enums.ThinkingLevel | None = None


class TranslationConfig(Wire, frozen=True):
    """Speech translation: into which language (BCP-47), and whether to repeat what is in it."""

    target_language_code: str | None = None
    echo_target_language: bool | None = None


class ModelSelectionConfig(Wire, frozen=True):
    """What the choice of a model aims at."""

    feature_selection_preference: enums.FeatureSelectionPreference | None = None


class GenerationConfigRoutingConfigAutoRoutingMode(Wire, frozen=True):
    """The service chooses the model, by this preference."""

    model_routing_preference: enums.ModelRoutingPreference | None = None


class GenerationConfigRoutingConfigManualRoutingMode(Wire, frozen=True):
    """This model is taken."""

    model_name: str | None = None


class GenerationConfigRoutingConfig(Wire, frozen=True):
    """Which model answers: one of the modes is set."""

    auto_mode: GenerationConfigRoutingConfigAutoRoutingMode | None = None
    manual_mode: GenerationConfigRoutingConfigManualRoutingMode | None = None


class AudioResponseFormat(Wire, frozen=True):
    """Sound: bit rate in bits a second (compressed formats only), sample rate in Hz."""

    mime_type: str | None = None
    sample_rate: int | None = None
    bit_rate: int | None = None
    delivery: enums.Delivery | None = None


class ImageResponseFormat(Wire, frozen=True):
    """Images."""

    mime_type: str | None = None
    aspect_ratio: enums.AspectRatio | None = None
    image_size: enums.ImageSize | None = None
    delivery: enums.Delivery | None = None


class TextResponseFormat(Wire, frozen=True):
    """Text; `schema` is JSON Schema, for JSON only."""

    mime_type: str | None = None
    schema: object = None


class VideoResponseFormat(Wire, frozen=True):
    """Video: `resolution` such as "720p"; `gcs_uri` is where it is stored."""

    aspect_ratio: enums.AspectRatio | None = None
    resolution: str | None = None
    duration: Duration | None = None
    gcs_uri: str | None = None
    delivery: enums.Delivery | None = None


class ResponseFormat(Wire, frozen=True):
    """What one kind of output looks like: one of the fields is set."""

    text: TextResponseFormat | None = None
    audio: AudioResponseFormat | None = None
    image: ImageResponseFormat | None = None
    video: VideoResponseFormat | None = None


class GenerationConfig(Wire, frozen=True):
    """Sampling and output settings.

    Attributes:
        response_modalities: What the model answers with; one modality.
        temperature: Sampling temperature.
        top_p: Nucleus sampling.
        top_k: Sample from that many tokens at most.
        max_output_tokens: A bound on each answer.
        seed: Makes sampling repeatable where the model supports it.
        media_resolution: How finely media are tokenised.
        speech_config: Voice and language.
        thinking_config: How much the model thinks.
        candidate_count: How many answers; Live gives one.
        presence_penalty: Above 0: fewer tokens that have been used already.
        frequency_penalty: Above 0: fewer tokens, the more they have been used.
        enable_affective_dialog: Whether the model reacts to how the user sounds; 2.5 models only.
        translation_config: Speech translation; translation models only.
        audio_transcription_config: Speech recognition settings.
        enable_enhanced_civic_answers: Whether questions on elections get enhanced answers.
        model_selection_config: What the choice of a model aims at.
        model_config: The same, as Vertex AI calls it.
        response_format: What output looks like, for each kind.
        response_logprobs: Whether tokens come with their log probabilities.
        logprobs: How many of them.
        response_mime_type: The type of text output.
        response_schema: The schema of text output.
        response_json_schema: The same, as JSON Schema.
        stop_sequences: Texts that end an answer.
        routing_config: Which model answers.
        audio_timestamp: Whether the model is given times in audio.
    """

    response_modalities: tuple[enums.Modality, ...] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    media_resolution: enums.MediaResolution | None = None
    speech_config: SpeechConfig | None = None
    thinking_config: ThinkingConfig | None = None
    candidate_count: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    enable_affective_dialog: bool | None = None
    translation_config: TranslationConfig | None = None
    audio_transcription_config: AudioTranscriptionConfig | None = None
    enable_enhanced_civic_answers: Gemini[bool | None] = None
    model_selection_config: Gemini[ModelSelectionConfig | None] = None
    model_config: Vertex[Unlisted[ModelSelectionConfig | None]] = None
    response_format: tuple[ResponseFormat, ...] | None = None
    response_logprobs: Refused[bool | None] = None
    logprobs: Refused[int | None] = None
    response_mime_type: Refused[str | None] = None
    response_schema: Refused[Schema | None] = None
    response_json_schema: Refused[object] = None
    stop_sequences: Refused[tuple[str, ...] | None] = None
    routing_config: Refused[GenerationConfigRoutingConfig | None] = None
    audio_timestamp: Refused[bool | None] = None
