"""A caller at a loud speakerphone, at the other end of a provider's media stream: what they hear comes back."""

from __future__ import annotations

import base64
import json
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voice.audio.g711 import decode_ulaw, encode_ulaw

RATE: Final = 8000
FRAME: Final = RATE // 50
_DELAY: Final = round(0.2 * RATE)
_ROOM: Final = RATE // 10

Sound = NDArray[np.float64]


class Speakerphone:
    """Plays what it is sent, and hears it again 200 ms later, from a room and a loudspeaker that bends what is loud.

    Args:
        said: what the caller says from the beginning of the call on, 8 kHz, in [-1, 1].
        level_db: of the echo, relative to what is played.
    """

    def __init__(self, said: Sound, level_db: float) -> None:
        self.said = said
        chance = np.random.default_rng(3)
        room = chance.normal(0, 1, _ROOM) * np.exp(-6.9 * np.arange(_ROOM) / _ROOM)
        room[0] = 4
        self._room = 10 ** (level_db / 20) * room / np.sqrt(np.sum(room**2))
        self._waiting: deque[Sound | str] = deque()
        self._played = np.zeros(_DELAY + _ROOM)

    def take(self, text: str) -> None:
        """A message comes."""
        message = json.loads(text)
        match message["event"]:
            case "media":
                self._waiting.append(decode_ulaw(base64.b64decode(message["media"]["payload"])) / 32768)
            case "mark":
                self._waiting.append(message["mark"]["name"])
            case _:
                self._waiting.clear()

    def play(self) -> list[str]:
        """Sound for 20 ms; answers the marks that were reached."""
        marks: list[str] = []
        sound, filled = np.zeros(FRAME), 0
        while self._waiting and filled < FRAME:
            piece = self._waiting.popleft()
            if isinstance(piece, str):
                marks.append(piece)
                continue
            used = piece[: FRAME - filled]
            sound[filled : filled + used.size] = used
            filled += used.size
            if used.size < piece.size:
                self._waiting.appendleft(piece[used.size :])
        self._played = np.concatenate([self._played, np.tanh(3 * sound) / 3])[-(_DELAY + _ROOM + FRAME) :]
        return marks

    def pick_up(self, number: int) -> bytes:
        """What the microphone hears in the 20 ms of that number: mu-law."""
        echo = np.convolve(self._played[: _ROOM + FRAME - 1], self._room, "valid")
        both = echo + np.pad(self.said[number * FRAME : (number + 1) * FRAME], (0, FRAME))[:FRAME]
        return encode_ulaw(np.clip(np.rint(both * 32768), -32768, 32767).astype(np.int16))
