"""`trio-live serve`: the embedded server, for other programs.

What lives here: running it. What must not: what it answers (trio_live.testing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import trio

from trio_live.cli.events_json import line
from trio_live.cli.run import CommandFailed
from trio_live.testing import LiveServer, Reply, UserTurn, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_live.testing import Fault


async def serve(
    host: str, port: int, *, pace: float, faults: Sequence[Fault], as_json: bool
) -> int:
    """Serve until cancelled, after showing the URL.

    With a fault in a tool call, the first function that the client has is called before each echo.

    Raises:
        CommandFailed: The address cannot be bound.

    Cancellation: still cleans up. If cancelled, closes every connection.
    """
    calls = any(fault.at == "during-tool-call" for fault in faults)
    model = _call_and_echo if calls else echo
    async with LiveServer(model, pace=pace, record=False, faults=faults) as server:
        try:
            url = await server.listen(host, port)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CommandFailed(f"cannot listen on {host} port {port}: {reason}") from error
        if as_json:
            click.echo(line(0.0, "listening", {"url": url}))
        else:
            click.echo(url)
            click.echo(
                f"server: embedded, an echo; any API key will do. Try: trio-live chat --url {url}",
                err=True,
            )
        await trio.sleep_forever()


async def _call_and_echo(turn: UserTurn, reply: Reply) -> None:
    for tool in turn.tools:
        declarations: Any = tool.get("functionDeclarations")
        if declarations:
            await reply.call_tools([(declarations[0]["name"], {})])
            break
    await echo(turn, reply)
