"""The block of a session: what entering and leaving it do, and what is raised out of it.

What lives here: Scope, for every kind of session. What must not: the session's tasks (its runner).

Leaving: ask the runner for the end and wait for it -> cancel the tasks -> close what is left ->
save -> raise. What was recorded is raised outside of the nursery, so that nothing comes out in a
group.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
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

    Args:
        make_runner: Makes what runs the session, when it is entered.
        opener: The name of the function that makes this, for errors.
    """

    def __init__(self, make_runner: Callable[[], Runner[HandleT]], opener: str) -> None:
        self._make_runner = make_runner
        self._opener = opener
        self._scope: AbstractAsyncContextManager[HandleT] | None = None
        self._left = False

    async def __aenter__(self) -> HandleT:
        if self._scope is not None:
            raise LocalProtocolError(
                f"this {self._opener}(...) was entered before; call {self._opener}() again"
            )
        self._scope = _run(self._make_runner())
        return await self._scope.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if self._scope is None or self._left:
            what = f"this {self._opener}(...) was left before"
            raise LocalProtocolError(what if self._left else "it was never entered")
        self._left = True
        return await self._scope.__aexit__(exc_type, exc, traceback)


@asynccontextmanager
async def _run(session: Runner[HandleT]) -> AsyncGenerator[HandleT]:
    """Open a session, hand out its handle, and leave it in the right order."""
    users: Exception | None = None
    raised: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            await session.open(nursery)
            try:
                yield session.handle
            except Exception as error:
                users = error
                # The user's error wins: it goes out even if saying goodbye is cancelled. Trio
                # delivers that cancellation again at the next checkpoint outside.
                with suppress(trio.Cancelled):
                    await session.end()
                raise
            else:
                await session.end()
            finally:
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raised = _unwrap(group, users)
    finally:
        session.close()
    if session.failure is not None and (raised is None or isinstance(raised, trio.Cancelled)):
        # A cancellation from outside must not hide the loss; Trio delivers it again out there.
        raised = session.failure
    try:
        await session.save_last()
    except OSError as error:
        raised = raised or error
    try:
        if raised is not None:
            raise raised
    finally:
        del raised, users  # else they and this frame would keep each other alive


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
