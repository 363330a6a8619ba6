"""SentLog: what is told of a connection that is gone."""

from __future__ import annotations

import pytest

from trio_live.commands import SendText
from trio_live.sent import SentLog
from trio_live.transport.memory import MemoryTransport


@pytest.mark.parametrize("again", [False, True])
async def test_what_was_confirmed_is_neither_unwritten_nor_uncertain(again: bool) -> None:
    """Of frames that are being written in one go, the other side may answer a ping behind some."""
    transport = MemoryTransport()
    transport.stalled = True
    log = SentLog(None, confirmed=True)
    ends: list[int] = []
    for text in ("a", "b", "c"):
        transport.send(text)
        ends.append(transport.accepted_bytes)
        log.note(SendText(text), text.encode(), 0.0, transport)
    transport.confirmed_bytes = ends[1]
    assert transport.written_bytes == 0
    assert [command for command, _, _ in log.close(transport, again=again)] == [SendText("c")]
    assert not log.uncertain
