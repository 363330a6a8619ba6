"""Several threads, each with a `trio.run` of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In each program, eight threads do the same at once that no thread has done before.
PROGRAM = """
import sys
import threading
sys.setswitchinterval(1e-6)
{prepare}
together = threading.Barrier(8)
failures = []
def run(number):
    together.wait()
    try:
        {use}
    except BaseException as failure:
        failures.append(failure)
threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failures, failures
"""

MESSAGES = (
    """
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
FRAME = '{"toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {}}]}, "serverContent":'
FRAME += '{"modelTurn": {"parts": [{"text": "a"}]}, "groundingMetadata": {"groundingChunks": []}}}'
FUNCTION = {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}
SETUP = {"setup": {"model": "m", "tools": [{"functionDeclarations": [FUNCTION]}]}}
""",
    "number % 2 or codec.decode(FRAME); codec.copy(SETUP, ClientMessage); codec.decode(FRAME)",
)

CONFIGS = (
    """
from trio_live import SessionConfig
FUNCTION = {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}
TOOL = {"function_declarations": [FUNCTION]}
""",
    "SessionConfig.from_dict({'model': 'm', 'tools': [(TOOL, FUNCTION)[number % 2]]})",
)

PARAMETERS = (
    """
import msgspec
from trio_live.tools.schema import Parameters
class Inner(msgspec.Struct):
    name: str = ""
class Middle(msgspec.Struct):
    one: Inner | None = None
    more: list[Inner] | None = None
class Outer(msgspec.Struct):
    named: dict[str, Middle] | None = None
    inner: Inner | None = None
def function(middle: Middle, outer: Outer, all_of_them: list[Outer]) -> None:
    pass
ARGUMENTS = {"middle": {"one": {}}, "outer": {"named": {"a": {"more": [{}]}}}, "all_of_them": []}
""",
    "Parameters(function, 'f', {}, Exception).read(ARGUMENTS)",
)

NAMES = ("import trio_live", "[getattr(trio_live, name) for name in trio_live.__all__]")


@pytest.mark.parametrize(
    ("prepare", "use"),
    [MESSAGES, CONFIGS, PARAMETERS, NAMES],
    ids=["messages", "configs", "parameters", "names"],
)
def test_what_is_done_for_the_first_time_by_all_threads_at_once(prepare: str, use: str) -> None:
    """The interpreter lives: a type is looked at, and a module imported, by one of them."""
    program = PROGRAM.format(prepare=prepare, use=use)
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
