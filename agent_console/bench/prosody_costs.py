"""What a set of prosodic features costs: ours beside what an engineer would take instead.

CPU time of the process, everything on one thread, all in one process and interleaved: in each round every segment of
3 s goes through every set, and a ratio compares what one round cost, so that whatever slows the machine down slows all
of them. Peers are called as their documentation shows, with objects that can be kept made beforehand.

- ours: all of `ProsodyFeatures`, formants included; from 8 kHz with the resampling to 16 kHz that the product does.
- `opensmile`: eGeMAPSv02 functionals, 88 features (Eyben, F. et al. (2016), "The Geneva minimalistic acoustic parameter
  set", IEEE Trans. Affective Computing 7(2), 190-202).
- `librosa_pyin`: F0 by pyin; RMS, spectral centroid, 40 mel bands, 13 MFCC, onset strength (which is flux), zero
  crossings; mean and standard deviation of each. Each is asked for by its own call on the samples, as librosa's
  documentation shows it and as most people write it. No formants, no jitter, shimmer or HNR: librosa has none.
- `librosa_yin`: the same with F0 by yin, which does not tell voiced from unvoiced.
- `librosa_yin_shared`: the same again, but by someone who computes spectrum and mel bands once and hands them on.
- `praat`: F0 by autocorrelation, intensity, jitter (local, rap), shimmer (local, apq3), harmonicity, three formants by
  Burg's method; mean or median of each.

Frames come every 10 ms in all of them; pitch is searched from 60 to 500 Hz where that can be said (Praat: from 75);
librosa's windows are as short as that allows: 64 ms for pitch, 32 ms for spectra.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from time import process_time
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent_console.bench.figures import Figure, Target, median_of
from agent_console.bench.prosody_peers import load
from agent_console.bench.prosody_speech import Speech
from agent_console.bench.prosody_trackers import HIGHEST_HZ, LINE_RATE, LOWEST_HZ, to_inside, to_line
from prosody.features import measure
from voice.audio.telephone import through_telephone
from voice.contracts.audio import SAMPLE_RATE, Pcm
from voice.contracts.errors import AudioFormatError

SEGMENT_S: Final = 3.0

_SEGMENTS: Final = 8
_SLOW_SEGMENTS: Final = 2
"""pyin takes a hundred times as long as the rest; its ratio is over these alone, ours included."""
_PRAAT_LOWEST_HZ: Final = 75.0

FeatureSet: TypeAlias = Callable[[Pcm, int], object]
"""Takes shape (n,) and its rate."""


@dataclass(frozen=True, slots=True)
class _Target:
    peer: str
    at_8k: float | None
    at_16k: float | None
    is_slow: bool = False


_PEERS: Final = {
    "opensmile": _Target("openSMILE eGeMAPSv02", 1 / 8, 1 / 5),
    "librosa_pyin": _Target("librosa set with pyin", 1 / 50, None, is_slow=True),
    "librosa_yin": _Target("librosa set with yin", 0.6, None),
    "librosa_yin_shared": _Target("librosa set with yin, spectrum shared", None, None),
    "praat": _Target("Praat set", None, None),
}


@dataclass(slots=True)
class _Spent:
    """CPU seconds of one set at one rate: for each round, segment by segment."""

    rounds: list[list[float]] = field(default_factory=list)

    def totals(self, segments: int) -> list[float]:
        """Of the first segments of each round."""
        return [sum(times[:segments]) for times in self.rounds]


def measure_costs(speech: Speech, rounds: int, report: Callable[[str], None]) -> list[Figure]:
    """Time all sets.

    Args:
        speech: cut into segments of 3 s of one speaker each.
        rounds: how often every segment goes through every set.
        report: told what is done next.

    Returns:
        `cpu_ratio_vs_PEER` for each peer (openSMILE with `_8k` and `_16k`; the others at 8 kHz, where they are
        cheapest, and with `_16k` besides), `utterance_3s_cpu_ms` at 8 kHz, `first_utterance_cpu_ms` (the start-up cost;
        seconds where numba finds no compiled code in its cache), and milliseconds per second of audio of every set as
        `cpu_ms_per_s_SET_RATE`.

    Raises:
        AudioFormatError: nowhere 3 s of one speaker.
        MissingExtraError: a peer is not installed.
    """
    wideband = speech.segments(SEGMENT_S, _SEGMENTS)
    if not wideband:
        raise AudioFormatError(f"Expected {SEGMENT_S:g} s of speech by one speaker; there is less in {speech.source}.")
    narrowband = [to_line(through_telephone(pcm)) for pcm in wideband]
    report("costs: first utterance")
    before = process_time()
    _ours(wideband[0], SAMPLE_RATE)
    first = 1000 * (process_time() - before)
    report(f"costs: {len(wideband)} segments, {rounds} rounds")
    audio = {"8k": (narrowband, LINE_RATE), "16k": (wideband, SAMPLE_RATE)}
    sets: dict[str, FeatureSet] = {
        "ours": _ours,
        "opensmile": _opensmile(),
        "librosa_pyin": _librosa("pyin"),
        "librosa_yin": _librosa("yin"),
        "librosa_yin_shared": _librosa_shared(),
        "praat": _praat(),
    }
    # One set's garbage must not be collected at another's expense; 3 s of audio leave little of it.
    gc.collect()
    gc.disable()
    try:
        with load("threadpoolctl").threadpool_limits(limits=1):
            spent = _time(sets, audio, rounds)
    finally:
        gc.enable()
    return _figures(spent, len(wideband), first)


def _time(
    sets: dict[str, FeatureSet], audio: dict[str, tuple[list[Pcm], int]], rounds: int
) -> dict[tuple[str, str], _Spent]:
    spent = {(name, rate): _Spent() for name in sets for rate in audio}
    for number in range(-1, rounds):  # the round before the first warms caches and compiles
        for times in spent.values():
            times.rounds.append([])
        for rate, (segments, hz) in audio.items():
            for index, pcm in enumerate(segments):
                # Each set goes first, second ... as often as every other.
                turn = (max(number, 0) + index) % len(sets)
                for name in [*sets][turn:] + [*sets][:turn]:
                    if index < _SLOW_SEGMENTS or name == "ours" or not _PEERS[name].is_slow:
                        spent[name, rate].rounds[-1].append(_cpu_s(sets[name], pcm, hz))
        if number < 0:
            for times in spent.values():
                times.rounds.clear()
    return spent


def _cpu_s(features: FeatureSet, pcm: Pcm, hz: int) -> float:
    before = process_time()
    features(pcm, hz)
    return process_time() - before


def _figures(spent: dict[tuple[str, str], _Spent], segments: int, first_ms: float) -> list[Figure]:
    figures = []
    for name, peer in _PEERS.items():
        compared = min(_SLOW_SEGMENTS, segments) if peer.is_slow else segments
        for rate, bound in (("8k", peer.at_8k), ("16k", peer.at_16k)):
            pairs = zip(spent["ours", rate].totals(compared), spent[name, rate].totals(compared), strict=True)
            ratios = [ours / theirs for ours, theirs in pairs]
            suffix = f"_{rate}" if name == "opensmile" or rate == "16k" else ""
            target = Target("<=", bound) if bound else None
            figures.append(_against(peer.peer, median_of(f"cpu_ratio_vs_{name}{suffix}", ratios, "ratio", target)))
    utterance = [1000 * time for times in spent["ours", "8k"].rounds for time in times]
    figures.append(median_of("utterance_3s_cpu_ms", utterance, "ms", Target("<=", 15)))
    figures.append(Figure("first_utterance_cpu_ms", first_ms, "ms", 1, first_ms, first_ms))
    for (name, rate), times in spent.items():
        each = [1000 * time / SEGMENT_S for round_ in times.rounds for time in round_]
        figures.append(median_of(f"cpu_ms_per_s_{name}_{rate}", each, "ms/s"))
    return figures


def _against(peer: str, figure: Figure) -> Figure:
    return Figure(figure.name, figure.value, figure.unit, figure.n, figure.lowest, figure.highest, figure.target, peer)


def _ours(pcm: Pcm, hz: int) -> object:
    return measure(pcm if hz == SAMPLE_RATE else to_inside(pcm))


def _opensmile() -> FeatureSet:
    opensmile = load("opensmile")
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
    )

    def extract(pcm: Pcm, hz: int) -> object:
        return smile.process_signal(pcm, hz)

    return extract


def _librosa(tracker: str) -> FeatureSet:
    track, spectral, onset = _librosa_pitch(tracker), load("librosa.feature.spectral"), load("librosa.onset")

    def extract(pcm: Pcm, hz: int) -> object:
        spectra = {"y": pcm, "sr": hz, "n_fft": hz * 32 // 1000, "hop_length": hz // 100}
        frames = {"frame_length": hz * 32 // 1000, "hop_length": hz // 100}
        series = [
            track(pcm, hz),
            spectral.rms(y=pcm, **frames),
            spectral.spectral_centroid(**spectra),
            spectral.melspectrogram(**spectra, n_mels=40),
            spectral.mfcc(**spectra, n_mels=40, n_mfcc=13),
            onset.onset_strength(**spectra, n_mels=40),
            spectral.zero_crossing_rate(pcm, **frames),
        ]
        return [_mean_and_sd(values) for values in series]

    return extract


def _librosa_shared() -> FeatureSet:
    track, spectral, onset = _librosa_pitch("yin"), load("librosa.feature.spectral"), load("librosa.onset")
    spectrum = load("librosa.core.spectrum")

    def extract(pcm: Pcm, hz: int) -> object:
        size, hop = hz * 32 // 1000, hz // 100
        magnitude = np.abs(spectrum.stft(pcm, n_fft=size, hop_length=hop))
        mel = spectral.melspectrogram(S=magnitude**2, sr=hz, n_mels=40)
        mel_db = spectrum.power_to_db(mel)
        series = [
            track(pcm, hz),
            spectral.rms(S=magnitude, frame_length=size),
            spectral.spectral_centroid(S=magnitude, sr=hz),
            mel,
            spectral.mfcc(S=mel_db, n_mfcc=13),
            onset.onset_strength(S=mel_db, sr=hz, hop_length=hop),
            spectral.zero_crossing_rate(pcm, frame_length=size, hop_length=hop),
        ]
        return [_mean_and_sd(values) for values in series]

    return extract


def _librosa_pitch(tracker: str) -> Callable[[Pcm, int], NDArray[Any]]:
    function = getattr(load("librosa.core.pitch"), tracker)

    def track(pcm: Pcm, hz: int) -> NDArray[Any]:
        found = function(
            pcm, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=hz, frame_length=hz * 64 // 1000, hop_length=hz // 100
        )
        return np.asarray(found[0] if tracker == "pyin" else found)

    return track


def _mean_and_sd(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Over time, of what is a number: pyin says NaN where it hears no voice."""
    if not np.isfinite(values).any():
        return np.zeros(()), np.zeros(())
    return np.nanmean(values, axis=-1), np.nanstd(values, axis=-1)


def _praat() -> FeatureSet:
    praat = load("parselmouth")
    call = load("parselmouth.praat").call

    def extract(pcm: Pcm, hz: int) -> object:
        sound = praat.Sound(pcm.astype(np.float64), hz)
        pitch = sound.to_pitch_ac(time_step=0.01, pitch_floor=_PRAAT_LOWEST_HZ, pitch_ceiling=HIGHEST_HZ)
        f0_hz = pitch.selected_array["frequency"]
        voiced_hz = f0_hz[f0_hz > 0]
        periods = call([sound, pitch], "To PointProcess (cc)")
        formants = sound.to_formant_burg(time_step=0.01, maximum_formant=hz / 2 if hz < 10_000 else 5_000.0)
        return (
            np.median(voiced_hz) if voiced_hz.size else None,
            sound.to_intensity(minimum_pitch=_PRAAT_LOWEST_HZ, time_step=0.01).values.mean(),
            [call(periods, f"Get jitter ({kind})", 0, 0, 0.0001, 0.02, 1.3) for kind in ("local", "rap")],
            [
                call([sound, periods], f"Get shimmer ({kind})", 0, 0, 0.0001, 0.02, 1.3, 1.6)
                for kind in ("local", "apq3")
            ],
            call(sound.to_harmonicity_cc(0.01, _PRAAT_LOWEST_HZ), "Get mean", 0, 0),
            [call(formants, "Get quantile", number, 0, 0, "hertz", 0.5) for number in (1, 2, 3)],
        )

    return extract
