"""Features of a turn for the intent classifier: pieces of its characters, its sounds and its words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Final

from routing.understanding.concepts import load_concepts
from routing.understanding.heard import HAN, Heard

LONGEST_TURN: Final = 400
"""Characters of a turn that the classifier looks at; whoever speaks longer has said the need by then."""

CONCEPT_COUNT: Final = 3
"""How often a concept counts as said; chosen by cross-validated accuracy among 2, 3, 5, 8."""

STRETCH: Final = re.compile(rf"[{HAN}0-9a-z']+")
LATIN: Final = re.compile(r"[a-z']+")


def count_features(heard: Heard) -> Counter[str]:
    """How often each feature occurs.

    `c:` and `s:` are runs of 1 to 3 Chinese characters and of 1 to 4 syllables, within punctuation; `w:` one or two
    Latin words; `g:` 3 to 5 Latin letters with the spaces taken out, so that `re fund` is still a refund; `k:` a
    concept, `p:` two concepts in one turn.
    """
    counted = Counter(_features(heard))
    concepts = {concept for _, concept in load_concepts().find(heard, LONGEST_TURN)}
    counted.update({f"k:{concept}": CONCEPT_COUNT for concept in concepts})
    counted.update(f"p:{one}+{other}" for one, other in combinations(sorted(concepts), 2))
    return counted


def _features(heard: Heard) -> Iterator[str]:
    plain, sounds = heard.plain[:LONGEST_TURN], heard.sounds[:LONGEST_TURN]
    if heard.has_han:
        for stretch in STRETCH.finditer(plain):
            yield from _grams("c:", stretch[0], 1, 3)
            yield from _grams("s:", sounds[stretch.start() : stretch.end()], 1, 4)
    words = LATIN.findall(plain)
    if words:
        yield from (f"w:{word}" for word in words)
        yield from (f"w:{one} {other}" for one, other in pairwise(words))
        yield from _grams("g:", "".join(words).replace("'", ""), 3, 5)


def _grams(prefix: str, text: str, shortest: int, longest: int) -> Iterator[str]:
    for length in range(shortest, longest + 1):
        for start in range(len(text) - length + 1):
            yield prefix + text[start : start + length]


def shingles(heard: Heard) -> frozenset[str]:
    """Pairs of syllables and single Latin words: what two wordings of one request share."""
    return frozenset(_shingles(heard.sounds[:LONGEST_TURN]))


def _shingles(sounds: str) -> Iterator[str]:
    yield from LATIN.findall(sounds)
    spoken = re.sub(r"[\x00-\x7f\s，。！？；：、…]+", " ", sounds)
    for stretch in spoken.split():
        yield from (stretch[start : start + 2] for start in range(len(stretch) - 1))
