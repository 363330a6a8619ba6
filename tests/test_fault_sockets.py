"""Faults over real sockets with TLS: the outcomes are those in memory; no descriptor is left."""

from __future__ import annotations

import ssl

import pytest
import trio
import trio.testing
import trustme
from fault_scenario import BIGGEST, TURN, Conversation, check_account, fault_at
from test_fault_matrix import CELLS

import trio_live
from trio_live.testing import LiveServer, scripted
from trio_live.testing.checkpoints import all_tasks, open_descriptors

AUTHORITY = trustme.CA()
FAULTS = [
    "rst@before-upgrade",
    "http@before-upgrade",
    "truncated@before-upgrade",
    "close@after-upgrade",
    "rst@after-upgrade",
    "garbage@after-upgrade",
    "unavailable@on-resume",
    "truncated@on-resume",
    "unknown-handle@on-resume",
    "rst@after-setup",
    "nonsense@after-setup",
    "not-resumable@after-setup",
    "cancelled@during-replay",
    "rst@during-turn",
    "truncated@during-turn",
    "oversized@during-turn",
    "close@during-turn",
    "invalid-utf8@during-tool-call",
    "unknown-handle@during-tool-call",
    "rst@while-closing",
    "close@while-closing",
    "garbage@while-closing",
]
AT_ONCE = trio_live.ReconnectPolicy(first_ceiling=0)


def server_context() -> ssl.SSLContext:
    """A certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    """Trusts it."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.mark.parametrize("text", FAULTS)
async def test_fault_over_tls_leaves_no_descriptor(text: str) -> None:
    """Laws 1, 4, 5: the same as over memory, in the same order, with nothing left of it."""
    fault = fault_at(text)
    with trio.fail_after(30):
        async with LiveServer(
            scripted([TURN] * 9), pace=0, faults=[fault], close_timeout=0.2
        ) as server:
            url = await server.listen(ssl_context=server_context())
            await trio.testing.wait_all_tasks_blocked()
            before = all_tasks(), open_descriptors()
            conversation = Conversation(server, fault, pause=0.05, linger=0.05)
            endpoint = trio_live.GoogleAI("planted-key", base_url=url)
            transport = trio_live.TransportConfig(
                reconnect=AT_ONCE, max_message_bytes=BIGGEST, ssl_context=client_context()
            )
            ending = await conversation.hold(endpoint, transport)
            for session in server.sessions:
                await session.wait_closed()
            await trio.testing.wait_all_tasks_blocked(0.02)
            assert (all_tasks(), open_descriptors()) == before
            check_account(server, conversation)
            assert conversation.tell(ending) == CELLS[text].rpartition("|")[0].strip()
