"""The `trio-live` command in processes of its own: real time, signals, terminals, pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
import trio

import trio_live
from trio_live.audio import read_wav

ROOT = Path(__file__).parent.parent
SPEECH = ROOT / "examples" / "speech.wav"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may meet the real service, and the package need not be installed."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def spawn(*arguments: str | Path, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Run a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "trio_live", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_talk_in_real_time_writes_a_reply_that_is_the_speech(tmp_path: Path) -> None:
    """The echo of the spoken example, said in real time, is the example's sound."""
    reply = tmp_path / "reply.wav"
    began = time.monotonic()
    process = spawn("talk", SPEECH, "--out", reply)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert time.monotonic() - began > 2 * 3.2  # said once, echoed once
    assert f"reply:         {reply}: " in output
    said = numpy.frombuffer(read_wav(SPEECH), "<i2").astype(float)
    heard = numpy.frombuffer(read_wav(reply), "<i2").astype(float)
    assert numpy.sqrt((heard**2).mean()) > 0.5 * numpy.sqrt((said**2).mean())
    size = 1 << 18
    spectrum = numpy.fft.rfft(said, size) * numpy.conj(numpy.fft.rfft(heard, size))
    likeness = numpy.fft.irfft(spectrum).max() / (
        numpy.linalg.norm(said) * numpy.linalg.norm(heard)
    )
    assert likeness > 0.9


def test_serve_is_found_by_chat_and_ends_with_ctrl_c() -> None:
    """The URL on its first line is what --url takes."""
    server = spawn("serve", "--pace", "0")
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        output, errors = spawn("chat", "--url", url).communicate("hello\n", timeout=20)
        assert (output, errors) == ("hello\n", f"server: {url}\n")
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=20)
        assert server.returncode == 128 + signal.SIGINT
        assert "Traceback" not in errors
    finally:
        server.kill()
        server.communicate()


def test_serve_with_faults_lets_them_happen_in_turn() -> None:
    """Each --fault is what its words say, as often as they say, and then all is well."""
    faults = ("http=503,7@before-upgrade", "close=1011,Internal error encountered.@during-turn")
    server = spawn(
        "serve", "--pace", "0", *(part for fault in faults for part in ("--fault", fault))
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        told = []
        for _ in range(3):
            output, errors = spawn("chat", "--url", url).communicate("hello\n", timeout=20)
            told.append((output.strip(), errors))
        assert "HTTP 503" in told[0][1]
        assert "cut off" in told[1][1]
        assert "(a failure inside the service; connecting in 0.0 s)" in told[1][1]
        assert told[2][0] == "hello"
    finally:
        server.kill()
        server.communicate()


async def _call_twice(url: str) -> list[str]:
    """Hold a session in which calls are answered; give what became of two texts."""
    told: list[str] = []
    config = trio_live.SessionConfig(
        "models/demo",
        response_modalities=["TEXT"],
        tools=[trio_live.FunctionDeclaration("look_up")],
    )
    endpoint = trio_live.GoogleAI("any-key", base_url=url)
    with trio.fail_after(20):
        async with trio_live.open_session(config, endpoint=endpoint) as session:
            for text in ("one", "two"):
                await session.send_text(text)
                async for event in session:
                    match event:
                        case trio_live.ToolCall(calls=calls):
                            told.append(calls[0].name)
                            if text == "two":
                                answer = trio_live.FunctionResponse("look_up", {}, id=calls[0].id)
                                await session.send_tool_response([answer])
                        case trio_live.ToolCallCancelled():
                            told.append("cancelled")
                        case trio_live.Reconnected():
                            told.append("reconnected")
                            break
                        case trio_live.TextComplete(text=said):
                            told.append(said)
                            break
                        case _:
                            pass
    return told


def test_serve_with_a_fault_in_a_call_makes_calls() -> None:
    """The echo calls no functions; where a fault wants a call, there are calls."""
    server = spawn("serve", "--pace", "0", "--fault", "rst@during-tool-call")
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        told = trio.run(_call_twice, url)
        assert told == ["look_up", "cancelled", "reconnected", "look_up", "two"]
    finally:
        server.kill()
        server.communicate()


def test_serve_as_json_prints_its_url() -> None:
    """The URL is a field; SIGTERM ends it as Ctrl-C does."""
    server = spawn("serve", "--json")
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["url"].startswith("ws://127.0.0.1:")
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)
        assert server.returncode == 128 + signal.SIGTERM
    finally:
        server.kill()
        server.communicate()


def test_ctrl_c_in_chat_ends_at_once_though_a_read_waits() -> None:
    """The thread that waits for a line neither delays the end nor breaks it."""
    process = spawn("chat")
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("hello\n")
        process.stdin.flush()
        assert process.stdout.readline() == "hello\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)  # its standard input stays open
        assert time.monotonic() - began < 5
        output, errors = process.communicate()
        assert (process.returncode, output) == (130, "")
        assert len(errors.splitlines()) == 1
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX's")
def test_ctrl_c_in_talk_restores_the_terminal(tmp_path: Path) -> None:
    """The live view is drawn; after Ctrl-C the cursor is back and the summary shown."""
    import pty

    ours, theirs = pty.openpty()
    process = spawn("talk", SPEECH, "--out", tmp_path / "reply.wav", stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while b"phase active" not in shown:
            shown += os.read(ours, 65_536)
        assert b"\x1b[?25l" in shown  # hidden while drawing
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
        except OSError:
            pass  # how Linux says that the other end is closed
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - began < 5
        assert (process.returncode, errors) == (130, "")
        assert shown.rfind(b"\x1b[?25h") > shown.rfind(b"\x1b[?25l")
        assert b"turn latency" in shown
    finally:
        os.close(ours)
        process.kill()
        process.communicate()


def test_reader_of_the_output_that_goes_away_ends_the_command() -> None:
    """`trio-live ... | head -1` ends without a traceback."""
    process = spawn("talk", SPEECH, "--json")
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=20) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.close()
        process.stderr.close()
