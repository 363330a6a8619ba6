"""Run a scenario again and again, each time cancelled one checkpoint later than the time before.

Whatever it opens must be gone each time: tasks, file descriptors; and soon, on the clock of the
run. Use it on the virtual clock:

    runs = await at_every_checkpoint(scenario)
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import trio
from trio.testing import wait_all_tasks_blocked

Scenario = Callable[[], Awaitable[object]]

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


async def at_every_checkpoint(
    scenario: Scenario,
    *,
    within: float = 0.0,
    everywhere: bool = False,
    settle: float = 0.0,
    afterwards: Callable[[], Awaitable[object]] | None = None,
) -> int:
    """Run a scenario once per checkpoint that it passes, cancelled there, and once to its end.

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
    """
    for steps in range(_MOST_RUNS):
        before = all_tasks(), open_descriptors()
        try:
            cancelled_at = await _run(scenario, steps, everywhere=everywhere)
            ended_at = trio.current_time()
            await wait_all_tasks_blocked(settle)
            assert (all_tasks(), open_descriptors()) == before
            if cancelled_at is not None:
                assert ended_at - cancelled_at <= within
            if afterwards is not None:
                await afterwards()
        except BaseException as error:
            error.add_note(f"cancelled at checkpoint {steps}")
            raise
        if cancelled_at is None:
            return steps + 1
    raise AssertionError(f"it passes more than {_MOST_RUNS} checkpoints")


async def _run(scenario: Scenario, steps: int, *, everywhere: bool) -> float | None:
    """Run it once; give when it was cancelled, None if it ended before."""
    with trio.CancelScope() as scope:
        task = None if everywhere else trio.lowlevel.current_task()
        instrument = AtStep(scope.cancel, steps, task)
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
