"""MusicSession: the public face of a music session.

What lives here: the verbs, reading, waiting. What must not: connections and tasks (runner.py),
rules (protocol.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from trio_live.errors import InvalidArgumentType
from trio_live.fanout import DEFAULT_MAX_BYTES, DEFAULT_MAX_EVENTS, EventFanout
from trio_live.music.commands import (
    ControlPlayback,
    MusicCommand,
    SetMusicGenerationConfig,
    SetWeightedPrompts,
)
from trio_live.music.wire import MusicGenerationConfig, WeightedPrompt
from trio_live.subscription import Policy, Subscription

if TYPE_CHECKING:
    from trio_live.music.protocol import MusicEvent


class MusicDriver(Protocol):
    """What stands behind a MusicSession (runner.py)."""

    async def send(self, command: MusicCommand) -> None:
        """Send a command, in the order of the calls."""
        ...

    async def flush(self) -> None:
        """Wait until all commands accepted before are written."""
        ...

    def disconnect(self) -> None:
        """Begin the normal end."""
        ...


class MusicSession:
    """The way to steer music and to hear it. `open_music_session` makes one.

    Any number of tasks may use it.
    """

    def __init__(
        self,
        driver: MusicDriver,
        event_tx: EventFanout[MusicEvent],
        events: Subscription[MusicEvent],
    ) -> None:
        self._driver = driver
        self._event_tx = event_tx
        self._events = events

    def subscribe(
        self,
        *,
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        policy: Policy = "fail",
    ) -> Subscription[MusicEvent]:
        """Subscribe to the events from now on: `async with music.subscribe() as events`.

        Args:
            max_events: The bound in events.
            max_bytes: The bound in bytes of payload; a second of music has 192,000.
            policy: What happens at the bound: "fail", "drop_oldest" or "block"; see `Policy`.

        Raises:
            InvalidArgument: A bound below 1, or an unknown policy.
        """
        return self._event_tx.subscribe(max_events=max_events, max_bytes=max_bytes, policy=policy)

    def __aiter__(self) -> Subscription[MusicEvent]:
        """Iterate over all events of the session from its first on; goes on where it left off.

        The iteration ends when the session ends normally. It raises ConnectionLost if the session
        was lost, and SubscriberLagged if it was read so slowly that its bound was reached
        (`TransportConfig.max_buffered_bytes`: by default 87 seconds of music).
        """
        return self._events

    async def set_weighted_prompts(self, prompts: Sequence[WeightedPrompt]) -> None:
        """Say what the music is to be like; these prompts replace those before.

        Change weights in small steps for smooth transitions. The service may refuse a prompt: then
        it says `PromptFiltered`, and the music goes on without it.

        Args:
            prompts: At least one, each with a text and a weight other than 0.

        Raises:
            InvalidArgument, InvalidArgumentType: No such prompts; nothing was sent.
            SessionClosed: The session has ended normally.
            ConnectionLost: The session was lost.

        Blocks: only while more than `send_buffer_bytes` are accepted and not yet written.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        given: object = prompts
        if not isinstance(given, Sequence):
            raise InvalidArgumentType(
                f"prompts must be a list or tuple, not {type(given).__name__}"
            )
        await self._driver.send(SetWeightedPrompts(tuple(prompts)))

    async def set_music_generation_config(
        self, config: MusicGenerationConfig, *, extra: Mapping[str, object] | None = None
    ) -> None:
        """Say how the music is made; this replaces the config before as a whole.

        A new `bpm` or `scale` takes effect with the next `reset_context()`.

        Args:
            config: What is not set in it goes back to the service's default.
            extra: Raw fields in the wire's spelling, merged in last and not checked: the way to
                what this version does not know.

        Raises:
            InvalidArgument, InvalidArgumentType: A value out of its range or of a wrong type;
                nothing was sent.

        Raises, blocks: else as `set_weighted_prompts()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._driver.send(SetMusicGenerationConfig(config, extra))

    async def play(self) -> None:
        """Start the music, or go on where `pause()` held it.

        Raises:
            LocalProtocolError: No prompts were set; nothing was sent.

        Raises, blocks: else as `set_weighted_prompts()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._driver.send(ControlPlayback("PLAY"))

    async def pause(self) -> None:
        """Hold the music where it is; chunks that are on their way still come.

        Raises, blocks: as `set_weighted_prompts()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._driver.send(ControlPlayback("PAUSE"))

    async def stop(self) -> None:
        """Stop the music and forget what was played; prompts and config stay.

        Raises, blocks: as `set_weighted_prompts()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._driver.send(ControlPlayback("STOP"))

    async def reset_context(self) -> None:
        """Forget what was played and play on; prompts and config stay.

        Raises, blocks: as `set_weighted_prompts()`.
        Cancellation: atomic. If cancelled, nothing was sent.
        """
        await self._driver.send(ControlPlayback("RESET_CONTEXT"))

    async def flush(self) -> None:
        """Wait until every command accepted before is written to the network.

        Raises:
            SessionClosed, ConnectionLost: The session ended first.

        Cancellation: atomic. If cancelled, the commands are still written.
        """
        await self._driver.flush()

    async def disconnect(self) -> None:
        """End the session cleanly: write what was accepted, say goodbye, end the event streams.

        Returns when the session has ended, whoever ended it; takes `close_timeout` at most. Calling
        it again does nothing.

        Cancellation: not atomic. If cancelled, the session may go on ending; it is unusable.
        """
        await trio.lowlevel.checkpoint()
        self._driver.disconnect()
        await self._event_tx.wait_closed()

    async def join(self) -> None:
        """Wait until the session has ended; any number of times.

        Raises:
            ConnectionLost: The session was lost.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        await self._event_tx.wait_closed()
        await trio.lowlevel.checkpoint()
        if self._event_tx.error is not None:
            raise self._event_tx.error.again()

    def __repr__(self) -> str:
        return f"<MusicSession: {'ended' if self._event_tx.ended else 'open'}>"
