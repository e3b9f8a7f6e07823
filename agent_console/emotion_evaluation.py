"""What `warmline evaluate emotion` does: read, measure per band, judge, count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from agent_console.emotion_labels import load_labelled
from agent_console.emotion_wording import LIMITS, MAY_HAVE_LEARNED, ONE_SPEAKER, RETRAINED, SKIPPED, WITHOUT_NORMAL
from agent_console.manifest import Broken, refuse_broken
from agent_console.prosody_options import Lang
from agent_console.tone_choice import ToneChoice, choose_tone_model
from prosody.evaluation import Evaluation, Recording, evaluate, measure_recordings
from voice.audio.telephone import through_telephone
from voice.contracts.audio import Pcm
from voice.contracts.errors import ManifestError

Progress = Callable[[str, int, int], None]
"""Told the step, of how many, and how many are done."""

BANDS: Final[Mapping[str, Callable[[Pcm], Pcm]]] = {"clean": lambda pcm: pcm, "telephone": through_telephone}
"""What becomes of a recording before it is measured."""


@dataclass(frozen=True, slots=True)
class EmotionReport:
    """Everything that was found.

    Attributes:
        manifest: the list.
        model: what judged beside the rules.
        seed: of the bootstrap.
        used: how many recordings count, by label; those with values only count as `(values)`.
        speakers: how many speak.
        skipped: lines that were left out.
        bands: figures by band.
    """

    manifest: Path
    model: ToneChoice
    seed: int
    used: Mapping[str, int]
    speakers: int
    skipped: tuple[Broken, ...]
    bands: Mapping[str, Evaluation]

    def notes(self, lang: Lang) -> list[str]:
        """What the figures do not say by themselves."""
        found = [lang.of(LIMITS)]
        if self.model.is_retrained:
            found.append(lang.of(RETRAINED).format(model=self.model.name))
        elif not self.model.is_unseen:
            found.append(lang.of(MAY_HAVE_LEARNED).format(model=self.model.name))
        if self.speakers < 2:
            found.append(lang.of(ONE_SPEAKER))
        if self.skipped:
            lines = ", ".join(str(each.line) for each in self.skipped[:10]) + ("…" if len(self.skipped) > 10 else "")
            found.append(lang.of(SKIPPED).format(count=len(self.skipped), lines=lines))
        if without := next(iter(self.bands.values())).without_normal:
            found.append(lang.of(WITHOUT_NORMAL).format(count=without))
        return found


def evaluate_emotion(
    manifest: Path, *, bands: Sequence[str], model: str, skip_broken: bool, seed: int, progress: Progress
) -> EmotionReport:
    """Evaluate the product's judgement of tone. Blocking, about 15 ms per second of audio.

    Args:
        manifest: the list.
        bands: names of `BANDS`.
        model: see `choose_tone_model`.
        skip_broken: whether broken lines are left out instead of refused.
        seed: of the bootstrap.
        progress: told how far it is.

    Raises:
        ManifestError: the list cannot be used.
        ModelError: the tone model is missing or broken.
        UnknownEngineError: there is no model of that name.
    """
    labelled, broken = load_labelled(manifest, partial(progress, "reading"))
    if not skip_broken:
        refuse_broken(manifest, broken, "Mend them, or leave them out with --skip-broken.")
    if not labelled:
        raise ManifestError(f"{manifest} has no line that can be used ({len(broken)} broken).")
    choice = choose_tone_model(model, manifest)
    found: dict[str, Evaluation] = {}
    for band in bands:
        heard = [
            Recording(each.speaker, each.emotion, BANDS[band](each.pcm), each.arousal, each.valence)
            for each in labelled
        ]
        utterances = measure_recordings(heard, partial(progress, f"measuring, {band}", len(labelled)))
        try:
            found[band] = evaluate(utterances, choice.model_for, seed=seed)
        except ValueError as error:
            raise ManifestError(
                f"{manifest} has no speaker with a neutral utterance to compare others with.",
                fix='Add lines with "emotion": "neutral" of each speaker; two at least.',
            ) from error
    return EmotionReport(
        manifest=manifest,
        model=choice,
        seed=seed,
        used=dict(sorted(Counter(each.emotion or "(values)" for each in labelled).items())),
        speakers=len({each.speaker for each in labelled}),
        skipped=tuple(broken),
        bands=found,
    )
