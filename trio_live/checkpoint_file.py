"""Checkpoints in files: each is whole, or is not there.

What lives here: CheckpointFile. What must not: what a checkpoint is (checkpoint.py), and when one
is due.

A file is written beside its place, flushed to the disk and then renamed, so that whoever reads it,
after a crash too, finds the old one or the new one. Disks block, so all of it runs in a thread.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import trio

from trio_live.checkpoint import Checkpoint, decode, encode


class CheckpointFile:
    """Keeps the latest checkpoint of one session in a file that only its owner may read.

    A process that is killed in the middle of a `save` may leave a file behind whose name begins
    with a dot and the name of this one; it can be deleted.

    Args:
        path: The file; its directory must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = trio.Lock()  # what is saved last must be what is there in the end

    def __repr__(self) -> str:
        return f"CheckpointFile({str(self._path)!r})"

    async def save(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in the place of the one before.

        Raises:
            OSError: It could not be written. The file is as it was before; only if the directory
                could not be flushed at the end, the new one is there, but might not be after a
                failure of power.

        Cancellation: atomic. If cancelled, the file is as it was before. What the disk is doing at
        that moment is waited for.
        """
        async with self._lock:
            await trio.to_thread.run_sync(_write, self._path, encode(checkpoint))

    async def load(self) -> Checkpoint | None:
        """Give the latest checkpoint, or None if there is no file.

        Raises:
            ConfigError: The file is no checkpoint, or not whole. The message names it and the rule.
            OSError: It could not be read.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        try:
            data = await trio.to_thread.run_sync(self._path.read_bytes)
        except FileNotFoundError:
            return None
        return decode(data, f"checkpoint file {str(self._path)!r}")

    async def remove(self) -> None:
        """Delete the file, if there is one: the session has ended for good.

        Raises:
            OSError: It could not be deleted.

        Cancellation: atomic. If cancelled, the file is still there.
        """
        async with self._lock:
            await trio.to_thread.run_sync(_remove, self._path)


def _write(path: Path, data: bytes) -> None:
    """Write a file as a whole, or not at all. Runs in a thread, and stops where it is cancelled."""
    descriptor, temporary = tempfile.mkstemp(  # its mode is 0600
        dir=path.parent, prefix=f".{path.name}."
    )
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            trio.from_thread.check_cancelled()
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        trio.from_thread.check_cancelled()  # from here on it has happened
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _flush_directory(path.parent)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _flush_directory(path.parent)


def _flush_directory(path: Path) -> None:
    """Let a rename or a deletion outlive a failure of power. Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
