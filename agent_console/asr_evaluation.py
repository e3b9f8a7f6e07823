"""What `warmline evaluate asr` does: read, recognize per band, count errors, and time finals at real pace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import numpy as np

from agent_console.asr_manifest import Said, demand_key, load_said, read_pcm, value_of
from agent_console.asr_wording import FAST, NARROW, NUMBERS, ONE_SPEAKER, SKIPPED, WITHOUT_SPEAKER
from agent_console.manifest import Broken, refuse_broken
from agent_console.prosody_options import Lang
from agent_console.settings import Settings
from asr.engines import LoadedRecognizer, load_recognizer
from asr.evaluation import Evaluation, Reference, Scored, Substitution, evaluate, find_substitutions
from asr.live_evaluation import LiveFigures, measure_live, summarise
from asr.scoring import Edits
from asr.sherpa import SherpaSettings
from asr.text.repair import HomophoneRepair
from asr.text.terms import Terms
from asr.text.writer import TextWriter
from asr.types import Hypothesis, Language
from asr.whisper import WhisperSettings
from asr.worker import RecognitionWorker
from prosody.metrics import Estimate, Places, estimate
from voice.audio.telephone import through_telephone
from voice.clock import WallClock
from voice.contracts.audio import Pcm
from voice.contracts.errors import ManifestError

Progress = Callable[[str, int, int], None]
"""Told the step, of how many, and how many are done."""

Write = Callable[[Hypothesis, Language], Hypothesis]

BANDS: Final[Mapping[str, Callable[[Pcm], Pcm]]] = {"clean": lambda pcm: pcm, "telephone": through_telephone}
"""What becomes of a recording before it is recognized."""

MOST_LIVE: Final = 50
"""Utterances that are spoken at real pace, spread evenly over the list: they take as long as they are."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Errors of one language, or of one group in it.

    Attributes:
        language: what is spoken.
        group: value of the key that utterances are grouped by; None for all of them.
        edits: all errors together.
        speakers: how many speak; 0 where nothing says so.
        figure: the error rate and its interval.
    """

    language: Language
    group: str | None
    edits: Edits
    speakers: int
    figure: Estimate


@dataclass(frozen=True, slots=True)
class BandResult:
    """Everything heard through one line.

    Attributes:
        evaluation: utterance by utterance.
        rates: one per language.
        groups: one per language and group; empty without a key.
        substitutions: by language, the most frequent first.
    """

    evaluation: Evaluation
    rates: tuple[Rate, ...]
    groups: tuple[Rate, ...]
    substitutions: Mapping[Language, Sequence[Substitution]]


@dataclass(frozen=True, slots=True)
class AsrReport:
    """Everything that was found.

    Attributes:
        manifest: the list, or the folder of calls.
        recognizer: which engine served which language, and why.
        text: `raw` or `written`.
        group: the key that utterances are grouped by.
        seed: of the bootstrap.
        used: how many utterances count, by language.
        speakers: how many speak, by language; 0 where nothing says so.
        skipped: lines that were left out.
        narrow: where recordings claim more bandwidth than they have.
        fast: where recordings sound like a telephone at twice its speed.
        bands: results by band.
        live: times at real pace, where they were asked for.
    """

    manifest: Path
    recognizer: LoadedRecognizer
    text: str
    group: str | None
    seed: int
    used: Mapping[Language, int]
    speakers: Mapping[Language, int]
    skipped: tuple[Broken, ...]
    narrow: tuple[str, ...]
    fast: tuple[str, ...]
    bands: Mapping[str, BandResult]
    live: LiveFigures | None

    def notes(self, lang: Lang) -> list[str]:
        """What the figures do not say by themselves."""
        found = [lang.of(NUMBERS)]
        for language, count in self.speakers.items():
            if count < 2:
                found.append(lang.of(ONE_SPEAKER if count else WITHOUT_SPEAKER).format(language=language))
        if self.narrow:
            found.append(lang.of(NARROW).format(count=len(self.narrow), lines=_listed(self.narrow)))
        if self.fast:
            found.append(lang.of(FAST).format(count=len(self.fast), lines=_listed(self.fast)))
        if self.skipped:
            lines = _listed([str(each.line) for each in self.skipped])
            found.append(lang.of(SKIPPED).format(count=len(self.skipped), lines=lines))
        return found


def evaluate_asr(
    source: Path,
    settings: Settings,
    *,
    bands: Sequence[str],
    text: str,
    group: str | None,
    live: bool,
    skip_broken: bool,
    seed: int,
    progress: Progress,
) -> AsrReport:
    """Evaluate recognition as the product does it. Blocking, and as long as the engine takes.

    Args:
        source: a list of recordings, or a folder of sample calls.
        settings: engine, models, terms.
        bands: names of `BANDS`.
        text: `written` evaluates finals as people read them, `raw` as the engine heard them.
        group: a key of the lines to break the figures down by.
        live: whether utterances are also spoken at real pace, through the first band.
        skip_broken: whether broken lines are left out instead of refused.
        seed: of the bootstrap.
        progress: told how far it is.

    Raises:
        ManifestError: the list cannot be used.
        ModelError: a model is missing or broken, or does not speak a language of the list.
        UnknownEngineError: there is no engine of that name.
        TermsError: the file of terms cannot be used.
    """
    said, broken = load_said(source, partial(progress, "reading"))
    if not skip_broken:
        refuse_broken(source, broken, "Mend them, or leave them out with --skip-broken.")
    if not said:
        raise ManifestError(f"{source} has no line that can be used ({len(broken)} broken).")
    if group is not None:
        demand_key(source, [each.fields for each in said], group)
    languages = sorted({each.language for each in said})
    terms = Terms.load(settings.terms)
    loaded = load_recognizer(
        settings.engine,
        settings.models,
        languages,
        whisper=WhisperSettings(terms=terms.own[: settings.prompt_terms]),
        sherpa=SherpaSettings(terms=terms.words),
    )
    write = TextWriter(HomophoneRepair(terms)).write if text == "written" else None
    results = {band: _evaluate_band(said, loaded, band, write, group, seed, progress) for band in bands}
    return AsrReport(
        manifest=source,
        recognizer=loaded,
        text=text,
        group=group,
        seed=seed,
        used=dict(sorted(Counter(each.language for each in said).items())),
        speakers={language: _count_speakers(said, language) for language in languages},
        skipped=tuple(broken),
        narrow=tuple(each.where for each in said if each.is_narrow),
        fast=tuple(each.where for each in said if each.is_fast),
        bands=results,
        live=_measure_live(said, loaded, bands[0], write, progress) if live else None,
    )


def _evaluate_band(
    said: Sequence[Said],
    loaded: LoadedRecognizer,
    band: str,
    write: Write | None,
    group: str | None,
    seed: int,
    progress: Progress,
) -> BandResult:
    def references() -> Iterator[Reference]:
        for done, each in enumerate(said):
            progress(f"recognizing, {band}", len(said), done)
            yield _reference(each, band)
        progress(f"recognizing, {band}", len(said), len(said))

    evaluation = evaluate(loaded.recognizer, references(), write=write)
    scored = evaluation.utterances
    languages = sorted({each.language for each in said})
    groups: list[Rate] = []
    if group is not None:
        values = [value_of(each.fields, group) for each in said]
        for language in languages:
            for value in dict.fromkeys(sorted(values)):
                chosen = [
                    one for one, its in zip(scored, values, strict=True) if its == value and one.language is language
                ]
                if chosen:
                    groups.append(_rate(chosen, language, value, seed))
    by_language = {language: [each for each in scored if each.language is language] for language in languages}
    return BandResult(
        evaluation=evaluation,
        rates=tuple(_rate(chosen, language, None, seed) for language, chosen in by_language.items()),
        groups=tuple(groups),
        substitutions={language: find_substitutions(chosen) for language, chosen in by_language.items()},
    )


def _measure_live(
    said: Sequence[Said], loaded: LoadedRecognizer, band: str, write: Write | None, progress: Progress
) -> LiveFigures:
    places = np.unique(np.linspace(0, len(said) - 1, min(MOST_LIVE, len(said))).round().astype(int))
    references = [_reference(said[place], band) for place in places]

    async def speak() -> LiveFigures:
        async with RecognitionWorker(loaded.recognizer, write=write) as worker:
            return summarise(await measure_live(worker, references, WallClock(), partial(progress, "at real pace")))

    return anyio.run(speak)


def _reference(said: Said, band: str) -> Reference:
    return Reference(said.where, BANDS[band](read_pcm(said)), said.text, said.language, said.speaker)


def _rate(scored: Sequence[Scored], language: Language, group: str | None, seed: int) -> Rate:
    errors = np.array([each.edits.errors for each in scored])
    lengths = np.array([each.edits.length for each in scored])

    def statistic(places: Places) -> float | None:
        return float(errors[places].sum() / lengths[places].sum())

    speakers = [each.speaker for each in scored]
    figure = estimate(statistic, speakers, seed=seed)
    if figure is None:
        raise ManifestError(f"Nothing is said in {language}.")
    if not all(speakers):
        # Utterances of who knows whom cannot be drawn as speakers.
        figure = replace(figure, low=None, high=None)
    edits = sum((each.edits for each in scored), Edits())
    return Rate(language, group, edits, len(set(speakers)) if all(speakers) else 0, figure)


def _count_speakers(said: Sequence[Said], language: Language) -> int:
    speakers = {each.speaker for each in said if each.language is language}
    return 0 if "" in speakers else len(speakers)


def _listed(lines: Sequence[str]) -> str:
    return ", ".join(lines[:10]) + ("…" if len(lines) > 10 else "")
