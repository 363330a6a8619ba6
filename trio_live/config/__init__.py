"""What a session is to be: SessionConfig (for the service) and TransportConfig (how we connect).

What lives here: settings and their checks. What must not: I/O, URLs and credentials (endpoints/),
rules that depend on the platform or the model (rules.py). Both are immutable and can serve any
number of sessions.
"""

from trio_live.config.merging import merge
from trio_live.config.session import SessionConfig
from trio_live.config.transport import TransportConfig

__all__ = ["SessionConfig", "TransportConfig", "merge"]
