"""What running tools needs of a session.

What lives here: SessionLink, the tools' way into it. What must not: running (runner.py), queues
(outbox.py). Answers do not stand in line behind the program's own commands: the model may be
waiting for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from trio_live import commands

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.protocol import LiveProtocol
    from trio_live.tools.desk import Key
    from trio_live.wire.functions import FunctionResponse


class ToolSession(Protocol):
    """What running tools needs of a session."""

    @property
    def calls_owed(self) -> Mapping[Key, str]:
        """The calls that an answer can be given to: key -> name."""
        ...

    def publish(self, happened: Sequence[SessionEvent], /) -> None:
        """Tell the session's readers."""
        ...

    def declares(self, name: str) -> bool:
        """Whether the model was told of such a function."""
        ...

    def start_call(self, key: Key) -> None:
        """Note that a call is being worked on."""
        ...

    def drop_call(self, key: Key) -> None:
        """Note that a call is owed nothing."""
        ...

    async def wait_room(self) -> None:
        """Wait while so much is accepted and not written that more should wait."""
        ...

    def answer(self, responses: Sequence[FunctionResponse]) -> None:
        """Send answers; raises LocalProtocolError if they break a rule, LiveError at the end."""
        ...


class SessionLink:
    """The tools' way into a session.

    Args:
        protocol: Knows what is owed.
        publish: Tells the session's readers.
        accept: Accepts answers at once, or raises a LiveError.
        wait_room: Waits while so much is accepted and not written that more should wait.
    """

    def __init__(
        self,
        protocol: LiveProtocol,
        publish: Callable[[Sequence[SessionEvent]], None],
        accept: Callable[[commands.SendToolResponse], None],
        wait_room: Callable[[], Awaitable[None]],
    ) -> None:
        protocol.starts_told = True
        self._protocol = protocol
        self._accept = accept
        self._publish = publish
        self._wait_room = wait_room

    @property
    def calls_owed(self) -> Mapping[Key, str]:
        """See ToolSession."""
        return self._protocol.carried.answerable

    def declares(self, name: str) -> bool:
        """See ToolSession."""
        return name in self._protocol.declared

    def start_call(self, key: Key) -> None:
        """See ToolSession."""
        self._publish(self._protocol.start_call(key))

    def drop_call(self, key: Key) -> None:
        """See ToolSession."""
        self._publish(self._protocol.drop_call(key))

    def publish(self, happened: Sequence[SessionEvent]) -> None:
        """See ToolSession."""
        self._publish(happened)

    async def wait_room(self) -> None:
        """See ToolSession."""
        await self._wait_room()

    def answer(self, responses: Sequence[FunctionResponse]) -> None:
        """See ToolSession."""
        self._accept(commands.SendToolResponse(tuple(responses)))
