"""Turns of the embedded server: text, speech, interruption, pacing, tools, usage."""

from __future__ import annotations

import math

import pytest
import trio
from live_server_client import (
    BEARER,
    VERTEX,
    VERTEX_MODEL,
    Json,
    audio_message,
    audio_of,
    connect,
    content_keys,
    silence,
    speech,
    text_of,
)
from trio.testing import MockClock

from trio_live.testing.server import LiveServer, Reply, UserTurn, scripted
from trio_live.testing.server import models as steps

TEXT = {"responseModalities": ["TEXT"]}
MANUAL = {"automaticActivityDetection": {"disabled": True}}
ACTIVITY_START: Json = {"realtimeInput": {"activityStart": {}}}
ACTIVITY_END: Json = {"realtimeInput": {"activityEnd": {}}}


def content(*texts: str, complete: bool = True) -> Json:
    """A clientContent message with one content per text."""
    turns = [{"role": "user", "parts": [{"text": text}]} for text in texts]
    return {"clientContent": {"turns": turns, "turnComplete": complete}}


async def test_text_turn_is_echoed_with_usage(autojump_clock: MockClock) -> None:
    """A clientContent turn is answered by text, generationComplete, turnComplete with usage."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            reply = await client.set_up(generationConfig=TEXT)
            assert reply == {"setupComplete": {"sessionId": server.sessions[0].session_id}}
            text = "Name three moons of Saturn, please, and two of Mars."
            await client.send(content(text))
            turn = await client.receive_turn()
            assert content_keys(turn) == ["modelTurn", "generationComplete", "turnComplete"]
            assert text_of(turn) == text
            assert turn[-1]["usageMetadata"] == {
                "promptTokenCount": 13,
                "responseTokenCount": 13,
                "totalTokenCount": 26,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 13}],
                "responseTokensDetails": [{"modality": "TEXT", "tokenCount": 13}],
            }


async def test_long_words_are_cut_without_loss(autojump_clock: MockClock) -> None:
    """A text without spaces is sent in pieces that join to the same text."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.say("x" * 100)
            turn = await client.receive_turn()
            assert text_of(turn) == "x" * 100
            assert len(turn) > 4


async def test_incomplete_content_only_appends_to_the_history(autojump_clock: MockClock) -> None:
    """Content without turnComplete is not answered, and belongs to the turn that is."""
    seen: list[UserTurn] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(turn)
        await reply.text("ok")

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.send(content("one", complete=False))
            await client.send(content("two"))
            await client.receive_turn()
            await client.send(content("three"))
            await client.receive_turn()
            assert [turn.text for turn in seen] == ["one\ntwo", "three"]
            assert [c["role"] for c in seen[1].history] == ["user", "user", "model"]


async def test_image_in_content_reaches_the_model(autojump_clock: MockClock) -> None:
    """Inline images of a content turn are decoded; echo counts them."""
    blob = {"mimeType": "image/png", "data": "-__-"}
    parts = [{"inlineData": blob}, {"inlineData": {"mimeType": "audio/pcm", "data": ""}}]
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.send(
                {"clientContent": {"turns": [{"parts": parts}], "turnComplete": True}}
            )
            assert text_of(await client.receive_turn()) == "(1 images)"


async def test_speech_is_found_and_echoed_with_transcripts(autojump_clock: MockClock) -> None:
    """Speech between silences is one turn: both transcripts, the same sound at 24 kHz."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(inputAudioTranscription={}, outputAudioTranscription={})
            await client.hear(silence(0.3) + speech(1.9) + silence(0.6))
            turn = await client.receive_turn()
            assert content_keys(turn) == [
                "inputTranscription",
                "outputTranscription",
                "modelTurn",
                "generationComplete",
                "turnComplete",
            ]
            words = {"text": "(1.9 s of speech)"}
            assert turn[0]["serverContent"]["inputTranscription"] == words
            assert turn[1]["serverContent"]["outputTranscription"] == words
            assert len(audio_of(turn)) == pytest.approx(2 * 24_000 * 1.9, rel=0.02)
            blob = turn[2]["serverContent"]["modelTurn"]["parts"][0]["inlineData"]
            assert blob["mimeType"] == "audio/pcm;rate=24000"
            details = turn[-1]["usageMetadata"]["promptTokensDetails"]
            assert details == [{"modality": "AUDIO", "tokenCount": 48}]


async def test_answer_leaves_in_real_time(autojump_clock: MockClock) -> None:
    """At pace 1 a second of audio takes a second, and turnComplete waits for its playback."""
    with trio.fail_after(60):
        model = scripted([[steps.Speak(bytes(48_000), "hi"), steps.Wait(0.0)]])
        async with LiveServer(model, chunk_ms=100) as server, connect(server) as client:
            await client.set_up()
            await client.say("go")
            start = trio.current_time()
            times: list[tuple[str, float]] = []
            while not times or times[-1][0] != "turnComplete":
                kind = next(iter((await client.receive())["serverContent"]))
                times.append((kind, round(trio.current_time() - start, 3)))
            expected = [("modelTurn", round(0.1 * n, 3)) for n in range(10)]
            assert times == [*expected, ("generationComplete", 0.9), ("turnComplete", 1.0)]


async def test_pace_zero_takes_no_time(autojump_clock: MockClock) -> None:
    """At pace 0 an answer takes no time at all."""
    with trio.fail_after(60):
        async with LiveServer(pace=0) as server, connect(server) as client:
            await client.set_up()
            start = trio.current_time()
            await client.say("a text that is spoken for a while")
            turn = await client.receive_turn()
            assert len(audio_of(turn)) > 48_000
            assert content_keys(turn) == ["modelTurn", "generationComplete", "turnComplete"]
            assert trio.current_time() == start


async def test_end_of_the_audio_stream_ends_the_turn(autojump_clock: MockClock) -> None:
    """Speech without silence stays open until audioStreamEnd; the answer is in the modality."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.hear(speech(0.51))
            with trio.move_on_after(20) as scope:
                await client.receive()
            assert scope.cancelled_caught
            await client.send({"realtimeInput": {"audioStreamEnd": True}})
            assert text_of(await client.receive_turn()) == "(0.5 s of speech)"


async def test_false_audio_stream_end_is_nothing(autojump_clock: MockClock) -> None:
    """A false audioStreamEnd says nothing, as proto3 has it."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.hear(speech(0.5))
            await client.send({"realtimeInput": {"audioStreamEnd": False}})
            await client.say("heard ")
            await client.hear(silence(0.6))
            assert text_of(await client.receive_turn()) == "heard (0.5 s of speech)"


async def test_changed_sample_rate_ends_an_utterance(autojump_clock: MockClock) -> None:
    """Audio at another rate is another stream: what was being said is a turn."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.hear(speech(0.5, 8_000), 8_000)
            await client.hear(silence(0.1), 16_000)
            assert text_of(await client.receive_turn()) == "(0.5 s of speech)"


async def test_manual_activity_is_one_turn_with_all_its_input(autojump_clock: MockClock) -> None:
    """Between activityStart and activityEnd audio, images and text make one turn."""
    seen: list[UserTurn] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(turn)
        await reply.text("ok")

    image = {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": "AAAA"}}}
    coverage = {"turnCoverage": "TURN_INCLUDES_ONLY_ACTIVITY"}
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT, realtimeInputConfig=MANUAL | coverage)
            await client.send(image)  # before the activity: not part of it
            await client.send(ACTIVITY_START)
            await client.send(audio_message(b"\x01\x00" * 80, 8_000))
            await client.send(audio_message(b"\x02\x00" * 80, 8_000))
            await client.say("look")
            await client.send(image)
            await client.send(ACTIVITY_END)
            await client.receive_turn()
            (turn,) = seen
            assert (turn.text, turn.sample_rate, turn.images) == ("look", 8_000, [b"\0\0\0"])
            assert turn.audio == b"\x01\x00" * 80 + b"\x02\x00" * 80


async def test_empty_activity_needs_more_input(autojump_clock: MockClock) -> None:
    """An activity with nothing in it ends the turn and says why."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(realtimeInputConfig=MANUAL)
            await client.send(ACTIVITY_START)
            await client.send(ACTIVITY_END)
            expected = {"turnComplete": True, "turnCompleteReason": "NEED_MORE_INPUT"}
            assert await client.receive() == {"serverContent": expected}


async def test_barge_in_interrupts_without_generation_complete(autojump_clock: MockClock) -> None:
    """Speech during an answer stops it; only what was sent stays in the history."""
    seen: list[UserTurn] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(turn)
        await reply.text("one two three four five six seven eight nine ten eleven twelve")
        await reply.audio(bytes(480_000))

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up()
            await client.say("go")
            await client.receive()
            await trio.sleep(0.5)
            await client.hear(speech(0.2))
            turn = await client.receive_turn()
            assert content_keys(turn) == ["modelTurn", "interrupted", "turnComplete"]
            await client.hear(silence(0.6))
            assert content_keys(await client.receive_turn())[-1] == "turnComplete"
            assert len(seen) == 2
            assert seen[1].history[0] == {"role": "user", "parts": [{"text": "go"}]}


async def test_interruption_during_playback(autojump_clock: MockClock) -> None:
    """After generationComplete the answer is still being played and can be interrupted."""
    with trio.fail_after(60):
        model = scripted([[steps.Speak(bytes(4_800))]])
        async with LiveServer(model, chunk_ms=1_000) as server, connect(server) as client:
            await client.set_up(realtimeInputConfig=MANUAL)
            await client.say("go")
            assert content_keys([await client.receive(), await client.receive()]) == [
                "modelTurn",
                "generationComplete",
            ]
            await client.send(ACTIVITY_START)
            assert content_keys(await client.receive_turn()) == ["interrupted", "turnComplete"]
            await client.send(ACTIVITY_END)
            assert "turnCompleteReason" in (await client.receive())["serverContent"]


async def test_no_interruption_queues_the_next_turn(autojump_clock: MockClock) -> None:
    """With NO_INTERRUPTION a turn during an answer is answered after it."""
    handling = {"activityHandling": "NO_INTERRUPTION"}
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT, realtimeInputConfig=handling)
            await client.say("first")
            await client.say("second")
            for text in ("first", "second"):
                turn = await client.receive_turn()
                assert content_keys(turn) == ["modelTurn", "generationComplete", "turnComplete"]
                assert text_of(turn) == text


async def test_queued_turn_follows_an_interruption(autojump_clock: MockClock) -> None:
    """A turn that waits for the end of an answer is answered when a test ends it early."""
    handling = {"activityHandling": "NO_INTERRUPTION"}
    model = scripted([[steps.UntilInterrupted()], [steps.Say("next")]])
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT, realtimeInputConfig=handling)
            await client.say("first")
            await client.say("second")
            await server.sessions[0].wait_received(3)
            await server.sessions[0].interrupt()
            assert content_keys(await client.receive_turn()) == ["interrupted", "turnComplete"]
            assert text_of(await client.receive_turn()) == "next"


async def test_model_that_fails_while_it_is_cancelled(autojump_clock: MockClock) -> None:
    """An error beside the cancellation, in a group with it, is the model's error too."""

    async def fail_late() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise LookupError

    async def model(turn: UserTurn, reply: Reply) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail_late)
            nursery.start_soon(trio.sleep_forever)

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up()
            await client.say("go")
            await client.say("again")
            assert (await client.receive_closed())[0] == 1011
            assert isinstance(server.sessions[0].error, ExceptionGroup)
            assert server.errors == []


async def test_content_interrupts_unconditionally(autojump_clock: MockClock) -> None:
    """A complete clientContent turn interrupts even with NO_INTERRUPTION."""
    handling = {"activityHandling": "NO_INTERRUPTION"}
    with trio.fail_after(60):
        model = scripted([[steps.UntilInterrupted()], [steps.Say("there")]])
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT, realtimeInputConfig=handling)
            await client.send(content("hello"))
            await client.send(content("again"))
            assert content_keys(await client.receive_turn()) == ["interrupted", "turnComplete"]
            assert text_of(await client.receive_turn()) == "there"


async def test_interrupt_by_the_test(autojump_clock: MockClock) -> None:
    """ServerSession.interrupt stops a running answer; it is nothing before setup or when idle."""
    with trio.fail_after(60):
        async with (
            LiveServer(scripted([[steps.UntilInterrupted()]])) as server,
            connect(server) as client,
        ):
            while not server.sessions:
                await trio.testing.wait_all_tasks_blocked()
            session = server.sessions[0]
            await session.interrupt()
            await session.cancel_calls([])
            await client.set_up()
            await session.interrupt()
            await client.say("go")
            await session.wait_received(2)
            await session.interrupt()
            assert content_keys(await client.receive_turn()) == ["interrupted", "turnComplete"]


async def test_tool_call_is_answered_and_kept_in_the_history(autojump_clock: MockClock) -> None:
    """call_tools sends one message with unique ids and returns the responses in order."""
    seen: list[object] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        if turn.text == "go":
            answers = await reply.call_tools([("clock", {"snake_case": 1}), ("light", {})])
            seen.append(answers)
            await reply.text("done", thought=True)
            await reply.text("done")
        else:
            seen.append(turn.history)

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.say("go")
            calls = (await client.receive())["toolCall"]["functionCalls"]
            assert [(c["name"], c["args"]) for c in calls] == [
                ("clock", {"snake_case": 1}),
                ("light", {}),
            ]
            first, second = calls[0]["id"], calls[1]["id"]
            for answer in (
                {"id": second, "name": "light", "response": {"snake_case": "kept"}},
                {"id": second, "name": "light", "response": {"late": True}},
                {"id": first, "name": "clock", "will_continue": True},
                {"id": first, "name": "clock", "response": {"output": 3}},
            ):
                await client.send({"tool_response": {"function_responses": [answer]}})
            turn = await client.receive_turn()
            assert seen == [[{"output": 3}, {"snake_case": "kept"}]]
            assert text_of(turn) == "done"
            assert turn[-1]["usageMetadata"]["thoughtsTokenCount"] == 1
            await client.say("on")
            await client.receive_turn()
            history = seen[1]
            assert isinstance(history, list)
            kinds = [list(part) for c in history for part in c["parts"]]
            assert [k for (k,) in kinds] == [
                "text",
                "functionCall",
                "functionCall",
                "functionResponse",  # of the first call, which says that more follows
                "functionResponse",
                "functionResponse",
                "text",
            ]


async def test_interruption_cancels_open_calls(autojump_clock: MockClock) -> None:
    """Calls that are open when the user interrupts are cancelled; a late answer is ignored."""
    with trio.fail_after(60):
        model = scripted([[steps.CallTools([("f", {})])], [steps.Say("ok")]])
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.say("go")
            call_id = (await client.receive())["toolCall"]["functionCalls"][0]["id"]
            await client.send(content("never mind"))
            assert await client.receive() == {"toolCallCancellation": {"ids": [call_id]}}
            assert content_keys(await client.receive_turn()) == ["interrupted", "turnComplete"]
            late = {"functionResponses": [{"id": call_id, "name": "f", "response": {}}]}
            await client.send({"toolResponse": late})
            assert text_of(await client.receive_turn()) == "ok"


async def test_calls_cancelled_by_the_test(autojump_clock: MockClock) -> None:
    """ServerSession.cancel_calls tells the client, and the model goes on with an error."""
    answers: list[Json] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        answers.extend(await reply.call_tools([("f", {})]))

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up()
            await client.say("go")
            call_id = (await client.receive())["toolCall"]["functionCalls"][0]["id"]
            await server.sessions[0].cancel_calls([call_id])
            assert await client.receive() == {"toolCallCancellation": {"ids": [call_id]}}
            await client.receive_turn()
            assert answers == [{"error": "cancelled"}]


async def test_vertex_speaks_its_own_dialect(autojump_clock: MockClock) -> None:
    """Vertex AI: binary frames, candidates counts, voiceActivity, answers without ids."""
    with trio.fail_after(60):
        model = scripted([[steps.CallTools([("f", {})]), steps.Say("ok")]])
        async with LiveServer(model) as server, connect(server, VERTEX, BEARER) as client:
            await client.send({"setup": {"model": VERTEX_MODEL, "explicitVadSignal": True}})
            assert isinstance(await client.websocket.get_message(), bytes)
            await client.hear(silence(0.1) + speech(0.5) + silence(0.8))
            start = {"type": "ACTIVITY_START", "audioOffset": "0.1s"}
            assert await client.receive() == {"voiceActivity": start}
            end = {"type": "ACTIVITY_END", "audioOffset": "1.4s"}
            assert await client.receive() == {"voiceActivity": end}
            assert "toolCall" in await client.receive()
            answer = {"functionResponses": [{"name": "f", "response": {}}]}
            await client.send({"toolResponse": answer})
            usage = (await client.receive_turn())[-1]["usageMetadata"]
            assert usage["trafficType"] == "ON_DEMAND"
            assert usage["candidatesTokensDetails"] == [{"modality": "AUDIO", "tokenCount": 3}]
            assert "responseTokenCount" not in usage


async def test_model_that_raises_closes_its_session_only(autojump_clock: MockClock) -> None:
    """An exception of the model is kept in session.error and closes with 1011."""

    async def model(turn: UserTurn, reply: Reply) -> None:
        if turn.text == "audio":
            await reply.audio(b"")
        elif turn.text == "odd":
            reply.modality = "AUDIO"
            await reply.audio(b"x")
        await reply.text("fine")

    with trio.fail_after(60):
        async with LiveServer(model) as server:
            for text, error in (("audio", RuntimeError), ("odd", ValueError)):
                async with connect(server) as client:
                    await client.set_up(generationConfig=TEXT)
                    await client.say(text)
                    closed = await client.receive_closed()
                    assert closed == (1011, "Internal error encountered.")
                    assert type(server.sessions[-1].error) is error
            async with connect(server) as client:
                await client.set_up(generationConfig=TEXT)
                await client.say("hello")
                assert text_of(await client.receive_turn()) == "fine"


async def test_transcriber_that_raises_closes_its_session(autojump_clock: MockClock) -> None:
    """The user's transcriber may fail as the model may."""

    def transcribe(pcm16: bytes, sample_rate: int) -> str:
        raise LookupError(sample_rate)

    with trio.fail_after(60):
        async with LiveServer(transcribe=transcribe) as server, connect(server) as client:
            await client.set_up()
            await client.hear(speech(0.5) + silence(0.6))
            assert (await client.receive_closed())[0] == 1011
            assert isinstance(server.sessions[0].error, LookupError)


async def test_scripted_steps_of_every_kind(autojump_clock: MockClock) -> None:
    """A script sends raw messages, thoughts, goAway and close frames; after it, nothing."""
    grounding: Json = {"serverContent": {"groundingMetadata": {}}}
    with trio.fail_after(60):
        model = scripted(
            [
                [
                    steps.Send(grounding),
                    steps.Say("hm", thought=True),
                    steps.Say(""),
                    steps.Say("", True),
                ],
                [],
                [steps.GoAway(12.5), steps.Close(4000, "bye")],
            ]
        )
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up()
            await client.say("1")
            turn = await client.receive_turn()
            assert turn[0] == grounding
            part = {"text": "hm", "thought": True}
            assert turn[1]["serverContent"]["modelTurn"]["parts"] == [part]
            await client.say("2")
            turn = await client.receive_turn()
            assert content_keys(turn) == ["generationComplete", "turnComplete"]
            await client.say("3")
            assert await client.receive() == {"goAway": {"timeLeft": "12.5s"}}
            assert await client.receive_closed() == (4000, "bye")
            assert server.sessions[0].closed == (4000, "bye")


async def test_speech_echo_keeps_the_sound(autojump_clock: MockClock) -> None:
    """A tone of 300 Hz at 16 kHz comes back as a tone of 300 Hz at 24 kHz."""
    with trio.fail_after(60):
        async with LiveServer(pace=0) as server, connect(server) as client:
            await client.set_up(realtimeInputConfig=MANUAL)
            await client.send(ACTIVITY_START)
            await client.hear(speech(0.5))
            await client.send(ACTIVITY_END)
            heard = memoryview(audio_of(await client.receive_turn())).cast("h")
            assert len(heard) == 12_000
            for index in (0, 1_111, 6_000, 11_990):
                expected = 8000 * math.sin(index * 300 * math.tau / 24_000)
                assert heard[index] == pytest.approx(expected, abs=80)


async def test_answers_at_24_khz_input_are_not_resampled(autojump_clock: MockClock) -> None:
    """Speech that comes at the output rate is echoed sample by sample."""
    with trio.fail_after(60):
        async with LiveServer(pace=0) as server, connect(server) as client:
            await client.set_up(realtimeInputConfig=MANUAL)
            await client.send(ACTIVITY_START)
            await client.hear(speech(0.2, 24_000), 24_000)
            await client.send(ACTIVITY_END)
            assert audio_of(await client.receive_turn()) == speech(0.2, 24_000)
