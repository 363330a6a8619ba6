"""The `trio-live` command as a user has it: what it prints, writes and exits with."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import pytest
import soundfile
import trio
from click.testing import CliRunner

import trio_live
from trio_live.audio import write_wav
from trio_live.cli import main
from trio_live.cli.app import trio_live_command
from trio_live.cli.run import run

if TYPE_CHECKING:
    from click.testing import Result

ROOT = Path(__file__).parent.parent
SPEECH = ROOT / "examples" / "speech.wav"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may meet the real service."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def invoke(*arguments: str | Path, given: str = "") -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(
        trio_live_command, [str(argument) for argument in arguments], given, catch_exceptions=False
    )


@pytest.fixture
def beep(tmp_path: Path) -> Path:
    """Give a short file that counts as speech and has to be converted: 0.2 s, 8 kHz, stereo."""
    samples = 0.4 * numpy.sin(numpy.arange(1_600) * 2 * numpy.pi * 440 / 8_000)
    soundfile.write(tmp_path / "beep.wav", numpy.stack([samples, samples], 1), 8_000, "PCM_24")
    return tmp_path / "beep.wav"


# talk


def test_talk_prints_events_and_a_summary_and_writes_the_reply(beep: Path, tmp_path: Path) -> None:
    """Without a terminal there is one line per event, with its time, and then the summary."""
    result = invoke("talk", beep, "--out", tmp_path / "reply.wav")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("server: embedded, an echo at ws://127.0.0.1:")
    assert lines[1] == f"{beep}: 0.20 s"
    words = [line[10:] for line in lines]
    for expected in ("connected", "phase active", "turn 1 complete", "disconnected: 1000"):
        assert expected in words
    assert [word for word in words if word.startswith("the model speaks")] == [
        "the model speaks (response 1, 24,000 Hz)"
    ]
    headings = [line.partition(":")[0] for line in lines[-7:]]
    assert headings == [
        "session",
        "first audio",
        "turn latency",
        "sent",
        "received",
        "drops",
        "reply",
    ]
    assert soundfile.info(tmp_path / "reply.wav").samplerate == 24_000
    assert soundfile.info(tmp_path / "reply.wav").duration == pytest.approx(0.2, abs=0.05)


def test_talk_as_json_prints_one_object_per_line(beep: Path) -> None:
    """A program gets the start, each event in order, and the summary."""
    result = invoke("talk", beep, "--json", "--text", "--model", "m")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    names = [line["event"] for line in lines]
    assert (result.exit_code, result.stderr) == (0, "")
    assert (names[0], names[-2], names[-1]) == ("start", "Disconnected", "summary")
    assert (lines[0]["server"], lines[0]["model"], lines[0]["seconds"]) == ("embedded", "m", 0.2)
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)
    assert (lines[-1]["turns"], lines[-1]["reply"]) == (1, None)
    assert "TextDelta" in names


def test_talk_in_text_prints_the_answer_once(beep: Path) -> None:
    """Its pieces are shown as they come; the whole of it is not shown again."""
    result = invoke("talk", beep, "--text")
    assert result.exit_code == 0
    assert result.stdout.count(" s of speech)") == 1
    assert "text complete" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["talk", "missing.wav"], "missing.wav: cannot be read: no such file or directory"),
        (["talk", str(ROOT / "README.md")], "README.md: is not a WAV file"),
        (["talk", str(SPEECH), "--out", "none/reply.wav"], "its directory does not exist"),
        (["talk", str(SPEECH), "--out", "."], "cannot be written: is a directory"),
        (["talk", str(SPEECH), "--out", "a.wav", "--text"], "--out needs a voice"),
        (["talk", str(SPEECH), "--url", "ftp://host"], "must begin with wss://"),
        (["talk", "own.wav", "--out", "own.wav"], "own.wav: cannot be written: is the file that"),
        (["talk", "own.wav", "--out", "link.wav"], "link.wav: cannot be written: is the file that"),
        (["talk", str(SPEECH), "--url", "ws://example.org"], "use wss://, or say --insecure"),
        (["chat", "--model", ""], "model must not be an empty text"),
        (["chat", "--wait", "0"], "--wait"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--fault", "rst"], "'rst' is not what[=value[,text]]@at[*times][+skip]."),
        (["serve", "--fault", "boom@after-setup"], "there is no fault 'boom'; there are close,"),
        (["sing"], "No such command"),
    ],
)
def test_wrong_usage_and_files_give_one_line_and_exit_code_2(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user can correct is said before anything is sent."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.wav").write_bytes(SPEECH.read_bytes())
    (tmp_path / "link.wav").hardlink_to(tmp_path / "own.wav")
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr.splitlines()[-1]
    assert (tmp_path / "own.wav").read_bytes() == SPEECH.read_bytes()


def test_missing_audio_extra_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that has to be converted says what is missing."""
    write_wav(tmp_path / "a.wav", bytes(8_000), 8_000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    result = invoke("talk", tmp_path / "a.wav")
    assert result.exit_code == 2
    assert result.stderr.endswith("pip install trio-live[audio]\n")


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_missing_cli_extra_is_one_line_and_exit_code_2(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without click or rich, the command still says what to install."""
    for name in [name for name in sys.modules if name.startswith("trio_live.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["--help"]) == 2
    assert "pip install trio-live[cli]" in capsys.readouterr().err


def test_main_gives_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """The entry point returns what the process is to exit with."""
    assert main(["--version"]) == 0
    assert trio_live.__version__ in capsys.readouterr().out
    assert main(["chat", "--url", "nonsense"]) == 2


def test_refused_connection_is_one_line_and_exit_code_1() -> None:
    """Nobody listens there: no traceback, no summary of a session that never was."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        result = invoke("talk", SPEECH, "--url", f"ws://127.0.0.1:{reserved.getsockname()[1]}")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("trio-live: error: could not connect")
    assert "session:" not in result.stdout


# chat


def test_chat_with_piped_input_answers_each_line_and_ends() -> None:
    """Standard output has the answers and nothing else; the end of the input is a normal end."""
    result = invoke("chat", given="hello there\n\nhow are you")
    assert (result.exit_code, result.stdout) == (0, "hello there\nhow are you\n")
    assert result.stderr.startswith("server: embedded, an echo at ws://")


def test_chat_with_a_voice_shows_its_transcript() -> None:
    """Models that only speak can be chatted with all the same."""
    result = invoke("chat", "--audio", given="good day\n")
    assert (result.exit_code, result.stdout) == (0, "good day\n")


def test_chat_as_json_prints_one_object_per_line() -> None:
    """A program gets every event, with its time."""
    result = invoke("chat", "--json", given="one\n")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line["text"] for line in lines if line["event"] == "TextDelta"] == ["one"]
    assert lines[-1]["event"] == "Disconnected"


def test_chat_without_an_answer_ends_in_time() -> None:
    """An answer that does not come in time is a failure, not an eternity."""
    result = invoke("chat", "--wait", "0.01", given="a question\n")
    assert result.exit_code == 1
    assert result.stderr.endswith("trio-live: error: no complete answer: silence for 0.01 s\n")


# serve, and how commands end


def test_serve_on_a_port_in_use_is_one_line_and_exit_code_1() -> None:
    """The address and the system's reason are named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = invoke("serve", "--port", str(port))
    assert (result.exit_code, result.stdout) == (1, "")
    expected = f"trio-live: error: cannot listen on 127.0.0.1 port {port}: address already in use\n"
    assert result.stderr == expected


def test_ctrl_c_cancels_the_command_and_runs_its_cleanup() -> None:
    """The command sees a cancellation, and an error on its way out changes nothing."""
    cleaned = []

    async def command() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
            await trio.sleep_forever()
        finally:
            cleaned.append(True)
            raise trio_live.ConnectionLost("on the way out")

    assert (run(command), cleaned) == (130, [True])
