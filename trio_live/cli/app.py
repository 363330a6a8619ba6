"""The commands and their options.

What lives here: everything that click sees. What must not: what the commands do.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from rich.console import Console

import trio_live
from trio_live import ConfigError
from trio_live.cli.chat import ChatOptions, JsonChatView, TextChatView, chat
from trio_live.cli.lines import standard_input
from trio_live.cli.live_view import LiveView
from trio_live.cli.place import DEFAULT_MODEL
from trio_live.cli.run import run
from trio_live.cli.serve import serve
from trio_live.cli.talk import TalkOptions, talk
from trio_live.cli.view import JsonView, LineView, View
from trio_live.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Command = TypeVar("Command", bound="Callable[..., object]")

_SESSION_OPTIONS = (
    click.option(
        "--url",
        help="A server that speaks the protocol: a base URL, as `trio-live serve` prints it, or a "
        "whole one with a path. An API key in the environment is sent along.",
    ),
    click.option("--insecure", is_flag=True, help="Allow ws:// to another machine."),
    click.option("--model", default=DEFAULT_MODEL, show_default=True, help="The model's name."),
    click.option("--instruction", help="A system instruction for the model."),
    click.option("--voice", help="A prebuilt voice, such as Puck."),
    click.option(
        "--wait",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        show_default=True,
        help="Seconds of silence after which an answer counts as missing.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines."),
)


def _session_options(command: Command) -> Command:
    for option in reversed(_SESSION_OPTIONS):
        command = option(command)
    return command


def _read_faults(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[Fault, ...]:
    try:
        return tuple(Fault.parse(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", context, parameter) from error


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="The real service is used when GEMINI_API_KEY (or GOOGLE_API_KEY) is set or --url is "
    "given, else a server embedded in the command, which echoes.",
)
@click.version_option(trio_live.__version__, prog_name="trio-live")
def trio_live_command() -> None:
    """Talk to Gemini Live, in voice and text."""


@trio_live_command.command("talk")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write the reply to this WAV file.")
@click.option("--text", is_flag=True, help="Ask for text instead of voice.")
@_session_options
@click.pass_context
def talk_command(
    context: click.Context,
    *,
    file: Path,
    out: Path | None,
    text: bool,
    as_json: bool,
    url: str | None,
    insecure: bool,
    wait: float,
    model: str,
    instruction: str | None,
    voice: str | None,
) -> None:
    """Say FILE, a WAV file, in real time and listen to the answer."""
    if text and out is not None:
        raise click.UsageError("--out needs a voice, and --text asks for none.")
    config = _config(model, instruction, voice, text=text)
    options = TalkOptions(file=file, out=out, url=url, insecure=insecure, wait=wait, config=config)
    context.exit(run(partial(talk, options, _talk_view(as_json=as_json))))


@trio_live_command.command("chat")
@click.option(
    "--audio", is_flag=True, help="For models that only speak: show the transcript of their voice."
)
@_session_options
@click.pass_context
def chat_command(
    context: click.Context,
    *,
    audio: bool,
    as_json: bool,
    url: str | None,
    insecure: bool,
    wait: float,
    model: str,
    instruction: str | None,
    voice: str | None,
) -> None:
    """Chat in text: each line of standard input is a turn."""
    config = _config(model, instruction, voice, text=not audio)
    options = ChatOptions(url=url, insecure=insecure, wait=wait, config=config)
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    view = JsonChatView() if as_json else TextChatView(interactive=interactive)
    context.exit(run(partial(chat, options, standard_input(), view)))


@trio_live_command.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--pace",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Seconds that an answer takes per second of voice; 0 for as fast as possible.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    callback=_read_faults,
    help="Let something go wrong, such as close=1011@during-turn, rst@after-setup or "
    "http=503,7@before-upgrade*2 (twice); the documentation has them all. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the URL as a JSON line.")
@click.pass_context
def serve_command(
    context: click.Context,
    *,
    host: str,
    port: int,
    pace: float,
    faults: tuple[Fault, ...],
    as_json: bool,
) -> None:
    """Run the embedded server, which echoes, and print its URL. Ctrl-C ends it."""
    context.exit(run(partial(serve, host, port, pace=pace, faults=faults, as_json=as_json)))


def invoke(arguments: Sequence[str] | None) -> int:
    """Run the command line and give its exit code."""
    try:
        trio_live_command.main(args=arguments, prog_name="trio-live")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    raise AssertionError("click ends every command with SystemExit")


def _config(
    model: str, instruction: str | None, voice: str | None, *, text: bool
) -> trio_live.SessionConfig:
    try:
        return trio_live.SessionConfig(
            model,
            system_instruction=instruction,
            voice=voice,
            response_modalities=("TEXT" if text else "AUDIO",),
            input_transcription=not text,
            output_transcription=not text,
        )
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def _talk_view(*, as_json: bool) -> View:
    if as_json:
        return JsonView()
    console = Console(highlight=False, markup=False, emoji=False)
    return LiveView(console) if console.is_terminal else LineView()
