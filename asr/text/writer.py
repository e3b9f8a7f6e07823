"""The display text of a final: repaired, in digits, without fillers, punctuated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from asr.text.digits import write_digits
from asr.text.draft import Draft
from asr.text.fillers import drop_fillers
from asr.text.numbers import write_numbers
from asr.text.punctuation import write_punctuation
from asr.text.repair import HomophoneRepair
from asr.text.terms import Terms
from asr.types import Hypothesis, Language, Word


class TextWriter:
    """Turns what an engine heard into what people read; loaded once, used from any thread.

    Args:
        repair: takes misheard domain terms for what they are; None leaves them.
    """

    def __init__(self, repair: HomophoneRepair | None = None) -> None:
        self._repair = repair

    @classmethod
    def load(cls, own_terms: Path | None = None) -> TextWriter:
        """The writer with the shipped terms and, where given, an installation's own (about two seconds).

        Raises:
            TermsError: the file of terms cannot be read, or holds a line that is no term.
        """
        return cls(HomophoneRepair(Terms.load(own_terms)))

    def write(self, hypothesis: Hypothesis, language: Language) -> Hypothesis:
        """The final as people read it.

        Args:
            hypothesis: what the engine heard.
            language: what was spoken; a language other than zh and en stays as it is.

        Returns:
            The same words with their offsets into `raw`, the display `text`, the stretches that lead from one to the
            other, and the repairs among them.
        """
        raw = hypothesis.text
        words = locate(hypothesis.words, raw)
        draft = Draft(raw)
        repairs = self._repair.apply(draft) if self._repair and language is Language.ZH else ()
        write_digits(draft, language)
        drop_fillers(draft, language)
        write_numbers(draft, language)
        write_punctuation(draft, language, words)
        text = draft.text
        if text == raw:
            return replace(hypothesis, words=words)
        return replace(hypothesis, text=text, raw=raw, stretches=draft.stretches(), repairs=repairs, words=words)


def locate(words: Sequence[Word], raw: str) -> tuple[Word, ...]:
    """The words with their offsets into the raw text, found one after the other; None for one that is not there."""
    located, place = [], 0
    for word in words:
        offset = raw.find(word.text.strip(), place)
        if offset < 0:
            located.append(word)
            continue
        located.append(replace(word, offset=offset))
        place = offset + len(word.text.strip())
    return tuple(located)
