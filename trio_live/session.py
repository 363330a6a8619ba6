"""open_session: a session as a scope.

What lives here: the settings of a session, checked, and its scope. What must not: what entering and
leaving it do (scope.py), the session's tasks (runner.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from trio_live import endpoints, rules
from trio_live.checkpoint import Checkpoint
from trio_live.checkpoint_file import CheckpointFile
from trio_live.config import SessionConfig, TransportConfig
from trio_live.errors import ConfigError
from trio_live.handle import SessionHandle
from trio_live.no_tools import DEFAULT_AUDIO_MAX_AGE, DEFAULT_GRACE, NoTools
from trio_live.runner import SessionRunner
from trio_live.scope import Scope
from trio_live.wire.marks import Platform

if TYPE_CHECKING:
    import ssl

    from trio_live.endpoints import Endpoint
    from trio_live.gate import AudioDuringCalls
    from trio_live.tools.belt import AnyTool
    from trio_live.tools.service import ToolService


def open_session(
    config: SessionConfig,
    *,
    endpoint: Endpoint | None = None,
    transport: TransportConfig | None = None,
    connect_timeout: float | None = None,
    setup_timeout: float | None = None,
    close_timeout: float | None = None,
    ssl_context: ssl.SSLContext | None = None,
    resume: Checkpoint | None = None,
    tools: Sequence[AnyTool] | None = None,
    tool_grace: float = DEFAULT_GRACE,
    audio_during_calls: AudioDuringCalls | None = None,
    audio_max_age: float = DEFAULT_AUDIO_MAX_AGE,
    checkpoint_file: CheckpointFile | None = None,
) -> SessionScope:
    """Open a Live session for the length of an `async with` block.

    Entering waits until the service has accepted the setup. Leaving writes everything that was
    accepted, says goodbye and waits until all tasks have ended and the socket is closed, for
    `close_timeout` at most; if the block is left by cancellation or KeyboardInterrupt, it closes at
    once. If the connection is lost for good, the block is cancelled and ConnectionLost is raised
    out of it; if the service ends the session normally, the block goes on, its event streams end.

    Args:
        config: What the session is to be.
        endpoint: Where the service is; None reads the environment, with the variables and the
            precedence of google-genai (`trio_live.endpoints.from_environment`).
        transport: How to connect, with all limits and timeouts; the arguments below override it.
        connect_timeout: Seconds for the name, TCP, TLS and the HTTP upgrade together; 10.
        setup_timeout: Seconds from then until the setup is accepted; 10.
        close_timeout: Seconds that a normal end may take; 5.
        ssl_context: For wss URLs; None shares one default context among all sessions.
        resume: Go on with a session of another process, from what its `checkpoint()` gave. The
            first event after the setup is then a Reconnected. If the service does not know that
            session any more, a new one is begun (`restored=False`); without a ReconnectPolicy it
            is a SetupError.
        tools: Functions, FunctionTools and Toolkits that the model may call: they are declared and
            run here, in the session's nursery. FunctionDeclarations and Tools stand beside them,
            as in SessionConfig; calls of these come as events, to be answered by
            `send_tool_response`. None: all calls do; [] for tools that come with `update_tools`.
        tool_grace: Seconds that a normal end waits for running tools, which it cancels, before it
            says goodbye. What a tool shields for longer is still waited for by the block.
        audio_during_calls: Whether audio is sent while a BLOCKING call is open: "send", "drop" or
            "hold", which sends it afterwards. None: "hold" with tools and a model that is known to
            refuse it (`Capabilities.audio_during_calls`), else "send". With
            `activity_detection=False` it is always sent.
        audio_max_age: Held audio older than this, in seconds, is dropped.
        checkpoint_file: Save a checkpoint there at each SessionResumeUpdate that is resumable, in
            the background, and at the end, which waits for the disk. What cannot be saved meanwhile
            is an Error event, and the session goes on.

    Raises:
        ConfigError: Here, for settings that cannot be, or that the platform or the model does not
            take.
        ConnectError: On entering, if there is no connection; ConnectTimeout if it took too long.
        SetupError: On entering, if the service refused the session; SetupTimeout if it said
            nothing.
        ConnectionLost: On leaving, if the connection was lost, or was too slow for everything that
            was accepted to be written within `close_timeout`.
        OSError: On leaving, if nothing else went wrong, and the last checkpoint was not saved.
        Exception: An exception of the block goes out as it is, never in a group.

    Cancellation: still cleans up. If cancelled, closes without a close handshake.
    """
    if not isinstance(config, SessionConfig):
        raise ConfigError(f"config must be a SessionConfig, not {type(config).__name__}")
    settings = TransportConfig() if transport is None else transport
    if not isinstance(settings, TransportConfig):
        raise ConfigError(f"transport must be a TransportConfig, not {type(settings).__name__}")
    given = {
        "connect_timeout": connect_timeout,
        "setup_timeout": setup_timeout,
        "close_timeout": close_timeout,
        "ssl_context": ssl_context,
    }
    overrides: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    place = endpoints.from_environment() if endpoint is None else endpoints.check_endpoint(endpoint)
    service: ToolService | NoTools = NoTools(config)
    defaults = (None, DEFAULT_GRACE, None, DEFAULT_AUDIO_MAX_AGE)
    if (tools, tool_grace, audio_during_calls, audio_max_age) != defaults:
        from trio_live.tools.service import ToolService

        service = ToolService(
            config,
            tools,
            place.platform,
            grace=tool_grace,
            audio_during_calls=audio_during_calls,
            audio_max_age=audio_max_age,
        )
    rules.check_setup(service.config, place.platform, getattr(place, "api_version", None))
    if overrides:
        settings = replace(settings, **overrides)
    _check_resumption(config, place, settings, resume)
    file: object = checkpoint_file
    if file is not None and not isinstance(file, CheckpointFile):
        raise ConfigError(f"checkpoint_file must be a CheckpointFile, not {type(file).__name__}")
    make_runner = partial(SessionRunner, service, place, settings, resume, checkpoint_file)
    return SessionScope(make_runner, "open_session")


def _check_resumption(
    config: SessionConfig, place: Endpoint, settings: TransportConfig, resume: Checkpoint | None
) -> None:
    """Check what the settings say of resumption against the platform and each other."""
    transparent = settings.reconnect is not None and settings.reconnect.transparent
    if transparent and place.platform not in (None, Platform.VERTEX):
        raise ConfigError("transparent resumption exists at Vertex AI only")
    if transparent and not config.session_resumption:
        raise ConfigError("transparent resumption needs session_resumption=True")
    if resume is None:
        return
    checkpoint: object = resume
    if not isinstance(checkpoint, Checkpoint):
        raise ConfigError(f"resume must be a Checkpoint, not {type(checkpoint).__name__}")
    if (model := place.model_name(config.model)) != resume.model:
        raise ConfigError(f"resume is a checkpoint of {resume.model!r}, not of {model!r}")
    if config.resumption_handle is not None:
        raise ConfigError("resume has a handle already: resumption_handle must be None")
    if resume.ledger and not transparent:
        raise ConfigError("resume is of transparent resumption, and the ReconnectPolicy is not")
    if None not in (resume.platform, place.platform) and resume.platform != place.platform:
        raise ConfigError(f"resume is a checkpoint of {resume.platform}, not of {place.platform}")


class SessionScope(Scope[SessionHandle]):
    """The scope of one session; made by `open_session`, entered and left once."""
