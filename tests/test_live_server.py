"""The embedded server as a whole: connections, their ends, sockets, resumption, goAway."""

from __future__ import annotations

import base64
import gc
import ssl

import pytest
import trio
import trustme
from live_server_client import (
    BEARER,
    GEMINI,
    KEY,
    MODEL,
    VERTEX,
    VERTEX_MODEL,
    Client,
    Json,
    connect,
    content_keys,
    speech,
    text_of,
)
from trio.testing import MockClock, lockstep_stream_pair, wait_all_tasks_blocked
from trio_websocket import ConnectionClosed, WebSocketConnection

import trio_live
from trio_live.testing import connect_to
from trio_live.testing.server import (
    LiveServer,
    Reply,
    ServerSession,
    UserTurn,
    realtime,
    scripted,
)
from trio_live.testing.server import models as steps
from trio_live.testing.server.conversation import Conversation
from trio_live.testing.server.line import Line
from trio_live.testing.server.realtime import Listener
from trio_live.testing.server.resumption import KEPT, Checkpoint, Checkpoints
from trio_live.testing.server.shapes import Refusal
from trio_live.testing.server.usage import Tokens

TEXT = {"responseModalities": ["TEXT"]}
UPGRADE = (
    f"GET {GEMINI}?key=k HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
).encode()
INTERNAL = "Internal error encountered."


async def handle_of(client: Client) -> str:
    """Hold one turn and return the handle that comes after it."""
    await client.say("hello")
    assert await client.receive() == {"sessionResumptionUpdate": {}}
    await client.receive_turn()
    update = (await client.receive())["sessionResumptionUpdate"]
    assert update["resumable"] is True
    handle = update["newHandle"]
    assert isinstance(handle, str)
    return handle


async def test_real_socket() -> None:
    """A client with a TCP socket is served at the URL that listen returns."""
    with trio.fail_after(60):
        async with LiveServer(pace=0) as server:
            url = await server.listen()
            host, _, port = url.removeprefix("ws://").partition(":")
            assert host == "127.0.0.1"
            stream = await trio.open_tcp_stream(host, int(port))
            async with connect(server, stream=stream) as client:
                await client.set_up(generationConfig=TEXT)
                await client.say("over TCP")
                assert text_of(await client.receive_turn()) == "over TCP"
        assert server.errors == []


async def test_tls_socket_by_name() -> None:
    """With a certificate the URL says wss, and a name with two addresses gets one port."""
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    with trio.fail_after(30):
        async with LiveServer(pace=0) as server:
            url = await server.listen("localhost", ssl_context=server_context)
            assert url.startswith("wss://localhost:")
            tcp = await trio.open_tcp_stream("localhost", int(url.rpartition(":")[2]))
            stream = trio.SSLStream(
                tcp, client_context, server_hostname="localhost", https_compatible=True
            )
            async with connect(server, stream=stream) as client:
                await client.set_up(generationConfig=TEXT)
                await client.say("over TLS")
                assert text_of(await client.receive_turn()) == "over TLS"


async def test_ipv6_address_is_bracketed(autojump_clock: MockClock) -> None:
    """The URL of an IPv6 address has brackets."""
    async with LiveServer() as server:
        try:
            url = await server.listen("::1")
        except OSError:
            pytest.skip("no IPv6 here")
        assert url.startswith("ws://[::1]:")


async def test_garbage_and_silence_at_the_upgrade(autojump_clock: MockClock) -> None:
    """What is no upgrade is answered with HTTP 400; a client that says nothing is dropped."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            stream = server.open_stream()
            await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 400 " in bytes(await stream.receive_some(1_000))
            for request in (b"\x16\x03\x01\r\n\r\n", b"GET "):
                stream = server.open_stream()
                await stream.send_all(request)
                await trio.sleep(11)
                with pytest.raises(trio.BrokenResourceError):
                    await stream.send_all(b"more")
            gone = server.open_stream()
            await gone.aclose()
            start = trio.current_time()
            await wait_all_tasks_blocked()
            assert trio.current_time() == start
            assert server.sessions == []


async def test_leaving_drops_connections_and_lets_errors_through(autojump_clock: MockClock) -> None:
    """Leaving the block ends everything, and the block's own exception stays as it is."""
    with trio.fail_after(60):
        server = LiveServer()

        async def fail() -> None:
            async with server:
                streams.append(server.open_stream())
                await server.listen()
                raise LookupError

        streams: list[trio.abc.Stream] = []
        with pytest.raises(LookupError):
            await fail()
        (stream,) = streams
        assert await stream.receive_some() == b""
        with pytest.raises(RuntimeError, match="within"):
            server.open_stream()
        with pytest.raises(RuntimeError, match="once"):
            await server.__aenter__()


async def test_leaving_while_cancelled(autojump_clock: MockClock) -> None:
    """Cancelled from outside, the block ends too; an exception of its own wins all the same."""
    with trio.fail_after(60):
        for ending in (trio.sleep_forever, trio.lowlevel.cancel_shielded_checkpoint):
            with trio.CancelScope() as scope:
                async with LiveServer() as server:
                    server.open_stream()
                    await trio.lowlevel.checkpoint()
                    scope.cancel()
                    await ending()
            assert scope.cancelled_caught
        won: list[bool] = []

        async def fail(scope: trio.CancelScope) -> None:
            async with LiveServer() as server:
                server.open_stream()
                await trio.lowlevel.checkpoint()
                scope.cancel()
                raise LookupError

        with trio.CancelScope() as scope:
            with pytest.raises(LookupError):
                await fail(scope)
            won.append(True)
        assert won


async def test_leaving_ends_sessions_that_are_open(autojump_clock: MockClock) -> None:
    """A session that is open when the server is left ends as a lost connection."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            async with connect(server) as client:
                await client.set_up()
                session = await server.wait_session()
                await session.abort()
                assert await client.receive_closed() == (1006, "")
            assert session.closed == (1006, "")
            for send in (session.send_json({}), session.send_raw(""), session.go_away(1)):
                with pytest.raises(trio.ClosedResourceError):
                    await send
            await session.close(1000)
            await session.abort()
            with pytest.raises(RuntimeError, match="ended before"):
                await session.wait_received(99)
    async with LiveServer() as server:
        stream = server.open_stream()
        with pytest.RaisesGroup(trio.TooSlowError):
            async with connect(server, stream=stream) as client:
                await client.set_up()
                raise trio.TooSlowError


async def test_client_that_closes_is_noted(autojump_clock: MockClock) -> None:
    """Code and reason of the client's close frame are what ended the session."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up()
            await client.websocket.aclose(1000, "done")
            assert await server.sessions[0].wait_closed() == (1000, "done")


async def test_close_by_the_server(autojump_clock: MockClock) -> None:
    """ServerSession.close delivers what was sent before, then the close frame; the first wins."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up()
            session = server.sessions[0]
            await session.send_json({"serverContent": {"waitingForInput": True}})
            await session.send_raw("not JSON")
            await session.send_raw(b"bytes")
            await session.close(1011, "The service is currently unavailable." + "!" * 200)
            await session.close(1000)
            assert await client.receive() == {"serverContent": {"waitingForInput": True}}
            assert await client.websocket.get_message() == "not JSON"
            assert await client.websocket.get_message() == b"bytes"
            code, reason = await client.receive_closed()
            assert (code, len(reason)) == (1011, 123)
            assert session.closed == (code, reason)


async def test_messages_after_the_close_frame_are_ignored(autojump_clock: MockClock) -> None:
    """Once the server has decided to close, nothing more is looked at."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            for _ in range(3):
                await client.send({"setup": {}})
            assert (await client.receive_closed())[0] == 1007
            assert len(server.sessions[0].received) == 1


async def open_lockstep(server: LiveServer, nursery: trio.Nursery) -> trio.abc.Stream:
    """Open a connection over a stream that takes nothing that is not read."""
    client_end, server_end = lockstep_stream_pair()
    nursery.start_soon(server.serve_stream, server_end)
    await client_end.send_all(UPGRADE)
    assert b" 101 " in bytes(await client_end.receive_some(1_000))
    await wait_all_tasks_blocked()
    return client_end


async def test_client_that_never_reads_is_left_after_the_close_timeout(
    autojump_clock: MockClock,
) -> None:
    """A close frame that cannot be delivered does not hold the session."""
    with trio.fail_after(60):
        async with LiveServer(close_timeout=3) as server, trio.open_nursery() as nursery:
            await open_lockstep(server, nursery)
            session = server.sessions[0]
            with trio.move_on_after(5) as scope:
                while True:
                    await session.send_json({})
            assert scope.cancelled_caught  # there was no room any more
            start = trio.current_time()
            await session.close(1000, "bye")
            assert trio.current_time() - start == 3
            assert session.closed == (1000, "bye")


async def test_client_that_is_lost_while_the_server_writes(autojump_clock: MockClock) -> None:
    """A write that finds the connection gone ends the session as lost."""
    with trio.fail_after(60):
        async with LiveServer() as server, trio.open_nursery() as nursery:
            client_end = await open_lockstep(server, nursery)
            session = server.sessions[0]
            await session.send_json({})
            await wait_all_tasks_blocked()
            await client_end.aclose()
            assert await session.wait_closed() == (1006, "")
        assert server.errors == []


async def test_error_of_the_stream_is_kept(autojump_clock: MockClock) -> None:
    """What goes wrong beneath a session is kept in server.errors and harms no other."""

    class BrokenStream(trio.abc.Stream):
        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            raise AssertionError

        async def wait_send_all_might_not_block(self) -> None:
            raise AssertionError

        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            raise LookupError(max_bytes)

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    with trio.fail_after(60):
        async with LiveServer() as server:
            await server.serve_stream(BrokenStream())
            assert pytest.RaisesGroup(LookupError, flatten_subgroups=True).matches(server.errors[0])
            async with connect(server) as client:
                assert "setupComplete" in await client.set_up()


async def test_client_that_leaves_at_the_upgrade(autojump_clock: MockClock) -> None:
    """A client that is gone before its upgrade is answered leaves no error behind."""
    client_end, server_end = lockstep_stream_pair()
    with trio.fail_after(60):
        async with LiveServer() as server, trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, server_end)
            await client_end.send_all(UPGRADE)
            await wait_all_tasks_blocked()
            await client_end.aclose()
        assert server.sessions == []
        assert server.errors == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"GET",
        UPGRADE,
        UPGRADE.replace(b"/ws/", b"/no/"),
        b"POST /v1alpha/auth_tokens HTTP/1.1",
    ],
    ids=["nothing", "a part", "an upgrade", "an upgrade to nowhere", "a part of a POST"],
)
async def test_client_that_resets_the_connection(
    request_bytes: bytes, autojump_clock: MockClock
) -> None:
    """A reset before there is a session, in the middle of a refusal too, is no error of ours."""

    class ResetStream(trio.abc.Stream):
        waiting = [request_bytes] if request_bytes else []

        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError

        async def wait_send_all_might_not_block(self) -> None:
            raise AssertionError

        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            await trio.lowlevel.checkpoint()
            if not self.waiting:
                raise trio.BrokenResourceError
            return self.waiting.pop()

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    with trio.fail_after(60):
        async with LiveServer() as server:
            await server.serve_stream(ResetStream())
            assert server.sessions == []
            assert server.errors == []


async def test_wait_session_waits_for_the_connection(autojump_clock: MockClock) -> None:
    """A session can be awaited before its client exists."""
    with trio.fail_after(60):
        async with LiveServer() as server, trio.open_nursery() as nursery:

            async def come() -> None:
                await trio.sleep(1)
                async with connect(server) as client:
                    await client.set_up()

            nursery.start_soon(come)
            session = await server.wait_session()
            assert session is server.sessions[0]
            assert session.is_set_up


async def test_answer_to_a_closing_session_is_stopped(autojump_clock: MockClock) -> None:
    """A model that goes on after the session was closed is cancelled, without an error."""
    reached: list[str] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reply.session.close, 1000)
            try:
                await reply.text("too late")
            finally:
                reached.append(turn.text)

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up(generationConfig=TEXT)
            await client.say("go")
            assert await client.receive_closed() == (1000, "")
            await server.sessions[0].wait_closed()
            assert reached == ["go"]
            assert server.sessions[0].error is None


async def test_pings_are_answered_while_generating(autojump_clock: MockClock) -> None:
    """Reading goes on during an answer: a ping is answered at once."""
    with trio.fail_after(60):
        model = scripted([[steps.UntilInterrupted()]])
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up()
            await client.say("go")
            start = trio.current_time()
            await client.websocket.ping(b"1")
            assert trio.current_time() == start


async def test_go_away_announces_the_end(autojump_clock: MockClock) -> None:
    """After go_away_after the end is announced, and comes when the time has passed."""
    with trio.fail_after(1_800):
        async with LiveServer(go_away_after=540, go_away_time_left=50) as server:
            for path, headers, model, closed in (
                (GEMINI, KEY, MODEL, (1008, "The operation was aborted")),
                (VERTEX, BEARER, VERTEX_MODEL, (1000, "The operation was cancelled.")),
            ):
                async with connect(server, path, headers) as client:
                    await client.set_up(model=model)
                    start = trio.current_time()
                    assert await client.receive() == {"goAway": {"timeLeft": "50s"}}
                    assert trio.current_time() - start == pytest.approx(540)
                    assert await client.receive_closed() == closed
                    assert trio.current_time() - start == pytest.approx(590)


async def test_go_away_on_request(autojump_clock: MockClock) -> None:
    """ServerSession.go_away announces at once; a client that leaves in time sees nothing else."""
    with trio.fail_after(60):
        async with LiveServer(binary_frames=True) as server, connect(server) as client:
            await client.set_up()
            await server.sessions[0].go_away(0.25)
            assert await client.websocket.get_message() == b'{"goAway":{"timeLeft":"0.25s"}}'
            await client.websocket.aclose()
            assert await server.sessions[0].wait_closed() == (1000, "")


async def test_resumed_session_remembers(autojump_clock: MockClock) -> None:
    """A handle brings the history back, any number of times, after the old socket is closed."""
    seen: list[UserTurn] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(turn)
        await reply.text("ok")

    with trio.fail_after(60):
        async with LiveServer(model) as server:
            async with connect(server) as client:
                await client.set_up(generationConfig=TEXT, sessionResumption={})
                handle = await handle_of(client)
            for _ in range(2):
                async with connect(server) as client:
                    await client.set_up(generationConfig=TEXT, sessionResumption={"handle": handle})
                    assert await handle_of(client) != handle
            history: list[Json] = [
                {"role": "user", "parts": [{"text": "hello"}]},
                {"role": "model", "parts": [{"text": "ok"}]},
            ]
            assert [turn.history for turn in seen] == [[], history, history]


async def test_handles_that_are_no_good(autojump_clock: MockClock) -> None:
    """No handle at all: 1007. Unknown: 1008. In use, or of another model: 1011."""
    with trio.fail_after(60):
        async with LiveServer() as server:

            async def refusal(handle: str, model: str = MODEL) -> tuple[int, str]:
                async with connect(server) as other:
                    resumption = {"handle": handle}
                    await other.send({"setup": {"model": model, "sessionResumption": resumption}})
                    return await other.receive_closed()

            async with connect(server) as client:
                await client.set_up(sessionResumption={})
                handle = await handle_of(client)
                assert await refusal(handle) == (1011, INTERNAL)
            await server.sessions[0].wait_closed()
            assert await refusal(handle, "models/other") == (1011, INTERNAL)
            not_found = (1008, "BidiGenerateContent session not found")
            assert await refusal("made-up") == (1007, "Invalid session handle")
            assert await refusal("0" * 32) == not_found
            server.forget_handles()
            assert await refusal(handle) == not_found


def test_handles_are_kept_up_to_a_number() -> None:
    """The oldest handle is forgotten for a new one; the newest thousand are there."""
    checkpoints = Checkpoints()
    checkpoint = Checkpoint(MODEL, [], Tokens(), lambda: False)
    handles = [checkpoints.save(checkpoint) for _ in range(KEPT + 1)]
    with pytest.raises(Refusal, match="session not found"):
        checkpoints.find(handles[0], MODEL)
    assert all(checkpoints.find(handle, MODEL) is checkpoint for handle in handles[1:])


async def test_transparent_resumption_counts_messages(autojump_clock: MockClock) -> None:
    """On Vertex AI an update says, as a string, which client message was consumed last."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, VERTEX, BEARER) as client:
            await client.set_up(model=VERTEX_MODEL, sessionResumption={"transparent": True})
            for index in ("1", "2"):
                await client.say("hello")
                await client.receive()
                await client.receive_turn()
                update = (await client.receive())["sessionResumptionUpdate"]
                assert update["lastConsumedClientMessageIndex"] == index


async def test_ping_after_the_close_frame_is_no_error(autojump_clock: MockClock) -> None:
    """A client that has not read the close frame yet may ping; that is nobody's fault."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.sessions[0].close, 4000)
                await trio.lowlevel.checkpoint()
                with trio.move_on_after(1):  # no pong will come
                    await client.websocket.ping(b"there?")
            assert server.sessions[0].closed == (4000, "")
            assert client.websocket.closed is not None
            assert client.websocket.closed.code == 4000
            assert server.errors == []


async def test_transparent_index_never_passes_the_state_of_the_handle(
    autojump_clock: MockClock,
) -> None:
    """What is not in the handle's history has an index behind it, so that it is said again.

    A content that interrupts is behind the handle of the turn that it ends; speech that goes on is
    behind all handles; and while a turn waits for its answer there is none.
    """

    async def model(turn: UserTurn, reply: Reply) -> None:
        await trio.sleep(1)
        await reply.text("ok")

    handling: Json = {"activityHandling": "NO_INTERRUPTION"}
    detection: Json = {"automaticActivityDetection": {"disabled": True}}
    setup: Json = {"model": VERTEX_MODEL, "sessionResumption": {"transparent": True}}
    go: Json = {"turns": [{"role": "user", "parts": [{"text": "go"}]}], "turnComplete": True}

    async def indices(client: Client) -> list[str]:
        found: list[str] = []
        with trio.move_on_after(10):
            while True:
                update = (await client.receive()).get("sessionResumptionUpdate")
                if update:
                    found.append(update["lastConsumedClientMessageIndex"])
        return found

    with trio.fail_after(600):
        async with LiveServer(model) as server:
            async with connect(server, VERTEX, BEARER) as client:
                await client.set_up(**setup)
                await client.send({"clientContent": go})
                await client.send({"clientContent": go})
                assert await indices(client) == ["1", "2"]
            async with connect(server, VERTEX, BEARER) as client:
                await client.set_up(**setup, realtimeInputConfig=handling)
                await client.say("one")
                await client.say("two")
                await client.say("three")
                assert await indices(client) == ["3"]
            async with connect(server, VERTEX, BEARER) as client:
                await client.set_up(**setup, realtimeInputConfig=handling | detection)
                await client.say("one")
                await client.send({"realtimeInput": {"activityStart": {}}})
                await client.hear(speech(1))
                assert await indices(client) == ["1"]
                await client.send({"realtimeInput": {"activityEnd": {}}})
                assert await indices(client) == ["13"]


async def test_seeded_history_is_not_answered(autojump_clock: MockClock) -> None:
    """With initialHistoryInClientContent the first content is history; before it, all is mute."""
    seen: list[UserTurn] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(turn)

    config: Json = {"historyConfig": {"initialHistoryInClientContent": True}}
    seed = [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]
    with trio.fail_after(60):
        async with LiveServer(model) as server:
            async with connect(server) as client:
                await client.set_up(**config)
                await client.say("unheard")
                await client.send({"clientContent": {"turns": seed[:1]}})
                await client.send({"clientContent": {"turns": seed[1:], "turnComplete": True}})
                await client.say("heard")
                turn = await client.receive_turn()
                assert content_keys(turn) == ["generationComplete", "turnComplete"]
                assert [(turn.text, turn.history) for turn in seen] == [("heard", seed)]
            async with connect(server) as client:
                await client.set_up(**config)
                calls = [{"role": "model", "parts": [{"functionCall": {"name": "f"}}]}]
                await client.send({"clientContent": {"turns": calls}})
                assert (await client.receive_closed())[0] == 1007


async def test_recording_can_be_switched_off(autojump_clock: MockClock) -> None:
    """With record=False messages are counted and forgotten."""
    with trio.fail_after(60):
        async with LiveServer(record=False) as server, connect(server) as client:
            await client.set_up()
            await client.say("hello")
            await server.sessions[0].wait_received(2)
            assert server.sessions[0].received == []
            assert server.sessions[0].setup == {"model": MODEL}


async def test_message_that_is_too_long_closes_with_1009() -> None:
    """A message of more than 64 MiB is refused by the WebSocket layer."""
    with trio.fail_after(30):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up()
            await client.websocket.send_message("x" * (64 * 1024 * 1024 + 1))
            with pytest.raises(ConnectionClosed):
                await client.websocket.get_message()
            assert (await server.sessions[0].wait_closed())[0] == 1009


def test_settings_are_checked() -> None:
    """Settings that make no sense are refused where they are given."""
    with pytest.raises(ValueError, match="pace"):
        LiveServer(pace=-1)
    with pytest.raises(ValueError, match="chunk_ms"):
        LiveServer(chunk_ms=0)


async def test_refusal_arrives_whatever_the_client_sends_behind(
    autojump_clock: MockClock,
) -> None:
    """The close frame leaves, though the client's ping comes when it has been made and not sent."""
    config = trio_live.SessionConfig("models/m", response_modalities=["TEXT"])

    async def talk(server: LiveServer) -> None:
        endpoint = trio_live.GoogleAI("any-key", base_url="ws://127.0.0.1")
        async with trio_live.open_session(
            config, endpoint=endpoint, transport=connect_to(server)
        ) as session:
            await session.send_raw({"nonsense": {}})  # and a ping, to know that it arrived
            await session.join()

    async with LiveServer() as server:
        with trio.fail_after(60), pytest.raises(trio_live.ConnectionLost) as caught:
            await talk(server)
        assert caught.value.code == 1007
        assert server.errors == []


async def test_an_ended_session_keeps_nothing_of_what_was_said(autojump_clock: MockClock) -> None:
    """The server keeps its sessions, and without `record` neither media nor history with them."""
    image = base64.b64encode(bytes(1_000_000)).decode()
    shown = {"realtimeInput": {"video": {"mimeType": "image/png", "data": image}}}
    part = {"inlineData": {"mimeType": "image/png", "data": image}}
    said = {"clientContent": {"turns": [{"role": "user", "parts": [part]}]}}
    with trio.fail_after(600):
        async with LiveServer(record=False) as server:
            async with connect(server) as client:
                await client.set_up()
                await client.send(shown)
                await client.send(said)
                session = await server.wait_session()
                await session.wait_received(3)
            await session.wait_closed()
            await wait_all_tasks_blocked()
            gc.collect()
            kept = [x for x in gc.get_objects() if type(x) in (Conversation, Listener)]
            assert kept == []
            assert not any(type(x) is WebSocketConnection and x.is_server for x in gc.get_objects())
            assert session.is_set_up
            assert session.received == []


async def test_a_handle_is_good_as_soon_as_its_client_has_said_goodbye(
    autojump_clock: MockClock,
) -> None:
    """On a connection that was made before, a session goes on at once behind the close frames."""
    setup = {"generationConfig": TEXT}
    with trio.fail_after(60):
        for _ in range(20):  # Trio runs tasks in a random order
            async with LiveServer(pace=0) as server, connect(server) as old, connect(server) as new:
                await old.set_up(**setup, sessionResumption={})
                handle = await handle_of(old)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(old.websocket.aclose)
                    await old.receive_closed()
                    answer = await new.set_up(**setup, sessionResumption={"handle": handle})
                assert "setupComplete" in answer


async def test_a_handle_keeps_nothing_of_the_session_that_it_is_from(
    autojump_clock: MockClock,
) -> None:
    """A session that is forgotten is gone, though its handles are good."""
    with trio.fail_after(60):
        async with LiveServer(pace=0) as server:
            async with connect(server) as client:
                await client.set_up(generationConfig=TEXT, sessionResumption={})
                handle = await handle_of(client)
            await wait_all_tasks_blocked()
            server.sessions.clear()
            gc.collect()
            assert not any(type(x) is ServerSession or type(x) is Line for x in gc.get_objects())
            async with connect(server) as client:
                await client.set_up(generationConfig=TEXT, sessionResumption={"handle": handle})
                assert server.sessions[0].is_set_up


async def test_images_of_one_turn_are_bounded(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever shows images and never ends a turn gets those of last."""
    monkeypatch.setattr(realtime, "MOST_IMAGE_BYTES", 10)
    seen: list[list[bytes]] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(list(turn.images))

    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up()
            for number in range(5):
                data = base64.b64encode(bytes([number]) * 4).decode()
                video = {"mimeType": "image/png", "data": data}
                await client.send({"realtimeInput": {"video": video}})
            await client.say("what was that?")
            await client.receive_turn()
    assert seen == [[b"\3" * 4, b"\4" * 4]]
