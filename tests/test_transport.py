"""An open connection against the Transport protocol: messages, order, ends, and what they leave."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

import pytest
import trio
from transport_far_end import (
    BINARY,
    CLOSE,
    DIALERS,
    PING,
    PONG,
    TEXT,
    Connection,
    Dial,
    Frame,
    cancel_at_every_step,
    close_frame,
    close_payload,
    connected,
    frame,
)
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from trio_live.transport import NO_CLOSE_FRAME, DialRequest, Transport, TransportClosed
from trio_live.transport.frames import FrameStream
from trio_live.transport.outgoing import OutgoingStream
from trio_live.transport.trio_ws import TrioWebSocketTransport

MIB = 1024 * 1024
INVALID_START = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
INVALID_CODE = "invalid status code"
RESERVED_BITS = "reserved bits must be 0"
GOODBYE: Frame = (CLOSE, close_payload(1000))
SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]


@pytest.fixture(params=list(DIALERS.values()), ids=list(DIALERS))
def dial(request: pytest.FixtureRequest) -> Dial:
    """Give each implementation's dialer."""
    implementation: Dial = request.param
    return implementation


def words(dial: Dial, trio_websocket: str, websockets: str) -> str:
    """Give what the library under a transport calls it."""
    return trio_websocket if dial is DIALERS["trio_websocket"] else websockets


def ending(call: Callable[[], object]) -> tuple[int, str]:
    """Give code and reason with which a call is refused."""
    with pytest.raises(TransportClosed) as caught:
        call()
    return caught.value.code, caught.value.reason


def backlog(transport: Transport) -> int:
    """Give the number of bytes accepted and not written."""
    return transport.accepted_bytes - transport.written_bytes


# Messages.


async def test_messages_of_all_sizes_arrive_in_order(dial: Dial) -> None:
    """Text goes out, and text and binary come in, whole and in order, whatever its size."""
    texts = ["x" * size for size in SIZES] + ["ä€😀", "\x00\n"]
    async with connected(dial) as connection:
        for text in texts:
            connection.transport.send(text)
        assert await connection.far.read_frames(len(texts)) == [(TEXT, t.encode()) for t in texts]
        await connection.far.send(
            *(frame(TEXT, text.encode()) + frame(BINARY, text.encode()) for text in texts)
        )
        received = [await connection.transport.receive() for _ in range(2 * len(texts))]
        assert received == [message for text in texts for message in (text, text.encode())]


async def test_fragments_with_control_frames_between_make_one_message(dial: Dial) -> None:
    """A message may come in fragments, cut within a character, with control frames between."""
    async with connected(dial) as connection:
        await connection.far.send(
            frame(TEXT, b"caf\xc3", fin=False),
            frame(PING, b"now"),
            frame(0, b"", fin=False),
            frame(PONG, b"unasked"),
            frame(0, b"\xa9"),
            frame(BINARY, b"\x00", fin=False),
            frame(0, b"\x01"),
        )
        assert await connection.transport.receive() == "café"
        assert await connection.transport.receive() == b"\x00\x01"
        assert await connection.far.read_frame() == (PONG, b"now")


async def test_message_in_single_bytes(dial: Dial) -> None:
    """Frames may arrive in pieces of any size."""
    async with connected(dial) as connection:
        for byte in frame(TEXT, b"y" * 130) + frame(PING, b"p"):
            await connection.far.send(bytes([byte]))
        assert await connection.transport.receive() == "y" * 130
        assert await connection.far.read_frame() == (PONG, b"p")


async def test_message_of_60_mebibytes(dial: Dial) -> None:
    """By default a message of 60 MiB is received."""
    async with connected(dial) as connection, trio.open_nursery() as nursery:
        nursery.start_soon(connection.far.send, frame(TEXT, b"z" * (60 * MIB)))
        assert await connection.transport.receive() == "z" * (60 * MIB)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_message_of_the_limit_and_one_more(dial: Dial, opcode: int) -> None:
    """A message of max_message_bytes is received, one more ends the connection with 1009."""
    request = DialRequest("ws://localhost/", max_message_bytes=1000)
    async with connected(dial, request) as connection:
        await connection.far.send(frame(opcode, b"m" * 1000))
        assert len(await connection.transport.receive()) == 1000
        await connection.far.send(frame(opcode, b"m" * 501, fin=False), frame(0, b"m" * 500))
        reason = words(
            dial,
            "Exceeded maximum message size: 1000 bytes",
            "frame with 500 bytes after reading 501 bytes exceeds limit of 1000 bytes",
        )
        assert await connection.receive_rest() == ([], (1009, reason))
        assert ending(lambda: connection.transport.send("x")) == (1009, reason)
        await connection.transport.aclose()
        assert await connection.far.read_rest() == [(CLOSE, close_payload(1009, reason))]


async def test_several_messages_over_the_limit_at_once(dial: Dial) -> None:
    """More trouble behind a message that is too large changes nothing, and 1009 is sent."""
    request = DialRequest("ws://localhost/", max_message_bytes=10)
    async with connected(dial, request) as connection:
        connection.line.stall()
        await connection.far.send(frame(TEXT, b"m" * 11) * 2, frame(PING), frame(TEXT, b"m" * 11))
        await wait_all_tasks_blocked()
        connection.line.resume()
        reason = words(
            dial,
            "Exceeded maximum message size: 10 bytes",
            "frame with 11 bytes exceeds limit of 10 bytes",
        )
        assert await connection.receive_rest() == ([], (1009, reason))
        await connection.transport.aclose()
        assert await connection.far.read_rest() == [(CLOSE, close_payload(1009, reason))]


# Pings.


async def test_pings_are_answered_while_nobody_receives(dial: Dial) -> None:
    """Pings are answered behind messages that nobody takes; the messages are not lost."""
    texts = [f"message {n}" for n in range(60)]
    async with connected(dial) as connection:
        for number, text in enumerate(texts):
            await connection.far.send(frame(TEXT, text.encode()), frame(PING, b"%d" % number))
        pongs = await connection.far.read_frames(60)
        assert pongs == [(PONG, b"%d" % number) for number in range(60)]
        assert [await connection.transport.receive() for _ in range(60)] == texts


async def test_messages_that_nobody_takes_are_bounded(dial: Dial) -> None:
    """If nobody receives, reading stops in the end, and goes on with the first that is taken."""
    async with connected(dial) as connection:
        for _ in range(200):
            await connection.far.send(frame(TEXT, b"more"))
        await connection.far.send(frame(PING, b"end"))
        await wait_all_tasks_blocked()
        assert [await connection.transport.receive() for _ in range(200)] == ["more"] * 200
        assert await connection.far.read_frame() == (PONG, b"end")


@pytest.mark.parametrize("fragmented", [1, 2, 3])
async def test_fragments_behind_more_than_is_read_do_not_stop_reading(
    dial: Dial, fragmented: int
) -> None:
    """Both that wait for room over trio-websocket, its reader and who takes from it, are woken."""
    many = 100
    pieces = frame(TEXT, b"in ", fin=False) + frame(0, b"pieces")
    async with connected(dial) as connection:
        await connection.far.send(frame(TEXT, b"more") * many + pieces * fragmented)
        await wait_all_tasks_blocked()
        await connection.far.send(frame(TEXT, b"last"))
        await wait_all_tasks_blocked()
        expected = ["more"] * many + ["in pieces"] * fragmented + ["last"]
        assert [await connection.transport.receive() for _ in expected] == expected


@pytest.mark.parametrize("size", [10, 2 * MIB])
async def test_reading_goes_on_while_a_write_is_stalled(dial: Dial, size: int) -> None:
    """However much waits to be written, pings are taken and messages received."""
    async with connected(dial) as connection:
        connection.line.stall()
        connection.transport.send("a" * size)
        connection.transport.send("b")
        await connection.far.send(frame(PING, b"1"), frame(TEXT, b"first"))
        assert await connection.transport.receive() == "first"
        connection.transport.send("c")
        await connection.far.send(frame(PING, b"2"), frame(TEXT, b"second"))
        assert await connection.transport.receive() == "second"
        connection.line.resume()
        assert await connection.far.read_frames(5) == [
            (TEXT, b"a" * size),
            (TEXT, b"b"),
            (PONG, b"1"),
            (TEXT, b"c"),
            (PONG, b"2"),
        ]


async def test_pongs_that_nobody_reads_are_bounded(dial: Dial) -> None:
    """A server that sends pings and does not read is not read either, after a MiB of pongs."""
    async with connected(dial) as connection:
        connection.line.stall()
        for number in range(12_000):
            await connection.far.send(frame(PING, b"%0125d" % number))
        await connection.far.send(frame(TEXT, b"done"))
        await wait_all_tasks_blocked()
        assert MIB - 300 < backlog(connection.transport) < MIB + 300
        connection.line.resume()
        assert await connection.transport.receive() == "done"
        pongs = await connection.far.read_frames(12_000)
        assert pongs == [(PONG, b"%0125d" % number) for number in range(12_000)]
        assert backlog(connection.transport) == 0


async def test_ping_confirms_what_was_accepted_before_it(dial: Dial) -> None:
    """What a ping's answer confirms is what was accepted when it was sent, and nothing else is."""
    async with connected(dial) as connection:
        transport = connection.transport
        transport.send("one")
        before = transport.accepted_bytes
        assert transport.confirmed_bytes == 0
        transport.ping()
        assert await connection.far.read_frame() == (TEXT, b"one")
        opcode, payload = await connection.far.read_frame()
        assert (opcode, transport.confirmed_bytes) == (PING, 0)
        transport.send("two")
        heard = transport.heard_bytes
        await connection.far.send(frame(PONG, b"unasked"), frame(PONG))
        await wait_all_tasks_blocked()
        assert (transport.confirmed_bytes, transport.heard_bytes) == (0, heard + 11)
        await connection.far.send(frame(PONG, payload))
        await wait_all_tasks_blocked()
        assert transport.confirmed_bytes == before
        await connection.far.send(frame(PONG, payload))
        await wait_all_tasks_blocked()
        assert transport.confirmed_bytes == before


async def test_pings_that_are_asked_for_while_one_is_due_are_one(dial: Dial) -> None:
    """While an answer is due no ping is sent; the next one then counts for all that was asked."""
    async with connected(dial) as connection:
        transport = connection.transport
        transport.ping()
        opcode, first = await connection.far.read_frame()
        for _ in range(3):
            transport.send("more")
            transport.ping()
        assert await connection.far.read_frames(3) == [(TEXT, b"more")] * 3
        before = transport.accepted_bytes
        await connection.far.send(frame(PONG, first))
        opcode, second = await connection.far.read_frame()
        assert (opcode, second != first) == (PING, True)
        await connection.far.send(frame(PONG, second))
        await wait_all_tasks_blocked()
        assert transport.confirmed_bytes == before
        transport.goodbye()
        transport.ping()
        assert await connection.far.read_frame() == GOODBYE
        await connection.far.send(close_frame(1000))
        await transport.aclose()
        assert await connection.far.read_rest() == []


async def test_ping_on_a_connection_that_is_broken_does_nothing(dial: Dial) -> None:
    """Neither after a write that failed nor after the end does a ping raise, or confirm."""
    async with connected(dial) as connection:
        connection.line.break_writes(trio.BrokenResourceError())
        connection.transport.send("lost")
        connection.transport.ping()
        await wait_all_tasks_blocked()
        connection.transport.ping()
        await connection.far.stream.aclose()
        assert await connection.receive_rest() == ([], (NO_CLOSE_FRAME, ""))
        connection.transport.ping()
        await wait_all_tasks_blocked()
        assert connection.transport.confirmed_bytes == 0
        await connection.transport.aclose()


async def test_logging_of_everything_shows_no_payload(
    dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    """Law 6: whatever a program logs, texts that are sent or received are not in it."""
    caplog.set_level(logging.DEBUG)
    async with connected(dial) as connection:
        connection.transport.send("planted")
        await connection.far.send(frame(TEXT, b"planted"), frame(BINARY, b"planted"))
        assert await connection.transport.receive() == "planted"
        assert await connection.transport.receive() == b"planted"
        await connection.far.send(frame(3, b"planted"))
        await connection.receive_rest()
        await connection.transport.aclose()
    assert "planted" not in caplog.text


# Writes.


async def test_counters_are_exact_and_ready_frames_leave_in_one_write(dial: Dial) -> None:
    """What waited goes out in one write; accepted and written count its bytes."""
    async with connected(dial) as connection:
        transport = connection.transport
        await wait_all_tasks_blocked()
        asked = sum(map(len, connection.line.writes))
        assert (transport.accepted_bytes, transport.written_bytes) == (asked, asked)
        connection.line.writes.clear()
        connection.line.stall()
        for text in ["one", "two", "three" * 30]:
            transport.send(text)
        framed = 2 * (6 + 3) + 8 + 150
        assert (transport.accepted_bytes, transport.written_bytes) == (asked + framed, asked)
        await wait_all_tasks_blocked()
        transport.send("late")
        connection.line.resume()
        await transport.wait_written(transport.accepted_bytes)
        assert [len(write) for write in connection.line.writes] == [framed, 6 + 4]
        assert transport.accepted_bytes == transport.written_bytes == asked + framed + 10


async def test_wait_written_sees_a_large_frame_shrink(dial: Dial) -> None:
    """A large frame is written in pieces, so that waiting for room does not wait for its end."""
    async with connected(dial) as connection:
        await connection.transport.wait_written(connection.transport.accepted_bytes)
        connection.line.writes.clear()
        connection.transport.send("f" * MIB)
        assert backlog(connection.transport) == MIB + 14
        await connection.transport.wait_written(connection.transport.accepted_bytes - MIB // 2)
        assert MIB // 4 < backlog(connection.transport) <= MIB // 2
        await connection.transport.wait_written(connection.transport.accepted_bytes)
        assert max(map(len, connection.line.writes)) < 2 * 65_536
        assert await connection.far.read_frame() == (TEXT, b"f" * MIB)


async def test_wait_written_cancelled_leaves_everything_as_it_was(dial: Dial) -> None:
    """Waiting for room can be given up; what was accepted is still written."""
    async with connected(dial) as connection:
        connection.line.stall()
        connection.transport.send("x")
        with trio.CancelScope() as scope:
            scope.cancel()
            await connection.transport.wait_written(connection.transport.accepted_bytes)
        assert scope.cancelled_caught
        assert backlog(connection.transport) == 7
        connection.line.resume()
        assert await connection.far.read_frame() == (TEXT, b"x")


async def test_interleaved_writers_keep_frames_whole(dial: Dial) -> None:
    """Messages and pongs never mix, however they compete for the stream."""
    async with connected(dial) as connection:
        expected: dict[int, list[bytes]] = {TEXT: [], PONG: []}

        async def speak() -> None:
            for number in range(300):
                text = f"{number} " * (number * 7)
                expected[TEXT].append(text.encode())
                connection.transport.send(text)
                if number % 3 == 0:
                    await trio.lowlevel.checkpoint()

        async def ping() -> None:
            for number in range(300):
                expected[PONG].append(b"%d" % number)
                await connection.far.send(frame(PING, b"%d" % number))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak)
            nursery.start_soon(ping)
            frames = await connection.far.read_frames(600)
        assert {
            opcode: [payload for kind, payload in frames if kind == opcode] for opcode in expected
        } == expected


# Ends that come from the other side.


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4000, 4999]
)
async def test_close_by_the_server(dial: Dial, code: int) -> None:
    """The server's code and reason are told, after all messages, and its close is answered."""
    async with connected(dial) as connection:
        await connection.far.send(
            frame(TEXT, b"last"), frame(BINARY, b"words"), close_frame(code, "because ä")
        )
        assert await connection.receive_rest() == (["last", b"words"], (code, "because ä"))
        assert await connection.receive_rest() == ([], (code, "because ä"))
        assert ending(lambda: connection.transport.send("x")) == (code, "because ä")
        await connection.transport.aclose(4001, "not said")
        assert connection.line.closed
        assert await connection.receive_rest() == ([], (code, "because ä"))
        answer = [(CLOSE, close_payload(code, "because ä"))]
        assert await connection.far.read_rest() == answer


async def test_close_by_the_server_without_a_code(dial: Dial) -> None:
    """A close frame without a code counts as 1005 and is answered by one without a code."""
    async with connected(dial) as connection:
        await connection.far.send(frame(CLOSE))
        assert await connection.receive_rest() == ([], (1005, ""))
        await connection.transport.aclose()
        assert await connection.far.read_rest() == [(CLOSE, b"")]


async def test_code_is_a_plain_number(dial: Dial) -> None:
    """Codes show as numbers, whatever the library below makes of them."""
    async with connected(dial) as connection:
        await connection.far.send(close_frame(1011))
        _, (code, _) = await connection.receive_rest()
        assert (type(code), repr(code)) == (int, "1011")


async def test_hang_up_without_a_close_frame(dial: Dial) -> None:
    """The end of the stream without a close frame is NO_CLOSE_FRAME, after all messages."""
    async with connected(dial) as connection:
        await connection.far.send(frame(TEXT, b"last"), frame(TEXT, b"half")[:3])
        await connection.far.stream.aclose()
        assert await connection.receive_rest() == (["last"], (NO_CLOSE_FRAME, ""))
        assert ending(lambda: connection.transport.send("x")) == (NO_CLOSE_FRAME, "")
        await connection.transport.aclose()
        assert connection.line.closed


async def test_end_of_what_is_received_leaves_nothing_to_say(
    dial: Dial, autojump_clock: MockClock
) -> None:
    """After the end of data, closing neither says goodbye nor waits for a write that is stalled."""
    async with connected(dial) as connection:
        await wait_all_tasks_blocked()
        connection.line.stall()
        connection.transport.send("stalled")
        assert isinstance(connection.far.stream, trio.StapledStream)
        await connection.far.stream.send_stream.aclose()
        assert await connection.receive_rest() == ([], (NO_CLOSE_FRAME, ""))
        accepted = connection.transport.accepted_bytes
        await connection.transport.aclose()
        assert connection.transport.accepted_bytes == accepted
        assert (trio.current_time(), connection.line.closed) == (0, True)
        assert await connection.far.read_rest() == []


async def test_reset_of_the_stream(dial: Dial) -> None:
    """A stream that breaks is NO_CLOSE_FRAME, after all messages."""
    async with connected(dial) as connection:
        connection.line.break_reads(trio.BrokenResourceError())
        await connection.far.send(frame(TEXT, b"last"))
        assert await connection.receive_rest() == (["last"], (NO_CLOSE_FRAME, ""))
        await connection.transport.aclose()


@pytest.mark.parametrize(
    ("data", "code", "trio_websocket", "of_websockets"),
    [
        (frame(TEXT, b"\xff"), 1007, INVALID_START, INVALID_START),
        (frame(TEXT, b"a", reserved=4), 1002, "Reserved bit set unexpectedly", RESERVED_BITS),
        (frame(TEXT, b"a", reserved=1), 1002, "Reserved bit set unexpectedly", RESERVED_BITS),
        (frame(3, b"a"), 1002, "Invalid opcode 0x3", "invalid opcode"),
        (frame(15), 1002, "Invalid opcode 0xf", "invalid opcode"),
        (frame(0, b"a"), 1002, "unexpected CONTINUATION", "unexpected continuation frame"),
        (
            frame(PING, b"a", fin=False),
            1002,
            "Invalid attempt to fragment control frame",
            "fragmented control frame",
        ),
        (
            frame(PING, b"a" * 126),
            1002,
            "Control frame with payload len > 125",
            "control frame too long",
        ),
        (b"\x81\x81mask!", 1002, "client received unexpected masked frame", "incorrect masking"),
        (frame(CLOSE, b"\x03"), 1002, "CLOSE with 1 byte payload", "close frame too short"),
        (frame(CLOSE, close_payload(999)), 1002, "CLOSE with invalid code", INVALID_CODE),
        (
            frame(CLOSE, close_payload(1006)),
            1002,
            "remote CLOSE with local-only reason",
            INVALID_CODE,
        ),
        (
            frame(CLOSE, close_payload(2000)),
            1002,
            "CLOSE with unknown reserved code",
            INVALID_CODE,
        ),
    ],
)  # fmt: skip
async def test_broken_rules_end_the_connection(
    dial: Dial, data: bytes, code: int, trio_websocket: str, of_websockets: str
) -> None:
    """Bytes that break the rules end it without a code of the server; it is told which rule."""
    reason = words(dial, trio_websocket, of_websockets)
    async with connected(dial) as connection:
        await connection.far.send(frame(TEXT, b"good") + data, frame(TEXT, b"unread"))
        assert await connection.receive_rest() == (["good"], (NO_CLOSE_FRAME, reason))
        assert ending(lambda: connection.transport.send("x")) == (NO_CLOSE_FRAME, reason)
        await connection.transport.aclose()
        assert await connection.receive_rest() == ([], (NO_CLOSE_FRAME, reason))
        assert await connection.far.read_rest() == [(CLOSE, close_payload(code, reason))]


async def test_write_failure_is_noticed_and_last_words_are_heard(dial: Dial) -> None:
    """A failed write refuses what comes after it; what the server said last is still received."""
    async with connected(dial) as connection:
        transport = connection.transport
        connection.line.stall()
        transport.send("lost")
        refused: list[tuple[int, str]] = []

        async def wait() -> None:
            try:
                await transport.wait_written(transport.accepted_bytes)
            except TransportClosed as closed:
                refused.append((closed.code, closed.reason))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            connection.line.break_writes(trio.BrokenResourceError())
        assert refused == [(NO_CLOSE_FRAME, "")]
        accepted = transport.accepted_bytes
        assert ending(lambda: transport.send("refused")) == (NO_CLOSE_FRAME, "")
        assert (transport.accepted_bytes, backlog(transport)) == (accepted, 10)
        await connection.far.send(frame(PING), frame(TEXT, b"why"), close_frame(1008, "API key"))
        assert await connection.receive_rest() == (["why"], (1008, "API key"))
        assert ending(lambda: transport.send("refused")) == (1008, "API key")
        await transport.aclose()


async def test_failure_inside_the_library_ends_only_the_connection(
    dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen error while reading is the cause of a TransportClosed and goes nowhere else."""
    bug = RuntimeError("a bug")
    caplog.set_level(logging.INFO)
    async with connected(dial) as connection:
        connection.line.break_reads(bug)
        await connection.far.send(frame(TEXT, b"good"))
        assert await connection.transport.receive() == "good"
        with pytest.raises(TransportClosed) as caught:
            await connection.transport.receive()
        assert (caught.value.code, caught.value.__cause__) == (NO_CLOSE_FRAME, bug)
        assert ending(lambda: connection.transport.send("x")) == (NO_CLOSE_FRAME, "")
        await connection.transport.aclose()
        assert connection.line.closed
    assert caplog.records == []


async def test_keyboard_interrupt_is_not_swallowed(dial: Dial) -> None:
    """What is not an Exception goes through the nursery, and the stream is closed."""
    connection = Connection()
    with pytest.RaisesGroup(KeyboardInterrupt, flatten_subgroups=True), trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.far.accept)
            await dial(nursery, DialRequest("ws://localhost/"), open_stream=connection.open_stream)
            connection.line.break_reads(KeyboardInterrupt())
            await connection.far.send(frame(TEXT, b"now"))
            await trio.sleep_forever()
    assert connection.line.closed


# Ends that begin here.


async def answer_close(connection: Connection, *before: bytes, code: int = 1000) -> list[Frame]:
    """Read up to a close frame, answer it, hang up; give all that was read."""
    frames = [await connection.far.read_frame()]
    while frames[-1][0] != CLOSE:
        frames.append(await connection.far.read_frame())
    await connection.far.send(*before, close_frame(code))
    frames += await connection.far.read_rest()
    await connection.far.stream.aclose()
    return frames


async def test_aclose_waits_for_the_answer(dial: Dial, autojump_clock: MockClock) -> None:
    """Closing sends code and reason, waits for the answer and closes the stream."""
    async with connected(dial) as connection:
        connection.transport.send("last words")

        async def serve() -> None:
            assert await connection.far.read_frame() == (TEXT, b"last words")
            assert await connection.far.read_frame() == (CLOSE, close_payload(4000, "bye"))
            await trio.sleep(3)
            assert not connection.line.closed
            await connection.far.send(close_frame(4000, "bye bye"))
            assert await connection.far.read_rest() == []

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            await connection.transport.aclose(4000, "bye")
            assert (trio.current_time(), connection.line.closed) == (3, True)
        assert await connection.receive_rest() == ([], (4000, "bye bye"))
        assert ending(lambda: connection.transport.send("x")) == (4000, "bye bye")


async def test_aclose_without_an_answer(dial: Dial, autojump_clock: MockClock) -> None:
    """Without an answer the caller's timeout ends the wait; what was said alone is no clean end."""
    async with connected(dial) as connection:
        with trio.move_on_after(5) as patience:
            await connection.transport.aclose(4000, "bye")
        assert patience.cancelled_caught
        assert (trio.current_time(), connection.line.closed) == (5, True)
        assert await connection.receive_rest() == ([], (1006, ""))
        assert ending(lambda: connection.transport.send("x")) == (1006, "")
        assert await connection.far.read_rest() == [(CLOSE, close_payload(4000, "bye"))]


async def test_aclose_while_a_write_is_stalled(dial: Dial, autojump_clock: MockClock) -> None:
    """A server that reads nothing cannot hold up a close beyond the caller's timeout."""
    async with connected(dial) as connection:
        connection.line.stall()
        connection.transport.send("x")
        with trio.move_on_after(5):
            await connection.transport.aclose()
        assert (trio.current_time(), connection.line.closed) == (5, True)
        with pytest.raises(TransportClosed):
            await connection.transport.wait_written(connection.transport.accepted_bytes)
        assert await connection.far.read_rest() == []


async def test_aclose_when_the_server_is_gone(dial: Dial, autojump_clock: MockClock) -> None:
    """With nobody to answer, closing does not wait."""
    async with connected(dial) as connection:
        await connection.far.stream.aclose()
        await connection.transport.aclose()
        assert (trio.current_time(), connection.line.closed) == (0, True)


async def test_aclose_of_a_stream_that_cannot_be_written(
    dial: Dial, autojump_clock: MockClock
) -> None:
    """If the goodbye cannot be written, the end of what is read is waited for, and suffices."""
    async with connected(dial) as connection:
        connection.line.break_writes(trio.BrokenResourceError())
        connection.transport.send("x")
        await wait_all_tasks_blocked()

        async def hang_up() -> None:
            await trio.sleep(2)
            await connection.far.stream.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(hang_up)
            await connection.transport.aclose()
        assert (trio.current_time(), connection.line.closed) == (2, True)


async def test_ping_after_our_close_does_not_disturb_it(dial: Dial) -> None:
    """A ping that crosses our close is not answered, and the closing handshake goes on."""
    async with connected(dial) as connection:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.transport.aclose)
            assert await answer_close(connection, frame(PING, b"?"), frame(PONG)) == [GOODBYE]
        assert await connection.receive_rest() == ([], (1000, ""))


async def test_data_after_our_close_is_dropped(dial: Dial) -> None:
    """Messages that cross our close are dropped, and do not keep the answer from being read."""
    async with connected(dial) as connection:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.transport.aclose)
            assert await answer_close(connection, frame(TEXT, b"late") * 1000) == [GOODBYE]
        assert await connection.receive_rest() == ([], (1000, ""))


async def test_aclose_behind_messages_that_nobody_took(dial: Dial) -> None:
    """Messages that wait to be received do not hold up a close."""
    async with connected(dial) as connection:
        await connection.far.send(frame(TEXT, b"unread") * 1000)
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.transport.aclose)
            assert await answer_close(connection) == [GOODBYE]


async def test_trouble_after_our_close_ends_the_wait(dial: Dial) -> None:
    """If what comes after our close breaks the rules, or is too large, that is the end."""
    request = DialRequest("ws://localhost/", max_message_bytes=10)
    for trouble in (frame(3), frame(TEXT, b"m" * 11), frame(TEXT, b"m" * 11) * 3):
        async with connected(dial, request) as connection:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.transport.aclose)
                assert await connection.far.read_frame() == GOODBYE
                await connection.far.send(trouble)
            assert await connection.far.read_rest() == []


async def test_closes_that_cross(dial: Dial) -> None:
    """If both sides close at once, each sends one close frame, and the server's code is told."""
    async with connected(dial) as connection:
        await connection.far.send(close_frame(1001, "away"))
        await connection.transport.aclose()
        assert await connection.receive_rest() == ([], (1001, "away"))
        assert await connection.far.read_rest() == [GOODBYE]


async def test_aclose_twice(dial: Dial) -> None:
    """A second close, at the same time or later, waits for the same answer and says nothing."""
    async with connected(dial) as connection:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.transport.aclose, 1000)
            await wait_all_tasks_blocked()
            nursery.start_soon(connection.transport.aclose, 4000, "again")
            await wait_all_tasks_blocked()
            assert not connection.line.closed
            assert await answer_close(connection) == [GOODBYE]
        await connection.transport.aclose()
        assert await connection.receive_rest() == ([], (1000, ""))


async def test_aclose_writes_the_answer_to_the_servers_close(dial: Dial) -> None:
    """After the server's close, what was accepted and the answer are still written."""
    async with connected(dial) as connection:
        connection.line.stall()
        connection.transport.send("last words")
        await connection.far.send(close_frame(1001))
        assert await connection.receive_rest() == ([], (1001, ""))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.transport.aclose)
            await wait_all_tasks_blocked()
            assert not connection.line.closed
            connection.line.resume()
        expected = [(TEXT, b"last words"), (CLOSE, close_payload(1001))]
        assert await connection.far.read_rest() == expected


@pytest.mark.parametrize("stalled", [False, True], ids=["flowing", "stalled"])
async def test_nothing_follows_a_close_frame(dial: Dial, stalled: bool) -> None:
    """Whoever closes, and however often sends are tried, a close frame is the last one."""
    for first in ("near", "far", "both"):
        async with connected(dial) as connection:
            sent = 0
            if stalled:
                connection.line.stall()

            async def chatter(connection: Connection = connection) -> None:
                nonlocal sent
                with pytest.raises(TransportClosed):  # noqa: PT012
                    while True:
                        connection.transport.send("chatter")
                        sent += 1
                        await trio.lowlevel.checkpoint()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(chatter)
                for _ in range(5):
                    await trio.lowlevel.checkpoint()
                if first != "far":
                    nursery.start_soon(connection.transport.aclose)
                if first != "near":
                    await connection.far.send(frame(PING), close_frame(1000), frame(PING))
                await wait_all_tasks_blocked()
                connection.line.resume()
                if first == "near":
                    await connection.far.send(frame(PING), close_frame(1000), frame(PING))
            await connection.transport.aclose()
            *frames, last = await connection.far.read_rest()
            data = [each for each in frames if each[0] != PONG]
            assert (data, last) == ([(TEXT, b"chatter")] * sent, GOODBYE)


# Cancellation.


async def test_receive_cancelled_at_every_step_loses_nothing(dial: Dial) -> None:
    """A cancelled receive has taken no message."""

    async def attempt(scope: trio.CancelScope, begin: Callable[[], None]) -> None:
        async with connected(dial) as connection:
            received = []
            begin()
            with scope:
                await connection.far.send(frame(TEXT, b"one"), frame(PING), frame(TEXT, b"two"))
                received.append(await connection.transport.receive())
                received.append(await connection.transport.receive())
            await connection.far.send(frame(TEXT, b"one") + frame(TEXT, b"two"), frame(TEXT, b"!"))
            while "!" not in received:
                received.append(await connection.transport.receive())
            assert received[-3:] == ["one", "two", "!"]
            assert received[:-3] in ([], ["one", "two"])

    assert await cancel_at_every_step(attempt) > 3


async def test_receive_nowait_gives_what_is_there_and_lets_others_run_in_between(
    dial: Dial,
) -> None:
    """With receive() in turns, each message comes once and in order; the end comes by receive()."""
    texts = [str(number) for number in range(50)]
    async with connected(dial) as connection:
        transport = connection.transport
        assert transport.receive_nowait() is None
        await connection.far.send(b"".join(frame(TEXT, text.encode()) for text in texts))
        await connection.far.send(close_frame(1000, ""))
        received = [await transport.receive()]
        goes = 0
        while received[-1] != texts[-1]:
            goes += 1
            while (message := transport.receive_nowait()) is not None:
                received.append(message)
            if received[-1] != texts[-1]:
                received.append(await transport.receive())
        assert received == texts
        assert goes == 2
        assert transport.receive_nowait() is None
        assert await connection.receive_rest() == ([], (1000, ""))


async def test_aclose_cancelled_at_every_step_closes(dial: Dial) -> None:
    """A cancelled close has closed the stream, and what was written is whole frames."""

    async def attempt(scope: trio.CancelScope, begin: Callable[[], None]) -> None:
        async with connected(dial) as connection:
            await wait_all_tasks_blocked()
            connection.transport.send("x")
            written: list[bytes] = []

            async def serve() -> None:
                while data := await connection.far.stream.receive_some():
                    written.append(bytes(data))
                    if len(b"".join(written)) == 7 + 8:
                        with suppress(trio.BrokenResourceError):  # cancelled: it did not wait
                            await connection.far.send(close_frame(1000))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve)
                begin()
                with scope:
                    await connection.transport.aclose()
                assert connection.line.closed
            assert len(b"".join(written)) in (0, 7, 7 + 8)

    assert await cancel_at_every_step(attempt) > 5


async def test_wait_written_cancelled_at_every_step(dial: Dial) -> None:
    """Wherever a wait for room is cancelled, every frame is written whole and in order."""

    async def attempt(scope: trio.CancelScope, begin: Callable[[], None]) -> None:
        async with connected(dial) as connection:
            await wait_all_tasks_blocked()
            texts = ["a" * 100_000, "b", "c" * 70_000]
            begin()
            with scope:
                for text in texts:
                    connection.transport.send(text)
                await connection.transport.wait_written(connection.transport.accepted_bytes)
            assert await connection.far.read_frames(3) == [(TEXT, t.encode()) for t in texts]

    assert await cancel_at_every_step(attempt) > 3


async def test_idle_connection_keeps_no_task_for_writing_and_pings(dial: Dial) -> None:
    """Tasks for what is seldom are there as long as there is something to do: each takes 2 KiB."""

    def helpers() -> set[str]:
        waiting, found = [*trio.lowlevel.current_task().child_nurseries], set[str]()
        while waiting:
            for task in waiting.pop().child_tasks:
                found.add(task.name)
                waiting += task.child_nurseries
        return found & {"trio_live writer", "trio_live pings"}

    async with connected(dial) as connection:
        assert helpers() == set()
        connection.line.stall()
        connection.transport.send("x")
        assert helpers() == {"trio_live writer"}
        connection.line.resume()
        assert await connection.far.read_frame() == (TEXT, b"x")
        connection.transport.ping()
        kind, payload = await connection.far.read_frame()
        await connection.far.send(frame(PONG, payload))
        await wait_all_tasks_blocked()
        assert (kind, helpers()) == (PING, set())
        assert connection.transport.confirmed_bytes > 0


# The stream below.


async def test_outgoing_stream_as_a_stream() -> None:
    """To those who take it for a plain stream, everything accepted is written in order.

    There is a task that writes as long as there is something to write.
    """
    connection = Connection()
    stream = OutgoingStream(connection.line)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            stream.start(nursery)
            connection.line.stall()
            await stream.send_all(bytearray(b"one "))
            stream.write(b"two")
            nursery.start_soon(stream.wait_send_all_might_not_block)
            await wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 2
            connection.line.resume()
            await wait_all_tasks_blocked()
            assert not nursery.child_tasks
            assert await connection.far.stream.receive_some() == b"one two"
            await stream.aclose()
        with pytest.raises(trio.BrokenResourceError):
            stream.write(b"x")
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()


async def test_frame_stream_as_a_stream() -> None:
    """To those who take it for a plain stream, it waits for what is written, and closes."""
    connection = Connection()
    outgoing = OutgoingStream(connection.line)
    request = DialRequest("ws://localhost/")
    stream = FrameStream(outgoing, TrioWebSocketTransport(request, outgoing))
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            outgoing.start(nursery)
            stream.write(frame(TEXT, b"one"))
            await stream.wait_send_all_might_not_block()
            assert connection.line.writes == [frame(TEXT, b"one")]
            await stream.aclose()
    assert connection.line.closed


async def test_outgoing_stream_counts_what_a_partial_write_took() -> None:
    """What the socket takes at once counts as written; the rest follows, and never overtakes."""
    connection = Connection()
    taken: list[bytes] = []

    def try_write(data: bytes) -> int:
        taken.append(data[:2])
        return len(taken[-1])

    stream = OutgoingStream(connection.line, try_write)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            stream.start(nursery)
            stream.write(b"ab")
            assert (stream.accepted, stream.written, taken) == (2, 2, [b"ab"])
            stream.write(b"cdef")
            stream.write(b"gh")
            assert (stream.accepted, stream.written, taken) == (8, 2, [b"ab"])
            await stream.wait_written(stream.accepted)
            assert taken == [b"ab", b"cd"]
            assert (stream.accepted, stream.written) == (8, 8)
            assert connection.line.writes == [b"efgh"]
            await stream.aclose()


async def test_outgoing_stream_writes_what_follows_within_a_millisecond_together(
    autojump_clock: MockClock,
) -> None:
    """What is written is the same as one by one; only how many at a time differs."""
    taken: list[bytes] = []

    def try_write(data: bytes) -> int:
        taken.append(data)
        return len(data)

    near, far = memory_stream_pair()
    stream = OutgoingStream(near, try_write)
    frames = [b"%d" % number for number in range(7)]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            stream.start(nursery)
            for data in frames[:3]:
                stream.write(data)
            assert taken == [b"0"]
            await wait_all_tasks_blocked()
            assert taken == [b"0", b"12"]
            stream.write(frames[3])  # still of the same moment
            assert stream.backlog == 1
            await stream.wait_written(stream.accepted)
            assert taken[2:] == [b"3"]
            await trio.sleep(0.002)
            stream.write(frames[4])
            assert taken[3:] == [b"4"]
            await far.send_all(b"read")
            await stream.receive_some()
            stream.write(frames[5])  # an answer
            assert taken[4:] == [b"5"]
            stream.write(frames[6])
            stream.write(b"7" * 20_000)  # enough
            assert taken[5:] == [b"6" + b"7" * 20_000]
            stream.write(b"alone")
            await wait_all_tasks_blocked()
            assert taken[6:] == [b"alone"]
            stream.write(b"at once")  # this sender lets others run after each
            assert taken[7:] == [b"at once"]
            stream.write(b"last")
            await stream.aclose()
            assert taken[8:] == [b"last"]
    assert stream.accepted == stream.written == sum(map(len, taken))


async def test_outgoing_stream_whose_socket_fails_later() -> None:
    """What was accepted and fails in a later write stays unwritten; the next write is told."""
    taken: list[bytes] = []

    def try_write(data: bytes) -> int:
        if taken:
            raise ConnectionResetError
        taken.append(data)
        return len(data)

    stream = OutgoingStream(Connection().line, try_write)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            stream.start(nursery)
            stream.write(b"one")
            stream.write(b"two")
            with pytest.raises(trio.BrokenResourceError):
                await stream.wait_written(stream.accepted)
            with pytest.raises(trio.BrokenResourceError):
                stream.write(b"three")
            assert (stream.accepted, stream.written, stream.begun) == (6, 3, 3)


async def test_outgoing_stream_whose_socket_fails() -> None:
    """A write that the socket refuses is not accepted, and ends the writer without an error."""

    def try_write(data: bytes) -> int:
        raise ConnectionResetError

    stream = OutgoingStream(Connection().line, try_write)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            stream.start(nursery)
            with pytest.raises(trio.BrokenResourceError) as caught:
                stream.write(b"x")
            assert type(caught.value.__cause__) is ConnectionResetError
            assert (stream.accepted, stream.written) == (0, 0)


async def test_outgoing_stream_that_breaks_in_mid_write_does_not_know_what_arrived() -> None:
    """Several frames go out in one write; if it fails, each of them may have arrived."""
    near, _ = trio.testing.memory_stream_pair()

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    near.send_stream.send_all_hook = fail
    stream = OutgoingStream(near)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            stream.write(b"one")
            stream.write(b"two")
            stream.start(nursery)
            with pytest.raises(trio.BrokenResourceError):
                await stream.wait_written(6)
            assert (stream.accepted, stream.written, stream.begun) == (6, 0, 6)
            assert near.send_stream.get_data_nowait() == b"onetwo"
