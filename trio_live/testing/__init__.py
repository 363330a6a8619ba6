"""For the tests of programs that use trio_live: a whole service, a session without one, fixtures.

- `LiveServer`: the embedded service, over sockets or memory; `echo` and `scripted` answer for it,
or
  a function of yours. `connect_to(server)` connects a session to it in memory. `Fault` says what
  goes wrong on purpose.
- `MockSession`: a session without a service, which records what was sent and says what it is told
to.
- The fixtures `live_server` and `live_session` for pytest-trio, which pytest finds by itself.
- `MemoryNetwork`: the far end of a session's connection, message by message.
- `cancel_at_every_checkpoint(scenario)`: does a program leave anything behind when it is cancelled?
"""

from trio_live.testing.checkpoints import cancel_at_every_checkpoint
from trio_live.testing.connect import connect_to
from trio_live.testing.mock import MockSession
from trio_live.testing.server import (
    CallTools,
    Close,
    Fault,
    FaultPlan,
    GoAway,
    LiveServer,
    Model,
    MusicMaker,
    MusicMoment,
    MusicServerSession,
    Reply,
    Say,
    Send,
    ServerSession,
    Speak,
    Step,
    UntilInterrupted,
    UserTurn,
    Wait,
    echo,
    scripted,
    tone,
    tones,
)
from trio_live.transport.memory import MemoryNetwork, MemoryPeer

__all__ = [
    "CallTools",
    "Close",
    "Fault",
    "FaultPlan",
    "GoAway",
    "LiveServer",
    "MemoryNetwork",
    "MemoryPeer",
    "MockSession",
    "Model",
    "MusicMaker",
    "MusicMoment",
    "MusicServerSession",
    "Reply",
    "Say",
    "Send",
    "ServerSession",
    "Speak",
    "Step",
    "UntilInterrupted",
    "UserTurn",
    "Wait",
    "cancel_at_every_checkpoint",
    "connect_to",
    "echo",
    "scripted",
    "tone",
    "tones",
]
