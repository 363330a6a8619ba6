"""Tools in sessions: declared, run, answered once, stopped; with phases, reconnects and ends."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from tools_log import Log, nothing
from tools_parts import ToolFar, listening, open_tools
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    ConfigError,
    FunctionDeclaration,
    FunctionResponse,
    SessionConfig,
    Tool,
    ToolCall,
    ToolCallCancelled,
    ToolFinished,
    ToolStarted,
)
from trio_live.testing import LiveServer, Reply, UserTurn
from trio_live.tools import FunctionTool, Result, Toolkit
from trio_live.wire.tools import GoogleSearch

NATIVE = SessionConfig("gemini-2.5-flash-native-audio")


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
