"""endpoint=None: what the environment variables mean, and what is said when they are not enough."""

from __future__ import annotations

import pytest
import trio

from trio_live import ConfigError, SessionConfig, open_session
from trio_live.endpoints import from_environment
from trio_live.wire.marks import Platform

VARIABLES = (
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_GENAI_API_VERSION",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
)


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("google", "gemini", "key"),
    [
        ("a", "b", "a"),
        (None, "b", "b"),
        ("a", None, "a"),
        ("", "b", "b"),
        (" \n", "b", "b"),
        (" a\n", None, "a"),
    ],
)
def test_environment_google_key_comes_before_gemini_key(
    monkeypatch: pytest.MonkeyPatch, google: str | None, gemini: str | None, key: str
) -> None:
    """GOOGLE_API_KEY wins; one that is empty does not count; line ends around it are dropped."""
    for name, value in (("GOOGLE_API_KEY", google), ("GEMINI_API_KEY", gemini)):
        if value is not None:
            monkeypatch.setenv(name, value)
    address = trio.run(from_environment().resolve)
    assert address.headers == (("x-goog-api-key", key),)


def test_environment_ephemeral_token_in_place_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token goes to the constrained method of v1alpha, unless a version is told."""
    monkeypatch.setenv("GEMINI_API_KEY", "auth_tokens/t")
    address = trio.run(from_environment().resolve)
    assert address.url.endswith(".v1alpha.GenerativeService.BidiGenerateContentConstrained")
    assert address.headers == (("Authorization", "Token auth_tokens/t"),)
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    assert ".v1beta." in trio.run(from_environment().resolve).url


def test_environment_without_a_key_is_a_config_error_at_the_call() -> None:
    """Without a key open_session says what to set, before anything is opened."""
    with pytest.raises(ConfigError) as caught:
        open_session(SessionConfig("m"))
    assert str(caught.value) == (
        "no endpoint was given and the environment has no API key: set GOOGLE_API_KEY or "
        "GEMINI_API_KEY, or pass endpoint=GoogleAI(api_key=...); for Vertex AI set "
        "GOOGLE_GENAI_USE_VERTEXAI=true"
    )


def test_environment_vertex_without_a_project_is_a_config_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Vertex AI wants a project or a key, and the error says which variables were looked at."""
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "True")
    with pytest.raises(ConfigError) as caught:
        open_session(SessionConfig("m"))
    assert str(caught.value) == (
        "the environment asks for Vertex AI and names no project: set GOOGLE_CLOUD_PROJECT (and "
        "GOOGLE_CLOUD_LOCATION), or neither of them and, for express mode, GOOGLE_API_KEY or "
        "GEMINI_API_KEY; or pass endpoint=VertexAI(...)"
    )


def test_environment_base_url_that_is_insecure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 6: what google-genai would quietly turn into wss is refused here."""
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://gateway.example")
    with pytest.raises(ConfigError, match="in the clear"):
        from_environment()


def test_environment_gateway_of_vertex_ai_has_its_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for by name is checked by its rules, whatever the host."""
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "https://gateway.example/live")
    assert from_environment().platform is Platform.VERTEX
