"""A service that holds many sessions: each TCP client has one, and each line it sends is a turn.

    python examples/many_sessions.py 8000    try it with `nc 127.0.0.1 8000`, end it with Ctrl-C

At most MAX_SESSIONS run at once, more clients wait. One session's failure is told to its own client
and harms no other. Ctrl-C lets no more clients in and gives the others GRACE_SECONDS to finish.
It uses the real service if the environment names one, else an echo (place.py).
"""

import signal
import sys
from functools import partial

import trio
from place import open_endpoint

import trio_live

MAX_SESSIONS = 100
GRACE_SECONDS = 5.0
CONFIG = trio_live.SessionConfig("gemini-3.8-live", response_modalities=["TEXT"])


async def serve(
    endpoint: trio_live.Endpoint,
    port: int,
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop` is set, then let those who are inside finish."""
    places = trio.CapacityLimiter(MAX_SESSIONS)
    handler = partial(serve_client, endpoint, places)
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    async with trio.open_nursery() as clients:  # every session ends before this block does
        async with trio.open_nursery() as accepting:
            accepting.start_soon(
                partial(trio.serve_listeners, handler, listeners, handler_nursery=clients)
            )
            task_status.started(listeners[0].socket.getsockname()[1])
            await stop.wait()
            accepting.cancel_scope.cancel()
        clients.cancel_scope.deadline = trio.current_time() + GRACE_SECONDS


async def serve_client(
    endpoint: trio_live.Endpoint, places: trio.CapacityLimiter, stream: trio.SocketStream
) -> None:
    """Give one client a session of its own, once there is a place."""
    try:
        async with stream, places:
            try:
                async with trio_live.open_session(CONFIG, endpoint=endpoint) as session:
                    await converse(session, stream)
            except trio_live.LiveError as error:
                await stream.send_all(f"error: {error}\n".encode())
    except trio.BrokenResourceError:
        pass  # the client has gone


async def converse(session: trio_live.SessionHandle, stream: trio.SocketStream) -> None:
    """Answer line after line."""
    received = b""
    async for piece in stream:
        *lines, received = (received + piece).split(b"\n")
        for line in lines:
            await session.send_text(line.decode(errors="replace"))
            async for event in session:
                if isinstance(event, trio_live.TextDelta):
                    await stream.send_all(event.text.encode())
                elif isinstance(event, trio_live.TurnComplete):
                    await stream.send_all(b"\n")
                    break


async def main(port: int) -> None:
    """Find a server, then serve until Ctrl-C."""
    stop = trio.Event()
    async with open_endpoint() as endpoint, trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            bound = await nursery.start(serve, endpoint, port, stop)
            print(f"listening on 127.0.0.1 port {bound}", flush=True)
            async for _ in signals:
                stop.set()
                break


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else "0"
    if not wanted.isdecimal() or int(wanted) > 65_535:
        sys.exit("usage: many_sessions.py [PORT]")
    try:
        trio.run(main, int(wanted))
    except trio_live.LiveError as error:
        sys.exit(f"error: {error}")
