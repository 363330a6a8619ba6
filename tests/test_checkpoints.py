"""cancel_at_every_checkpoint: it finds what a scenario leaves behind, and nothing else."""

from __future__ import annotations

import os

import pytest
import trio
from trio.testing import MockClock

from trio_live.testing import cancel_at_every_checkpoint


async def test_scenario_is_cancelled_once_at_each_checkpoint(autojump_clock: MockClock) -> None:
    """Before the first, at each of three, and once not at all."""
    begun: list[int] = []
    ended: list[int] = []
    checked: list[int] = []

    async def scenario() -> None:
        begun.append(1)
        for _ in range(3):
            await trio.sleep(1)
        ended.append(1)

    async def check() -> None:
        await trio.lowlevel.checkpoint()
        checked.append(1)

    runs = await cancel_at_every_checkpoint(scenario, afterwards=check)
    assert runs == len(begun) == len(checked) > 3
    assert len(ended) == 1


async def test_steps_of_other_tasks_are_moments_too(autojump_clock: MockClock) -> None:
    """With `everywhere`, what runs in the background is cancelled wherever it stands."""

    async def scenario() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 1)
            nursery.start_soon(trio.sleep, 2)

    own = await cancel_at_every_checkpoint(scenario)
    assert await cancel_at_every_checkpoint(scenario, everywhere=True) > own


async def test_task_that_is_left_is_found(autojump_clock: MockClock) -> None:
    """It is named; the note says where the run had been cancelled."""
    async with trio.open_nursery() as nursery:

        async def scenario() -> None:
            try:
                await trio.sleep(1)
            except trio.Cancelled:
                nursery.start_soon(trio.sleep_forever, name="forgotten")
                raise

        with pytest.raises(AssertionError, match="forgotten") as caught:
            await cancel_at_every_checkpoint(scenario)
        assert caught.value.__notes__ == ["cancelled at checkpoint 0"]
        nursery.cancel_scope.cancel()


async def test_end_that_takes_its_time_is_found(autojump_clock: MockClock) -> None:
    """Cleaning up may take no more seconds than are allowed."""

    async def scenario() -> None:
        try:
            await trio.sleep(1)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(5)

    with pytest.raises(AssertionError, match="it took 5 s"):
        await cancel_at_every_checkpoint(scenario)
    assert await cancel_at_every_checkpoint(scenario, within=5) > 1


async def test_descriptor_that_is_left_is_found(autojump_clock: MockClock) -> None:
    """Where the system tells how many there are."""
    ends: list[int] = []

    async def scenario() -> None:
        ends.extend(os.pipe())
        await trio.sleep(1)

    with pytest.raises(AssertionError, match="file descriptors"):
        await cancel_at_every_checkpoint(scenario)
    for end in ends:
        os.close(end)


async def test_error_of_the_scenario_says_where_it_was_cancelled(
    autojump_clock: MockClock,
) -> None:
    """It goes out as it is."""

    async def scenario() -> None:
        try:
            await trio.sleep(1)
        except trio.Cancelled:
            raise LookupError from None

    with pytest.raises(LookupError) as caught:
        await cancel_at_every_checkpoint(scenario)
    assert caught.value.__notes__ == ["cancelled at checkpoint 0"]
