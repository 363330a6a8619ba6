"""The embedded server's plain HTTP: what is not an upgrade is answered below WebSocket."""

from __future__ import annotations

import msgspec
import pytest
import trio
from trio.testing import MockClock

from trio_live.testing import LiveServer

PATH = b"/v1alpha/auth_tokens"
KEY = b"x-goog-api-key: k\r\n"
UPGRADE = (
    b"GET " + PATH + b" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def ask(server: LiveServer, *request: bytes, split: int = 65_536) -> tuple[int, object]:
    """Send bytes in pieces of that size; give status and body of the answer."""
    stream = server.open_stream()
    data = b"".join(request)
    for start in range(0, len(data), split):
        await stream.send_all(data[start : start + split])
    answer = b""
    while piece := await stream.receive_some():
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    return int(head[9:12]), msgspec.json.decode(body)


def post(body: bytes, headers: bytes = KEY, path: bytes = PATH, method: bytes = b"POST") -> bytes:
    """Build a request."""
    length = b"Content-Length: %d\r\n" % len(body)
    return method + b" " + path + b" HTTP/1.1\r\nHost: h\r\n" + headers + length + b"\r\n" + body


def error(status: int, message: str, name: str) -> tuple[int, object]:
    """Build an answer as Google words it."""
    return status, {"error": {"code": status, "message": message, "status": name}}


UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use "
    "API Key or other form of API consumer identity to call this API."
)
INVALID = "Invalid JSON payload received. "


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (post(b"", path=b"/"), error(404, "Not found.", "NOT_FOUND")),
        (
            post(b"", method=b"PUT"),
            error(405, "Method not allowed.", "METHOD_NOT_ALLOWED"),
        ),
        (post(b"", b""), error(403, UNREGISTERED, "PERMISSION_DENIED")),
        (
            post(b"", b"x-goog-api-key: other\r\n"),
            error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"),
        ),
        (post(b"{"), error(400, INVALID + "Unexpected token.", "INVALID_ARGUMENT")),
        (
            post(b"[]"),
            error(400, INVALID + "Root element must be a message.", "INVALID_ARGUMENT"),
        ),
        (
            post(b'{"use": 1}'),
            error(400, INVALID + 'Unknown name "use": Cannot find field.', "INVALID_ARGUMENT"),
        ),
        (post(b'{"uses": -1}'), error(400, "uses must not be negative.", "INVALID_ARGUMENT")),
        (
            post(b'{"expireTime": "soon"}'),
            error(
                400,
                "Invalid value at 'expireTime' (not an RFC 3339 timestamp)",
                "INVALID_ARGUMENT",
            ),
        ),
        (
            post(b'{"expire_time": "2027-01-01T00:00:00"}'),
            error(
                400,
                "Invalid value at 'expireTime' (not an RFC 3339 timestamp)",
                "INVALID_ARGUMENT",
            ),
        ),
        (
            post(bytes(2_000_000)),
            error(400, "Request payload size exceeds the limit.", "INVALID_ARGUMENT"),
        ),
    ],
)
async def test_request_that_is_wrong_is_refused(
    request_: bytes, expected: tuple[int, object], autojump_clock: MockClock
) -> None:
    """Path, method, credentials and body are checked, in this order, in Google's words."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=["k"]) as server:
            assert await ask(server, request_) == expected
            assert server.sessions == []
            assert server.errors == []


@pytest.mark.parametrize("split", [1, 3, 65_536])
async def test_request_may_come_in_pieces(split: int, autojump_clock: MockClock) -> None:
    """The first bytes decide what a connection is, however they arrive; either slash serves."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=["k"]) as server:
            path = b"/" + PATH + b"?key=k"
            status, body = await ask(server, post(b'{"uses": "3"}', b"", path), split=split)
            assert status == 200
            assert isinstance(body, dict)
            assert body["name"].startswith("auth_tokens/")
            assert body["uses"] == 3


@pytest.mark.parametrize("sent", [b"", b"PO", b"POST / HTTP/1.1\r\nHost"])
async def test_client_that_leaves_or_stalls_is_let_go(
    sent: bytes, autojump_clock: MockClock
) -> None:
    """A connection without a whole request ends with upgrade_timeout, or when its client leaves."""
    with trio.fail_after(600):
        async with LiveServer(upgrade_timeout=7) as server:
            stream = server.open_stream()
            await stream.send_all(sent)
            assert await stream.receive_some() == b""
            assert trio.current_time() == 7
            leaving = server.open_stream()
            await leaving.send_all(sent)
            await leaving.aclose()
            await trio.testing.wait_all_tasks_blocked()
            assert trio.current_time() == 7
            assert server.sessions == []


@pytest.mark.parametrize("whole", [UPGRADE, post(b"{}")], ids=["upgrade", "post"])
async def test_client_that_vanishes_in_its_request_is_no_error(
    whole: bytes, autojump_clock: MockClock
) -> None:
    """Wherever a request is cut, and whatever has been read by then, the server has no error."""
    with trio.fail_after(600):
        async with LiveServer(upgrade_timeout=7) as server:
            for end in range(len(whole)):
                for read_first in (False, True):
                    client = server.open_stream()
                    await client.send_all(whole[:end])
                    if read_first:
                        await trio.testing.wait_all_tasks_blocked()
                    await client.aclose()
                    await trio.testing.wait_all_tasks_blocked()
            assert trio.current_time() == 0  # nobody waited for what cannot come
            assert server.sessions == []
            assert server.errors == []


async def test_noise_is_noted_and_ends_the_connection(autojump_clock: MockClock) -> None:
    """What is not HTTP at all is an error of the server's to look at."""
    with trio.fail_after(600):
        async with LiveServer() as server:
            stream = server.open_stream()
            await stream.send_all(b"\x16\x03\x01 noise\r\n\r\n")
            assert await stream.receive_some() == b""
            assert len(server.errors) == 1


@pytest.mark.parametrize(
    ("mask", "status"),
    [
        ("generation_config.top_k,tools,labels.any_name", 200),
        ("sytemInstruction", 400),
        ("maxOutputTokens", 400),
        ("tools.googleSearch", 400),
        ("model.name", 400),
        ("explicitVadSignal", 400),
        ("generationConfig.", 400),
    ],
)
async def test_mask_of_a_token_names_fields_of_the_setup(
    mask: str, status: int, autojump_clock: MockClock
) -> None:
    """A path that would lock nothing is refused, whoever asks."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            answer = await ask(server, post(msgspec.json.encode({"fieldMask": mask})))
            assert answer[0] == status
            assert ("field_mask" in str(answer)) is (status == 400)
