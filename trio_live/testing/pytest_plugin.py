"""Fixtures for pytest-trio, found by pytest through an entry point; there is nothing to configure.

What lives here: `live_server`, `live_session`, the two small fixtures that say what they are to be,
and the virtual clock for tests that use them. What must not: anything that costs time when pytest
starts; imports are inside the fixtures.

Override `live_model` and `live_config` in a conftest.py, a module or a class to change what answers
and what is asked for:

    @pytest.fixture
    def live_model():
        return scripted([[Say("Good morning.")]])

    async def test_greeting(live_session):
        await live_session.send_text("hello")
        ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    import trio

    from trio_live import SessionConfig, SessionHandle
    from trio_live.testing import LiveServer, Model

_MOST_SECONDS = 24 * 3600
"""The virtual time that a test with the embedded server may take: a day."""


def _trio_fixture(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a fixture of pytest-trio; a plain one, which fails when used, where that is missing."""
    try:
        make: Callable[..., Any] = importlib.import_module("pytest_trio").trio_fixture
    except ModuleNotFoundError:
        make = pytest.fixture
    fixture: Callable[..., Any] = make(function)
    return fixture


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that use the embedded server on virtual time, which passes by itself.

    pytest-trio gives a test a clock only if the test itself names the clock's fixture.
    """
    for item in items:
        if "live_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trio(run=_run_on_virtual_time))


def _run_on_virtual_time(
    test: Callable[[], Awaitable[None]],
    *,
    clock: trio.abc.Clock | None,
    instruments: list[trio.abc.Instrument],
) -> None:
    import trio
    import trio.testing

    async def bounded() -> None:
        # A test that waits for what never comes would let virtual time pass for ever.
        with trio.fail_after(_MOST_SECONDS):
            await test()

    if clock is None:  # else the test has asked for one of its own
        clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(bounded, clock=clock, instruments=instruments)


@pytest.fixture
def live_model() -> Model:
    """What answers in `live_server`: an echo, unless a test overrides this fixture."""
    from trio_live.testing import echo

    return echo


@pytest.fixture
def live_config() -> SessionConfig:
    """What `live_session` asks for: text from a model of that name, unless overridden."""
    from trio_live import SessionConfig

    return SessionConfig("models/test", response_modalities=["TEXT"])


@_trio_fixture
async def live_server(live_model: Model) -> AsyncGenerator[LiveServer]:
    """An embedded server on memory streams; the test runs on virtual time."""
    from trio_live.testing import LiveServer

    async with LiveServer(live_model) as server:
        yield server


@_trio_fixture
async def live_session(
    live_server: LiveServer, live_config: SessionConfig
) -> AsyncGenerator[SessionHandle]:
    """A session with `live_server`, open during the test."""
    from trio_live import GoogleAI, open_session
    from trio_live.testing import connect_to

    endpoint = GoogleAI("test-key", base_url="ws://localhost")
    transport = connect_to(live_server)
    async with open_session(live_config, endpoint=endpoint, transport=transport) as session:
        yield session
