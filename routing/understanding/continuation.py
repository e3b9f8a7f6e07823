"""A number that is dictated over two turns: 我的电话是一三八零零… 幺三八零零零."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from asr.text.dictation import WHOLE, is_unfinished
from asr.types import Language
from routing.understanding.digits import find_digit_runs
from routing.understanding.heard import hear
from routing.understanding.identifiers import find_identifiers
from routing.understanding.named_values import Entity
from voice.contracts.audio import Samples, SegmentId, Span, from_s

WITHIN: Final[Samples] = from_s(8)
"""Silence of the caller after which a number is not gone on with."""

LONGEST: Final = 200
"""Characters of a turn that is looked at; a number stands at the end of the one and at the beginning of the other."""

_REST: Final = re.compile(r"[\s，,、。.…啊嗯呃哦的]*")
_LEAD: Final = re.compile(r"(?:[\s，,、。.…]|嗯|呃|额|然后|那个|后面是|后面|接着是|接着|再是|um|uh|then|and)*")


@dataclass(frozen=True, slots=True)
class Told:
    """A turn of the caller: its segment, what was said, and when."""

    segment: SegmentId
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Continued:
    """A number as it stands once its rest is said; the entity's offsets count characters of the later turn."""

    entity: Entity
    begun_in: SegmentId


def continue_number(before: Told | None, now: Told, language: Language) -> Continued | None:
    """The number that a turn goes on with, where the turn before ended in the middle of it.

    What a number is follows from both turns together, as if they were one. A turn that says the same again, or holds a
    whole number of its own, goes on with nothing.

    Args:
        before: the caller's turn before; None where there was none.
        now: the present one.
        language: what the caller speaks.
    """
    if before is None or not 0 <= now.span.start - before.span.end <= WITHIN or not before.text or not now.text:
        return None
    head, tail = before.text[-LONGEST:], now.text[:LONGEST]
    if not is_unfinished(head, language):
        return None
    first, second = hear(head), hear(tail)
    ending = [run for run in find_digit_runs(first.plain, at_least=2) if _REST.fullmatch(first.plain, run.end)]
    beginning = [
        run for run in find_digit_runs(second.plain, at_least=2) if _LEAD.fullmatch(second.plain, 0, run.start)
    ]
    if not ending or not beginning:
        return None
    begun, rest = ending[-1].digits, beginning[0].digits
    if len(rest) >= max(WHOLE) or len(rest) == min(WHOLE):
        return None
    joined = hear(f"{head}，{tail}")
    for found in find_identifiers(joined):
        start, end = joined.offsets(found.start, found.end)
        said_again = rest.startswith(begun) and len(found.value) not in WHOLE
        if start < len(head) < end and found.value.endswith(rest) and not said_again:
            from_here, to_here = second.offsets(beginning[0].start, beginning[0].end)
            entity = Entity(found.kind, tail[from_here:to_here], from_here, to_here, found.value)
            return Continued(entity, before.segment)
    return None
