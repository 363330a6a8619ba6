"""Saves where a session stands, each time the service says that it can be resumed.

What lives here: CheckpointSaver, the one task that writes. What must not: files
(checkpoint_file.py), and what a checkpoint holds (protocol.py).

Nothing waits for the disk but that task. While it writes, further updates only mark that there is
something newer; what it writes next is where the session stands by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio

from trio_live import events

if TYPE_CHECKING:
    from trio_live.checkpoint import Checkpoint
    from trio_live.checkpoint_file import CheckpointFile


class CheckpointSaver:
    """Keeps a file up to date with one session.

    Args:
        file: Where to save.
        take: Gives the checkpoint of this moment.
        publish: Takes the events of what went wrong.
    """

    def __init__(
        self,
        file: CheckpointFile,
        take: Callable[[], Checkpoint],
        publish: Callable[[Sequence[events.SessionEvent]], None],
    ) -> None:
        self._file = file
        self._take = take
        self._publish = publish
        self._due = trio.Event()
        self._started = False
        self._last: Checkpoint | None = None  # taken at the end

    def start(self, nursery: trio.Nursery) -> None:
        """Begin to save: the session is open. One that never was leaves the file as it is."""
        self._started = True
        nursery.start_soon(self._run, name="trio_live saver")

    def follow(self, happened: Sequence[events.SessionEvent]) -> None:
        """Save soon if one of these events says that the session can be resumed."""
        for event in happened:
            if type(event) is events.SessionResumeUpdate and event.resumable:
                self._due.set()

    def end(self) -> None:
        """Take the last checkpoint: the session ends, and forgets what it owes."""
        if self._started:
            self._last = self._take()

    async def finish(self) -> None:
        """Save the last checkpoint.

        Raises:
            OSError: It could not be written.

        Cancellation: still cleans up. If cancelled, the checkpoint is written all the same.
        """
        if self._last is not None:
            with trio.CancelScope(shield=True):
                await self._file.save(self._last)

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due = trio.Event()
            try:
                await self._file.save(self._take())
            except OSError as error:
                why = error.strerror or type(error).__name__
                self._publish([events.Error(f"the checkpoint was not saved: {why}", b"")])
