"""Music sessions over memory, by the laws of Live sessions (tests/test_session_laws.py)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import trio
from music_parts import MODEL, PROMPTS, PROMPTS_MESSAGE, WiredMusic, control, rest_of
from session_parts import ENDPOINT, KEY, Json, frame, leaves_with
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    Connected,
    ConnectionLost,
    ControlPlayback,
    Disconnected,
    Error,
    InvalidArgument,
    InvalidArgumentType,
    LocalProtocolError,
    MusicData,
    MusicGenerationConfig,
    MusicSession,
    MusicSource,
    PromptFiltered,
    SessionClosed,
    SetupError,
    SetupTimeout,
    SetWeightedPrompts,
    Unknown,
    WeightedPrompt,
)
from trio_live.testing import MemoryNetwork
from trio_live.testing.checkpoints import cancel_at_every_checkpoint

CHUNK = frame(
    serverContent={
        "audioChunks": [
            {
                "data": "AAECAw==",
                "mimeType": "audio/l16;rate=48000;channels=2",
                "sourceMetadata": {
                    "clientContent": {"weightedPrompts": [{"text": "piano", "weight": 1}]},
                    "musicGenerationConfig": {"bpm": 90},
                },
            },
            {"data": "BAU=", "mimeType": "audio/l16;rate=24000;channels=1"},
            {"data": "Bgc="},
        ]
    }
)
CONFIG = MusicGenerationConfig(
    temperature=1.1,
    top_k=40,
    seed=7,
    guidance=4,
    bpm=90,
    density=0.5,
    brightness=0.25,
    scale="C_MAJOR_A_MINOR",
    mute_bass=True,
    mute_drums=False,
    only_bass_and_drums=False,
    music_generation_mode="QUALITY",
)
CONFIG_MESSAGE: Json = {
    "musicGenerationConfig": {
        "temperature": 1.1,
        "topK": 40,
        "seed": 7,
        "guidance": 4,
        "bpm": 90,
        "density": 0.5,
        "brightness": 0.25,
        "scale": "C_MAJOR_A_MINOR",
        "muteBass": True,
        "muteDrums": False,
        "onlyBassAndDrums": False,
        "musicGenerationMode": "QUALITY",
    }
}

Call = Callable[[MusicSession], Awaitable[None]]
VERBS: dict[str, tuple[Call, Json]] = {
    "set_weighted_prompts": (lambda m: m.set_weighted_prompts(PROMPTS), PROMPTS_MESSAGE),
    "set_music_generation_config": (
        lambda m: m.set_music_generation_config(CONFIG),
        CONFIG_MESSAGE,
    ),
    "play": (lambda m: m.play(), control("PLAY")),
    "pause": (lambda m: m.pause(), control("PAUSE")),
    "stop": (lambda m: m.stop(), control("STOP")),
    "reset_context": (lambda m: m.reset_context(), control("RESET_CONTEXT")),
}


# What is sent.


async def test_music_setup_is_the_first_frame(autojump_clock: MockClock) -> None:
    """The setup names the model in full, at the address for music, the key in a header."""
    network = MemoryNetwork()
    transport = trio_live.TransportConfig(dialer=network.dial)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            async def serve() -> None:
                peer = await network.accept()
                assert await peer.receive() == f'{{"setup":{{"model":"models/{MODEL}"}}}}'
                peer.send(b'{"setupComplete":{}}')

            nursery.start_soon(serve)
            async with trio_live.open_music_session(
                MODEL, endpoint=ENDPOINT, transport=transport
            ) as music:
                assert repr(music) == "<MusicSession: open>"
    (request,) = network.requests
    method = "google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateMusic"
    assert request.url == f"ws://localhost/ws/{method}"
    assert request.headers == (("x-goog-api-key", KEY),)


@pytest.mark.parametrize("name", VERBS)
async def test_music_verb_writes_its_message(autojump_clock: MockClock, name: str) -> None:
    """Each verb is one message with one field."""
    call, message = VERBS[name]
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            await music.set_weighted_prompts(PROMPTS)
            await call(music)
            await music.flush()
            assert wired.sent() == [PROMPTS_MESSAGE, message]


async def test_music_config_takes_raw_fields(autojump_clock: MockClock) -> None:
    """What is not known here goes out as it is, and wins."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            await music.set_music_generation_config(
                MusicGenerationConfig(bpm=90), extra={"bpm": 500, "swing": {"a": 1}}
            )
            await music.set_music_generation_config(MusicGenerationConfig())
            assert wired.sent() == [
                {"musicGenerationConfig": {"bpm": 500, "swing": {"a": 1}}},
                {"musicGenerationConfig": {}},
            ]


@pytest.mark.parametrize(
    ("call", "error", "complaint"),
    [
        (lambda m: m.set_weighted_prompts([]), InvalidArgument, "prompts is empty"),
        (lambda m: m.set_weighted_prompts(None), InvalidArgumentType, "list or tuple"),
        (lambda m: m.set_weighted_prompts("piano"), InvalidArgumentType, "WeightedPrompt, not str"),
        (lambda m: m.set_weighted_prompts([WeightedPrompt("", 1)]), InvalidArgument, "not empty"),
        (lambda m: m.set_weighted_prompts([WeightedPrompt("p")]), InvalidArgument, "not None"),
        (lambda m: m.set_weighted_prompts([WeightedPrompt("p", 0)]), InvalidArgument, "than 0"),
        (
            lambda m: m.set_weighted_prompts([WeightedPrompt("p", float("nan"))]),
            InvalidArgument,
            "not nan",
        ),
        (
            lambda m: m.set_weighted_prompts([WeightedPrompt("\ud800", 1)]),
            InvalidArgument,
            "lone surrogate",
        ),
        (lambda m: m.set_music_generation_config({}), InvalidArgumentType, "not dict"),
        (
            lambda m: m.set_music_generation_config(MusicGenerationConfig(), extra={"a": object()}),
            InvalidArgument,
            "cannot be written as JSON",
        ),
        (lambda m: m.play(), LocalProtocolError, "nothing to play yet"),
    ],
)
async def test_music_wrong_call_raises_and_sends_nothing(
    autojump_clock: MockClock, call: Callable[[Any], Awaitable[None]], error: Any, complaint: str
) -> None:
    """Laws 7 and 9: a wrong call raises at the caller's line, and the session lives."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            with pytest.raises(error, match=complaint):
                await call(music)
            assert wired.sent() == []
            await music.set_weighted_prompts(PROMPTS)
            assert wired.sent() == [PROMPTS_MESSAGE]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("temperature", [0.0, 3, 3.0], [-0.1, 3.1, float("nan"), "1", True]),
        ("top_k", [1, 1000], [0, 1001, 1.5]),
        ("seed", [0, 2**31 - 1], [-1, 2**31]),
        ("guidance", [0, 6.0], [-1, 6.5]),
        ("bpm", [60, 200], [59, 201, 90.5, True]),
        ("density", [0, 1.0], [-0.1, 1.1]),
        ("brightness", [0.0, 1], [-0.1, 1.1]),
        ("scale", ["C_MAJOR_A_MINOR"], ["c major", 1]),
        ("music_generation_mode", ["VOCALIZATION"], ["LOUD"]),
        ("mute_bass", [True, False], [0, "yes"]),
        ("mute_drums", [True], [1]),
        ("only_bass_and_drums", [False], [0.0]),
    ],
)
async def test_music_config_is_checked_field_by_field(
    autojump_clock: MockClock, name: str, good: list[Any], bad: list[Any]
) -> None:
    """Law 9: values out of the service's ranges are refused by name; its bounds are inside."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            for value in good:
                await music.set_music_generation_config(MusicGenerationConfig(**{name: value}))
            assert len(wired.sent()) == len(good)
            for value in bad:
                with pytest.raises(LocalProtocolError, match=f"^{name}"):
                    await music.set_music_generation_config(MusicGenerationConfig(**{name: value}))
            assert wired.sent() == []


# What is told.


async def test_music_chunks_become_events(autojump_clock: MockClock) -> None:
    """Each chunk is an event with its format, 48 kHz stereo if it names none, and its source."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            wired.peer.send(CHUNK)
            events = aiter(music)
            assert await anext(events) == Connected("")
            first, second, third = [await anext(events) for _ in range(3)]
            assert isinstance(first, MusicData)
            assert isinstance(second, MusicData)
            assert isinstance(third, MusicData)
            assert first.data == bytes(range(4))
            assert (first.sample_rate_hz, first.channels) == (48_000, 2)
            assert first.seconds == 1 / 48_000
            assert isinstance(first.source, MusicSource)
            assert first.source.music_generation_config == MusicGenerationConfig(bpm=90)
            assert "piano" not in repr(first)
            assert (second.sample_rate_hz, second.channels) == (24_000, 1)
            assert (third.sample_rate_hz, third.channels, third.source) == (48_000, 2, None)


async def test_music_every_fact_becomes_an_event(autojump_clock: MockClock) -> None:
    """Law 4: filtered prompts, error objects, what is new and what is broken are all told."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            wired.peer.send(
                frame(filteredPrompt={"text": "a song by X", "filteredReason": "artist name"})
            )
            wired.peer.send(frame(warning="tempo ignored"))
            wired.peer.send(frame(serverContent={"audioChunks": [{"data": "AAA="}], "new": [1]}))
            wired.peer.send(frame(error={"code": 8, "status": "RESOURCE_EXHAUSTED"}))
            wired.peer.send("no JSON")
            wired.peer.close(1000)
            events = await rest_of(aiter(music))
    connected, filtered, warning, chunk, new, error, broken, end = events
    assert connected == Connected("")
    assert filtered == PromptFiltered("a song by X", "artist name")
    assert "song" not in repr(filtered)
    assert warning == Unknown(b'{"warning":"tempo ignored"}')
    assert isinstance(chunk, MusicData)
    assert chunk.data == bytes(2)
    assert new == Unknown(b'{"new":[1]}')
    assert isinstance(error, Error)
    assert (error.code, error.status) == (8, "RESOURCE_EXHAUSTED")
    assert isinstance(broken, Error)
    assert end == Disconnected(1000, "", True, {})


async def test_music_reading_does_not_wait_for_readers(autojump_clock: MockClock) -> None:
    """Law 3: a slow reader loses its own subscription, or media that it is told of; no other."""
    wired = WiredMusic()
    chunk = frame(serverContent={"audioChunks": [{"data": "AAAA"}]})
    with trio.fail_after(60):
        async with wired.open_music() as music:
            async with (
                music.subscribe(max_events=2) as failing,
                music.subscribe(max_events=2, policy="drop_oldest") as dropping,
            ):
                for _ in range(5):
                    wired.peer.send(chunk)
                wired.peer.send(frame(filteredPrompt={"text": "t", "filteredReason": "r"}))
                await wait_all_tasks_blocked()
                with pytest.raises(trio_live.SubscriberLagged):
                    await rest_of(failing)
                assert await anext(dropping) == trio_live.MediaDropped(4, 12)
                assert isinstance(await anext(dropping), MusicData)
                assert await anext(dropping) == PromptFiltered("t", "r")
            assert aiter(music).statistics().buffered_events == 7


async def test_music_that_is_not_heard_can_wait_at_the_service(autojump_clock: MockClock) -> None:
    """Law 3: with "block" the session reads no further until there is room."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with (
            wired.open_music() as music,
            music.subscribe(max_events=3, policy="block") as events,
        ):
            for _ in range(5):
                wired.peer.send(frame(serverContent={"audioChunks": [{"data": "AAAA"}]}))
            await wait_all_tasks_blocked()
            assert aiter(music).statistics().buffered_events == 4  # Connected, and three
            for _ in range(5):
                assert isinstance(await anext(events), MusicData)


# How it ends.


async def test_music_leaving_writes_everything_first(autojump_clock: MockClock) -> None:
    """Law 8: what was accepted arrives, then the goodbye; nothing is left."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            for call, _ in VERBS.values():
                await call(music)
        assert wired.sent() == [message for _, message in VERBS.values()]
        assert wired.peer.closed_with == (1000, "")
        for call, _ in VERBS.values():
            with pytest.raises(SessionClosed):
                await call(music)
        with pytest.raises(SessionClosed):
            await music.flush()
        await music.disconnect()
        await music.join()
        assert repr(music) == "<MusicSession: ended>"
        *_, end = await rest_of(aiter(music))
        assert end == Disconnected(1000, "", True, {})


async def test_music_normal_end_by_the_service_leaves_the_block_running(
    autojump_clock: MockClock,
) -> None:
    """Law 7: a clean end ends the streams; sends raise SessionClosed; the block goes on."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music() as music:
            wired.peer.close(1000)
            await music.join()
            with pytest.raises(SessionClosed):
                await music.pause()
            await trio.sleep(1)


@pytest.mark.parametrize(("code", "retryable"), [(1011, True), (1008, False), (1006, True)])
async def test_music_loss_cancels_the_block_and_is_raised_plain(
    autojump_clock: MockClock, code: int, retryable: bool
) -> None:
    """Laws 6 and 7: a loss leaves the block as ConnectionLost, with what was not delivered."""
    wired = WiredMusic()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost) as caught:
            async with wired.open_music() as music:
                await music.set_weighted_prompts(PROMPTS)
                wired.peer.stall()
                await music.play()
                await music.pause()
                wired.peer.close(code, "gone")
                await trio.sleep_forever()
        assert (caught.value.code, caught.value.retryable) == (code, retryable)
        assert caught.value.undelivered == (ControlPlayback("PLAY"), ControlPlayback("PAUSE"))
        assert caught.value.phase is trio_live.SessionPhase.ACTIVE
        *_, end = aiter(music), aiter(music).receive_nowait(), aiter(music).receive_nowait()
        assert end == Disconnected(code, "gone", False, {"ControlPlayback": 2})
        with pytest.raises(ConnectionLost):
            await music.join()
        with pytest.raises(ConnectionLost):
            await music.stop()


async def test_music_users_exception_goes_out_as_it_is(autojump_clock: MockClock) -> None:
    """Law 6: the block's own exception wins and comes alone."""
    wired = WiredMusic()
    with trio.fail_after(60), leaves_with(KeyError):
        async with wired.open_music() as music:
            await music.set_weighted_prompts(PROMPTS)
            raise KeyError
    assert wired.sent() == [PROMPTS_MESSAGE]


async def test_music_end_that_cannot_write_is_a_loss(autojump_clock: MockClock) -> None:
    """Law 5: leaving takes close_timeout at most; what was not written is reported."""
    wired = WiredMusic()
    with trio.fail_after(60):
        started = trio.current_time()
        with leaves_with(ConnectionLost) as caught:
            async with wired.open_music(close_timeout=3) as music:
                wired.peer.stall()
                await music.set_weighted_prompts(PROMPTS)
        assert trio.current_time() == started + 3
        assert caught.value.undelivered == (SetWeightedPrompts(tuple(PROMPTS)),)
        assert "piano" not in repr(caught.value.undelivered)


async def test_music_sends_wait_their_turn_and_are_atomic(autojump_clock: MockClock) -> None:
    """Law 2: behind a full buffer sends keep their order, and a cancelled one did not happen."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with wired.open_music(send_buffer_bytes=1) as music:
            await music.set_weighted_prompts(PROMPTS)
            wired.sent()
            wired.peer.stall()
            await music.play()
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(music.pause)
                    await wait_all_tasks_blocked()
                    scope.cancel()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(music.stop)
                await wait_all_tasks_blocked()
                nursery.start_soon(music.reset_context)
                await wait_all_tasks_blocked()
                wired.peer.resume()
            assert wired.sent() == [control(n) for n in ("PLAY", "STOP", "RESET_CONTEXT")]


async def test_music_send_that_waits_when_it_ends_is_told(autojump_clock: MockClock) -> None:
    """Law 5: a send that waits for room ends with the session, from wherever it is called."""
    wired = WiredMusic()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            async def pause(music: MusicSession, error: type[Exception]) -> None:
                with pytest.raises(error):
                    await music.pause()

            with leaves_with(ConnectionLost):
                async with wired.open_music(send_buffer_bytes=1) as music:
                    wired.peer.stall()
                    await music.stop()
                    nursery.start_soon(pause, music, ConnectionLost)
                    nursery.start_soon(pause, music, ConnectionLost)
                    await wait_all_tasks_blocked()
                    wired.peer.close()
                    await trio.sleep_forever()
            async with wired.open_music(send_buffer_bytes=1) as music:
                wired.peer.stall()
                await music.stop()
                nursery.start_soon(pause, music, SessionClosed)
                await wait_all_tasks_blocked()
                nursery.start_soon(music.disconnect)
                await wait_all_tasks_blocked()
                wired.peer.resume()
            assert wired.sent()[-1] == control("STOP")


@pytest.mark.parametrize("everywhere", [False, True])
async def test_music_cancelled_at_every_checkpoint_leaves_nothing(
    autojump_clock: MockClock, everywhere: bool
) -> None:
    """Laws 1 and 2: whenever it is cancelled, all ends at once, and only whole frames were sent."""
    wireds: list[WiredMusic] = []

    async def scenario() -> None:
        wired = WiredMusic()
        wireds.append(wired)
        async with wired.open_music(send_buffer_bytes=1) as music:
            for call, _ in VERBS.values():
                await call(music)
            await music.flush()
            async with music.subscribe() as events:
                with suppress(trio.ClosedResourceError):  # cancelled, and gone already
                    wired.peer.send(CHUNK)
                assert isinstance(await anext(events), MusicData)
            await music.disconnect()
            await music.join()

    async def check() -> None:
        wired = wireds[-1]
        if hasattr(wired, "peer"):
            sent = wired.sent()
            assert sent == [message for _, message in VERBS.values()][: len(sent)]
            assert wired.saw_the_end()

    with trio.fail_after(10_000):
        runs = await cancel_at_every_checkpoint(scenario, everywhere=everywhere, afterwards=check)
    assert runs > 15


# How it does not begin.


@pytest.mark.parametrize("code", [1007, 1008])
async def test_music_refused_setup_is_a_setup_error(autojump_clock: MockClock, code: int) -> None:
    """A close in place of setupComplete leaves the `async with` line as SetupError, plain."""
    network = MemoryNetwork()
    transport = trio_live.TransportConfig(dialer=network.dial)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            async def refuse() -> None:
                (await network.accept()).close(code, "models/x is not found")

            nursery.start_soon(refuse)
            with leaves_with(SetupError) as caught:
                async with trio_live.open_music_session(
                    MODEL, endpoint=ENDPOINT, transport=transport
                ):
                    raise AssertionError("not reached")
    assert (caught.value.code, caught.value.retryable) == (code, False)


async def test_music_silent_service_is_a_timeout(autojump_clock: MockClock) -> None:
    """Law 5: nothing hangs: neither a dial nor a setup that is not answered."""
    with trio.fail_after(100):

        async def dial(*_: object) -> Any:
            await trio.sleep_forever()

        for dialer, timeout, error in (
            (dial, 3, trio_live.ConnectTimeout),
            (MemoryNetwork().dial, 4, SetupTimeout),
        ):
            transport = trio_live.TransportConfig(dialer=dialer, connect_timeout=3, setup_timeout=4)
            started = trio.current_time()
            with leaves_with(error):
                async with trio_live.open_music_session(
                    MODEL, endpoint=ENDPOINT, transport=transport
                ):
                    raise AssertionError("not reached")
            assert trio.current_time() == started + timeout


@pytest.mark.parametrize(
    ("endpoint", "complaint"),
    [
        (trio_live.VertexAI(api_key=KEY), "Vertex AI has no music"),
        (
            trio_live.Custom("ws://localhost", platform=trio_live.VertexAI.platform),
            "Vertex AI has no music",
        ),
        (trio_live.GoogleAI(token="auth_tokens/x"), "opens Live sessions only"),
    ],
)
def test_music_is_the_gemini_apis_alone(endpoint: trio_live.Endpoint, complaint: str) -> None:
    """Where there is no music, the call itself says so."""
    with pytest.raises(trio_live.ConfigError, match=complaint):
        trio_live.open_music_session(MODEL, endpoint=endpoint)


def test_music_wrong_settings_are_refused_by_the_call() -> None:
    """Nothing is opened with settings that cannot be."""
    for arguments in ({"model": 1}, {"model": MODEL, "transport": 1}, {"model": "a?b"}):
        with pytest.raises(trio_live.ConfigError):
            trio_live.open_music_session(endpoint=ENDPOINT, **arguments)


async def test_music_scope_is_entered_and_left_once(autojump_clock: MockClock) -> None:
    """Entering or leaving it again is a mistake of the caller."""
    wired = WiredMusic()
    scope = wired.open_music()
    with trio.fail_after(60):
        with pytest.raises(LocalProtocolError, match="never entered"):
            await scope.__aexit__(None, None, None)
        async with scope:
            with pytest.raises(LocalProtocolError, match="entered before"):
                await scope.__aenter__()
        with pytest.raises(LocalProtocolError, match="left before"):
            await scope.__aexit__(None, None, None)
