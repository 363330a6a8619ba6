"""One session of the server: setup, dispatch of client messages, and what a test can do to it.

What lives here: ServerSession. What must not: the way to it (reception.py), the conversation, the
socket.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import ClassVar, Final

import trio

from .access import Platform
from .conversation import Conversation, Surroundings
from .fields import CLIENT_MESSAGE
from .generations import generation_of
from .grammar import Message
from .line import LOST, Line
from .normalise import read_message
from .realtime import Listener
from .shapes import (
    JsonObject,
    Refusal,
    encode_duration,
    get_object,
    get_text,
    invalid_argument,
)
from .terms import agree, check_instruction, check_tools, sign_consent
from .visitor import House, Visitor

# A caller with bad credentials gets the close frame as the answer to its first message, as the
# checks of the setup are answered; one that sends nothing gets it after so many seconds.
_PATIENCE: Final = 0.5


class ServerSession:
    """The server's side of one connection; made by `LiveServer`.

    Attributes:
        path: path and query of the upgrade request.
        headers: its headers, names in lower case.
        session_id: what `setupComplete` tells the client.
        setup: the agreed setup in camelCase, with later context updates; empty until it came.
        received: every client message in order, in camelCase, the setup first.
        refusal: in plain words, why the server closed the connection, or an empty string.
        error: what the model function raised, or None.
    """

    client_message: ClassVar[Message] = CLIENT_MESSAGE  # what may come

    def __init__(self, visitor: Visitor, house: House, line: Line) -> None:
        self.path = visitor.path
        self.headers = visitor.headers
        self.session_id = secrets.token_hex(12)
        self.setup: JsonObject = {}
        self.received: list[JsonObject] = []
        self.refusal = ""
        self.error: Exception | None = None
        self._visitor = visitor
        self._house = house
        self._line = line
        visitor.faults.bind(line.outbox, line.end, self._announce_end)
        self._nursery: trio.Nursery | None = None  # set when the line runs
        self._conversation: Conversation | None = None  # set with the setup, as the listener is
        self._listener: Listener | None = None
        self._messages = 0  # received, whether recorded or not
        self._settled = 0  # the index of the last one that all before are in a turn with
        self._changed = trio.Event()  # replaced whenever a waiter may have something to see

    def __repr__(self) -> str:
        state = "open" if self.closed is None else f"closed {self.closed[0]}"
        return f"<ServerSession on {self._visitor.entrance.platform.value}, {state}>"

    @property
    def closed(self) -> tuple[int, str] | None:
        """Code and reason of what ended the connection, or None while it is open.

        Code 1006 stands for a connection that was lost or dropped without a close frame.
        """
        return self._line.closed

    @property
    def is_set_up(self) -> bool:
        """Whether the setup has been accepted."""
        return bool(self.setup)

    async def wait_closed(self) -> tuple[int, str]:
        """Wait until the connection has ended and return `closed`.

        Cancellation: atomic. If cancelled, nothing changed.
        """
        await self._line.ended.wait()
        return self.closed or LOST

    async def wait_set_up(self) -> None:
        """Wait until the setup has been accepted.

        Raises:
            RuntimeError: the connection ended without it.

        Cancellation: atomic. If cancelled, nothing changed.
        """
        await self._wait_until(lambda: self.is_set_up)

    async def wait_received(self, count: int) -> None:
        """Wait until `count` client messages have come in, the setup included.

        Raises:
            RuntimeError: the connection ended before.

        Cancellation: atomic. If cancelled, nothing changed.
        """
        await self._wait_until(lambda: self._messages >= count)

    async def send_json(self, message: JsonObject) -> None:
        """Send a message as it is, between those of the running answer.

        Raises:
            trio.ClosedResourceError: the connection has ended.

        Cancellation: atomic. If cancelled, the message was not sent.
        Blocks: while the client does not read.
        """
        await self._line.outbox.room()
        self._line.outbox.put_json(message)

    async def send_raw(self, frame: str | bytes) -> None:
        """Send a text frame (str) or a binary frame (bytes) as it is.

        Raises:
            trio.ClosedResourceError: the connection has ended.

        Cancellation: atomic. If cancelled, the frame was not sent.
        Blocks: while the client does not read.
        """
        await self._line.outbox.room()
        self._line.outbox.put(frame)

    async def go_away(self, time_left: float) -> None:
        """Announce the end of the connection, and end it when the time has passed.

        The Gemini Developer API then closes with 1008 "The operation was aborted", Vertex AI with
        1000 "The operation was cancelled." (as reported in adk-python issue 4587).

        Args:
            time_left: seconds until then.

        Raises:
            trio.ClosedResourceError: the connection has ended.

        Cancellation: atomic. If cancelled, nothing was announced.
        """
        await self._line.outbox.room()
        self._announce_end(time_left)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection with a close frame and wait until it has ended.

        What was sent before arrives first. Nothing happens when the connection has ended already.

        Args:
            code: the WebSocket close code.
            reason: its text; cut after 123 bytes.

        Cancellation: not atomic. If cancelled, the connection is still being closed.
        Blocks: until the client has answered, at most the server's `close_timeout`.
        """
        self._line.end(code, reason)
        await self._line.ended.wait()

    async def abort(self) -> None:
        """Drop the connection without a close frame, as a broken network does.

        Cancellation: not atomic. If cancelled, the connection is still dropped.
        """
        self._line.drop()
        await self._line.ended.wait()

    async def interrupt(self) -> None:
        """Interrupt the running answer as speech of the user does; nothing happens without one.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        await trio.lowlevel.checkpoint()
        if self._conversation is not None:
            self._conversation.interrupt()

    async def cancel_calls(self, ids: list[str]) -> None:
        """Cancel function calls; the model sees `{"error": "cancelled"}` as their responses.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        await trio.lowlevel.checkpoint()
        if self._conversation is not None:
            self._conversation.desk.cancel(ids)

    async def run(self) -> None:
        """Serve the connection until it has ended (server's use)."""
        try:
            await self._line.run(self._start, self._take)
        finally:
            # The server keeps its sessions; what was said and shown must not stay with them.
            self._conversation = self._listener = None
            self._notify()

    def _start(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._visitor.faults.reach("after-upgrade")
        if self._visitor.refusal is not None:
            nursery.start_soon(self._turn_away, self._visitor.refusal)

    async def _turn_away(self, refusal: Refusal) -> None:
        await trio.sleep(_PATIENCE)
        self._refuse(refusal)

    def _take(self, frame: str | bytes) -> None:
        try:
            if self._visitor.refusal is not None:
                raise self._visitor.refusal
            platform = self._visitor.entrance.platform
            message = read_message(frame, platform, self.client_message)
            self._messages += 1
            if self._messages == 2 and get_object(self.setup, "sessionResumption").get("handle"):
                self._visitor.faults.reach("during-replay")
            if self._house.options.record:
                self.received.append(message)
            self._dispatch(*next(iter(message.items())))
            if self._listener is not None and not self._listener.is_active:
                self._settled = self._messages - 1
        except Refusal as refusal:
            self._refuse(refusal)
        except Exception as error:  # from the user's transcriber
            self._fail(error)
        self._notify()

    def _dispatch(self, kind: str, value: object) -> None:
        body = get_object({kind: value}, kind)
        if self._conversation is None or self._listener is None:
            if kind != "setup":
                raise invalid_argument(f"{kind} before the setup")
            self._set_up(body)
        elif kind == "clientContent":
            self._conversation.take_content(body)
        elif kind == "realtimeInput":
            self._listener.take(body)
        elif kind == "toolResponse":
            self._conversation.desk.take(body)
        elif kind == "contextUpdate":
            self._update_context(body)
            self._conversation.update_context(body)
        else:
            raise invalid_argument("a second setup")

    def _set_up(self, setup: JsonObject) -> None:
        house, line, token = self._house, self._line, self._visitor.token
        if get_object(setup, "sessionResumption").get("handle"):
            self._visitor.faults.reach("on-resume")
        if token is not None:
            setup = token.admit(setup)
        assert self._nursery is not None  # messages come while the line runs
        terms = agree(setup, self._visitor.entrance, house.options.models)
        # A handle outlives the session and keeps nothing of it but these. A client that has said
        # goodbye may resume at once, on a connection that it has made before.
        ends = (line.ended, self._visitor.faults.client_left)
        around = Surroundings(
            model=house.model,
            pacing=house.options.pacing,
            nursery=self._nursery,
            control=self,
            checkpoints=house.checkpoints,
            is_open=lambda: not any(end.is_set() for end in ends),
            consumed=lambda: self._settled,
            fail=self._fail,
        )
        conversation = Conversation(terms, line.outbox, around)
        self._listener = Listener(terms, conversation, line.outbox, house.options.transcribe)
        self._conversation = conversation
        if token is not None:
            token.spend(setup)
        self.setup = dict(setup)
        conversation.update_context(setup | {"tools": {"tools": setup.get("tools", [])}})
        line.outbox.put_json(
            {"setupComplete": {"sessionId": self.session_id} | sign_consent(setup)}
        )
        if house.options.go_away_after is not None:
            self._nursery.start_soon(self._run_lifetime, house.options.go_away_after)

    def _update_context(self, update: JsonObject) -> None:
        if "systemInstruction" in update:
            check_instruction(get_object(update, "systemInstruction"))
            self.setup["systemInstruction"] = update["systemInstruction"]
        if "tools" in update:
            # Wrapped, so that an empty list of tools can mean none.
            wrapped = get_object(update, "tools")
            self.setup.pop("tools", None)
            if wrapped.get("tools"):
                check_tools(wrapped, generation_of(get_text(self.setup, "model")))
                self.setup["tools"] = wrapped["tools"]

    async def _run_lifetime(self, seconds: float) -> None:
        await trio.sleep(seconds)
        self._announce_end(self._house.options.go_away_time_left)

    def _announce_end(self, time_left: float, follow: bool = True) -> None:
        assert self._nursery is not None  # the outbox has room: the line runs
        self._line.outbox.put_json({"goAway": {"timeLeft": encode_duration(time_left)}})
        if follow:
            self._nursery.start_soon(self._run_last_seconds, time_left)

    async def _run_last_seconds(self, time_left: float) -> None:
        await trio.sleep(time_left)
        if self._visitor.entrance.platform is Platform.VERTEX:
            self._line.end(1000, "The operation was cancelled.")
        else:
            self._line.end(1008, "The operation was aborted")

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = refusal.detail
        self._line.end(refusal.code, refusal.reason)

    def _fail(self, error: Exception) -> None:
        self.error = error
        self._line.end(1011, "Internal error encountered.")

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        await trio.lowlevel.checkpoint()
        while not condition():
            if self._line.ended.is_set():
                raise RuntimeError(f"the session ended before: {self.closed}, {self.refusal}")
            await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
