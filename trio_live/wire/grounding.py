"""Where an answer comes from: search results, places, documents and pages.

What lives here: `groundingMetadata` and `urlContextMetadata` of a server message, and all in them.
Source: google-genai 3.4 `types.GroundingMetadata`, `types.UrlContextMetadata`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.marks import Duration, Gemini, Vertex


class GroundingChunkWeb(Wire, frozen=True):
    """A web page, mostly from Google Search."""

    uri: str | None = None
    title: str | None = None
    domain: Vertex[str | None] = None


class GroundingChunkImage(Wire, frozen=True):
    """An image from an image search, and the page that it is on."""

    source_uri: str | None = None
    image_uri: str | None = None
    title: str | None = None
    domain: str | None = None


class GroundingChunkMapsPlaceAnswerSourcesAuthorAttribution(Wire, frozen=True):
    """The author of a review."""

    display_name: str | None = None
    photo_uri: str | None = None
    uri: str | None = None


class GroundingChunkMapsPlaceAnswerSourcesReviewSnippet(Wire, frozen=True):
    """A review of a place.

    Attributes:
        author_attribution: Its author.
        flag_content_uri: Where it can be reported.
        google_maps_uri: Where it can be read.
        relative_publish_time_description: Its age in words.
        review: Its resource name.
        review_id: Its id.
        title: Its title.
    """

    author_attribution: GroundingChunkMapsPlaceAnswerSourcesAuthorAttribution | None = None
    flag_content_uri: str | None = None
    google_maps_uri: str | None = None
    relative_publish_time_description: str | None = None
    review: str | None = None
    review_id: str | None = None
    title: str | None = None


class GroundingChunkMapsPlaceAnswerSources(Wire, frozen=True):
    """What an answer about a place was made from. The reviews' name is plural in newer servers."""

    review_snippet: tuple[GroundingChunkMapsPlaceAnswerSourcesReviewSnippet, ...] | None = None
    review_snippets: tuple[GroundingChunkMapsPlaceAnswerSourcesReviewSnippet, ...] | None = None
    flag_content_uri: str | None = None


class GroundingChunkMapsRoute(Wire, frozen=True):
    """A route: metres, a duration, and its course as an encoded polyline."""

    distance_meters: int | None = None
    duration: Duration | None = None
    encoded_polyline: str | None = None


class GroundingChunkMaps(Wire, frozen=True):
    """A place or route from Google Maps; `place_id` as in "places/ID"."""

    uri: str | None = None
    title: str | None = None
    text: str | None = None
    place_id: str | None = None
    place_answer_sources: GroundingChunkMapsPlaceAnswerSources | None = None
    route: Vertex[GroundingChunkMapsRoute | None] = None


class RagChunkPageSpan(Wire, frozen=True):
    """The pages of a chunk, from 1 and with both ends."""

    first_page: int | None = None
    last_page: int | None = None


class RagChunk(Wire, frozen=True):
    """A piece of a document of a RAG store."""

    text: str | None = None
    page_span: RagChunkPageSpan | None = None
    chunk_id: str | None = None
    file_id: str | None = None


class GroundingChunkStringList(Wire, frozen=True):
    """A list of texts."""

    values: tuple[str, ...] | None = None


class GroundingChunkCustomMetadata(Wire, frozen=True):
    """What the owner of a document noted about it: one of the values is set."""

    key: str | None = None
    string_value: str | None = None
    string_list_value: GroundingChunkStringList | None = None
    numeric_value: float | None = None


class GroundingChunkRetrievedContext(Wire, frozen=True):
    """A document that a retrieval tool found.

    Attributes:
        uri: The document.
        title: Its title.
        text: What was found in it.
        document_name: Its resource name in Vertex AI Search.
        rag_chunk: The piece of it that a RAG store gave.
        custom_metadata: What its owner noted about it.
        file_search_store: The file search store that it is in.
        page_number: The page.
        media_id: The resource name of a medium in a file search store.
    """

    uri: str | None = None
    title: str | None = None
    text: str | None = None
    document_name: Vertex[str | None] = None
    rag_chunk: Vertex[RagChunk | None] = None
    custom_metadata: Gemini[tuple[GroundingChunkCustomMetadata, ...] | None] = None
    file_search_store: Gemini[str | None] = None
    page_number: Gemini[int | None] = None
    media_id: Gemini[str | None] = None


class GroundingChunk(Wire, frozen=True):
    """One source: exactly one of its kinds is set."""

    web: GroundingChunkWeb | None = None
    maps: GroundingChunkMaps | None = None
    retrieved_context: GroundingChunkRetrievedContext | None = None
    image: GroundingChunkImage | None = None


class Segment(Wire, frozen=True):
    """A stretch of the answer: from and to (exclusive) in bytes of UTF-8, within one part."""

    part_index: int | None = None
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class GroundingSupport(Wire, frozen=True):
    """Which sources support which stretch of the answer.

    Attributes:
        segment: The stretch.
        grounding_chunk_indices: Indices into `GroundingMetadata.grounding_chunks`.
        confidence_scores: For each of them, from 0.0 to 1.0.
        rendered_parts: Indices of the rendered parts that belong to it.
    """

    segment: Segment | None = None
    grounding_chunk_indices: tuple[int, ...] | None = None
    confidence_scores: tuple[float, ...] | None = None
    rendered_parts: tuple[int, ...] | None = None


class RetrievalMetadata(Wire, frozen=True):
    """How likely, from 0.0 to 1.0, a search was to help."""

    google_search_dynamic_retrieval_score: float | None = None


class SearchEntryPoint(Wire, frozen=True):
    """Search suggestions: HTML to be shown as it is, and JSON of queries and URLs, as bytes."""

    rendered_content: str | None = None
    sdk_blob: bytes | None = None


class GroundingMetadataSourceFlaggingUri(Wire, frozen=True):
    """Where a place or review can be reported."""

    source_id: str | None = None
    flag_content_uri: str | None = None


class GroundingMetadata(Wire, frozen=True):
    """Where an answer comes from.

    Attributes:
        grounding_chunks: The sources.
        grounding_supports: Which of them supports which stretch of the answer.
        web_search_queries: What was searched for on the web.
        image_search_queries: What images were searched for.
        retrieval_queries: What retrieval tools were asked.
        search_entry_point: Search suggestions, to be shown with the answer.
        retrieval_metadata: How the decision to search came about.
        source_flagging_uris: Where sources can be reported.
        google_maps_widget_context_token: Deprecated.
    """

    grounding_chunks: tuple[GroundingChunk, ...] | None = None
    grounding_supports: tuple[GroundingSupport, ...] | None = None
    web_search_queries: tuple[str, ...] | None = None
    image_search_queries: tuple[str, ...] | None = None
    retrieval_queries: Vertex[tuple[str, ...] | None] = None
    search_entry_point: SearchEntryPoint | None = None
    retrieval_metadata: RetrievalMetadata | None = None
    source_flagging_uris: Vertex[tuple[GroundingMetadataSourceFlaggingUri, ...] | None] = None
    google_maps_widget_context_token: str | None = None


class UrlMetadata(Wire, frozen=True):
    """A page that was fetched, and how that went."""

    retrieved_url: str | None = None
    url_retrieval_status: enums.UrlRetrievalStatus | None = None


class UrlContextMetadata(Wire, frozen=True):
    """The pages that the URL context tool fetched."""

    url_metadata: tuple[UrlMetadata, ...] | None = None
