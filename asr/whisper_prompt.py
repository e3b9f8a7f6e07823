"""What Whisper is told before an utterance.

The text before an utterance sets the style of what follows (Radford et al. 2022, section 4.5 conditions on the text of
the previous window). For Mandarin it leads to Simplified characters, and the opening of a call lets 喂 and 嗯 be heard
as such rather than as 为 and 您. Its commas are ASCII: a full-width comma is two tokens in this vocabulary, and base
models often get the second one wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from asr.types import Language

MOST_TERMS: Final = 8
"""Terms of the business that a prompt names; more take the model's attention off the audio."""

NEUTRAL: Final = {Language.ZH: "以下是普通话的句子。"}
"""Prompts that suggest nothing that a caller might say; empty for other languages."""

_MADE_UP: Final = "6405"
"""A number that nobody has: what holds it was taken from the prompt."""

_OPENING: Final = {Language.ZH: ("喂,你好,我想问一下", "我的", "、", f"。嗯,好的,订单尾号是{_MADE_UP}。")}


def compose_prompt(language: Language, terms: Sequence[str] = ()) -> str:
    """The prompt of a language, empty where it needs none; the first `MOST_TERMS` terms stand in it."""
    if language not in _OPENING:
        return ""
    opening, of, between, closing = _OPENING[language]
    named = between.join(terms[:MOST_TERMS])
    return opening + (of + named if named else "") + closing


def repeats_prompt(text: str, prompt: str) -> bool:
    """Whether a text is nothing but pieces of the prompt, which on noise it often is, and on speech sometimes."""
    if not prompt:
        return False
    bare = _bare(prompt)
    clauses = [_bare(clause) for clause in re.split(r"[,，、。.!！?？\s]+", text)]
    return any(clauses) and all(clause in bare for clause in clauses)


def tells_made_up_number(text: str, prompt: str) -> bool:
    """Whether a text holds the number that only the prompt has."""
    return _MADE_UP in prompt and _MADE_UP in _bare(text).translate(_DIGITS)


_DIGITS: Final = str.maketrans("零一二三四五六七八九", "0123456789")


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text)
