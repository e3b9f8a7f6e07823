"""Train the linear tone model: `python -m prosody.train_tone FOLDER --out prosody/tone_linear.json`.

FOLDER holds `manifest.jsonl` with one recording per line: {"audio", "speaker", "emotion"}. Deterministic: the same data
gives the same numbers, to the four digits that are stored. Needs scikit-learn, which rating does not.

What may be trained on is what the licence of the recordings allows to be trained on and shipped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from prosody.features import measure
from prosody.normal import MEASURES, PITCH, CallerNormal, deviations
from prosody.tone_linear import ACTIVATION, FORMAT, LARGEST_Z
from prosody.types import ProsodyFeatures
from voice.audio.decode import AudioFile
from voice.audio.telephone import through_telephone
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError

AROUSED: Final = frozenset({"anger", "happiness", "fear"})
CALM: Final = frozenset({"neutral", "sadness", "boredom"})

INPUTS: Final = tuple(measure.name for measure in MEASURES if measure.name != "intensity")
"""Every measure but level: emotional corpora are levelled, so that it would be learned the wrong way round."""

NORMALS: Final = (1, 3, 0)
"""Neutral utterances that a normal rests on; 0 takes all of the speaker's others."""

PENALTIES: Final = (0.001, 0.01, 0.1, 1.0)
"""Inverse penalties that are tried. Of those whose error on speakers left out is within one standard error of the
least, the strongest penalty is taken (Breiman, L. et al. (1984), "Classification and Regression Trees", section
3.4.3)."""

TEMPERATURE: Final = 2.0
"""What the fitted steepness is divided by, because a corpus that one has seen flatters; as in `prosody.arousal`."""

_SEED: Final = 7

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recording:
    """One labelled recording, measured clean and as a telephone leaves it."""

    speaker: str
    emotion: str
    measured: tuple[ProsodyFeatures, ProsodyFeatures]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Deviations, shape (n, inputs); whether aroused, shape (n,); and the speaker of each row."""

    rows: Array
    aroused: NDArray[np.bool_]
    speakers: NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Coefficients, shape (inputs,), and intercept of a logistic regression."""

    coefficients: Array
    intercept: float

    def logits(self, rows: Array) -> Array:
        """Log odds of being aroused."""
        found: Array = rows @ self.coefficients + self.intercept
        return found


def read_corpus(folder: Path) -> tuple[list[Recording], str]:
    """Measure every recording of a folder; also the SHA-256 over labels and audio.

    Raises:
        ModelError: there is no manifest, or a line of it is none.
    """
    manifest = folder / "manifest.jsonl"
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ModelError(f"Expected labelled recordings at {manifest}; {error.strerror}.") from error
    digest, recordings = hashlib.sha256(), []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            speaker, emotion, path = str(entry["speaker"]), str(entry["emotion"]), folder / str(entry["audio"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{manifest}, line {number}: expected audio, speaker and emotion; {error!r}.") from error
        digest.update(f"{speaker} {emotion} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        pcm = _read(path)
        recordings.append(Recording(speaker, emotion, (measure(pcm), measure(through_telephone(pcm)))))
    return recordings, digest.hexdigest()


def _read(path: Path) -> Pcm:
    with AudioFile(path) as file:
        pcm: Pcm = np.concatenate(list(file.blocks()), axis=1)[0]
    return pcm


def make_examples(recordings: Sequence[Recording]) -> Examples:
    """Every recording against normals of its speaker's neutral ones, itself left out; those without a pitch are not."""
    generator = np.random.default_rng(_SEED)
    rows, aroused, speakers = [], [], []
    for number, one in enumerate(recordings):
        if one.emotion not in AROUSED | CALM:
            continue
        others = [
            other
            for place, other in enumerate(recordings)
            if place != number and other.speaker == one.speaker and other.emotion == "neutral"
        ]
        for line, features in enumerate(one.measured):
            for count in NORMALS:
                order = generator.permutation(len(others))[: count or None]
                row = _row([others[place].measured[line] for place in order], features)
                if row is not None:
                    rows.append(row)
                    aroused.append(one.emotion in AROUSED)
                    speakers.append(one.speaker)
    return Examples(np.array(rows), np.array(aroused), np.array(speakers))


def _row(neutral: Sequence[ProsodyFeatures], features: ProsodyFeatures) -> list[float] | None:
    """Deviations in the order of the inputs, 0 where one is missing; None without a pitch."""
    normal = CallerNormal()
    for one in neutral:
        normal.learn(one)
    found = deviations(normal.normal(), features)
    if PITCH not in found:
        return None
    return [max(-LARGEST_Z, min(LARGEST_Z, found[name].z)) if name in found else 0.0 for name in INPUTS]


def fit(rows: Array, aroused: NDArray[np.bool_], inverse_penalty: float) -> Fit:
    """Fit both classes at equal weight."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  a second to import; training only

    regression: Any = LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=2000, tol=1e-6)
    regression.fit(rows, aroused)
    return Fit(regression.coef_[0], float(regression.intercept_[0]))


def leave_one_speaker_out(examples: Examples, inverse_penalty: float) -> Array:
    """Log odds of every row from a model that never heard its speaker."""
    logits = np.zeros(len(examples.rows))
    for _, held in _folds(examples.speakers):
        logits[held] = fit(examples.rows[~held], examples.aroused[~held], inverse_penalty).logits(examples.rows[held])
    return logits


def _folds(speakers: NDArray[np.str_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for speaker in sorted(set(speakers.tolist())):
        yield speaker, speakers == speaker


def errors_by_speaker(logits: Array, examples: Examples) -> Array:
    """Share of wrong judgements of each speaker, both classes at equal weight, shape (speakers,)."""
    wrong = (logits > 0) != examples.aroused
    found = []
    for _, one in _folds(examples.speakers):
        parts = [wrong[one & (examples.aroused == side)] for side in (True, False)]
        found.append(float(np.mean([part.mean() for part in parts if part.size])))
    return np.array(found)


def sharpen(logits: Array, aroused: NDArray[np.bool_]) -> float:
    """The factor that makes log odds of unheard speakers right on average: a strong penalty leaves them too small.

    Platt, J. (1999), "Probabilistic outputs for support vector machines", with the boundary where it is.
    """

    def loss(factor: float) -> float:
        """Mean of both classes at equal weight, nats."""
        losses = np.logaddexp(0, np.where(aroused, -logits, logits) * factor)
        return float(losses[aroused].mean() + losses[~aroused].mean())

    return float(minimize_scalar(loss, bounds=(0.1, 100.0), method="bounded").x)


def choose_penalty(errors: dict[float, Array]) -> float:
    """The one-standard-error rule."""
    least = min(errors, key=lambda penalty: float(errors[penalty].mean()))
    bound = errors[least].mean() + errors[least].std(ddof=1) / math.sqrt(len(errors[least]))
    return min(penalty for penalty, found in errors.items() if found.mean() <= bound)


def train(recordings: Sequence[Recording], data_sha256: str) -> dict[str, Any]:
    """The document that `LinearToneModel` loads.

    Raises:
        ModelError: fewer than two speakers, or one of the two classes is missing.
    """
    examples = make_examples(recordings)
    if len(set(examples.speakers.tolist())) < 2 or len(set(examples.aroused.tolist())) < 2:
        raise ModelError(
            "Training needs at least two speakers, each with neutral utterances, and both aroused and calm ones.",
            fix=f"Labels that count are {', '.join(sorted(AROUSED | CALM))}.",
        )
    tried = {penalty: leave_one_speaker_out(examples, penalty) for penalty in PENALTIES}
    best = choose_penalty({penalty: errors_by_speaker(logits, examples) for penalty, logits in tried.items()})
    whole, held_out = fit(examples.rows, examples.aroused, best), tried[best]
    if whole.intercept >= 0:
        raise ModelError("The trained model takes neutral speech for aroused; these recordings teach nothing.")
    # The boundary, logit 0, is put where the rules have theirs; then both speak of arousal on the same scale.
    unit = math.atanh(ACTIVATION) / -whole.intercept
    right = (held_out > 0) == examples.aroused
    return {
        "format": FORMAT,
        "data_sha256": data_sha256,
        "weights": {name: _rounded(value * unit) for name, value in zip(INPUTS, whole.coefficients, strict=True)},
        "steepness": _rounded(sharpen(held_out, examples.aroused) / unit / TEMPERATURE),
        "metrics": {
            "utterances": len(recordings),
            "speakers": len({one.speaker for one in recordings}),
            "inverse_penalty": best,
            "loso_recall_aroused": _rounded(float(right[examples.aroused].mean())),
            "loso_recall_calm": _rounded(float(right[~examples.aroused].mean())),
        },
    }


def _rounded(value: float) -> float:
    """Four digits: what varies between processors lies below them."""
    return float(f"{value:.4g}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m prosody.train_tone", description="Train the linear tone model.")
    parser.add_argument("folder", type=Path, help="labelled recordings with a manifest.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="where the model is written")
    chosen = parser.parse_args(arguments)
    document = train(*read_corpus(chosen.folder))
    text = json.dumps(document, indent=2) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
