"""The embedded server's faults: what a plain client sees of each, at each point."""

from __future__ import annotations

import ssl
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trustme
from live_server_client import GEMINI, KEY, MODEL, connect
from trio.testing import MockClock
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    Request,
)
from wsproto.utilities import RemoteProtocolError

from trio_live.testing import CallTools, Fault, FaultPlan, LiveServer, Say, Step, scripted
from trio_live.testing.server.faults import KINDS, POINTS
from trio_live.testing.server.faulty_stream import FrameScanner

TEXT = {
    "generationConfig": {"responseModalities": ["TEXT"]},
    "tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}],
}
WORDS = {"role": "user", "parts": [{"text": "go"}]}
# What a client sees of a session in which nothing goes wrong, up to its own close frame.
BEGUN = ["setupComplete"]
SPOKEN = [*BEGUN, "one"]
CALLED = [*SPOKEN, "two", "call"]
TURN = [*CALLED, "three", "generationComplete", "turnComplete", "handle"]
WHOLE = [*TURN, "closed 1000"]
PATIENCE = 500.0


def a_server(*faults: str) -> LiveServer:
    """Make a server whose model speaks, calls a function and speaks again."""
    turn: list[Step] = [Say("one"), Say("two"), CallTools([("f", {})]), Say("three")]
    script = [turn] * 9
    return LiveServer(
        scripted(script), pace=0, faults=[Fault.parse(fault) for fault in faults], close_timeout=1
    )


class Visit:
    """One session of a plain client, on wsproto alone.

    Attributes:
        seen: What came, and at last how it ended: "closed" with code and reason, "HTTP" with status
            and headers, "broken" with the rule that was, "end" or "reset" of the connection, or
            "silent".
        handle: The last resumption handle.
        frames: Every message as it came.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.handle = ""
        self.frames: list[str] = []

    async def run(
        self,
        server: LiveServer,
        stream: trio.abc.Stream | None = None,
        handle: str = "",
        *,
        leave: bool = True,
    ) -> list[str]:
        """Connect, say something, answer the call, close unless not to leave; give `seen`."""
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._stream = stream or server.open_stream()
        self._leave = leave
        resumption = {"handle": handle} if handle else {}
        self._setup = {"setup": {"model": MODEL, "sessionResumption": resumption} | TEXT}
        self._text = ""
        with trio.move_on_after(PATIENCE) as scope:
            await self._send(Request(host="h", target=GEMINI, extra_headers=KEY))
            while not await self._read():
                pass
        if scope.cancelled_caught:
            self.seen.append("silent")
        await trio.aclose_forcefully(self._stream)
        return self.seen

    async def _send(self, event: Event) -> None:
        with suppress(trio.BrokenResourceError):
            await self._stream.send_all(self._ws.send(event))

    async def _read(self) -> bool:
        """Read once; give whether that was the end."""
        try:
            data = await self._stream.receive_some(65_536)
        except trio.BrokenResourceError:
            self.seen.append("reset")
            return True
        if not data:
            self.seen.append("end")
            return True
        try:
            self._ws.receive_data(bytes(data))
            for event in self._ws.events():
                if await self._take(event):
                    return True
        except RemoteProtocolError as error:
            self.seen.append(f"broken {error}")
            return True
        return False

    async def _take(self, event: Event) -> bool:
        match event:
            case AcceptConnection():
                await self._send(Message(data=msgspec.json.encode(self._setup).decode()))
            case RejectConnection():
                told = {name.title(): text for name, text in event.headers}
                words = [f"HTTP {event.status_code}"]
                for name in (b"Retry-After", b"Location"):
                    words += [told[name].decode()] if name in told else []
                self.seen.append(" ".join(words))
                return True
            case Ping():
                await self._send(event.response())
            case CloseConnection():
                if self._ws.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
                    await self._send(event.response())
                self.seen.append(f"closed {int(event.code)} {event.reason or ''}".strip())
                return True
            case Message():
                self._text += event.data
                if event.message_finished:
                    frame, self._text = self._text, ""
                    self.frames.append(frame)
                    await self._hear(frame)
            case _:
                raise AssertionError(event)
        return False

    async def _hear(self, frame: str) -> None:
        try:
            message: dict[str, Any] = msgspec.json.decode(frame)
        except msgspec.DecodeError:
            self.seen.append("nonsense")
            return
        answer: object = None
        content = message.get("serverContent", {})
        if "modelTurn" in content:
            self.seen += [part["text"] for part in content["modelTurn"]["parts"]]
        elif calls := message.get("toolCall", {}).get("functionCalls"):
            self.seen.append("call")
            response = {"id": calls[0]["id"], "name": "f", "response": {}}
            answer = {"toolResponse": {"functionResponses": [response]}}
        elif "sessionResumptionUpdate" in message:
            if message["sessionResumptionUpdate"].get("resumable"):
                self.handle = message["sessionResumptionUpdate"]["newHandle"]
                self.seen.append("handle")
                if self._leave:
                    await self._send(CloseConnection(code=1000))
            elif "turnComplete" in self.seen:
                self.seen.append("no handle")
        elif "goAway" in message:
            self.seen.append(f"goAway {message['goAway']['timeLeft']}")
        else:
            self.seen += [key for key in (content or message) if key != "usageMetadata"]
        if "setupComplete" in message:
            answer = {"clientContent": {"turnComplete": True, "turns": [WORDS]}}
        if answer is not None:
            await self._send(Message(data=msgspec.json.encode(answer).decode()))


async def visit(*faults: str) -> list[str]:
    """Give what a client sees of a server with these faults, which must all have happened."""
    async with a_server(*faults) as server:
        seen = await Visit().run(server)
        assert sorted(map(str, server.faults.happened)) == sorted(faults)
    return seen


BAD_UTF8 = "'utf-8' codec can't decode byte 0xff in position 19: invalid start byte"
# What ends a connection, and what the client sees then.
ENDS = {
    "close=1011,Internal error encountered.": "closed 1011 Internal error encountered.",
    "close=4999": "closed 4999",
    "quota": "closed 1011 You exceeded your current quota, please check your plan and billing "
    "details.",
    "cancelled": "closed 1000 The operation was cancelled.",
    "unknown-handle": "closed 1008 BidiGenerateContent session not found",
    "unavailable": "closed 1011 The service is currently unavailable.",
    "rst": "end",  # in memory
    "half-open": "end",
    "half-open=9999": "silent",
    "truncated": "end",
    "garbage": "closed 1002 Invalid opcode 0x7",  # as wsproto judges it
    "invalid-utf8": f"closed 1007 {BAD_UTF8}",
    "silence": "silent",
}
AT = {
    "after-upgrade": [],
    "after-setup": BEGUN,
    "during-turn": SPOKEN,
    "during-tool-call": CALLED,
}


@pytest.mark.parametrize(("what", "at"), list(product(ENDS, AT)))
async def test_fault_ends_the_session_where_it_was_asked_for(
    what: str, at: str, autojump_clock: MockClock
) -> None:
    """All that was sent before the point arrives, and nothing after it."""
    assert await visit(f"{what}@{at}") == [*AT[at], ENDS[what]]
    took = {"half-open": 60, "half-open=9999": PATIENCE, "silence": PATIENCE}.get(what, 0)
    assert took <= trio.current_time() <= took + 1


@pytest.mark.parametrize("at", AT)
async def test_fault_that_passes_lets_everything_come(at: str, autojump_clock: MockClock) -> None:
    """A stall, a trickle and nonsense cost time or a message, and nothing else."""
    assert await visit(f"stall=7@{at}") == WHOLE
    assert trio.current_time() == 7
    assert await visit(f"trickle=0.1@{at}") == WHOLE
    assert trio.current_time() > 20
    position = len(AT[at])
    assert await visit(f"nonsense@{at}") == [*WHOLE[:position], "nonsense", *WHOLE[position:]]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (["http=401@before-upgrade"], ["HTTP 401"]),
        (["http=403@before-upgrade"], ["HTTP 403"]),
        (["http=404@before-upgrade"], ["HTTP 404"]),
        (["http=429,7@before-upgrade"], ["HTTP 429 7"]),
        (["http@before-upgrade"], ["HTTP 503"]),
        (["http=503,120@before-upgrade"], ["HTTP 503 120"]),
        (["http=302,https://h/x@before-upgrade"], ["HTTP 302 https://h/x"]),
        (["rst@before-upgrade"], ["end"]),
        (["half-open=9@before-upgrade"], ["end"]),
        (["half-open=9999@before-upgrade"], ["silent"]),
        (["truncated@before-upgrade"], ["end"]),
        (["garbage@before-upgrade"], ["broken Bad HTTP message"]),
        (["stall=7@before-upgrade"], WHOLE),
        (["trickle=0.01@before-upgrade"], WHOLE),
    ],
)
async def test_fault_before_the_upgrade(
    faults: list[str], expected: list[str], autojump_clock: MockClock
) -> None:
    """Instead of the upgrade there is an HTTP answer, or none, or a part of one."""
    assert await visit(*faults) == expected
    async with a_server(*faults) as server:
        await Visit().run(server)
        assert await Visit().run(server) == WHOLE
        assert server.errors == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("rst@while-closing", "end"),
        ("half-open=9@while-closing", "end"),
        ("half-open=9999@while-closing", "silent"),
        ("stall=7@while-closing", "closed 1000"),
        ("trickle=0.1@while-closing", "closed 1000"),
        ("truncated@while-closing", "end"),
        ("garbage@while-closing", ENDS["garbage"]),
        ("invalid-utf8@while-closing", ENDS["invalid-utf8"]),
        ("oversized=70000@while-closing", "a closed 1000"),
        ("nonsense@while-closing", "nonsense closed 1000"),
        ("close=1008,too late@while-closing", "closed 1008 too late"),
        ("quota@while-closing", ENDS["quota"]),
    ],
)
async def test_fault_while_the_client_closes(
    fault: str, expected: str, autojump_clock: MockClock
) -> None:
    """The client's close frame is answered otherwise, late, or not at all."""
    seen = await visit(fault)
    assert (seen[: len(TURN)], " ".join(seen[len(TURN) :])) == (TURN, expected)


async def test_fault_while_closing_leaves_the_answer_to_our_own_close_alone(
    autojump_clock: MockClock,
) -> None:
    """A close frame that only answers the server's is no beginning of an end."""
    async with a_server("close=1001@after-setup", "rst@while-closing") as server:
        assert await Visit().run(server) == [*BEGUN, "closed 1001"]
        assert [fault.what for fault in server.faults.happened] == ["close"]


@pytest.mark.parametrize("size", [100, 70_000, 300])
async def test_fault_oversized_is_a_message_of_that_size(
    size: int, autojump_clock: MockClock
) -> None:
    """The message has exactly so many bytes, and is a JSON object that nobody knows."""
    one = Visit()
    async with a_server(f"oversized={size}@after-setup") as server:
        assert await one.run(server) == [*BEGUN, "a", *WHOLE[1:]]
    assert [len(frame) for frame in one.frames if '"a":"' in str(frame)] == [size]


async def test_fault_go_away_with_the_end_and_without(autojump_clock: MockClock) -> None:
    """The notice comes with its time, and the end follows it, or never does."""
    warned = [*BEGUN, "goAway 9s", *TURN[1:]]
    async with a_server("go-away=9@after-setup", "go-away=9,stay@after-setup+1") as server:
        ended = await Visit().run(server, leave=False)
        assert (ended, trio.current_time()) == (
            [*warned, "closed 1008 The operation was aborted"],
            9,
        )
        assert await Visit().run(server, leave=False) == [*warned, "silent"]


async def test_fault_silence_lets_a_client_leave(autojump_clock: MockClock) -> None:
    """A server that says nothing more still answers a close frame."""
    async with a_server("silence@after-setup") as server, connect(server) as client:
        assert "setupComplete" in await client.set_up()
        await client.websocket.ping(b"there?")
        await client.websocket.aclose()
        assert await server.sessions[0].wait_closed() == (1000, "")


async def test_fault_not_resumable_for_some_updates(autojump_clock: MockClock) -> None:
    """So many updates bring no handle; then there are handles again."""
    async with a_server("not-resumable=2@after-setup") as server:
        one = Visit()
        assert await one.run(server) == [*TURN[:-1], "no handle", "silent"]
        assert one.handle == ""
    assert await visit("not-resumable=0@after-setup") == WHOLE


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("unknown-handle", ["closed 1008 BidiGenerateContent session not found"]),
        ("close=1011,Internal error encountered.", ["closed 1011 Internal error encountered."]),
        ("cancelled", ["closed 1000 The operation was cancelled."]),
        ("rst", ["end"]),
        ("silence", ["silent"]),
        ("stall=7", WHOLE),
    ],
)
async def test_fault_on_resume(what: str, expected: list[str], autojump_clock: MockClock) -> None:
    """Only a setup with a handle meets it, once, and the next one is served."""
    async with a_server(f"{what}@on-resume") as server:
        first = Visit()
        assert await first.run(server) == WHOLE
        assert await Visit().run(server, handle=first.handle) == expected
        assert await Visit().run(server, handle=first.handle) == WHOLE


@pytest.mark.parametrize("what", ["rst", "close=1001"])
async def test_fault_during_replay(what: str, autojump_clock: MockClock) -> None:
    """It happens at the first message after the setup of a resumed session, not of another."""
    async with a_server(f"{what}@during-replay") as server:
        first = Visit()
        assert await first.run(server) == WHOLE
        end = "end" if what == "rst" else "closed 1001"
        seen = await Visit().run(server, handle=first.handle)
        assert (seen[0], seen[-1]) == ("setupComplete", end)
        assert "call" not in seen
        assert await Visit().run(server, handle=first.handle) == WHOLE


async def test_resume_is_refused_while_the_old_connection_is_half_open(
    autojump_clock: MockClock,
) -> None:
    """A handle is refused with 1011 while the server has not given up the connection it is from."""
    async with a_server("half-open=20@while-closing") as server:
        first = Visit()
        with trio.move_on_after(1):
            await first.run(server)
        refused = ["closed 1011 Internal error encountered."]
        assert await Visit().run(server, handle=first.handle) == refused
        await server.sessions[0].wait_closed()
        assert trio.current_time() == 20
        assert await Visit().run(server, handle=first.handle) == WHOLE


async def test_faults_are_counted_over_all_connections(autojump_clock: MockClock) -> None:
    """A fault skips and repeats as often as it says; more can be added while the server runs."""
    async with a_server("close=4001@after-setup*2+1", "close=4002@during-turn*+1") as server:
        ends = [(await Visit().run(server))[-1] for _ in range(6)]
        assert ends == ["closed 1000", "closed 4001", "closed 4001", *["closed 4002"] * 3]
        server.faults.add(Fault("rst", "before-upgrade"))
        assert await Visit().run(server) == ["end"]
        assert len(server.faults.happened) == 6
        assert server.errors == []


# Over real sockets, with TLS and without it.


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("rst@before-upgrade", ["reset"]),
        ("http=503,7@before-upgrade", ["HTTP 503 7"]),
        ("rst@during-turn", [*SPOKEN, "reset"]),
        ("rst@while-closing", [*TURN, "reset"]),
        ("truncated@during-tool-call", [*CALLED, "end"]),
        ("half-open=0.05@during-turn", [*SPOKEN, "reset"]),
        ("stall=0.05@during-turn", WHOLE),
        ("garbage@during-turn", [*SPOKEN, ENDS["garbage"]]),
        ("invalid-utf8@during-turn", [*SPOKEN, ENDS["invalid-utf8"]]),
        ("oversized=1000000@after-setup", [*BEGUN, "a", *WHOLE[1:]]),
        ("close=1012@after-setup", [*BEGUN, "closed 1012"]),
    ],
)
async def test_fault_over_a_socket(fault: str, expected: list[str], *, tls: bool) -> None:
    """Over TCP and TLS the same is seen."""
    authority = trustme.CA()
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    with trio.fail_after(30):
        async with a_server(fault) as server:
            url = await server.listen(ssl_context=theirs if tls else None)
            port = int(url.rpartition(":")[2])
            stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", port)
            if tls:
                stream = trio.SSLStream(
                    stream, ours, server_hostname="127.0.0.1", https_compatible=True
                )
            assert await Visit().run(server, stream) == expected
            assert [str(fault) for fault in server.faults.happened] == [fault]


async def test_fault_rst_resets_a_socket() -> None:
    """It is a reset, not an end."""
    with trio.fail_after(30):
        async with a_server("rst@before-upgrade") as server:
            port = int((await server.listen()).rpartition(":")[2])
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            request = f"GET {GEMINI} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
            request += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            request += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            await stream.send_all(request.encode())
            with pytest.raises(trio.BrokenResourceError) as caught:
                await stream.receive_some()
            assert isinstance(caught.value.__cause__, ConnectionResetError)
            await stream.aclose()


# The words.


def test_fault_is_read_as_it_is_written() -> None:
    """What `str` gives is what `parse` reads, for all kinds, points and counts."""
    made = 0
    for kind, point in product(KINDS, POINTS):
        for value, text, times, skip in product(
            (None, 1234, 0.5), ("", "a, b@c*+1"), (1, 3, None), (0, 2)
        ):
            try:
                fault = Fault(kind, point, value, text, times, skip)
            except ValueError:
                continue
            made += 1
            read = Fault.parse(str(fault))
            assert str(read) == str(fault)
            assert (read.what, read.at, read.amount, read.text, read.times, read.skip) == (
                fault.what, fault.at, fault.amount, fault.text, fault.times, fault.skip,
            )  # fmt: skip
    assert made > 500


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rst@after-setup", Fault("rst", "after-setup")),
        ("rst@after-setup*", Fault("rst", "after-setup", times=None)),
        ("rst@after-setup*3+2", Fault("rst", "after-setup", times=3, skip=2)),
        ("http=503,7@before-upgrade*2", Fault("http", "before-upgrade", 503, "7", 2)),
        ("stall=0.5@during-turn+1", Fault("stall", "during-turn", 0.5, skip=1)),
        ("close=1011,why @ all*@during-turn", Fault("close", "during-turn", 1011, "why @ all*")),
    ],
)
def test_fault_as_the_command_line_writes_it(text: str, expected: Fault) -> None:
    """The syntax, by examples."""
    assert Fault.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rst", "is not what"),
        ("rst@", "is not what"),
        ("boom@after-setup", "there is no fault 'boom'; there are close, rst,"),
        ("rst@lunch", "there is no point 'lunch'; there are before-upgrade,"),
        ("rst=5@after-setup", "'rst' takes no value"),
        ("quota=5@after-setup", "'quota' takes no value"),
        ("stall=5,x@after-setup", "'stall' takes no text"),
        ("go-away=5,x@after-setup", "the text of 'go-away' is 'stay' or nothing"),
        ("stall=1.2.3@after-setup", "could not convert"),
        ("close=999@after-setup", "must be a close code"),
        ("http=100@before-upgrade", "must be an HTTP status"),
        ("http=503@after-setup", "'http' cannot happen 'after-setup'"),
        ("close=1011@before-upgrade", "'close' cannot happen 'before-upgrade'"),
        ("silence@while-closing", "'silence' cannot happen 'while-closing'"),
        ("rst@after-setup*0", "times must be 1 or more"),
    ],
)
def test_fault_that_does_not_exist(text: str, complaint: str) -> None:
    """Each mistake is named."""
    with pytest.raises(ValueError, match=complaint):
        Fault.parse(text)


def test_faults_are_all_documented() -> None:
    """The page on testing names each kind and each point."""
    page = (Path(__file__).parent.parent / "docs" / "testing.md").read_text()
    assert [word for word in (*KINDS, *POINTS) if f"`{word}`" not in page] == []


def test_plan_counts_each_fault_by_itself() -> None:
    """Two faults at one point pass it together, each with its own count."""
    plan = FaultPlan([Fault("rst", "after-setup", skip=1), Fault("quota", "after-setup", times=2)])
    passed = [[fault.what for fault in plan.reach("after-setup")] for _ in range(4)]
    assert passed == [["quota"], ["rst", "quota"], [], []]
    assert plan.reach("during-turn") == []
    assert [fault.what for fault in plan.happened] == ["quota", "rst", "quota"]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 10**6])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_scanner_finds_the_close_frame_in_pieces_of_any_size(size: int, piece: int) -> None:
    """Payloads of every kind of length are passed over, whatever is in them."""
    short = min(size, 126) if size < 65_536 else 127
    extended = b"" if short < 126 else size.to_bytes(2 if short == 126 else 8, "big")
    before = b"\x81" + bytes([0x80 | short]) + extended + b"mask" + b"\x88" * size
    whole = before + b"\x88\x82mask" + b"12"
    scanner = FrameScanner()
    found = [
        start
        for start in range(0, len(whole), piece)
        if scanner.finds_close(whole[start : start + piece])
    ]
    assert len(found) == 1
    assert found[0] <= len(before) + 5 < found[0] + piece
