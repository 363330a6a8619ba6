"""Endpoints: URLs, headers, model names, and that no secret is shown or sent in the clear."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from trio_live import ConfigError, Custom, GoogleAI, VertexAI
from trio_live.endpoints import Address, Endpoint, is_loopback, without_query

KEY = "AIzaPLANTED"
TOKEN = "auth_tokens/PLANTED"
PATH = "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent"


def address_of(endpoint: Endpoint) -> Address:
    """Resolve an endpoint; none of ours waits for anything."""
    return trio.run(endpoint.resolve)


def test_google_ai_sends_its_key_as_a_header_only() -> None:
    """Law 6: the key goes into a header, never into the URL, and is told to be a secret."""
    address = address_of(GoogleAI(KEY))
    assert address.url == f"wss://generativelanguage.googleapis.com{PATH}"
    assert address.headers == (("x-goog-api-key", KEY),)
    assert address.secrets == (KEY,)


def test_google_ai_takes_another_host_and_version() -> None:
    """A base URL may end in a slash and have a path; one slash stands between it and the rest."""
    endpoint = GoogleAI(KEY, base_url="https://proxy.example/live/", api_version="v1alpha")
    assert address_of(endpoint).url == "wss://proxy.example/live" + PATH.replace("v1", "v1alpha")


@pytest.mark.parametrize(
    ("model", "name"),
    [("m", "models/m"), ("models/m", "models/m"), ("tunedModels/m", "tunedModels/m")],
)
def test_google_ai_model_name_has_one_prefix(model: str, name: str) -> None:
    """A bare name gets "models/"; others stay."""
    assert GoogleAI(KEY).model_name(model) == name


def test_google_ai_token_goes_to_the_constrained_method() -> None:
    """An ephemeral token is sent as such, on v1alpha unless another version is asked for."""
    address = address_of(GoogleAI(token=TOKEN))
    path = PATH.replace("v1", "v1alpha") + "Constrained"
    assert address.url == f"wss://generativelanguage.googleapis.com{path}"
    assert address.headers == (("Authorization", f"Token {TOKEN}"),)
    assert address.secrets == (f"Token {TOKEN}", TOKEN)
    assert "v1beta." in address_of(GoogleAI(token=TOKEN, api_version="v1beta")).url


def test_google_ai_gives_the_endpoint_of_music() -> None:
    """Music has a method of its own, by default on v1alpha; all the rest stays."""
    endpoint = GoogleAI(KEY, headers={"X-Own": "1"})
    music = address_of(endpoint.for_music())
    live = address_of(endpoint)
    path = PATH.replace(".v1.", ".v1alpha.").replace("Content", "Music")
    assert music.url == f"wss://generativelanguage.googleapis.com{path}"
    assert (music.headers, music.secrets) == (live.headers, live.secrets)
    assert live.url.endswith(PATH)
    place = GoogleAI(KEY, base_url="ws://localhost:1/x", api_version="v1beta").for_music()
    assert address_of(place).url == "ws://localhost:1/x" + path.replace("v1alpha", "v1beta")


def test_google_ai_token_opens_no_music_session() -> None:
    """The constrained method is that of Live sessions; the error does not show the token."""
    with pytest.raises(ConfigError, match="opens Live sessions only") as caught:
        GoogleAI(token=TOKEN).for_music()
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "^give api_key, token or credentials; open_session\\(endpoint=None\\) reads the env"),
        ({"api_key": ""}, "api_key must be a text"),
        ({"api_key": KEY, "token": TOKEN}, "api_key, token and credentials exclude each other"),
        ({"token": TOKEN, "credentials": str}, "api_key, token and credentials exclude"),
        ({"api_key": TOKEN}, r"give it as GoogleAI\(token=...\)"),
        ({"token": KEY}, "token must be the name of an ephemeral token"),
        ({"token": TOKEN + "\n"}, "token must be a text"),
        ({"api_key": KEY, "quota_project": "p"}, "quota_project goes with credentials only"),
        ({"credentials": "ya29.PLANTED"}, "a function that gives an access token, not str"),
        ({"credentials": str, "quota_project": "a b"}, "quota_project must be a text"),
        ({"api_key": KEY, "headers": {"x": "a\n"}}, "headers\\['x'\\] cannot be sent"),
    ],
)
def test_google_ai_arguments_that_do_not_go_together_are_refused(
    arguments: dict[str, Any], complaint: str
) -> None:
    """There is one way in; what is wrong is said without showing a secret."""
    with pytest.raises(ConfigError, match=complaint) as caught:
        GoogleAI(**arguments)
    assert "PLANTED" not in str(caught.value)


def test_headers_of_the_user_win_over_those_of_the_endpoint() -> None:
    """A header is sent once; names are compared without case."""
    endpoint = GoogleAI(KEY, headers={"X-Goog-Api-Key": "mine", "X-A": "b"})
    assert address_of(endpoint).headers == (("X-Goog-Api-Key", "mine"), ("X-A", "b"))


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_vertex_host_is_that_of_the_location(location: str, host: str) -> None:
    """Regions, multi-regions and the global location each have their kind of host."""
    endpoint = VertexAI("p", location, credentials=lambda: "t")
    assert address_of(endpoint).url == (
        f"wss://{host}/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    )


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("m", "publishers/google/models/m"),
        ("acme/m", "publishers/acme/models/m"),
        ("publishers/acme/models/m", "publishers/acme/models/m"),
        ("models/m", "models/m"),
        ("projects/q/locations/l/publishers/google/models/m",) * 2,
    ],
)
def test_vertex_model_name_has_its_project_where_there_is_one(model: str, name: str) -> None:
    """Publishers' models get project and location, but not in express mode."""
    assert VertexAI(api_key=KEY).model_name(model) == name
    prefix = "projects/p/locations/eu/" if name.startswith("publishers/") else ""
    assert VertexAI("p", "eu", credentials=lambda: "t").model_name(model) == prefix + name


@pytest.mark.parametrize("model", ["", "a/../b", "m?x", "m&x"])
@pytest.mark.parametrize("endpoint", [GoogleAI(KEY), VertexAI(api_key=KEY)])
def test_model_name_that_reaches_elsewhere_is_refused(endpoint: Endpoint, model: str) -> None:
    """google-genai refuses the same names."""
    with pytest.raises(ConfigError, match="must not be empty, nor have"):
        endpoint.model_name(model)


def test_vertex_express_mode_sends_the_key_alone() -> None:
    """A key is enough; base URL, version and headers are the user's to choose."""
    endpoint = VertexAI(api_key=KEY, base_url="https://h/x/", api_version="v1", headers={"a": "b"})
    address = address_of(endpoint)
    assert (
        address.url == "wss://h/x/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent"
    )
    assert address.headers == (("x-goog-api-key", KEY), ("a", "b"))
    assert address.secrets == (KEY, "b")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "VertexAI needs a project, or in express mode an api_key"),
        ({"api_key": KEY, "project": "p"}, "api_key is Vertex AI's express mode"),
        ({"api_key": KEY, "credentials": str}, "api_key is Vertex AI's express mode"),
        ({"api_key": KEY + "\n"}, "api_key must be a text"),
        ({"project": "a/b"}, "project must be a name"),
        ({"project": "p", "location": "a/b"}, "location must be a name"),
        ({"project": "p", "location": "evil.example#"}, "location must be a name"),
        ({"project": "p", "location": ""}, "location must be a name"),
        ({"project": "p", "base_url": "http://h"}, "in the clear"),
    ],
)
def test_vertex_arguments_that_do_not_go_together_are_refused(
    arguments: dict[str, Any], complaint: str
) -> None:
    """What is wrong is said without showing a secret."""
    with pytest.raises(ConfigError, match=complaint) as caught:
        VertexAI(**arguments)
    assert "PLANTED" not in str(caught.value)


def test_custom_uses_url_and_model_as_they_are() -> None:
    """A custom URL keeps path and query; model names are not touched."""
    endpoint = Custom("https://h:8443/p?a=1&b", headers={"X-A": "v"})
    address = address_of(endpoint)
    assert (address.url, address.headers) == ("wss://h:8443/p?a=1&b", (("X-A", "v"),))
    assert endpoint.model_name("m") == "m"
    assert Custom("wss://h", model_name=str.upper).model_name("m") == "M"


@pytest.mark.parametrize(
    ("given", "platform"),
    [
        (None, None),
        ("gemini", GoogleAI.platform),
        ("vertex", VertexAI.platform),
        (GoogleAI.platform, GoogleAI.platform),
        (VertexAI.platform, VertexAI.platform),
    ],
)
def test_custom_names_the_service_behind_it(given: Any, platform: object) -> None:
    """By a plain text, or by the platform of another endpoint."""
    assert Custom("wss://h", platform=given).platform is platform


@pytest.mark.parametrize("given", ["Vertex", "", "refused by Live", 5, ["gemini"]])
def test_custom_platform_that_does_not_exist_is_refused(given: Any) -> None:
    """Its rules would be those of nobody, and an error would come in mid-session."""
    with pytest.raises(ConfigError, match=r'platform=.* must be "gemini", "vertex" or None'):
        Custom("wss://h", platform=given)


def test_custom_counts_headers_query_and_user_information_as_secrets() -> None:
    """Law 6: whatever may be a secret is told to be one, as written and as meant."""
    url = "wss://user:p%20w@h/p?key=s%2Fcret&access_token=t&empty=&flag"
    address = address_of(Custom(url, headers={"Authorization": "Bearer B", "X-Empty": ""}))
    gateway = address_of(Custom("wss://h", headers={"X-Gateway": "Token C", "User-Agent": "a b"}))
    assert gateway.secrets == ("Token C", "C")
    assert address.secrets == ("Bearer B", "B", "s%2Fcret", "t", "user", "p%20w", "s/cret", "p w")


@pytest.mark.parametrize(
    "shown",
    [
        GoogleAI(KEY, base_url=f"wss://{KEY}:{KEY}@host"),
        GoogleAI(token=TOKEN, base_url="wss://host", headers={"x": KEY}),
        GoogleAI(credentials=lambda: KEY, base_url="wss://host"),
        VertexAI(api_key=KEY, base_url=f"wss://{KEY}:{KEY}@host"),
        VertexAI("p", credentials=lambda: KEY, base_url="wss://host", headers={"x": KEY}),
        Custom(f"wss://{KEY}@host/p?key={KEY}", headers={"x": KEY}),
        Address(f"wss://{KEY}@host/p?key={KEY}", (("x", KEY),), (KEY,)),
    ],
)
def test_repr_shows_the_place_and_no_secret(shown: object) -> None:
    """Law 6: a repr shows host and path; neither key, nor query, nor user information."""
    assert "PLANTED" not in repr(shown) + str(shown)
    assert "wss://host/" in repr(shown)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\r\nX: y", "a\n", " a", "ä", "a\tb", b"k"])
def test_google_ai_key_that_cannot_be_a_header_is_refused(key: Any) -> None:
    """A key that is empty or would break the header is refused, without being shown."""
    with pytest.raises(ConfigError) as caught:
        GoogleAI(key)
    assert str(caught.value) == (
        "api_key must be a text that is not empty and has neither spaces nor line ends"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-B: c"),
        ("X-A", "a\nb"),
        ("X-A", "a\x00"),
        ("X-A", " a"),
        ("X-A", "ü"),
        ("X-A", None),
        ("X-A\r\nX-B", "a"),
        ("X-A: a\r\nX-B", "a"),
        ("X A", "a"),
        ("", "a"),
        ("X-Ä", "a"),
        (None, "a"),
    ],
)
def test_custom_header_that_injects_is_refused(name: Any, value: Any) -> None:
    """A header whose name or value could begin another line is refused, its value not shown."""
    with pytest.raises(ConfigError) as caught:
        Custom("wss://h", headers={name: value})
    assert repr(name) in str(caught.value)
    assert caught.value.args[0].isprintable()


@pytest.mark.parametrize("version", ["", "v1/../x", "v1?a=b", "v1 ", "v1\n"])
def test_google_ai_version_that_is_no_name_is_refused(version: str) -> None:
    """A version is part of a path and nothing more."""
    with pytest.raises(ConfigError, match="api_version must be a name"):
        GoogleAI(KEY, api_version=version)


def test_google_ai_base_url_with_a_query_is_refused() -> None:
    """The service's path is put behind the base URL, so that must not end in a query."""
    with pytest.raises(ConfigError, match="base_url must not have a query"):
        GoogleAI(KEY, base_url="wss://h?key=x")


LOCAL = ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.8.9.1", "[::1]"]
FOREIGN = ["example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "[fe80::1]", "127.1"]


@pytest.mark.parametrize("scheme", ["ws", "http", "WS"])
@pytest.mark.parametrize("host", LOCAL)
def test_unencrypted_url_to_this_machine_is_taken(host: str, scheme: str) -> None:
    """Unencrypted connections are for the loopback."""
    assert address_of(Custom(f"{scheme}://{host}:80/p")).url == f"ws://{host}:80/p"


@pytest.mark.parametrize("make", [Custom, lambda url: GoogleAI(KEY, base_url=url)])
@pytest.mark.parametrize("scheme", ["ws", "http"])
@pytest.mark.parametrize("host", FOREIGN)
def test_unencrypted_url_to_another_machine_is_refused(host: str, scheme: str, make: Any) -> None:
    """Law 6: no key goes to another machine in the clear, and the refusal shows no secret."""
    with pytest.raises(ConfigError) as caught:
        make(f"{scheme}://PLANTED@{host}/p")
    assert str(caught.value) == (
        f"'{scheme}://{host}/p' would send credentials in the clear to another machine; use "
        "wss://, or say insecure=True"
    )


def test_unencrypted_url_to_another_machine_is_taken_if_it_is_wanted() -> None:
    """insecure=True is the way around."""
    assert address_of(Custom("ws://example.com", insecure=True)).url == "ws://example.com"
    endpoint = GoogleAI(KEY, base_url="http://example.com", insecure=True)
    assert address_of(endpoint).url == f"ws://example.com{PATH}"


@pytest.mark.parametrize(
    "url",
    [
        "wss://[::1",
        "wss://h:99999",
        "wss://h:port",
        "wss://h/a b",
        "wss://h/a\r\nX: y",
        "wss://h\x00",
        None,
        b"wss://h",
        5,
    ],
)
def test_url_that_cannot_be_parsed_is_refused(url: Any) -> None:
    """A URL that is none is refused without being shown."""
    with pytest.raises(ConfigError) as caught:
        Custom(url)
    assert str(caught.value) == "the URL cannot be parsed"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("url", ["", "h", "ftp://h", "wss:///p", "wss:h", "//h", "https://"])
def test_url_without_scheme_or_host_is_refused(url: str) -> None:
    """Four schemes are taken, and a host must be named."""
    with pytest.raises(ConfigError, match="must begin with wss://"):
        Custom(url)


def test_fragment_of_a_url_is_left_out() -> None:
    """A fragment is never sent."""
    assert address_of(Custom("wss://h/p?q=1#f")).url == "wss://h/p?q=1"


def test_without_query_drops_query_fragment_and_user_information() -> None:
    """What is shown of a URL is scheme, host and path."""
    assert without_query("wss://u:p@h:1/p?q#f") == "wss://h:1/p"


def test_is_loopback_says_only_what_is_certain() -> None:
    """A name that merely looks local is not."""
    assert [is_loopback(host) for host in ("localhost", "::1", "localhost.", "example")] == [
        True,
        True,
        False,
        False,
    ]
