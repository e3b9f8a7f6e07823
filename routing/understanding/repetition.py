"""Whether a caller asks the same thing again: by meaning and need, or word for word. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from routing.understanding.embedder import Vector, similarity
from routing.understanding.utterances import UNKNOWN

CLOSING: Final = "feedback_close"
"""The need of a turn with which the caller is served; what was asked before it is no longer open."""

SAME_WORDS: Final = 0.6
"""Overlap (Dice) of two turns of one need from which they are the same request, whatever their vectors say."""

SHORTEST: Final = 5
"""Shingles a turn needs to be compared by its words; 查件 and 退货 are too short for that."""

SAME_MEANING: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "multilingual-e5-small-q4": MappingProxyType({"zh": 0.925, "en": 0.905}),
        "pieces-1024": MappingProxyType({"zh": 0.3, "en": 0.3}),
    }
)
"""Cosine of two turns of one need from which they are the same request, by embedder and language.

Chosen on `data/repeated.yaml`. The encoder's cosines lie between 0.75 and 1; other turns of one need reach 0.93.
"""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a turn asks, as far as telling it again needs.

    Attributes:
        need: label of its intent.
        language: zh or en, by its letters.
        shingles: of its sounds (`features.shingles`).
        embedder: name of the embedder of `vector`.
        vector: of its words; None where there is none.
    """

    need: str = UNKNOWN
    language: str = "zh"
    shingles: frozenset[str] = frozenset()
    embedder: str = ""
    vector: Vector | None = field(default=None, compare=False, repr=False)

    @property
    def is_request(self) -> bool:
        """Whether it asks for anything: greetings, dictated numbers, answers and thanks do not."""
        return self.need not in {UNKNOWN, CLOSING}

    def repeats(self, earlier: Ask) -> bool:
        """Whether this is the same request as an earlier one of the same caller."""
        if not self.is_request or self.need != earlier.need:
            return False
        if min(len(self.shingles), len(earlier.shingles)) >= SHORTEST and (
            overlap(self.shingles, earlier.shingles) >= SAME_WORDS
        ):
            return True
        if self.vector is None or earlier.vector is None or self.embedder != earlier.embedder:
            return False
        least = SAME_MEANING.get(self.embedder, {}).get(self.language)
        return least is not None and similarity(self.vector, earlier.vector) >= least


def repeated(earlier: Sequence[Ask], newest: Ask) -> tuple[int, ...]:
    """Places of the earlier turns that asked the same and are open still, in their order.

    Args:
        earlier: turns of the call, the oldest first; what stands before a turn of thanks counts as served.
        newest: the turn they are compared with.
    """
    served = max((place for place, ask in enumerate(earlier) if ask.need == CLOSING), default=-1)
    return tuple(place for place, ask in enumerate(earlier) if place > served and newest.repeats(ask))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice coefficient of two sets, [0, 1]; 0 where both are empty (Dice 1945)."""
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 0.0
