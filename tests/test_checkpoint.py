"""Checkpoints: their bytes, and the file that is whole or not there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from trio_live import Checkpoint, CheckpointFile, ConfigError
from trio_live.checkpoint import OwedCall, decode, encode
from trio_live.ledger import LedgerEntry
from trio_live.wire.marks import Platform

SECRETS = ("handle-secret", "said-secret")
OLD = Checkpoint(handle="old", model="models/m")
NEW = Checkpoint(
    handle="handle-secret",
    model="models/m",
    platform=Platform.VERTEX,
    session_id="session",
    ledger=(
        LedgerEntry("SendText", '{"said-secret": "\N{SNOWMAN}"}'),
        LedgerEntry("SendAudio", "{}", media=True),
        LedgerEntry("SendToolResponse", "{}", answers=("1",)),
    ),
    owed=(OwedCall("2", "f"), OwedCall(3, "g")),
    turns=4,
    total_tokens=500,
    connections=6,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a directory of its own."""
    return tmp_path / "session.checkpoint"


@pytest.mark.parametrize("checkpoint", [OLD, NEW, Checkpoint(handle=None, model="m")])
def test_checkpoint_comes_back_as_it_was(checkpoint: Checkpoint) -> None:
    """What is encoded is decoded, to the last field."""
    assert decode(encode(checkpoint)) == checkpoint


def test_checkpoint_shows_no_secret() -> None:
    """Neither the handle nor what was said is in a repr."""
    shown = repr(NEW) + repr(NEW.__rich_repr__()) + repr(NEW.ledger)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert repr(NEW) == (
        "Checkpoint(handle=<13 chars>, model='models/m', platform=Vertex AI, session_id='session', "
        "ledger=3, owed=[OwedCall(id='2', name='f'), OwedCall(id=3, name='g')], turns=4, "
        "total_tokens=500, connections=6)"
    )


def test_checkpoint_torn_anywhere_is_said_to_be_torn() -> None:
    """Each beginning of a checkpoint is refused as torn, from nothing to all but one byte."""
    whole = encode(NEW)
    for size in range(len(whole)):
        with pytest.raises(ConfigError, match=r"^it is torn: ") as caught:
            decode(whole[:size], "it")
        assert [secret for secret in SECRETS if secret in str(caught.value)] == []
        assert not caught.value.retryable
    with pytest.raises(ConfigError, match=r"^it is torn: "):
        decode(whole + b"\n", "it")


def test_checkpoint_damaged_anywhere_is_refused() -> None:
    """No byte can be changed unnoticed."""
    whole = encode(NEW)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        with pytest.raises(ConfigError, match=r"^it is |^it has version"):
            decode(bytes(damaged), "it")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b'{"handle": "x", "model": "m"}', "is no checkpoint: its first line is not that of"),
        (b"trio_live checkpoint", "is torn: its first line is not whole"),
        (b"trio_live checkpoint 1 2 3\n{}", "is no checkpoint: its first line is not that of"),
        (b"\xff" * 100, "is no checkpoint: its first line is not that of"),
        (b"trio_live checkpoint 1 2 01020304\n{}", "is damaged: its checksum is not that of"),
        (
            b"trio_live checkpoint 2 2 a505df1b\n{}",
            "has version 2 of the format, and this trio_live reads version 1",
        ),
    ],
)
def test_checkpoint_foreign_is_refused_by_a_rule(data: bytes, rule: str) -> None:
    """The error names the file and the rule."""
    with pytest.raises(ConfigError) as caught:
        decode(data, "file 'x'")
    assert str(caught.value).startswith(f"file 'x' {rule}")


@pytest.mark.parametrize("body", [{}, {"handle": 1, "model": "m"}, {"handle": None}, [1]])
def test_checkpoint_of_wrong_fields_is_refused_without_showing_them(
    body: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is whole but has other fields is refused as well."""
    monkeypatch.setattr(msgspec.json, "encode", lambda _: msgspec.json.Encoder().encode(body))
    data = encode(OLD)
    with pytest.raises(ConfigError, match=r"a field is missing or of a wrong type$") as caught:
        decode(data)
    assert caught.value.__cause__ is None


async def test_file_keeps_the_last_one_for_its_owner_alone(path: Path) -> None:
    """The latest checkpoint is there, only its owner can read it, and nothing else is left."""
    store = CheckpointFile(path)
    assert await store.load() is None
    for checkpoint in (OLD, NEW):
        await store.save(checkpoint)
        assert await CheckpointFile(str(path)).load() == checkpoint
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]
    assert repr(store) == f"CheckpointFile({str(path)!r})"
    await store.remove()
    await store.remove()
    assert os.listdir(path.parent) == []


async def test_file_torn_or_foreign_is_named_with_the_rule(path: Path) -> None:
    """A file that is no whole checkpoint is a ConfigError with its name."""
    await trio.Path(path).write_bytes(encode(NEW)[:-1])
    with pytest.raises(ConfigError, match=r"^checkpoint file '.*session\.checkpoint' is torn: "):
        await CheckpointFile(path).load()
    await trio.Path(path).write_bytes(b"GIF89a")
    with pytest.raises(ConfigError, match=r"^checkpoint file '.*' is no checkpoint: "):
        await CheckpointFile(path).load()


async def test_file_in_no_directory(tmp_path: Path) -> None:
    """A directory that is not there is an OSError, and is not made."""
    with pytest.raises(FileNotFoundError):
        await CheckpointFile(tmp_path / "none" / "x").save(OLD)
    assert os.listdir(tmp_path) == []


async def test_file_saved_by_several_tasks_keeps_the_last(path: Path) -> None:
    """Saves happen one after the other, in the order in which they were begun."""
    store = CheckpointFile(path)
    async with trio.open_nursery() as nursery:
        for turns in range(20):
            nursery.start_soon(store.save, Checkpoint(handle="h", model="m", turns=turns))
            await trio.lowlevel.checkpoint()
    last = await store.load()
    assert last is not None
    assert os.listdir(path.parent) == [path.name]


class _Killed(BaseException):
    """The process dies here."""


# The calls of a save, in order: which of a name, whether it is noticed only after it was made, and
# what is there then.
STEPS = [
    ("write", 1, False, OLD),
    ("write", 1, True, OLD),
    ("fsync", 1, False, OLD),
    ("fsync", 1, True, OLD),
    ("replace", 1, False, OLD),
    ("replace", 1, True, NEW),
    ("fsync", 2, False, NEW),
    ("fsync", 2, True, NEW),
]
at_each_step = pytest.mark.parametrize(
    ("name", "number", "after", "left"),
    STEPS,
    ids=[f"{'after' if after else 'before'} {name} {number}" for name, number, after, _ in STEPS],
)


def at_call(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    act: Callable[[], object],
    *,
    after: bool = False,
    number: int = 1,
) -> None:
    """Act before, or after, the n-th call of a function of `os` with a path or descriptor."""
    real: Callable[..., Any] = getattr(os, name)
    left = number

    def instead(*arguments: Any, **options: Any) -> object:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            act()
        result = real(*arguments, **options)
        if left == 0 and after:
            act()
        return result

    monkeypatch.setattr(os, name, instead)


def fail(error: BaseException) -> Callable[[], object]:
    """Make something that raises."""

    def act() -> object:
        raise error

    return act


@at_each_step
async def test_file_that_cannot_be_written_is_as_it_was(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    number: int,
    *,
    after: bool,
    left: Checkpoint,
) -> None:
    """A failure of the disk at any step leaves the old checkpoint, and no other file.

    After the rename it is the new one: that it may not outlive a failure of power is told.
    """
    store = CheckpointFile(path)
    await store.save(OLD)
    with monkeypatch.context() as patched:
        at_call(patched, name, fail(OSError(errno.ENOSPC, "no space")), after=after, number=number)
        with pytest.raises(OSError, match="no space"):
            await store.save(NEW)
    assert await store.load() == left
    assert os.listdir(path.parent) == [path.name]
    await store.save(NEW)
    assert await store.load() == NEW


@at_each_step
async def test_file_is_whole_after_a_crash_anywhere(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    number: int,
    *,
    after: bool,
    left: Checkpoint,
) -> None:
    """Whoever looks after the process died in the middle finds the old one or the new one."""
    store = CheckpointFile(path)
    await store.save(OLD)
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", lambda _: None)  # the dead clean nothing up
        at_call(patched, name, fail(_Killed()), after=after, number=number)
        with pytest.raises(_Killed):
            await store.save(NEW)
    assert await CheckpointFile(path).load() == left
    await CheckpointFile(path).save(NEW)
    assert await CheckpointFile(path).load() == NEW


async def test_file_written_in_pieces_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes a few bytes at a time gets all of them."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    await CheckpointFile(path).save(NEW)
    assert await CheckpointFile(path).load() == NEW


@at_each_step
async def test_file_cancelled_anywhere_is_old_or_new_and_alone(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    number: int,
    *,
    after: bool,
    left: Checkpoint,
) -> None:
    """A cancelled save did not happen; if it was too late, it did. No other file is left."""
    store = CheckpointFile(path)
    await store.save(OLD)
    with trio.CancelScope() as scope, monkeypatch.context() as patched:
        at_call(
            patched,
            name,
            lambda: trio.from_thread.run_sync(scope.cancel),
            after=after,
            number=number,
        )
        await store.save(NEW)
        await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert await store.load() == (NEW if name == "replace" else left)  # no way back from there
    assert os.listdir(path.parent) == [path.name]


async def test_file_cancelled_while_it_waits_for_its_turn(path: Path) -> None:
    """A save that was cancelled before it began wrote nothing."""
    store = CheckpointFile(path)
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.save(NEW)
    assert scope.cancelled_caught
    assert await store.load() is None
    assert os.listdir(path.parent) == []
