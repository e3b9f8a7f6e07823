"""How far trackers are from the truth: gross errors, misses and false alarms, ours beside the peers'.

Frames count as voiced where the synthesizer was voiced and the telephone carries the sound (within 30 dB of the loud
frames), as unvoiced where it was not; the rest, voiced but too soft to be heard, counts for nobody. A gross error is a
pitch more than 20 % off in a frame that is voiced in truth and to the tracker; a miss is a frame that is voiced in
truth and not to the tracker. Frames of all utterances are pooled; a figure's range is that of the speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from agent_console.bench.figures import Figure, Target
from agent_console.bench.prosody_speech import Speech, Utterance
from agent_console.bench.prosody_trackers import Track, Tracker, own_tracker, peer_trackers
from agent_console.bench.prosody_truth import Reference, move, speak_by_glottis, speak_by_world, take_apart, telephone
from voice.contracts.audio import Pcm

CONDITIONS: Final[tuple[tuple[str, float | None], ...]] = (
    ("clean", None),
    ("20db", 20.0),
    ("10db", 10.0),
    ("5db", 5.0),
)
"""Name, and signal-to-noise ratio in the telephone band, dB, over the time in which somebody speaks."""

GROSS: Final = 0.2
"""Today's custom; Rabiner et al. (1976), "A comparative performance study of several pitch detection algorithms", IEEE
Trans. ASSP 24(5), drew the line at 1 ms of period, which is stricter for low voices and laxer for high ones."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counted frames.

    Attributes:
        voiced: voiced in truth.
        missed: of these, unvoiced to the tracker.
        gross: of the others, more than 20 % off.
        unvoiced: unvoiced in truth.
        false_alarms: of these, voiced to the tracker.
    """

    voiced: int = 0
    missed: int = 0
    gross: int = 0
    unvoiced: int = 0
    false_alarms: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.voiced + other.voiced,
            self.missed + other.missed,
            self.gross + other.gross,
            self.unvoiced + other.unvoiced,
            self.false_alarms + other.false_alarms,
        )

    @property
    def gross_error(self) -> float:
        """Per cent of the frames that are voiced to both; 0 where there is none."""
        return 100 * self.gross / max(self.voiced - self.missed, 1)

    @property
    def miss(self) -> float:
        """Per cent of the voiced frames."""
        return 100 * self.missed / max(self.voiced, 1)

    @property
    def false_alarm(self) -> float:
        """Per cent of the unvoiced frames."""
        return 100 * self.false_alarms / max(self.unvoiced, 1)


@dataclass(frozen=True, slots=True)
class Scores:
    """One tracker in one condition, speaker by speaker."""

    by_speaker: dict[str, Tally]

    @property
    def total(self) -> Tally:
        """All speakers' frames together."""
        return sum(self.by_speaker.values(), Tally())

    def figure(
        self, name: str, share: Callable[[Tally], float], frames: int, target: Target | None = None, peer: str = ""
    ) -> Figure:
        """The pooled share in per cent, over so many frames, with the range of the speakers."""
        each = [share(tally) for tally in self.by_speaker.values()]
        return Figure(name, share(self.total), "%", frames, min(each), max(each), target, peer or None)


def score(track: Track, truth: Reference) -> Tally:
    """Compare one track with the truth."""
    f0_hz, counts = truth.at(track.times_s)
    voiced, heard = counts & (f0_hz > 0), track.f0_hz > 0
    both = voiced & heard
    gross = np.abs(track.f0_hz[both] / f0_hz[both] - 1) > GROSS
    unvoiced = counts & (f0_hz == 0)
    return Tally(
        int(voiced.sum()),
        int((voiced & ~heard).sum()),
        int(gross.sum()),
        int(unvoiced.sum()),
        int((unvoiced & heard).sum()),
    )


def score_all(tracker: Tracker, truths: Sequence[Reference], lines: Sequence[Pcm]) -> Scores:
    """Run a tracker over what arrived of all utterances; `lines` at 8 kHz, one for each truth."""
    by_speaker: dict[str, Tally] = {}
    for truth, line in zip(truths, lines, strict=True):
        by_speaker[truth.speaker] = by_speaker.get(truth.speaker, Tally()) + score(tracker(line), truth)
    return Scores(by_speaker)


def make_truths(speech: Speech) -> dict[str, list[Reference]]:
    """Both references of all utterances: `world` and `glottal`.

    The sample calls hold no wideband voice of a woman, so each of their utterances is said twice, the second time
    moved up (F0 by 1.6, formants by 1.15).

    Raises:
        MissingExtraError: WORLD is not installed.
    """
    anatomies = [take_apart(utterance) for utterance in speech.utterances]
    if speech.is_own:
        anatomies += [take_apart(move(anatomy, "moved up", pitch=1.6, formants=1.15)) for anatomy in anatomies]
    return {
        "world": [speak_by_world(anatomy) for anatomy in anatomies],
        "glottal": [speak_by_glottis(anatomy, seed) for seed, anatomy in enumerate(anatomies)],
    }


def call_in(truths: Sequence[Reference], snr_db: float | None) -> list[Pcm]:
    """What the telephone delivers of each at 8 kHz; the babble is that of the other speakers, if there are any."""
    lines = []
    for seed, truth in enumerate(truths):
        others = [Utterance(each.speaker, each.pcm) for each in truths if each.speaker != truth.speaker]
        lines.append(telephone(truth, others or [Utterance(truth.speaker, truth.pcm)], snr_db, seed))
    return lines


def measure_f0(speech: Speech, report: Callable[[str], None]) -> list[Figure]:
    """All trackers over all references and conditions.

    Args:
        speech: what is taken apart and spoken again.
        report: told what is done next.

    Returns:
        `f0_gross_error_C`, `f0_miss_C` and `f0_false_alarm_C` for each condition C, against the `world` reference, and
        the same of each peer with its suffix; all once more with the prefix `glottal_`. In per cent.

    Raises:
        MissingExtraError: a peer is not installed.
    """
    peers = peer_trackers()
    report("taking speech apart and speaking it again with known F0")
    figures: list[Figure] = []
    for reference, truths in make_truths(speech).items():
        prefix = "" if reference == "world" else f"{reference}_"
        for condition, snr_db in CONDITIONS:
            report(f"F0, {reference} reference, {condition}")
            lines = call_in(truths, snr_db)
            theirs = {name: score_all(tracker, truths, lines) for name, tracker in peers.items()}
            figures += _figures(prefix, condition, score_all(own_tracker, truths, lines), theirs)
    return figures


def _figures(prefix: str, condition: str, ours: Scores, theirs: dict[str, Scores]) -> list[Figure]:
    praat, rapt = theirs["praat"].total, theirs["rapt"].total
    targets = {
        "gross_error": Target("<=", min(praat.gross_error / 2, rapt.gross_error)),
        "miss": Target("<=", praat.miss),
    }
    figures = []
    for suffix, scores in (("", ours), *((f"_{name}", scores) for name, scores in theirs.items())):
        total = scores.total
        for measure, frames, share in (
            ("gross_error", total.voiced - total.missed, _gross_error),
            ("miss", total.voiced, _miss),
            ("false_alarm", total.unvoiced, _false_alarm),
        ):
            target = None if suffix else targets.get(measure)
            peer = f"Praat {share(praat):.3g}, RAPT {share(rapt):.3g}" if target else ""
            figures.append(scores.figure(f"{prefix}f0_{measure}_{condition}{suffix}", share, frames, target, peer))
    return figures


def _gross_error(tally: Tally) -> float:
    return tally.gross_error


def _miss(tally: Tally) -> float:
    return tally.miss


def _false_alarm(tally: Tally) -> float:
    return tally.false_alarm


def f0_table(figures: Sequence[Figure]) -> Table:
    """Gross error / miss of each tracker in each condition, per cent."""
    values = {figure.name: figure.value for figure in figures}
    rows = Table(title="F0: gross error / miss, %", box=SIMPLE, pad_edge=False)
    rows.add_column("reference, condition", no_wrap=True)
    suffixes = {"Warmline": "", "RAPT": "_rapt", "Praat AC": "_praat", "pyin": "_pyin", "openSMILE": "_opensmile"}
    for name in suffixes:
        rows.add_column(name, justify="right", no_wrap=True)
    for reference, prefix in (("world", ""), ("glottal", "glottal_")):
        for condition, _ in CONDITIONS:
            cells = [
                " / ".join(
                    f"{values[f'{prefix}f0_{measure}_{condition}{suffix}']:.1f}" for measure in ("gross_error", "miss")
                )
                for suffix in suffixes.values()
            ]
            rows.add_row(f"{reference}, {condition}", *cells)
    return rows
