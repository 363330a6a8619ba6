"""TlsStream against trio's own SSLStream as the server, in memory and with every kind of end."""

from __future__ import annotations

import random
import shutil
import socket
import ssl
import subprocess
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import accumulate
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme

from trio_live.transport.sockets import DirectSocket
from trio_live.transport.tls import TlsStream

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("live.test")
Server = trio.SSLStream[trio.abc.Stream]


def _server_context(**options: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATE.configure_cert(context)
    for name, value in options.items():
        setattr(context, name, value)
    return context


def _client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def _handshake_and_read(server: Server) -> None:
    await server.do_handshake()
    await server.receive_some(1)


@asynccontextmanager
async def _pair(
    server_context: ssl.SSLContext | None = None,
) -> AsyncIterator[tuple[TlsStream, Server, trio.abc.Stream]]:
    """Give a connected client and server, and the server's raw end."""
    far: trio.abc.Stream
    near, far = trio.testing.memory_stream_pair()
    client = TlsStream(near, None, _client_context(), "live.test")
    server = Server(far, server_context or _server_context(), server_side=True)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client.start(nursery)
            async with trio.open_nursery() as handshakes:
                handshakes.start_soon(client.do_handshake)
                handshakes.start_soon(server.do_handshake)
            yield client, server, far
            nursery.cancel_scope.cancel()
    await client.aclose()
    await trio.aclose_forcefully(server)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_data_of_any_size_arrives_whole_in_both_directions(
    version: ssl.TLSVersion, autojump_clock: trio.testing.MockClock
) -> None:
    """What is written arrives as it is and in order, whatever its size."""
    sizes = [1, 2, 100, 16_383, 16_384, 16_385, 65_536, 200_000]
    context = _server_context(minimum_version=version, maximum_version=version)
    sent = [random.Random(size).randbytes(size) for size in sizes]
    async with _pair(context) as (client, server, _):
        for data in sent:
            client.write(data)
        received = bytearray()
        while len(received) < sum(sizes):
            received += await server.receive_some(70_000)
        assert bytes(received) == b"".join(sent)

        async def answer() -> None:
            for data in sent:
                await server.send_all(data)

        back = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            while len(back) < sum(sizes):
                back += await client.receive_some(65_536)
        assert bytes(back) == b"".join(sent)


async def test_tls_all_records_that_arrived_come_in_one_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """One read gives all the records that are there, up to the limit, and the rest later."""
    async with _pair() as (client, server, _):
        for number in range(20):
            await server.send_all(bytes([number]) * 100)
        assert await client.receive_some(1_500) == bytes(n for n in range(15) for _ in range(100))
        assert await client.receive_some() == bytes(n for n in range(15, 20) for _ in range(100))


async def test_tls_write_waits_for_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """A write is accepted at once, and counted as it was given."""
    async with _pair() as (client, server, _):
        before = client.accepted
        client.write(b"x" * 100)
        assert client.accepted - before == 100
        assert client.backlog == 100
        await client.wait_written(client.accepted)
        assert await server.receive_some(1_000) == b"x" * 100


@pytest.mark.parametrize(
    ("host", "trusted", "message"),
    [("other.test", True, "Hostname mismatch"), ("live.test", False, "unable to get local issuer")],
)
async def test_tls_handshake_with_the_wrong_server_fails_and_says_so_to_it(
    host: str, trusted: bool, message: str, autojump_clock: trio.testing.MockClock
) -> None:
    """A certificate for another name, or of an unknown authority, is refused, with an alert."""
    near, far = trio.testing.memory_stream_pair()
    context = _client_context() if trusted else ssl.create_default_context()
    client = TlsStream(near, None, context, host)
    server = Server(far, _server_context(), server_side=True)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client.start(nursery)

            async def serve() -> None:
                with pytest.raises(trio.BrokenResourceError) as told:
                    await _handshake_and_read(server)
                assert "alert" in str(told.value.__cause__).lower()

            async with trio.open_nursery() as both:
                both.start_soon(serve)
                with pytest.raises(ssl.SSLCertVerificationError, match=message):
                    await client.do_handshake()
            nursery.cancel_scope.cancel()
    await client.aclose()
    await trio.aclose_forcefully(server)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_tls_handshake_with_something_else_fails(
    answer: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    """A server that speaks plain text, or hangs up, ends the handshake with an error."""
    near, far = trio.testing.memory_stream_pair()
    client = TlsStream(near, None, _client_context(), "live.test")
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client.start(nursery)
            await far.send_all(answer) if answer else None
            await far.send_eof()
            with pytest.raises((ssl.SSLError, trio.BrokenResourceError)):
                await client.do_handshake()
            nursery.cancel_scope.cancel()
    await client.aclose()
    await far.aclose()


async def test_tls_goodbye_of_the_server_ends_the_data(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """close_notify is the end, behind everything that was sent before it."""
    async with _pair() as (client, server, _), trio.open_nursery() as nursery:
        await server.send_all(b"last words")
        nursery.start_soon(trio.aclose_forcefully, server)
        assert await client.receive_some() == b"last words"
        assert await client.receive_some() == b""
        assert client.ended.is_set()


async def test_tls_what_comes_right_behind_the_handshake_is_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """In TLS 1.2 the server is the last to speak, and may go on in the same piece."""
    near, far = trio.testing.memory_stream_pair()
    client = TlsStream(near, None, _client_context(), "live.test")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = _server_context(maximum_version=ssl.TLSVersion.TLSv1_2).wrap_bio(
        incoming, outgoing, server_side=True
    )
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client.start(nursery)
            async with trio.open_nursery() as handshake:
                handshake.start_soon(client.do_handshake)
                while not outgoing.eof:
                    incoming.write(await far.receive_some())
                    with suppress(ssl.SSLWantReadError):
                        server.do_handshake()
                        server.write(b"first words")
                        outgoing.write_eof()
                    await far.send_all(outgoing.read())
            assert await client.receive_some(5) == b"first"
            assert await client.receive_some() == b" words"
            nursery.cancel_scope.cancel()
    await client.aclose()


async def test_tls_end_without_goodbye_is_an_end(autojump_clock: trio.testing.MockClock) -> None:
    """A connection cut without close_notify ends the data, behind what arrived before."""
    async with _pair() as (client, server, far):
        await server.send_all(b"last words")
        await far.aclose()
        assert await client.receive_some() == b"last words"
        assert await client.receive_some() == b""
        assert client.ended.is_set()


async def test_tls_garbage_after_good_records_breaks_behind_them(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Records that were changed on the way break the stream, but not what came before them."""
    async with _pair() as (client, server, far):
        await server.send_all(b"good")
        await far.send_all(b"\x17\x03\x03\x00\x05wrong")
        assert await client.receive_some() == b"good"
        assert await client.receive_some() == b""
    async with _pair() as (client, _, far):
        await far.send_all(b"\x17\x03\x03\x00\x05wrong")
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()
        with pytest.raises(trio.BrokenResourceError):
            client.write(b"too late")


async def test_tls_close_says_goodbye_and_the_server_sees_it() -> None:
    """Closing sends close_notify, so that the server knows that nothing was cut off."""
    near, far = socket.socketpair()
    near.setblocking(False)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(near))
    client = TlsStream(stream, near.send, _client_context(), "live.test")
    server = trio.SSLStream(
        trio.SocketStream(trio.socket.from_stdlib_socket(far)), _server_context(), server_side=True
    )
    with trio.fail_after(10):
        async with trio.open_nursery() as handshakes:
            handshakes.start_soon(client.do_handshake)
            handshakes.start_soon(server.do_handshake)
        await client.aclose()
        assert await server.receive_some(10) == b""  # cut off would be BrokenResourceError
    await trio.aclose_forcefully(server)


@pytest.mark.parametrize("most", [1_000_000, 999, 0])
async def test_tls_what_waits_together_is_one_record(most: int) -> None:
    """Frames arrive as they do one by one, however few bytes the socket takes at a time."""
    near, far = socket.socketpair()
    near.setblocking(False)
    taken = bytearray()

    def try_write(data: bytes) -> int:
        size = near.send(data[:most]) if most else 0
        taken.extend(data[:size])
        return size

    stream = trio.SocketStream(trio.socket.from_stdlib_socket(near))
    client = TlsStream(stream, try_write, _client_context(), "live.test")
    server = trio.SSLStream(
        trio.SocketStream(trio.socket.from_stdlib_socket(far)), _server_context(), server_side=True
    )
    frames = [bytes([number]) * 900 for number in range(17)]
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client.start(nursery)
            async with trio.open_nursery() as handshakes:
                handshakes.start_soon(client.do_handshake)
                handshakes.start_soon(server.do_handshake)
            await client.wait_written(client.accepted)
            before, written = client.accepted, [client.written]
            taken.clear()
            for frame in frames:
                client.write(frame)
                written.append(client.written)
            await client.wait_written(client.accepted)
            assert client.accepted == client.written == client.begun == before + 17 * 900
            assert written == sorted(written)
            received = bytearray()
            while len(received) < 17 * 900:
                received += await server.receive_some()
            assert bytes(received) == b"".join(frames)
            if most > 999:
                assert len(_records(bytes(taken))) <= 2  # the first frame may go alone
            await client.aclose()
    await trio.aclose_forcefully(server)


@pytest.mark.parametrize("most", [1, 100, 16_405, 16_406, 16_427, 30_000])
async def test_tls_what_arrived_counts_as_begun_wherever_the_socket_stops(most: int) -> None:
    """What records add to the bytes keeps no frame that arrived from counting as begun."""
    near, far = socket.socketpair()
    near.setblocking(False)
    left = 1_000_000

    def try_write(data: bytes) -> int:
        nonlocal left
        size = near.send(data[:left])
        left -= size
        return size

    stream = trio.SocketStream(trio.socket.from_stdlib_socket(near))
    client = TlsStream(stream, try_write, _client_context(), "live.test")
    server = trio.SSLStream(
        trio.SocketStream(trio.socket.from_stdlib_socket(far)), _server_context(), server_side=True
    )
    frames = [b"x" * size for size in (90, 16_280, 14, 500, 15_884, 20, 1_000)]
    with trio.fail_after(10):
        async with trio.open_nursery() as handshakes:
            handshakes.start_soon(client.do_handshake)
            handshakes.start_soon(server.do_handshake)
        before = client.accepted
        client._pending = deque(frames)  # as if they had waited together
        client.accepted += sum(map(len, frames))
        left = most
        client._write_together()
        written, begun = client.written - before, client.begun - before
        near.shutdown(socket.SHUT_WR)  # no task writes the rest
        received = bytearray()
        with suppress(trio.BrokenResourceError):
            while data := await server.receive_some():
                received += data
        ends = list(accumulate(map(len, frames)))
        arrived = max((end for end in ends if end <= len(received)), default=0)
        assert max(arrived, written) <= begun <= min(most, sum(map(len, frames)))
    await client.aclose()
    await trio.aclose_forcefully(server)


def _records(data: bytes) -> list[bytes]:
    """Cut bytes into records of TLS."""
    records: list[bytes] = []
    while data:
        size = 5 + int.from_bytes(data[3:5])
        records.append(data[:size])
        data = data[size:]
    return records


async def test_tls_cancelled_read_loses_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """A read that is cancelled while it waits takes no data with it."""
    async with _pair() as (client, server, _):
        with trio.move_on_after(1) as scope:
            await client.receive_some()
        assert scope.cancelled_caught
        await server.send_all(b"still here")
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.receive_some()
        assert scope.cancelled_caught
        assert await client.receive_some() == b"still here"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
async def test_tls_key_update_by_the_server_is_answered(tmp_path: Path) -> None:
    """A server may change its keys and ask for ours to be changed; data flows on both ways."""
    certificate = tmp_path / "server.pem"
    CERTIFICATE.private_key_and_cert_chain_pem.write_to_path(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(certificate)]
    with trio.fail_after(30):
        server = await trio.lowlevel.open_process(
            [*command, "-tls1_3", "-naccept", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert server.stdin is not None
        assert server.stdout is not None
        server_stdin = server.stdin
        said = bytearray()

        async def say_until(text: bytes) -> None:
            assert server.stdout is not None
            while text not in said:
                said.extend(await server.stdout.receive_some())

        async with server.stdin, server.stdout, trio.open_nursery() as nursery:
            await say_until(b"ACCEPT")
            direct = DirectSocket(await trio.open_tcp_stream("127.0.0.1", port))
            client = TlsStream(direct, direct.try_write, _client_context(), "live.test")
            client.start(nursery)
            await client.do_handshake()
            received = bytearray()

            async def read() -> None:
                while data := await client.receive_some():
                    received.extend(data)

            nursery.start_soon(read)
            for number in range(3):
                client.write(b"from the client %d" % number)
                await say_until(b"from the client %d" % number)
                line = b"from the server %d\n" % number
                await server_stdin.send_all(line)  # a line at a time: it takes no two at once
                while not received.endswith(line):
                    await trio.lowlevel.checkpoint()
                heard = client.heard
                await server_stdin.send_all(b"K\n")  # update your keys, and ask for ours
                while client.heard == heard:
                    await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        await client.aclose()
        server.kill()
        await server.wait()
