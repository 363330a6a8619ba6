"""From what the service says to the events that the user gets.

What lives here: one class that takes decoded messages apart into events, in the order that
events.py promises, and keeps phase, turn and calls. What must not: what the model says
(model_turn.py), decoding, I/O, clocks. A message may hold anything with anything: each fact is
looked at on its own, there is no either-or.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from trio_live import events, parts
from trio_live.model_turn import ModelTurn
from trio_live.state import Trigger
from trio_live.turns import MAX_CALLS
from trio_live.wire import codec
from trio_live.wire.server import ServerContent, ServerMessage

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.state import SessionState
    from trio_live.wire.content import Blob, Content
    from trio_live.wire.functions import FunctionCall
    from trio_live.wire.salvage import Leftover
    from trio_live.wire.server import (
        SessionResumptionUpdate,
        VoiceActivity,
        VoiceActivityDetectionSignal,
    )
    from trio_live.wire.usage import UsageMetadata


class Inbound(ModelTurn):
    """Turns server messages into events and keeps the session's state; see ModelTurn, too.

    Attributes:
        calls_at_handle: The calls that were owed an answer when the last handle came, as in
            PhaseMachine: the ones that a session resumed from it knows.
        turns_at_handle: How many turns had begun when it came, -1 if one was going on then.
        calls_since_handle: The ids of the calls that were made since.
        calls_withdrawn: The ids of the last MAX_CALLS calls that the service has withdrawn.
        voiced: Whether the last message was one piece of media and nothing else; then the next one
            may be such a message, too.
        consumed: The last client message that a new handle covers; None if there was none, or it
            was taken note of.
        go_away: The time left that the last goAway said, -1 if it said none; None if there was
            none, or it was taken note of.
    """

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self.calls_at_handle: dict[str | int, str] = {}
        self.turns_at_handle = -1
        self.calls_since_handle: dict[str, None] = {}  # an empty set takes 216 bytes, this 64
        self.calls_withdrawn: dict[str, None] = {}
        self.voiced = False
        self.consumed: int | None = None
        self.go_away: float | None = None
        self._unnamed_calls = 0  # calls that came without an id, for their stand-ins

    def apply(
        self,
        message: ServerMessage,
        leftovers: list[Leftover],
        frame: str | bytes,
        now: float,
    ) -> list[SessionEvent]:
        """Take one message apart; give its events in order. `frame` is what it was decoded from."""
        out = self._out = []
        self.voiced = False
        self._frame = frame
        self._part_texts = None
        self._leftovers = leftovers
        content = message.server_content
        said = None if content is None else content.model_turn
        if (
            said is not None
            and said.parts
            and not leftovers
            and message == ServerMessage(server_content=content)
            and content == ServerContent(model_turn=said)
        ):
            # Nothing but parts of the model's turn, as nearly all messages are: two comparisons
            # in C in place of 17 in Python (of 514 bytecodes of such a message 219 are left, with
            # those of model_turn.py; benchmarks/counts.py).
            self._say(said, now)
            self.voiced = len(said.parts) == 1 and said.parts[0].inline_data is not None
            self._frame = b""
            return out
        interrupted = content is not None and content.interrupted
        if content is not None and interrupted:
            self._interrupt(content, now)
        self._apply_control(message)
        if content is not None:
            self._apply_content(content, now)
        if message.tool_call is not None:
            self._call_tools(message.tool_call.function_calls, now)
        if message.usage_metadata is not None:
            self._count_usage(message.usage_metadata)
        if interrupted:
            self._end_response()  # what comes in later frames is a new one
        if content is not None:
            self._apply_ends(content, now)
        self._apply_rest(message, leftovers)
        self._frame = b""  # it may be large, and the next one may be long in coming
        return out

    def apply_voice(self, blob: Blob, now: float) -> list[SessionEvent]:
        """As `apply()`, for a message that holds this one piece of media and nothing else."""
        out = self._out = []
        turn = self._begin_saying(now)
        self._say_media(blob, turn)
        self._speak_on(turn)
        return out

    def fire(self, trigger: Trigger) -> list[SessionEvent]:
        """Apply a trigger that did not come from the service; give the change, if there is one."""
        self._out = []
        self._fire(trigger)
        return self._out

    def cut(self, now: float) -> list[SessionEvent]:
        """End the turn that goes on, if there is one, because its connection is gone."""
        self._end_response()
        turn = self.state.turn
        if turn is None:
            return []
        turn.cut = True
        self.state.end_turn(now)
        return [events.TurnComplete(self.response, turn.number, turn.interrupted, cut=True)]

    def interrupt_locally(self) -> list[SessionEvent]:
        """Mark what the model has said so far as stale, without telling the service."""
        return [events.Interrupted(self.response, local=True)]

    def _interrupt(self, content: ServerContent, now: float) -> None:
        if _has_parts(content.model_turn) or content.output_transcription is not None:
            # What comes with the interruption is stale, so it gets the interrupted number.
            self._begin_response(now)
        if self.state.turn is not None:
            self.state.turn.interrupted = True
        self._out.append(events.Interrupted(self.response))
        self._fire(Trigger.INTERRUPTED)

    def _apply_control(self, message: ServerMessage) -> None:
        out = self._out
        if message.setup_complete is not None:
            self.state.session_id = message.setup_complete.session_id or self.state.session_id
            signature = message.setup_complete.voice_consent_signature
            out.append(
                events.Connected(self.state.session_id, signature.signature if signature else None)
            )
            self._fire(Trigger.OPEN)
        if message.go_away is not None:
            time_left = codec.seconds(message.go_away.time_left)
            self.go_away = -1.0 if time_left is None else max(0.0, time_left)
            out.append(events.GoAway(time_left))
        if message.session_resumption_update is not None:
            out.append(self._keep_handle(message.session_resumption_update))
        if message.tool_call_cancellation is not None:
            self._cancel_calls(message.tool_call_cancellation.ids)
        if message.voice_activity is not None:
            self._hear(message.voice_activity)
        if message.voice_activity_detection_signal is not None:
            self._hear_signal(message.voice_activity_detection_signal)

    def _apply_content(self, content: ServerContent, now: float) -> None:
        if content.interim_input_transcription is not None:
            self._out.append(parts.interim(content.interim_input_transcription))
        if content.input_transcription is not None:
            self._transcribe(content.input_transcription, self.state.begin_turn(now), of_user=True)
        if _has_parts(content.model_turn):
            self._say(content.model_turn, now)
        if content.output_transcription is not None:
            turn = self._begin_response(now)
            self._transcribe(content.output_transcription, turn, of_user=False)
            if not content.interrupted:
                self._fire(Trigger.MODEL_OUTPUT)
        # They tell of an answer and are none: a late one must not begin a response.
        if content.grounding_metadata is not None:
            self._out.append(events.Grounding(content.grounding_metadata, self.response))
        if content.url_context_metadata is not None:
            urls = content.url_context_metadata.url_metadata or ()
            self._out.append(events.UrlContext(urls, self.response))

    def _apply_ends(self, content: ServerContent, now: float) -> None:
        if content.generation_complete:
            self._generated = self._responding
            self._complete_text()
            self._out.append(events.GenerationComplete(self.response))
        if content.turn_complete:
            self._complete_turn(content.turn_complete_reason, now)
        if content.waiting_for_input:
            self._out.append(events.WaitingForInput())
        if content.interaction_status is not None:
            self._out.append(events.InteractionStatus(content.interaction_status))

    def _apply_rest(self, message: ServerMessage, leftovers: list[Leftover]) -> None:
        if message.interaction_status is not None:
            self._out.append(events.InteractionStatus(message.interaction_status))
        if message.error is not None:
            self._out.append(parts.error_of(message.error, self._frame))
        content = message.server_content
        if content is not None and content.turn_complete_reason and not content.turn_complete:
            reason = codec.encode({"turnCompleteReason": content.turn_complete_reason})
            self._out.append(events.Unknown(reason.encode()))
        self._out += map(parts.leftover_of, leftovers)

    def _complete_turn(self, reason: str | None, now: float) -> None:
        turn = self.state.turn
        if turn is not None:
            turn.reason = reason
        self._complete_text()
        self._end_response()
        self.state.end_turn(now)
        number, interrupted = (turn.number, turn.interrupted) if turn is not None else (0, False)
        self._out.append(events.TurnComplete(self.response, number, interrupted, reason))
        self._fire(Trigger.TURN_COMPLETE)

    def _call_tools(self, calls: tuple[FunctionCall, ...], now: float) -> None:
        made = self.state.begin_turn(now).tool_calls
        made.extend(calls[: max(0, MAX_CALLS - len(made))])
        owed = self.state.machine.calls_owed
        for call in calls[: max(0, MAX_CALLS - len(owed))]:
            if call.id:
                # Of a call that comes in pieces only the first need have the name.
                owed[call.id] = call.name or owed.get(call.id, "")
                if len(self.calls_since_handle) < MAX_CALLS:
                    self.calls_since_handle[call.id] = None
            else:
                self._unnamed_calls += 1
                owed[self._unnamed_calls] = call.name
        self._out.append(events.ToolCall(calls))
        if calls:
            self._fire(Trigger.TOOL_CALL)

    def _cancel_calls(self, ids: tuple[str, ...]) -> None:
        machine = self.state.machine
        for call_id in ids:
            machine.calls_owed.pop(call_id, None)
            machine.calls_executing.discard(call_id)
        withdrawn = [*self.calls_withdrawn, *ids]
        self.calls_withdrawn = dict.fromkeys(withdrawn[-MAX_CALLS:])
        self._out.append(events.ToolCallCancelled(ids))
        self._fire(Trigger.TOOLS_SETTLED)

    def _keep_handle(self, update: SessionResumptionUpdate) -> SessionEvent:
        state = self.state
        state.resumable = bool(update.resumable and update.new_handle)
        if state.resumable:
            # An update that is not resumable must not wipe the last good handle.
            state.resumption_handle = update.new_handle
            self.calls_at_handle = dict(state.machine.calls_owed)
            self.calls_since_handle.clear()
            self.consumed = update.last_consumed_client_message_index
            self.turns_at_handle = state.turns_started if state.turn is None else -1
        return events.SessionResumeUpdate(
            update.new_handle if state.resumable else None,
            state.resumable,
            update.last_consumed_client_message_index,
        )

    def _hear(self, activity: VoiceActivity) -> None:
        offset = codec.seconds(activity.audio_offset)
        if activity.type == "ACTIVITY_START":
            self._user_speaks(events.VoiceActivityStart(offset))
        elif activity.type == "ACTIVITY_END":
            self._user_stops(events.VoiceActivityEnd(offset))
        else:
            self._keep_unknown("voiceActivity")

    def _hear_signal(self, signal: VoiceActivityDetectionSignal) -> None:
        if signal.vad_signal_type == "VAD_SIGNAL_TYPE_SOS":
            self._user_speaks(events.VoiceActivityStart())
        elif signal.vad_signal_type == "VAD_SIGNAL_TYPE_EOS":
            self._user_stops(events.VoiceActivityEnd())
        else:
            self._keep_unknown("voiceActivityDetectionSignal")

    def _keep_unknown(self, name: str) -> None:
        raw = codec.text_of(self._frame, name)
        self._out.append(events.Unknown(b'{"%b":%b}' % (name.encode(), raw)))

    def _user_speaks(self, event: SessionEvent) -> None:
        self.state.machine.user_speaking = True
        self._out.append(event)
        self._fire(Trigger.USER_STARTED)

    def _user_stops(self, event: SessionEvent) -> None:
        self.state.machine.user_speaking = False
        self._out.append(event)
        self._fire(Trigger.USER_STOPPED)

    def _count_usage(self, usage: UsageMetadata) -> None:
        self.state.count_usage(usage)
        self._out.append(events.Usage(usage))


def _has_parts(content: Content | None) -> TypeGuard[Content]:
    # A turn without parts says nothing, so it must not begin a response either.
    return content is not None and bool(content.parts)
