"""A WebSocket server that is never the bottleneck: epoll, no event loop, frames encoded beforehand.

It accepts the upgrade on any path, answers the first message with ``setupComplete`` and then does
what text turns tell it:

``bench blast N``
    send N audio messages as fast as the socket takes them, then ``turnComplete``;
``bench count N``
    take N audio messages, then send ``turnComplete``;
``bench talk DOWN UP DOWN_PERIOD UP_PERIOD AT``
    both in real time: send DOWN audio messages DOWN_PERIOD ms apart, and take UP of them, noting by
    how much each is later than its time; the first of either is due at AT ms of the monotonic
    clock, which all processes of a machine share. Then ``turnComplete``;
``bench cut AT``
    drop the connection without a word at AT. Who asks for a resumption handle has got one.

Inbound frames are counted by their headers alone: audio is longer than `COMMAND_BYTES`, commands
are shorter, and only the first audio of a count is unmasked, to see that it is what it should be.
Over TLS each message is a record of its own, as from a server that writes when it has something to
say, and all records that are ready go out in one write.

Run as ``python -m benchmarks.server CA_FILE``: writes the certificate authority to the file and
prints one JSON line with its ports. At the port "report" it tells who connects what it did since
the last report (`Account`). Ends when its standard input does.
"""

from __future__ import annotations

import heapq
import itertools
import json
import select
import socket
import ssl
import sys
import time
from collections.abc import Callable
from typing import Final

import trustme

from benchmarks.cores import SERVER_CORE, Clock, allow_many_files, pin
from benchmarks.figures import lateness
from benchmarks.wire import Wire

BACKLOG: Final = 1024
EPOLL_WAIT: Final = 0.5


class Account:
    """What the server did since the last report."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self._clock = Clock()
        self.late_received: list[float] = []  # seconds, of audio that came
        self.late_sent: list[float] = []  # seconds, of audio that this process sent: its own fault

    def report(self) -> bytes:
        """Give all as JSON, lateness as of `lateness()`, and begin anew."""
        told: dict[str, object] = {**self._clock.stop()}
        told["late_received"] = lateness(self.late_received)
        told["late_sent"] = lateness(self.late_sent)
        self.restart()
        return json.dumps(told).encode()


class Loop:
    """Sockets that are ready, and frames that are due."""

    def __init__(self) -> None:
        self.account = Account()
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[int], None]] = {}
        self._due: list[tuple[float, int, Callable[[float], float | None]]] = []
        self._count = itertools.count()

    def watch(self, number: int, ready: Callable[[int], None]) -> None:
        """Call `ready` with the events of a file by its number."""
        self._ready[number] = ready
        self._epoll.register(number, select.EPOLLIN)

    def also_writable(self, number: int, *, wanted: bool) -> None:
        """Say whether it matters that a socket takes more."""
        self._epoll.modify(number, select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def forget(self, end: socket.socket) -> None:
        """Close a socket."""
        self._ready.pop(end.fileno(), None)
        end.close()

    def at(self, due: float, act: Callable[[float], float | None]) -> None:
        """Call `act` with `due` when it is due, and again at the time that it gives back."""
        heapq.heappush(self._due, (due, next(self._count), act))

    def run(self) -> None:
        """Serve until a callback raises SystemExit."""
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                due, number, act = self._due[0]
                again = act(due)
                if again is None:
                    heapq.heappop(self._due)
                else:
                    heapq.heapreplace(self._due, (again, number, act))
                now = time.monotonic()
            wait = max(0.0, self._due[0][0] - now) if self._due else EPOLL_WAIT
            for number, events in self._epoll.poll(min(wait, EPOLL_WAIT)):
                if number in self._ready:
                    self._ready[number](events)


def listen(loop: Loop, accepted: Callable[[socket.socket], None]) -> int:
    """Listen on loopback; give the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    listener.setblocking(False)

    def accept(_: int) -> None:
        while True:
            try:
                end, _address = listener.accept()
            except BlockingIOError:
                return
            accepted(end)

    loop.watch(listener.fileno(), accept)
    port: int = listener.getsockname()[1]
    return port


def main() -> None:
    """Listen, with and without TLS, until standard input ends."""
    pin(SERVER_CORE)
    allow_many_files()
    loop = Loop()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(sys.argv[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def tell(end: socket.socket) -> None:
        end.sendall(loop.account.report())
        end.close()

    ports = {
        "plain": listen(loop, lambda end: Wire(loop, end, None).start()),
        "tls": listen(loop, lambda end: Wire(loop, end, context).start()),
        "report": listen(loop, tell),
    }
    print(json.dumps(ports), flush=True)
    loop.watch(sys.stdin.fileno(), lambda _: sys.exit())
    loop.run()


if __name__ == "__main__":
    main()
