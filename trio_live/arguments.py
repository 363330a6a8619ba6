"""What a command holds: is it of the right types, and a value that the service takes?

What lives here: the checks of a command's values that need nothing but the command (design law 9).
What must not: what depends on the session (outbound.py, history.py) or on the platform and the
model (rules.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec

from trio_live import commands
from trio_live.config.values import read_tools
from trio_live.errors import ConfigError, InvalidArgument, InvalidArgumentType
from trio_live.wire.content import Content, Part
from trio_live.wire.fields import mistyped
from trio_live.wire.functions import FunctionResponse, FunctionResponsePart
from trio_live.wire.tools import Tool, declared_twice

VIDEO_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
SCHEDULINGS: Final = (None, "INTERRUPT", "WHEN_IDLE", "SILENT")


def check(command: commands.SessionCommand) -> None:
    """Check the values of a command, as far as they do not depend on the session.

    Raises:
        InvalidArgumentType: A value of the wrong type, or no command at all.
        InvalidArgument: A value that the service would refuse.
    """
    checker = _CHECKS.get(type(command))
    if checker is None:
        raise InvalidArgumentType(
            f"{type(command).__name__} is not a SessionCommand; see trio_live.SessionCommand"
        )
    checker(command)


def _check_bytes(name: str, value: object) -> None:
    if not isinstance(value, bytes):
        raise InvalidArgumentType(
            f"{name} must be bytes, not {type(value).__name__}; copy other buffers with bytes(...)"
        )
    if not value:
        raise InvalidArgument(f"{name} is empty: there is nothing to send")


def _check_items(name: str, values: object, kind: type) -> None:
    if not isinstance(values, tuple | list):
        raise InvalidArgumentType(f"{name} must be a tuple or list, not {type(values).__name__}")
    for value in cast("Sequence[object]", values):
        if not isinstance(value, kind):
            raise InvalidArgumentType(
                f"{name} must hold {kind.__name__}, not {type(value).__name__}"
            )


def _check_types(name: str, value: msgspec.Struct) -> None:
    """Check the types of a struct's fields, which nothing has looked at so far."""
    for problem in mistyped(value, type(value), name):
        raise InvalidArgumentType(problem)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidArgumentType(f"{name} must be a str, not {type(value).__name__}")
    if not value:
        raise InvalidArgument(f"{name} is empty: there is nothing to send")


def check_audio(command: commands.SendAudio) -> None:
    """As `check()`, for audio."""
    _check_bytes("data", command.data)
    if len(command.data) % 2:
        raise InvalidArgument(
            f"data has {len(command.data)} bytes: 16-bit samples need an even number"
        )
    rate: object = command.sample_rate_hz
    if isinstance(rate, bool) or not isinstance(rate, int) or not 0 < rate < 1_000_000:
        raise InvalidArgument("sample_rate_hz must be a whole number from 1 to 999,999")


def _check_video(command: commands.SendVideo) -> None:
    _check_bytes("data", command.data)
    if command.mime_type not in VIDEO_TYPES:
        raise InvalidArgument(
            f"mime_type={command.mime_type!r} must be one of {', '.join(VIDEO_TYPES)}: video goes "
            "as single frames"
        )


def _check_turns(command: commands.SendClientContent | commands.SeedHistory) -> None:
    _check_items("turns", command.turns, Content)
    for index, turn in enumerate(command.turns):
        _check_types(f"turns[{index}]", turn)
        if not turn.parts or Part() in turn.parts:
            raise InvalidArgument("turns holds a Content without parts, or an empty Part")


def _check_client_content(command: commands.SendClientContent) -> None:
    _check_turns(command)
    if not isinstance(command.turn_complete, bool):
        raise InvalidArgumentType(
            f"turn_complete must be a bool, not {type(command.turn_complete).__name__}"
        )
    if not command.turns and not command.turn_complete:
        raise InvalidArgument("no turns and turn_complete=False: there is nothing to send")


def _check_tool_response(command: commands.SendToolResponse) -> None:
    _check_items("responses", command.responses, FunctionResponse)
    if not command.responses:
        raise InvalidArgument("responses is empty: there is nothing to send")
    for index, response in enumerate(command.responses):
        if not isinstance(response.response, dict):
            raise InvalidArgumentType(
                f"the response of {response.name!r} must be an object (a dict), not "
                f'{type(response.response).__name__}; wrap it as {{"output": ...}}'
            )
        if response.scheduling not in SCHEDULINGS:
            raise InvalidArgument(
                f"scheduling={response.scheduling!r} must be INTERRUPT, WHEN_IDLE or SILENT"
            )
        _check_types(f"responses[{index}]", response)
        for part in response.parts or ():
            _check_response_part(part)


def _check_response_part(part: FunctionResponsePart) -> None:
    blob, file = part.inline_data, part.file_data
    if (blob is None) == (file is None):
        raise InvalidArgument("a part of a response has either inline_data or file_data")
    if blob is not None:
        _check_bytes("the data of a response's part", blob.data)
        _check_text("the mime_type of a response's part", blob.mime_type)
    if file is not None:
        _check_text("the file_uri of a response's part", file.file_uri)
        _check_text("the mime_type of a response's part", file.mime_type)


def _check_update(command: commands.UpdateContext) -> None:
    instruction, tools = command.system_instruction, command.tools
    if instruction is None and tools is None:
        raise InvalidArgument("neither system_instruction nor tools is given: nothing would change")
    if tools is not None:
        _check_items("tools", tools, Tool)
        try:
            read = read_tools(tools)
        except ConfigError as error:
            # The way past the rules is another one here than in a config.
            raise InvalidArgument(str(error).replace("extra=", "send_raw()")) from None
        if (name := declared_twice(read)) is not None:
            raise InvalidArgument(f"tools has two functions of the name {name!r}: calls go by name")
    if instruction is None:
        return
    if not isinstance(instruction, Content):
        raise InvalidArgumentType(
            f"system_instruction must be a str or Content, not {type(instruction).__name__}"
        )
    _check_types("system_instruction", instruction)
    if not instruction.parts or any(p != Part(text=p.text or "?") for p in instruction.parts):
        raise InvalidArgument("system_instruction must have parts of text, none of them empty")


def _check_raw(command: commands.SendRaw) -> None:
    message: object = command.message  # whatever the annotation says
    if not isinstance(message, dict):
        raise InvalidArgumentType(
            f"message must be a JSON object (a dict), not {type(message).__name__}"
        )
    if not message:
        raise InvalidArgument("message is empty: there is nothing to send")


def _nothing_to_check(command: object) -> None:
    pass


def _check_command_text(
    command: commands.SendText | commands.SendRealtimeText | commands.UpdateInstruction,
) -> None:
    name = "instruction" if isinstance(command, commands.UpdateInstruction) else "text"
    _check_text(name, command.text)


_CHECKS: Final[dict[type, Callable[..., None]]] = {
    commands.SendAudio: check_audio,
    commands.SendVideo: _check_video,
    commands.SendText: _check_command_text,
    commands.SendRealtimeText: _check_command_text,
    commands.SendClientContent: _check_client_content,
    commands.SeedHistory: _check_turns,
    commands.SendToolResponse: _check_tool_response,
    commands.UpdateInstruction: _check_command_text,
    commands.UpdateContext: _check_update,
    commands.SendRaw: _check_raw,
    commands.ActivityStart: _nothing_to_check,
    commands.ActivityEnd: _nothing_to_check,
    commands.EndAudioStream: _nothing_to_check,
    commands.Disconnect: _nothing_to_check,
}
