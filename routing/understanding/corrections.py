"""Slips of the tongue: what was said and taken back in the same breath."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from routing.understanding.named_values import NUMBERS, Candidate, EntityKind

REACH: Final = 30
"""Characters between what was said and what it should have been."""

CORRECTED: Final = re.compile(
    r"不对|说错|念错|记错|讲错|报错|搞错|口误|更正|纠正|[哦噢啊呃嗯诶欸哎]不|不不|等等|等一下|不是不是|错了|应该是|"
    r"[，,。\s]不是|^不是|不是[，,\s]*(?:是|应该)|"
    r"\b(?:no wait|wait no|wait|sorry|i mean|i meant|actually|correction|scratch that|make that|my mistake|my bad|"
    r"or rather|oops|"
    r"excuse me|no no|no,? it's|no it is|not that|let me correct|i misspoke|strike that|should be)\b|(?:^|"
    r"[,.\s])no[,.]? "
)
"""Between two values of one kind: the first is taken back."""

_NOT: Final = re.compile(r"(?:不是|并不是|不叫|not|isn't)\s*$")
_BUT: Final = re.compile(r"[\s，,。]*(?:而是|是|应该是|,?\s*(?:but|it's|it is))[\s，,]*")


def drop_corrected(plain: str, found: Sequence[Candidate]) -> list[Candidate]:
    """Values that stand, in order: of one that was taken back and the one that took its place, the second."""
    kept: list[Candidate] = []
    for one in found:
        standing = one
        while kept and _replaces(plain, kept[-1], standing):
            standing = _inherit(kept.pop(), standing)
        kept.append(standing)
    return kept


def _inherit(before: Candidate, after: Candidate) -> Candidate:
    """晚上七点，不对，七点半 is still in the evening; 十月七号，不对，八号 still in October."""
    if after.kind is EntityKind.DATE and after.hint == "day":
        try:
            return replace(after, value=date.fromisoformat(f"{before.value[:8]}{after.value[8:]}").isoformat())
        except ValueError:
            return after
    hour = int(after.value[:2]) if after.kind is EntityKind.TIME else 24
    if not before.hint or after.hint or hour >= 12 or int(before.value[:2]) < 12:
        return after
    shifted = "-".join(f"{int(part[:2]) + 12:02d}{part[2:]}" for part in after.value.split("-") if int(part[:2]) < 12)
    return replace(after, value=shifted, hint=before.hint)


def _replaces(plain: str, before: Candidate, after: Candidate) -> bool:
    same = before.kind is after.kind or {before.kind, after.kind} <= NUMBERS
    if not same or after.start - before.end > REACH:
        return False
    between = plain[before.end : after.start]
    if _NOT.search(plain[max(0, before.start - 8) : before.start]) and _BUT.fullmatch(between):
        return True
    found = CORRECTED.search(between)
    if found is None:
        return False
    # 扣了三百，应该是两百 states two amounts; a slip is mended at once.
    return found[0] not in {"应该是", "should be", "错了"} or (
        before.kind is not EntityKind.AMOUNT and len(between) <= 8
    )
