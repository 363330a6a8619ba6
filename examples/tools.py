"""Let the model call your functions: a kitchen with a stock, a timer and an oven.

    python examples/tools.py "Is there flour? Then heat the oven to 220 degrees."

It talks to the real service if the environment names one, else to a script (place.py).
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import trio
from place import open_endpoint

import trio_live
from trio_live.testing import CallTools, Say, scripted
from trio_live.tools import Call, Refusal, ToolError, Toolkit, running_calls

QUESTIONS = ("Is there flour? Then heat the oven to 220 degrees, and to 400 for the pizza.",)
ANSWER_SECONDS = 60.0
HOTTEST = 250

Degrees = Annotated[int, msgspec.Meta(ge=50, le=500, description="In degrees Celsius.")]
stock = {"flour": 2, "sugar": 0}


async def approve(call: Call, args: dict[str, Any]) -> Refusal | None:
    """Keep the model from what it must not do; a person could be asked here as well."""
    if call.name == "heat_oven" and args["degrees"] > HOTTEST:
        return Refusal(f"the oven goes up to {HOTTEST} degrees")
    return None


kit = Toolkit(approve=approve)


@kit.tool
async def look_up(ingredient: str) -> int:
    """Tell how many bags of an ingredient are left.

    Args:
        ingredient: Its name, such as "flour".
    """
    if ingredient not in stock:
        raise ToolError(f"there is no shelf for {ingredient}")
    return stock[ingredient]


@kit.tool(timeout=30)
async def heat_oven(degrees: Degrees, call: Call) -> str:
    """Heat the oven, and say when it is hot."""
    try:
        await trio.sleep(degrees / 200)  # a quick one
    finally:
        # Also when the call is withdrawn, late, or the session ends: nothing is left on.
        print(f"oven: off again ({call.cancelled_by or 'hot'})")
    return f"it has {degrees} degrees"


async def talk(endpoint: trio_live.Endpoint, questions: Sequence[str]) -> None:
    """Ask, and show what is called on the way to the answer."""
    config = trio_live.SessionConfig(
        "gemini-3.8-live",
        system_instruction="You help in a kitchen. Be brief.",
        response_modalities=["TEXT"],
    )
    tools = [kit, running_calls()]
    async with trio_live.open_session(config, endpoint=endpoint, tools=tools) as session:
        for question in questions:
            print(f"> {question}")
            await session.send_text(question)
            with trio.fail_after(ANSWER_SECONDS):
                await print_answer(session)


async def print_answer(session: trio_live.SessionHandle) -> None:
    """Print one turn of the model, and the calls that it makes."""
    async for event in session:
        match event:
            case trio_live.ToolCall(calls=calls):
                for call in calls:
                    print(f"call: {call.name} {call.args}")
            case trio_live.ToolFinished(name=name, outcome=outcome):
                print(f"done: {name}, {outcome}")
            case trio_live.TextComplete(text=text):
                print(text)
            case trio_live.TurnComplete():
                return
            case _:
                pass


MODEL = scripted(
    [
        [
            CallTools([("look_up", {"ingredient": "flour"})]),
            CallTools([("heat_oven", {"degrees": 220}), ("heat_oven", {"degrees": 400})]),
            Say("There are two bags of flour. The oven is hot, but it will not do for pizza."),
        ]
    ]
)


async def main(questions: Sequence[str]) -> None:
    """Find a server and talk."""
    async with open_endpoint(MODEL, "script") as endpoint:
        await talk(endpoint, questions)


if __name__ == "__main__":
    try:
        trio.run(main, sys.argv[1:] or QUESTIONS)
    except trio_live.LiveError as error:
        sys.exit(f"error: {error}")
