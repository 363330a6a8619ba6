"""`trio-live talk`: stream a file as if it were being spoken, and record the answer.

What lives here: the session of it. What must not: options (app.py), drawing (view.py), figures
(measure.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

import trio_live
from trio_live.audio import chunks, duration, level_dbfs, read_wav, write_wav
from trio_live.cli.measure import Stopwatch, Summary
from trio_live.cli.place import open_place
from trio_live.cli.run import CLOSE_TIMEOUT, CommandFailed, plain_errors
from trio_live.cli.tape import Tape

if TYPE_CHECKING:
    from trio_live import SessionEvent, SessionHandle, SessionStatistics
    from trio_live.cli.view import View

CHUNK_MS: Final = 20
SILENCE_SECONDS: Final = 0.6
"""Sent after the file, for services that wait for a pause; after it the stream is ended."""

_QUIET_SECONDS: Final = 0.5  # after the last turn: the service may have something left to say
_REFRESH_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOptions:
    """What the user asked for.

    Attributes:
        file: What is said.
        out: Where the reply goes, or None.
        url: A server, or None.
        insecure: Allow ws:// to another machine.
        wait: Seconds of silence, after the file's end, after which an answer counts as missing.
        config: The session.
    """

    file: Path
    out: Path | None
    url: str | None
    insecure: bool
    wait: float
    config: trio_live.SessionConfig


async def talk(options: TalkOptions, view: View) -> int:
    """Do it all; give the exit code.

    Raises:
        InvalidArgument, ConfigError: A file, setting or missing extra is in the way.
        LiveError: The session failed; what was received until then has been shown and written.
        CommandFailed: No complete answer came in time; likewise.

    Cancellation: still cleans up. If cancelled, writes and shows what there is.
    """
    _check_out(options.out, options.file)
    pcm16 = await trio.to_thread.run_sync(read_wav, options.file, abandon_on_cancel=True)
    async with open_place(options.url, insecure=options.insecure) as place:
        fields: dict[str, object] = {
            "server": place.kind,
            "endpoint": repr(place.endpoint),
            "model": options.config.model,
            "file": str(options.file),
            "seconds": duration(pcm16),
        }
        view.started(f"{place.words}\n{options.file}: {duration(pcm16):.2f} s", fields)
        conversation = Conversation(view, options.wait)
        try:
            with plain_errors(), view.running():
                async with trio_live.open_session(
                    options.config,
                    endpoint=place.endpoint,
                    transport=trio_live.TransportConfig(close_timeout=CLOSE_TIMEOUT),
                ) as session:
                    await conversation.hold(session, pcm16)
        finally:
            conversation.conclude(options.out)
    return 0


class Conversation:
    """One file said, one answer heard."""

    def __init__(self, view: View, wait: float) -> None:
        self._view = view
        self._wait = wait
        self._began = trio.current_time()
        self._watch = Stopwatch()
        self._tape = Tape()
        self._changed = trio.Event()  # replaced after each event
        self._statistics: SessionStatistics | None = None

    async def hold(self, session: SessionHandle, pcm16: bytes) -> None:
        """Say the file, hear the answer, end the session."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, session, nursery.cancel_scope)
                nursery.start_soon(self._redraw)
                await self._say(session, pcm16)
                with trio.move_on_after(self._wait) as bound:
                    await self._wait_until_answered(bound)
                if bound.cancelled_caught:
                    why = "" if self._watch.heard_speech else "; the file has no speech in it"
                    raise CommandFailed(f"no complete answer: silence for {self._wait:g} s{why}")
                await session.disconnect()  # the listener ends with the session
        finally:
            self._statistics = session.statistics()
            self._view.refresh(self._now())
        if not self._watch.all_answered:
            raise CommandFailed("the server ended the session before the answer was complete")

    def conclude(self, path: Path | None) -> None:
        """Write the reply, if there is one and somebody wants it, and show the summary.

        Blocks for the file, a few ms: in a thread, a cancelled command could not wait for it.
        """
        written = None
        try:
            if path is not None and self._tape.pcm16:
                write_wav(path, self._tape.pcm16, self._tape.sample_rate_hz)
                written = str(path)
        finally:
            if self._statistics is not None:  # else there was no session
                self._view.ended(self.summary(self._statistics), written)

    def summary(self, counts: SessionStatistics) -> Summary:
        """Give the figures, with the session's own counts."""
        watch, tape = self._watch, self._tape
        return Summary(
            seconds=self._now(),
            turns=watch.turns,
            first_audio=watch.first_audio,
            latencies=tuple(watch.latencies),
            frames_sent=counts.frames_sent,
            frames_received=counts.frames_received,
            bytes_sent=counts.bytes_sent,
            bytes_received=counts.bytes_received,
            dropped=counts.dropped_events + counts.missed_events,
            undelivered=sum(counts.undelivered.values()),
            reply_seconds=duration(tape.pcm16, tape.sample_rate_hz),
            stale_seconds=tape.stale_bytes / (2 * tape.sample_rate_hz),
            skipped_bytes=tape.skipped_bytes,
        )

    def _now(self) -> float:
        return trio.current_time() - self._began

    async def _say(self, session: SessionHandle, pcm16: bytes) -> None:
        """Send chunk after chunk, each at its own time: one that is late makes no other late."""
        silence = bytes(2 * round(16_000 * SILENCE_SECONDS))
        start = trio.current_time()
        for number, chunk in enumerate(chunks(pcm16 + silence, CHUNK_MS)):
            await trio.sleep_until(start + number * CHUNK_MS / 1000)
            await session.send_audio(chunk)
            at, level = self._now(), level_dbfs(chunk)
            self._watch.sent(at, level)
            self._view.sent(at, level)
        await session.end_audio_stream()

    async def _listen(self, session: SessionHandle, scope: trio.CancelScope) -> None:
        async for event in session:
            self._take(self._now(), event)
        scope.cancel()  # the session has ended: nobody needs to wait for more

    def _take(self, at: float, event: SessionEvent) -> None:
        self._watch.happened(at, event)
        if isinstance(event, trio_live.AudioData):
            self._tape.add(at, event)
        elif isinstance(event, trio_live.Interrupted):
            self._tape.interrupt(at, event)
        self._view.happened(at, event)
        self._changed.set()
        self._changed = trio.Event()

    async def _redraw(self) -> None:
        while True:
            self._view.refresh(self._now())
            await trio.sleep(_REFRESH_SECONDS)

    async def _wait_until_answered(self, bound: trio.CancelScope) -> None:
        """Wait until all is answered and stays so for a moment; each event moves the bound on."""
        while True:
            while not self._watch.all_answered:
                await self._changed.wait()
                bound.deadline = trio.current_time() + self._wait
            with trio.move_on_after(_QUIET_SECONDS):
                while self._watch.all_answered:
                    await self._changed.wait()
            if self._watch.all_answered:
                return


def _check_out(out: Path | None, file: Path) -> None:
    """Refuse a reply that could not be written, or only over the question, before it is said."""
    if out is None:
        return
    if out.is_dir():
        raise trio_live.InvalidArgument(f"{out}: cannot be written: is a directory")
    if not out.absolute().parent.is_dir():
        raise trio_live.InvalidArgument(f"{out}: cannot be written: its directory does not exist")
    if out.exists() and file.exists() and out.samefile(file):
        raise trio_live.InvalidArgument(f"{out}: cannot be written: is the file that is to be said")
