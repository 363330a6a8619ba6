"""What can go wrong on purpose: the words for it, and the plan of one server.

Nothing acts here (`fault_desk.py`), and nothing knows sockets (`faulty_stream.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Self, TypeAlias, cast, get_args

Point: TypeAlias = Literal[
    "before-upgrade",
    "after-upgrade",
    "on-resume",
    "after-setup",
    "during-replay",
    "during-turn",
    "during-tool-call",
    "while-closing",
]
"""When a fault happens, on the connection of one client:

- before-upgrade: the request for the WebSocket is there and not answered yet.
- after-upgrade: the WebSocket is open, and no message has been looked at.
- on-resume: a setup with a resumption handle is there and not answered yet.
- after-setup: setupComplete has been sent.
- during-replay: the first message after the setup of a resumed session is there.
- during-turn: the first part of an answer has been sent.
- during-tool-call: a toolCall has been sent.
- while-closing: the client's close frame is there and not answered yet.
"""

Kind: TypeAlias = Literal[
    "close",
    "rst",
    "half-open",
    "stall",
    "trickle",
    "truncated",
    "garbage",
    "invalid-utf8",
    "nonsense",
    "oversized",
    "http",
    "silence",
    "go-away",
    "not-resumable",
    "quota",
    "cancelled",
    "unknown-handle",
    "unavailable",
]
"""What happens:

- close: a close frame with the code `value` and the reason `text`. The kinds quota, cancelled
  (rotation on Vertex AI), unknown-handle and unavailable are closes with the service's own words.
- rst: the TCP connection is reset. In memory, where there is no such thing, it just ends.
- half-open: nothing is read or written any more, and the connection stays open, until the server
  gives it up after `value` seconds.
- stall: the same for `value` seconds; then everything goes on.
- trickle: from now on one byte leaves every `value` seconds.
- truncated: the connection ends in the middle of a frame, or of the answer to the upgrade.
- garbage: bytes that are no frame, or no HTTP.
- invalid-utf8: a text message that is not UTF-8.
- nonsense: a text message that is not JSON. The session goes on.
- oversized: a message of `value` bytes.
- http: the upgrade is answered with the status `value`; `text` is its Retry-After, or for 3xx its
  Location.
- silence: nothing more is said, but pings and close frames are answered.
- go-away: the end is announced, `value` seconds before it; with the text "stay" it never comes.
- not-resumable: the next `value` updates bring no handle and say that the session cannot be
  resumed.
"""

POINTS: Final[tuple[Point, ...]] = get_args(Point)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

WORDS: Final[dict[Kind, tuple[int, str]]] = {
    "quota": (1011, "You exceeded your current quota, please check your plan and billing details."),
    "cancelled": (1000, "The operation was cancelled."),
    "unknown-handle": (1008, "BidiGenerateContent session not found"),
    "unavailable": (1011, "The service is currently unavailable."),
}
"""The closes that have a name of their own."""

# The values that are used when none is given; kinds that are not here take none.
_DEFAULTS: Final[dict[Kind, float]] = {
    "close": 1011,
    "half-open": 60.0,
    "stall": 30.0,
    "trickle": 1.0,
    "oversized": 64 * 1024 * 1024 + 1,
    "http": 503,
    "go-away": 10.0,
    "not-resumable": 1,
}
_WITH_TEXT: Final = ("close", "http", "go-away")
# Where there is no WebSocket yet, and where there is hardly one any more.
_BEFORE_UPGRADE: Final = ("http", "rst", "half-open", "stall", "trickle", "truncated", "garbage")
_WHILE_CLOSING: Final = (
    "close",
    *WORDS,
    "rst",
    "half-open",
    "stall",
    "trickle",
    "truncated",
    "garbage",
    "invalid-utf8",
    "nonsense",
    "oversized",
)
_SYNTAX: Final = re.compile(
    r"(?P<what>[a-z0-9-]+)(=(?P<value>[0-9.]+)(,(?P<text>.*))?)?"
    r"@(?P<at>[a-z-]+)(\*(?P<times>[0-9]*))?(\+(?P<skip>[0-9]+))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong at one point, once or more often.

    `str(fault)` is how the command line writes it: `what[=value[,text]]@at[*times][+skip]`, such as
    `close=1011,Internal error encountered.@during-turn`, `http=503,7@before-upgrade*2`,
    `rst@after-setup*` (each time) or `half-open@during-turn+1` (at the second turn).

    Args:
        what: what happens, see `Kind`.
        at: when, see `Point`.
        value: a close code, an HTTP status, seconds, bytes or a count, whatever `what` takes; None
            for its default.
        text: a reason, or what else `what` takes.
        times: how often; None for each time.
        skip: how many times the point is passed before that.

    Raises:
        ValueError: there is no such fault.
    """

    what: Kind
    at: Point
    value: float | None = None
    text: str = ""
    times: int | None = 1
    skip: int = 0

    def __post_init__(self) -> None:
        if self.what not in KINDS:
            raise ValueError(f"there is no fault {self.what!r}; there are {', '.join(KINDS)}")
        if self.at not in POINTS:
            raise ValueError(f"there is no point {self.at!r}; there are {', '.join(POINTS)}")
        allowed = {"before-upgrade": _BEFORE_UPGRADE, "while-closing": _WHILE_CLOSING}.get(self.at)
        if (allowed is not None and self.what not in allowed) or (
            self.what == "http" and self.at != "before-upgrade"
        ):
            raise ValueError(f"{self.what!r} cannot happen {self.at!r}")
        if self.value is not None and self.what not in _DEFAULTS:
            raise ValueError(f"{self.what!r} takes no value")
        if self.text and self.what not in _WITH_TEXT:
            raise ValueError(f"{self.what!r} takes no text")
        if self.what == "go-away" and self.text not in ("", "stay"):
            raise ValueError("the text of 'go-away' is 'stay' or nothing")
        if not 0 <= self.amount < math.inf:
            raise ValueError(f"value={self.value!r} must be a number from 0 on")
        if self.what == "close" and not 1000 <= self.amount <= 4999:
            raise ValueError(f"value={self.value!r} must be a close code, 1000 to 4999")
        if self.what == "http" and not 200 <= self.amount <= 599:
            raise ValueError(f"value={self.value!r} must be an HTTP status, 200 to 599")
        if (self.times is not None and self.times < 1) or self.skip < 0:
            raise ValueError("times must be 1 or more, and skip 0 or more")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a fault as the command line writes it.

        Raises:
            ValueError: it is written in another way, or there is no such fault.
        """
        found = _SYNTAX.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not what[=value[,text]]@at[*times][+skip]")
        times = found["times"]
        return cls(
            cast("Kind", found["what"]),
            cast("Point", found["at"]),
            None if found["value"] is None else float(found["value"]),
            found["text"] or "",
            1 if times is None else int(times) if times else None,
            int(found["skip"] or 0),
        )

    def __str__(self) -> str:
        value = "" if self.value is None and not self.text else f"={self.amount:.15g}"
        text = f",{self.text}" if self.text else ""
        times = "" if self.times == 1 else "*" if self.times is None else f"*{self.times}"
        skip = f"+{self.skip}" if self.skip else ""
        return f"{self.what}{value}{text}@{self.at}{times}{skip}"

    @property
    def amount(self) -> float:
        """The value, or the default for it."""
        return _DEFAULTS.get(self.what, 0.0) if self.value is None else self.value

    @property
    def answer(self) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Status, headers and body of the HTTP answer that it is."""
        status = int(self.amount)
        header = b"Location" if 300 <= status < 400 else b"Retry-After"
        headers = [(header, self.text.encode())] if self.text else []
        return status, headers, b"The service is unavailable."

    @property
    def closes_with(self) -> tuple[int, str] | None:
        """Code and reason of the close frame that it is, or None if it is something else."""
        return (int(self.amount), self.text) if self.what == "close" else WORDS.get(self.what)


class FaultPlan:
    """The faults of one server, for all its connections together.

    Attributes:
        happened: the faults that have happened, in order.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.happened: list[Fault] = []
        self._skip: list[int] = []
        self._left: list[float] = []
        self._faults: list[Fault] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Let one more happen, from now on."""
        self._faults.append(fault)
        self._skip.append(fault.skip)
        self._left.append(math.inf if fault.times is None else fault.times)

    def reach(self, point: Point) -> list[Fault]:
        """Count that a connection passes a point; return what happens there now."""
        due: list[Fault] = []
        for number, fault in enumerate(self._faults):
            if fault.at != point:
                continue
            if self._skip[number]:
                self._skip[number] -= 1
            elif self._left[number]:
                self._left[number] -= 1
                due.append(fault)
        self.happened += due
        return due
