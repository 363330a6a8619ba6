"""Which transport a session connects with, and whole sessions over each."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import trio
from session_parts import CONFIG

import trio_live
from trio_live.errors import ConfigError
from trio_live.testing import LiveServer
from trio_live.transport import trio_ws, websockets
from trio_live.transport.dialers import dialer_for

TRANSPORTS: Any = ["trio-websocket", "websockets"]


def test_transports_by_name() -> None:
    """The default is trio-websocket; websockets is chosen by its name."""
    assert trio_live.TransportConfig().transport == "trio-websocket"
    assert dialer_for("trio-websocket") is trio_ws.dial
    assert dialer_for("websockets") is websockets.dial


@pytest.mark.parametrize("name", ["", "websocket", "picows", None, 1])
def test_transport_by_another_name_is_refused(name: Any) -> None:
    """What is no transport's name is told with the names that are."""
    with pytest.raises(ConfigError, match='must be "trio-websocket" or "websockets"'):
        trio_live.TransportConfig(transport=name)


async def test_transport_whose_extra_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the extra, opening a session says what to install, and connects nowhere."""
    monkeypatch.delitem(sys.modules, "trio_live.transport.websockets")
    monkeypatch.delattr("trio_live.transport.websockets")
    monkeypatch.setitem(sys.modules, "websockets.protocol", None)
    session = trio_live.open_session(
        CONFIG,
        endpoint=trio_live.Custom("ws://localhost:1/"),
        transport=trio_live.TransportConfig(transport="websockets"),
    )
    with pytest.raises(ConfigError, match=r"pip install trio-live\[fast\]"):
        await session.__aenter__()


def test_import_of_the_library_imports_no_extra() -> None:
    """Law 12: websockets is imported when it is chosen, and not before."""
    program = "import sys, trio_live; sys.exit('websockets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_session_over_a_socket(transport: Any) -> None:
    """A session talks, and ends, over a real socket with either transport."""
    with trio.fail_after(30):
        async with LiveServer(pace=0) as server:
            endpoint = trio_live.GoogleAI("k", base_url=await server.listen())
            settings = trio_live.TransportConfig(transport=transport)
            async with trio_live.open_session(
                CONFIG, endpoint=endpoint, transport=settings
            ) as session:
                await session.send_text("Say this again.")
                heard = ""
                async for event in session:
                    match event:
                        case trio_live.TextDelta(text=text):
                            heard += text
                        case trio_live.TurnComplete():
                            break
            assert "Say this again." in heard
