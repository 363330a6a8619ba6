"""The chat of the command line: what it shows, and how it ends when the server ends it."""

from __future__ import annotations

import pytest
import trio

import trio_live
from trio_live.cli.chat import ChatOptions, TextChatView, chat
from trio_live.cli.lines import LineReader
from trio_live.cli.run import CommandFailed
from trio_live.testing import Close, LiveServer, Say, scripted


def test_chat_view_shows_answers_on_stdout_and_the_rest_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the model says cannot steer the terminal; a turn without words shows nothing."""
    view = TextChatView(interactive=True)
    view.prompt()
    happened: list[trio_live.SessionEvent] = [
        trio_live.PhaseChanged(trio_live.SessionPhase.ACTIVE, trio_live.SessionPhase.USER_SPEAKING),
        trio_live.TextDelta("go\x1b[2Jod ", 1),
        trio_live.TextDelta("day", 1),
        trio_live.TurnComplete(1, 1),
        trio_live.TurnComplete(1, 2),
        trio_live.GoAway(9.5),
        trio_live.Error("un\x07readable", b""),
    ]
    for event in happened:
        view.happened(0.0, event)
    shown = capsys.readouterr()
    assert shown.out == "> go[2Jod day\n"
    view.happened(0.0, trio_live.TextDelta("cut off", 2))
    view.ended()
    assert capsys.readouterr().out == "cut off\n"
    assert shown.err == "(the server ends the session in 9.5 s)\n(error: unreadable)\n"


async def test_chat_that_the_server_ends_does_not_wait_for_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A session that ends while the user is asked ends the command, and says why."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    done = trio.Event()
    pieces = [b"hello\n", b"and now?\n"]

    def read() -> bytes:
        if pieces:
            return pieces.pop(0)
        trio.from_thread.run(done.wait)  # a user who thinks
        return b""

    config = trio_live.SessionConfig("m", response_modalities=["TEXT"])
    script = scripted([[Say("good day")], [Say("bye"), Close(1000)]])
    async with LiveServer(script, pace=0) as server:
        url = await server.listen()
        options = ChatOptions(url=url, insecure=False, wait=10, config=config)
        with trio.fail_after(20), pytest.raises(CommandFailed, match="the server ended"):
            await chat(options, LineReader(read), TextChatView(interactive=False))
        done.set()
    assert capsys.readouterr().out == "good day\nbye\n"
