"""RFC 6455, sections 5 to 8, as a table: what a server may send, and what must come of it.

Each case runs over both transports and is delivered in one write, frame by frame, and in single
bytes. The cases are those of the common conformance lists; tests/autobahn.py runs one of these
itself, where it can. What is not in the table, because it takes two to tell: test_transport.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import trio
from transport_far_end import (
    BINARY,
    CLOSE,
    DIALERS,
    PING,
    PONG,
    TEXT,
    Dial,
    Frame,
    close_frame,
    close_payload,
    connected,
    frame,
)

from trio_live.transport import NO_CLOSE_FRAME, DialRequest

KOSME = "κόσμε".encode()
GOODBYE = close_payload(1000)


@dataclass(frozen=True)
class Case:
    """Frames of a server, and what comes of them.

    Attributes:
        name: What is special about it.
        frames: What the server sends.
        messages: What is received.
        told: The code that TransportClosed has; None if the connection goes on.
        pongs: How the pings are answered.
        answer: The code in the close frame that is sent; None if there is no code in it.
    """

    name: str
    frames: list[bytes]
    messages: list[str | bytes]
    told: int | None = None
    pongs: tuple[bytes, ...] = ()
    answer: int | None = 1000


def fragments(opcode: int, *pieces: bytes) -> list[bytes]:
    """Cut a message into frames."""
    last = len(pieces) - 1
    return [
        frame(0 if number else opcode, piece, fin=number == last)
        for number, piece in enumerate(pieces)
    ]


def goes_on(name: str, frames: list[bytes], *messages: str | bytes, pongs: list[bytes]) -> Case:
    """Make a case after which the connection is open."""
    return Case(name, frames, list(messages), pongs=tuple(pongs))


def fails(name: str, frames: list[bytes], code: int, *messages: str | bytes) -> Case:
    """Make a case that breaks a rule: a message before it arrives, the one behind it does not."""
    good = frame(TEXT, b"good")
    return Case(
        name, [good, *frames, frame(TEXT, b"x")], ["good", *messages], NO_CLOSE_FRAME, answer=code
    )


def closes(name: str, frames: list[bytes], told: int, answer: int | None) -> Case:
    """Make a case that ends with a close of the server."""
    return Case(name, [*frames, frame(TEXT, b"behind")], [], told, answer=answer)


SOUND = [
    *(
        goes_on(f"{kind} of {size}", [frame(opcode, b"*" * size)], message, pongs=[])
        for size in (0, 125, 126, 127, 128, 65_535, 65_536)
        for kind, opcode, message in (
            ("text", TEXT, "*" * size),
            ("binary", BINARY, b"*" * size),
        )
    ),
    goes_on("ping without payload", [frame(PING)], pongs=[b""]),
    goes_on("ping of 125 bytes", [frame(PING, b"\xfe" * 125)], pongs=[b"\xfe" * 125]),
    goes_on(
        "ten pings",
        [frame(PING, b"%d" % n) for n in range(10)],
        pongs=[b"%d" % n for n in range(10)],
    ),
    goes_on("pong without ping", [frame(PONG, b"unasked"), frame(PING, b"p")], pongs=[b"p"]),
    goes_on("two fragments", fragments(TEXT, b"one", b"two"), "onetwo", pongs=[]),
    goes_on("empty fragments", fragments(TEXT, b"", b"", b""), "", pongs=[]),
    goes_on("fragments around nothing", fragments(BINARY, b"a", b"", b"b"), b"ab", pongs=[]),
    goes_on(
        "pings between fragments",
        [
            frame(TEXT, b"1", fin=False),
            frame(PING, b"a"),
            frame(0, b"2", fin=False),
            frame(PING, b"b"),
            frame(PONG),
            frame(0, b"3"),
            frame(TEXT, b"4"),
        ],
        "123",
        "4",
        pongs=[b"a", b"b"],
    ),
    goes_on("binary that is no text", [frame(BINARY, b"\xff\xfe")], b"\xff\xfe", pongs=[]),
    *(
        goes_on(
            f"characters cut at {cut}", fragments(TEXT, KOSME[:cut], KOSME[cut:]), "κόσμε", pongs=[]
        )
        for cut in range(1, len(KOSME))
    ),
    goes_on(
        "characters in single bytes",
        fragments(TEXT, *(KOSME[n : n + 1] for n in range(len(KOSME)))),
        "κόσμε",
        pongs=[],
    ),
    *(
        goes_on(f"last of its length: {ord(char):#x}", [frame(TEXT, char.encode())], char, pongs=[])
        for char in "\x00\x7f\x80\u07ff\u0800\ud7ff\ue000\ufffe\uffff\U00010000\U0010ffff"
    ),
]

NOT_UTF_8 = {
    "a continuation alone": b"\x80",
    "a beginning alone": b"\xc3",
    "a beginning and a letter": b"\xc3(",
    "two of three bytes": b"\xe2\x82",
    "three of four bytes": b"\xf0\x9f\x98",
    "/ in two bytes": b"\xc0\xaf",
    "/ in three bytes": b"\xe0\x80\xaf",
    "/ in four bytes": b"\xf0\x80\x80\xaf",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "beyond the last": b"\xf4\x90\x80\x80",
    "half a pair": b"\xed\xa0\x80",
    "a pair": b"\xed\xa0\x80\xed\xb0\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
}

BROKEN = [
    *(
        fails(f"reserved bits {bits} in {name}", [frame(opcode, b"r", reserved=bits)], 1002)
        for bits in range(1, 8)
        for name, opcode in (("text", TEXT), ("binary", BINARY), ("ping", PING), ("close", CLOSE))
    ),
    *(
        fails(f"opcode {opcode:#x}", [frame(opcode, payload)], 1002)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        for payload in (b"", b"payload")
    ),
    *(
        fails(f"opcode {opcode:#x} of 126 bytes", [frame(opcode, b"c" * 126)], 1002)
        for opcode in (PING, PONG, CLOSE)
    ),
    *(
        fails(f"opcode {opcode:#x} in fragments", fragments(opcode, b"a", b"b"), 1002)
        for opcode in (PING, PONG, CLOSE)
    ),
    fails("continuation of nothing", [frame(0, b"c")], 1002),
    fails("continuation of nothing, and more", [frame(0, b"c", fin=False)], 1002),
    fails("text within fragments", [*fragments(TEXT, b"a", b"")[:1], frame(TEXT, b"b")], 1002),
    fails("binary within fragments", [frame(TEXT, b"a", fin=False), frame(BINARY, b"b")], 1002),
    fails("continuation behind the last", [*fragments(TEXT, b"a", b"b"), frame(0)], 1002, "ab"),
    fails("masked text", [b"\x81\x81mask!"], 1002),
    fails("masked ping", [b"\x89\x80mask"], 1002),
    *(fails(f"text: {name}", [frame(TEXT, data)], 1007) for name, data in NOT_UTF_8.items()),
    *(
        fails(f"fragments: {name}", fragments(TEXT, b"a" + data[:1], data[1:], b"", b""), 1007)
        for name, data in NOT_UTF_8.items()
    ),
    fails("close of one byte", [frame(CLOSE, b"\x03")], 1002),
    *(
        fails(f"close with {code}", [close_frame(code)], 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    ),
    fails("close: reason is not UTF-8", [frame(CLOSE, close_payload(1000) + b"\xce\xff")], 1007),
]

CLOSING = [
    *(
        closes(f"close with {code}", [close_frame(code)], code, code)
        for code in (*range(1000, 1004), *range(1007, 1014), 3000, 3999, 4000, 4999)
    ),
    closes("close without a code", [frame(CLOSE)], 1005, None),
    closes("close with a long reason", [close_frame(1000, "r" * 123)], 1000, 1000),
    closes("two closes", [close_frame(1001), close_frame(1000)], 1001, 1001),
    closes("ping behind a close", [close_frame(1001), frame(PING, b"late")], 1001, 1001),
    closes(
        "close between fragments",
        [frame(TEXT, b"half", fin=False), close_frame(1011)],
        1011,
        1011,
    ),
    closes("rubbish behind a close", [close_frame(1001), b"\xff\xff\xff"], 1001, 1001),
]

DELIVERIES = ("whole", "frames", "bytes")


def pieces(frames: list[bytes], delivery: str) -> list[bytes]:
    """Cut what is sent into what arrives at once."""
    if delivery == "frames":
        return frames
    whole = b"".join(frames)
    if delivery == "whole" or len(whole) > 2_000:
        return [whole]
    return [whole[n : n + 1] for n in range(len(whole))]


@pytest.mark.parametrize("dial", list(DIALERS.values()), ids=list(DIALERS))
@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", [*SOUND, *BROKEN, *CLOSING], ids=lambda case: case.name)
async def test_rfc_6455(dial: Dial, case: Case, delivery: str) -> None:
    """What is received, what is told of the end, and what is answered, is what the RFC says."""
    async with connected(dial) as connection:
        for piece in pieces(case.frames, delivery):
            await connection.far.send(piece)
        if case.told is None:
            assert [await connection.transport.receive() for _ in case.messages] == case.messages
        else:
            messages, (told, _) = await connection.receive_rest()
            assert (messages, told) == (case.messages, case.told)
        pongs = await connection.far.read_frames(len(case.pongs))
        assert pongs == [(PONG, payload) for payload in case.pongs]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.transport.aclose)
            opcode, payload = await connection.far.read_frame()
            if case.told is None:
                await connection.far.send(close_frame(1000))
        assert await connection.far.read_rest() == []
        assert opcode == CLOSE
        assert payload[:2] == (b"" if case.answer is None else close_payload(case.answer))


@pytest.mark.parametrize("dial", list(DIALERS.values()), ids=list(DIALERS))
@pytest.mark.parametrize("size", [126, 65_536, 1 << 62, (1 << 64) - 1])
async def test_length_that_is_too_large_ends_before_it_is_read(dial: Dial, size: int) -> None:
    """A message that says that it will be too large is not waited for, or kept."""
    request = DialRequest("ws://localhost/", max_message_bytes=100)
    async with connected(dial, request) as connection:
        await connection.far.send(b"\x82\x7f" + size.to_bytes(8, "big") + bytes(101))
        messages, (told, _) = await connection.receive_rest()
        assert (messages, told in (1009, NO_CLOSE_FRAME)) == ([], True)
        await connection.transport.aclose()
        [(opcode, payload)] = await connection.far.read_rest()
        assert (opcode, payload[:2] in (close_payload(1009), close_payload(1002))) == (CLOSE, True)


@pytest.mark.parametrize("dial", list(DIALERS.values()), ids=list(DIALERS))
async def test_frames_cut_anywhere_are_one_stream(dial: Dial) -> None:
    """Wherever the bytes of a conversation are cut in two, the same comes of them."""
    frames = [
        frame(TEXT, "ä".encode()),
        *fragments(BINARY, b"a", b"b"),
        frame(PING, b"p"),
        frame(TEXT, b"t" * 130),
        close_frame(1001, "off"),
    ]
    whole = b"".join(frames)
    for cut in range(1, len(whole)):
        async with connected(dial) as connection:
            await connection.far.send(whole[:cut])
            await connection.far.send(whole[cut:])
            messages, end = await connection.receive_rest()
            assert (messages, end) == (["ä", b"ab", "t" * 130], (1001, "off"))
            await connection.transport.aclose()
            answers: list[Frame] = [(PONG, b"p"), (CLOSE, close_payload(1001, "off"))]
            assert await connection.far.read_rest() == answers
