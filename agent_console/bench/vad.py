"""`warmline bench vad`: detectors through the segmenter, on real speech with known boundaries, disturbed in known ways.

Every detector hears the same audio, and what is judged is what a call would have of it: the segments that the
project's segmenter makes of the detector's answers, with its default settings. Boundaries are compared without what the
segmenter adds on purpose (pre-roll before, hang-over after).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.box import SIMPLE
from rich.table import Column, Table

from agent_console.bench.figures import Figure
from agent_console.bench.prosody_speech import read_speech
from agent_console.bench.vad_batch import batch_costs
from agent_console.bench.vad_cascade import CascadeVad
from agent_console.bench.vad_sounds import disturbances
from agent_console.bench.vad_truth import Stage, disturbed, lay_out
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Samples, Span, from_ms, to_ms, to_s
from voice.contracts.errors import AudioFormatError
from voice.contracts.ports import VoiceActivityDetector
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings
from voice.vad.silero import SileroModel, SileroVad
from voice.vad.webrtc import AGGRESSIVENESS, WebRtcVad

SNRS_DB: Final = (20.0, 10.0, 5.0, 0.0)
BANDS: Final = ("16k", "8k")
CLEAN: Final = "clean"

_SETTINGS: Final = SegmenterSettings()
_ONSET: Final = from_ms(_SETTINGS.onset_ms) // FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class Condition:
    """What is heard besides the speech, and through what.

    Attributes:
        band: `16k`, or `8k` for the telephone.
        sound: a disturbance's name; `clean` for line noise alone.
        snr_db: speech over disturbance.
    """

    band: str
    sound: str
    snr_db: float

    def __str__(self) -> str:
        return f"{self.band} {self.sound}" + ("" if self.sound == CLEAN else f" {self.snr_db:g} dB")


@dataclass(slots=True)
class Score:
    """What a detector made of some audio; add them up with `+=`.

    Attributes:
        onsets_ms: for each segment found, how late (positive) or early its beginning was.
        ends_ms: the same of its end.
        segments: how many there were.
        missed: how many of them were not found at all.
        invented: segments found where nobody spoke.
        speech: frames of speech.
        speech_missed: those of them in no segment.
        silence: frames of silence.
        silence_taken: those of them in a segment.
        heard: how much audio there was.
        cpu_s: what the detector took for it.
    """

    onsets_ms: list[float] = field(default_factory=list)
    ends_ms: list[float] = field(default_factory=list)
    segments: int = 0
    missed: int = 0
    invented: int = 0
    speech: int = 0
    speech_missed: int = 0
    silence: int = 0
    silence_taken: int = 0
    heard: Samples = 0
    cpu_s: float = 0.0

    def __iadd__(self, other: Score) -> Score:
        self.onsets_ms += other.onsets_ms
        self.ends_ms += other.ends_ms
        for name in ("segments", "missed", "invented", "speech", "speech_missed", "silence", "silence_taken", "heard"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.cpu_s += other.cpu_s
        return self

    def document(self) -> dict[str, float]:
        """The figures that are derived from it."""
        onsets, ends = (np.array(errors or [np.nan]) for errors in (self.onsets_ms, self.ends_ms))
        return {
            "frame_miss": self.speech_missed / max(1, self.speech),
            "frame_false_alarm": self.silence_taken / max(1, self.silence),
            "segments_missed": self.missed / max(1, self.segments),
            "segments_invented_per_min": self.invented / (to_s(self.heard) / 60),
            "onset_median_ms": float(np.median(onsets)),
            "onset_p90_abs_ms": float(np.percentile(np.abs(onsets), 90)),
            "end_median_ms": float(np.median(ends)),
            "end_p90_abs_ms": float(np.percentile(np.abs(ends), 90)),
        }


Factory = Callable[[], VoiceActivityDetector]
Results = dict[str, dict[Condition, Score]]


def detectors(model: SileroModel) -> dict[str, Factory]:
    """Everything that is compared, by name."""

    def webrtc(mode: int) -> Factory:
        return lambda: WebRtcVad(mode)

    def cascade(mode: int) -> Factory:
        return lambda: CascadeVad(model, mode)

    return {
        **{f"webrtc_{mode}": webrtc(mode) for mode in AGGRESSIVENESS},
        "silero": lambda: SileroVad(model),
        **{f"cascade_{mode}": cascade(mode) for mode in AGGRESSIVENESS},
    }


def measure_vad(
    speech: Path | None, *, utterances: int, batched: Path | None, report: Callable[[str], None]
) -> tuple[list[Figure], dict[str, Any], Results]:
    """Run the benchmark.

    Args:
        speech: folder with a manifest (or of folders that have one), clean studio recordings; None takes sample calls.
        utterances: how many are spoken, and as many others babble.
        batched: a Silero network that takes several windows at once, to see what that saves; None leaves it out.
        report: told what is done next.

    Returns:
        The figures, what they were measured with, and every detector's score in every condition.

    Raises:
        ManifestError: the list cannot be read.
        AudioFormatError: not enough speech.
        ModelError: a network is missing or corrupt.
    """
    report("Reading speech")
    read = read_speech(speech, 2 * utterances)
    spoken = [each.pcm for each in read.utterances[::2]]
    others = [each.pcm for each in read.utterances[1::2]]
    if not others:
        raise AudioFormatError("Two utterances were expected at least: one that is said, and one that babbles.")
    stage = lay_out(spoken, _SETTINGS.hangover_ms)
    kinds = disturbances(others)
    sounds = {name: make(stage.pcm.size, np.random.default_rng(7)) for name, make in kinds.items()}
    conditions = [
        *(Condition(band, CLEAN, np.inf) for band in BANDS),
        *(Condition(band, sound, snr) for band, sound, snr in product(BANDS, sounds, SNRS_DB)),
    ]
    compared = detectors(SileroModel.load())
    results: Results = {name: {} for name in compared}
    for condition in conditions:
        report(str(condition))
        heard = disturbed(stage, sounds.get(condition.sound), condition.snr_db, telephone=condition.band == "8k")
        for name, make in compared.items():
            results[name][condition] = judge(make(), heard, stage)
    about: dict[str, Any] = {
        "speech": read.source,
        "utterances": len(spoken),
        "speakers": read.speakers,
        "seconds": round(to_s(stage.pcm.size), 1),
        "segments": len(stage.segments),
        "conditions": [
            {"detector": name, "condition": str(condition), **_rounded(score.document())}
            for name, scores in results.items()
            for condition, score in scores.items()
        ],
    }
    figures = [figure for name, scores in results.items() for figure in _figures(name, scores)]
    if batched is not None:
        report("Windows of several calls at once")
        figures += [_one(f"silero_batch_of_{count}_cpu_ms_per_s", cost, "ms/s") for count, cost in batch_costs(batched)]
    return figures, about, results


def judge(detector: VoiceActivityDetector, heard: Pcm, stage: Stage) -> Score:
    """One detector, through the segmenter, against the truth."""
    timed = _Timed(detector)
    segmenter = Segmenter(timed, _SETTINGS, Party.CALLER)
    closed: list[SegmentClosed] = []
    for start in range(0, heard.size, FRAME_SAMPLES):
        outputs = segmenter.feed(AudioFrame(Party.CALLER, start, heard[start : start + FRAME_SAMPLES]))
        closed += [output for output in outputs if isinstance(output, SegmentClosed)]
    closed += [output for output in segmenter.flush() if isinstance(output, SegmentClosed)]
    score = _compared([_heard(one, timed.probabilities) for one in closed], stage)
    score.heard, score.cpu_s = heard.size, timed.cpu_s
    return score


def tables(results: Results) -> list[Table]:
    """Two tables for people: what a call has of each detector, and how each stands each disturbance."""
    return [_summary(results), _by_condition(results)]


class _Timed:
    """A detector whose answers are kept and whose time is taken."""

    def __init__(self, detector: VoiceActivityDetector) -> None:
        self._detector = detector
        self.probabilities: list[float] = []
        self.cpu_s = 0.0

    def probability(self, pcm: Pcm) -> float:
        began_s = time.thread_time()
        probability = self._detector.probability(pcm)
        self.cpu_s += time.thread_time() - began_s
        self.probabilities.append(probability)
        return probability

    def reset(self) -> None:
        self._detector.reset()


def _heard(closed: SegmentClosed, probabilities: Sequence[float]) -> Span:
    """Where the detector heard the speech of a segment: without pre-roll and hang-over."""
    end = closed.span.end - closed.silence
    run = 0
    for index in range(closed.span.start // FRAME_SAMPLES, end // FRAME_SAMPLES):
        threshold = _SETTINGS.silence_threshold if run else _SETTINGS.speech_threshold
        run = run + 1 if probabilities[index] >= threshold else 0
        if run == _ONSET:
            return Span((index + 1 - run) * FRAME_SAMPLES, end)
    return Span(closed.span.start, end)


def _compared(found: Sequence[Span], stage: Stage) -> Score:
    score = Score(segments=len(stage.segments))
    for truth in stage.segments:
        mine = [one for one in found if one.overlaps(truth)]
        if not mine:
            score.missed += 1
            continue
        score.onsets_ms.append(to_ms(mine[0].start - truth.start))
        score.ends_ms.append(to_ms(mine[-1].end - truth.end))
    score.invented = sum(not any(one.overlaps(truth) for truth in stage.segments) for one in found)
    taken = np.zeros(stage.speech.size, np.bool_)
    for one in found:
        taken[one.start // FRAME_SAMPLES : one.end // FRAME_SAMPLES] = True
    score.speech, score.silence = int(stage.speech.sum()), int(stage.silence.sum())
    score.speech_missed = int((stage.speech & ~taken).sum())
    score.silence_taken = int((stage.silence & taken).sum())
    return score


def _sum(scores: Mapping[Condition, Score], wanted: Callable[[Condition], bool]) -> Score:
    total = Score()
    for condition, score in scores.items():
        if wanted(condition):
            total += score
    return total


def _cost(scores: Mapping[Condition, Score], wanted: Callable[[Condition], bool]) -> float:
    """The least of the costs, ms of CPU per second of audio."""
    return min(1000 * one.cpu_s / to_s(one.heard) for condition, one in scores.items() if wanted(condition))


_GROUPS: Final[dict[str, Callable[[Condition], bool]]] = {
    "clean": lambda condition: condition.sound == CLEAN,
    "20_and_10db": lambda condition: condition.snr_db in (20.0, 10.0),
    "5_and_0db": lambda condition: condition.snr_db in (5.0, 0.0),
}


def _figures(name: str, scores: Mapping[Condition, Score]) -> list[Figure]:
    figures = [
        _one(f"{name}_cpu_ms_per_s_clean", _cost(scores, _GROUPS["clean"]), "ms/s"),
        _one(f"{name}_cpu_ms_per_s_10db", _cost(scores, lambda condition: condition.snr_db == 10), "ms/s"),
    ]
    for group, wanted in _GROUPS.items():
        total = _sum(scores, wanted)
        units = {"frame_miss": "share", "frame_false_alarm": "share", "segments_missed": "share"}
        for key, value in total.document().items():
            unit = units.get(key, "per min" if key.endswith("per_min") else "ms")
            figures.append(_one(f"{name}_{key}_{group}", value, unit, total.segments))
    return figures


def _summary(results: Results) -> Table:
    columns = ("onset ms", "p90", "end ms", "p90", "miss %", "false %", "lost %", "made up /min")
    rows = Table(
        Column("detector", no_wrap=True),
        Column("when", no_wrap=True),
        *(Column(name, justify="right") for name in (*columns, "CPU ms/s")),
        title="Median and 90th percentile of boundary errors; frames missed, taken for speech; segments lost, made up",
        box=SIMPLE,
        pad_edge=False,
    )
    for name, scores in results.items():
        for group, wanted in _GROUPS.items():
            found = _sum(scores, wanted).document()
            rows.add_row(
                name,
                group.replace("_", " "),
                f"{found['onset_median_ms']:.0f}",
                f"{found['onset_p90_abs_ms']:.0f}",
                f"{found['end_median_ms']:.0f}",
                f"{found['end_p90_abs_ms']:.0f}",
                *(f"{100 * found[key]:.1f}" for key in ("frame_miss", "frame_false_alarm", "segments_missed")),
                f"{found['segments_invented_per_min']:.1f}",
                f"{_cost(scores, wanted):.2f}",
            )
    return rows


def _by_condition(results: Results) -> Table:
    rows = Table(
        Column("frames missed / taken, %", no_wrap=True),
        *(Column(name.replace("_", " "), justify="right") for name in results),
        title="By disturbance",
        box=SIMPLE,
        pad_edge=False,
    )
    for condition in next(iter(results.values())):
        cells = []
        for scores in results.values():
            found = scores[condition].document()
            cells.append(f"{100 * found['frame_miss']:.0f} / {100 * found['frame_false_alarm']:.0f}")
        rows.add_row(str(condition), *cells)
    return rows


def _rounded(found: Mapping[str, float]) -> dict[str, float]:
    return {key: round(value, 4) for key, value in found.items() if np.isfinite(value)}


def _one(name: str, value: float, unit: str, n: int = 1) -> Figure:
    return Figure(name, value, unit, n, value, value)
