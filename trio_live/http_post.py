"""One HTTP request on Trio, over httpcore (extra `tokens`), on streams that we open.

What lives here: a POST of JSON. What must not: what it is for. Imported only where it is used.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, cast

import trio

from trio_live.endpoints.address import Headers
from trio_live.errors import ConfigError
from trio_live.transport.proxy import ProxyFailed
from trio_live.wire import codec

try:
    import httpcore
except ImportError as error:
    raise ConfigError("this needs httpcore: pip install trio-live[tokens]") from error

_LARGEST: Final = 1024 * 1024  # bytes of an answer, its head included; real ones have some hundred

OpenStream = Callable[[str, int], Awaitable[trio.abc.Stream]]
"""Opens the byte stream under a connection: `await open_stream(host, port)`."""


class Failed(Exception):
    """There was no answer; the text says why, without secrets.

    Attributes:
        retryable: The same request may be answered later, unchanged.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(_describe(error))
        self.retryable = error.retryable if isinstance(error, ProxyFailed) else True


async def post_json(
    url: str,
    headers: Headers,
    body: dict[str, object],
    ssl_context: ssl.SSLContext,
    open_stream: OpenStream,
) -> tuple[int, bytes]:
    """Send a POST and give status and body of the answer; redirects are not followed.

    Raises:
        Failed: There was no answer.

    Cancellation: not atomic. If cancelled, the request may have been sent.
    """
    pool = httpcore.AsyncConnectionPool(
        ssl_context=ssl_context, network_backend=_Backend(open_stream), retries=0
    )
    try:
        async with pool:
            response = await pool.request(
                "POST", url, headers=list(headers), content=codec.encode_utf8(body)
            )
            return response.status, response.content
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Failed(error) from None
    except (OSError, trio.BrokenResourceError) as error:
        raise Failed(error) from None


def _describe(error: BaseException | None) -> str:
    """Say what happened, in the words of the system or the library that noticed it."""
    cause: Any = None if error is None else error.__cause__
    if isinstance(cause, BaseExceptionGroup):  # trio tried several addresses
        attempts = cast("BaseExceptionGroup[BaseException]", cause).exceptions
        return ", ".join(dict.fromkeys(_describe(each) for each in attempts))
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the TLS certificate was not accepted"
    if isinstance(error, trio.BrokenResourceError) and cause is not None:
        return _describe(cause)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


class _Backend(httpcore.AsyncNetworkBackend):
    """Lets httpcore have our streams. Timeouts are the caller's: one cancel scope around it all."""

    def __init__(self, open_stream: OpenStream) -> None:
        self._open_stream = open_stream

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Stream(await self._open_stream(host, port))
        except OSError as error:
            # Here, not above: on the way out httpcore takes the cause away.
            raise Failed(error) from None


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._read = 0  # bytes

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
    ) -> bytes:
        received = bytes(await self._stream.receive_some(max_bytes))
        self._read += len(received)
        if self._read > _LARGEST:
            raise httpcore.ReadError(f"the answer is larger than {_LARGEST} bytes")
        return received

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
    ) -> None:
        if buffer:
            await self._stream.send_all(buffer)

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        secure = trio.SSLStream(
            self._stream, ssl_context, server_hostname=server_hostname, https_compatible=True
        )
        try:
            await secure.do_handshake()
        except BaseException as error:
            await trio.aclose_forcefully(self._stream)
            if isinstance(error, OSError | trio.BrokenResourceError):
                raise Failed(error) from None
            raise
        return _Stream(secure)

    def get_extra_info(self, info: str) -> Any:
        return None
