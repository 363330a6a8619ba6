"""Ask questions in text and print each answer as it comes.

    python examples/text_chat.py "Name three moons of Saturn." "Which is the largest?"

It talks to the real service if the environment names one, else to an echo (place.py).
"""

import sys
from collections.abc import Sequence

import trio
from place import open_endpoint

import trio_live

QUESTIONS = ("Name three moons of Saturn.", "Which of them is the largest?")
ANSWER_SECONDS = 30.0


async def chat(endpoint: trio_live.Endpoint, questions: Sequence[str]) -> None:
    """Ask one question after another in one session."""
    config = trio_live.SessionConfig(
        "gemini-3.8-live",
        system_instruction="Answer in one sentence.",
        response_modalities=["TEXT"],
    )
    async with trio_live.open_session(config, endpoint=endpoint) as session:
        for question in questions:
            print(f"> {question}")
            await session.send_text(question)
            with trio.fail_after(ANSWER_SECONDS):
                await print_answer(session)


async def print_answer(session: trio_live.SessionHandle) -> None:
    """Print one turn of the model, piece by piece."""
    # The session's events are one stream: the next answer goes on where this one ended.
    async for event in session:
        match event:
            case trio_live.TextDelta(text=text):
                print(text, end="", flush=True)
            case trio_live.TurnComplete():
                print()
                return
            case _:
                pass  # phases, usage, ...: docs list them all


async def main(questions: Sequence[str]) -> None:
    """Find a server and chat."""
    async with open_endpoint() as endpoint:
        await chat(endpoint, questions)


if __name__ == "__main__":
    try:
        trio.run(main, sys.argv[1:] or QUESTIONS)
    except trio_live.LiveError as error:
        sys.exit(f"error: {error}")
