"""A session that outlives its connections, whose far ends the test plays, one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import trio
from session_parts import CONFIG, ENDPOINT, SETUP_COMPLETE, Json

import trio_live
from trio_live.testing import MemoryNetwork, MemoryPeer
from trio_live.transport import DialRequest, Transport, TransportClosed

POLICY = trio_live.ReconnectPolicy()


class Lasting:
    """Answers each setup by itself, but as it is told.

    Attributes:
        peers: The far ends of all connections so far.
        unreachable: Errors that the next dials raise, one each; None for none.
        answers: What the next setups are answered by, one each, instead of setupComplete; None for
            silence; a TransportClosed for a close.
        dialling: Set while dials go through.
        requests: What was dialled.
        refused: The setups that were answered by a close.
        mute: Whether far ends answer no ping.
    """

    def __init__(self) -> None:
        self.peers: list[MemoryPeer] = []
        self.unreachable: list[Exception | None] = []
        self.answers: list[bytes | TransportClosed | None] = []
        self.dialling = trio.Event()
        self.dialling.set()
        self.requests: list[DialRequest] = []
        self.refused: list[Json] = []
        self.mute = False
        self._network = MemoryNetwork()

    @property
    def peer(self) -> MemoryPeer:
        """The far end of the last connection."""
        return self.peers[-1]

    def open(
        self,
        config: trio_live.SessionConfig = CONFIG,
        policy: trio_live.ReconnectPolicy | None = POLICY,
        *,
        changed: dict[str, Any] | None = None,
        resume: trio_live.Checkpoint | None = None,
        endpoint: trio_live.Endpoint = ENDPOINT,
        checkpoint_file: trio_live.CheckpointFile | None = None,
        **settings: Any,
    ) -> trio_live.SessionScope:
        """Open a session; `changed` changes the policy."""
        if policy is not None and changed:
            policy = replace(policy, **changed)
        transport = trio_live.TransportConfig(dialer=self.dial, reconnect=policy, **settings)
        return trio_live.open_session(
            config,
            endpoint=endpoint,
            transport=transport,
            resume=resume,
            checkpoint_file=checkpoint_file,
        )

    async def dial(self, nursery: trio.Nursery, request: DialRequest) -> Transport:
        """A dialer."""
        self.requests.append(request)
        await self.dialling.wait()
        if self.unreachable and (error := self.unreachable.pop(0)):
            raise error
        client = await self._network.dial(nursery, request)
        peer = await self._network.accept()
        self.peers.append(peer)
        if self.mute:
            peer.mute()
        answer = self.answers.pop(0) if self.answers else SETUP_COMPLETE
        if isinstance(answer, TransportClosed):
            nursery.start_soon(self._refuse, peer, answer)
        elif answer is not None:
            peer.send(answer)
        return client

    async def _refuse(self, peer: MemoryPeer, answer: TransportClosed) -> None:
        self.refused.append(msgspec.json.decode(await peer.receive()))
        peer.close(answer.code, answer.reason)

    def frames(self, index: int = -1) -> list[Json]:
        """What has come to a connection since the last time, the setup included."""
        frames: list[Json] = []
        while True:
            try:
                data = self.peers[index].client.outgoing.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                return frames
            frames.append(msgspec.json.decode(data))

    def read_and_confirm(self) -> list[str]:
        """Read everything that has come to the last connection, and say so; give its texts."""
        messages = self.frames()
        client = self.peer.client
        client.confirmed_bytes = client.written_bytes
        client.heard_bytes += 1
        return [
            message["clientContent"]["turns"][0]["parts"][0]["text"]
            for message in messages
            if "clientContent" in message
        ]

    def give_handle(
        self, handle: str = "handle-1", index: int = -1, consumed: int | None = None
    ) -> None:
        """Let the service say, on a connection, that the session can be resumed."""
        update: Json = {"newHandle": handle, "resumable": True}
        if consumed is not None:
            update["lastConsumedClientMessageIndex"] = str(consumed)
        self.peers[index].send(msgspec.json.encode({"sessionResumptionUpdate": update}))


def unreachable(**details: Any) -> trio_live.ConnectError:
    """A dial that fails for now."""
    return trio_live.ConnectError("could not connect", **{"retryable": True, **details})
