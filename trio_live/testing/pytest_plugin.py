"""Fixtures for pytest-trio, found by pytest through an entry point; there is nothing to configure.

What lives here: `live_server`, `live_session` and the two small fixtures that say what they are to be.
What must not: anything that costs time when pytest starts; imports are inside the fixtures.

Override `live_model` and `live_config` in a conftest.py, a module or a class to change what answers and
what is asked for:

    @pytest.fixture
    def live_model():
        return scripted([[Say("Good morning.")]])

    async def test_greeting(live_session):
        await live_session.send_text("hello")
        ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import trio

    from trio_live import SessionConfig, SessionHandle
    from trio_live.testing import LiveServer, Model

try:
    from pytest_trio import trio_fixture
except ModuleNotFoundError:  # a project that tests without Trio: nothing here is for it
    trio_fixture = None


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


if trio_fixture is not None:

    @trio_fixture
    async def live_server(
        autojump_clock: trio.testing.MockClock, live_model: Model
    ) -> AsyncGenerator[LiveServer]:
        """An embedded server on memory streams; time is virtual and passes by itself."""
        from trio_live.testing import LiveServer

        async with LiveServer(live_model) as server:
            yield server

    @trio_fixture
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
