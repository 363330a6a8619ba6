"""The embedded server's music: its checks, its musician, and sessions of ours with it."""

from __future__ import annotations

import base64
from array import array
from typing import Any

import pytest
import trio
from live_server_client import Client, Json, connect
from music_parts import MODEL, PROMPTS
from session_parts import ENDPOINT, leaves_with
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    ConnectionLost,
    Disconnected,
    MusicData,
    MusicGenerationConfig,
    MusicSession,
    PromptFiltered,
    WeightedPrompt,
)
from trio_live.testing import LiveServer, MusicMoment, connect_to, tones
from trio_live.testing.checkpoints import all_tasks, cancel_at_every_checkpoint

MUSIC = "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateMusic"
NAME = f"models/{MODEL}"
SECOND = 2 * 2 * 48_000  # bytes


def prompts(**weights: float) -> Json:
    """The message with these prompts."""
    return {
        "clientContent": {"weightedPrompts": [{"text": t, "weight": w} for t, w in weights.items()]}
    }


async def set_up(client: Client) -> None:
    """Agree on a setup."""
    await client.send({"setup": {"model": NAME}})
    assert await client.receive() == {"setupComplete": {}}


async def next_chunk(client: Client) -> Json:
    """Give the next chunk of music, its data decoded."""
    message = await client.receive()
    (chunk,) = message["serverContent"]["audioChunks"]
    return {**chunk, "data": base64.b64decode(chunk["data"])}


def open_music_with(server: LiveServer) -> Any:
    """A music session with an embedded server in memory."""
    return trio_live.open_music_session(MODEL, endpoint=ENDPOINT, transport=connect_to(server))


async def next_music(music: MusicSession) -> MusicData:
    """Give the next chunk of music."""
    async for event in music:
        if isinstance(event, MusicData):
            return event
    raise AssertionError("the session ended")


# What the server refuses.


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (prompts(piano=1.0), "clientContent before the setup"),
        ({"playbackControl": "PLAY"}, "playbackControl before the setup"),
        ({"setup": {}}, "setup.model needs a full resource name, such as models/NAME"),
        (
            {"setup": {"model": MODEL}},
            "setup.model needs a full resource name, such as models/NAME",
        ),
        ({"setup": {"model": NAME, "generationConfig": {}}}, "Cannot find field"),
    ],
)
async def test_music_server_refuses_what_is_no_setup(
    autojump_clock: MockClock, message: Json, rule: str
) -> None:
    """The setup comes first and names a model, and nothing else."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, MUSIC) as client:
            await client.send(message)
            assert (await client.receive_closed())[0] == 1007
            assert rule in server.sessions[0].refusal


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ({"setup": {"model": NAME}}, "a second setup"),
        ({"clientContent": {}}, "there are no prompts"),
        ({"clientContent": {"weightedPrompts": []}}, "there are no prompts"),
        ({"clientContent": {"weightedPrompts": [{"weight": 1}]}}, "a prompt has no text"),
        ({"clientContent": {"weightedPrompts": [{"text": "a"}]}}, "must not be 0"),
        (prompts(piano=0), "must not be 0"),
        ({"clientContent": {"turns": []}}, "Cannot find field"),
        ({"musicGenerationConfig": {"bpm": 59}}, "bpm must lie between 60 and 200"),
        ({"musicGenerationConfig": {"topK": 0}}, "topK must lie between 1 and 1000"),
        ({"music_generation_config": {"top_k": "1001"}}, "topK must lie between 1 and 1000"),
        ({"musicGenerationConfig": {"temperature": 3.5}}, "temperature must lie between 0 and 3"),
        ({"musicGenerationConfig": {"seed": -1}}, "seed must lie between 0 and 2147483647"),
        ({"musicGenerationConfig": {"guidance": 7}}, "guidance must lie between 0 and 6"),
        ({"musicGenerationConfig": {"density": 2}}, "density must lie between 0 and 1"),
        ({"musicGenerationConfig": {"brightness": -1}}, "brightness must lie between 0 and 1"),
        ({"musicGenerationConfig": {"bpm": 90.5}}, "TYPE_INT32"),
        ({"musicGenerationConfig": {"scale": "C"}}, "not one of the values of this enum"),
        ({"musicGenerationConfig": {"muteBass": 1}}, "TYPE_BOOL"),
        ({"musicGenerationConfig": {"swing": 1}}, "Cannot find field"),
        ({"playbackControl": "PLAY"}, "PLAY before there are prompts"),
        ({"playbackControl": "PLAYBACK_CONTROL_UNSPECIFIED"}, "playbackControl is unspecified"),
        ({"playbackControl": "LOUDER"}, "not one of the values of this enum"),
        ({"realtimeInput": {"text": "hello"}}, "Cannot find field"),
        ({"playbackControl": "STOP"} | prompts(piano=1), "oneof"),
    ],
)
async def test_music_server_refuses_bad_messages(
    autojump_clock: MockClock, message: Json, rule: str
) -> None:
    """Values out of range, weights of 0, music without prompts, and other methods' fields."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, MUSIC) as client:
            await set_up(client)
            await client.send(message)
            assert (await client.receive_closed())[0] == 1007
            assert rule in server.sessions[0].refusal
            assert "piano" not in server.sessions[0].refusal


async def test_music_server_knows_its_models_and_keys(autojump_clock: MockClock) -> None:
    """Models and keys are checked as in Live sessions; Vertex AI has no such path."""
    with trio.fail_after(60):
        async with LiveServer(models=["other"], api_keys=["good"]) as server:
            async with connect(server, MUSIC, [(b"x-goog-api-key", b"good")]) as client:
                await client.send({"setup": {"model": NAME}})
                code, reason = await client.receive_closed()
                assert (code, "bidiGenerateMusic" in reason) == (1008, True)
            for key in (b"bad", b"auth_tokens/x"):
                async with connect(server, MUSIC, [(b"x-goog-api-key", key)]) as client:
                    await client.send({"setup": {"model": NAME}})
                    assert (await client.receive_closed())[0] in (1007, 1008)


@pytest.mark.parametrize("models", [None, [MODEL, "gemini-3.8-live"]])
async def test_model_is_found_for_its_own_method_only(
    autojump_clock: MockClock, models: list[str] | None
) -> None:
    """A music model holds no Live session, and a Live model makes no music."""
    path = MUSIC.replace("BidiGenerateMusic", "BidiGenerateContent").replace("alpha", "beta")
    with trio.fail_after(60):
        async with LiveServer(models=models) as server:
            for where, model, method in (
                (MUSIC, "models/gemini-3.8-live", "bidiGenerateMusic"),
                (path, NAME, "bidiGenerateContent"),
            ):
                async with connect(server, where) as client:
                    await client.send({"setup": {"model": model}})
                    code, reason = await client.receive_closed()
                    assert code == 1008
                    assert f"{model} is not found" in reason
                    assert f"not supported for {method}" in reason


# What it plays.


async def test_music_server_plays_in_real_time_from_either_spelling(
    autojump_clock: MockClock,
) -> None:
    """Two seconds every two seconds, with their source; both spellings say the same."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, MUSIC) as client:
            await set_up(client)
            await client.send(
                {"client_content": {"weighted_prompts": [{"text": "piano", "weight": 2}]}}
            )
            await client.send({"music_generation_config": {"mute_bass": True, "bpm": 100}})
            await client.send({"playback_control": "PLAY"})
            started = trio.current_time()
            chunks = [await next_chunk(client) for _ in range(3)]
            assert trio.current_time() == started + 4
            assert [len(chunk["data"]) for chunk in chunks] == [2 * SECOND] * 3
            assert chunks[0]["mimeType"] == "audio/l16;rate=48000;channels=2"
            assert chunks[0]["sourceMetadata"] == {
                "clientContent": {"weightedPrompts": [{"text": "piano", "weight": 2}]},
                "musicGenerationConfig": {"muteBass": True, "bpm": 100},
            }
            assert len(server.sessions[0].received) == 4
            assert "clientContent" in server.sessions[0].received[1]


async def test_music_server_pauses_stops_and_resets(autojump_clock: MockClock) -> None:
    """PAUSE holds the position, STOP and RESET_CONTEXT begin anew; bpm counts from a reset on."""
    moments: list[MusicMoment] = []

    async def maker(moment: MusicMoment) -> bytes:
        moments.append(moment)
        return bytes(4)

    async def play(client: Client, *controls: str) -> None:
        for name in controls:
            await client.send({"playbackControl": name})
        await next_chunk(client)

    with trio.fail_after(600):
        async with LiveServer(music=maker) as server, connect(server, MUSIC) as client:
            await set_up(client)
            await client.send(prompts(piano=3, drums=1))
            await play(client, "PLAY")
            await client.send({"musicGenerationConfig": {"bpm": 60, "density": 0.5}})
            await next_chunk(client)
            await client.send({"playbackControl": "PAUSE"})
            await trio.sleep(100)
            assert len(moments) == 2
            await play(client, "PLAY")
            await play(client, "RESET_CONTEXT")
            await play(client)
            await play(client, "STOP", "PLAY")
        assert [moment.position for moment in moments] == [0, 2, 4, 0, 2, 0]
        assert [moment.config for moment in moments] == [
            {},
            *[{"density": 0.5}] * 2,
            *[{"density": 0.5, "bpm": 60}] * 3,
        ]
        assert moments[0].prompts == {"piano": 0.75, "drums": 0.25}
        assert "piano" not in repr(moments[0])


@pytest.mark.parametrize("before", [("STOP",), ("PAUSE", "STOP"), ("PAUSE", "PAUSE")])
async def test_music_server_plays_after_it_was_told_twice_to_hold(
    autojump_clock: MockClock, before: tuple[str, ...]
) -> None:
    """PAUSE and STOP while nothing plays change nothing for the next PLAY."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, MUSIC) as client:
            await set_up(client)
            await client.send(prompts(piano=1))
            for control in before:
                await client.send({"playbackControl": control})
                await trio.sleep(5)
            await client.send({"playbackControl": "PLAY"})
            await next_chunk(client)


async def test_music_server_drops_a_chunk_that_is_not_wanted_any_more(
    autojump_clock: MockClock,
) -> None:
    """What was being made when PAUSE came is not sent; it is made again at that position."""
    positions: list[float] = []

    async def slow(moment: MusicMoment) -> bytes:
        positions.append(moment.position)
        await trio.sleep(1)
        return bytes(4)

    with trio.fail_after(60):
        async with LiveServer(music=slow) as server, connect(server, MUSIC) as client:
            await set_up(client)
            await client.send(prompts(piano=1))
            await client.send({"playbackControl": "PLAY"})
            await trio.sleep(0.5)
            await client.send({"playbackControl": "PAUSE"})
            await trio.sleep(5)
            await client.send({"playbackControl": "PLAY"})
            started = trio.current_time()
            await next_chunk(client)
            assert trio.current_time() == started + 1
            assert positions == [0, 0]


async def test_music_server_tells_what_its_musician_raised(autojump_clock: MockClock) -> None:
    """A maker that fails closes with 1011, and the error is kept for the test."""

    async def maker(moment: MusicMoment) -> bytes:
        raise LookupError

    with trio.fail_after(60):
        async with LiveServer(music=maker) as server:
            with leaves_with(ConnectionLost) as caught:
                async with open_music_with(server) as music:
                    await music.set_weighted_prompts(PROMPTS)
                    await music.play()
                    await trio.sleep_forever()
            assert caught.value.code == 1011
            assert isinstance(server.sessions[0].error, LookupError)


async def test_tones_are_the_same_each_time_and_join() -> None:
    """The built-in musician is a function of prompts, config and position, without seams."""
    config: Json = {"bpm": 90}
    weights = {"piano": 0.5, "drums": 0.5}
    first = await tones(MusicMoment(weights, config, 0.0))
    second = await tones(MusicMoment(weights, config, 2.0))
    assert len(first) == len(second) == 2 * SECOND
    assert await tones(MusicMoment(weights, config, 0.0, 4.0)) == first + second
    samples = array("h", first)
    assert samples[::2] == samples[1::2]
    assert 5_990 <= max(samples) <= 6_000
    louder = array("h", await tones(MusicMoment({"piano": 1.0}, config, 0.0)))
    assert 11_990 <= max(louder) <= 12_000
    assert louder[:96_000] != samples[:96_000]


# Sessions of ours.


async def test_music_session_hears_what_it_asked_for(autojump_clock: MockClock) -> None:
    """Prompts, config and playback reach the server; chunks, filtered prompts and the end, us."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            before = all_tasks()
            async with open_music_with(server) as music:
                await music.set_weighted_prompts([WeightedPrompt("piano", 1.0)])
                await music.set_music_generation_config(MusicGenerationConfig(bpm=120))
                await music.play()
                first = await next_music(music)
                assert first.data == await tones(MusicMoment({"piano": 1.0}, {"bpm": 120}, 0.0))
                assert first.seconds == 2.0
                assert first.source is not None
                assert first.source.music_generation_config == MusicGenerationConfig(bpm=120)
                await server.sessions[0].send_json(
                    {"filteredPrompt": {"text": "piano", "filteredReason": "r"}}
                )
                assert await anext(aiter(music)) == PromptFiltered("piano", "r")
                await music.stop()
            *_, end = [event async for event in music]
            assert end == Disconnected(1000, "", True, {})
            assert await server.sessions[0].wait_closed() == (1000, "")
            assert [next(iter(m)) for m in server.sessions[0].received] == [
                "setup",
                "clientContent",
                "musicGenerationConfig",
                "playbackControl",
                "playbackControl",
            ]
            await wait_all_tasks_blocked()
            assert all_tasks() == before


@pytest.mark.parametrize("binary_frames", [False, True])
async def test_music_session_reads_text_and_binary_frames(
    autojump_clock: MockClock, binary_frames: bool
) -> None:
    """The service may send either."""
    with trio.fail_after(60):
        async with (
            LiveServer(binary_frames=binary_frames) as server,
            open_music_with(server) as music,
        ):
            await music.set_weighted_prompts(PROMPTS)
            await music.play()
            assert len((await next_music(music)).data) == 2 * SECOND


async def test_music_session_refused_by_the_server_says_why(autojump_clock: MockClock) -> None:
    """A setup that is refused is a SetupError with the service's code and a cause."""
    with trio.fail_after(60):
        async with LiveServer(models=["other"]) as server:
            with leaves_with(trio_live.SetupError) as caught:
                async with open_music_with(server):
                    raise AssertionError("not reached")
    assert caught.value.code == 1008
    assert "no such model here" in str(caught.value.cause)


async def test_music_session_cancelled_at_every_checkpoint_over_websockets(
    autojump_clock: MockClock,
) -> None:
    """Law 1 with all of WebSocket: whenever it is cancelled, no task is left on either side."""
    async with LiveServer() as server:

        async def scenario() -> None:
            async with open_music_with(server) as music:
                await music.set_weighted_prompts(PROMPTS)
                await music.play()
                await next_music(music)
                await music.stop()

        async def check() -> None:
            for session in server.sessions:
                assert session.refusal == ""
            assert server.errors == []

        with trio.fail_after(10_000):
            runs = await cancel_at_every_checkpoint(scenario, everywhere=True, afterwards=check)
    assert runs > 50


async def test_music_session_over_a_socket_with_a_custom_url() -> None:
    """A custom endpoint is used as it is, and real sockets serve as well."""
    with trio.fail_after(20):
        async with LiveServer(pace=0) as server:
            url = await server.listen()
            endpoint = trio_live.Custom(url + MUSIC, headers={"x-goog-api-key": "k"})
            async with trio_live.open_music_session(NAME, endpoint=endpoint) as music:
                await music.set_weighted_prompts(PROMPTS)
                await music.play()
                assert (await next_music(music)).seconds == 2.0
                await music.pause()
