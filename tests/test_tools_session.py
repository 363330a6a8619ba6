"""Tools in sessions: declared, run, answered once, stopped; with phases, reconnects and ends."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
import trio
from lasting_parts import unreachable
from session_parts import PCM, leaves_with
from tools_parts import ToolFar, listening, open_tools
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    AudioHeldBack,
    ConfigError,
    ConnectionLost,
    Disconnected,
    FunctionDeclaration,
    FunctionResponse,
    LocalProtocolError,
    SessionConfig,
    SessionPhase,
    Tool,
    ToolCall,
    ToolCallCancelled,
    ToolFinished,
    ToolStarted,
)
from trio_live.testing import LiveServer, Reply, UserTurn, cancel_at_every_checkpoint
from trio_live.tools import Call, FunctionTool, Result, Toolkit, running_calls
from trio_live.wire.tools import GoogleSearch

NATIVE = SessionConfig("gemini-2.5-flash-native-audio")
BLOCKING = SessionConfig("gemini-3.1-flash-live", response_modalities=["TEXT"])


class Log:
    """Tools that write down what becomes of them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.done: list[str] = []
        self.stopped: list[tuple[str | None, str | None]] = []

    async def wait(self, seconds: float, call: Call) -> str:
        """Wait a while."""
        self.calls.append(call)
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.stopped.append((call.id, call.cancelled_by))
            raise
        self.done.append(call.id or "")
        return f"waited {seconds:g}"


async def test_model_calls_tools_and_hears_their_answers(autojump_clock: MockClock) -> None:
    """The embedded server's model calls functions of all kinds, and gets an answer to each."""
    heard: list[Any] = []

    async def weather(city: str) -> dict[str, str]:
        """Tell the weather.

        Args:
            city: Where.
        """
        await trio.sleep(1)
        return {"weather": f"sun in {city}"}

    async def fails() -> None:
        raise ValueError("with a secret")

    async def odd() -> object:
        return object()

    async def huge() -> str:
        return "x" * 1_000_000

    async def model(turn: UserTurn, reply: Reply) -> None:
        calls: list[tuple[str, dict[str, object]]] = [
            ("weather", {"city": "Oslo"}),
            ("weather", {"city": 3}),
            ("fails", {}),
            ("odd", {}),
            ("huge", {}),
            ("nowhere", {}),
        ]
        heard.extend(await reply.call_tools(calls))
        await reply.text("done")

    with trio.fail_after(100):
        async with (
            LiveServer(model) as server,
            open_tools(server, [weather, fails, odd, huge]) as session,
        ):
            await session.send_text("go")
            finished: dict[str, str] = {}
            async for event in session:
                if isinstance(event, ToolFinished):
                    finished[str(event.id)] = event.outcome
                if isinstance(event, trio_live.TurnComplete):
                    break
    assert heard == [
        {"weather": "sun in Oslo"},
        {"error": "wrong arguments: Expected `str`, got `int` - at `$.city`"},
        {"error": "ValueError"},
        {"error": "ToolError: the result cannot be written as JSON"},
        {"error": "ToolError: the result has 1000002 bytes as JSON; 524288 is the limit"},
        {
            "error": "there is no function 'nowhere'; there are: weather, fails, odd, huge",
        },
    ]
    assert sorted(finished.values()) == [
        "answered",
        "failed",
        "failed",
        "failed",
        "invalid",
        "unknown",
    ]


@pytest.mark.parametrize("count", [1, 2, 50])
@pytest.mark.parametrize("behavior", ["BLOCKING", "NON_BLOCKING"])
async def test_batches_are_answered(autojump_clock: MockClock, count: int, behavior: Any) -> None:
    """A batch of any size is run at once; each call is answered, blocking ones in one message."""
    far, log = ToolFar(), Log()
    kit = Toolkit()
    kit.add(log.wait, behavior=behavior)
    with trio.fail_after(100):
        async with far.open_tools([kit]) as session:
            far.call(*((f"c{n}", "wait", {"seconds": 1 + n / 100}) for n in range(count)))
            await trio.sleep(0.5)
            assert len(session.state.calls_running) == count
            await trio.sleep(3)
            assert session.state.calls_owed == {}
        assert far.answered == {f"c{n}": 1 for n in range(count)}
        assert len(far.answers_seen) == (1 if behavior == "BLOCKING" else count)


async def test_declarations(autojump_clock: MockClock) -> None:
    """Functions, tools, kits and raw declarations are declared alike, and say their behavior."""

    async def plain(text: str) -> None:
        """A plain one."""

    kit = Toolkit()
    kit.add(plain, name="kitted", behavior="BLOCKING")
    kit.add(plain, name="later", scheduling="SILENT")
    far = ToolFar()
    raw = FunctionDeclaration("raw")
    search = Tool(google_search=GoogleSearch())
    config = SessionConfig("gemini-3.8-live", tools=[FunctionDeclaration("config_own")])
    with trio.fail_after(100):
        async with far.open_tools([plain, kit, raw, search], config):
            pass
    far.read()
    functions, searching = far.setups[0]["tools"]
    assert searching == {"googleSearch": {}}
    assert [(f["name"], f.get("behavior")) for f in functions["functionDeclarations"]] == [
        ("config_own", None),
        ("raw", None),
        ("plain", "NON_BLOCKING"),
        ("kitted", "BLOCKING"),
        ("later", "NON_BLOCKING"),
    ]
    assert functions["functionDeclarations"][2] == {
        "name": "plain",
        "description": "A plain one.",
        "behavior": "NON_BLOCKING",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        },
    }
    assert len(config.tools) == 1  # as it was


async def nothing() -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("model", "tools", "text"),
    [
        ("any", [nothing, nothing], "there is a tool 'nothing' already"),
        ("any", [nothing, FunctionDeclaration("nothing")], "two functions of the name 'nothing'"),
        ("any", [Toolkit([nothing]), Toolkit([nothing])], "two functions of the name 'nothing'"),
        ("any", "text", "tools must be a list or tuple, not str"),
        ("any", [3], "a tool must be callable, not int"),
        (
            "gemini-3.1-flash-live",
            [FunctionTool(nothing, behavior="NON_BLOCKING")],
            "behavior='NON_BLOCKING' of tool 'nothing': the model's functions are BLOCKING only",
        ),
        (
            "gemini-3.8-live-extended-thinking",
            [FunctionTool(nothing, behavior="BLOCKING")],
            "the model's functions are NON_BLOCKING only",
        ),
        (
            "gemini-3.8-live-extended-thinking",
            [FunctionTool(nothing, scheduling="SILENT")],
            "scheduling='SILENT' of tool 'nothing': the model has no scheduling",
        ),
    ],
)
def test_tools_that_cannot_be(model: str, tools: Any, text: str) -> None:
    """What a session cannot have is refused when it is opened, by name."""
    with pytest.raises(ConfigError, match=text):
        ToolFar().open_tools(tools, SessionConfig(model))


@pytest.mark.parametrize(
    "wrong",
    [
        {"tool_grace": -1},
        {"tool_grace": True},
        {"audio_max_age": "5"},
        {"audio_during_calls": "off"},
    ],
)
def test_settings_of_tools(wrong: dict[str, Any]) -> None:
    """Settings that cannot be are refused, by name."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ToolFar().open_tools([], **wrong)


async def test_a_tool_can_be_declared_as_any_model_needs(autojump_clock: MockClock) -> None:
    """What a tool leaves open is said as the model has it; of an unknown model nothing is said."""
    told: list[object] = []
    for model in ("gemini-2.5-flash-native-audio", "gemini-3.8-live", "gemini-9"):
        far = ToolFar()
        async with far.open_tools([nothing], SessionConfig(model)):
            pass
        far.read()
        told.append(far.setups[0]["tools"][0]["functionDeclarations"][0].get("behavior"))
    assert told == ["BLOCKING", "NON_BLOCKING", None]


async def test_phases_with_several_calls(autojump_clock: MockClock) -> None:
    """Pending until one begins, executing while one runs, pending while one waits for its turn."""
    far, log = ToolFar(), Log()
    kit = Toolkit(sequential=True, repeat_window=None)
    kit.add(log.wait)
    with trio.fail_after(100):
        async with far.open_tools([kit]) as session, listening(session) as seen:
            far.call(("a", "wait", {"seconds": 1}), ("b", "wait", {"seconds": 2}))
            await trio.sleep(0.5)
            assert session.state.calls_owed == {"a": "wait", "b": "wait"}
            assert session.state.calls_running == {"a": "wait"}
            far.say(serverContent={"modelTurn": {"parts": [{"text": "one moment"}]}})
            await trio.sleep(1)
            assert session.state.calls_running == {"b": "wait"}
            await trio.sleep(2)
    phases = [e.phase.value for e in seen if isinstance(e, trio_live.PhaseChanged)]
    assert phases == [
        "tool_call_pending",
        "tool_call_executing",
        "model_speaking",
        "tool_call_executing",
        "model_speaking",
    ] or phases == [
        "tool_call_pending",
        "tool_call_executing",
        "model_speaking",
        "tool_call_executing",
        "active",
    ]


async def test_withdrawn_calls_are_not_answered(autojump_clock: MockClock) -> None:
    """What the service withdraws is stopped, though the program's own events say it as well."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session, listening(session) as seen:
            far.call(("a", "wait", {"seconds": 5}), ("b", "wait", {"seconds": 1}))
            await trio.sleep(0.5)
            far.withdraw("a")
            await trio.sleep(2)
        assert log.stopped == [("a", "service")]
        assert far.answered == {"b": 1}
        kinds = [type(e) for e in seen if isinstance(e, ToolCall | ToolCallCancelled | ToolStarted)]
        assert kinds == [ToolCall, ToolStarted, ToolStarted, ToolCallCancelled]
        assert ToolFinished("a", "wait", 0.5, "cancelled") in seen


async def test_user_cancels_a_call(autojump_clock: MockClock) -> None:
    """cancel_tool() stops a call, whose answer says so; of others it says that it cannot."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session:
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            assert [session.cancel_tool("b"), session.cancel_tool("a")] == [False, True]
            assert not session.cancel_tool("a")
            await wait_all_tasks_blocked()
            assert far.told == {"a": {"error": "cancelled by the application"}}
        assert log.stopped == [("a", "user")]


async def test_local_interruption_leaves_calls_alone(autojump_clock: MockClock) -> None:
    """An interruption that the service is not told of cancels no call: it is still owed."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session:
            far.call(("a", "wait", {"seconds": 1}))
            await trio.sleep(0.5)
            session.interrupt()
            await trio.sleep(1)
        assert far.answered == {"a": 1}


async def test_call_that_is_also_said_runs_once(autojump_clock: MockClock) -> None:
    """A call that stands in modelTurn as well is run for its toolCall only."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]):
            said = {"functionCall": {"id": "a", "name": "wait", "args": {"seconds": 1}}}
            far.say(serverContent={"modelTurn": {"parts": [said]}})
            await trio.sleep(0.1)
            far.call(("a", "wait", {"seconds": 1}))
            far.call(("a", "wait", {"seconds": 1}))
            await trio.sleep(3)
        assert log.done == ["a"]
        assert far.answered == {"a": 1}


async def test_mixed_with_calls_of_the_program(autojump_clock: MockClock) -> None:
    """Functions that are declared without a tool are the program's own, wherever declared."""
    far, log = ToolFar(), Log()
    config = SessionConfig("gemini-3.8-live", tools=[FunctionDeclaration("in_config")])
    with trio.fail_after(100):
        async with far.open_tools([log.wait, FunctionDeclaration("in_tools")], config) as session:
            far.call(("a", "in_config", {}), ("b", "wait", {"seconds": 1}), ("c", "in_tools", {}))
            await trio.sleep(2)
            assert far.answered == {"b": 1}
            assert session.state.calls_owed == {"a": "in_config", "c": "in_tools"}
            own = [FunctionResponse("in_config", {}, "a"), FunctionResponse("in_tools", {}, "c")]
            await session.send_tool_response(own)
            await session.update_context(tools=[FunctionDeclaration("new")])
            far.call(("d", "new", {}), ("e", "nowhere", {}))
            await trio.sleep(1)
            assert session.state.calls_owed == {"d": "new"}
        assert far.answered == {"a": 1, "b": 1, "c": 1, "e": 1}


async def test_tools_change(autojump_clock: MockClock) -> None:
    """update_tools() tells the model, at once and after a reconnect; running calls go on."""
    far, log = ToolFar(), Log()
    config = SessionConfig("gemini-3.8-live", tools=[FunctionDeclaration("own")])
    with trio.fail_after(100):
        async with far.open_tools([log.wait], config) as session:
            far.call(("a", "wait", {"seconds": 2}))
            await trio.sleep(1)
            await session.update_tools([nothing])
            far.call(("b", "nothing", {}), ("c", "wait", {"seconds": 1}))
            await trio.sleep(2)
            assert far.answered == {"a": 1, "b": 1, "c": 1}
            assert "there is no function 'wait'" in str(far.told["c"])
            (update,) = far.other
            told = update["contextUpdate"]["tools"]["tools"][0]["functionDeclarations"]
            assert [f["name"] for f in told] == ["own", "nothing"]
            with pytest.raises(ConfigError):
                await session.update_tools([nothing, nothing])
            far.peer.close()
            await session.wait_for_phase(SessionPhase.SETUP_SENT)
            await trio.sleep(1)
            far.read()
            assert far.setups[1]["tools"][0]["functionDeclarations"] == told


async def test_tools_cannot_change_where_there_are_none(autojump_clock: MockClock) -> None:
    """A session that was opened without tools runs none."""
    far = ToolFar()
    async with far.open() as session:
        with pytest.raises(LocalProtocolError, match="open_session"):
            await session.update_tools([nothing])
        assert not session.cancel_tool("a")


async def test_tools_change_is_undone_if_it_cannot_be_said(autojump_clock: MockClock) -> None:
    """If the update is refused, or cancelled, the tools are those of before."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session:
            with trio.CancelScope() as scope:
                scope.cancel()
                await session.update_tools([nothing])
            far.call(("a", "nothing", {}), ("b", "wait", {"seconds": 1}))
            await trio.sleep(2)
            assert "there is no function" in str(far.told["a"])
            assert far.told["b"] == {"output": "waited 1"}
            assert far.other == []


# Losing connections.


async def test_calls_of_a_lost_connection_are_stopped(autojump_clock: MockClock) -> None:
    """A call that the next connection does not know is stopped, and not answered."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session, listening(session) as seen:
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.peer.close()
            await trio.sleep(5)
            assert log.stopped == [("a", "connection")]
            far.call(("b", "wait", {"seconds": 1}))
            await trio.sleep(2)
        assert far.answered == {"b": 1}
        assert [call.epoch for call in log.calls] == [1, 2]
        assert ToolFinished("a", "wait", 1.0, "cancelled") in seen


async def test_calls_that_are_known_again_go_on(autojump_clock: MockClock) -> None:
    """A call that was owed when the handle came is known after the reconnect: it is answered."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session:
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.give_handle()
            await trio.sleep(1)
            far.peer.close()
            await trio.sleep(1)
            assert session.state.calls_running == {"a": "wait"}
            assert session.phase is SessionPhase.TOOL_CALL_EXECUTING
            await trio.sleep(5)
        assert far.answered == {"a": 1}
        assert log.done == ["a"]


@pytest.mark.parametrize("known", [True, False])
async def test_answers_wait_while_there_is_no_connection(
    autojump_clock: MockClock, known: bool
) -> None:
    """A tool that ends meanwhile is answered on the next connection, if the service knows it."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session, listening(session) as seen:
            far.call(("a", "wait", {"seconds": 2}))
            await trio.sleep(1)
            if known:
                far.give_handle()
                await wait_all_tasks_blocked()
            far.dialling = trio.Event()
            far.peer.close()
            await trio.sleep(3)
            assert far.answered == {}
            far.dialling.set()
            await trio.sleep(1)
        assert far.answered == ({"a": 1} if known else {})
        (reconnected,) = [e for e in seen if isinstance(e, trio_live.Reconnected)]
        counts = (reconnected.replayed, reconnected.dropped)
        one = {"SendToolResponse": 1}
        assert counts == ((one, {}) if known else ({}, one))


async def test_loss_for_good_stops_tools(autojump_clock: MockClock) -> None:
    """A session that is lost stops its tools; they end before the block does."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100), leaves_with(ConnectionLost):
        async with far.open_tools([log.wait], policy=None) as session:
            events = session.subscribe()
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.peer.close()
            await trio.sleep_forever()
    assert log.stopped == [("a", "connection")]
    seen: list[object] = []
    with suppress(ConnectionLost):
        async for event in events:
            seen.append(event)
    assert isinstance(seen[-1], Disconnected)
    assert ToolFinished("a", "wait", 1.0, "cancelled") in seen


async def test_answer_that_could_not_be_written_is_reported(autojump_clock: MockClock) -> None:
    """An answer that was ready when the session was lost is among what was not delivered."""
    far, log = ToolFar(), Log()
    far.unreachable = [None, *(unreachable(retryable=False) for _ in range(9))]
    with trio.fail_after(1000), leaves_with(ConnectionLost) as caught:
        async with far.open_tools([log.wait]):
            far.call(("a", "wait", {"seconds": 0.5}))
            await trio.sleep(0.2)
            far.dialling = trio.Event()
            far.peer.close()
            await trio.sleep(1)
            far.dialling.set()
            await trio.sleep_forever()
    assert [type(c).__name__ for c in caught.value.undelivered] == ["SendToolResponse"]


async def test_clean_end_by_the_service_stops_tools(autojump_clock: MockClock) -> None:
    """When the service ends the session, its tools are stopped, and the block goes on."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait], policy=None):
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.peer.close(1000, "bye")
            await trio.sleep(1)
            assert [call_id for call_id, _ in log.stopped] == ["a"]


# Leaving.


class Careful:
    """A tool with a cleanup that must not be cut off."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.cleaned_at: float | None = None

    async def work(self, call: Call) -> None:
        """Work."""
        try:
            await trio.sleep_forever()
        finally:
            assert call.cancelled_by == "session"
            with trio.CancelScope(shield=True):
                await trio.sleep(self.seconds)
            self.cleaned_at = trio.current_time()


@pytest.mark.parametrize("way", ["leave", "disconnect", "close", "command", "raise"])
async def test_leaving_waits_for_cleanup(autojump_clock: MockClock, way: str) -> None:
    """Whoever ends the session: tools are stopped and waited for, then comes the goodbye."""
    far, tool = ToolFar(), Careful(2)
    with trio.fail_after(100), suppress(KeyError):
        async with far.open_tools([tool.work]) as session:
            events = session.subscribe()
            far.call(("a", "work", {}))
            await trio.sleep(1)
            began = trio.current_time()
            if way == "disconnect":
                await session.disconnect()
            elif way == "close":
                session.close()
                await session.join()
            elif way == "command":
                await session.command_tx.send(trio_live.Disconnect())
                await session.join()
            elif way == "raise":
                raise KeyError
    assert tool.cleaned_at == pytest.approx(began + 2)
    seen = [event async for event in events]
    order = [type(e).__name__ for e in seen if isinstance(e, ToolFinished | Disconnected)]
    assert order == ["ToolFinished", "Disconnected"]
    assert far.answered == {}


async def test_leaving_waits_for_tool_grace_at_most(autojump_clock: MockClock) -> None:
    """A cleanup that takes longer does not keep the goodbye waiting, only the block."""
    far, tool = ToolFar(), Careful(60)
    with trio.fail_after(100):
        async with far.open_tools([tool.work], tool_grace=3) as session:
            far.call(("a", "work", {}))
            await trio.sleep(1)
            began = trio.current_time()
            await session.disconnect()
            assert trio.current_time() == pytest.approx(began + 3)
    assert tool.cleaned_at == pytest.approx(began + 60)


async def test_cancelled_block_tells_tools_who_did_it(autojump_clock: MockClock) -> None:
    """A block that is cancelled from outside stops its tools, too, and waits for their cleanup."""
    far, tool = ToolFar(), Careful(2)
    with trio.fail_after(100), trio.CancelScope() as scope:
        async with far.open_tools([tool.work]):
            far.call(("a", "work", {}))
            await trio.sleep(1)
            scope.cancel()
            await trio.sleep(1)
    assert tool.cleaned_at is not None


async def test_answers_that_are_ready_go_out_before_the_end(autojump_clock: MockClock) -> None:
    """What is ready when the block is left is still sent: the other half of a batch, too."""
    far, log = ToolFar(), Log()
    kit = Toolkit()
    kit.add(log.wait, behavior="BLOCKING")
    with trio.fail_after(100):
        async with far.open_tools([kit]):
            far.call(("a", "wait", {"seconds": 1}), ("b", "wait", {"seconds": 9}))
            await trio.sleep(2)
            assert far.answered == {}
    assert far.answered == {"a": 1}


async def test_calls_after_the_end_began_are_not_run(autojump_clock: MockClock) -> None:
    """A call that comes while the session ends is not begun."""
    far, log, tool = ToolFar(), Log(), Careful(3)
    with trio.fail_after(100):
        async with far.open_tools([tool.work, log.wait]) as session, trio.open_nursery() as nursery:
            far.call(("a", "work", {}))
            await trio.sleep(1)
            nursery.start_soon(session.disconnect)
            await trio.sleep(1)
            far.call(("b", "wait", {"seconds": 0}))
            await trio.sleep(1)
    assert log.calls == []


# Cancellation anywhere.


async def test_tool_is_cancelled_at_every_checkpoint(autojump_clock: MockClock) -> None:
    """Wherever a tool is when its call is withdrawn: it ends, and the session goes on."""

    async def steps() -> None:
        """Pass some checkpoints."""
        for _ in range(5):
            await trio.lowlevel.checkpoint()
            await trio.sleep(1)

    for count in range(13):
        far = ToolFar()
        with trio.fail_after(100):
            async with far.open_tools([steps]) as session:
                far.call(("a", "steps", {}))
                for _ in range(count):
                    await trio.lowlevel.checkpoint()
                    await trio.sleep(0.45)
                withdrawn = not far.answered
                far.withdraw("a")
                await trio.sleep(20)
                assert session.state.calls_owed == {}
                far.call(("b", "steps", {}))
                await trio.sleep(20)
            assert far.answered == ({"b": 1} if withdrawn else {"a": 1, "b": 1})


async def test_session_with_tools_is_cancelled_at_every_checkpoint(
    autojump_clock: MockClock,
) -> None:
    """Nothing of a session with tools is left, wherever it is cancelled; no call has two."""
    fars: list[ToolFar] = []

    async def scenario() -> None:
        log = Log()
        far = ToolFar()
        fars.append(far)
        async with far.open_tools([log.wait]) as session:
            far.call(("a", "wait", {"seconds": 1}), ("b", "wait", {"seconds": 2}))
            await session.wait_for_phase(SessionPhase.TOOL_CALL_EXECUTING)
            with suppress(trio.ClosedResourceError):  # as in far.say()
                far.give_handle()
            await session.send_text("meanwhile")
            await trio.sleep(1.5)
            far.peer.close()
            await session.wait_for_phase(SessionPhase.DISCONNECTED)
            await trio.sleep(5)

    runs = await cancel_at_every_checkpoint(scenario, everywhere=True, within=10)
    assert runs > 50
    for far in fars:
        assert set(far.answered.values()) <= {1}


async def test_thread_that_ignores_cancellation_keeps_only_the_block() -> None:
    """A thread cannot be stopped: its call is settled, the block waits for it; abandoned, not.

    On the real clock: a virtual one does not know that a thread works.
    """
    release, entered = threading.Event(), threading.Event()

    def stubborn() -> str:
        """Wait."""
        entered.set()
        release.wait(30)
        return "late"

    far = ToolFar()
    kit = Toolkit()
    kit.add(stubborn, abandon_on_cancel=True)
    with trio.fail_after(30):
        async with far.open_tools([kit], tool_grace=0.01):
            far.call(("a", "stubborn", {}))
            await trio.to_thread.run_sync(entered.wait, 30)
    assert far.answered == {}
    release.set()


# Other ways.


async def test_results_are_scheduled(autojump_clock: MockClock) -> None:
    """A result may say when the model hears of it; where the model waits anyway, it does not."""

    async def now() -> Result:
        return Result("now", scheduling="INTERRUPT")

    kit = Toolkit([now])
    kit.add(now, name="blocking", behavior="BLOCKING")
    far = ToolFar()
    with trio.fail_after(100):
        async with far.open_tools([kit]):
            far.call(("a", "now", {}), ("b", "blocking", {}))
            await trio.sleep(1)
    far.read()
    answers = {a["id"]: a for m in far.answers_seen for a in m}
    assert {key: (a["response"], a.get("scheduling")) for key, a in answers.items()} == {
        "a": ({"output": "now"}, "INTERRUPT"),
        "b": ({"output": "now"}, None),
    }


async def test_calls_in_pieces_are_put_together(autojump_clock: MockClock) -> None:
    """A call whose arguments are streamed is run when it is whole; a withdrawn one is not."""
    far = ToolFar()
    got: list[tuple[str, list[int]]] = []

    async def note(text: str, numbers: list[int]) -> None:
        """Note."""
        got.append((text, numbers))

    def piece(call_id: str | None, *args: dict[str, object], more: bool) -> None:
        call: dict[str, object] = {"partialArgs": list(args), "willContinue": more}
        if call_id:
            call["id"] = call_id
        if more:
            call["name"] = "note"
        far.say(toolCall={"functionCalls": [call]})

    with trio.fail_after(100):
        async with far.open_tools([note]) as session:
            for call_id in ("a", "b", "c"):
                piece(call_id, {"jsonPath": "$.text", "stringValue": "to "}, more=True)
            piece("a", {"jsonPath": "$.text", "stringValue": "gether"}, more=True)
            piece("a", {"jsonPath": "$['numbers'][0]", "numberValue": 1.0}, more=True)
            far.withdraw("b")
            piece("c", {"jsonPath": "$..text", "stringValue": "x"}, more=True)
            piece(None, {"jsonPath": "$.text", "stringValue": "x"}, more=True)
            await trio.sleep(1)
            assert got == []
            piece("a", {"jsonPath": "$.numbers[1]", "numberValue": 2.0}, more=False)
            await trio.sleep(1)
            assert got == [("to gether", [1, 2])]
            assert session.state.calls_owed == {}
        assert far.told["a"] == {"output": None}
        assert "not understood" in str(far.told["c"])


async def test_model_lists_and_cancels_running_calls(autojump_clock: MockClock) -> None:
    """With running_calls() the model sees what is running in the background, and stops it."""
    far, log = ToolFar(), Log()
    kit = Toolkit([log.wait])
    kit.add(log.wait, name="waited_for", behavior="BLOCKING")
    with trio.fail_after(100):
        async with far.open_tools([kit, running_calls()]):
            far.call(("a", "wait", {"seconds": 50}), ("b", "waited_for", {"seconds": 50}))
            await trio.sleep(2)
            far.call(("c", "list_running_calls", {}))
            await trio.sleep(0.1)
            assert far.told["c"] == {
                "output": [
                    {"id": "a", "name": "wait", "arguments": {"seconds": 50}, "seconds": 2.0}
                ]
            }
            far.call(("d", "cancel_running_call", {"call_id": "a"}))
            far.call(("e", "cancel_running_call", {"call_id": "b"}))
            await trio.sleep(0.1)
        assert far.told["a"] == {"error": "cancelled by the model"}
        assert far.told["d"] == {"output": "wait was cancelled"}
        assert far.told["e"] == {"error": "ToolError: no call with id 'b' is running"}
        assert log.stopped == [("a", "model"), ("b", "session")]


# Audio during calls.


@pytest.mark.parametrize("mode", ["send", "drop", "hold", None])
async def test_audio_during_blocking_calls(autojump_clock: MockClock, mode: Any) -> None:
    """Audio is sent, dropped, or held up to its age; the default is what the model needs."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with (
            far.open_tools(
                [log.wait], BLOCKING, audio_during_calls=mode, audio_max_age=2
            ) as session,
            listening(session) as seen,
        ):
            await session.send_audio(PCM)
            far.call(("a", "wait", {"seconds": 4}))
            await trio.sleep(1)
            for _ in range(3):
                await session.send_audio(PCM)
                await trio.sleep(0.75)
            await session.end_audio_stream()
            far.read()
            during = len(far.other)
            await trio.sleep(2)
            far.read()
            after = len(far.other)
    counts = [(e.dropped, e.sent) for e in seen if isinstance(e, AudioHeldBack)]
    told = {"send": [], "drop": [(3, 0)], "hold": [(2, 1)]}
    assert counts == told[mode or "hold"]
    assert (during, after) == {"send": (5, 5), "drop": (2, 2), "hold": (1, 3)}[mode or "hold"]


async def test_audio_is_held_in_order(autojump_clock: MockClock) -> None:
    """What was held comes before what is sent later; what is withdrawn opens the gate, too."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait], BLOCKING) as session:
            far.call(("a", "wait", {"seconds": 3}))
            await trio.sleep(1)
            await session.send_audio(b"\1\0")
            await session.send_audio(b"\2\0")
            far.withdraw("a")
            await wait_all_tasks_blocked()
            await session.send_audio(b"\3\0")
        far.read()
        assert [f["realtimeInput"]["audio"]["data"] for f in far.other] == ["AQA=", "AgA=", "AwA="]


async def test_held_audio_is_reported_at_the_end(autojump_clock: MockClock) -> None:
    """Audio that is still held when the session ends counts as not delivered."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait], BLOCKING) as session:
            events = session.subscribe()
            far.call(("a", "wait", {"seconds": 3}))
            await trio.sleep(1)
            await session.send_audio(PCM)
            await session.disconnect()
    (last,) = [e async for e in events if isinstance(e, Disconnected)]
    assert last.undelivered == {"SendAudio": 1}


async def test_non_blocking_calls_do_not_hold_audio(autojump_clock: MockClock) -> None:
    """The model does not wait for these: it goes on listening."""
    far, log = ToolFar(), Log()
    config = SessionConfig("gemini-2.5-flash-native-audio")
    kit = Toolkit()
    kit.add(log.wait, behavior="NON_BLOCKING")
    with trio.fail_after(100):
        async with far.open_tools([kit], config) as session:
            far.call(("a", "wait", {"seconds": 3}))
            await trio.sleep(1)
            await session.send_audio(PCM)
            far.read()
            assert len(far.other) == 1
