"""Checkpoints that a session writes by itself, and another process that goes on from one.

On the real clock: a virtual one would jump ahead of the threads that write.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio
from lasting_parts import Lasting, unreachable
from session_parts import frame, leaves_with, read_until
from trio.testing import wait_all_tasks_blocked

import trio_live
from trio_live import Checkpoint, CheckpointFile, OwedCall, SessionHandle, SessionResumeUpdate
from trio_live.testing import LiveServer

CALL = frame(toolCall={"functionCalls": [{"id": "c1", "name": "f", "args": {}}]})


class Disk(CheckpointFile):
    """A file that can be slow and can fail.

    Attributes:
        saved: The handles that were written, in order.
        turns: Set while it is fast.
        error: What writing raises.
        written: Gives each handle when it is written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.saved: list[str | None] = []
        self.turns = trio.Event()
        self.turns.set()
        self.error: OSError | None = None
        self._tell, self.written = trio.open_memory_channel[str | None](100)

    async def save(self, checkpoint: Checkpoint) -> None:
        """See CheckpointFile."""
        await self.turns.wait()
        if self.error is not None:
            raise self.error
        await super().save(checkpoint)
        self.saved.append(checkpoint.handle)
        await self._tell.send(checkpoint.handle)

    async def last(self) -> Checkpoint:
        """Read what is there."""
        checkpoint = await self.load()
        assert checkpoint is not None
        return checkpoint


async def update(far: Lasting, session: SessionHandle, handle: str) -> None:
    """Let the service give a handle, and all that follows from it happen."""
    far.give_handle(handle)
    await read_until(session, SessionResumeUpdate)
    await wait_all_tasks_blocked()


async def test_slow_disk_keeps_nothing_up_and_the_last_write_wins(tmp_path: Path) -> None:
    """Receiving goes on; what is written next is the newest, not each."""
    far, disk = Lasting(), Disk(tmp_path / "checkpoint")
    disk.turns = trio.Event()
    with trio.fail_after(60):
        async with far.open(checkpoint_file=disk) as session:
            for number in range(5):
                await update(far, session, f"handle-{number}")
            disk.turns.set()
            await disk.written.receive()
            await disk.written.receive()
            await session.send_text("hello")
        # The first was taken when the disk was asked, the last at the end.
        assert disk.saved == ["handle-0", "handle-4", "handle-4"]
        assert (await disk.last()).turns == 1


async def test_update_that_is_not_resumable_is_not_saved(tmp_path: Path) -> None:
    """There is nothing to go on from but what was saved before."""
    far, disk = Lasting(), Disk(tmp_path / "checkpoint")
    with trio.fail_after(60):
        async with far.open(checkpoint_file=disk) as session:
            far.peer.send(frame(sessionResumptionUpdate={"resumable": False}))
            await read_until(session, SessionResumeUpdate)
            await wait_all_tasks_blocked()
            assert disk.saved == []
        assert disk.saved == [None]


async def test_disk_that_fails_is_told_and_the_session_lives(tmp_path: Path) -> None:
    """As an event while it goes on, as an exception at the end; without what was to be saved."""
    far, disk = Lasting(), Disk(tmp_path / "checkpoint")
    disk.error = OSError(28, "No space left on device")
    with trio.fail_after(60):
        with leaves_with(OSError, match="No space left"):
            async with far.open(checkpoint_file=disk) as session:
                far.give_handle()
                told = (await read_until(session, trio_live.Error))[-1]
                await session.send_text("it lives")
        assert told == trio_live.Error("the checkpoint was not saved: No space left on device", b"")
        with leaves_with(LookupError):
            async with far.open(checkpoint_file=disk):
                raise LookupError


@pytest.mark.parametrize("way", ["cancelled", "lost"])
async def test_last_checkpoint_is_saved_however_the_session_ends(tmp_path: Path, way: str) -> None:
    """With the call that is still owed an answer, which the end forgets."""
    far, disk = Lasting(), Disk(tmp_path / "checkpoint")
    with trio.fail_after(60):
        try:
            with trio.CancelScope() as scope:
                async with far.open(policy=None, checkpoint_file=disk) as session:
                    far.peer.send(CALL)
                    far.give_handle()
                    await read_until(session, SessionResumeUpdate)
                    if way == "cancelled":
                        scope.cancel()
                    else:
                        far.peer.close()
                    await trio.sleep_forever()
        except trio_live.ConnectionLost:
            assert way == "lost"
        last = await disk.last()
    assert (last.handle, last.owed) == ("handle-1", (OwedCall("c1", "f"),))


async def test_session_that_was_never_open_leaves_the_file(tmp_path: Path) -> None:
    """What is there is better than nothing."""
    far, disk = Lasting(), Disk(tmp_path / "checkpoint")
    far.unreachable = [unreachable()]
    with trio.fail_after(60):
        with leaves_with(trio_live.ConnectError):
            async with far.open(checkpoint_file=disk):
                pass
        assert await disk.load() is None


async def test_checkpoint_file_must_be_one() -> None:
    """A path is no file."""
    await trio.lowlevel.checkpoint()
    with pytest.raises(trio_live.ConfigError, match="CheckpointFile"):
        Lasting().open(checkpoint_file="session.checkpoint")  # type: ignore[arg-type]


PROGRAM = """
import sys, trio, trio_live

class Telling(trio_live.CheckpointFile):
    async def save(self, checkpoint):
        await super().save(checkpoint)
        print("saved", flush=True)

async def main(url, path):
    file = Telling(path)
    before = await file.load()
    async with trio_live.open_session(
        trio_live.SessionConfig("models/demo", response_modalities=["TEXT"]),
        endpoint=trio_live.GoogleAI("any-key", base_url=url),
        resume=before,
        checkpoint_file=file,
    ) as session:
        await session.send_text("one" if before is None else "two")
        async for event in session:
            match event:
                case trio_live.Reconnected(restored=restored):
                    print("resumed" if restored else "afresh", flush=True)
                case trio_live.TextComplete(text=text):
                    print(text, flush=True)
                case trio_live.SessionResumeUpdate(resumable=True) if before is not None:
                    return

trio.run(main, *sys.argv[1:])
"""


async def test_another_process_goes_on_where_one_was_killed(tmp_path: Path) -> None:
    """Two programs, one after the other, over TCP: the second says nothing twice and goes on."""
    path = tmp_path / "checkpoint"
    with trio.fail_after(60):
        async with LiveServer(pace=0) as server, trio.open_nursery() as nursery:
            command = [sys.executable, "-c", PROGRAM, await server.listen(), str(path)]
            run = partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
            first: trio.Process = await nursery.start(run)
            assert first.stdout is not None
            said = b""
            while not said.endswith(b"saved\n"):
                said += await first.stdout.receive_some()
            first.kill()
            await server.sessions[0].wait_closed()
            second = await trio.run_process(command, capture_stdout=True)
            assert said.split() == [b"one", b"saved"]
            assert second.stdout.split()[:2] == [b"resumed", b"two"]
            assert server.sessions[1].setup["sessionResumption"]
            texts = [message for message in server.sessions[1].received if "setup" not in message]
            assert len(texts) == 1
            nursery.cancel_scope.cancel()
