"""Cutting a text into the pieces that a sentence encoder knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SPACE: Final = "\u2581"
"""How SentencePiece writes a space."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """A unigram model of pieces (Kudo 2018) with SentencePiece's treatment of characters and spaces.

    Attributes:
        scores: log-probability and number of each piece.
        longest: characters of the longest piece.
        unknown: number of a character that no piece covers.
        unknown_score: its log-probability.
        rewritten: code points to what is read in their place, for example full width to half width.
        begin: number that stands before every text.
        end: number that stands behind it.
    """

    scores: Mapping[str, tuple[float, int]]
    longest: int
    unknown: int
    unknown_score: float
    rewritten: Mapping[int, str]
    begin: int
    end: int

    def cut(self, text: str, most: int) -> list[int]:
        """Numbers of the most probable pieces, between begin and end, at most `most` of them.

        Viterbi's search; time is linear in the length of the text.
        """
        words = [word for word in text.translate(self.rewritten).split(" ") if word]
        spelled = SPACE + SPACE.join(words)
        size = len(spelled)
        best = [0.0] + [float("-inf")] * size
        came = [(0, self.unknown)] * (size + 1)
        for start in range(size):
            reached = best[start]
            for end in range(start + 1, min(size, start + self.longest) + 1):
                found = self.scores.get(spelled[start:end])
                if found is not None and reached + found[0] > best[end]:
                    best[end] = reached + found[0]
                    came[end] = (start, found[1])
            if reached + self.unknown_score > best[start + 1]:
                best[start + 1] = reached + self.unknown_score
                came[start + 1] = (start, self.unknown)
        numbers: list[int] = []
        place = size
        while place:
            place, number = came[place]
            numbers.append(number)
        return [self.begin, *numbers[::-1][: most - 2], self.end]
