"""The verbs of a session: what it can be told.

What lives here: SessionVerbs, one method for each command. What must not: how commands get to the
service (handle.py, outbox.py), and the rules of what may be sent (outbound.py, history.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Awaitable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from trio_live import commands, pacing
from trio_live.errors import InvalidArgumentType
from trio_live.wire.content import Content
from trio_live.wire.tools import FunctionDeclaration, Tool, gather

if TYPE_CHECKING:
    from trio_live.commands import SessionCommand
    from trio_live.wire.functions import FunctionResponse

T = TypeVar("T")


class SessionVerbs(ABC):
    """What a session can be told; a part of `SessionHandle`."""

    async def send_audio(self, data: bytes, *, sample_rate_hz: int = 16_000) -> None:
        """Send a piece of microphone audio.

        Args:
            data: PCM, signed 16-bit little-endian mono, an even number of bytes; 20 to 100 ms
                (640 to 3,200 bytes at 16 kHz) is usual.
            sample_rate_hz: Its samples per second.

        Raises:
            InvalidArgument, InvalidArgumentType: Not such audio; nothing was sent.
            LocalProtocolError: With manual activity detection, no activity has started.
            SessionClosed: The session has ended normally.
            ConnectionLost: The session was lost.

        Blocks: only while more than `send_buffer_bytes` are accepted and not yet written.
        Cancellation: atomic. If cancelled, the audio was not sent.
        """
        await self._send(commands.SendAudio(data, sample_rate_hz))

    async def send_audio_from(
        self,
        source: bytes | Iterable[bytes] | AsyncIterable[bytes],
        *,
        sample_rate_hz: int = 16_000,
        chunk_ms: int = 20,
    ) -> None:
        """Send audio at the speed at which it is spoken; return when the source has ended.

        All sessions of a program share one clock for this, with ticks 5 ms apart: a chunk is
        early by less than that, which does not add up. After a pause of the source, or if the
        connection was too slow, the rest is not hurried. Say `end_audio_stream()` afterwards if
        nothing follows soon.

        Args:
            source: PCM as for `send_audio()`: bytes, or an iterable of bytes, asynchronous or not,
                in pieces of any size. One that is not asynchronous must not block, and is asked for
                0.3 s (16 messages) at a time.
            sample_rate_hz: Its samples per second.
            chunk_ms: Milliseconds of audio in one message.

        Raises, blocks: as `send_audio()`; and what the source raises.
        Cancellation: not atomic. If cancelled, what was sent is whole chunks.
        """
        await pacing.pace(
            lambda chunk: self._send(commands.SendAudio(chunk, sample_rate_hz)),
            lambda chunk: self._send_now(commands.SendAudio(chunk, sample_rate_hz)),
            source,
            sample_rate_hz,
            chunk_ms,
        )

    async def send_video(self, data: bytes, *, mime_type: str = "image/jpeg") -> None:
        """Send one video frame or image: JPEG, PNG or WebP; at most one a second is usual.

        Raises, blocks: as `send_audio()`.
        Cancellation: atomic. If cancelled, the frame was not sent.
        """
        await self._send(commands.SendVideo(data, mime_type))

    async def send_text(self, text: str) -> None:
        """Send a turn of text, for the model to answer now (`clientContent`).

        Raises, blocks: as `send_audio()`.
        Cancellation: atomic. If cancelled, the text was not sent.
        """
        await self._send(commands.SendText(text))

    async def send_realtime_text(self, text: str) -> None:
        """Send text as real-time input, beside audio; the service finds the turn's end.

        Raises, blocks: as `send_audio()`.
        Cancellation: atomic. If cancelled, the text was not sent.
        """
        await self._send(commands.SendRealtimeText(text))

    async def send_client_content(
        self, turns: Sequence[Content], *, turn_complete: bool = True
    ) -> None:
        """Send turns for the history; with `turn_complete` the model answers now.

        Raises, blocks: as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._send(commands.SendClientContent(_tuple("turns", turns), turn_complete))

    async def send_tool_response(self, responses: Sequence[FunctionResponse]) -> None:
        """Answer function calls; all answers of one ToolCall in one go is best.

        Args:
            responses: One for each call, with the call's id and name and a JSON object. With
                `will_continue=True` more answers to the same call follow, and it is owed them
                until one without it. `parts` are media that belong to the answer.

        Raises:
            LocalProtocolError: A call that is not owed an answer; nothing was sent.
            InvalidArgument: An answer by another name than that of the call, or with bytes or a set
                in its JSON object; nothing was sent.

        Raises, blocks: else as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._send(commands.SendToolResponse(_tuple("responses", responses)))

    async def seed_history(self, turns: Sequence[Content]) -> None:
        """Send what was said before this session, as history that is not answered.

        If the config announces an initial history (`initial_history=True`), the service is mute
        until it has come: this must then be the first thing that is sent, once, and it may end with
        a turn of the model. Else it can be sent whenever the model takes `clientContent`; 2.5
        models then want it to end with a turn of the user. Calls of functions cannot be part of it.

        Args:
            turns: Content with the roles "user" and "model", oldest first; an empty list says that
                an announced history is empty.

        Raises:
            InvalidArgument: Such a history is refused by the service; nothing was sent.
            LocalProtocolError: The announced history was sent before; nothing was sent.

        Raises, blocks: else as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._send(commands.SeedHistory(_tuple("turns", turns)))

    async def update_context(
        self,
        *,
        system_instruction: str | Content | None = None,
        tools: Sequence[Tool | FunctionDeclaration] | None = None,
    ) -> None:
        """Change the system instruction, the tools, or both, for the rest of the session.

        The service heeds it in order with everything else that is sent (`contextUpdate`). It also
        drops the cached beginning of the prompt, which costs time and money.

        Args:
            system_instruction: Text, or Content of text parts; None leaves it as it is.
            tools: As in SessionConfig. They replace all tools; an empty list takes them away, None
                leaves them as they are.

        Raises:
            InvalidArgument: Neither is given; nothing was sent.

        Raises, blocks: else as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        Source: google-genai 3.4, `live.AsyncSession.send_context_update`, which has it for the
        Gemini API and for Vertex AI.
        """
        if isinstance(system_instruction, str):
            system_instruction = Content.from_text(system_instruction)
        replaced = None if tools is None else gather(_tools(tools))
        await self._send(commands.UpdateContext(system_instruction, replaced))

    async def update_instruction(self, instruction: str) -> None:
        """Change the system instruction for the rest of the session.

        On the Gemini API and on Vertex AI this is `update_context(system_instruction=...)`. Where
        the endpoint does not say which of them is there (`Custom` without `platform=`), nobody says
        that `contextUpdate` is known, and it is what came before that: a turn with the role
        "system" (`clientContent`), which was reported to be ignored.

        Raises, blocks: as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        Source: google-genai 3.4, `_live_converters._LiveClientContextUpdate_to_mldev` and
        `_to_vertex`; of the role, Vertex AI's page on managing live sessions, and livekit/agents
        pull request 5049; read November 2026.
        """
        await self._send(commands.UpdateInstruction(instruction))

    async def send_raw(self, message: Mapping[str, object]) -> None:
        """Send any message as it is: what this version does not know, or refuses.

        Args:
            message: A JSON object in the wire's spelling, such as `{"realtimeInput": {...}}`. It is
                not checked. Of what it says only tool answers are noted, by their ids, and the end
                of an initial history: phase and turns do not follow the rest.

        Raises, blocks: as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        if not isinstance(message, Mapping):
            raise InvalidArgumentType(f"message must be a mapping, not {type(message).__name__}")
        await self._send(commands.SendRaw(dict(message)))

    async def signal_activity_start(self) -> None:
        """Say that the user starts speaking; for `activity_detection=False` only.

        Raises:
            LocalProtocolError: The service detects speech itself, or activity has started already.

        Raises, blocks: else as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._send(commands.ActivityStart())

    async def signal_activity_end(self) -> None:
        """Say that the user stops speaking; for `activity_detection=False` only.

        Raises:
            LocalProtocolError: The service detects speech itself, or no activity has started.

        Raises, blocks: else as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._send(commands.ActivityEnd())

    async def end_audio_stream(self) -> None:
        """Say that the microphone is off for now, so that the service ends the turn.

        Raises:
            LocalProtocolError: With manual activity detection it has no meaning.

        Raises, blocks: else as `send_audio()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._send(commands.EndAudioStream())

    @abstractmethod
    def _send(self, command: SessionCommand) -> Awaitable[None]:
        """Send a command."""

    @abstractmethod
    def _send_now(self, command: SessionCommand) -> bool:
        """Send a command if that need not wait; give whether it was sent."""


def _tools(values: Sequence[Tool | FunctionDeclaration]) -> tuple[Tool | FunctionDeclaration, ...]:
    items = _tuple("tools", values)
    for item in items:
        if not isinstance(item, Tool | FunctionDeclaration):
            raise InvalidArgumentType(
                f"tools must hold Tool or FunctionDeclaration, not {type(item).__name__}"
            )
    return items


def _tuple(name: str, values: Sequence[T]) -> tuple[T, ...]:
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise InvalidArgumentType(f"{name} must be a list or tuple, not {type(values).__name__}")
    return tuple(values)
