"""open_music_session: a music session as a scope.

What lives here: that function. What must not: the block (scope.py) and the tasks (runner.py).
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from trio_live import endpoints
from trio_live.config import TransportConfig
from trio_live.endpoints import Endpoint, GoogleAI
from trio_live.errors import ConfigError
from trio_live.music.handle import MusicSession
from trio_live.music.runner import MusicRunner
from trio_live.scope import Scope
from trio_live.wire.marks import Platform


def open_music_session(
    model: str, *, endpoint: Endpoint | None = None, transport: TransportConfig | None = None
) -> AbstractAsyncContextManager[MusicSession]:
    """Open a session that makes music (Lyria RealTime) for the length of an `async with` block.

    Entering waits until the service has accepted the session. Leaving writes everything that was
    accepted, says goodbye and waits until all tasks have ended and the socket is closed, for
    `close_timeout` at most. If the connection is lost, the block is cancelled and ConnectionLost is
    raised out of it; if the service ends the session normally, the block goes on, its event streams
    end. The service ends a session after about ten minutes, and none can be resumed.

    Args:
        model: The model's name, such as "lyria-realtime-exp".
        endpoint: Where the service is: the Gemini API, which alone has music; a `Custom` endpoint
            is used as it is. None reads the environment, as for `open_session`.
        transport: How to connect, with all limits and timeouts.

    Raises:
        ConfigError: Here, for settings that cannot be: Vertex AI or an ephemeral token among them.
        ConnectError: On entering, if there is no connection; ConnectTimeout if it took too long.
        SetupError: On entering, if the service refused the session; SetupTimeout if it said
            nothing.
        ConnectionLost: On leaving, if the connection was lost, or was too slow for everything that
            was accepted to be written within `close_timeout`.
        Exception: An exception of the block goes out as it is, never in a group.

    Cancellation: still cleans up. If cancelled, closes without a close handshake.
    """
    if not isinstance(model, str):
        raise ConfigError(f"model must be a str, not {type(model).__name__}")
    settings = TransportConfig() if transport is None else transport
    if not isinstance(settings, TransportConfig):
        raise ConfigError(f"transport must be a TransportConfig, not {type(settings).__name__}")
    place = endpoints.from_environment() if endpoint is None else endpoints.check_endpoint(endpoint)
    if place.platform is Platform.VERTEX:
        raise ConfigError(
            "Vertex AI has no music sessions: connect to the Gemini API, with "
            "endpoint=GoogleAI(api_key=...)"
        )
    if isinstance(place, GoogleAI):
        place = place.for_music()
    model_name = place.model_name(model)
    return Scope(lambda: MusicRunner(model_name, place, settings), "open_music_session")
