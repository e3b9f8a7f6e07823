"""How much of what a caller says is understood while something else is played to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asr.evaluation import Reference
from asr.ports import Recognizer
from asr.scoring import Edits, compare_texts, units
from asr.types import Language
from voice.contracts.audio import Pcm, Samples, from_ms


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """Errors in percent of what was said (characters in Mandarin, words in English).

    Attributes:
        errors: left out, replaced and invented.
        lost: left out alone.
    """

    errors: float
    lost: float


class EchoWords:
    """Recognizes a caller's utterances cut out of what was heard; what was recognized once is not recognized again.

    Args:
        recognizer: does it.
        said: what the caller says.
        starts: when; media time.
    """

    def __init__(self, recognizer: Recognizer, said: Sequence[Reference], starts: Sequence[Samples]) -> None:
        self._recognizer = recognizer
        self._said = said
        self._starts = starts
        self._known: dict[bytes, str] = {}

    @property
    def steps(self) -> int:
        """How many utterances `count` tells of."""
        return len(self._said)

    def count(self, heard: Pcm, late: Samples, report: Callable[[int], None]) -> WordsHeard:
        """Recognize every utterance in what was heard. Blocks.

        Args:
            heard: the whole call.
            late: by how much it is later than it was said.
            report: told how many utterances are done.
        """
        around, edits = from_ms(250), Edits()
        for number, (each, start) in enumerate(zip(self._said, self._starts, strict=True)):
            begin = start + late
            text = self._recognize(each.language, heard[begin - around : begin + each.pcm.size + around])
            edits += compare_texts(each.text, text, each.language).edits
            report(number + 1)
        return WordsHeard(100 * edits.rate, 100 * edits.deletions / edits.length)

    def invented(self, turns: Sequence[Pcm]) -> int:
        """How many characters or words are understood where the caller said nothing. Blocks."""
        language = self._said[0].language
        return sum(len(units(self._recognize(language, turn), language)) for turn in turns)

    def _recognize(self, language: Language, pcm: Pcm) -> str:
        key = hashlib.sha256(pcm.tobytes()).digest()
        if key not in self._known:
            utterance = self._recognizer.begin(language)
            utterance.accept(pcm)
            self._known[key] = utterance.finish().text
        return self._known[key]
