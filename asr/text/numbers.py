"""Spoken numbers, amounts, percentages, dates and times in digits (inverse text normalisation).

Own rules, because the usual finite-state grammars need an OpenFst library (kaldifst, pynini), and together with the one
inside Vosk that corrupts the heap of the process.
"""

from __future__ import annotations

from typing import Final

from asr.text.draft import Draft
from asr.text.numbers_en import write_numbers_en
from asr.text.numbers_zh import write_numbers_zh
from asr.types import Language

LONGEST: Final = 1000
"""Characters beyond which numbers stay as they are heard: more than two minutes of speech."""


def write_numbers(draft: Draft, language: Language) -> None:
    """Write what is a number in digits; single digits from one to nine and idioms (一点, 万一) stay words."""
    if not draft.text or len(draft.raw) > LONGEST:
        return
    if language is Language.ZH:
        write_numbers_zh(draft)
    elif language is Language.EN:
        write_numbers_en(draft)
