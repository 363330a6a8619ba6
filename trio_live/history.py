"""The initial history of a session: what it is, when it may be sent, what may be sent before it.

What lives here: InitialHistory, which knows whether the service waits for one, and the history that
the session itself knows. What must not: the building of messages (outbound.py), phases, I/O.

With `historyConfig.initialHistoryInClientContent` in the setup the service is mute at first: it
takes `clientContent` up to the first `turnComplete: true` as history, answers none of it, and heeds
nothing else. Such a history may end with a turn of the model. Without it, turns are added with
`turnComplete: false`, whenever the model takes `clientContent` at all; 2.5 models want them to end
with a turn of the user. Sources: google-genai 3.4, `types.HistoryConfig`; pipecat pull request 4355
for the last turn; read November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from trio_live import commands
from trio_live.errors import InvalidArgument, LocalProtocolError
from trio_live.wire.content import Content

if TYPE_CHECKING:
    from trio_live.state import SessionState

NOTHING: Final = "."
"""What the user is made to say where the service wants a turn of theirs and there was none."""


class InitialHistory:
    """Whether the service waits for an initial history.

    Args:
        ends_with_user: Whether a history that was not announced must end with the user's turn.

    Attributes:
        asked: Whether the setup said that one comes.
        awaited: Whether it is still to come, or has not ended.
    """

    __slots__ = ("_ends_with_user", "_given", "asked", "awaited")

    def __init__(self, *, ends_with_user: bool = False) -> None:
        self._ends_with_user = ends_with_user
        self.asked = self.awaited = False
        self._given = False

    def begin(self, setup: dict[str, object], *, resuming: bool) -> None:
        """Note what a setup says before it is sent: a new connection begins.

        A session that is resumed has its history, and must not be made to wait for it again: then
        the setup loses what it says of it.
        """
        spelling = "historyConfig" if "historyConfig" in setup else "history_config"
        config = setup.get(spelling)
        fields = cast("dict[str, object]", config if isinstance(config, dict) else {})
        names = ("initialHistoryInClientContent", "initial_history_in_client_content")
        self.asked = any(fields.get(name) is True for name in names)
        if self.asked and self._given and resuming:
            del setup[spelling]
            self.asked = False
        self.awaited = self.asked

    def check(self, command: commands.SessionCommand) -> None:
        """Check a command against the history: its own, or the one that has not come.

        Raises:
            LocalProtocolError: The service would not answer it, or close the connection with 1007.
        """
        if isinstance(command, commands.SeedHistory):
            _check_calls(command.turns)
            if not self.asked:
                self._check_end(command.turns)
            elif not self.awaited:
                raise LocalProtocolError(
                    "the initial history has been sent; add to it with send_client_content(..., "
                    "turn_complete=False) where the model takes it"
                )
        elif self.awaited and isinstance(command, commands.SendClientContent):
            _check_calls(command.turns)
        elif self.awaited and not isinstance(command, commands.Disconnect):
            raise LocalProtocolError(
                f"{type(command).__name__} would stay without effect: the config says that an "
                "initial history comes (initial_history), and the service waits for it; call "
                "seed_history(turns) first, or seed_history([]) if there is none"
            )

    def retell(self, turns: tuple[Content, ...]) -> commands.SessionCommand | None:
        """Give the command that tells a fresh session what was said before, if one is called for.

        A service that waits for an initial history gets one, if need be an empty one. To a model
        that wants the user's turn at the end, one that says nothing is added.
        """
        if self.awaited:
            return commands.SeedHistory(turns)
        if not turns:
            return None
        if self._ends_with_user and turns[-1].role not in (None, "user"):
            turns = (*turns, Content.from_text(NOTHING))
        return commands.SendClientContent(turns, turn_complete=False)

    def _check_end(self, turns: tuple[Content, ...]) -> None:
        if not turns:
            raise InvalidArgument("turns is empty: there is nothing to send")
        if self._ends_with_user and turns[-1].role not in (None, "user"):
            raise InvalidArgument(
                "this model wants a history to end with the user's turn; send_client_content(..., "
                "turn_complete=False) is not held to that"
            )

    def sent(self, command: commands.SessionCommand) -> bool:
        """Note that a command goes out; say whether it belongs to the initial history."""
        if not self.awaited:
            return False
        if not isinstance(command, commands.SendClientContent) or command.turn_complete:
            self.end()
        return True

    def end(self) -> None:
        """Note that the history has ended: the service listens from now on."""
        self.awaited = False
        self._given = True


def history_of(state: SessionState) -> tuple[Content, ...]:
    """Give the turns that are kept as contents: the user's and the model's by turns, as text.

    The user's is the first. Where nothing is known of what they said, it says nothing.
    """
    contents: list[Content] = []
    for turn in state.history:
        _add(contents, "user", turn.sent_text)
        _add(contents, "user", turn.input_transcript)
        _add(contents, "model", turn.text or turn.output_transcript)
    return tuple(contents)


def _add(contents: list[Content], role: str, said: str) -> None:
    if not said:
        return
    if not contents and role != "user":
        contents.append(Content.from_text(NOTHING))
    added = Content.from_text(said, role=role)
    if contents and contents[-1].role == role:
        contents[-1] = Content(parts=(*contents[-1].parts, *added.parts), role=role)
    else:
        contents.append(added)


def _check_calls(turns: tuple[Content, ...]) -> None:
    if any(part.function_call is not None for turn in turns for part in turn.parts):
        raise InvalidArgument(
            "the history holds a functionCall: the service refuses it with 1007; tell what was "
            "called and found as text"
        )
