"""What a party shall hear next: a bounded buffer between whoever speaks and the transport that paces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import anyio
import numpy as np

from voice.audio.fade import fade_away, fade_in
from voice.audio.mixing import mix
from voice.contracts.audio import FRAME_SAMPLES, Pcm, Samples, from_s, to_s
from voice.contracts.errors import CapacityError, FrameError
from voice.contracts.ports import Voice

PLAYOUT_BOUND_S: Final = 120.0
"""How much may wait to be heard: the longest prompt or answer, about 8 MB."""


class Playout:
    """An `AudioSink`: what is queued here is taken in 20 ms pieces by the track; where nothing is, silence is.

    Voices that are mixed in are asked for their sound as it is taken, and add to what is queued.

    Args:
        bound_s: how much may be queued, in seconds.
    """

    def __init__(self, bound_s: float = PLAYOUT_BOUND_S) -> None:
        self.bound_s = bound_s
        self._bound = from_s(bound_s)
        self._pieces: deque[Pcm] = deque()
        self._queued: Samples = 0
        self._closed = False
        self._taken = anyio.Event()
        self._voices: list[Voice] = []
        self._coming: list[Voice] = []
        self._going: list[Voice] = []
        # What sounds on for a moment where sound was cut off: silence at once would click.
        self._remnant: Pcm | None = None
        self._sounds = False
        self._listener: Callable[[Pcm], None] | None = None

    @property
    def queued(self) -> Samples:
        """How much is still to be sent."""
        return self._queued

    @property
    def is_mixing(self) -> bool:
        """Whether there is something to be taken though nothing is queued."""
        return bool(self._voices or self._going or self._remnant is not None)

    def play(self, pcm: Pcm) -> None:
        """Queue audio behind what is queued already; after the leg was closed it goes nowhere.

        Args:
            pcm: 16 kHz mono float32, shape (n,), any n. It is copied.

        Raises:
            CapacityError: more than `bound_s` seconds would be queued; nothing of `pcm` is.
            FrameError: another shape or type.
        """
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise FrameError(f"Expected float32 of shape (n,); got {pcm.dtype} of shape {pcm.shape}.")
        if self._closed or not pcm.size:
            return
        if self._queued + pcm.size > self._bound:
            raise CapacityError(
                f"At most {self.bound_s:g} s may wait to be played; {to_s(self._queued + pcm.size):.1f} s would.",
                fix="Play it in parts, as the queue empties.",
            )
        self._pieces.append(pcm.copy())
        self._queued += pcm.size

    def clear(self, *, fade: bool = True) -> Samples:
        """Drop what is queued (barge-in); answers how many samples were dropped.

        Args:
            fade: let what sounds fall silent over a few milliseconds.
        """
        dropped = self._queued
        if fade and self._sounds and self._pieces:
            self._remnant = fade_away(self._pieces[0][:FRAME_SAMPLES])
        self._pieces.clear()
        self._queued = 0
        self._wake()
        return dropped

    def close(self) -> None:
        """Drop what is queued and whatever comes later; who waits in `drain` goes on."""
        self._closed = True
        self._voices, self._coming, self._going = [], [], []
        self.clear()

    def mix_in(self, voice: Voice) -> None:
        """Let a voice be heard from now on, from silence."""
        if self._closed or any(one is voice for one in self._voices):
            return
        self._voices.append(voice)
        if any(one is voice for one in self._going):  # it was to fade with what is taken next: it sounds on instead
            self._going = [one for one in self._going if one is not voice]
        else:
            self._coming.append(voice)

    def leave_out(self, voice: Voice) -> None:
        """Let a voice be heard no longer; it fades with what is taken next."""
        if any(one is voice for one in self._voices):
            self._voices = [one for one in self._voices if one is not voice]
            # One that has not been heard yet need not fade.
            if not any(one is voice for one in self._coming):
                self._going.append(voice)
            self._coming = [one for one in self._coming if one is not voice]

    async def drain(self, down_to: Samples = 0) -> None:
        """Return once at most `down_to` samples are queued, or the leg was closed."""
        while self._queued > down_to and not self._closed:
            await self._taken.wait()

    async def wait_played(self) -> None:
        """Return once all that was queued was taken or dropped, or the leg was closed."""
        await self.drain()

    def take(self, samples: Samples) -> Pcm:
        """The next samples to be sent, shape (samples,); zeros where nothing sounds."""
        taken = self._take_queued(samples)
        sounds: list[Pcm] = []
        if self._remnant is not None:
            remnant, self._remnant = self._remnant[:samples], None
            sounds.append(np.pad(remnant, (0, samples - remnant.size)))
        for voice in self._voices:
            sound = voice.take(samples)
            sounds.append(fade_in(sound) if any(one is voice for one in self._coming) else sound)
        sounds += [fade_away(voice.take(samples)) for voice in self._going]
        self._coming, self._going = [], []
        heard = mix(taken, *sounds) if sounds else taken
        if self._listener is not None:
            self._listener(heard)
        return heard

    def tap(self, listener: Callable[[Pcm], None] | None) -> None:
        """Tell `listener` of all that is taken, as it is taken; None ends that. It must not change what it is told."""
        self._listener = listener

    def _take_queued(self, samples: Samples) -> Pcm:
        taken = np.zeros(samples, np.float32)
        filled = 0
        while self._pieces and filled < samples:
            piece = self._pieces.popleft()
            used = piece[: samples - filled]
            taken[filled : filled + used.size] = used
            filled += used.size
            if used.size < piece.size:
                self._pieces.appendleft(piece[used.size :])
        self._queued -= filled
        self._sounds = bool(filled)
        if filled:
            self._wake()
        return taken

    def _wake(self) -> None:
        self._taken.set()
        self._taken = anyio.Event()
