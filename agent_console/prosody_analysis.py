"""A recording, utterance by utterance, as the live pipeline hears it: found, measured, scored from tone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from agent_console.prosody_trace import Trace, trace
from prosody.emotion import EmotionTracker
from prosody.features import measure, measure_along
from prosody.pitch import PitchTrack, track_pitch
from prosody.ports import ToneModel
from prosody.spectrum import Spectra, analyse
from prosody.steadiness import is_speech
from prosody.types import EmotionLevel, EmotionScore, EmotionShift, ProsodyFeatures, ToneInput
from routing.ear import Ear
from voice.audio.decode import AudioFile, AudioInfo
from voice.audio.framing import Framer
from voice.contracts.audio import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    AudioFrame,
    Party,
    Pcm,
    Samples,
    SegmentId,
    Span,
    from_s,
    to_s,
)
from voice.contracts.errors import AudioFormatError, SettingsError
from voice.replay import PARTIES
from voice.vad.detectors import DETECTORS, make_detector
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings

_FOREVER_S: Final = 1e6
"""Longer than any recording: eleven days."""

Tracker: TypeAlias = Callable[[Spectra, float | None], PitchTrack]
"""Follows the fundamental of an utterance, given the speaker's usual F0 where it is known."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance.

    Attributes:
        number: as the live pipeline would count this party's utterances, from 0.
        span: media time.
        features: what was measured.
        score: emotion from tone alone; None for agents, whose emotion is not inferred.
        level: where the caller stands after it; None for agents.
        trace: the same every 10 ms; None unless asked for.
    """

    number: SegmentId
    span: Span
    features: ProsodyFeatures
    score: EmotionScore | None
    level: EmotionLevel | None
    trace: Trace | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """One party of a recording.

    Attributes:
        info: the file.
        party: who was listened to.
        duration: of the file, samples at 16 kHz; as the file states it where only its beginning was heard.
        window: what was asked for.
        heard: all utterances from the beginning of the file to the end of the window.
        shifts: of mood, likewise.
        pcm: the audio of the window; empty unless asked for.
        broke_off: the file turned out to be damaged; what could be decoded was used.
    """

    info: AudioInfo
    party: Party
    duration: Samples
    window: Span
    heard: tuple[Utterance, ...]
    shifts: tuple[EmotionShift, ...]
    pcm: Pcm
    broke_off: bool

    @property
    def utterances(self) -> tuple[Utterance, ...]:
        """Those that touch the window."""
        return tuple(each for each in self.heard if each.span.overlaps(self.window))

    @property
    def shifts_within(self) -> tuple[EmotionShift, ...]:
        """Those that were confirmed within the window."""
        return tuple(each for each in self.shifts if self.window.start < each.span.end <= self.window.end)

    @property
    def is_scored(self) -> bool:
        """Whether emotion is inferred: of callers only."""
        return self.party is Party.CALLER

    @property
    def is_complete(self) -> bool:
        """Whether the file held all that it promised."""
        return not (self.broke_off or self.info.truncated)


def analyse_recording(
    path: Path,
    *,
    party: Party = Party.CALLER,
    start_s: float = 0.0,
    end_s: float | None = None,
    tracker: Tracker | None = None,
    model: ToneModel | None = None,
    in_detail: bool = False,
    progress: Callable[[float, float | None], None] = lambda _done_s, _of_s: None,
) -> Analysis:
    """Find and measure one party's utterances. Blocking: a few milliseconds per second of audio.

    The window only selects what is answered. What came before it is heard all the same, because an utterance is judged
    against the speaker's own earlier ones; the numbers are those of the whole call.

    Args:
        path: any file that `AudioFile` reads; mono is the caller, stereo the caller left and the agent right.
        party: caller or agent.
        start_s: where the window begins, seconds.
        end_s: where it ends; None is the end of the file.
        tracker: what follows the fundamental; None is what live calls are measured with.
        model: judges utterances besides the rules; None for rules alone.
        in_detail: whether the answer shall hold traces and audio (for a picture).
        progress: told how many seconds have been heard, of how many (None where the file does not say).

    Raises:
        AudioFormatError: not audio, empty, or without a channel of that party.
        SettingsError: a window that is none, or lies beyond the end.
        ModelError: the tone model broke.
    """
    until_s = _FOREVER_S if end_s is None else end_s
    if not 0 <= start_s < until_s <= _FOREVER_S:
        shown = "the end" if end_s is None else f"{end_s:g} s"
        raise SettingsError(f"A window needs 0 <= from < to, in seconds; got {start_s:g} s to {shown}.")
    wanted = Span(from_s(start_s), from_s(until_s))
    with AudioFile(path) as file:
        parties = PARTIES[file.info.channels]
        if party not in parties:
            raise AudioFormatError(
                f"Expected two channels (left caller, right agent) in {path} to listen to the {party}; got one.",
                fix="A recording of one voice is taken for the caller.",
            )
        listener = _Listener(party, tracker, model, wanted if in_detail else None)
        kept: list[Pcm] = []
        found: list[Utterance] = []
        for frame in _frames(file, party, parties.index(party)):
            if frame.start >= wanted.end and listener.has_heard_out(wanted.end):
                break
            if in_detail and frame.span.overlaps(wanted):
                kept.append(frame.pcm)
            found += listener.hear(frame)
            progress(to_s(frame.span.end), file.info.stated_s)
        found += listener.flush()
        info, broke_off = file.info, file.broke_off
    duration = max(listener.heard, from_s(info.stated_s or 0))
    if wanted.start >= duration:
        raise SettingsError(
            f"--from {start_s:g} s lies beyond the end of {path}, which is {to_s(duration):.1f} s long."
        )
    window = Span(wanted.start, min(wanted.end, duration))
    audio = np.concatenate([np.zeros(0, np.float32), *kept])[window.start % FRAME_SAMPLES :][: window.length]
    return Analysis(
        info=info,
        party=party,
        duration=duration,
        window=window,
        heard=tuple(found),
        shifts=tuple(listener.shifts),
        pcm=audio,
        broke_off=broke_off,
    )


class _Listener:
    """One party: from frames to scored utterances, in the way of a live call."""

    def __init__(self, party: Party, tracker: Tracker | None, model: ToneModel | None, in_detail: Span | None) -> None:
        self.shifts: list[EmotionShift] = []
        self._segmenter = Segmenter(make_detector(DETECTORS[0]), SegmenterSettings(), party)
        self._ear = Ear(party, self._segmenter)
        # Whoever works is not watched: an agent's emotion is never inferred here.
        self._emotion = EmotionTracker() if party is Party.CALLER else None
        self._tracker = tracker
        self._model = model
        self._in_detail = in_detail
        self._count = 0

    @property
    def heard(self) -> Samples:
        return self._ear.heard

    def has_heard_out(self, end: Samples) -> bool:
        """Whether every utterance that began before `end` is closed; what opens later than a second after did not."""
        return not self._segmenter.is_open and self.heard >= end + SAMPLE_RATE

    def hear(self, frame: AudioFrame) -> list[Utterance]:
        return [self._take(event) for event in self._ear.hear(frame) if isinstance(event, SegmentClosed)]

    def flush(self) -> list[Utterance]:
        return [self._take(event) for event in self._ear.flush() if isinstance(event, SegmentClosed)]

    def _take(self, closed: SegmentClosed) -> Utterance:
        number = SegmentId(self._count)
        self._count += 1
        features, detail = self._measure(closed)
        if self._emotion is None:
            return Utterance(number, closed.span, features, None, None, detail)
        rating = None
        if self._model is not None:
            rating = self._model.rate(ToneInput(closed.pcm, features, self._emotion.normal()))
        self._emotion.score_tone(number, closed.span, features, rating)
        # Without words the fused score is that of tone, and tells of shifts.
        score, shift = self._emotion.score_words(number, None, 0.0)
        if shift is not None:
            self.shifts.append(shift)
        return Utterance(number, closed.span, features, score, self._emotion.level, detail)

    def _measure(self, closed: SegmentClosed) -> tuple[ProsodyFeatures, Trace | None]:
        usual_hz = None if self._emotion is None else self._emotion.usual_hz
        in_detail = self._in_detail is not None and closed.span.overlaps(self._in_detail)
        if self._tracker is None and not in_detail:
            return measure(closed.pcm, usual_hz), None
        spectra = analyse(closed.pcm)
        track = (self._tracker or track_pitch)(spectra, usual_hz)
        if not is_speech(spectra, track):
            track = PitchTrack.unvoiced(spectra.frames)
        features = measure_along(spectra, track) if self._tracker else measure(closed.pcm, usual_hz)
        return features, trace(closed.span.start, spectra, track) if in_detail else None


def _frames(file: AudioFile, party: Party, channel: int) -> Iterator[AudioFrame]:
    framer = Framer(party)
    for block in file.blocks():
        yield from framer.feed(block[channel], None)
    yield from framer.flush()
