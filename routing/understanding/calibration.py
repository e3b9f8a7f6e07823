"""How good a classifier's answers are, and how far its confidence can be believed. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float64]
Labels = NDArray[np.int64]

BINS: Final = 10
WANTED: Final = 0.95
"""Share of right answers that `coverage` is asked for."""

Z95: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of a classifier on labelled lines.

    Attributes:
        n: lines.
        accuracy: share that is right.
        interval: its 95 % interval (Wilson 1927).
        macro_f1: mean F1 over the classes that occur.
        ece: expected calibration error.
        coverage_at_95: largest share of lines, the surest first, of which 95 % are right.
    """

    n: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    ece: float
    coverage_at_95: float


def judge(truth: Labels, guess: Labels, confidence: NDArray[np.float64]) -> Quality:
    """All figures at once; arrays of one shape (n,), n > 0."""
    right = truth == guess
    low, high = wilson(int(right.sum()), len(right))
    return Quality(
        n=len(right),
        accuracy=round(float(right.mean()), 4),
        interval=(round(low, 4), round(high, 4)),
        macro_f1=round(macro_f1(truth, guess), 4),
        ece=round(expected_calibration_error(confidence, right), 4),
        coverage_at_95=round(coverage(confidence, right), 4),
    )


def softmax(logits: Logits, temperature: float = 1.0) -> Logits:
    """Probabilities by row."""
    scaled = logits / temperature
    grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: Logits = grown / grown.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(logits: Logits, truth: Labels) -> float:
    """Temperature from 0.05 to 5 with the least negative log-likelihood (Guo et al. 2017, eq. 9).

    The loss is convex in the inverse temperature, so the range is narrowed by thirds until it is below 0.1 %.
    """
    low, high = 1 / 5, 1 / 0.05
    while high / low > 1.001:
        one, other = low + (high - low) / 3, high - (high - low) / 3
        if log_loss(logits, truth, 1 / one) < log_loss(logits, truth, 1 / other):
            high = other
        else:
            low = one
    return round(2 / (low + high), 4)


def log_loss(logits: Logits, truth: Labels, temperature: float) -> float:
    """Mean negative log-likelihood of the truth."""
    return float(-np.log(softmax(logits, temperature)[np.arange(len(truth)), truth] + 1e-12).mean())


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> float:
    """ECE over equally wide bins (Guo et al. 2017, eq. 3)."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    parts = [
        abs(confidence[place == one].mean() - right[place == one].mean()) * (place == one).mean()
        for one in range(bins)
        if (place == one).any()
    ]
    return float(sum(parts))


def coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_], wanted: float = WANTED) -> float:
    """Largest share of lines that a threshold on the confidence lets through with at least `wanted` of them right.

    Lines of equal confidence pass together.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, hits = confidence[order], np.cumsum(right[order])
    counts = np.arange(1, len(order) + 1)
    last_of_equals = np.append(sure[1:] != sure[:-1], True)
    good = last_of_equals & (hits / counts >= wanted)
    return float(counts[good].max() / len(order)) if good.any() else 0.0


def macro_f1(truth: Labels, guess: Labels) -> float:
    """Mean F1 over the classes that occur in the truth."""
    return float(np.mean([f1_of(truth, guess, int(one)) for one in np.unique(truth)]))


def f1_of(truth: Labels, guess: Labels, label: int) -> float:
    """F1 of one class; 0 where it neither is nor is guessed."""
    both = int(((truth == label) & (guess == label)).sum())
    all_of = int((truth == label).sum()) + int((guess == label).sum())
    return 2 * both / all_of if all_of else 0.0


def wilson(hits: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927, eq. in section 4); (0, 1) where nothing was counted."""
    if not n:
        return 0.0, 1.0
    share, squared = hits / n, z * z
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = z / (1 + squared / n) * math.sqrt(share * (1 - share) / n + squared / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def reject_threshold(confidence: NDArray[np.float64], right: NDArray[np.bool_], steps: Sequence[float]) -> float:
    """The greatest of some thresholds, in falling order, below which most answers are wrong; else the last."""
    for threshold in steps:
        below = confidence < threshold
        if below.any() and right[below].mean() < 0.5:
            return threshold
    return steps[-1]
