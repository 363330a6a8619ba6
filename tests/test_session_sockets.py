"""Sessions over real sockets, where the socket is the subject: after the block it is closed."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio
import trio.testing
from session_parts import CONFIG, leaves_with, text_message

import trio_live
from trio_live.testing import LiveServer
from trio_live.testing.checkpoints import all_tasks, cancel_at_every_checkpoint, open_descriptors


class Stop(BaseException):
    """Stands for KeyboardInterrupt."""


@pytest.mark.parametrize("transport", ["trio-websocket", "websockets"])
@pytest.mark.parametrize("way", ["normally", "LookupError", "Stop", "cancellation"])
async def test_scope_over_a_real_socket_closes_it(way: str, transport: Any) -> None:
    """Law 1: however the block is left, no task and no file descriptor is left behind."""
    with trio.fail_after(30):
        async with LiveServer(pace=0) as server:
            endpoint = trio_live.GoogleAI("k", base_url=await server.listen())
            settings = trio_live.TransportConfig(transport=transport)
            await trio.testing.wait_all_tasks_blocked()
            before = all_tasks(), open_descriptors()
            left: BaseException | None = None
            try:
                with trio.CancelScope() as scope:
                    async with trio_live.open_session(
                        CONFIG, endpoint=endpoint, transport=settings
                    ) as session:
                        await session.send_text("hello")
                        if way == "cancellation":
                            scope.cancel()
                            await trio.sleep_forever()
                        if way == "LookupError":
                            raise LookupError
                        if way == "Stop":
                            raise Stop
            except (LookupError, Stop) as error:
                left = error
            assert type(left).__name__ == (way if way in ("LookupError", "Stop") else "NoneType")
            code = 1006 if way in ("Stop", "cancellation") else 1000
            assert await server.sessions[0].wait_closed() == (code, "")
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert (all_tasks(), open_descriptors()) == before
            if code == 1000:
                assert server.sessions[0].received[1:] == [text_message("hello")]


async def test_scope_cancelled_at_every_checkpoint_closes_its_socket() -> None:
    """Law 1: cancelled at any checkpoint of opening, sending and closing, the socket is closed."""
    with trio.fail_after(60):
        async with LiveServer(pace=0, close_timeout=0.1) as server:
            endpoint = trio_live.GoogleAI("k", base_url=await server.listen())
            await trio.testing.wait_all_tasks_blocked()
            before = open_descriptors()

            async def scenario() -> None:
                async with trio_live.open_session(CONFIG, endpoint=endpoint) as session:
                    await session.send_text("hello")
                    await session.flush()

            async def ended_there() -> None:
                for session in server.sessions:
                    await session.wait_closed()
                await trio.testing.wait_all_tasks_blocked(0.01)
                assert open_descriptors() == before

            runs = await cancel_at_every_checkpoint(
                scenario, within=1, afterwards=ended_there, settle=0.02
            )
            assert runs > 5


async def test_server_that_resets_the_connection_is_a_loss() -> None:
    """Law 7: a reset by the network cancels the block and says 1006; the socket is closed."""
    with trio.fail_after(30):
        async with LiveServer(pace=0) as server:
            endpoint = trio_live.GoogleAI("k", base_url=await server.listen())
            await trio.testing.wait_all_tasks_blocked()
            before = open_descriptors()
            with leaves_with(trio_live.ConnectionLost) as caught:
                transport = trio_live.TransportConfig(reconnect=None)
                async with trio_live.open_session(CONFIG, endpoint=endpoint, transport=transport):
                    await server.sessions[0].abort()
                    await trio.sleep_forever()
            assert (caught.value.code, caught.value.retryable) == (1006, True)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert open_descriptors() == before


async def test_port_without_a_listener_is_a_connect_error() -> None:
    """Law 5: a refused connection is a ConnectError that names host and port, at once."""
    with socket.socket() as reserved, trio.fail_after(30):
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        endpoint = trio_live.GoogleAI("k", base_url=f"ws://127.0.0.1:{port}")
        before = open_descriptors()
        with pytest.raises(trio_live.ConnectError) as caught:
            await trio_live.open_session(CONFIG, endpoint=endpoint).__aenter__()
        assert str(caught.value).startswith(f"could not connect to 127.0.0.1:{port}: ")
        assert open_descriptors() == before
