"""What the service can tell beside text and voice, from the server's wire to a session's events."""

from __future__ import annotations

import pytest
import trio
from session_parts import CONFIG, MANUAL, Json, open_with, read_until
from trio.testing import MockClock

from trio_live import (
    CodeExecutionResult,
    Error,
    ExecutableCode,
    Grounding,
    InlineData,
    InteractionStatus,
    InterimTranscription,
    PhaseChanged,
    SessionEvent,
    TextDelta,
    TurnComplete,
    Unknown,
    UrlContext,
    WaitingForInput,
    Word,
)
from trio_live.testing import LiveServer, scripted
from trio_live.testing.server import Send
from trio_live.wire.grounding import (
    GroundingChunk,
    GroundingChunkWeb,
    GroundingMetadata,
    GroundingSupport,
    Segment,
    UrlMetadata,
)

WORDS = [
    {"word": "Saturn", "startOffset": "0.250s", "endOffset": "1s"},
    {"word": "has"},
]
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}


def parts(*values: Json) -> Json:
    """A piece of the model's turn."""
    return {"serverContent": {"modelTurn": {"role": "model", "parts": list(values)}}}


# Name -> what the service says, what the session tells.
FACTS: dict[str, tuple[Json, list[SessionEvent]]] = {
    "grounding": (
        {
            "serverContent": {
                "groundingMetadata": {
                    "webSearchQueries": ["moons"],
                    "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}],
                    "groundingSupports": [
                        {
                            "segment": {"startIndex": 1, "endIndex": 4},
                            "groundingChunkIndices": [0],
                        }
                    ],
                }
            }
        },
        [
            Grounding(
                GroundingMetadata(
                    web_search_queries=("moons",),
                    grounding_chunks=(
                        GroundingChunk(web=GroundingChunkWeb(uri="https://a.example", title="a")),
                    ),
                    grounding_supports=(
                        GroundingSupport(
                            segment=Segment(start_index=1, end_index=4),
                            grounding_chunk_indices=(0,),
                        ),
                    ),
                ),
                0,
            )
        ],
    ),
    "URL context": (
        {
            "serverContent": {
                "urlContextMetadata": {
                    "urlMetadata": [
                        {
                            "retrievedUrl": "https://a.example",
                            "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS",
                        }
                    ]
                }
            }
        },
        [
            UrlContext(
                (
                    UrlMetadata(
                        retrieved_url="https://a.example",
                        url_retrieval_status="URL_RETRIEVAL_STATUS_SUCCESS",
                    ),
                ),
                0,
            )
        ],
    ),
    "code execution": (
        parts(
            {"executableCode": {"code": "6*7", "language": "PYTHON", "id": "c"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42", "id": "c"}},
        ),
        [ExecutableCode("6*7", "PYTHON", 1, "c"), CodeExecutionResult("42", "OUTCOME_OK", 1, "c")],
    ),
    "interaction status": (
        {"serverContent": {"interactionStatus": "IN_PROGRESS"}},
        [InteractionStatus("IN_PROGRESS")],
    ),
    "interaction status at the top": (
        {"interactionStatus": "REQUIRES_ACTION"},
        [InteractionStatus("REQUIRES_ACTION")],
    ),
    "waiting for input": ({"serverContent": {"waitingForInput": True}}, [WaitingForInput()]),
    "interim transcription": (
        {
            "serverContent": {
                "interimInputTranscription": {
                    "text": "Saturn has",
                    "words": WORDS,
                    "startOffset": "0.250s",
                    "endOffset": "1.5s",
                    "languageCode": "en-US",
                    "speakerLabel": "spk_1",
                }
            }
        },
        [
            InterimTranscription(
                "Saturn has",
                (Word("Saturn", 0.25, 1.0), Word("has")),
                0.25,
                1.5,
                "en-US",
                "spk_1",
            )
        ],
    ),
    "text and media in one part": (
        parts({"text": "a moon:"} | IMAGE),
        [TextDelta("a moon:", 1), InlineData(b"\0\0\0", "image/png", 1)],
    ),
    "a malformed part": (
        parts({"text": "a"}, {"text": 5}, {"text": "b"}),
        [
            TextDelta("a", 1),
            TextDelta("b", 1),
            Error(
                "serverContent.modelTurn.parts[1] of the service could not be read: "
                "Expected `str | null`, got `int` - at `$.text`",
                b'{"text":5}',
            ),
        ],
    ),
    "what nobody knows": ({"serverContent": {"mood": "calm"}}, [Unknown(b'{"mood":"calm"}')]),
}


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", FACTS)
async def test_fact_of_the_service_is_an_event(
    autojump_clock: MockClock, name: str, binary: bool
) -> None:
    """Law 4: each becomes its events, in text frames and in binary ones."""
    message, expected = FACTS[name]
    with trio.fail_after(60):
        async with (
            LiveServer(scripted([[Send(message)]]), binary_frames=binary) as server,
            open_with(server, CONFIG) as session,
        ):
            await session.send_text("go")
            happened = await read_until(session, TurnComplete)
    kinds = {type(event) for event in expected}
    assert [event for event in happened if type(event) in kinds] == expected
    assert PhaseChanged in {type(event) for event in happened}


async def test_reason_of_a_turns_end_is_data(autojump_clock: MockClock) -> None:
    """An activity in which nothing was said ends with the service's reason, kept by the turn."""
    with trio.fail_after(60):
        async with LiveServer() as server, open_with(server, MANUAL) as session:
            await session.signal_activity_start()
            await session.signal_activity_end()
            complete = (await read_until(session, TurnComplete))[-1]
            assert complete == TurnComplete(0, 1, False, "NEED_MORE_INPUT")
            assert session.state.history[-1].reason == "NEED_MORE_INPUT"
