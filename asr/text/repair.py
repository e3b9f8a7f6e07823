"""Homophones: a stretch that sounds like a domain term is taken for it where that makes the sentence more likely.

Recognition of Mandarin errs by sound: 前收 for 签收, 无流 for 物流. A stretch with the same toneless pinyin as a term
is replaced if the log probability of the best segmentation of its run of characters (a unigram model of words, jieba's
frequencies with the terms added) rises by `MARGIN`. The rise, not the sound alone, decides: 一站 stays in 下一站. A
word of the best segmentation is replaced whole or not at all: 直亮 in 一直亮着灯 is no 质量.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Final

from pypinyin import lazy_pinyin

from asr.text.draft import Draft
from asr.text.terms import Terms
from asr.types import Repair

with warnings.catch_warnings():
    # Where setuptools is installed, jieba asks for its pkg_resources, which warns of its own end.
    warnings.simplefilter("ignore")
    import jieba

MARGIN: Final = 2.5
"""Natural logarithm: the sentence has to become twelve times as likely."""

TERM_COUNT: Final = 3000
"""How often a term counts as seen in the 60 million words behind the frequencies, where it was seen less often."""

LONGEST_RUN: Final = 400
"""Characters of one run; longer ones stay as they are."""

_RUN: Final = re.compile("[\u4e00-\u9fff]{2,}")
_NUMERALS: Final = frozenset("零〇一二三四五六七八九十百千万亿两幺点")


@dataclass(frozen=True, slots=True)
class _Candidate:
    gain: float
    start: int
    end: int
    term: str


class HomophoneRepair:
    """Loaded once (about two seconds), used from any thread."""

    def __init__(self, terms: Terms) -> None:
        self._words = jieba.Tokenizer()
        # Not `initialize`: that reads and writes a cache file in the temporary folder, where others may write as well.
        self._words.FREQ, self._words.total = self._words.gen_pfdict(self._words.get_dict_file())
        self._words.initialized = True
        self._by_sound: dict[tuple[str, ...], list[str]] = {}
        for term in terms.words:
            self._words.add_word(term, max(self._words.FREQ.get(term) or 0, TERM_COUNT))
            self._by_sound.setdefault(tuple(lazy_pinyin(term)), []).append(term)
        self._lengths = sorted({len(sound) for sound in self._by_sound})

    def apply(self, draft: Draft) -> tuple[Repair, ...]:
        """Repair a draft that is still its raw text; answers what was replaced, in order of the text.

        Raises:
            ValueError: the draft was edited before.
        """
        if draft.stretches():
            raise ValueError("Repair comes first: its offsets count in the raw text.")
        repairs: list[Repair] = []
        for run in _RUN.finditer(draft.raw):
            if len(run.group()) <= LONGEST_RUN:
                repairs += self._repair(run.group(), run.start())
        for repair in reversed(repairs):
            draft.replace(repair.start, repair.end, repair.after)
        return tuple(repairs)

    def _repair(self, run: str, offset: int) -> list[Repair]:
        chosen: list[_Candidate] = []
        for candidate in sorted(self._candidates(run), key=lambda one: (-one.gain, one.start, one.end)):
            if all(candidate.end <= other.start or candidate.start >= other.end for other in chosen):
                chosen.append(candidate)
        chosen.sort(key=lambda one: one.start)
        return [
            Repair(offset + one.start, offset + one.end, run[one.start : one.end], one.term, round(one.gain, 3))
            for one in chosen
        ]

    def _candidates(self, run: str) -> list[_Candidate]:
        sounds = lazy_pinyin(run)
        before, edges = self._segment(run)
        found = []
        for length in self._lengths:
            for start in range(len(run) - length + 1):
                heard = run[start : start + length]
                for term in self._by_sound.get(tuple(sounds[start : start + length]), ()):
                    if heard == term or _NUMERALS.issuperset(heard) or not {start, start + length} <= edges:
                        continue
                    gain = self._segment(run[:start] + term + run[start + length :])[0] - before
                    if gain >= MARGIN:
                        found.append(_Candidate(gain, start, start + length, term))
        return found

    def _segment(self, text: str) -> tuple[float, set[int]]:
        """Log probability of the best segmentation of `text` into words, and where its words begin and end."""
        route: dict[int, tuple[float, int]] = {}
        self._words.calc(text, self._words.get_DAG(text), route)
        edges, place = {0}, 0
        while place < len(text):
            place = route[place][1] + 1
            edges.add(place)
        return float(route[0][0]), edges
