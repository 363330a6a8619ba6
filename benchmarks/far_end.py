"""The process of `benchmarks.soak_server`, as its clients see it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

import trio_live


class FarEnd:
    """A running server behind its proxy.

    Attributes:
        port: The proxy's port.
    """

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.port = 0
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._rest = b""

    async def start(self) -> None:
        """Wait for the port."""
        self.port = (await self._answer())["port"]

    async def tell(self, command: str) -> dict[str, Any]:
        """Give a command, and return the answer."""
        await self._stdin.send_all(f"{command}\n".encode())
        return await self._answer()

    def endpoint(self, *, vertex: bool = False) -> trio_live.Endpoint:
        """Give an endpoint behind the proxy."""
        url = f"ws://127.0.0.1:{self.port}"
        if vertex:
            return trio_live.VertexAI(api_key="any-key", base_url=url)
        return trio_live.GoogleAI("any-key", base_url=url)

    async def _answer(self) -> dict[str, Any]:
        while b"\n" not in self._rest:
            data = await self._stdout.receive_some()
            if not data:
                raise RuntimeError("the server process has ended")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def far_end(*arguments: str) -> AsyncIterator[FarEnd]:
    """Run the server process with these arguments, and end it behind the block."""
    command = [sys.executable, "-m", "benchmarks.soak_server", *arguments]
    process = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        end = FarEnd(process)
        await end.start()
        yield end
    finally:
        with trio.CancelScope(shield=True):
            assert process.stdin is not None
            assert process.stdout is not None
            await process.stdin.aclose()
            with trio.move_on_after(5):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
            await process.stdout.aclose()
