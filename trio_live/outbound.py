"""From a SessionCommand to the message that the service gets, or to the error that says why not.

What lives here: the rules of what may be sent that depend on the session (design law 9) and the
building of messages. What must not: what holds for a command by itself (arguments.py), phases,
encoding, I/O. A command that breaks a rule raises and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from trio_live import commands
from trio_live.config.values import read_tools
from trio_live.errors import InvalidArgument, LocalProtocolError
from trio_live.wire import codec
from trio_live.wire.client import (
    ClientContent,
    ClientMessage,
    ContextUpdate,
    ContextUpdateTools,
    Empty,
    RealtimeInput,
    ToolResponse,
)
from trio_live.wire.content import Blob, Content
from trio_live.wire.functions import FunctionResponse
from trio_live.wire.marks import Platform
from trio_live.wire.tools import Tool

# Where contextUpdate is known: google-genai 3.4 converts it for both (`_live_converters`,
# `_LiveClientContextUpdate_to_mldev` and `_to_vertex`, read November 2026).
CONTEXT_UPDATE: Final = (Platform.GEMINI, Platform.VERTEX)

# Built once: the mime types of the usual sample rates.
_PCM_TYPES: Final = {rate: f"audio/pcm;rate={rate}" for rate in (8_000, 16_000, 24_000, 48_000)}

# One for all sessions: each empty frozenset takes 216 bytes.
_NONE: Final[frozenset[str]] = frozenset()


def build(
    command: commands.SessionCommand, platform: Platform | None = None, *, announced: bool = False
) -> ClientMessage:
    """Build the message for a checked command; Disconnect has none, and SendRaw is one.

    Args:
        command: The command.
        platform: Where it goes; None: unknown.
        announced: Whether the setup said that an initial history comes: then its end is said.
    """
    match command:
        case commands.SendAudio():
            return build_audio(command)
        case commands.SendVideo(data, mime_type):
            return ClientMessage(realtime_input=RealtimeInput(video=Blob(data, mime_type)))
        case commands.SendText(text):
            return ClientMessage(client_content=ClientContent((Content.from_text(text),), True))
        case commands.SendRealtimeText(text):
            return ClientMessage(realtime_input=RealtimeInput(text=text))
        case commands.SendClientContent(turns, turn_complete):
            return ClientMessage(client_content=ClientContent(turns or None, turn_complete))
        case commands.SeedHistory(turns):
            return ClientMessage(client_content=ClientContent(turns or None, announced))
        case commands.SendToolResponse(responses):
            return ClientMessage(tool_response=ToolResponse(responses))
        case commands.UpdateInstruction(text) if platform in CONTEXT_UPDATE:
            return ClientMessage(context_update=ContextUpdate(Content.from_text(text)))
        case commands.UpdateInstruction(text):
            turn = Content.from_text(text, role="system")
            return ClientMessage(client_content=ClientContent((turn,), False))
        case commands.UpdateContext(instruction, tools):
            wrapped = None if tools is None else ContextUpdateTools(read_tools(tools))
            return ClientMessage(context_update=ContextUpdate(instruction, wrapped))
        case commands.ActivityStart():
            return ClientMessage(realtime_input=RealtimeInput(activity_start=Empty()))
        case commands.ActivityEnd():
            return ClientMessage(realtime_input=RealtimeInput(activity_end=Empty()))
        case commands.EndAudioStream():
            return ClientMessage(realtime_input=RealtimeInput(audio_stream_end=True))
        case _:
            raise LocalProtocolError(f"{type(command).__name__} is not a message")


def build_audio(command: commands.SendAudio) -> ClientMessage:
    """Build the message for checked audio."""
    rate = command.sample_rate_hz
    mime_type = _PCM_TYPES.get(rate) or f"audio/pcm;rate={rate}"
    return ClientMessage(realtime_input=RealtimeInput(audio=Blob(command.data, mime_type)))


def check_activity(command: commands.SessionCommand, *, manual: bool, started: bool) -> None:
    """Check a command against who detects speech, and whether activity has been started here.

    Raises:
        LocalProtocolError: The service would close the connection with 1007, or drop the audio.
    """
    match command:
        case commands.ActivityStart() | commands.ActivityEnd() if not manual:
            raise LocalProtocolError(
                "activity signals need activity_detection=False in the SessionConfig: the service "
                "detects speech itself here and refuses them"
            )
        case commands.ActivityStart() if started:
            raise LocalProtocolError("activity has already started; signal its end first")
        case commands.ActivityEnd() if not started:
            raise LocalProtocolError("no activity has started; signal its start first")
        case commands.EndAudioStream() if manual:
            raise LocalProtocolError(
                "the end of the audio stream is for automatic activity detection; with "
                "activity_detection=False, signal the end of the activity"
            )
        case commands.SendAudio() if manual and not started:
            raise LocalProtocolError(
                "with activity_detection=False audio counts only between signal_activity_start() "
                "and signal_activity_end(); the service drops or refuses it elsewhere"
            )
        case _:
            pass


def check_owed(
    responses: Sequence[FunctionResponse], owed: Mapping[str | int, str]
) -> list[str | int]:
    """Match answers with the calls that are owed one, and give the keys of those that are settled.

    A call whose answer says that more follow (`will_continue`) is still owed them.

    Args:
        responses: The answers.
        owed: Id -> function name. Calls that came without an id have a number in its place, and
            are matched by name.

    Raises:
        InvalidArgument: An answer without id, though its call has one, or with the name of another
            function than was called.
        LocalProtocolError: An answer to a call that is not owed one.
    """
    open_calls = dict(owed)
    keys: list[str | int] = []
    for response in responses:
        key: str | int | None = response.id if response.id in open_calls else None
        if key is None:
            unnamed = (k for k, name in open_calls.items() if name == response.name)
            key = next((k for k in unnamed if isinstance(k, int)), None)
        if key is None and not response.id:
            raise InvalidArgument(
                f"the response of {response.name!r} has no id: the service pairs calls and answers "
                "by it; copy it from the call"
            )
        if key is None:
            raise LocalProtocolError(
                f"no call with id {response.id!r} is owed an answer: it was never made, has been "
                "answered, or was withdrawn by the service"
            )
        called = open_calls[key]  # "": the service did not say
        if called and response.name != called:
            raise InvalidArgument(
                f"the response to the call with id {response.id!r} has the name "
                f"{response.name!r}, but {called!r} was called: copy name and id from the call"
            )
        if not response.will_continue:
            del open_calls[key]
            keys.append(key)
    return keys


def read_raw(message: dict[str, object]) -> ClientMessage:
    """Read what is known of a raw message; of one that cannot be read, nothing is."""
    try:
        return codec.copy(message, ClientMessage)
    except (msgspec.ValidationError, RecursionError):
        return ClientMessage()


def declared_in(setup: Mapping[str, object]) -> frozenset[str]:
    """Give the names of the functions that a setup declares, its raw fields included."""
    tools = read_raw({"setup": {"model": "", "tools": setup.get("tools")}}).setup
    return functions_of(() if tools is None else tools.tools or ())


def functions_of(tools: Sequence[Tool]) -> frozenset[str]:
    """Give the names of the functions that tools declare."""
    return frozenset(f.name for tool in tools for f in tool.function_declarations or ()) or _NONE
