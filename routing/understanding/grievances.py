"""Complaints without a word of complaint: waiting beyond reason, calling again, broken promises, sarcasm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from routing.document import Document, Problem, read_file
from routing.understanding.heard import Heard
from routing.understanding.lexicon import CATEGORIES, LANGUAGES
from routing.understanding.taxonomy import DATA
from routing.understanding.wordings_file import WORDINGS, WORDS, by_language, compile_listed
from voice.contracts.errors import UnderstandingDataError

THREAT: Final = 0.85
"""Strength of a threat to go public or to court."""

_ENTRIES: Final = {
    "type": "array",
    "maxItems": 100,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "category", "strength", "patterns"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 40},
            "category": {"type": "string", "enum": CATEGORIES},
            "strength": {"type": "number", "minimum": 0, "maximum": 1},
            "escalate": {"type": "boolean"},
            "patterns": WORDINGS,
        },
    },
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["words", *LANGUAGES, "escalations", "mentions"],
    "properties": {
        "words": by_language(WORDS),
        **dict.fromkeys(LANGUAGES, _ENTRIES),
        "escalations": by_language(WORDINGS),
        "mentions": by_language(WORDINGS),
    },
}


@dataclass(frozen=True, slots=True)
class Grievance:
    """One way of complaining.

    Attributes:
        name: what it is, for people.
        category: as of a lexicon's term.
        strength: how strongly, [0, 1].
        escalate: brings a person at once.
        pattern: finds it in `Heard.plain`.
    """

    name: str
    category: str
    strength: float
    escalate: bool
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Grievances:
    """All ways of complaining by language, and what is only mentioned."""

    ways: Mapping[str, tuple[Grievance, ...]]
    mentions: Mapping[str, re.Pattern[str]]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Where somebody complains; offsets into `Heard.plain`."""

    way: Grievance
    start: int
    end: int


@cache
def load_grievances(folder: Path = DATA) -> Grievances:
    """The ways that ship.

    Raises:
        UnderstandingDataError: the file is missing or not valid; names line and field.
    """
    return compile_grievances(read_file(folder / "grievances.yaml", error=UnderstandingDataError))


def compile_grievances(document: Document) -> Grievances:
    """Check a document and make patterns of it.

    Raises:
        UnderstandingDataError: names line and field.
    """
    document.check(SCHEMA)
    data, problems = document.data, list[Problem]()

    ways = {
        language: (
            *(
                Grievance(
                    entry["name"],
                    entry["category"],
                    entry["strength"],
                    entry.get("escalate", False),
                    compile_listed(document, (language, number, "patterns"), entry["patterns"], language, problems),
                )
                for number, entry in enumerate(data[language])
            ),
            Grievance(
                "escalation",
                "threat",
                THREAT,
                True,
                compile_listed(document, ("escalations", language), data["escalations"][language], language, problems),
            ),
        )
        for language in LANGUAGES
    }
    mentions = {
        language: compile_listed(document, ("mentions", language), data["mentions"][language], language, problems)
        for language in LANGUAGES
    }
    document.refuse(problems)
    return Grievances(ways, mentions)


def find_mentions(heard: Heard) -> tuple[tuple[int, int], ...]:
    """Stretches in which words are only mentioned, in order."""
    grievances = load_grievances()
    return tuple(
        sorted(found.span() for language in LANGUAGES for found in grievances.mentions[language].finditer(heard.plain))
    )


_DENIED_ZH: Final = re.compile(r"(?:没|没有|不|不用|不会|别|不要|不是|不想|从不|从没|并没)(?:有|再|让我|叫我|什么)?$")
_RHETORICAL_ZH: Final = re.compile(r"不是.{0,3}[吗嘛么呢]")
_DENIED_EN: Final = re.compile(
    r"\b(?:not|don't|didn't|never|no|won't|isn't|haven't|hasn't|without|wasn't|wouldn't) "
    r"(?:(?:going to|gonna|want to|wanted to|wanna|trying to|planning to|looking to|mean to|need to|about to) )?$"
)
_UNWILLING: Final = re.compile(
    r"不想|不会|不打算|没打算|不要|不用|没必要|没想|不至于|懒得|don't want|not going|no need|won't"
)


def find_complaints(heard: Heard) -> Iterator[Complaint]:
    """Ways of complaining in a turn, those that escalate at each place, others at their first; linear in its length."""
    grievances = load_grievances()
    for language in LANGUAGES:
        if language == "zh" and not heard.has_han:
            continue
        denied = _DENIED_ZH if language == "zh" else _DENIED_EN
        for way in grievances.ways[language]:
            yield from _find(way, heard.plain, denied)


def _is_denied(found: re.Match[str], plain: str, denied: re.Pattern[str]) -> bool:
    """这不是敲诈吗 says that it is."""
    denial = denied.search(plain, max(0, found.start() - 24), found.start())
    asked = plain[max(0, found.start() - 2) : found.start()] + plain[found.end() : found.end() + 4]
    return denial is not None and not _RHETORICAL_ZH.match(asked)


def _find(way: Grievance, plain: str, denied: re.Pattern[str]) -> Iterator[Complaint]:
    """Where one way stands: the first place; of one that escalates each place, as what is told there may be denied."""
    place = 0
    while found := way.pattern.search(plain, place):
        if found.end() == found.start() or _is_denied(found, plain, denied):
            # What begins within a denied stretch may stand outside of it: 再不[给我理赔我就[到保监局]].
            place = found.start() + 1
            continue
        place = found.end()
        if way.escalate and _UNWILLING.search(found[0]):
            continue
        yield Complaint(way, found.start(), found.end())
        if not way.escalate:
            return
