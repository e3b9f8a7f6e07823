"""A file as an `AudioSource`: at the pace of a clock, or as fast as it is taken."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_thread

from voice.audio.decode import AudioFile, AudioInfo, Channels, inspect
from voice.audio.framing import Framer
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, to_s
from voice.contracts.errors import SettingsError
from voice.contracts.ports import Clock

GIVE_WAY_EVERY: Final = 10
"""Steps of 20 ms after which an unpaced replay lets other tasks run: 200 ms of audio cost its consumer a few
milliseconds."""

PARTIES: Final = {1: (Party.CALLER,), 2: (Party.CALLER, Party.AGENT)}
"""Who speaks on which channel, by the number of channels."""


class FileSource:
    """Plays an audio file. Mono is the caller; stereo is the caller left and the agent right.

    At each step of 20 ms it yields one frame per party, the caller's first. The last frame is completed with zeros. A
    16 kHz PCM16 file, thus any recording of Warmline, comes out bit for bit.

    Paced, the frames of a step come when their audio has been spoken: `(step end) / speed` seconds after the first step
    was asked for. A consumer that falls behind gets the late frames at once. Decoding runs in worker threads, about a
    second of audio at a time.

    Making a source reads the head of the file (some milliseconds), so that a file that cannot be played is refused
    before a call exists.

    Args:
        path: WAV, MP3, Ogg Opus and others, see `voice.audio.decode`.
        pace: the clock that paces it; None plays as fast as frames are taken.
        speed: pace factor; 2 plays twice as fast. Without effect on an unpaced replay.
        media_clock: a clock to move to the end of each step before its frames are yielded, counted from what it shows
            at first: it is the time of the call in an unpaced replay.

    Raises:
        AudioFormatError: missing, unreadable, empty, truncated before the first sample, or not audio.
        SettingsError: a speed that is not positive.
    """

    def __init__(
        self, path: Path, *, pace: Clock | None = None, speed: float = 1.0, media_clock: ManualClock | None = None
    ) -> None:
        if not 0 < speed < float("inf"):
            raise SettingsError(f"Expected a positive replay speed; got {speed}.", fix="1 is real time.")
        self.info: AudioInfo = inspect(path)
        self.broke_off = False
        """Set at the end where the file turned out to be damaged: the rest of it could not be decoded."""
        self._order = PARTIES[self.info.channels]
        self._pace = pace
        self._speed = speed
        self._media_clock = media_clock
        self._begun = False

    @property
    def parties(self) -> frozenset[Party]:
        """The parties whose frames this source yields."""
        return frozenset(self._order)

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames, until the file ends; close it (`aclosing`) to leave early.

        Raises:
            AudioFormatError: the file was taken away meanwhile, or changes its rate.
            RuntimeError: a second iteration.
        """
        if self._begun:
            raise RuntimeError("A source is iterated once; make another one to play the file again.")
        self._begun = True
        media_origin_s = self._media_clock.now_s() if self._media_clock else 0.0
        origin_s = self._pace.now_s() if self._pace else 0.0
        with ExitStack() as stack:
            file = await anyio.to_thread.run_sync(lambda: stack.enter_context(AudioFile(self.info.path)))
            framers = [Framer(party) for party in self._order]
            async with aclosing(_steps(file, framers)) as steps:
                async for step in steps:
                    end_s = to_s(step[0].span.end)
                    if self._pace is not None:
                        await self._pace.sleep_until(origin_s + end_s / self._speed)
                    woken = self._media_clock.advance_to(media_origin_s + end_s) if self._media_clock else 0
                    if woken or (self._pace is None and step[0].start % (GIVE_WAY_EVERY * FRAME_SAMPLES) == 0):
                        await anyio.lowlevel.checkpoint()
                    for frame in step:
                        yield frame
            self.broke_off = file.broke_off


async def _steps(file: AudioFile, framers: list[Framer]) -> AsyncGenerator[tuple[AudioFrame, ...]]:
    """One frame per party for each 20 ms."""
    blocks = file.blocks()
    while (block := await anyio.to_thread.run_sync(_next_block, blocks)) is not None:
        for step in zip(*(each.feed(row, None) for each, row in zip(framers, block, strict=True)), strict=True):
            yield step
    for step in zip(*(each.flush() for each in framers), strict=True):
        yield step


def _next_block(blocks: Iterator[Channels]) -> Channels | None:
    return next(blocks, None)
