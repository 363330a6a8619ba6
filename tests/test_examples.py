"""Each example runs, against the embedded server, and does what it says."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import soundfile
import trio

import trio_live
from trio_live.endpoints.environment import API_KEY_VARIABLES, VERTEX_VARIABLES
from trio_live.testing import Close, LiveServer, Say, scripted

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may meet the real service."""
    for name in (*API_KEY_VARIABLES, *VERTEX_VARIABLES):
        monkeypatch.delenv(name, raising=False)


def load(name: str) -> ModuleType:
    """Import an example as it would be run, without running it."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def endpoint(url: str) -> trio_live.Endpoint:
    """Give the endpoint of an embedded server."""
    return trio_live.GoogleAI("any-key", base_url=url)


async def exchange(port: int, text: str) -> str:
    """Send text to the service, hang up, and give all that it answered."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(text.encode())
        await stream.send_eof()
        return "".join([piece.decode() async for piece in stream])


async def test_text_chat_prints_questions_and_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Each question is followed by its answer, and it is said which server answers."""
    with trio.fail_after(20):
        await load("text_chat").main(["How far is Titan?", "And Rhea?"])
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("server: an embedded echo at ws://127.0.0.1:")
    assert rest == ["> How far is Titan?", "How far is Titan?", "> And Rhea?", "And Rhea?"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["voice_file.py", "missing.wav", "out.wav"],
            "error: missing.wav: cannot be read: no such",
        ),
        (["voice_file.py", "text_chat.py", "out.wav"], "error: text_chat.py: is not a WAV file"),
        (["voice_file.py", "speech.wav"], "usage: voice_file.py QUESTION.wav ANSWER.wav"),
        (["many_sessions.py", "eighty"], "usage: many_sessions.py [PORT]"),
        (["many_sessions.py", "65536"], "usage: many_sessions.py [PORT]"),
    ],
)
def test_wrong_arguments_give_one_line(arguments: list[str], words: str) -> None:
    """A user who names a wrong file is told so, without a traceback."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=EXAMPLES,
        env=os.environ | {"PYTHONPATH": str(EXAMPLES.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert [line.startswith(words) for line in ended.stderr.splitlines()] == [True]


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"GOOGLE_API_KEY": "PLANTED"}, "GoogleAI"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1", "GOOGLE_CLOUD_PROJECT": "p"}, "VertexAI"),
    ],
)
async def test_environment_says_where_the_examples_connect(
    environment: dict[str, str],
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All variables that the library reads count; which server it is, is said without the key."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with load("place").open_endpoint() as found:
        assert type(found).__name__ == shown
    output = capsys.readouterr().out
    assert output.startswith(f"server: <{shown} wss://")
    assert "PLANTED" not in output


async def test_voice_file_writes_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mock_clock: trio.testing.MockClock
) -> None:
    """The echo of the spoken example has its length; time runs faster here than on a clock."""
    mock_clock.rate = 5
    with trio.fail_after(60):
        await load("voice_file").main(str(EXAMPLES / "speech.wav"), str(tmp_path / "answer.wav"))
    output = capsys.readouterr().out.splitlines()
    assert output[1].startswith("you: ")
    assert output[2].startswith("model: ")
    answer = soundfile.info(tmp_path / "answer.wav")
    assert (answer.samplerate, answer.channels) == (24_000, 1)
    assert answer.duration == pytest.approx(3.4, abs=0.3)


async def test_tools_are_called(capsys: pytest.CaptureFixture[str]) -> None:
    """The model's script calls each function; one call is refused; the oven is off in the end."""
    tools = load("tools")
    with trio.fail_after(20):
        await tools.main(["Is there flour?"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("server: an embedded script at ws://127.0.0.1:")
    assert lines[1:] == [
        "> Is there flour?",
        "call: look_up {'ingredient': 'flour'}",
        "done: look_up, answered",
        "call: heat_oven {'degrees': 220}",
        "call: heat_oven {'degrees': 400}",
        "done: heat_oven, refused",
        "oven: off again (hot)",
        "done: heat_oven, answered",
        "There are two bags of flour. The oven is hot, but it will not do for pizza.",
    ]


async def test_music_fades_from_one_prompt_to_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes as much stereo music as it says; the first prompt gives way to the last."""
    example = load("music")
    servers: list[LiveServer] = []

    def serve(**options: Any) -> LiveServer:
        servers.append(LiveServer(**options | {"pace": 0.005}))
        return servers[0]

    monkeypatch.setattr(example, "LiveServer", serve)
    with trio.fail_after(60):
        await example.main(str(tmp_path / "music.wav"), ["piano", "rain"])
    assert capsys.readouterr().out.splitlines()[1].endswith("music.wav: 30 s")
    music = soundfile.info(tmp_path / "music.wav")
    assert (music.samplerate, music.channels, music.duration) == (48_000, 2, 30.0)
    steps = [m["clientContent"] for m in servers[0].sessions[0].received if "clientContent" in m]
    texts = [[p["text"] for p in step["weightedPrompts"]] for step in cast("Any", steps)]
    assert texts == [["piano"], *[["piano", "rain"]] * 14, ["rain"]]


async def test_many_sessions_holds_one_session_per_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """More clients than the bound are all served, each by a session of its own."""
    service = load("many_sessions")
    monkeypatch.setattr(service, "MAX_SESSIONS", 5)
    stop = trio.Event()
    answers: dict[int, str] = {}
    async with LiveServer(pace=0) as server:
        url = await server.listen()
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                port = await nursery.start(service.serve, endpoint(url), 0, stop)

                async def ask(number: int) -> None:
                    answers[number] = await exchange(port, f"{number}\nagain {number}\n")

                async with trio.open_nursery() as clients:
                    for number in range(20):
                        clients.start_soon(ask, number)
                stop.set()
        assert len(server.sessions) == 20
    assert answers == {number: f"{number}\nagain {number}\n" for number in range(20)}


async def test_many_sessions_tells_a_failure_to_its_own_client_only() -> None:
    """One session that is refused or lost harms no other."""
    service = load("many_sessions")
    stop = trio.Event()
    script = scripted([[Say("fine")], [Close(1008, "Refused for good.")], [Say("still")]])
    async with LiveServer(script, pace=0) as server:
        url = await server.listen()
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                port = await nursery.start(service.serve, endpoint(url), 0, stop)
                answers = [await exchange(port, "hello\n") for _ in range(3)]
                stop.set()
    assert (answers[0], answers[2]) == ("fine\n", "still\n")
    assert answers[1].startswith("error: ")
    assert "Refused for good." in answers[1]


async def test_many_sessions_stops_within_its_grace(
    monkeypatch: pytest.MonkeyPatch, mock_clock: trio.testing.MockClock
) -> None:
    """A client that stays is cut off when the grace is over; no task outlives the service."""
    mock_clock.rate = 5
    service = load("many_sessions")
    stop = trio.Event()
    async with LiveServer(pace=0) as server:
        url = await server.listen()
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                port = await nursery.start(service.serve, endpoint(url), 0, stop)
                async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                    await stream.send_all(b"hello\n")
                    assert await stream.receive_some() == b"hello"
                    began = trio.current_time()
                    stop.set()
                    while await stream.receive_some():
                        pass
                    assert trio.current_time() - began >= service.GRACE_SECONDS


async def test_many_sessions_main_serves_until_a_signal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example as a whole: it says where it listens, and Ctrl-C ends it."""
    import signal

    service = load("many_sessions")
    printed = trio.Event()

    def note(*words: Any, **options: Any) -> None:
        print(*words, **options)  # noqa: T201 - what the example shows
        if str(words[0]).startswith("listening on"):
            printed.set()

    monkeypatch.setattr(service, "print", note, raising=False)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.main, 0)
            await printed.wait()
            port = int(capsys.readouterr().out.split()[-1])
            assert await exchange(port, "hello\n") == "hello\n"
            signal.raise_signal(signal.SIGINT)


def test_speech_is_what_its_note_says() -> None:
    """16 kHz, mono, 16 bits, a few seconds, small enough for a repository."""
    speech = soundfile.info(EXAMPLES / "speech.wav")
    assert (speech.samplerate, speech.channels, speech.subtype) == (16_000, 1, "PCM_16")
    assert math.isclose(speech.duration, 3.56, abs_tol=0.05)
    assert (EXAMPLES / "speech.wav").stat().st_size < 150_000
