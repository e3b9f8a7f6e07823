"""Measures of agreement between what was meant and what was heard, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Places: TypeAlias = NDArray[np.intp]
"""Which utterances a statistic is computed over, shape (n,); may repeat."""

DRAWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and how sure it is.

    Attributes:
        value: over all utterances.
        low: 2.5 % bound of a bootstrap over speakers; None where fewer than two speakers can be drawn.
        high: 97.5 % bound.
        n: utterances that it rests on.
    """

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Judgements of similar confidence.

    Attributes:
        low: lower bound of the confidence, inclusive.
        high: upper bound, exclusive (the last bin takes 1 in).
        n: how many there are.
        confidence: their mean confidence.
        held: share of them that held.
    """

    low: float
    high: float
    n: int
    confidence: float
    held: float


def area_under_roc(scores: ArrayLike, positive: ArrayLike) -> float | None:
    """How often a positive scores above a negative, ties counted half.

    The Mann-Whitney form: Hanley, J. A. and McNeil, B. J. (1982), "The meaning and use of the area under a receiver
    operating characteristic (ROC) curve", Radiology 143(1), section "Wilcoxon statistic".

    Args:
        scores: shape (n,).
        positive: shape (n,), truth values.

    Returns:
        In [0, 1], 0.5 is chance; None where a class is missing.
    """
    values, upper = np.asarray(scores, np.float64), np.asarray(positive, np.bool_)
    above, below = values[upper], values[~upper]
    if not len(above) or not len(below):
        return None
    return float((np.sign(above[:, None] - below[None, :]).mean() + 1) / 2)


def concordance(given: ArrayLike, true: ArrayLike) -> float | None:
    """Concordance correlation coefficient: agreement in place and scale, not only in direction.

    Lin, L. I.-K. (1989), "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45(1),
    eq. 1, with variances over n.

    Returns:
        In [-1, 1]; None for fewer than two values, or where both sides are one and the same constant.
    """
    x, y = np.asarray(given, np.float64), np.asarray(true, np.float64)
    if len(x) < 2:
        return None
    spread = float(x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    return None if spread == 0 else float(2 * np.mean((x - x.mean()) * (y - y.mean())) / spread)


def recalls(truth: Sequence[str], right: ArrayLike) -> dict[str, float]:
    """Share of each class that was judged rightly, by class, in the order of their names.

    Args:
        truth: class of each utterance.
        right: shape (n,), whether its judgement is right.
    """
    names, classes = np.unique(np.asarray(truth, np.str_), return_inverse=True)
    count = np.bincount(classes, minlength=len(names))
    hits = np.bincount(classes, weights=np.asarray(right, np.float64), minlength=len(names))
    return {str(name): float(hit / n) for name, hit, n in zip(names, hits, count, strict=True)}


def unweighted_recall(truth: Sequence[str] | NDArray[np.str_], right: ArrayLike) -> float | None:
    """Mean of the classes' recalls (UAR), so that a frequent class counts no more than a rare one.

    Schuller, B., Steidl, S. and Batliner, A. (2009), "The Interspeech 2009 Emotion Challenge", section 2: the customary
    measure for unevenly filled classes; chance is one over their number.

    Returns:
        In [0, 1]; None without utterances.
    """
    if not len(truth):
        return None
    found = recalls(list(truth), right)
    return sum(found.values()) / len(found)


def reliability(confidence: ArrayLike, held: ArrayLike, bins: int = 10) -> tuple[Bin, ...]:
    """How often judgements of each confidence held; empty bins are left out.

    Args:
        confidence: shape (n,), in [0, 1].
        held: shape (n,), truth values.
        bins: of equal width over [0, 1].
    """
    sure, right = np.asarray(confidence, np.float64), np.asarray(held, np.float64)
    place = np.minimum((sure * bins).astype(np.intp), bins - 1)
    found = []
    for number in range(bins):
        chosen = place == number
        if chosen.any():
            n, mean, share = int(chosen.sum()), float(sure[chosen].mean()), float(right[chosen].mean())
            found.append(Bin(number / bins, (number + 1) / bins, n, mean, share))
    return tuple(found)


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error: mean distance of confidence from the share that held, weighted by how many there are.

    Naeini, M. P., Cooper, G. F. and Hauskrecht, M. (2015), "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI-15, section "Experimental results".

    Returns:
        In [0, 1]; None without a judgement.
    """
    total = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.held) for each in bins) / total if total else None


def estimate(
    statistic: Callable[[Places], float | None], speakers: Sequence[str], *, seed: int = 0, draws: int = DRAWS
) -> Estimate | None:
    """A statistic and its interval by resampling whole speakers.

    Utterances of one speaker resemble each other, so speakers are what is drawn, with replacement (Efron, B. and
    Tibshirani, R. J. (1993), "An Introduction to the Bootstrap", sections 8.6 and 13.3: percentile interval).

    Args:
        statistic: of the utterances at the given places; None where it does not exist for them.
        speakers: of each utterance.
        seed: of the draws.
        draws: how many.

    Returns:
        None where the statistic does not exist for all utterances together.
    """
    names, owner = np.unique(np.asarray(speakers, np.str_), return_inverse=True)
    value = statistic(np.arange(len(owner), dtype=np.intp))
    if value is None:
        return None
    members = [np.flatnonzero(owner == number) for number in range(len(names))]
    generator = np.random.default_rng(seed)
    drawn = [
        found
        for _ in range(draws if len(names) > 1 else 0)
        if (
            found := statistic(
                np.concatenate([members[place] for place in generator.integers(len(names), size=len(names))])
            )
        )
        is not None
    ]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist() if drawn else (None, None)
    return Estimate(value, low, high, len(owner))
