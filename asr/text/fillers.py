"""Sounds of hesitation, which the raw text keeps and the display text does not."""

from __future__ import annotations

import re
from typing import Final

from asr.text.draft import Draft
from asr.types import Language

# 额 is a filler only where it stands apart (金额, 额度 are words); 那个 and 就是 only when doubled.
_ZH: Final = re.compile(
    r"(?:嗯+|呃+|唔+|(?:(?<=^)|(?<=[，。、,\s]))额+(?=[，。、,\s]|$)|(?:那个){2,}|(?:就是){2,})[，,、…\s]*"
)
_EN: Final = re.compile(r"(?<![\w'])(?:u+h+|u+m+|erm+|h+m+m*|er)(?![\w'])[,.…]*\s*", re.IGNORECASE)
_WORD: Final = re.compile(r"\w")


def drop_fillers(draft: Draft, language: Language) -> None:
    """Leave fillers out; an utterance of nothing else stays, because 嗯 is an answer."""
    pattern = _ZH if language is Language.ZH else _EN if language is Language.EN else None
    if pattern is None:
        return
    text = draft.text
    found = [match.span() for match in pattern.finditer(text)]
    rest = pattern.sub("", text)
    if not _WORD.search(rest):
        return
    for start, end in reversed(found):
        draft.replace(start, end, "")
    # A dropped opening leaves its punctuation behind.
    opening = re.match(r"[，,、。.\s]+", draft.text)
    if opening:
        draft.replace(0, opening.end(), "")
