"""Key points: the stretches of a turn that matter to whoever takes over, with exact character offsets."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from routing.document import Document, read_file
from routing.terms import KeyPointTag
from routing.understanding.heard import BREAKS, Heard, fold
from routing.understanding.human_request import HumanRequest
from routing.understanding.named_values import Entity
from routing.understanding.sentiment import Sentiment
from routing.understanding.taxonomy import DATA
from voice.contracts.errors import UnderstandingDataError

LONGEST: Final = 80
"""Characters of the longest key point; unpunctuated speech would otherwise make one of a whole turn."""

CLAUSE_TAGS: Final = (KeyPointTag.ISSUE, KeyPointTag.REQUEST, KeyPointTag.PROMISE, KeyPointTag.OUTCOME)
_TEXTS: Final = {"type": "array", "minItems": 1, "maxItems": 500, "items": {"type": "string", "minLength": 1}}
_CUES: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": [*CLAUSE_TAGS, "breaks"],
    "properties": {**dict.fromkeys(map(str, CLAUSE_TAGS), _TEXTS), "breaks": _TEXTS},
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["zh", "en"],
    "properties": {"zh": _CUES, "en": _CUES},
}
FILLERS: Final = re.compile(r"[\s，,。.！!？?；;：:、…]*(?:(?:嗯|呃|额|啊|哦|喂|那个|就是|um|uh|well|yeah)[\s，,、]+)*")


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """A stretch of a turn that matters.

    Attributes:
        tag: what kind.
        start: offset of its first character in the turn's text.
        end: offset after its last.
        text: `turn[start:end]`.
        value: normalised value, category or None.
    """

    tag: KeyPointTag
    start: int
    end: int
    text: str
    value: str | None = None


_OVER: Final = re.compile(
    r"(?:都|也|已经|现在|总算|终于|给我|帮我| is| was| has been| got| are|'s| already| all| now){0,3} ?"
)
_GIVEN: Final = ("给我", "give me", "send me")
"""Requests that, after a promise, are what was promised."""


@cache
def load_cues(folder: Path = DATA) -> MappingProxyType[KeyPointTag | None, re.Pattern[str]]:
    """Cues of both languages as one pattern a tag; the key None holds the words that break a clause.

    Raises:
        UnderstandingDataError: the file is missing or not valid; names line and field.
    """
    return compile_cues(read_file(folder / "cues.yaml", error=UnderstandingDataError))


def compile_cues(document: Document) -> MappingProxyType[KeyPointTag | None, re.Pattern[str]]:
    """Check a document of cues and make patterns of it; alternations of literals, so linear in the text.

    Raises:
        UnderstandingDataError: names line and field.
    """
    document.check(SCHEMA)

    def pattern(name: str) -> re.Pattern[str]:
        zh = [re.escape("".join(map(fold, text))) for text in document.data["zh"][name]]
        en = [re.escape(text.lower()) for text in document.data["en"][name]]
        longest_first = sorted(zh, key=lambda text: (-len(text), text)), sorted(en, key=lambda text: (-len(text), text))
        return re.compile(rf"{'|'.join(longest_first[0])}|\b(?:{'|'.join(longest_first[1])})\b")

    return MappingProxyType({None: pattern("breaks"), **{tag: pattern(tag) for tag in CLAUSE_TAGS}})


def find_key_points(
    heard: Heard, sentiment: Sentiment, entities: tuple[Entity, ...], requests: tuple[HumanRequest, ...]
) -> tuple[KeyPoint, ...]:
    """Key points of a turn in order of their place."""
    found = [
        KeyPoint(KeyPointTag.IDENTIFIER, entity.start, entity.end, entity.text, entity.value) for entity in entities
    ]
    found += [
        KeyPoint(KeyPointTag.SENTIMENT, term.start, term.end, term.text, term.category)
        for term in sentiment.terms
        if not term.negated and (term.negative or term.category == "urgent")
    ]
    found += [
        KeyPoint(KeyPointTag.REQUEST, wish.start, wish.end, wish.text, "human_agent")
        for wish in requests
        if not wish.declined
    ]
    starts = [request.start for request in requests]
    for point in _in_clauses(heard):
        # Whether a person is wanted has been decided: 不用转人工 is no request, and 转人工 is not told twice.
        near = requests[max(0, bisect_left(starts, point.end) - 1)] if requests else None
        if point.tag is KeyPointTag.REQUEST and near and near.start < point.end and point.start < near.end:
            continue
        found.append(point)
    return tuple(sorted(found, key=lambda point: (point.start, point.end, point.tag)))


def _in_clauses(heard: Heard) -> Iterator[KeyPoint]:
    cues = load_cues()
    for start, end in _clauses(heard, cues[None]):
        clause = heard.plain[start:end]
        ended = [found.span() for found in cues[KeyPointTag.OUTCOME].finditer(clause)]
        promise = cues[KeyPointTag.PROMISE].search(clause)
        promised = promise.end() if promise else len(clause)
        for tag in CLAUSE_TAGS:
            cue = next((one for one in cues[tag].finditer(clause) if not _is_told_off(tag, one, ended, promised)), None)
            if cue is None:
                continue
            first = start + (cue.start() if tag is KeyPointTag.REQUEST else 0)
            last = min(end, max(first + LONGEST, start + cue.end()))
            first = max(first, start + cue.end() - LONGEST)
            yield _trimmed(heard, tag, first, last)


def _is_told_off(tag: KeyPointTag, cue: re.Match[str], ended: Sequence[tuple[int, int]], promised: int) -> bool:
    """Whether an issue is over (问题已经解决了), or what looks like a request is what was promised (说好给我回电话)."""
    if tag is KeyPointTag.ISSUE:
        at = bisect_left(ended, (cue.start() + 1, 0))
        within = at > 0 and cue.start() < ended[at - 1][1]
        return within or (at < len(ended) and _OVER.fullmatch(cue.string, cue.end(), ended[at][0]) is not None)
    return tag is KeyPointTag.REQUEST and cue[0] in _GIVEN and promised <= cue.start()


def _clauses(heard: Heard, breaks: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Clauses of the text, by punctuation and by the words that join them; empty ones left out."""
    begin = 0
    cuts = {
        place for place, mark in enumerate(heard.plain) if mark in BREAKS and not _inside_number(heard.plain, place)
    }
    cuts |= {found.start() for found in breaks.finditer(heard.plain)}
    for cut in [*sorted(cuts), len(heard.plain)]:
        fillers = FILLERS.match(heard.plain, begin, cut)
        first = fillers.end() if fillers else begin
        if first < cut:
            yield first, cut
        begin = cut


def _inside_number(plain: str, place: int) -> bool:
    return plain[place] in ".:,/" and plain[place - 1 : place].isdigit() and plain[place + 1 : place + 2].isdigit()


def _trimmed(heard: Heard, tag: KeyPointTag, first: int, last: int) -> KeyPoint:
    while last > first + 1 and (heard.plain[last - 1].isspace() or heard.plain[last - 1] in BREAKS):
        last -= 1
    start, end = heard.offsets(first, last)
    return KeyPoint(tag, start, end, heard.text[start:end])
