"""How the model speaks: voice and language.

What lives here: `speechConfig` of a setup and all in it. Source: google-genai 3.4
`types.SpeechConfig`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire.base import Wire
from trio_live.wire.marks import Gemini, Refused


class PrebuiltVoiceConfig(Wire, frozen=True):
    """One of the service's voices, by name."""

    voice_name: str = ""


class VoiceConsentSignature(Wire, frozen=True):
    """Stands for a consent that the service has verified."""

    signature: str | None = None


class ReplicatedVoiceConfig(Wire, frozen=True):
    """A copy of a person's voice.

    Attributes:
        mime_type: Of both recordings: "audio/wav", 24,000 Hz, signed 16-bit.
        voice_sample_audio: A sample of the voice.
        consent_audio: The speaker's spoken consent.
        voice_consent_signature: In its place, from an earlier `setupComplete`.
    """

    mime_type: str | None = None
    voice_sample_audio: bytes | None = None
    consent_audio: Gemini[bytes | None] = None
    voice_consent_signature: Gemini[VoiceConsentSignature | None] = None


class VoiceConfig(Wire, frozen=True):
    """How the model's voice is chosen: one of the fields is set; `voice` is a speaker's id."""

    prebuilt_voice_config: PrebuiltVoiceConfig | None = None
    replicated_voice_config: ReplicatedVoiceConfig | None = None
    voice: str | None = None


class SpeakerVoiceConfig(Wire, frozen=True):
    """The voice of one speaker, by the name that the prompt gives the speaker."""

    speaker: str | None = None
    voice_config: VoiceConfig | None = None


class MultiSpeakerVoiceConfig(Wire, frozen=True):
    """Voices for a dialogue."""

    speaker_voice_configs: tuple[SpeakerVoiceConfig, ...] | None = None


class SpeechConfig(Wire, frozen=True):
    """Voice and language (BCP-47) of spoken answers. Live refuses more than one speaker."""

    voice_config: VoiceConfig | None = None
    language_code: str | None = None
    multi_speaker_voice_config: Refused[MultiSpeakerVoiceConfig | None] = None
