"""Cancelling a program at every checkpoint, one after the other: does it leave anything behind?

What lives here: cancel_at_every_checkpoint, and what it is made of. What must not: sessions; it is
good for any Trio program.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

import trio
from trio.testing import wait_all_tasks_blocked

Scenario: TypeAlias = Callable[[], Awaitable[object]]

_DESCRIPTORS: Final = Path("/proc/self/fd")
_MOST_RUNS: Final = 20_000


class AtStep(trio.abc.Instrument):
    """Does something at the end of a task's n-th step, which is at its n-th checkpoint.

    Args:
        act: What to do.
        steps: At the end of which step; 0 is at once.
        task: Whose steps count; None for those of all tasks.

    Attributes:
        acted_at: The time at which it happened, None while it has not.
    """

    def __init__(
        self, act: Callable[[], object], steps: int, task: trio.lowlevel.Task | None = None
    ) -> None:
        self._act = act
        self._steps = steps
        self._task = task
        self.acted_at: float | None = None
        if not steps:
            self._act_now()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """See trio.abc.Instrument."""
        if self._task in (None, task):
            self._steps -= 1
            if not self._steps:
                self._act_now()

    def _act_now(self) -> None:
        self.acted_at = trio.current_time()
        self._act()


async def cancel_at_every_checkpoint(
    scenario: Scenario,
    *,
    within: float = 0.0,
    everywhere: bool = False,
    settle: float = 0.0,
    afterwards: Callable[[], Awaitable[object]] | None = None,
) -> int:
    """Run a scenario again and again, each time cancelled one checkpoint later, and then whole.

    A session, and your program around it, can be cancelled at any checkpoint. This finds the ones
    at which something is left behind: a task, a file descriptor, or seconds. Use it on the virtual
    clock, with an embedded server or a `MemoryNetwork` that the scenario opens itself.

    Args:
        scenario: What to run; each run must do the same.
        within: Seconds that it may take to end, once cancelled.
        everywhere: Cancel at the end of each step of each task of the program instead, which are
            many more moments; the background tasks of the scenario then stand everywhere, too.
        settle: Seconds without anything happening after which a run counts as over; more than 0
            for real sockets, whose other end takes a while.
        afterwards: Called after each run, for checks of the scenario's own.

    Returns:
        The number of runs.

    Raises:
        AssertionError: Something was left behind, or it took too long.
        Exception: What the scenario raised; a note says where it had been cancelled.

    Cancellation: not atomic. If cancelled, so is the run that is going on.
    """
    for steps in range(_MOST_RUNS):
        tasks, descriptors = all_tasks(), open_descriptors()
        try:
            cancelled_at = await _run(scenario, steps, everywhere=everywhere)
            ended_at = trio.current_time()
            await wait_all_tasks_blocked(settle)
            _check_left(tasks, descriptors)
            if cancelled_at is not None and ended_at - cancelled_at > within:
                raise AssertionError(f"it took {ended_at - cancelled_at:g} s to end")
            if afterwards is not None:
                await afterwards()
        except BaseException as error:
            error.add_note(f"cancelled at checkpoint {steps}")
            raise
        if cancelled_at is None:
            return steps + 1
    raise AssertionError(f"it passes more than {_MOST_RUNS} checkpoints")


def _check_left(tasks: list[str], descriptors: int) -> None:
    """Check that there is no more than there was before.

    Raises:
        AssertionError: There is something else.
    """
    if (now := all_tasks()) != tasks:
        left, ended = Counter(now) - Counter(tasks), Counter(tasks) - Counter(now)
        raise AssertionError(f"tasks left: {dict(left)}; tasks that had been there: {dict(ended)}")
    if (count := open_descriptors()) != descriptors:
        raise AssertionError(f"there were {descriptors} file descriptors, and are {count}")


async def _run(scenario: Scenario, steps: int, *, everywhere: bool) -> float | None:
    """Run it once; give when it was cancelled, None if it ended before."""
    scope = trio.CancelScope()
    task = None if everywhere else trio.lowlevel.current_task()
    instrument = AtStep(scope.cancel, steps, task)
    with scope:
        trio.lowlevel.add_instrument(instrument)
        try:
            await scenario()
        finally:
            trio.lowlevel.remove_instrument(instrument)
    return instrument.acted_at


def all_tasks() -> list[str]:
    """Give the names of all tasks of the run, in the order of their tree."""
    found: list[str] = []
    waiting = [trio.lowlevel.current_root_task()]
    while waiting:
        task = waiting.pop()
        if task is not None:
            found.append(task.name)
            for nursery in task.child_nurseries:
                waiting += nursery.child_tasks
    return sorted(found)


def open_descriptors() -> int:
    """Count the open file descriptors of this process; 0 where the system does not tell."""
    return len(os.listdir(_DESCRIPTORS)) if _DESCRIPTORS.exists() else 0
