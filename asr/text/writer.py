"""The display text of a final: repaired, in digits, without fillers, punctuated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from asr.text.digits import write_digits
from asr.text.draft import Draft
from asr.text.fillers import drop_fillers
from asr.text.numbers import write_numbers
from asr.text.punctuation import write_punctuation
from asr.types import Hypothesis, Language, Word


def write(hypothesis: Hypothesis, language: Language) -> Hypothesis:
    """The final as people read it.

    Args:
        hypothesis: what the engine heard.
        language: what was spoken; a language other than zh and en stays as it is.

    Returns:
        The same words with their offsets into `raw`, the display `text`, and the stretches that lead from one to the
        other.
    """
    raw = hypothesis.text
    words = locate(hypothesis.words, raw)
    draft = Draft(raw)
    write_digits(draft, language)
    drop_fillers(draft, language)
    write_numbers(draft, language)
    write_punctuation(draft, language, words)
    text = draft.text
    if text == raw:
        return replace(hypothesis, words=words)
    return replace(hypothesis, text=text, raw=raw, stretches=draft.stretches(), words=words)


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
