"""Endpoints: URLs, headers, model names, and that no secret is shown or sent in the clear."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from trio_live import ConfigError, Custom, GoogleAI, SessionConfig, open_session
from trio_live.endpoints import (
    Address,
    Endpoint,
    from_environment,
    is_loopback,
    key_from_environment,
    without_query,
)

KEY = "AIzaPLANTED"
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


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
    assert address_of(endpoint).url == "wss://proxy.example/live" + PATH.replace("beta", "alpha")


@pytest.mark.parametrize(
    ("model", "name"),
    [("m", "models/m"), ("models/m", "models/m"), ("tunedModels/m", "tunedModels/m")],
)
def test_google_ai_model_name_has_one_prefix(model: str, name: str) -> None:
    """A bare name gets "models/"; others stay."""
    assert GoogleAI(KEY).model_name(model) == name


def test_custom_uses_url_and_model_as_they_are() -> None:
    """A custom URL keeps path and query; model names are not touched."""
    endpoint = Custom("https://h:8443/p?a=1&b", headers={"X-A": "v"})
    address = address_of(endpoint)
    assert (address.url, address.headers) == ("wss://h:8443/p?a=1&b", (("X-A", "v"),))
    assert endpoint.model_name("m") == "m"


def test_custom_counts_headers_query_and_user_information_as_secrets() -> None:
    """Law 6: whatever may be a secret is told to be one, as written and as meant."""
    url = "wss://user:p%20w@h/p?key=s%2Fcret&access_token=t&empty=&flag"
    address = address_of(Custom(url, headers={"Authorization": "Bearer B", "X-Empty": ""}))
    assert address.secrets == ("Bearer B", "s%2Fcret", "t", "user", "p%20w", "s/cret", "p w")


@pytest.mark.parametrize(
    "shown",
    [
        GoogleAI(KEY, base_url=f"wss://{KEY}:{KEY}@host"),
        Custom(f"wss://{KEY}@host/p?key={KEY}", headers={"x": KEY}),
        Address(f"wss://{KEY}@host/p?key={KEY}", (("x", KEY),), (KEY,)),
    ],
)
def test_repr_shows_the_place_and_no_secret(shown: object) -> None:
    """Law 6: a repr shows host and path; neither key, nor query, nor user information."""
    assert "PLANTED" not in repr(shown) + str(shown)
    assert "wss://host/" in repr(shown)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\r\nX: y", "a\n", " a", "ä", "a\tb", None, b"k"])
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
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert address_of(from_environment()).headers == (("x-goog-api-key", key),)
    variable = "GOOGLE_API_KEY" if (google or "").strip() else "GEMINI_API_KEY"
    assert key_from_environment() == (variable, key)


def test_environment_without_a_key_is_a_config_error_at_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a key open_session says what to set, before anything is opened."""
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    assert key_from_environment() == ("", "")
    with pytest.raises(ConfigError) as caught:
        open_session(SessionConfig("m"))
    assert str(caught.value) == (
        "no endpoint was given and the environment has no API key: set GOOGLE_API_KEY or "
        "GEMINI_API_KEY, or pass endpoint=GoogleAI(api_key=...)"
    )
