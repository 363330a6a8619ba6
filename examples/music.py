"""Make half a minute of music that changes on its way, and keep it as a WAV file.

    python examples/music.py music.wav "warm piano" "light rain"

The first prompt fades into the last. With GEMINI_API_KEY set the real service makes it, without it
an embedded server that plays tones.
"""

import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio

import trio_live
from trio_live.audio import write_wav
from trio_live.testing import LiveServer

SECONDS = 30.0
LATEST_ANSWER = 30.0  # seconds that the service may take for the next chunk


def mix(prompts: Sequence[str], share: float) -> list[trio_live.WeightedPrompt]:
    """Give the prompts at a moment: from 0.0, the first alone, to 1.0, the last alone."""
    place = share * (len(prompts) - 1)
    weights = (max(0.0, 1.0 - abs(place - number)) for number in range(len(prompts)))
    # A weight of 0 is not allowed: what does not count is left out.
    return [
        trio_live.WeightedPrompt(text, weight)
        for text, weight in zip(prompts, weights, strict=True)
        if weight > 0.0
    ]


async def make_music(music: trio_live.MusicSession, prompts: Sequence[str]) -> bytes:
    """Play, and steer with each chunk that comes: 48 kHz, 16-bit, stereo."""
    await music.set_weighted_prompts(mix(prompts, 0.0))
    await music.set_music_generation_config(
        trio_live.MusicGenerationConfig(bpm=90, density=0.5, scale="C_MAJOR_A_MINOR")
    )
    await music.play()
    made = bytearray()
    seconds = 0.0
    while seconds < SECONDS:
        with trio.fail_after(LATEST_ANSWER):
            event = await anext(aiter(music))
        match event:
            case trio_live.MusicData(data=pcm16):
                made += pcm16
                seconds += event.seconds
                await music.set_weighted_prompts(mix(prompts, min(1.0, seconds / SECONDS)))
            case trio_live.PromptFiltered(text=text, filtered_reason=reason):
                print(f"not played: {text} ({reason})")
            case _:
                pass
    await music.stop()
    return bytes(made)


@asynccontextmanager
async def open_endpoint() -> AsyncGenerator[trio_live.Endpoint, None]:
    """Give the real service if there is a key, else a server of our own."""
    if key := os.environ.get("GEMINI_API_KEY"):
        print("server: the Gemini API")
        yield trio_live.GoogleAI(key)
    else:
        async with LiveServer(pace=0.05) as server:  # like the service, faster than it is heard
            url = await server.listen()
            print(f"server: embedded tones at {url}")
            yield trio_live.GoogleAI("any-key", base_url=url)


async def main(path: str, prompts: Sequence[str]) -> None:
    """Find a server and make music."""
    async with open_endpoint() as endpoint:
        async with trio_live.open_music_session("lyria-realtime-exp", endpoint=endpoint) as music:
            pcm16 = await make_music(music, prompts)
        await trio.to_thread.run_sync(write_wav, path, pcm16, 48_000, 2)
    print(f"{path}: {len(pcm16) / 192_000:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: music.py MUSIC.wav PROMPT [PROMPT ...]")
    trio.run(main, sys.argv[1], sys.argv[2:])
