"""Retrieval: where on Vertex AI the model may look things up.

What lives here: `tools[].retrieval` of a setup and all in it; Vertex AI only. Source: google-genai
3.4 `types.Retrieval`, read November 2026.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from trio_live.wire.auth import ApiAuth, AuthConfig
from trio_live.wire.base import Wire
from trio_live.wire.marks import known

ApiSpec: TypeAlias = Annotated[
    str, known("API_SPEC_UNSPECIFIED", "SIMPLE_SEARCH", "ELASTIC_SEARCH")
]
"""The kind of search API that an external endpoint speaks."""


class ExternalApiElasticSearchParams(Wire, frozen=True):
    """Elasticsearch: index, number of hits, search template."""

    index: str | None = None
    num_hits: int | None = None
    search_template: str | None = None


class ExternalApiSimpleSearchParams(Wire, frozen=True):
    """A simple search has no settings."""


class ExternalApi(Wire, frozen=True):
    """A search API of one's own.

    Attributes:
        endpoint: Its URL.
        api_spec: What it speaks.
        auth_config: How to authenticate.
        elastic_search_params: For Elasticsearch.
        simple_search_params: For a simple search.
        api_auth: Deprecated: use `auth_config`.
    """

    endpoint: str | None = None
    api_spec: ApiSpec | None = None
    auth_config: AuthConfig | None = None
    elastic_search_params: ExternalApiElasticSearchParams | None = None
    simple_search_params: ExternalApiSimpleSearchParams | None = None
    api_auth: ApiAuth | None = None


class VertexAISearchDataStoreSpec(Wire, frozen=True):
    """A data store by its resource name, and a filter."""

    data_store: str | None = None
    filter: str | None = None


class VertexAISearch(Wire, frozen=True):
    """Vertex AI Search: a data store or an engine, by resource name; at most 10 results."""

    datastore: str | None = None
    engine: str | None = None
    data_store_specs: tuple[VertexAISearchDataStoreSpec, ...] | None = None
    filter: str | None = None
    max_results: int | None = None


class VertexRagStoreRagResource(Wire, frozen=True):
    """A RAG corpus by its resource name, and files in it."""

    rag_corpus: str | None = None
    rag_file_ids: tuple[str, ...] | None = None


class RagRetrievalConfigFilter(Wire, frozen=True):
    """What is left out: by metadata, or by distance or similarity of vectors."""

    metadata_filter: str | None = None
    vector_distance_threshold: float | None = None
    vector_similarity_threshold: float | None = None


class RagRetrievalConfigHybridSearch(Wire, frozen=True):
    """The weight of dense vectors (1.0) against sparse ones (0.0)."""

    alpha: float | None = None


class RagRetrievalConfigRankingLlmRanker(Wire, frozen=True):
    """A model that ranks what was found."""

    model_name: str | None = None


class RagRetrievalConfigRankingRankService(Wire, frozen=True):
    """A service that ranks what was found."""

    model_name: str | None = None


class RagRetrievalConfigRanking(Wire, frozen=True):
    """How what was found is ranked."""

    llm_ranker: RagRetrievalConfigRankingLlmRanker | None = None
    rank_service: RagRetrievalConfigRankingRankService | None = None


class RagRetrievalConfig(Wire, frozen=True):
    """How a RAG store is searched; `top_k` contexts are given."""

    top_k: int | None = None
    filter: RagRetrievalConfigFilter | None = None
    hybrid_search: RagRetrievalConfigHybridSearch | None = None
    ranking: RagRetrievalConfigRanking | None = None


class VertexRagStore(Wire, frozen=True):
    """A RAG store.

    Attributes:
        rag_resources: What of it to search.
        rag_retrieval_config: How.
        store_context: Live only: whether the session's own content is kept in it.
        rag_corpora: Deprecated: use `rag_resources`.
        similarity_top_k: How many contexts to give.
        vector_distance_threshold: Leave out what is farther.
    """

    rag_resources: tuple[VertexRagStoreRagResource, ...] | None = None
    rag_retrieval_config: RagRetrievalConfig | None = None
    store_context: bool | None = None
    rag_corpora: tuple[str, ...] | None = None
    similarity_top_k: int | None = None
    vector_distance_threshold: float | None = None


class Retrieval(Wire, frozen=True):
    """One source of knowledge: one of the fields is set, beside the deprecated flag."""

    vertex_ai_search: VertexAISearch | None = None
    vertex_rag_store: VertexRagStore | None = None
    external_api: ExternalApi | None = None
    disable_attribution: bool | None = None
