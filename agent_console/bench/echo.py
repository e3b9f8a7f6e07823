"""`warmline bench echo`: what is left of an echo, who is taken for a speaker, whose words are lost, and what it costs.

Speech is played to a caller on a synthetic telephone (`echo_room`), alone at first; then the caller speaks into it all
the time, which is harder than any conversation. Each is heard with the echo taken out and without that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from rich.box import SIMPLE
from rich.table import Column, Table

from agent_console.asr_manifest import load_said, read_pcm
from agent_console.bench.echo_room import NOWHERE, PATHS, QUICK, EchoPath, noise, place, spoken
from agent_console.bench.echo_words import EchoWords, WordsHeard
from agent_console.bench.figures import Figure, Target, median_of
from asr.evaluation import Reference
from asr.ports import Recognizer
from asr.types import Language
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, Samples, from_s
from voice.contracts.errors import AudioFormatError
from voice.echo import DELAY, EchoSuppressor
from voice.vad.detectors import make_detector
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings, SegmentOpened

ALONE_S: Final = 62
"""Two seconds to find the echo, and a minute."""

ALONE_QUICK_S: Final = 22

CONVERGED: Final[Samples] = 2 * SAMPLE_RATE

NOTICED_S: Final = 1.5
"""Whoever was not noticed by then after they began to speak, was missed."""


INVENTED_S: Final = 20
"""What is understood of so much of an echo is counted."""


_ONSET: Final = Target("<=", 300)


@dataclass(frozen=True, slots=True)
class _Turn:
    """An utterance: when it was announced, and what was heard of it."""

    announced: Samples
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Heard:
    """How a caller was heard on one echo path, with the suppressor or without it.

    Attributes:
        false_turns: utterances a minute that the echo alone set off.
        invented: characters (Mandarin) or words (English) a minute that were understood of it, over its first 20 s;
            None where that was not counted.
        noticed_ms: from the first loud 40 ms of each of the caller's utterances to where it was announced that they
            speak; of those that were.
        missed: how many of them were not announced within 1.5 s.
        words: how many of their words were understood; None where that was not counted.
    """

    false_turns: float
    invented: float | None
    noticed_ms: list[float]
    missed: int
    words: WordsHeard | None


@dataclass(frozen=True, slots=True)
class OnPath:
    """How it went on one echo path.

    Attributes:
        path: which.
        erle_db: by how much the echo of a minute became quieter, noise included in what is left.
        off: without the suppressor.
        on: with it.
        onset_ms: from the first loud 40 ms of each of the caller's utterances to where they are let through; who never
            is, is late by the rest of the call.
        alone_ms_per_s: CPU while only the echo is heard.
        both_ms_per_s: CPU while both speak.
    """

    path: EchoPath
    erle_db: float
    off: Heard
    on: Heard
    onset_ms: list[float]
    alone_ms_per_s: float
    both_ms_per_s: float


class EchoBench:
    """One run over several echo paths; what was measured before an interruption is kept.

    Args:
        speech: recordings with their text, of two speakers if possible: one is played, the other is the caller.
        recognizer: for the words; None leaves them out.
        utterances: how many the caller says.
        quick: four paths for a third of the time each.

    Raises:
        AudioFormatError: too few recordings.
    """

    def __init__(self, speech: Path, recognizer: Recognizer | None, *, utterances: int, quick: bool = False) -> None:
        self.paths: Sequence[EchoPath] = QUICK if quick else (*PATHS, *NOWHERE)
        self.results: list[OnPath] = []
        self._alone: Samples = (ALONE_QUICK_S if quick else ALONE_S) * SAMPLE_RATE
        played, said = _voices(speech, utterances)
        self._near, self._starts = place([each.pcm for each in said])
        self._far = spoken(played, max(self._alone, self._near.size))
        self._words = None if recognizer is None else EchoWords(recognizer, said, self._starts)

    @property
    def steps(self) -> int:
        """How many steps `run` tells of."""
        return sum(self._weight(path) for path in self.paths)

    def run(self, report: Callable[[str, int], None]) -> None:
        """Measure. Blocks.

        Args:
            report: told the path that comes next, at last an empty name, and how many steps are done.
        """
        for path in self.paths:
            before = sum(self._weight(each.path) for each in self.results)
            self.results.append(self._measure(path, partial(_tell, report, path.name, before)))
        report("", self.steps)

    def _weight(self, path: EchoPath) -> int:
        return 1 + (2 * self._words.steps if self._words is not None and path.with_words else 0)

    def _measure(self, path: EchoPath, report: Callable[[int], None]) -> OnPath:
        report(0)
        far, near = self._far, self._near
        echo = path.echo(far)
        alone = path.hear(echo[: self._alone] + noise(self._alone))
        reduced, _, alone_ms_per_s = reduce(alone, far[: alone.size])
        left, whole = (float(np.mean(pcm[CONVERGED:] ** 2)) for pcm in (reduced, alone))
        both = path.hear(near + echo[: near.size] + noise(near.size))
        heard, is_open, both_ms_per_s = reduce(both, far[: near.size])
        report(1)
        words = self._words if path.with_words else None
        off = self._judge(words, alone, both, 0, lambda done: report(1 + done))
        after = 1 + (words.steps if words is not None else 0)
        on = self._judge(words, reduced, heard, DELAY, lambda done: report(after + done))
        erle_db = 10 * float(np.log10(whole / max(left, 1e-12)))
        onset_ms = [_onset_ms(is_open, self._loud_at(start)) for start in self._starts]
        return OnPath(path, erle_db, off, on, onset_ms, alone_ms_per_s, both_ms_per_s)

    def _loud_at(self, start: Samples) -> Samples:
        return start + loud_at(self._near[start : start + 2 * SAMPLE_RATE])

    def _judge(
        self, words: EchoWords | None, alone: Pcm, both: Pcm, late: Samples, report: Callable[[int], None]
    ) -> Heard:
        minutes = (alone.size - CONVERGED) / SAMPLE_RATE / 60
        false = [turn for turn in _turns(alone) if turn.announced >= CONVERGED]
        announced = [turn.announced for turn in _turns(both)]
        noticed_ms: list[float] = []
        for start in self._starts:
            loud = self._loud_at(start)
            first = next((at for at in announced if start < at <= loud + from_s(NOTICED_S)), None)
            if first is not None:
                noticed_ms.append(1000 * (first - loud) / SAMPLE_RATE)
        missed = len(self._starts) - len(noticed_ms)
        if words is None:
            return Heard(len(false) / minutes, None, noticed_ms, missed, None)
        early = [turn for turn in false if turn.announced < CONVERGED + from_s(INVENTED_S)]
        invented = words.invented([turn.pcm for turn in early]) / (INVENTED_S / 60)
        return Heard(len(false) / minutes, invented, noticed_ms, missed, words.count(both, late, report))


def reduce(heard: Pcm, played: Pcm) -> tuple[Pcm, list[bool], float]:
    """What a call hears of `heard` while `played` is played, whether each frame is let through, and CPU in ms/s."""
    suppressor, parts, is_open = EchoSuppressor(), [], []
    began_s = time.thread_time()
    for start in range(0, heard.size, FRAME_SAMPLES):
        suppressor.played(played[start : start + FRAME_SAMPLES], start)
        parts.append(suppressor.hear(AudioFrame(Party.CALLER, start, heard[start : start + FRAME_SAMPLES])).pcm)
        is_open.append(suppressor.is_open)
    cpu_s = time.thread_time() - began_s
    return np.concatenate(parts), is_open, 1000 * cpu_s / (heard.size / SAMPLE_RATE)


def loud_at(pcm: Pcm) -> Samples:
    """Where the first loud 40 ms of an utterance begin."""
    size = 2 * FRAME_SAMPLES
    blocks = pcm[: pcm.size // size * size].reshape(-1, size)
    return size * int(np.argmax(np.mean(blocks**2, axis=1) > 10**-3.2))


def echo_table(results: Sequence[OnPath]) -> Table:
    """Every path for people: without the suppressor → with it; ms: median, 95 %; CPU: one, both sound."""
    names = (
        "echo dB",
        "false/min",
        "words/min",
        "let in ms, 95 %",
        "noticed",
        "missed",
        "errors %",
        "lost %",
        "CPU ms/s",
    )
    rows = Table(
        Column("echo path", no_wrap=True),
        *(Column(name, justify="right", no_wrap=True) for name in names),
        box=SIMPLE,
        pad_edge=False,
    )
    for each in results:
        off, on = each.off, each.on
        rows.add_row(
            each.path.name,
            f"-{each.erle_db:.1f}" if each.path.level_db is not None else "",
            f"{off.false_turns:.0f} → {on.false_turns:.0f}",
            "" if off.invented is None or on.invented is None else f"{off.invented:.0f} → {on.invented:.0f}",
            f"{median(each.onset_ms):.0f}, {np.percentile(each.onset_ms, 95):.0f}",
            f"{median(on.noticed_ms):.0f}, {np.percentile(on.noticed_ms, 95):.0f}" if on.noticed_ms else "never",
            f"{off.missed} → {on.missed}",
            f"{off.words.errors:.1f} → {on.words.errors:.1f}" if off.words and on.words else "",
            f"{off.words.lost:.1f} → {on.words.lost:.1f}" if off.words and on.words else "",
            f"{each.alone_ms_per_s:.1f}, {each.both_ms_per_s:.1f}",
        )
    return rows


def echo_figures(results: Sequence[OnPath]) -> list[Figure]:
    """What was measured so far, by name."""
    figures: list[Figure] = []
    for each in results:
        key = each.path.key
        figures.append(_one(f"echo_false_per_minute_{key}", each.on.false_turns, "1/min", Target("<=", 0)))
        figures.append(_one(f"echo_false_per_minute_off_{key}", each.off.false_turns, "1/min"))
        if each.path.level_db is not None:
            figures.append(_one(f"echo_erle_db_{key}", each.erle_db, "dB"))
        figures.append(median_of(f"echo_onset_ms_{key}", each.onset_ms, "ms", _ONSET))
        if noticed := each.on.noticed_ms:
            figures.append(median_of(f"echo_noticed_ms_{key}", noticed, "ms"))
        for where, heard in (("", each.on), ("_off", each.off)):
            figures.append(_one(f"echo_missed{where}_{key}", heard.missed, f"of {len(each.onset_ms)}"))
            if heard.invented is not None:
                figures.append(_one(f"echo_words_of_echo_per_minute{where}_{key}", heard.invented, "1/min"))
            if heard.words is not None:
                figures.append(_one(f"echo_errors{where}_{key}", heard.words.errors, "%"))
                figures.append(_one(f"echo_words_lost{where}_{key}", heard.words.lost, "%"))
    for name, costs in (
        ("echo_cpu_alone_ms_per_s", [each.alone_ms_per_s for each in results]),
        ("echo_cpu_both_ms_per_s", [each.both_ms_per_s for each in results]),
    ):
        if costs:
            figures.append(Figure(name, median(costs), "ms/s", len(costs), min(costs), max(costs)))
    return figures


def _onset_ms(is_open: Sequence[bool], loud: Samples) -> float:
    first = loud // FRAME_SAMPLES
    later = next((number for number in range(first, len(is_open)) if is_open[number]), len(is_open))
    return 20.0 * (later - first + 1)


def _turns(pcm: Pcm) -> list[_Turn]:
    segmenter = Segmenter(make_detector("silero"), SegmenterSettings(), Party.CALLER)
    turns: list[_Turn] = []
    announced: Samples = 0
    for start in range(0, pcm.size + 1, FRAME_SAMPLES):
        frame = pcm[start : start + FRAME_SAMPLES]
        for event in segmenter.feed(AudioFrame(Party.CALLER, start, frame)) if frame.size else segmenter.flush():
            if isinstance(event, SegmentOpened):
                announced = start + FRAME_SAMPLES
            elif isinstance(event, SegmentClosed):
                turns.append(_Turn(announced, event.pcm))
    return turns


def _tell(report: Callable[[str, int], None], name: str, before: int, more: int) -> None:
    report(name, before + more)


def _voices(speech: Path, utterances: int) -> tuple[list[Pcm], list[Reference]]:
    """What is played, and what the caller says: two speakers, or the two halves of the list."""
    found, _ = load_said(speech)
    chosen = [each for each in found if each.language in (Language.ZH, Language.EN)]
    if len(chosen) < 2:
        raise AudioFormatError(f"Expected at least two recordings with their text in {speech}; got {len(chosen)}.")
    first = chosen[0].speaker
    others = [each for each in chosen if each.speaker != first]
    ours = [each for each in chosen if each.speaker == first] if others else chosen[::2]
    others = (others or chosen[1::2])[:utterances]
    said = [Reference(each.where, read_pcm(each), each.text, each.language, each.speaker) for each in others]
    return [read_pcm(each) for each in ours[:40]], said


def _one(name: str, value: float, unit: str, target: Target | None = None) -> Figure:
    return Figure(name, value, unit, 1, value, value, target)
