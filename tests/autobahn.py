"""Run both transports through Autobahn|Testsuite, the common list of WebSocket conformance cases.

Not a test: the suite (autobahntestsuite, on PyPI) needs Python 2.7. Where there is one:

    python2.7 -m pip install autobahntestsuite
    python tests/autobahn.py wstest

The argument is the command that starts the suite; it gets `-m fuzzingserver -s FILE` appended. Each
case is a connection on which every text message is sent back. Cases that want binary messages back
are left out, because a Transport sends none; so is compression, which is not offered.

Prints what is not plainly OK, and exits with 1 if a case failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import trio
from transport_far_end import DIALERS, Dial

from trio_live.errors import ConnectError
from trio_live.transport import DialRequest, TransportClosed

URL = "ws://127.0.0.1:9101"
EXCLUDED = ["1.2.*", "9.2.*", "9.4.*", "9.6.*", "9.8.*", "12.*", "13.*"]
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
CASE_SECONDS = 60


async def talk(dial: Dial, path: str, *, echo: bool) -> list[str | bytes]:
    """Hold one connection to its end; give what was received."""
    received: list[str | bytes] = []
    async with trio.open_nursery() as nursery:
        transport = await dial(nursery, DialRequest(URL + path))
        try:
            while True:
                received.append(message := await transport.receive())
                if echo and isinstance(message, str):
                    transport.send(message)
                    await transport.wait_written(transport.accepted_bytes)
        except TransportClosed:
            pass
        with trio.move_on_after(5):
            await transport.aclose()
        nursery.cancel_scope.cancel()
    return received


async def run_all() -> None:
    """Run all cases over each transport, and have the report written."""
    found: list[str | bytes] = []
    with trio.fail_after(30):
        while not found:  # until the server listens
            try:
                found = await talk(DIALERS["trio_websocket"], "/getCaseCount", echo=False)
            except* ConnectError:
                await trio.sleep(0.2)
    count = int(found[0])
    for agent, dial in DIALERS.items():
        for case in range(1, count + 1):
            with trio.move_on_after(CASE_SECONDS):
                await talk(dial, f"/runCase?case={case}&agent={agent}", echo=True)
        await talk(dial, f"/updateReports?agent={agent}", echo=False)


def main() -> int:
    """Start the server, run, show."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.json"
        spec.write_text(
            json.dumps(
                {"url": URL, "outdir": folder, "cases": ["*"], "exclude-cases": EXCLUDED}
                | {"exclude-agent-cases": {}}
            )
        )
        command = [*sys.argv[1:], "-m", "fuzzingserver", "-s", str(spec)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                trio.run(run_all)
            finally:
                server.terminate()
        report = json.loads((Path(folder) / "index.json").read_text())
    failed = 0
    for agent, cases in report.items():
        print(agent, dict(Counter(case["behavior"] for case in cases.values())))
        for name, case in cases.items():
            verdicts = {case["behavior"], case["behaviorClose"]}
            failed += not verdicts <= GOOD
            if verdicts != {"OK"}:
                print(f"  {name}: {case['behavior']}, close {case['behaviorClose']}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
