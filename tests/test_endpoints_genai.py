"""Endpoints against google-genai: the same URL, headers and model name, from the same settings.

The SDK runs its own connecting code up to the moment at which it would open the socket. Some things
differ on purpose, and are evened out here: it writes a double slash before "ws", leaves a gateway's
https as it is, sends telemetry headers, and sends an ephemeral token in the key's header as well.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import warnings
from typing import Any

import pytest
import trio

from trio_live import ConfigError, Custom, Endpoint, GoogleAI, VertexAI
from trio_live.endpoints import from_environment
from trio_live.endpoints.vertex import publisher_name

pytest.importorskip("google.genai")

import google.genai.live
import google.oauth2.credentials
from google import genai

KEY = "AIza-key"
TOKEN = "auth_tokens/t"
TELEMETRY = {"content-type", "user-agent", "x-goog-api-client"}
Request = tuple[str, dict[str, str], str]


class Dialled(Exception):
    """Raised in place of connecting."""


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_default(project: str | None) -> None:
        raise ValueError("no project: there are no application default credentials here")

    def no_certificates(*args: object, **kwargs: object) -> dict[str, object]:
        return {}  # reading them would take most of the time of these tests

    for name in (*ENVIRONMENT, "GOOGLE_GENAI_USE_ENTERPRISE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("google.genai._api_client.load_auth", no_default)
    client = genai._api_client.BaseApiClient
    monkeypatch.setattr(client, "_ensure_websocket_ssl_ctx", no_certificates)
    monkeypatch.setattr(client, "_ensure_httpx_ssl_ctx", lambda *args, **kwargs: ({}, {}))
    monkeypatch.setattr(client, "_ensure_aiohttp_ssl_ctx", no_certificates)
    for which in ("SyncHttpx2Client", "AsyncHttpx2Client"):
        monkeypatch.setattr(f"google.genai._api_client.{which}", lambda **kwargs: None)


def sent_by_genai(monkeypatch: pytest.MonkeyPatch, model: str, **settings: Any) -> Request:
    """Let google-genai connect; give what it would have sent."""
    seen: list[Any] = []

    class Socket:
        async def __aenter__(self) -> Socket:
            return self

        async def __aexit__(self, *args: object) -> None:
            pass

        async def send(self, frame: str) -> None:
            seen.append(json.loads(frame)["setup"]["model"])
            raise Dialled

    def connect(uri: str, *, additional_headers: dict[str, str], **settings: object) -> Socket:
        seen.extend((uri, additional_headers))
        return Socket()

    async def main() -> None:
        client = genai.Client(**settings)
        with pytest.raises(Dialled):
            async with client.aio.live.connect(model=model):
                pass

    monkeypatch.setattr(google.genai.live, "ws_connect", connect)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(main())
    url, headers, name = seen
    return url.replace("//ws/", "/ws/").replace("https:", "wss:"), lower(headers), name


def lower(headers: Any) -> dict[str, str]:
    """Give headers with small names, without telemetry."""
    pairs = {name.lower(): value for name, value in dict(headers).items()}
    return {name: value for name, value in pairs.items() if name not in TELEMETRY}


def sent_by_us(endpoint: Endpoint, model: str) -> Request:
    """Give what our session would send."""
    address = trio.run(endpoint.resolve)
    return address.url, lower(address.headers), endpoint.model_name(model)


def google_credentials(quota_project: str | None = None) -> Any:
    """Real credentials of google-auth with a token that is still good."""
    kind: Any = google.oauth2.credentials.Credentials
    return kind("ya29", quota_project_id=quota_project)


@pytest.mark.parametrize("model", ["gemini-3.8-live", "models/m", "tunedModels/m"])
@pytest.mark.parametrize(
    ("settings", "ours"),
    [
        ({}, {}),
        ({"api_version": "v1alpha"}, {"api_version": "v1alpha"}),
        ({"base_url": "https://h:1/p/"}, {"base_url": "https://h:1/p/"}),
        ({"headers": {"X-A": "b"}}, {"headers": {"X-A": "b"}}),
    ],
)
def test_google_ai_with_a_key_is_what_genai_sends(
    monkeypatch: pytest.MonkeyPatch, model: str, settings: Any, ours: Any
) -> None:
    """The Gemini Developer API with a key, its defaults included."""
    expected = sent_by_genai(monkeypatch, model, api_key=KEY, http_options=settings or None)
    assert sent_by_us(GoogleAI(KEY, **ours), model) == expected


def test_google_ai_with_a_token_is_what_genai_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ephemeral token, on the version that the SDK does not warn about."""
    url, headers, name = sent_by_genai(
        monkeypatch, "m", api_key=TOKEN, http_options={"api_version": "v1alpha"}
    )
    assert headers.pop("x-goog-api-key") == TOKEN
    assert sent_by_us(GoogleAI(token=TOKEN), "m") == (url, headers, name)


MODELS = ["m", "acme/m", "publishers/acme/models/m", "models/m", "projects/q/locations/l/m"]


@pytest.mark.parametrize("location", ["us-central1", "global", "us", "eu"])
@pytest.mark.parametrize("model", MODELS)
def test_vertex_with_a_bearer_is_what_genai_sends(
    monkeypatch: pytest.MonkeyPatch, model: str, location: str
) -> None:
    """Vertex AI in a project, for all kinds of location and of model names."""
    credentials = google_credentials()
    settings = {"project": "p", "location": location, "credentials": credentials}
    expected = sent_by_genai(monkeypatch, model, vertexai=True, **settings)
    assert sent_by_us(VertexAI("p", location, credentials=credentials), model) == expected


@pytest.mark.parametrize("headers", [None, {"x-goog-user-project": "mine"}, {"Authorization": "B"}])
def test_vertex_quota_project_is_what_genai_sends(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str] | None
) -> None:
    """The credentials' quota project is told, unless a header of the user's says another."""
    credentials = google_credentials("payer")
    settings: Any = {"vertexai": True, "project": "p", "location": "us-central1"}
    expected = sent_by_genai(
        monkeypatch, "m", credentials=credentials, http_options={"headers": headers}, **settings
    )
    ours = VertexAI("p", "us-central1", credentials=credentials, headers=headers)
    assert sent_by_us(ours, "m") == expected


@pytest.mark.parametrize("model", MODELS)
def test_vertex_express_mode_is_what_genai_sends(
    monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    """Vertex AI with a key alone, on another version too."""
    expected = sent_by_genai(
        monkeypatch, model, vertexai=True, api_key=KEY, http_options={"api_version": "v1"}
    )
    assert sent_by_us(VertexAI(api_key=KEY, api_version="v1"), model) == expected


def test_vertex_with_a_base_url_is_what_genai_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With project and location told, another host has the service's own path."""
    settings = {"project": "p", "location": "us-central1", "credentials": google_credentials()}
    options: Any = {"base_url": "https://gateway.example/x"}
    expected = sent_by_genai(monkeypatch, "m", vertexai=True, http_options=options, **settings)
    ours = VertexAI("p", "us-central1", credentials=google_credentials(), **options)
    assert sent_by_us(ours, "m") == expected


def test_custom_is_what_genai_sends_to_a_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without project, location and key the URL is used as it is; the name is still Vertex AI's."""
    options: Any = {"base_url": "wss://gateway.example/live?x=1", "headers": {"X-Auth": "s"}}
    expected = sent_by_genai(monkeypatch, "m", vertexai=True, http_options=options)
    ours = Custom(options["base_url"], headers=options["headers"], model_name=publisher_name)
    assert sent_by_us(ours, "m") == expected


ENVIRONMENT: dict[str, tuple[str | None, ...]] = {
    "GOOGLE_GENAI_USE_VERTEXAI": (None, "TRUE", "0"),
    "GOOGLE_CLOUD_PROJECT": (None, "p"),
    "GOOGLE_CLOUD_LOCATION": (None, "us-central1", "eu", "global"),
    "GOOGLE_API_KEY": (None, "google-key"),
    "GEMINI_API_KEY": (None, "gemini-key", ""),
    "GOOGLE_GEMINI_BASE_URL": (None, "https://gateway.example"),
    "GOOGLE_VERTEX_BASE_URL": (None, "wss://gateway.example", "https://x.googleapis.com"),
    "GOOGLE_GENAI_API_VERSION": (None, "beta", "v9"),
}


def combinations(vertex: str | None) -> list[dict[str, str]]:
    """Give all environments of one platform; the other's base URL stays out (environment.py)."""
    left_out = "GOOGLE_GEMINI_BASE_URL" if vertex == "TRUE" else "GOOGLE_VERTEX_BASE_URL"
    choices = ENVIRONMENT | {"GOOGLE_GENAI_USE_VERTEXAI": (vertex,), left_out: (None,)}
    return [
        {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        for values in itertools.product(*choices.values())
    ]


@pytest.mark.parametrize("vertex", ENVIRONMENT["GOOGLE_GENAI_USE_VERTEXAI"])
def test_environment_means_what_it_means_to_genai(
    monkeypatch: pytest.MonkeyPatch, vertex: str | None
) -> None:
    """Each combination of the variables leads to the same place, or to an error in both."""
    monkeypatch.setattr("google.auth.default", lambda scopes: (google_credentials(), None))
    monkeypatch.setattr("google.genai._api_client.BaseApiClient._async_access_token", give_token)
    agreed = 0
    for environment in combinations(vertex):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            # Told by an argument, so that the right base URL is read; nothing else depends on it.
            settings = {"vertexai": True} if vertex == "TRUE" else {}
            try:
                expected = sent_by_genai(patch, "m", **settings)
            except ValueError:
                with pytest.raises(ConfigError):
                    from_environment()
            else:
                assert sent_by_us(from_environment(), "m") == expected, environment
                agreed += 1
    assert agreed > 50


async def give_token(client: object) -> str:
    """What google_credentials() gives as well."""
    return "ya29"
