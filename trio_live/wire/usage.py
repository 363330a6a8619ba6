"""What a session has used: token counts.

What lives here: `usageMetadata` of a server message. Source: google-genai 3.4
`types.UsageMetadata` and the names that its converter for Vertex AI reads, read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.marks import Gemini, Unlisted, Vertex


class ModalityTokenCount(Wire, frozen=True):
    """Tokens of one modality: "TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT"."""

    modality: enums.MediaModality = ""
    token_count: int = 0


class UsageMetadata(Wire, frozen=True):
    """Token counts. Vertex AI says `candidates*` where the Gemini API says `response*`.

    Attributes:
        prompt_token_count: Of what went into the model, cached content included.
        cached_content_token_count: Of those, how many were cached.
        response_token_count: Of what the model said.
        candidates_token_count: The same, by Vertex AI's name.
        tool_use_prompt_token_count: Of what the service's tools gave to the model.
        thoughts_token_count: Of the model's reasoning.
        total_token_count: All of them.
        prompt_tokens_details: The prompt's by modality.
        response_tokens_details: The response's by modality.
        candidates_tokens_details: The same, by Vertex AI's name.
        cache_tokens_details: The cached ones by modality.
        tool_use_prompt_tokens_details: The tools' by modality.
        traffic_type: How the request is paid for.
        service_tier: The tier that served it.
    """

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    response_token_count: Gemini[int | None] = None
    candidates_token_count: Vertex[Unlisted[int | None]] = None
    tool_use_prompt_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: tuple[ModalityTokenCount, ...] | None = None
    response_tokens_details: Gemini[tuple[ModalityTokenCount, ...] | None] = None
    candidates_tokens_details: Vertex[Unlisted[tuple[ModalityTokenCount, ...] | None]] = None
    cache_tokens_details: tuple[ModalityTokenCount, ...] | None = None
    tool_use_prompt_tokens_details: tuple[ModalityTokenCount, ...] | None = None
    traffic_type: Vertex[enums.TrafficType | None] = None
    service_tier: Gemini[enums.ServiceTier | None] = None
