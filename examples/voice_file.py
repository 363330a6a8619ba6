"""Say a WAV file to the model as it would be spoken, and keep the spoken answer.

    python examples/voice_file.py examples/speech.wav reply.wav

It talks to the real service if the environment names one, else to an echo (place.py).
"""

import sys

import trio
from place import open_endpoint

import trio_live
from trio_live.audio import chunks, read_wav, write_wav

CHUNK_SECONDS = 0.02
ANSWER_SECONDS = 30.0


async def say(session: trio_live.SessionHandle, pcm16: bytes) -> None:
    """Send 20 ms every 20 ms. Each has its own deadline, so small delays do not add up."""
    start = trio.current_time()
    for number, chunk in enumerate(chunks(pcm16)):
        await trio.sleep_until(start + number * CHUNK_SECONDS)
        await session.send_audio(chunk)
    await session.end_audio_stream()  # nothing more to hear: the turn ends here


async def hear(session: trio_live.SessionHandle) -> bytes:
    """Collect the answer up to the end of the turn: 24 kHz, 16-bit, mono."""
    reply = bytearray()
    async for event in session:
        match event:
            case trio_live.AudioData(data=pcm16):
                reply += pcm16
            case trio_live.Interrupted():
                reply.clear()  # what was said so far will not be played any more
            case trio_live.InputTranscription(text=text):
                print(f"you: {text}")
            case trio_live.OutputTranscription(text=text):
                print(f"model: {text}")
            case trio_live.TurnComplete(interrupted=False):
                break
            case _:
                pass
    return bytes(reply)


async def converse(endpoint: trio_live.Endpoint, question: str, answer: str) -> None:
    """Say one file, write one answer."""
    pcm16 = await trio.to_thread.run_sync(read_wav, question)  # files would block the loop
    config = trio_live.SessionConfig(
        "gemini-3.8-live", input_transcription=True, output_transcription=True
    )
    async with (
        trio_live.open_session(config, endpoint=endpoint) as session,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(say, session, pcm16)  # both directions at once
        with trio.fail_after(len(pcm16) / 32_000 + ANSWER_SECONDS):
            reply = await hear(session)
        nursery.cancel_scope.cancel()
    await trio.to_thread.run_sync(write_wav, answer, reply, 24_000)
    print(f"{answer}: {len(reply) / 48_000:.2f} s")


async def main(question: str, answer: str) -> None:
    """Find a server and converse."""
    async with open_endpoint() as endpoint:
        await converse(endpoint, question, answer)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: voice_file.py QUESTION.wav ANSWER.wav")
    try:
        trio.run(main, sys.argv[1], sys.argv[2])
    except trio_live.LiveError as error:  # a file that cannot be used is one, too
        sys.exit(f"error: {error}")
