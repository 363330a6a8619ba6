"""What the embedded server does differently for each generation of models, and for none."""

from __future__ import annotations

import pytest
import trio
from live_server_client import (
    BEARER,
    GEMINI,
    KEY,
    VERTEX,
    Client,
    Json,
    audio_message,
    audio_of,
    connect,
    content_keys,
    speech,
    text_of,
)
from trio.testing import MockClock

from trio_live.testing.server import LiveServer, Reply, UserTurn, scripted
from trio_live.testing.server import models as steps
from trio_live.testing.server.generations import NOTHING_ASSUMED, generation_of

ALPHA = GEMINI.replace("v1beta", "v1alpha")
INVALID = "Request contains an invalid argument."
CHUNKS = "realtime_input.media_chunks is deprecated. Use audio, video, or text instead."

NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
FLASH = "gemini-3.1-flash-live-preview"
LIVE = "gemini-3.8-live"
EXTENDED = "gemini-3.8-live-extended-thinking"
UNKNOWN = "gemini-9"
ALL = {NATIVE, FLASH, LIVE, EXTENDED, UNKNOWN}

TEXT: Json = {"generationConfig": {"responseModalities": ["TEXT"]}}
MANUAL: Json = {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}
IMAGE = {"mimeType": "image/png", "data": "AAAA"}


def test_generations_are_known_by_name() -> None:
    """With or without a prefix, a date or a preview in the name; all others are unknown."""
    for name in ("gemini-live-2.5-flash-native-audio", f"models/{NATIVE}"):
        assert generation_of(name) is generation_of("gemini-2.5-flash-live")
    assert generation_of("publishers/google/models/gemini-3.8-live-001") is generation_of(LIVE)
    assert generation_of(f"{EXTENDED}-preview") is generation_of(EXTENDED)
    assert len({id(generation_of(name)) for name in ALL}) == len(ALL)
    for name in (UNKNOWN, "gemini-3.8", "gemini-2.0-flash-live-001", "mygemini-3.8-live", ""):
        assert generation_of(name) is NOTHING_ASSUMED


def thinking(**fields: object) -> Json:
    """A setup with this thinkingConfig."""
    return {"generationConfig": {"thinkingConfig": fields}}


def behavior(name: str) -> Json:
    """A setup with one function of this behavior."""
    return {"tools": [{"functionDeclarations": [{"name": "f", "behavior": name}]}]}


@pytest.mark.parametrize(
    ("setup", "takers"),
    [
        ({"tools": []}, {NATIVE, UNKNOWN}),
        (thinking(thinkingBudget=0), {NATIVE, UNKNOWN}),
        (thinking(thinkingBudget=-1), {NATIVE, UNKNOWN}),
        (thinking(thinkingBudget=-2), set()),
        (thinking(thinkingLevel="MINIMAL"), {FLASH, UNKNOWN}),
        (thinking(thinkingLevel="LOW"), {FLASH, EXTENDED, UNKNOWN}),
        (thinking(thinkingLevel="HIGH", includeThoughts=True), {FLASH, EXTENDED, UNKNOWN}),
        (thinking(thinkingLevel="THINKING_LEVEL_UNSPECIFIED"), ALL - {LIVE}),
        (thinking(includeThoughts=True), ALL - {LIVE}),
        ({"proactivity": {"proactiveAudio": True}}, ALL - {FLASH}),
        ({"proactivity": {"proactiveAudio": False}}, {NATIVE, UNKNOWN}),
        ({"proactivity": {"proactiveVideo": False}}, ALL - {FLASH}),
        ({"generationConfig": {"enableAffectiveDialog": True}}, {NATIVE, UNKNOWN}),
        ({"generationConfig": {"enableAffectiveDialog": False}}, ALL),
        ({"historyConfig": {"initialHistoryInClientContent": True}}, ALL - {NATIVE}),
        (behavior("BLOCKING"), ALL - {EXTENDED}),
        (behavior("NON_BLOCKING"), ALL - {FLASH}),
    ],
)
async def test_setups_that_some_models_take(
    setup: Json, takers: set[str], autojump_clock: MockClock
) -> None:
    """The others close with 1007 instead of setupComplete."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            taken: set[str] = set()
            for name in sorted(ALL):
                async with connect(server, ALPHA) as client:
                    await client.send({"setup": {"model": f"models/{name}"} | setup})
                    with trio.move_on_after(1):
                        assert await client.receive_closed() == (1007, INVALID)
                        continue
                    taken.add(name)
            assert taken == takers
            assert server.errors == []


@pytest.mark.parametrize(
    ("setup", "reason"),
    [
        ({"proactivity": {}}, "Unknown name \"proactivity\" at 'setup': Cannot find field."),
        (
            {"generationConfig": {"enableAffectiveDialog": False}},
            "Unknown name \"enableAffectiveDialog\" at 'setup.generation_config': Cannot find "
            "field.",
        ),
    ],
)
async def test_what_2_5_has_in_v1alpha_only(
    setup: Json, reason: str, autojump_clock: MockClock
) -> None:
    """On the Gemini Developer API another version does not know these fields; Vertex AI does."""
    message = {"setup": {"model": f"models/{NATIVE}"} | setup}
    with trio.fail_after(60):
        async with LiveServer() as server:
            async with connect(server) as client:
                await client.send(message)
                assert await client.receive_closed() == (
                    1007,
                    f"Invalid JSON payload received. {reason}"[:123],
                )
            for path, headers in ((ALPHA, KEY), (VERTEX, BEARER)):
                async with connect(server, path, headers) as client:
                    await client.send(message)
                    assert "setupComplete" in await client.receive()


async def test_context_update_keeps_the_rules_of_the_model(autojump_clock: MockClock) -> None:
    """A function that a setup could not bring does not come in by a later message either."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            for name, taken in ((LIVE, True), (EXTENDED, False)):
                async with connect(server) as client:
                    await client.set_up(model=f"models/{name}")
                    await client.send({"contextUpdate": {"tools": behavior("BLOCKING")}})
                    session = server.sessions[-1]
                    await session.wait_received(2)
                    await trio.sleep(1)
                    assert (session.closed is None) is taken


@pytest.mark.parametrize(
    ("model", "path", "code"),
    [
        (f"models/{FLASH}", GEMINI, None),
        (f"publishers/google/models/{FLASH}", VERTEX, 1008),
        ("models/gemini-live-2.5-flash-native-audio", GEMINI, 1008),
        ("publishers/google/models/gemini-live-2.5-flash-native-audio", VERTEX, None),
        (
            "projects/p/locations/us-central1/publishers/google/models/"
            "gemini-live-2.5-flash-native-audio",
            VERTEX,
            None,
        ),
        (
            "projects/p/locations/global/publishers/google/models/"
            "gemini-live-2.5-flash-native-audio",
            VERTEX,
            1008,
        ),
        (f"publishers/google/models/{LIVE}", VERTEX, None),
    ],
)
async def test_models_of_one_platform(
    model: str, path: str, code: int | None, autojump_clock: MockClock
) -> None:
    """Where a model is known not to exist it is not found, unless the server's list has it."""
    message = {"setup": {"model": model}}
    headers = BEARER if path == VERTEX else KEY
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, path, headers) as client:
            await client.send(message)
            if code is None:
                assert "setupComplete" in await client.receive()
            else:
                assert (await client.receive_closed())[0] == code
        async with LiveServer(models=[model]) as server, connect(server, path, headers) as client:
            await client.send(message)
            assert "setupComplete" in await client.receive()


def content(text: str, *, complete: bool = True) -> Json:
    """A clientContent message."""
    return {"clientContent": {"turns": [{"parts": [{"text": text}]}], "turnComplete": complete}}


@pytest.mark.parametrize("name", sorted(ALL - {NATIVE}))
async def test_content_after_the_beginning(name: str, autojump_clock: MockClock) -> None:
    """3.1 takes clientContent as initial history only; the others through the whole session."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(
                model=f"models/{name}",
                historyConfig={"initialHistoryInClientContent": True},
                **TEXT,
            )
            await client.send(content("before"))
            await client.say("now")
            assert text_of(await client.receive_turn()) == "now"
            await client.send(content("later"))
            if name == FLASH:
                assert await client.receive_closed() == (1007, INVALID)
                assert "initial history only" in server.sessions[0].refusal
            else:
                assert text_of(await client.receive_turn()) == "later"


@pytest.mark.parametrize("name", sorted(ALL))
async def test_incomplete_content_during_an_answer(name: str, autojump_clock: MockClock) -> None:
    """On 2.5 any content interrupts, on later models only what asks for an answer."""
    model = scripted([[steps.Speak(bytes(48_000))]])
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(model=f"models/{name}")
            await client.say("go")
            await client.receive()
            await client.send(content("by the way", complete=False))
            if name == FLASH:
                assert await client.receive_closed() == (1007, INVALID)
            else:
                keys = content_keys(await client.receive_turn())
                assert ("interrupted" in keys) is (name == NATIVE)


@pytest.mark.parametrize("name", sorted(ALL))
async def test_media_chunks(name: str, autojump_clock: MockClock) -> None:
    """2.5 takes the deprecated form, of which the first chunk counts; later models refuse it."""
    seen: list[UserTurn] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(turn)
        await reply.raw({"serverContent": {}})

    def chunks(*blobs: object) -> Json:
        return {"realtimeInput": {"mediaChunks": list(blobs)}}

    pcm16 = speech(0.5)
    audio = audio_message(pcm16)["realtimeInput"]["audio"]
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(model=f"models/{name}", **MANUAL)
            await client.send({"realtimeInput": {"activityStart": {}}})
            await client.send(chunks(audio, audio))
            if name not in (NATIVE, UNKNOWN):
                assert await client.receive_closed() == (1007, CHUNKS)
                return
            await client.send(chunks(IMAGE))
            await client.send({"realtimeInput": {"activityEnd": {}}})
            await client.receive_turn()
            assert (seen[0].audio, seen[0].images) == (pcm16, [b"\0\0\0"])
            await client.send(chunks())
            assert await client.receive_closed() == (1007, INVALID)


@pytest.mark.parametrize("name", sorted(ALL))
async def test_audio_before_the_activity(name: str, autojump_clock: MockClock) -> None:
    """2.5 drops it without a word, later models refuse it."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(model=f"models/{name}", **MANUAL)
            await client.send(audio_message(speech(0.1)))
            if name not in (NATIVE, UNKNOWN):
                assert await client.receive_closed() == (1007, INVALID)
                return
            await client.send({"realtimeInput": {"activityStart": {}}})
            await client.send({"realtimeInput": {"activityEnd": {}}})
            (end,) = await client.receive_turn()
            assert end["serverContent"]["turnCompleteReason"] == "NEED_MORE_INPUT"


@pytest.mark.parametrize(
    ("name", "path", "coverage", "images"),
    [
        (NATIVE, GEMINI, None, 0),
        (NATIVE, GEMINI, "TURN_COVERAGE_UNSPECIFIED", 0),
        (NATIVE, GEMINI, "TURN_INCLUDES_ALL_INPUT", 1),
        (NATIVE, VERTEX, None, 1),
        (LIVE, GEMINI, None, 1),
        (LIVE, GEMINI, "TURN_INCLUDES_ONLY_ACTIVITY", 0),
    ],
)
async def test_images_between_turns(
    name: str, path: str, coverage: str | None, images: int, autojump_clock: MockClock
) -> None:
    """By default 2.5 on the Gemini Developer API has only what is shown during the activity."""
    seen: list[UserTurn] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(turn)
        await reply.raw({"serverContent": {}})

    config = {} if coverage is None else {"turnCoverage": coverage}
    async with LiveServer(model) as server:
        with trio.fail_after(60):
            headers = BEARER if path == VERTEX else KEY
            async with connect(server, path, headers) as client:
                await client.set_up(model=f"models/{name}", realtimeInputConfig=config)
                await client.send({"realtimeInput": {"video": IMAGE}})
                await client.say("what is this?")
                await client.receive_turn()
                assert len(seen[0].images) == images


async def a_spoken_turn(server: LiveServer, name: str, path: str) -> list[Json]:
    """Hold one turn and return its messages."""
    async with connect(server, path, BEARER if path == VERTEX else KEY) as client:
        await client.set_up(model=f"models/{name}", outputAudioTranscription={})
        await client.say("go")
        return await client.receive_turn()


def fields(messages: list[Json]) -> list[list[str]]:
    """The fields of each serverContent."""
    return [sorted(message["serverContent"]) for message in messages]


PLAIN = [["outputTranscription"], ["modelTurn"], ["generationComplete"], ["turnComplete"]]
BUNDLED = [["modelTurn", "outputTranscription"], ["generationComplete", "turnComplete"]]


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        (UNKNOWN, GEMINI, PLAIN),
        (UNKNOWN, VERTEX, PLAIN),
        (NATIVE, GEMINI, PLAIN),
        (NATIVE, VERTEX, BUNDLED),
        (FLASH, GEMINI, BUNDLED),
        (LIVE, GEMINI, BUNDLED),
        (LIVE, VERTEX, BUNDLED),
        (EXTENDED, GEMINI, [BUNDLED[0], [BUNDLED[1][0], "interactionStatus", BUNDLED[1][1]]]),
    ],
)
async def test_fields_that_come_together(
    name: str, path: str, expected: list[list[str]], autojump_clock: MockClock
) -> None:
    """3.x, and 2.5 on Vertex AI, put several fields into one serverContent."""
    model = scripted([[steps.Speak(bytes(960), transcript="hello")]])
    with trio.fail_after(60):
        async with LiveServer(model, pace=0) as server:
            turn = await a_spoken_turn(server, name, path)
            assert fields(turn) == expected


async def test_nothing_that_is_held_is_lost(autojump_clock: MockClock) -> None:
    """A transcript without audio comes before what follows it, whatever that is."""
    model = scripted(
        [
            [
                steps.Speak(b"", transcript="one"),
                steps.Speak(b"", transcript="two"),
                steps.Send({"serverContent": {"waitingForInput": True}}),
                steps.Speak(b"", transcript="three"),
                steps.GoAway(100),
            ]
        ]
    )
    with trio.fail_after(60):
        async with LiveServer(model) as server:
            turn = await a_spoken_turn(server, LIVE, GEMINI)
            assert fields([message for message in turn if "serverContent" in message]) == [
                ["outputTranscription"],
                ["outputTranscription"],
                ["waitingForInput"],
                ["generationComplete", "outputTranscription", "turnComplete"],
            ]


async def test_transcript_comes_before_a_call(autojump_clock: MockClock) -> None:
    """What was said before a call is sent before it."""
    calls = [("f", Json())]
    model = scripted([[steps.Speak(b"", transcript="wait"), steps.CallTools(calls)]])
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(model=f"models/{LIVE}", outputAudioTranscription={})
            await client.say("go")
            assert content_keys([await client.receive(), await client.receive()]) == [
                "outputTranscription",
                "toolCall",
            ]


@pytest.mark.parametrize(("name", "stale"), [(UNKNOWN, 0), (LIVE, 960)])
async def test_interruption_comes_with_stale_audio(
    name: str, stale: int, autojump_clock: MockClock
) -> None:
    """On 3.x the interruption carries audio that must not be played; never generationComplete."""
    model = scripted([[steps.Speak(bytes(9_600), transcript="hello")]])
    with trio.fail_after(60):
        async with LiveServer(model, chunk_ms=20) as server, connect(server) as client:
            await client.set_up(model=f"models/{name}", **MANUAL)
            await client.say("go")
            await client.receive()
            await client.send({"realtimeInput": {"activityStart": {}}})
            *_, interrupted, end = await client.receive_turn()
            assert interrupted["serverContent"]["interrupted"] is True
            assert len(audio_of([interrupted])) == stale
            assert fields([end]) == [["turnComplete"]]


async def test_interaction_status_of_extended_thinking(autojump_clock: MockClock) -> None:
    """A turn that ends while another follows by itself is in progress; else it is idle."""
    model = scripted([[steps.UntilInterrupted()], [steps.Say("two")], [steps.Say("three")]])

    async def statuses(client: Client, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            (*_, end) = await client.receive_turn()
            found.append(end["serverContent"]["interactionStatus"])
        return found

    with trio.fail_after(60):
        async with LiveServer(model, pace=0) as server, connect(server) as client:
            await client.set_up(
                model=f"models/{EXTENDED}",
                realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"},
                **TEXT,
            )
            await client.say("one")
            await client.say("two, which waits")
            await server.sessions[0].wait_received(3)
            await server.sessions[0].interrupt()
            assert await statuses(client, 2) == ["IN_PROGRESS", "IDLE"]
            await client.send(content("three"))
            assert await statuses(client, 1) == ["IDLE"]


async def test_extended_thinking_that_content_interrupts(autojump_clock: MockClock) -> None:
    """Content that asks for an answer ends one turn and begins the next: still in progress."""
    model = scripted([[steps.UntilInterrupted()]])
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(model=f"models/{EXTENDED}", **TEXT)
            await client.send(content("one"))
            await client.send(content("two"))
            first, second = await client.receive_turn(), await client.receive_turn()
            assert first[-1]["serverContent"]["interactionStatus"] == "IN_PROGRESS"
            assert second[-1]["serverContent"]["interactionStatus"] == "IDLE"


@pytest.mark.parametrize(("path", "taken"), [(GEMINI, False), (VERTEX, True)])
async def test_system_role_on_vertex_only(
    path: str, taken: bool, autojump_clock: MockClock
) -> None:
    """Vertex AI takes contents of the role "system"; the Gemini Developer API names its roles."""
    message = {"clientContent": {"turns": [{"role": "system", "parts": [{"text": "be brief"}]}]}}
    headers = BEARER if path == VERTEX else KEY
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, path, headers) as client:
            await client.set_up(model=f"models/{LIVE}", **TEXT)
            await client.send(message)
            if taken:
                await client.send(content("hello"))
                assert text_of(await client.receive_turn()) == "hello"
            else:
                assert await client.receive_closed() == (
                    1007,
                    "Please use a valid role: user, model.",
                )


@pytest.mark.parametrize(
    ("compression", "taken"),
    [
        ({"triggerTokens": "5000", "slidingWindow": {"targetTokens": "0"}}, True),
        ({"slidingWindow": {"targetTokens": 128_000}}, True),
        ({"triggerTokens": 4_999}, False),
        ({"triggerTokens": 128_001}, False),
        ({"slidingWindow": {"targetTokens": 128_001}}, False),
        ({"slidingWindow": {"targetTokens": -1}}, False),
    ],
)
async def test_ranges_of_compression_on_vertex(
    compression: Json, taken: bool, autojump_clock: MockClock
) -> None:
    """Vertex AI has bounds for both numbers; the Gemini Developer API names none."""
    message = {"setup": {"model": f"models/{LIVE}", "contextWindowCompression": compression}}
    with trio.fail_after(60):
        async with LiveServer() as server:
            async with connect(server) as client:
                await client.send(message)
                assert "setupComplete" in await client.receive()
            async with connect(server, VERTEX, BEARER) as client:
                await client.send(message)
                if taken:
                    assert "setupComplete" in await client.receive()
                else:
                    assert await client.receive_closed() == (1007, INVALID)


async def test_consent_to_a_copied_voice_is_signed(autojump_clock: MockClock) -> None:
    """The answer to a setup has a signature that later setups send in place of the recording."""
    first = {"replicatedVoiceConfig": {"mimeType": "audio/wav", "consentAudio": "AAAA"}}
    with trio.fail_after(60):
        async with LiveServer() as server:
            async with connect(server) as client:
                config = {"speechConfig": {"voiceConfig": first}}
                answer = await client.set_up(generationConfig=config)
                signature = answer["setupComplete"]["voiceConsentSignature"]
                assert signature["signature"]
            second = {"replicatedVoiceConfig": {"voiceConsentSignature": signature}}
            async with connect(server) as client:
                config = {"speechConfig": {"voiceConfig": second}}
                answer = await client.set_up(generationConfig=config)
                assert list(answer["setupComplete"]) == ["sessionId"]
