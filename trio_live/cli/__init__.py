"""The `trio-live` command: talk, chat, serve.

What lives here: the entry point, which works without click and rich to say that they are missing.
What must not: anything that the library needs. The commands' options are in app.py; what they do
in talk.py, chat.py and serve.py; where they connect in place.py; what they show in view.py,
live_view.py and events_json.py; how they end in run.py.

Exit codes: 0 all went well; 1 the connection, the service or the session failed; 2 wrong usage,
files, settings or missing extras; 130 Ctrl-C.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXTRA: Final = frozenset({"click", "rich"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code.

    Args:
        arguments: What follows the command's name; None for this process's own.
    """
    try:
        from trio_live.cli.app import invoke
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        print(  # noqa: T201 - this is the command line, and click is what is missing
            f"trio-live: error: the command line needs {error.name}: pip install trio-live[cli]",
            file=sys.stderr,
        )
        return 2
    return invoke(arguments)
