"""A session whose calls are all the program's own: what stands in for its ToolService.

What lives here: NoTools, and the defaults of what `open_session` says of tools. What must not:
anything of tools/, which is imported, and made for each session, only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from trio_live.errors import LocalProtocolError

if TYPE_CHECKING:
    from trio_live.commands import UpdateContext
    from trio_live.config import SessionConfig
    from trio_live.events import SessionEvent

DEFAULT_GRACE: Final = 5.0
DEFAULT_AUDIO_MAX_AGE: Final = 5.0


class NoTools:
    """See ToolService, for a session with nothing to do there.

    Attributes:
        config: What the session is.
    """

    __slots__ = ("config",)

    def __init__(self, config: SessionConfig) -> None:
        self.config = config

    def gate(self, protocol: object) -> None:
        """All audio is sent."""

    def connect(self, *parts: object) -> None:
        """Take no part."""

    async def start(self, nursery: object) -> None:
        """Be ready for nothing."""

    def follow(self, happened: Sequence[SessionEvent]) -> None:
        """Leave the events to the program."""

    def cancel(self, call_id: str) -> bool:
        """Know no call."""
        return False

    def halt(self, by: str) -> None:
        """Have nothing to stop."""

    async def stop(self) -> None:
        """Have nothing to wait for."""

    async def update(
        self, tools: object, send: Callable[[UpdateContext], Awaitable[None]]
    ) -> NoReturn:
        """Refuse.

        Raises:
            LocalProtocolError: Always.
        """
        raise LocalProtocolError("update_tools() needs open_session(tools=[...])")
