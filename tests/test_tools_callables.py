"""Decorated functions, partials, methods and objects as tools: how each is called."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable
from typing import (
    Any,
)

import pytest

from trio_live.tools import FunctionTool


def keeps_kind(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate plainly."""

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        return function(*args, **options)

    return wrapper


def makes_async(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate with an async function."""

    @functools.wraps(function)
    async def wrapper(*args: Any, **options: Any) -> Any:
        return function(*args, **options)

    return wrapper


def collects(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a list of a stream."""

    @functools.wraps(function)
    async def wrapper(*args: Any, **options: Any) -> Any:
        return [value async for value in function(*args, **options)]

    return wrapper


def plain(a: int) -> int:
    """Be plain."""
    return a


async def waits(a: int) -> int:
    """Be async."""
    return a


async def streams(a: int) -> AsyncGenerator[int, None]:
    """Be a stream."""
    yield a


class Adder:
    """Adds."""

    async def __call__(self, a: int) -> int:
        return a

    @keeps_kind
    async def method(self, a: int) -> int:
        """Add."""
        return a

    @classmethod
    def of_class(cls, a: int) -> int:
        """Add."""
        return a

    @staticmethod
    def of_none(a: int) -> int:
        """Add."""
        return a


@pytest.mark.parametrize(
    ("function", "is_async", "is_stream"),
    [
        (plain, False, False),
        (waits, True, False),
        (streams, False, True),
        (keeps_kind(plain), False, False),
        (keeps_kind(waits), True, False),
        (keeps_kind(streams), False, True),
        (makes_async(plain), True, False),
        (collects(streams), True, False),
        (functools.partial(makes_async(plain)), True, False),
        (functools.lru_cache(plain), False, False),
        (Adder(), True, False),
        (Adder().method, True, False),
        (Adder.of_class, False, False),
        (Adder.of_none, False, False),
        (functools.partial(Adder()), True, False),
    ],
)
def test_kinds_of_callables(function: Callable[..., Any], is_async: bool, is_stream: bool) -> None:
    """A callable is called as its outermost async layer says; types are the innermost's."""
    tool = FunctionTool(function, name="f")
    assert (tool.is_async, tool.streams) == (is_async, is_stream)
    assert tool.schema == {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
    }
