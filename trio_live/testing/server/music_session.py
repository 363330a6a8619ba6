"""One music session of the server: setup, prompts, config, playback, and the music itself."""

from __future__ import annotations

from typing import ClassVar

import trio

from .grammar import Message
from .line import Line
from .music import CHUNK_SECONDS, MUSIC_TYPE, MusicMaker, MusicMoment
from .music_rules import MUSIC_MESSAGE, check_config, check_control, check_prompts, check_setup
from .session import ServerSession
from .shapes import JsonObject, encode_base64, get_object, invalid_argument
from .visitor import House, Visitor

# They shape the context, so that new values count once that is reset.
_OF_THE_CONTEXT = ("bpm", "scale")


class MusicServerSession(ServerSession):
    """The server's side of one music connection; made by `LiveServer`.

    What a test can see and do is as in a `ServerSession`; `error` is what the music maker raised.
    """

    client_message: ClassVar[Message] = MUSIC_MESSAGE

    def __init__(self, visitor: Visitor, house: House, line: Line, maker: MusicMaker) -> None:
        super().__init__(visitor, house, line)
        self._maker = maker
        self._content: JsonObject = {}  # the last clientContent, as the client said it
        self._prompts: dict[str, float] = {}
        self._config: JsonObject = {}
        self._context: JsonObject = {}  # of the config, what holds until the next reset
        self._position: float | None = None  # seconds; None: the context has not begun
        self._resets = 0
        self._wanted = trio.Event()  # set while music is wanted; replaced when the music stops

    @property
    def playing(self) -> bool:
        """Whether music is being made."""
        return self._wanted.is_set()

    def _dispatch(self, kind: str, value: object) -> None:
        body = get_object({kind: value}, kind)
        if (kind == "setup") is self.is_set_up:
            raise invalid_argument("a second setup" if self.setup else f"{kind} before the setup")
        if kind == "setup":
            check_setup(body, self._visitor.entrance, self._house.options.models)
            self.setup = dict(body)
            self._line.outbox.put_json({"setupComplete": {}})
            assert self._nursery is not None  # messages come while the line runs
            self._nursery.start_soon(self._play)
        elif kind == "clientContent":
            self._prompts = check_prompts(body)
            self._content = body
        elif kind == "musicGenerationConfig":
            check_config(body)
            self._config = body
        else:
            check_control(value, prompted=bool(self._prompts))
            self._control(str(value))

    def _control(self, control: str) -> None:
        if control in ("STOP", "RESET_CONTEXT"):
            self._position = None
            self._resets += 1
        if control == "PLAY":
            self._wanted.set()
        elif control in ("PAUSE", "STOP") and self._wanted.is_set():
            self._wanted = trio.Event()  # only when it is set: an unset one is being waited for

    async def _play(self) -> None:
        """Make chunk after chunk while music is wanted, as fast as the server's pace says."""
        pace = self._house.options.pacing.pace
        try:
            while True:
                await self._line.outbox.room()
                await self._wanted.wait()
                moment, resets = self._moment(), self._resets
                pcm = await self._maker(moment)
                # Held, stopped or reset meanwhile: this is not what is to be heard next.
                if self._wanted.is_set() and self._resets == resets:
                    self._position = moment.position + CHUNK_SECONDS
                    self._line.outbox.put_json(_message(pcm, self._content, moment))
                    await trio.sleep(CHUNK_SECONDS * pace)
        except trio.ClosedResourceError:
            return  # the session is closing
        except Exception as error:  # from the user's maker
            self._fail(error)

    def _moment(self) -> MusicMoment:
        if self._position is None:
            self._position = 0.0
            self._context = {n: self._config[n] for n in _OF_THE_CONTEXT if n in self._config}
        steady = {n: v for n, v in self._config.items() if n not in _OF_THE_CONTEXT}
        return MusicMoment(dict(self._prompts), steady | self._context, self._position)


def _message(pcm: bytes, content: JsonObject, moment: MusicMoment) -> JsonObject:
    source = {"clientContent": content, "musicGenerationConfig": moment.config}
    chunk = {"data": encode_base64(pcm), "mimeType": MUSIC_TYPE, "sourceMetadata": source}
    return {"serverContent": {"audioChunks": [chunk]}}
