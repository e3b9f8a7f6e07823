"""What `warmline evaluate diarization` does: read, diarize, compare, and say how far the figures reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent_console.diarization_source import open_pipeline, pipeline_folder, read_mono
from agent_console.diarization_wording import GIVEN, NUMBERS, ONE_RECORDING, SKIPPED
from agent_console.manifest import Broken, Entry, read_manifest, refuse_broken
from agent_console.prosody_options import Lang
from agent_console.settings import Settings
from asr.diarization.diarizer import rate_by_pyannote
from asr.diarization.rttm import read_recording_rttm
from asr.diarization.scoring import DiarizationErrors, score
from asr.diarization.types import Diarization
from prosody.metrics import Estimate, Places, estimate
from voice.contracts.audio import SAMPLE_RATE, Samples
from voice.contracts.errors import AudioFormatError, DiarizationError, ManifestError, RttmError

Progress = Callable[[str, int, int], None]
"""Told the step, of how many, and how many are done."""

KINDS: Final = ("der", "missed", "false_alarm", "confusion")


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording and its truth."""

    line: int
    audio: Path
    length: Samples
    truth: Diarization


@dataclass(frozen=True, slots=True)
class Result:
    """One recording, diarized.

    Attributes:
        reference: the recording.
        found: who was found to speak when.
        errors: against the reference.
        cpu_s: processor time it took.
    """

    reference: Reference
    found: Diarization
    errors: DiarizationErrors
    cpu_s: float


@dataclass(frozen=True, slots=True)
class DiarizationReport:
    """Everything that was found.

    Attributes:
        manifest: the list.
        pipeline: the folder of the pipeline.
        oracle: whether the number of speakers was given.
        collar: samples around real boundaries that did not count.
        seed: of the bootstrap.
        results: by recording, in the order of the list.
        skipped: lines that were left out.
        figures: by kind of error, shares of real speech.
        by_pyannote: the error rate as pyannote.metrics computes it from the same turns.
    """

    manifest: Path
    pipeline: Path
    oracle: bool
    collar: Samples
    seed: int
    results: tuple[Result, ...]
    skipped: tuple[Broken, ...]
    figures: dict[str, Estimate]
    by_pyannote: float

    @property
    def errors(self) -> DiarizationErrors:
        """Of all recordings together."""
        return sum((each.errors for each in self.results), DiarizationErrors())

    @property
    def speakers_right(self) -> float:
        """Share of recordings in which as many speakers were found as there are."""
        right = [len(each.found.speakers) == len(each.reference.truth.speakers) for each in self.results]
        return sum(right) / len(right)

    @property
    def rtf_cpu(self) -> float:
        """Processor seconds per second of audio."""
        length = sum(each.reference.length for each in self.results)
        return sum(each.cpu_s for each in self.results) * SAMPLE_RATE / length

    def notes(self, lang: Lang) -> list[str]:
        """What the figures do not say by themselves."""
        found = [lang.of(NUMBERS)]
        if len(self.results) < 2:
            found.append(lang.of(ONE_RECORDING))
        if self.oracle:
            found.append(lang.of(GIVEN))
        if self.skipped:
            lines = ", ".join(str(each.line) for each in self.skipped[:10]) + ("…" if len(self.skipped) > 10 else "")
            found.append(lang.of(SKIPPED).format(count=len(self.skipped), lines=lines))
        return found


def evaluate_diarization(
    manifest: Path,
    settings: Settings,
    *,
    pipeline: Path | None,
    oracle: bool,
    collar: Samples,
    skip_broken: bool,
    seed: int,
    progress: Progress,
) -> DiarizationReport:
    """Diarize every recording of a list and compare with its RTTM. Blocking.

    Args:
        manifest: JSON lines with `audio` (mono) and `rttm`, both relative to the list.
        settings: where models lie.
        pipeline: a pipeline's folder; None takes the model below the models folder.
        oracle: give the pipeline the number of speakers in the reference.
        collar: samples on each side of a real boundary that do not count.
        skip_broken: whether broken lines are left out instead of refused.
        seed: of the bootstrap over recordings.
        progress: told how far it is.

    Raises:
        ManifestError: the list cannot be used.
        MissingExtraError: the extra `diarize` is not installed.
        ModelError: there is no sound pipeline.
    """
    entries, broken = read_manifest(manifest)
    references: list[Reference] = []
    for done, entry in enumerate(entries):
        progress("reading", len(entries), done)
        found = _read(entry, manifest.parent)
        if isinstance(found, Reference):
            references.append(found)
        else:
            broken.append(found)
    progress("reading", len(entries), len(entries))
    if not skip_broken:
        refuse_broken(manifest, broken, "Mend them, or leave them out with --skip-broken.")
    if not references:
        raise ManifestError(f"{manifest} has no line that can be used ({len(broken)} broken).")
    progress("loading", 1, 0)
    diarizer = open_pipeline(settings, pipeline)
    progress("loading", 1, 1)
    results: list[Result] = []
    for done, reference in enumerate(references):
        progress("diarizing", len(references), done)
        began = time.process_time()
        speakers = len(reference.truth.speakers) if oracle else None
        try:
            heard = diarizer.diarize(read_mono(reference.audio), speakers=speakers)
        except DiarizationError as error:
            raise DiarizationError(f"Line {reference.line} of {manifest}: {error}") from error
        errors = score(reference.truth, heard, collar=collar).errors
        results.append(Result(reference, heard, errors, time.process_time() - began))
    progress("diarizing", len(references), len(references))
    pairs = [(each.reference.truth, each.found) for each in results]
    return DiarizationReport(
        manifest=manifest,
        pipeline=pipeline_folder(settings, pipeline),
        oracle=oracle,
        collar=collar,
        seed=seed,
        results=tuple(results),
        skipped=tuple(sorted(broken, key=lambda each: each.line)),
        figures={kind: _figure(kind, results, seed) for kind in KINDS},
        by_pyannote=rate_by_pyannote(pairs, collar),
    )


def _read(entry: Entry, folder: Path) -> Reference | Broken:
    rttm = entry.fields.get("rttm")
    if not isinstance(rttm, str) or not rttm or "\0" in rttm:
        return Broken(entry.line, '"rttm" has to name a file')
    try:
        truth = read_recording_rttm(folder / rttm, entry.audio.stem)
        length = len(read_mono(entry.audio))
    except (RttmError, AudioFormatError) as error:
        return Broken(entry.line, f"[{error.code}] {error}")
    if not truth.turns:
        return Broken(entry.line, f"nobody speaks in {rttm}")
    return Reference(entry.line, entry.audio, length, truth)


def _figure(kind: str, results: Sequence[Result], seed: int) -> Estimate:
    wrong = np.array([each.errors.errors if kind == "der" else getattr(each.errors, kind) for each in results])
    speech = np.array([each.errors.speech for each in results])
    found = estimate(partial(_rate, wrong, speech), [str(each.reference.line) for each in results], seed=seed)
    if found is None:
        raise ManifestError("Within the collar nothing is left that counts.", fix="Choose a smaller --collar.")
    return found


def _rate(wrong: NDArray[np.int64], speech: NDArray[np.int64], places: Places) -> float | None:
    total = float(speech[places].sum())
    return float(wrong[places].sum()) / total if total else None
