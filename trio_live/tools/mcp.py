"""Tools of MCP servers, through the official SDK (extra `mcp`), which runs on Trio.

What lives here: an MCP client's tools as tools of a kit. What must not: connecting to servers; that
is the SDK's. A call that is stopped here is stopped at the server too: the SDK tells it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import trio

from trio_live.tools.call import Call, Result, ToolError
from trio_live.tools.function import FunctionTool
from trio_live.wire.functions import FunctionResponseBlob, FunctionResponsePart

if TYPE_CHECKING:
    from mcp import Client, ClientSession
    from mcp.types import CallToolResult, ContentBlock, ListToolsResult, Tool

MAX_ERROR_CHARACTERS: Final = 1_000
"""How much of a server's error the model hears."""

# Servers made with the SDK answer wrong arguments by the whole text of pydantic's ValidationError:
# for each field a line with its name, one with what is wrong and the value that came, one with a
# link.
_VALUE: Final = re.compile(r" \[type=.*\]$", re.MULTILINE)
_LINK: Final = re.compile(r"\n +For further information visit .*")


async def tools_of(
    client: Client | ClientSession, prefix: str, **options: Any
) -> list[FunctionTool]:
    """Give the tools that a server has now; see `Toolkit.from_mcp()`."""
    return [
        FunctionTool(
            _caller(client, tool.name),
            name=prefix + tool.name,
            description=tool.description or tool.title or "",
            schema=tool.input_schema,
            **options,
        )
        for tool in await _list(client)
    ]


async def _list(client: Client | ClientSession) -> list[Tool]:
    from mcp.client import Client
    from mcp.types import PaginatedRequestParams

    tools: list[Tool] = []
    cursor: str | None = None
    while True:
        page: ListToolsResult
        if isinstance(client, Client):
            page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        else:
            params = PaginatedRequestParams(cursor=cursor)
            page = await client.list_tools(params=params)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            return tools


def _caller(
    client: Client | ClientSession, name: str
) -> Callable[[dict[str, Any], Call], Awaitable[Result]]:
    from mcp import MCPError

    async def call_tool(args: dict[str, Any], call: Call) -> Result:
        # The SDK tells progress in a task for each, and does not wait for these with the result.
        in_order = trio.Lock()

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            async with in_order:
                await call.progress({"progress": progress, "total": total, "message": message})

        try:
            result = await client.call_tool(name, args, progress_callback=tell)
        except MCPError as error:
            why = _shortened(error.message)
            raise ToolError(f"the MCP server did not do it: {why}") from error
        except (RuntimeError, ValueError) as error:  # whose texts hold the result
            raise ToolError("the MCP server's result cannot be used") from error
        async with in_order:
            return _result(result)

    return call_tool


def _result(given: CallToolResult) -> Result:
    text = "\n".join(block.text for block in given.content if block.type == "text")
    if given.is_error:
        raise ToolError(_shortened(text) or "the MCP server says that the call failed")
    value: object = text if given.structured_content is None else given.structured_content
    parts = (_part(block) for block in given.content)
    return Result(value, parts=tuple(part for part in parts if part is not None))


def _shortened(text: str) -> str:
    """Give what a server says of an error, without the arguments that it repeats."""
    if _VALUE.search(text):
        text = _VALUE.sub("", _LINK.sub("", text)).replace("\n  ", ": ").replace("\n", "; ")
    if len(text) > MAX_ERROR_CHARACTERS:
        text = text[:MAX_ERROR_CHARACTERS] + " ..."
    return text


def _part(block: ContentBlock) -> FunctionResponsePart | None:
    if block.type != "image" and block.type != "audio":
        return None
    return FunctionResponsePart(FunctionResponseBlob(b64decode(block.data), block.mime_type))
