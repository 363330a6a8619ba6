"""Ephemeral tokens: what is asked for, what the embedded server issues, what sessions then get."""

from __future__ import annotations

import math
import re
import socket
import ssl
import sys
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
from live_server_client import GEMINI, MODEL, connect
from trio.testing import MockClock

import trio_live
from trio_live import (
    ConfigError,
    ConnectionLost,
    CredentialsError,
    FunctionDeclaration,
    GoogleAI,
    SessionConfig,
    SessionResumeUpdate,
    SetupError,
    ThinkingConfig,
    TurnComplete,
    open_session,
    tokens,
)
from trio_live.testing import LiveServer, connect_to
from trio_live.tokens import EphemeralToken, request_body

pytest.importorskip("httpcore")

KEY = "AIzaPLANTED"
CONFIG = SessionConfig("m", response_modalities=["TEXT"])
CONSTRAINED = GEMINI.replace("v1beta", "v1alpha") + "Constrained"


async def create(server: LiveServer, **settings: Any) -> EphemeralToken:
    """Ask a server in this program for a token."""

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return server.open_stream()

    ours: Any = {"api_key": KEY, "base_url": "ws://localhost", "open_stream": open_stream}
    return await tokens.create(**ours | settings)


async def talk(server: LiveServer, token: EphemeralToken, config: SessionConfig = CONFIG) -> Any:
    """Hold a session with a token; give the setup that the server took, and a handle."""
    endpoint = GoogleAI(token=token.name, base_url="ws://localhost")
    async with open_session(config, endpoint=endpoint, transport=connect_to(server)) as session:
        await session.send_text("hello")
        async for event in session:
            if isinstance(event, SessionResumeUpdate) and event.handle:
                return server.sessions[-1].setup, event.handle
    raise AssertionError


def camel(value: Any) -> Any:
    """Spell all names in camelCase: google-genai leaves some of its own spelling in a setup."""
    if isinstance(value, dict):
        return {
            re.sub("_([a-z])", lambda found: found[1].upper(), name): camel(item)
            for name, item in value.items()
        }
    return value


@pytest.fixture
def genai_body(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give a function that lets google-genai make a request for a token, and gives its body."""
    genai = pytest.importorskip("google.genai")

    def ask(**config: Any) -> Any:
        asked: list[Any] = []

        def request(self: object, method: str, path: str, body: object, *rest: object) -> Any:
            asked.extend((method, path, body))
            return genai.types.HttpResponse(body='{"name": "auth_tokens/t"}', headers={})

        monkeypatch.setattr("google.genai._api_client.BaseApiClient.request", request)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = genai.Client(api_key=KEY)
            client.auth_tokens.create(config=config or None)
        assert asked[:2] == ["post", "auth_tokens"]
        body = camel(asked[2])
        if "fieldMask" in body:  # some of it in snake_case, which the service also reads
            body["fieldMask"] = set(camel({body["fieldMask"]: 0}).popitem()[0].split(","))
        return body

    return ask


def our_body(config: SessionConfig | None = None, lock: Any = None, **times: Any) -> Any:
    """Give the body of our request, its mask as a set."""
    settings: Any = {"uses": None, "expire_time": None, "new_session_expire_time": None}
    body: Any = request_body(config, lock, **settings | times)
    if "fieldMask" in body:
        body["fieldMask"] = set(body["fieldMask"].split(","))
    return body


THEIRS = {
    "response_modalities": ["TEXT"],
    "temperature": 0.5,
    "session_resumption": {},
    "output_audio_transcription": {},
    "thinking_config": {"thinking_budget": 7},
}
OURS = SessionConfig(
    "m",
    response_modalities=["TEXT"],
    temperature=0.5,
    output_transcription=True,
    thinking=ThinkingConfig(thinking_budget=7),
)


@pytest.mark.parametrize(
    "lock",
    [None, [], ["top_k"], ["seed", "input_audio_transcription", "max_output_tokens"]],
)
def test_request_binds_what_genai_binds(genai_body: Callable[..., Any], lock: Any) -> None:
    """Setup and field mask are those of google-genai, for each way of locking."""
    expected = genai_body(
        live_connect_constraints={"model": "m", "config": THEIRS}, lock_additional_fields=lock
    )
    assert our_body(OURS, lock) == expected


def test_request_has_uses_and_times_as_genai_writes_them(genai_body: Callable[..., Any]) -> None:
    """Numbers and times are those of google-genai; without any the request is empty."""
    time = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    settings: Any = {"uses": 0, "expire_time": time, "new_session_expire_time": time}
    assert our_body(**settings) == genai_body(**settings)
    east = time.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert our_body(**settings | {"expire_time": east}) == our_body(**settings)
    assert our_body() == genai_body() == {}


def test_request_locks_every_generation_setting_of_genai() -> None:
    """The fields that need no prefix are those of google-genai's GenerationConfig."""
    types = pytest.importorskip("google.genai.types")
    for name in types.GenerationConfig.model_fields:
        (path,) = our_body(lock=[name])["fieldMask"]
        assert path == "generationConfig." + camel({name: 0}).popitem()[0]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("system_instruction", "systemInstruction"),
        ("systemInstruction", "systemInstruction"),
        ("maxOutputTokens", "generationConfig.maxOutputTokens"),
        ("generation_config.max_output_tokens", "generationConfig.maxOutputTokens"),
        ("speech_config.voice_config", "generationConfig.speechConfig.voiceConfig"),
        ("realtimeInputConfig.turnCoverage", "realtimeInputConfig.turnCoverage"),
    ],
)
@pytest.mark.parametrize("config", [None, CONFIG])
def test_locked_field_has_its_full_path(config: SessionConfig | None, name: str, path: str) -> None:
    """Either spelling, with or without generationConfig before it, gives the path on the wire."""
    assert path in our_body(config, [name])["fieldMask"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("sytem_instruction", "did you mean 'system_instruction'?"),
        ("Max-Output_Tokens", "did you mean 'max_output_tokens'?"),
        (
            "output_transcription",
            "what SessionConfig calls output_transcription is 'output_audio_transcription' there",
        ),
        ("voice", "what SessionConfig calls voice is 'speech_config' there"),
        (
            "activity_detection",
            "what SessionConfig calls activity_detection is 'realtime_input_config' there",
        ),
        ("thinking", "what SessionConfig calls thinking is 'thinking_config' there"),
        ("explicit_vad_signal", "no field of the Gemini API's setup"),
        ("tools.function_declarations", "has 'tools.function_declarations', which is no field"),
        ("temperature.x", "has 'temperature.x', which is no field"),
        ("extra", "has 'extra', which is no field"),
        ("", "has '', which is no field"),
    ],
)
def test_field_that_cannot_be_locked_is_refused(name: str, complaint: str) -> None:
    """A misspelt lock would lock nothing, and nobody would be told."""
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        our_body(CONFIG, [name])


def test_request_has_the_raw_fields_of_the_config() -> None:
    """What a config says with extra= is bound as well."""
    config = SessionConfig("m", extra={"generationConfig": {"newField": 1}})
    setup = our_body(config, [])["bidiGenerateContentSetup"]
    assert setup["generationConfig"]["newField"] == 1
    assert "generationConfig.newField" in our_body(config, [])["fieldMask"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"uses": -1}, "uses=-1 must be a whole number, 0 or more"),
        ({"uses": True}, "uses=True must be"),
        ({"expire_time": datetime(2027, 1, 1)}, "expire_time must be a datetime with a time zone"),
        ({"new_session_expire_time": 5}, "new_session_expire_time must be a datetime"),
        ({"config": {"model": "m"}}, "config must be a SessionConfig, not dict"),
        ({"lock_additional_fields": "seed"}, "lock_additional_fields must be a list of names"),
        ({"api_key": "a b"}, "api_key must be a text"),
        ({"base_url": "http://h"}, "in the clear"),
        ({"api_version": "v1/x"}, "api_version must be a name"),
        ({"headers": {"x": "\n"}}, "cannot be sent"),
        *(
            ({"answer_timeout": value}, "answer_timeout=.* must be a number of seconds above 0")
            for value in (None, -1, 0, "x", True, math.nan)
        ),
    ],
)
async def test_create_refuses_arguments_that_cannot_be(
    settings: dict[str, Any], complaint: str
) -> None:
    """What cannot be asked for is refused before anything is sent."""
    with pytest.raises(ConfigError, match=complaint):
        await tokens.create(**dict[str, Any](api_key=KEY) | settings)


async def test_create_reads_the_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Without a key the environment's is taken; without that, the error says what to set."""
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    async with LiveServer(api_keys=[KEY]) as server:
        assert (await create(server, api_key=None)).name.startswith("auth_tokens/")
    monkeypatch.delenv("GOOGLE_API_KEY")
    with pytest.raises(ConfigError, match="set GOOGLE_API_KEY or GEMINI_API_KEY"):
        await tokens.create()


async def test_token_opens_a_session_and_is_not_shown(autojump_clock: MockClock) -> None:
    """The whole way: a token is issued for a key, and opens a session that has no key."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY]) as server:
            token = await create(server)
            setup, _ = await talk(server, token)
            assert setup["generationConfig"] == {"responseModalities": ["TEXT"]}
            session = server.sessions[0]
            assert session.path == CONSTRAINED
            assert "x-goog-api-key" not in session.headers
    assert token.uses == 1
    assert token.expire_time is not None
    assert token.name.partition("/")[2] not in repr(token)


async def test_token_is_used_up_but_not_by_resuming(autojump_clock: MockClock) -> None:
    """Uses count new sessions; a session can be resumed with the token that began it."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY]) as server:
            token = await create(server, uses=1)
            _, handle = await talk(server, token)
            for _ in range(2):
                resumed = SessionConfig("m", response_modalities=["TEXT"], resumption_handle=handle)
                _, handle = await talk(server, token, resumed)
            with pytest.raises(SetupError) as caught:
                await talk(server, token)
            assert (caught.value.code, caught.value.reason) == (1008, "Token has no uses left.")
            assert not caught.value.retryable
            unlimited = await create(server, uses=0)
            for _ in range(3):
                await talk(server, unlimited)


async def test_token_that_opens_no_session_keeps_its_uses(autojump_clock: MockClock) -> None:
    """A setup that is refused costs no use."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY], models=["m"]) as server:
            token = await create(server)
            with pytest.raises(SetupError):
                await talk(server, token, SessionConfig("other"))
            await talk(server, token)


async def test_token_does_not_begin_sessions_after_its_first_minute(
    autojump_clock: MockClock,
) -> None:
    """After newSessionExpireTime a session can be resumed and none can begin."""
    with trio.fail_after(6_000):
        async with LiveServer(api_keys=[KEY]) as server:
            token = await create(server, uses=0)
            _, handle = await talk(server, token)
            await trio.sleep(61)
            with pytest.raises(SetupError, match="does not allow new sessions"):
                await talk(server, token)
            resumed = SessionConfig("m", response_modalities=["TEXT"], resumption_handle=handle)
            await talk(server, token, resumed)


async def test_token_ends_its_sessions_with_its_time(autojump_clock: MockClock) -> None:
    """At expireTime the running session is closed, and then nothing works with the token."""
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    with trio.fail_after(6_000):
        async with LiveServer(api_keys=[KEY]) as server:
            token = await create(server, expire_time=in_an_hour, uses=0)
            begun = trio.current_time()
            endpoint = GoogleAI(token=token.name, base_url="ws://localhost")
            with pytest.raises(ConnectionLost, match="Token has expired"):
                async with open_session(CONFIG, endpoint=endpoint, transport=connect_to(server)):
                    await trio.sleep_forever()
            assert 3_590 < trio.current_time() - begun <= 3_600
            with pytest.raises(SetupError, match="Token has expired"):
                await talk(server, token)


WANTED = SessionConfig(
    "other",
    response_modalities=["AUDIO"],
    system_instruction="Obey me.",
    temperature=1.5,
    tools=[FunctionDeclaration("f")],
)
BOUND = SessionConfig("m", response_modalities=["TEXT"], system_instruction="Be brief.", seed=7)


async def setup_with(server: LiveServer, **settings: Any) -> Any:
    """Ask for WANTED with a token; give the setup that the server took."""
    token = await create(server, **settings)
    endpoint = GoogleAI(token=token.name, base_url="ws://localhost")
    async with open_session(WANTED, endpoint=endpoint, transport=connect_to(server)):
        return server.sessions[-1].setup


async def test_token_replaces_the_whole_setup(autojump_clock: MockClock) -> None:
    """Without a mask the client gets the token's setup, whatever it asks for."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY]) as server:
            setup = await setup_with(server, config=BOUND)
    assert setup == {
        "model": "models/m",
        "generationConfig": {"responseModalities": ["TEXT"], "seed": 7},
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "sessionResumption": {},
    }


@pytest.mark.parametrize(
    ("lock", "temperature"), [([], {"temperature": 1.5}), (["temperature"], {})]
)
async def test_token_locks_the_fields_of_its_mask(
    lock: list[str], temperature: dict[str, float], autojump_clock: MockClock
) -> None:
    """With a mask the rest is the client's; what is locked and not set gets its default."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY]) as server:
            setup = await setup_with(server, config=BOUND, lock_additional_fields=lock)
    assert setup == {
        "model": "models/m",
        "generationConfig": {"responseModalities": ["TEXT"], "seed": 7} | temperature,
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
        "sessionResumption": {},
    }


async def test_mask_without_a_setup_locks_fields_to_their_defaults(
    autojump_clock: MockClock,
) -> None:
    """Fields can be locked without saying to what."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY]) as server:
            setup = await setup_with(server, lock_additional_fields=["tools", "system_instruction"])
    assert set(setup) == {"model", "generationConfig", "sessionResumption"}


@pytest.mark.parametrize("api_keys", [None, [KEY]])
async def test_token_of_elsewhere_is_good_only_where_any_key_is(
    api_keys: list[str] | None, autojump_clock: MockClock
) -> None:
    """A server that knows its keys knows its tokens too."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=api_keys) as server:
            if api_keys is None:
                await talk(server, EphemeralToken("auth_tokens/other"))
            else:
                with pytest.raises(SetupError, match="Token is not valid"):
                    await talk(server, EphemeralToken("auth_tokens/other"))


async def test_token_in_the_query_is_held_to_its_setup_as_well(autojump_clock: MockClock) -> None:
    """Browsers cannot send headers: they put the token into the URL."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY]) as server:
            token = await create(server, config=BOUND)
            path = f"{CONSTRAINED}?access_token={token.name}"
            async with connect(server, path, []) as client:
                assert "setupComplete" in await client.set_up(model=MODEL)
                assert server.sessions[0].setup["model"] == "models/m"


Refused = tuple[int | None, str, bool]


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        ({"api_key": "wrong"}, 400, "API key not valid"),
        ({"api_version": "v1"}, 404, "Not found."),
        ({"expire_time": datetime(2020, 1, 1, tzinfo=UTC)}, 400, "must be in the future"),
        ({"expire_time": datetime(2120, 1, 1, tzinfo=UTC)}, 400, "less than 20 hours"),
        (
            {"config": SessionConfig("m", extra={"noSuch": KEY}), "lock_additional_fields": []},
            400,
            "Unknown name \"noSuch\" at 'bidi_generate_content_setup'",
        ),
    ],
)
async def test_request_that_is_refused_is_told(
    settings: Any, status: int, said: str, autojump_clock: MockClock
) -> None:
    """The server is strict, and its answer is in the error, without the key."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=[KEY]) as server:
            with pytest.raises(CredentialsError) as caught:
                await create(server, **settings)
    assert str(caught.value) == f"no ephemeral token: the service answered with HTTP {status}"
    assert (caught.value.status, caught.value.retryable) == (status, False)
    assert said in (caught.value.body or "").replace('\\"', '"')
    assert KEY not in (caught.value.body or "")


async def test_overloaded_service_is_worth_another_try(autojump_clock: MockClock) -> None:
    """What passes is told to be retryable."""
    with trio.fail_after(600):
        async with LiveServer() as server:
            server.upgrade_status = 503
            with pytest.raises(CredentialsError) as caught:
                await create(server)
    assert (caught.value.status, caught.value.retryable) == (503, True)


FarEnd = Callable[[trio.abc.Stream], Awaitable[None]]


async def answer_with(stream: trio.abc.Stream, answer: bytes) -> None:
    """Read a request whose body fits into one read, and answer it."""
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 " + answer)
    await stream.aclose()


async def answered(answer: bytes, **settings: Any) -> tokens.EphemeralToken | CredentialsError:
    """Ask for a token where this is the answer; give the token, or the error."""
    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:

            async def open_stream(host: str, port: int) -> trio.abc.Stream:
                assert (host, port) == ("localhost", 80)
                near, far = trio.testing.memory_stream_pair()
                await trio.lowlevel.checkpoint()
                nursery.start_soon(answer_with, far, answer)
                return near

            try:
                return await tokens.create(
                    KEY, base_url="http://localhost", open_stream=open_stream, **settings
                )
            except CredentialsError as error:
                return error


async def error_of(answer: bytes, **settings: Any) -> CredentialsError:
    """The same, where there is an error."""
    error = await answered(answer, **settings)
    assert isinstance(error, CredentialsError)
    return error


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"200 OK\r\nContent-Length: 2\r\n\r\n{}", "the answer is none"),
        (b"200 OK\r\nContent-Length: 12\r\n\r\n" + b'{"name":"x"}', "the answer is none"),
        (b"200 OK\r\nContent-Length: 5\r\n\r\n{", "peer closed connection"),
        (b"200 OK\r\n\r\n" + b" " * 1_100_000, "the answer is larger than 1048576 bytes"),
        (b"garbage\r\n\r\n", "illegal status line"),
        (b"302 Found\r\nLocation: http://evil\r\nContent-Length: 0\r\n\r\n", "with HTTP 302"),
        (b"400 Bad\r\nContent-Length: 11\r\n\r\n" + KEY.encode(), "with HTTP 400"),
    ],
)
async def test_answer_that_is_no_token_is_an_error(
    answer: bytes, complaint: str, autojump_clock: MockClock
) -> None:
    """Whatever comes back, it ends in one error, without the key in it."""
    error = await error_of(answer)
    assert complaint in str(error)
    assert KEY not in f"{error} {error!r} {error.body}"


@pytest.mark.parametrize(
    "rest", [b'"uses":"1"', b'"uses":[]', b'"uses":1,"expireTime":"soon"', b'"new":{}']
)
async def test_a_token_counts_whatever_stands_beside_it(
    rest: bytes, autojump_clock: MockClock
) -> None:
    """What was issued, and perhaps paid for, is not thrown away for a number that is a text."""
    said = b'{"name":"auth_tokens/x",%b}' % rest
    token = await answered(b"200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))
    assert isinstance(token, tokens.EphemeralToken)
    assert token.name == "auth_tokens/x"
    assert token.uses in (None, 1)


async def test_answer_does_not_show_the_token_behind_a_scheme(autojump_clock: MockClock) -> None:
    """A header of the caller's own is blanked in the error as a whole, and without its scheme."""
    said = b'{"error": "PLANTED is no token, nor is Bearer PLANTED"}'
    answer = b"401 No\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)
    error = await error_of(answer, headers={"X-Gateway": "Bearer PLANTED"})
    assert error.body == '{"error": "*** is no token, nor is ***"}'


async def test_service_that_does_not_answer_is_given_up(autojump_clock: MockClock) -> None:
    """Law 5: there is a deadline, on Trio's clock."""
    near, _ = trio.testing.memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return near

    with pytest.raises(CredentialsError, match=r"no answer within answer_timeout=9 s") as caught:
        await tokens.create(
            KEY, base_url="http://localhost", open_stream=open_stream, answer_timeout=9
        )
    assert trio.current_time() == 9
    assert caught.value.retryable


async def test_service_that_cannot_be_reached_is_an_error() -> None:
    """A real socket: what the network says is told."""
    with socket.socket() as taken:  # a port on which nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CredentialsError) as caught:
            await tokens.create(KEY, base_url=url)
    assert str(caught.value).endswith("Connection refused")
    assert caught.value.retryable


async def test_whole_flow_over_tls_on_real_sockets() -> None:
    """The same certificate serves both requests; one that is not trusted serves none."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    with trio.fail_after(60):
        async with LiveServer(api_keys=[KEY], pace=0) as server:
            url = await server.listen("localhost", ssl_context=theirs)
            token = await tokens.create(KEY, base_url=url, ssl_context=ours, config=BOUND)
            endpoint = GoogleAI(token=token.name, base_url=url)
            async with open_session(CONFIG, endpoint=endpoint, ssl_context=ours) as session:
                await session.send_text("hello")
                async for event in session:
                    if isinstance(event, TurnComplete):
                        break
            assert server.sessions[0].setup["generationConfig"] == {
                "responseModalities": ["TEXT"],
                "seed": 7,
            }
            with pytest.raises(CredentialsError, match="the TLS certificate was not accepted"):
                await tokens.create(KEY, base_url=url)


async def test_without_httpcore_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 12: the extra is missed only where it is used."""
    monkeypatch.setitem(sys.modules, "httpcore", None)
    monkeypatch.delitem(sys.modules, "trio_live.http_post", raising=False)
    with pytest.raises(ConfigError, match=r"pip install trio-live\[tokens\]"):
        await tokens.create(KEY)
    assert trio_live.tokens is tokens
