"""Neutral real speech, played as callers' calls, upsets nobody: fewer than one false shift in half an hour.

Readings from the development data, and the prompts of Debian's asterisk-core-sounds-*-wav where such a package is
installed: hundreds of sentences, names, numbers and letters by one professional voice each, recorded over many sessions
and played here in the order of their file names. That is harder than a caller, whose voice does not change sessions in
the middle of a call. Tone alone decides, as in a call whose words say nothing; the segmenter and the pitch tracker work
as they do live. Only speech is counted as time: no pauses, no pre-roll, no hang-over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import soxr

from prosody.emotion import EmotionTracker
from prosody.features import measure
from prosody.types import EmotionScore, EmotionShift
from voice.audio.telephone import through_telephone
from voice.contracts.audio import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    AudioFrame,
    Party,
    Pcm,
    SegmentId,
    Span,
    from_s,
    on_16_bit_grid,
    to_s,
)
from voice.vad.detectors import load_detectors
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

SOUNDS = Path(os.environ.get("WARMLINE_TEST_SOUNDS", "/usr/share/asterisk/sounds"))
"""Prompts, a folder for each voice; where Debian's packages put them, unless said otherwise."""

NO_SPEECH = ("silence/", "beep", "2tone", "tt-monkeys.", "ring")
PAUSE_S = 2.0
CALL_S = 180.0
"""Media time after which a voice begins a new call, as an unknown caller: a young normal is where mistakes are made."""

LINES: dict[str, Callable[[Pcm], Pcm]] = {"studio": lambda pcm: pcm, "telephone": through_telephone}


ENOUGH_MIN = 30


@dataclass(frozen=True)
class Utterance:
    """One segment and what the tracker said of it."""

    span: Span
    score: EmotionScore
    shift: EmotionShift | None

    @property
    def speech_s(self) -> float:
        """Seconds, less what the segmenter adds."""
        settings = SegmenterSettings()
        return max(0.0, to_s(self.span.length) - (settings.pre_roll_ms + settings.hangover_ms) / 1000)


Call = list[Utterance]


def cut_segments(pcm: Pcm) -> list[Span]:
    """What the segmenter hears in a recording."""
    segmenter = Segmenter(load_detectors("silero")(), SegmenterSettings(), Party.CALLER)
    found = []
    for start in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        found += segmenter.feed(AudioFrame(Party.CALLER, start, pcm[start : start + FRAME_SAMPLES]))
    found += segmenter.flush()
    return [one.span for one in found if isinstance(one, SegmentClosed)]


def play(recordings: Iterable[Pcm]) -> dict[str, list[Call]]:
    """One voice's recordings as calls of three minutes, by each line."""
    pause = np.zeros(from_s(PAUSE_S), np.float32)
    voice = on_16_bit_grid(np.concatenate([pause, *(part for pcm in recordings for part in (pcm, pause))]))
    spans = cut_segments(voice)
    return {name: follow(line(voice), spans) for name, line in LINES.items()}


def follow(heard: Pcm, spans: Iterable[Span]) -> list[Call]:
    """What the tracker says of one voice by one line."""
    calls: list[Call] = []
    began, tracker = 0, EmotionTracker()
    for number, span in enumerate(spans):
        if not calls or to_s(span.start - began) > CALL_S:
            calls.append([])
            began, tracker = span.start, EmotionTracker()
        media = Span(span.start - began, span.end - began)
        features = measure(heard[span.start : span.end], tracker.usual_hz)
        tracker.score_tone(SegmentId(number), media, features)
        calls[-1].append(Utterance(media, *tracker.score_words(SegmentId(number), None, 0.0)))
    return calls


def play_all(voices: Iterable[Iterable[Pcm]]) -> dict[str, list[Call]]:
    """Every voice's calls, by each line."""
    played: dict[str, list[Call]] = {name: [] for name in LINES}
    for recordings in voices:
        for name, calls in play(recordings).items():
            played[name] += calls
    return played


def speech_min(calls: Iterable[Call]) -> float:
    return sum(one.speech_s for call in calls for one in call) / 60


def false_shifts(calls: Iterable[Call]) -> int:
    """Shifts to the worse; each of them may be followed by one that settles."""
    return sum(one.shift is not None and one.shift.reason != "settling" for call in calls for one in call)


def read_prompts(folder: Path) -> list[Pcm]:
    """The prompts of one voice that are speech, in the order of their names."""
    files = [file for file in sorted(folder.rglob("*.wav")) if not any(part in str(file) for part in NO_SPEECH)]
    pcms = []
    for file in files:
        pcm, rate = soundfile.read(file, dtype="float32")
        pcms.append(np.asarray(soxr.resample(pcm, rate, SAMPLE_RATE), np.float32))
    return pcms


@pytest.fixture(scope="module")
def readings(aishell: list[Recording], emodb: list[Recording]) -> dict[str, list[Call]]:
    """Calls of seven voices of the development data that read or speak neutrally."""
    neutral = [one for one in (*aishell, *emodb) if one.emotion == "neutral"]
    speakers = sorted({one.speaker for one in neutral})
    return play_all([one.pcm for one in neutral if one.speaker == speaker] for speaker in speakers)


@pytest.fixture(scope="module")
def prompts() -> dict[str, list[Call]]:
    """Calls of all voices that are installed; skipped where they say too little."""
    folders = [folder for folder in sorted(SOUNDS.glob("*")) if folder.is_dir() and any(folder.rglob("*.wav"))]
    played = play_all(read_prompts(folder) for folder in folders)
    minutes = min(speech_min(calls) for calls in played.values())
    if minutes < ENOUGH_MIN:
        pytest.skip(
            f"{minutes:.0f} minutes of prompts below {SOUNDS}, {ENOUGH_MIN} are needed (on Debian: apt-get install "
            "asterisk-core-sounds-en-wav asterisk-core-sounds-it-wav)"
        )
    return played


@pytest.mark.parametrize("line", LINES)
def test_reading_upsets_nobody(readings: dict[str, list[Call]], line: str) -> None:
    assert speech_min(readings[line]) > 6
    assert false_shifts(readings[line]) == 0


@pytest.mark.parametrize("line", LINES)
def test_half_an_hour_of_prompts_has_fewer_than_one_false_shift(prompts: dict[str, list[Call]], line: str) -> None:
    assert false_shifts(prompts[line]) * 30 / speech_min(prompts[line]) < 1


@pytest.mark.parametrize("line", LINES)
def test_the_curve_errs_by_as_much_as_it_says(readings: dict[str, list[Call]], line: str) -> None:
    """Who speaks neutrally is at rest: the distance from there, in the curve's own standard deviations."""
    # The first utterances say how far the normal is known, not how well the curve does.
    scores = [one.score for call in readings[line] for one in call[4:]]
    away = np.abs([score.curve_arousal / score.curve_arousal_sd for score in scores])
    assert 0.6 < np.mean(away < 1) < 0.9
    assert np.mean(away < 1.96) > 0.9


@pytest.mark.parametrize("line", LINES)
def test_neutral_speech_is_no_risk(readings: dict[str, list[Call]], line: str) -> None:
    risks = [one.score.risk for call in readings[line] for one in call]
    assert np.mean(risks) < 0.15
    assert np.quantile(risks, 0.95) < 0.5


def test_calls_hold_what_was_said(readings: dict[str, list[Call]], aishell: list[Recording]) -> None:
    """The harness itself: both lines hear the same, in calls whose times rise, and nearly all that was recorded."""
    spans = {line: [[one.span for one in call] for call in calls] for line, calls in readings.items()}
    assert spans["studio"] == spans["telephone"]
    for call in spans["studio"]:
        assert call[0].start == 0
        assert all(before.end <= after.start for before, after in pairwise(call))
    recorded_min = sum(len(one.pcm) for one in aishell) / SAMPLE_RATE / 60
    assert 0.7 * recorded_min < speech_min(readings["studio"]) < 1.2 * recorded_min
