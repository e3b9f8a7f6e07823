"""The prosody of one utterance, from its audio alone, measured while it is spoken."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from prosody.compiled import compiled
from prosody.energy import measure_energy
from prosody.formants import measure_formants
from prosody.periodicity import find_clear
from prosody.periods import measure_periods
from prosody.pitch import CANDIDATES, Candidates, PitchTrack, find_candidates, follow_pitch
from prosody.quantile import quantiles
from prosody.runs import find_runs
from prosody.spectrum import HOP_S, ROOM_FRAMES, Array, Rows, Spectra, SpectrumStream
from prosody.steadiness import is_speech
from prosody.sums import slope_of
from prosody.timbre import measure_timbre
from prosody.timing import find_nuclei
from prosody.types import ProsodyFeatures
from prosody.voice_quality import measure_quality
from voice.contracts.audio import SAMPLE_RATE, Pcm, to_s

CONTOUR_HOPS: Final = 5
"""Frames of 10 ms that one value of the contour stands for."""

_FEWEST_FOR_MEDIAN: Final = 5
_FEWEST_FOR_RANGE: Final = 20
"""Voiced frames (10 ms each) from which a median, and a range or slope, mean something."""

_FINAL_FRAMES: Final = 5
_BEFORE_FINAL_FRAMES: Final = 25
"""The last 50 ms of a voiced stretch are compared with the 250 ms before them, of which at least 50 ms must exist."""


class UtteranceAnalyser:
    """Measures an utterance while it is spoken.

    Filtering, spectra and pitch candidates are worked out in blocks of 320 ms as the audio comes; the path through the
    candidates and what rests on it (levels, rate, voice quality, formants, timbre) wait for the end. Blocks lie where
    the audio says, not where it was cut, so any chunking gives the same bits.

    Memory grows by 0.24 MB a second (at times double that, as its arrays grow), for at most 120 s. What is left for the
    end costs half of the whole, of short utterances more: 2.3 ms of CPU after 3 s of speech, 6 ms after 10 s, 30 ms
    after a minute.
    """

    def __init__(self) -> None:
        self._stream = SpectrumStream()
        self._octaves = Rows(np.zeros((0, CANDIDATES), np.float32), ROOM_FRAMES)
        self._strength = Rows(np.zeros((0, CANDIDATES), np.float32), ROOM_FRAMES)

    def feed(self, pcm: Pcm) -> None:
        """Take the next samples of the utterance.

        Args:
            pcm: shape (n,), 16 kHz mono, any length including none. Level is taken as it is; nothing is normalised.

        Raises:
            AudioFormatError: not mono float audio, a sample is NaN or infinite, or more than 120 s in all.
        """
        self._stream.feed(pcm)
        self._look(self._stream.frames)

    def finish(self, usual_hz: float | None = None) -> ProsodyFeatures:
        """Measure what was fed; the analyser takes nothing more.

        Args:
            usual_hz: the speaker's usual F0 from earlier utterances, in hertz, where known. It steers the tracker where
                the sound leaves two octaves open.

        Returns:
            Units and ranges as `ProsodyFeatures` states them; every value is finite or None. Where the pitch is held as
            no voice holds it (keypad, ringing, hum, music), nothing counts as voiced, and F0, rates, voice quality and
            formants are None.
        """
        samples = self._stream.samples
        spectra = self._stream.finish()
        self._look(spectra.frames)
        track = follow_pitch(Candidates(self._octaves.all, self._strength.all), spectra.level_db, usual_hz)
        return _assemble(samples, spectra, track if is_speech(spectra, track) else PitchTrack.unvoiced(spectra.frames))

    def _look(self, frames: int) -> None:
        """Find the candidates of all frames before `frames`."""
        done = len(self._octaves)
        if frames > done:
            found = find_candidates(self._stream.power_of(done, frames))
            self._octaves.add(found.octaves)
            self._strength.add(found.strength)


def measure(pcm: Pcm, usual_hz: float | None = None) -> ProsodyFeatures:
    """Measure an utterance at once; the same as feeding it in any number of pieces.

    Args:
        pcm: shape (n,), 16 kHz mono, at most 120 s. Level is taken as it is; nothing is normalised.
        usual_hz: see `UtteranceAnalyser.finish`.

    Raises:
        AudioFormatError: see `UtteranceAnalyser.feed`.
    """
    analyser = UtteranceAnalyser()
    analyser.feed(pcm)
    return analyser.finish(usual_hz)


def measure_along(spectra: Spectra, track: PitchTrack) -> ProsodyFeatures:
    """Measure an utterance along a pitch track from elsewhere, such as `prosody.pyin`.

    Args:
        spectra: of the utterance, finished.
        track: as many frames as `spectra`.
    """
    return _assemble(len(spectra.pcm), spectra, track)


def warm_up() -> None:
    """Compile everything that is compiled, by measuring one second of a synthetic voice.

    Measured on two busy cores: 20 s of CPU the first time on a machine, 0.4 s afterwards, when the code comes from the
    cache; importing this module takes another 0.4 s. Memory: 90 MB for importing (numba, its compiler and
    scipy's transforms), 60 MB for the code from the cache, 190 MB where it is compiled.
    """
    moments = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    phase = 2 * np.pi * 150 * moments - 15 * np.cos(6 * np.pi * moments)
    voice = sum(np.sin(partial * phase) / partial for partial in range(1, 20))
    measure(np.asarray(0.1 * voice * (1 - np.cos(8 * np.pi * moments)), np.float32), 150.0)


def _assemble(samples: int, spectra: Spectra, track: PitchTrack) -> ProsodyFeatures:
    energy = measure_energy(spectra)
    nuclei = len(find_nuclei(spectra, track.voiced))
    pause_s = sum(energy.pauses_s)
    spoken_s = energy.extent_s - pause_s
    median_hz, range_st, slope = _shape_of(track.f0_hz, np.flatnonzero(track.voiced))
    clear = find_clear(spectra, track)
    quality = measure_quality(spectra, track, clear)
    periods = measure_periods(spectra, track, clear)
    formants = measure_formants(spectra, track, clear)
    timbre = measure_timbre(spectra, energy.active)
    return ProsodyFeatures(
        duration_s=to_s(samples),
        voiced_ratio=float(track.voiced.mean()) if spectra.frames else 0.0,
        f0_median_hz=median_hz,
        f0_range_st=range_st,
        f0_slope_st_per_s=slope,
        intensity_mean_db=energy.mean_db,
        intensity_range_db=energy.range_db,
        speech_rate_hz=nuclei / energy.extent_s if nuclei and energy.extent_s else None,
        articulation_rate_hz=nuclei / spoken_s if nuclei and spoken_s > 0 else None,
        pause_count=len(energy.pauses_s),
        pause_ratio=pause_s / energy.extent_s if energy.extent_s else 0.0,
        spectral_tilt_db=quality.spectral_tilt_db,
        f0_contour_hz=draw_contour(track),
        f0_final_st=_final_movement(track.f0_hz),
        intensity_slope_db_per_s=energy.slope_db_per_s,
        jitter_local=periods.jitter_local,
        jitter_rap=periods.jitter_rap,
        shimmer_local=periods.shimmer_local,
        shimmer_apq3=periods.shimmer_apq3,
        hnr_db=quality.hnr_db,
        hammarberg_db=quality.hammarberg_db,
        spectral_slope_db_per_khz=quality.spectral_slope_db_per_khz,
        centroid_hz=timbre.centroid_hz,
        flux=timbre.flux,
        loudness=timbre.loudness,
        mfcc_mean=timbre.mfcc_mean,
        mfcc_sd=timbre.mfcc_sd,
        f1_hz=formants.f1_hz,
        f2_hz=formants.f2_hz,
        f3_hz=formants.f3_hz,
    )


def draw_contour(track: PitchTrack) -> tuple[float | None, ...]:
    """F0 every 50 ms: value k is the median over the voiced frames of hops 5k to 5k + 4.

    Returns:
        Hertz to a tenth, None where fewer than three of the five frames are voiced; one value for each whole 50 ms.
    """
    middles = np.empty(len(track.f0_hz) // CONTOUR_HOPS, np.float64)
    _take_medians(track.f0_hz, middles)
    return tuple(round(middle, 1) if middle else None for middle in middles.tolist())


@compiled
def _take_medians(f0_hz: Array, middles: NDArray[np.float64]) -> None:
    """Fill in the median of the voiced ones of every five frames, 0 where these are fewer than three."""
    found = np.empty(CONTOUR_HOPS, np.float64)
    for group in range(len(middles)):
        voiced = 0
        for hertz in f0_hz[group * CONTOUR_HOPS : (group + 1) * CONTOUR_HOPS]:
            if hertz > 0:
                place = voiced
                while place > 0 and found[place - 1] > hertz:
                    found[place] = found[place - 1]
                    place -= 1
                found[place] = hertz
                voiced += 1
        middles[group] = 0.0
        if 2 * voiced > CONTOUR_HOPS:
            middles[group] = 0.5 * (found[(voiced - 1) // 2] + found[voiced // 2])


def _final_movement(f0_hz: Array) -> float | None:
    """Median of the last 50 ms of the last voiced stretch of 100 ms or more, less that of up to 250 ms before them."""
    runs = find_runs(f0_hz > 0)
    long = runs[runs[:, 1] - runs[:, 0] >= 2 * _FINAL_FRAMES]
    if not len(long):
        return None
    start, end = long[-1]
    turn = end - _FINAL_FRAMES
    octaves = np.log2(f0_hz[max(start, turn - _BEFORE_FINAL_FRAMES) : end].astype(np.float64))
    return 12 * (quantiles(octaves[-_FINAL_FRAMES:], 0.5)[0] - quantiles(octaves[:-_FINAL_FRAMES], 0.5)[0])


def _shape_of(f0_hz: Array, voiced: NDArray[np.intp]) -> tuple[float | None, float | None, float | None]:
    """Median in Hz, 5-95 % range in semitones, least-squares slope in semitones per second."""
    if len(voiced) < _FEWEST_FOR_MEDIAN:
        return None, None, None
    semitones = 12 * np.log2(f0_hz[voiced].astype(np.float64))
    low, median, high = quantiles(semitones, 0.05, 0.5, 0.95)
    median_hz = 2 ** (median / 12)
    if len(voiced) < _FEWEST_FOR_RANGE:
        return median_hz, None, None
    return median_hz, high - low, slope_of(voiced, semitones) / HOP_S
