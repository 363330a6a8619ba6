"""The built wheel, in an environment with nothing else: a session over the embedded server."""

import importlib.metadata
import pathlib
import sys

import trio

import trio_live
from trio_live.testing import LiveServer, connect_to
from trio_live.transport.dialers import dialer_for


async def main() -> None:
    """Hold one turn and check what came back."""
    assert "site-packages" in trio_live.__file__, trio_live.__file__
    assert pathlib.Path(trio_live.__file__).with_name("py.typed").exists()
    assert importlib.metadata.version("trio-live") == trio_live.__version__
    heavy = {"numpy", "click", "rich", "soxr", "soundfile", "pytest", "websockets"}
    assert not heavy & set(sys.modules), heavy & set(sys.modules)
    told = ""
    try:
        dialer_for("websockets")
    except trio_live.ConfigError as error:
        told = str(error)
    assert "pip install trio-live[fast]" in told, "this extra is not installed here"
    config = trio_live.SessionConfig("models/smoke", response_modalities=["TEXT"])
    with trio.fail_after(30):
        async with (
            LiveServer(pace=0) as server,
            trio_live.open_session(
                config,
                endpoint=trio_live.GoogleAI("key", base_url="ws://localhost"),
                transport=connect_to(server),
            ) as session,
        ):
            await session.send_text("the wheel works")
            async for event in session:
                if isinstance(event, trio_live.TurnComplete):
                    break
            assert session.state.history[-1].text == "the wheel works"
    print("wheel", trio_live.__version__, "works")


trio.run(main)
