"""`warmline bench echo`: what is left of an echo, who is taken for a speaker, whose words are lost, and what it costs.

Speech is played to a caller on a synthetic speakerphone (`echo_room`), alone at first; then the caller speaks into it
all the time, which is harder than any conversation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from rich.box import SIMPLE
from rich.table import Column, Table

from agent_console.asr_manifest import load_said, read_pcm
from agent_console.bench.echo_room import NOWHERE, PATHS, EchoPath, noise, place, spoken
from agent_console.bench.figures import Figure, Target
from asr.evaluation import Reference, evaluate
from asr.ports import Recognizer
from asr.types import Language
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, Samples, from_ms, on_16_bit_grid
from voice.contracts.errors import AudioFormatError
from voice.echo import DELAY, EchoSuppressor
from voice.vad.detectors import make_detector
from voice.vad.segmenter import Segmenter, SegmenterSettings, SegmentOpened

ALONE_S: Final = 62
"""Two seconds to find the echo, and a minute."""

CONVERGED: Final[Samples] = 2 * SAMPLE_RATE

_WORDS_AT: Final = "150 ms"
"""With which delay words are counted."""


@dataclass(frozen=True, slots=True)
class OnPath:
    """How it went on one echo path.

    Attributes:
        path: which.
        erle_db: by how much the echo of a minute became quieter, noise included in what is left.
        false_before: utterances a minute that the echo alone set off.
        false_after: the same with the echo taken out.
        onset_ms: from the first loud 40 ms of each of the caller's utterances to where they are let through.
        errors_before: share of the caller's words that were got wrong while they spoke into the echo, percent.
        errors_after: the same with the echo taken out.
        cpu_ms_per_s: what it cost.
    """

    path: EchoPath
    erle_db: float
    false_before: int
    false_after: int
    onset_ms: list[float]
    errors_before: float | None
    errors_after: float | None
    cpu_ms_per_s: float


def measure_echo(
    speech: Path, recognizer: Recognizer | None, *, utterances: int, report: Callable[[str], None]
) -> tuple[list[Figure], list[OnPath]]:
    """Run the benchmark. Blocks.

    Args:
        speech: recordings with their text, of two speakers if possible: one is played, the other is the caller.
        recognizer: for the words; None leaves them out.
        utterances: how many the caller says.
        report: told what is done next.

    Raises:
        AudioFormatError: too few recordings.
    """
    played, said = _voices(speech, utterances)
    results = []
    for path in (*PATHS, NOWHERE):
        report(f"{path.name}")
        results.append(_measure(path, played, said, recognizer))
    return _figures(results), results


def echo_table(results: Sequence[OnPath]) -> Table:
    """Every path for people."""
    names = ("less echo dB", "false/min before", "after", "onset ms", "p95", "errors % before", "after", "CPU ms/s")
    rows = Table(
        Column("echo path", no_wrap=True),
        *(Column(name, justify="right") for name in names),
        box=SIMPLE,
        pad_edge=False,
    )
    for each in results:
        words = [f"{rate:.1f}" if rate is not None else "" for rate in (each.errors_before, each.errors_after)]
        rows.add_row(
            each.path.name,
            f"{each.erle_db:.1f}",
            str(each.false_before),
            str(each.false_after),
            f"{median(each.onset_ms):.0f}",
            f"{np.percentile(each.onset_ms, 95):.0f}",
            *words,
            f"{each.cpu_ms_per_s:.1f}",
        )
    return rows


def reduce(heard: Pcm, played: Pcm) -> tuple[Pcm, list[bool]]:
    """What a call hears of `heard` while `played` is played, and for each frame whether the caller is let through."""
    suppressor, parts, is_open = EchoSuppressor(), [], []
    for start in range(0, heard.size, FRAME_SAMPLES):
        suppressor.played(played[start : start + FRAME_SAMPLES], start)
        parts.append(suppressor.hear(AudioFrame(Party.CALLER, start, heard[start : start + FRAME_SAMPLES])).pcm)
        is_open.append(suppressor.is_open)
    return np.concatenate(parts), is_open


def _measure(path: EchoPath, played: Sequence[Pcm], said: Sequence[Reference], recognizer: Recognizer | None) -> OnPath:
    far = spoken(played, ALONE_S * SAMPLE_RATE)
    alone = on_16_bit_grid(path.echo(far) + noise(far.size))
    began_s = time.thread_time()
    reduced, _ = reduce(alone, far)
    cpu_s = time.thread_time() - began_s
    left, whole = (float(np.mean(pcm[CONVERGED:] ** 2)) for pcm in (reduced, alone))

    near, starts = place([each.pcm for each in said])
    far = spoken(played, near.size)
    both = on_16_bit_grid(near + path.echo(far) + noise(far.size))
    heard, is_open = reduce(both, far)
    onset_ms = [_onset_ms(near, is_open, start) for start in starts]
    errors: tuple[float | None, float | None] = (None, None)
    if recognizer is not None and _WORDS_AT in path.name:
        errors = (
            _errors(recognizer, both, said, starts, 0),
            _errors(recognizer, heard, said, starts, DELAY),
        )
    counted = (_false(alone), _false(reduced))
    return OnPath(path, 10 * np.log10(whole / left), *counted, onset_ms, *errors, 1000 * cpu_s / ALONE_S)


def _onset_ms(near: Pcm, is_open: Sequence[bool], start: Samples) -> float:
    """From the first loud 40 ms to the frame that is let through; a caller who never is, is late by the rest."""
    loud = np.mean(near[start:].reshape(-1)[: 2 * SAMPLE_RATE].reshape(-1, 2 * FRAME_SAMPLES) ** 2, axis=1) > 10**-3.2
    first = start // FRAME_SAMPLES + 2 * int(np.argmax(loud))
    later = [number for number in range(first, len(is_open)) if is_open[number]]
    return 20.0 * ((later[0] if later else len(is_open)) - first + 1)


def _false(pcm: Pcm) -> int:
    segmenter, count = Segmenter(make_detector("silero"), SegmenterSettings(), Party.CALLER), 0
    for start in range(0, pcm.size, FRAME_SAMPLES):
        events = segmenter.feed(AudioFrame(Party.CALLER, start, pcm[start : start + FRAME_SAMPLES]))
        count += sum(isinstance(event, SegmentOpened) and start >= CONVERGED for event in events)
    return count


def _errors(
    recognizer: Recognizer, pcm: Pcm, said: Sequence[Reference], starts: Sequence[Samples], late: Samples
) -> float:
    around = from_ms(250)
    cut = [
        replace(each, pcm=pcm[start + late - around : start + late + each.pcm.size + around])
        for each, start in zip(said, starts, strict=True)
    ]
    return 100 * evaluate(recognizer, cut).edits.rate


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


def _figures(results: Sequence[OnPath]) -> list[Figure]:
    figures = []
    for each in results:
        name = each.path.key
        figures.append(_one(f"echo_false_per_minute_{name}", each.false_after, "1/min", Target("<=", 0)))
        if each.path is not NOWHERE:
            figures.append(_one(f"echo_erle_db_{name}", each.erle_db, "dB"))
        middle, low, high = median(each.onset_ms), min(each.onset_ms), max(each.onset_ms)
        onset = Figure(f"echo_onset_ms_{name}", middle, "ms", len(each.onset_ms), low, high, Target("<=", 300))
        figures.append(onset)
        if each.errors_before is not None and each.errors_after is not None:
            figures.append(_one(f"echo_errors_before_{name}", each.errors_before, "%"))
            figures.append(_one(f"echo_errors_after_{name}", each.errors_after, "%"))
    costs = [each.cpu_ms_per_s for each in results]
    figures.append(Figure("echo_cpu_ms_per_s", min(costs), "ms/s", len(costs), min(costs), max(costs)))
    return figures


def _one(name: str, value: float, unit: str, target: Target | None = None) -> Figure:
    return Figure(name, value, unit, 1, value, value, target)
