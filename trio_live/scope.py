"""The block of a session: what entering and leaving it do, and what is raised out of it.

What lives here: Scope, for every kind of session. What must not: the session's tasks (its runner).

Leaving: ask the runner for the end and wait for it -> cancel the tasks -> close what is left ->
save -> raise. What was recorded is raised outside of the nursery, so that nothing comes out in a
group.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import trio

from trio_live.errors import LiveError, LocalProtocolError

if TYPE_CHECKING:
    from types import TracebackType

HandleT = TypeVar("HandleT")
HandleT_co = TypeVar("HandleT_co", covariant=True)


class Runner(Protocol[HandleT_co]):
    """What runs one session in its block's nursery."""

    @property
    def handle(self) -> HandleT_co:
        """What the block gets."""
        ...

    @property
    def failure(self) -> LiveError | None:
        """The first thing that went wrong for good, or None."""
        ...

    async def open(self, nursery: trio.Nursery) -> None:
        """Connect, wait until the session is accepted, start the tasks."""
        ...

    async def end(self) -> None:
        """End the session normally; return when it has ended, in whatever way."""
        ...

    def close(self) -> None:
        """Close what is left, after all tasks have ended."""
        ...

    async def save_last(self) -> None:
        """Save where the session stood in the end, if that is wanted.

        Raises:
            OSError: It could not be written.
        """
        ...


class Scope(AbstractAsyncContextManager[HandleT]):
    """The scope of one session, entered and left once.

    It is no generator, which would take 0.7 KiB a session (benchmarks/memory.py).

    Args:
        make_runner: Makes what runs the session, when it is entered.
        opener: The name of the function that makes this, for errors.
    """

    def __init__(self, make_runner: Callable[[], Runner[HandleT]], opener: str) -> None:
        self._make_runner: Callable[[], Runner[HandleT]] | None = make_runner
        self._opener = opener
        self._left = False
        self._session: Runner[HandleT]
        self._nurseries: AbstractAsyncContextManager[trio.Nursery]
        self._nursery: trio.Nursery

    async def __aenter__(self) -> HandleT:
        if self._make_runner is None:
            raise LocalProtocolError(
                f"this {self._opener}(...) was entered before; call {self._opener}() again"
            )
        self._session, self._make_runner = self._make_runner(), None
        self._nurseries = trio.open_nursery()
        self._nursery = await self._nurseries.__aenter__()
        error: BaseException | None = None
        try:
            await self._session.open(self._nursery)
            return self._session.handle
        except BaseException as failure:
            error = failure
        try:
            raise await self._leave(error) or error
        finally:
            del error  # else it and this frame would keep each other alive

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if self._make_runner is not None or self._left:
            what = f"this {self._opener}(...) was left before"
            raise LocalProtocolError(what if self._left else "it was never entered")
        self._left = True
        error = exc
        try:
            if exc is None:
                await self._session.end()
            elif isinstance(exc, Exception):
                # The user's error wins: it goes out even if saying goodbye is cancelled. Trio
                # delivers that cancellation again at the next checkpoint outside.
                with suppress(trio.Cancelled):
                    await self._session.end()
        except BaseException as failure:
            error = failure
        raised: BaseException | None = None
        try:
            raised = await self._leave(error)
            if raised is not None and raised is not exc:
                raise raised
            return raised is None
        finally:
            del exc, error, raised  # else they and this frame would keep each other alive

    async def _leave(self, error: BaseException | None) -> BaseException | None:
        """Cancel the tasks, wait for their end, and close.

        Args:
            error: What happened in the block, or in entering it.

        Returns:
            What is to be raised out of it, if anything.
        """
        raised: BaseException | None = None
        self._nursery.cancel_scope.cancel()
        try:
            kind, traceback = (None, None) if error is None else (type(error), error.__traceback__)
            await self._nurseries.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            raised = _unwrap(group, error if isinstance(error, Exception) else None)
        finally:
            self._session.close()
        if self._session.failure is not None and (
            raised is None or isinstance(raised, trio.Cancelled)
        ):
            # A cancellation from outside must not hide the loss; Trio delivers it again out there.
            raised = self._session.failure
        try:
            await self._session.save_last()
        except OSError as unsaved:
            raised = raised or unsaved
        try:
            return raised
        finally:
            del raised, error  # else they and this frame would keep each other alive


def _unwrap(group: BaseExceptionGroup[BaseException], users: Exception | None) -> BaseException:
    """Give what went wrong, without the nursery's layer and our tasks' Cancelled beside it.

    Args:
        group: What the nursery raised.
        users: What the block raised. If that is a group it is in `group` as a copy only, because
            nurseries take Cancelled out of groups at any depth.
    """
    _, errors = group.split(trio.Cancelled)
    if errors is not None:
        if users is not None and len(errors.exceptions) == 1:
            return users
        return _only(errors)
    return _first(group)


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the one exception of a group, out of as many layers as there are; or the group."""
    first, *others = group.exceptions
    if others:
        return group
    if isinstance(first, BaseExceptionGroup):
        return _only(cast("BaseExceptionGroup[BaseException]", first))
    return first


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the first exception that is not a group."""
    first = group.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _first(cast("BaseExceptionGroup[BaseException]", first))
    return first
