"""What a session is made with: who came, and to which house.

What lives here: House and Visitor. What must not: anything that acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .access import Entrance
from .fault_desk import FaultDesk
from .options import ServerOptions
from .resumption import Checkpoints
from .shapes import Refusal
from .tokens import IssuedToken
from .turn import Model


@dataclass(frozen=True, slots=True)
class House:
    """What all sessions of one server share.

    Attributes:
        model: who answers.
        options: how the server behaves.
        checkpoints: the resumable sessions.
    """

    model: Model
    options: ServerOptions
    checkpoints: Checkpoints


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the upgrade request said.

    Attributes:
        entrance: what its path asks for.
        path: path and query.
        headers: the headers, names in lower case.
        refusal: why the caller is turned away after the upgrade, or None.
        faults: what goes wrong on purpose.
        token: the ephemeral token that it showed, if that was issued here.
    """

    entrance: Entrance
    path: str
    headers: Mapping[str, str]
    refusal: Refusal | None
    faults: FaultDesk
    token: IssuedToken | None = None
