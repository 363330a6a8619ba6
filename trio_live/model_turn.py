"""What the model says: the parts of its turn and its transcripts, as events.

What lives here: the half of Inbound that is about responses, their numbers and their text, and what
of it the session's state keeps. What must not: the other facts of a message, and their order
(inbound.py); parts that need no state (parts.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trio_live import events, parts
from trio_live.state import SessionPhase, Trigger
from trio_live.turns import BoundedText
from trio_live.wire import codec
from trio_live.wire.content import Part

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.state import SessionState
    from trio_live.turns import Turn
    from trio_live.wire.content import Blob, Content
    from trio_live.wire.salvage import Leftover
    from trio_live.wire.transcription import Transcription

DEFAULT_SAMPLE_RATE_HZ: Final = 24_000
"""What the service's voice has where the mime type does not say it."""

_PART: Final = re.compile(r"serverContent\.modelTurn\.parts\[[0-9]+\]")


class ModelTurn:
    """Turns what the model says into events.

    Attributes:
        state: What it keeps up to date.
        response: The number of the model's last response, 0 before the first.
    """

    def __init__(self, state: SessionState) -> None:
        self.state = state
        self.response = 0
        self._responding = False  # whether that response is still going on
        self._generated = False  # whether all of it was said: what is said next is another one
        self._text = BoundedText()  # its text so far
        self._sample_rates: dict[str, int] = {}  # mime type -> Hz; a session sees one or two
        # Of the frame that is being taken apart:
        self._out: list[SessionEvent] = []
        self._frame: str | bytes = b""
        self._part_texts: list[bytes] | None = None  # once one is asked for
        self._leftovers: list[Leftover] = []  # what could not be read

    def _fire(self, trigger: Trigger) -> None:
        machine = self.state.machine
        previous = machine.phase
        if machine.fire(trigger) is not None:
            self._out.append(events.PhaseChanged(machine.phase, previous))

    def _begin_response(self, now: float) -> Turn:
        turn = self.state.turn
        if not self._responding:
            if turn is not None and turn.interrupted:
                self.state.end_turn(now)  # its turnComplete never came
            self._responding = True
            self.response += 1
        return self.state.begin_turn(now)

    def _end_response(self) -> None:
        self._responding = self._generated = False
        self._text = BoundedText()

    def _begin_saying(self, now: float) -> Turn:
        if self._generated:
            self._end_response()  # its turnComplete never came
        turn = self.state.turn if self._responding else None
        return self._begin_response(now) if turn is None else turn

    def _speak_on(self, turn: Turn) -> None:
        # The model speaks on: the same phase (two look-ups by members of enums are 0.5 us).
        if not turn.interrupted and self.state.machine.phase is not SessionPhase.MODEL_SPEAKING:
            self._fire(Trigger.MODEL_OUTPUT)

    def _say(self, content: Content, now: float) -> None:
        turn = self._begin_saying(now)
        for index, part in enumerate(content.parts):
            blob = part.inline_data
            if blob is not None and blob.display_name is None and part == Part(inline_data=blob):
                self._say_media(blob, turn)  # and nothing else: see parts.has_more()
            else:
                self._say_part(part, index, turn)
            self._speak_on(turn)

    def _say_part(self, part: Part, index: int, turn: Turn) -> None:
        blob = part.inline_data
        if part.text is not None:
            self._say_text(part.text, turn, thought=bool(part.thought))
        if blob is not None:
            self._say_media(blob, turn)
        elif part.text is None:
            self._say_other(part, index)
        if (blob is not None or part.text is not None) and parts.has_more(part):
            self._out.append(events.ModelPart(part, self.response))

    def _say_other(self, part: Part, index: int) -> None:
        told = parts.events_of(part, self.response)
        self._out += told
        if not told:
            if self._part_texts is None:
                path = ("serverContent", "modelTurn", "parts")
                texts = codec.items_of(self._frame, *path)
                if not texts:  # they cannot be told apart: one event for all of them
                    self._out.append(events.Unknown(codec.text_of(self._frame, *path)))
                # What could not be read is not among the turn's parts; equal texts fail alike.
                lost = {left.raw for left in self._leftovers if _PART.fullmatch(left.where)}
                self._part_texts = [text for text in texts if text not in lost]
            if index < len(self._part_texts):
                self._out.append(events.Unknown(self._part_texts[index]))

    def _say_media(self, blob: Blob, turn: Turn) -> None:
        data, mime_type = blob.data, blob.mime_type
        rate = self._sample_rates.get(mime_type)
        if rate is None:
            if not mime_type.startswith("audio/"):
                self._out.append(events.InlineData(data, mime_type, self.response))
                return
            rate = self._learn_rate(mime_type)
        turn.audio_bytes += len(data)
        turn.audio_seconds += len(data) / (2 * rate)
        self._out.append(events.AudioData(data, rate, mime_type, self.response))

    def _learn_rate(self, mime_type: str) -> int:
        rate = parts.parameter_of(mime_type, "rate", DEFAULT_SAMPLE_RATE_HZ)
        if len(self._sample_rates) < 16:  # a server that invents types must not grow this
            self._sample_rates[mime_type] = rate
        return rate

    def _say_text(self, text: str, turn: Turn, *, thought: bool) -> None:
        if thought:
            self._out.append(events.Thought(text, self.response))
            return
        self._text.add(text)
        turn.add_text(text)
        self._out.append(events.TextDelta(text, self.response))

    def _transcribe(self, said: Transcription, turn: Turn, *, of_user: bool) -> None:
        turn.add_transcript(said.text or "", of_user=of_user)
        self._out.append(parts.input_of(said) if of_user else parts.output_of(said, self.response))

    def _complete_text(self) -> None:
        if text := str(self._text):
            self._out.append(events.TextComplete(text, self.response))
            self._text = BoundedText()
