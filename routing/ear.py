"""One party's audio, made continuous: frames in, speech out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Samples
from voice.vad.segmenter import Segmenter, SegmenterOutput


class Ear:
    """Feeds a party's frames to the segmenter; where audio is missing it hears silence, as the recording holds it.

    What is heard is thus the same in the live call and in the replay of its recording.

    Args:
        party: whose.
        segmenter: their own, fresh.
        since: media time from which they are heard; one who joins late has not been silent before.
    """

    def __init__(self, party: Party, segmenter: Segmenter, since: Samples = 0) -> None:
        self.party = party
        self._segmenter = segmenter
        self._next: Samples = since

    @property
    def heard(self) -> Samples:
        """Media time up to which this party has been heard."""
        return self._next

    def hear(self, frame: AudioFrame) -> Iterator[SegmenterOutput]:
        """What becomes known with `frame`, after the silence that stands for missing frames before it.

        Lazy, so that whoever iterates can let others run during a long silence. A frame that comes after its time has
        passed is left out.
        """
        yield from self.wait(frame.start)
        if self._next == frame.start:
            yield from self._feed(frame)

    def wait(self, until: Samples) -> Iterator[SegmenterOutput]:
        """What becomes known while nothing comes from this party until `until`."""
        while self._next < until:
            yield from self._feed(AudioFrame(self.party, self._next, _silence()))

    def answer(self, probability: float | None) -> None:
        """Say how likely it is that the party has finished, see `Segmenter.answer`."""
        self._segmenter.answer(probability)

    def flush(self) -> list[SegmenterOutput]:
        """What becomes known because the audio ends here."""
        return list(self._segmenter.flush())

    def _feed(self, frame: AudioFrame) -> list[SegmenterOutput]:
        self._next += FRAME_SAMPLES
        return list(self._segmenter.feed(frame))


def _silence() -> Pcm:
    return np.zeros(FRAME_SAMPLES, np.float32)
