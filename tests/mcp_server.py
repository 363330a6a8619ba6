"""An MCP server over stdio, written with the SDK; the tests run it as a process of its own.

Its tools come in pages of two. Its one argument is a pipe, to which it writes what is cancelled.
"""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Any

import anyio
from mcp import MCPError, types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from pydantic import BaseModel, ValidationError

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
NOTHING: dict[str, Any] = {"type": "object"}
TOOLS = [
    types.Tool(name="echo", description="Say it again.", input_schema=TEXT),
    types.Tool(name="measure", title="Measure a text", input_schema=TEXT),
    types.Tool(name="fail", input_schema=NOTHING),
    types.Tool(name="slow", input_schema=NOTHING),
    types.Tool(name="count", input_schema=NOTHING),
    types.Tool(name="picture", input_schema=NOTHING),
    types.Tool(name="grow", input_schema=NOTHING),
    types.Tool(name="pay", input_schema=NOTHING),
    types.Tool(name="promise", input_schema=NOTHING, output_schema=NUMBER),
    types.Tool(name="refuse", input_schema=NOTHING),
    types.Tool(name="die", input_schema=NOTHING),
]
Context = ServerRequestContext[Any]


class Payment(BaseModel):
    """What has to be paid, and with which card."""

    amount: int
    card: str


async def list_tools(
    _: Context, params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    """Give one page."""
    start = int((params and params.cursor) or 0)
    after = str(start + 2) if start + 2 < len(TOOLS) else None
    return types.ListToolsResult(tools=TOOLS[start : start + 2], next_cursor=after)


async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    """Call one of them."""
    text = str((params.arguments or {}).get("text", ""))
    match params.name:
        case "measure":
            size = {"characters": len(text)}
            return types.CallToolResult(content=[], structured_content=size)
        case "fail":
            return types.CallToolResult(content=told("out of paper"), is_error=True)
        case "slow":
            try:
                await anyio.sleep(60)
            finally:
                mark("cancelled")
        case "count":
            for number in (1, 2):
                await context.session.report_progress(number, 2, f"step {number}")
        case "picture":
            data = base64.b64encode(b"png").decode()
            image = types.ImageContent(type="image", data=data, mime_type="image/png")
            return types.CallToolResult(content=[*told("a picture"), image])
        case "grow":
            TOOLS.append(types.Tool(name="grown", input_schema=NOTHING))
            await context.session.send_tool_list_changed()
        case "pay":  # as the SDK's own MCPServer does
            try:
                Payment.model_validate(params.arguments)
            except ValidationError as wrong:
                return types.CallToolResult(content=told(f"Error: {wrong}"), is_error=True)
        case "promise":
            return types.CallToolResult(content=[], structured_content={"n": "4111 1111"})
        case "refuse":
            raise MCPError(-32602, "no such tool\n" + "x" * 5_000)
        case "die":
            os._exit(1)
        case _:
            pass
    return types.CallToolResult(content=told(text or "done"))


def mark(text: str) -> None:
    """Tell the test something; it reads the other end of this pipe."""
    Path(sys.argv[1]).write_text(text)


def told(text: str) -> list[types.ContentBlock]:
    """Content of one text."""
    return [types.TextContent(type="text", text=text)]


async def main() -> None:
    """Serve on stdin and stdout."""
    server: Server[Any] = Server("demo", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
