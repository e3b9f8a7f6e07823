"""What a caller hears besides whoever serves them, for the recording: prompts, and others who speak. Pure.

It is gathered on the recording's grid of frames until nothing more can come for a frame, because several may speak at
once, and each comes when its own network brings it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from voice.audio.mixing import mix
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Samples, from_ms, on_16_bit_grid

LAG: Final[Samples] = from_ms(300)
"""How long a frame waits for others that sound at the same time: as uneven as networks bring voices."""


class Aside:
    """Gathers frames, mixes those of one moment, and gives them in order."""

    def __init__(self) -> None:
        self._voices: dict[int, Pcm] = {}
        self._prompt: dict[int, Pcm] = {}
        self._next = 0

    @property
    def given_up_to(self) -> Samples:
        """Media time before which nothing is taken any more."""
        return self._next * FRAME_SAMPLES

    def hear(self, at: Samples, pcm: Pcm) -> None:
        """A frame of somebody whom the caller hears.

        Args:
            at: media time; is put on the grid. What comes after its frame was given goes nowhere.
            pcm: shape (320,), float32.
        """
        place = at // FRAME_SAMPLES
        if place >= self._next:
            there = self._voices.get(place)
            self._voices[place] = pcm if there is None else mix(there, pcm)

    def play(self, at: Samples, pcm: Pcm) -> None:
        """A prompt that begins to be played; nothing else is heard meanwhile.

        Args:
            at: media time; is put on the grid.
            pcm: shape (n,), float32, any n.
        """
        first = max(at // FRAME_SAMPLES, self._next)
        pieces = (pcm[start : start + FRAME_SAMPLES] for start in range(0, pcm.size, FRAME_SAMPLES))
        self._prompt |= {first + number: _whole(piece) for number, piece in enumerate(pieces)}

    def cut(self, at: Samples) -> None:
        """The prompt is over at a media time; what of it would have come later is not heard."""
        self._prompt = {place: pcm for place, pcm in self._prompt.items() if place * FRAME_SAMPLES < at}

    def due(self, now: Samples) -> Iterator[AudioFrame]:
        """The frames that are complete at a media time, in order, as the bot's: they belong to our side."""
        end = (now - LAG) // FRAME_SAMPLES
        places = sorted(place for place in {*self._voices, *self._prompt} if place < end)
        for place in places:
            pieces = [one for one in (self._voices.pop(place, None), self._prompt.pop(place, None)) if one is not None]
            yield AudioFrame(
                Party.BOT, place * FRAME_SAMPLES, on_16_bit_grid(pieces[0] if len(pieces) == 1 else mix(*pieces))
            )
        self._next = max(self._next, end)


def _whole(pcm: Pcm) -> Pcm:
    """A frame's worth; the last piece of a prompt is shorter."""
    return pcm if pcm.size == FRAME_SAMPLES else np.pad(pcm, (0, FRAME_SAMPLES - pcm.size))
