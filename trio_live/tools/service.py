"""The part of a session that is about tools.

What lives here: ToolService, which ties the tools of a session (belt.py), their running (runner.py)
and the microphone's gate to it. What must not: what these do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, get_args

import trio

from trio_live import commands
from trio_live.capabilities import capabilities_of
from trio_live.config import SessionConfig
from trio_live.errors import ConfigError, LocalProtocolError
from trio_live.gate import AudioDuringCalls, MicrophoneGate
from trio_live.no_tools import DEFAULT_AUDIO_MAX_AGE, DEFAULT_GRACE
from trio_live.tools.belt import AnyTool, Belt
from trio_live.tools.link import SessionLink
from trio_live.tools.runner import ToolRunner
from trio_live.wire.tools import gather

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.protocol import LiveProtocol
    from trio_live.tools.call import CancelledBy
    from trio_live.wire.marks import Platform


class ToolService:
    """The tools of one session.

    Args:
        config: What the session is without them.
        tools: The tools; None: every call is the program's to answer.
        platform: Where it is; None: unknown.
        grace: Seconds that running tools have to clean up when the session ends.
        audio_during_calls: See `AudioDuringCalls`; None: as the model needs it, with tools.
        audio_max_age: How old held audio may become, in seconds.

    Raises:
        ConfigError: A value that cannot be, or what `Belt` raises.
    """

    def __init__(
        self,
        config: SessionConfig,
        tools: Sequence[AnyTool] | None = None,
        platform: Platform | None = None,
        *,
        grace: float = DEFAULT_GRACE,
        audio_during_calls: AudioDuringCalls | None = None,
        audio_max_age: float = DEFAULT_AUDIO_MAX_AGE,
    ) -> None:
        for name, seconds in (("tool_grace", grace), ("audio_max_age", audio_max_age)):
            value: object = seconds
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ConfigError(f"{name}={value!r} must be a number of seconds, 0 or more")
        if audio_during_calls not in (None, *get_args(AudioDuringCalls)):
            raise ConfigError(
                f"audio_during_calls={audio_during_calls!r} must be one of "
                f"{', '.join(get_args(AudioDuringCalls))}"
            )
        if audio_during_calls is None:
            known = config.capabilities or capabilities_of(config.model)
            refused = tools is not None and known.audio_during_calls is False
            audio_during_calls = "hold" if refused else "send"
        self._base = config
        self._platform = platform
        self._belt = Belt(config, () if tools is None else tools, platform)
        self._has_tools = tools is not None
        self._grace = grace
        self._audio = audio_during_calls
        self._audio_max_age = audio_max_age
        self._runner: ToolRunner | None = None

    @property
    def config(self) -> SessionConfig:
        """What the session is, with the tools declared."""
        return self._belt.config

    def gate(self, protocol: LiveProtocol) -> MicrophoneGate | None:
        """Make the gate of the session's audio; None if all of it is sent.

        A program that says itself when the user speaks is not kept from saying it.
        """
        if self._audio == "send" or self.config.manual_activity:
            return None

        def is_shut() -> bool:
            owed = protocol.carried.answerable
            return bool(owed) and not self._belt.waited_for.isdisjoint(owed.values())

        return MicrophoneGate(
            hold=self._audio == "hold", max_age=self._audio_max_age, is_shut=is_shut
        )

    def connect(
        self,
        protocol: LiveProtocol,
        publish: Callable[[Sequence[SessionEvent]], None],
        accept: Callable[[commands.SendToolResponse], None],
        wait_room: Callable[[], Awaitable[None]],
    ) -> None:
        """Take part in a session; see SessionLink."""
        self._protocol = protocol
        if self._has_tools:
            link = SessionLink(protocol, publish, accept, wait_room)
            self._runner = ToolRunner(self._belt, link)

    async def start(self, nursery: trio.Nursery) -> None:
        """Be ready for calls."""
        if self._runner is not None:
            await nursery.start(self._runner.run, name="trio_live tools")

    def follow(self, happened: Sequence[SessionEvent]) -> None:
        """See ToolRunner."""
        if self._runner is not None:
            self._runner.follow(happened)

    def cancel(self, call_id: str) -> bool:
        """See `SessionHandle.cancel_tool()`."""
        return self._runner is not None and self._runner.cancel(call_id)

    def halt(self, by: CancelledBy) -> None:
        """Stop all calls, without waiting: nobody can be answered any more."""
        if self._runner is not None:
            self._runner.halt(by)

    async def stop(self) -> None:
        """Stop all calls, and wait for their cleanup, for `grace` at most."""
        if self._runner is not None:
            await self._runner.stop(self._grace)

    async def update(
        self,
        tools: Sequence[AnyTool],
        send: Callable[[commands.UpdateContext], Awaitable[None]],
    ) -> None:
        """See `SessionHandle.update_tools()`."""
        if self._runner is None:
            raise LocalProtocolError("update_tools() needs open_session(tools=[...])")
        belt, before = Belt(self._base, tools, self._platform), self._belt
        # A call of a new tool may come before this task is told that the update went out.
        self._runner.equip(belt, before)
        try:
            await send(commands.UpdateContext(tools=gather(belt.config.tools)))
        except BaseException:
            self._runner.equip(before)
            raise
        self._runner.equip(belt)
        self._belt = belt
        self._protocol.replace_tools(belt.config)
