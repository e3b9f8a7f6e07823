"""Agreement with Praat on real speech of two corpora, seven speakers, calm and acted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import parselmouth
import pytest
from numpy.typing import NDArray
from parselmouth.praat import call

from prosody.features import measure
from prosody.formants import measure_formants
from prosody.periods import compare_periods, mark_periods, measure_periods
from prosody.pitch import PitchTrack, track_pitch
from prosody.spectrum import HOP_S, Spectra, analyse
from prosody.types import ProsodyFeatures
from prosody.voice_quality import measure_quality
from voice.contracts.audio import SAMPLE_RATE, Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording

pytestmark = pytest.mark.slow

Float = NDArray[np.float64]

_PERIODS = (0, 0, 0.0001, 0.02, 1.3)
"""Whole sound; period floor, ceiling, largest factor."""


@dataclass(frozen=True)
class Segment:
    """One utterance, ours and Praat's."""

    pcm: Pcm
    spectra: Spectra
    track: PitchTrack
    features: ProsodyFeatures
    sound: Any
    pitch: Any

    @property
    def moments_s(self) -> Float:
        """Where our frames are centred."""
        return np.asarray((np.arange(self.spectra.frames) + 0.5) * HOP_S, np.float64)

    def sampled(self, moments_s: Float, values: Float) -> Float:
        """Praat's frames nearest to ours."""
        places = np.round((self.moments_s - moments_s[0]) / HOP_S).astype(int)
        return np.asarray(values[np.clip(places, 0, len(values) - 1)])


@pytest.fixture(scope="module")
def segments(aishell: list[Recording], emodb: list[Recording]) -> list[Segment]:
    found = []
    for recording in (*aishell, *emodb):
        spectra = analyse(recording.pcm)
        sound = parselmouth.Sound(recording.pcm.astype(np.float64), SAMPLE_RATE)
        # Praat's defaults but for the range: 15 candidates, silence .03, voicing .45, octave .01, jump .35, change .14.
        pitch = call(sound, "To Pitch (ac)", HOP_S, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 500)
        features = measure(recording.pcm)
        found.append(Segment(recording.pcm, spectra, track_pitch(spectra), features, sound, pitch))
    assert len(found) >= 100
    return found


@pytest.fixture(scope="module")
def points(segments: list[Segment]) -> list[Any]:
    return [call([segment.sound, segment.pitch], "To PointProcess (cc)") for segment in segments]


def pairs(ours: list[float | None], theirs: list[float]) -> tuple[Float, Float]:
    """Both as arrays; nearly every utterance has both."""
    own, reference = np.array(ours, np.float64), np.array(theirs, np.float64)
    known = np.isfinite(own) & np.isfinite(reference)
    assert known.mean() > 0.97
    return own[known], reference[known]


def correlation(own: Float, reference: Float) -> float:
    return float(np.corrcoef(own, reference)[0, 1])


def bias(own: Float, reference: Float) -> float:
    return float(np.median(own / reference) - 1)


def test_f0_lies_within_20_cents(segments: list[Segment]) -> None:
    medians = []
    for segment in segments:
        theirs = segment.sampled(segment.pitch.xs(), segment.pitch.selected_array["frequency"])
        both = segment.track.voiced & (theirs > 0)
        medians.append(np.median(np.abs(1200 * np.log2(segment.track.f0_hz[both] / theirs[both]))))
    assert np.median(medians) <= 20


def test_intensity_agrees_along_and_across_utterances(segments: list[Segment]) -> None:
    along, ours, theirs = [], [], []
    for segment in segments:
        intensity = call(segment.sound, "To Intensity", 100, HOP_S, "yes")
        level_db = segment.sampled(intensity.xs(), intensity.values[0])
        heard = segment.spectra.level_db > segment.spectra.level_db.max() - 50
        along.append(correlation(segment.spectra.level_db[heard].astype(np.float64), level_db[heard]))
        ours.append(segment.features.intensity_mean_db)
        theirs.append(call(intensity, "Get mean", 0, 0, "energy"))
    assert np.median(along) >= 0.97
    assert correlation(*pairs(ours, theirs)) >= 0.97


def test_hnr_agrees(segments: list[Segment]) -> None:
    ours, theirs = [], []
    for segment in segments[::2]:  # Praat's takes 80 ms a segment
        harmonicity = call(segment.sound, "To Harmonicity (ac)", HOP_S, 75, 0.1, 4.5)
        ours.append(measure_quality(segment.spectra, segment.track).hnr_db)
        theirs.append(call(harmonicity, "Get mean", 0, 0))
    own, reference = pairs(ours, theirs)
    assert correlation(own, reference) >= 0.85
    assert abs(np.median(own - reference)) < 2


def test_jitter_agrees(segments: list[Segment], points: list[Any]) -> None:
    periods = [measure_periods(segment.spectra, segment.track) for segment in segments]
    own, reference = pairs(
        [found.jitter_local for found in periods], [call(point, "Get jitter (local)", *_PERIODS) for point in points]
    )
    assert correlation(own, reference) >= 0.8
    assert abs(bias(own, reference)) <= 0.15


def test_shimmer_agrees(segments: list[Segment], points: list[Any]) -> None:
    periods = [measure_periods(segment.spectra, segment.track) for segment in segments]
    measures: dict[str, Callable[[Any], float | None]] = {
        "Get shimmer (local)": lambda found: found.shimmer_local,
        "Get shimmer (apq3)": lambda found: found.shimmer_apq3,
    }
    for name, read in measures.items():
        theirs = [
            call([segment.sound, point], name, *_PERIODS, 1.6) for segment, point in zip(segments, points, strict=True)
        ]
        own, reference = pairs([read(found) for found in periods], theirs)
        assert correlation(own, reference) >= (0.9 if "local" in name else 0.85), name
        assert abs(bias(own, reference)) <= 0.15, name


def test_periods_agree_closely_over_the_same_voiced_stretches(segments: list[Segment], points: list[Any]) -> None:
    """With Praat's own F0, what is left is the difference between the two ways of marking periods."""
    jitter, shimmer = [], []
    for segment in segments:
        f0_hz = segment.sampled(segment.pitch.xs(), segment.pitch.selected_array["frequency"]).astype(np.float32)
        found = compare_periods(mark_periods(segment.spectra, PitchTrack(f0_hz, f0_hz > 0)))
        jitter.append(found.jitter_local)
        shimmer.append(found.shimmer_local)
    own, reference = pairs(jitter, [call(point, "Get jitter (local)", *_PERIODS) for point in points])
    assert correlation(own, reference) >= 0.92
    assert abs(bias(own, reference)) <= 0.1
    theirs = [
        call([segment.sound, point], "Get shimmer (local)", *_PERIODS, 1.6)
        for segment, point in zip(segments, points, strict=True)
    ]
    own, reference = pairs(shimmer, theirs)
    assert correlation(own, reference) >= 0.94
    assert abs(bias(own, reference)) <= 0.05


def test_formants_agree(segments: list[Segment]) -> None:
    errors = []
    for segment in segments[::2]:
        found = measure_formants(segment.spectra, segment.track)
        formants = call(call(segment.sound, "Resample", 8000, 50), "To Formant (burg)", HOP_S, 4, 4000, 0.025, 50)
        voiced_s = segment.pitch.xs()[segment.pitch.selected_array["frequency"] > 0]
        theirs = [
            np.nanmedian([formants.get_value_at_time(which, moment) for moment in voiced_s]) for which in (1, 2, 3)
        ]
        own = np.array([found.f1_hz, found.f2_hz, found.f3_hz], np.float64)
        errors.append(np.abs(own / theirs - 1))
    assert (np.nanmedian(errors, axis=0) <= 0.08).all()
    assert np.isfinite(errors).mean() > 0.97
