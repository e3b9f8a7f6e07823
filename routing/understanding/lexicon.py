"""Lexicons: words that decide about sentiment, escalation and asking for a person. Data, editable, checked on load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from routing.document import Document, read_file
from routing.understanding.heard import BREAKS, Heard, fold, sound
from routing.understanding.taxonomy import DATA
from voice.contracts.errors import UnderstandingDataError

LANGUAGES: Final = ("zh", "en")
LONGEST: Final = 24
"""Characters of the longest word with an open ending; longer ones are no words."""

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 48}
_TEXTS: Final = {"type": "array", "maxItems": 500, "items": _TEXT}
_STRENGTH: Final = {"type": "number", "minimum": 0, "maximum": 1}
CATEGORIES: Final = ["service", "delay", "quality", "money", "attitude", "feeling", "threat", "insult"]


def _entry(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


SOUND_ALONE: Final = 3
"""Characters of a term from which its sound alone is telling; 发货 sounds like 发火."""

PEOPLE: Final = (
    "strong",
    "weak",
    "verbs",
    "weak_verbs",
    "gap",
    "phrases",
    "not_people",
    "negators",
    "bare_negators",
    "not_negated_after",
    "reported",
)
WISH_WORDS: Final = frozenset(PEOPLE[:7])
"""Lists of `people` that match by sound; the others match as written."""

_TERM: Final = {"term": _TEXT, "strength": _STRENGTH, "by_sound": {"type": "boolean"}}
_SECTIONS: Final = {
    "language": {"type": "string", "enum": list(LANGUAGES)},
    "negative": {
        "type": "array",
        "items": _entry(
            ["term", "strength", "category"],
            _TERM | {"category": {"type": "string", "enum": CATEGORIES}, "escalate": {"type": "boolean"}},
        ),
    },
    "positive": {"type": "array", "items": _entry(["term", "strength"], _TERM)},
    "urgent": _TEXTS,
    "negators": _TEXTS,
    "negators_after": _TEXTS,
    "transparent": _TEXTS,
    "questions": _TEXTS,
    "rhetorical": _entry(["negators", "endings"], {"negators": _TEXTS, "endings": _TEXTS}),
    "intensifiers": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0.1, "maximum": 2}},
    "people": _entry(list(PEOPLE), dict.fromkeys(PEOPLE, _TEXTS)),
}
SCHEMA: Final = _entry(list(_SECTIONS), _SECTIONS)


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase that colours a turn.

    Attributes:
        text: as the lexicon writes it.
        strength: how strongly, [0, 1].
        category: what kind of discontent; `positive` for praise, `urgent` for danger.
        escalate: brings a person at once unless negated.
        by_sound: matches by its sound, not only as written (zh).
    """

    text: str
    strength: float
    category: str
    escalate: bool = False
    by_sound: bool = False

    @property
    def positive(self) -> bool:
        """Whether it is praise."""
        return self.category == "positive"


@dataclass(frozen=True, slots=True)
class People:
    """How callers ask for a person; the lexicon file explains each list."""

    strong: frozenset[str]
    weak: frozenset[str]
    verbs: frozenset[str]
    weak_verbs: frozenset[str]
    gap: frozenset[str]
    phrases: frozenset[str]
    not_people: frozenset[str]
    negators: frozenset[str]
    bare_negators: frozenset[str]
    not_negated_after: frozenset[str]
    reported: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's lexicon.

    Terms and the words of a wish stand in matched form (sounds for zh, folded words for en); negators and all that
    stands between them and a term stand as written, because 部 sounds like 不 and 每 like 没.

    Attributes:
        carrying: words over which a negator reaches to a wish for a person.
    """

    language: str
    terms: Mapping[str, Term]
    longest: int
    negators: frozenset[str]
    negators_after: frozenset[str]
    transparent: frozenset[str]
    questions: frozenset[str]
    rhetorical_negators: frozenset[str]
    rhetorical_endings: frozenset[str]
    intensifiers: Mapping[str, float]
    carrying: frozenset[str]
    people: People


@cache
def load_lexicon(language: str, folder: Path = DATA) -> Lexicon:
    """The lexicon of a language (`zh` or `en`).

    Raises:
        UnderstandingDataError: the file is missing or not valid; names line and field.
    """
    return compile_lexicon(read_file(folder / f"lexicon-{language}.yaml", error=UnderstandingDataError))


def compile_lexicon(document: Document) -> Lexicon:
    """Check a document and make a lexicon of it.

    Raises:
        UnderstandingDataError: names line and field.
    """
    document.check(SCHEMA)
    data = document.data
    document.refuse(
        document.problem((section, number, "term"), f"the term {entry['term']} stands in {section} twice.")
        for section in ("negative", "positive")
        for number, entry in _repeated(data[section])
    )

    def written(texts: Iterable[str]) -> frozenset[str]:
        return frozenset("".join(map(fold, text)) for text in texts)

    def carrying() -> Iterator[str]:
        people = data["people"]
        for text in [*data["transparent"], *people["gap"], *people["verbs"]]:
            yield from [text] if data["language"] == "zh" else text.split()

    terms = {matched_form(term.text, data["language"]): term for term in _terms(data)}
    return Lexicon(
        language=data["language"],
        terms=terms,
        longest=max(map(len, terms)) if data["language"] == "zh" else max(len(text.split()) for text in terms),
        negators=written(data["negators"]),
        negators_after=written(data["negators_after"]),
        transparent=written(data["transparent"]),
        questions=written(data["questions"]),
        rhetorical_negators=written(data["rhetorical"]["negators"]),
        rhetorical_endings=written(data["rhetorical"]["endings"]),
        intensifiers={"".join(map(fold, text)): factor for text, factor in data["intensifiers"].items()},
        carrying=written(carrying()),
        people=People(
            **{
                name: frozenset(matched_form(text, data["language"]) for text in texts)
                if name in WISH_WORDS
                else written(texts)
                for name, texts in data["people"].items()
            }
        ),
    )


def matched_form(text: str, language: str) -> str:
    """A lexicon's text as it is matched."""
    folded = "".join(map(fold, text))
    return sound(folded) if language == "zh" else folded


def _terms(data: dict[str, Any]) -> Iterator[Term]:
    for text in data["urgent"]:
        yield Term(text, 0.3, "urgent", by_sound=len(text) >= SOUND_ALONE)
    for entry in data["positive"]:
        yield Term(entry["term"], entry["strength"], "positive", by_sound=_by_sound(entry))
    for entry in data["negative"]:
        escalate = entry.get("escalate", False)
        yield Term(entry["term"], entry["strength"], entry["category"], escalate, _by_sound(entry))


def _by_sound(entry: dict[str, Any]) -> bool:
    return bool(entry.get("by_sound", len(entry["term"]) >= SOUND_ALONE))


def _repeated(entries: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if entry["term"] in seen:
            yield number, entry
        seen.add(entry["term"])


@dataclass(frozen=True, slots=True)
class Match:
    """A term where it stands; offsets into `Heard.plain`, and for en into its words as well."""

    term: Term
    start: int
    end: int
    first_word: int = 0
    last_word: int = 0


def find_terms(heard: Heard, lexicon: Lexicon) -> tuple[Match, ...]:
    """Terms in a text, longest first where they overlap, in order; linear in its length."""
    return tuple(_spoken(heard, lexicon) if lexicon.language == "zh" else _written(heard, lexicon))


def _spoken(heard: Heard, lexicon: Lexicon) -> Iterator[Match]:
    sounds, at = heard.sounds, 0
    while at < len(sounds):
        for length in range(min(lexicon.longest, len(sounds) - at), 0, -1):
            term = lexicon.terms.get(sounds[at : at + length])
            if term and (term.by_sound or heard.plain[at : at + length] == term.text):
                yield Match(term, at, at + length)
                at += length
                break
        else:
            at += 1


def _written(heard: Heard, lexicon: Lexicon) -> Iterator[Match]:
    words, at = heard.words, 0
    while at < len(words):
        for count in range(min(lexicon.longest, len(words) - at), 0, -1):
            phrase = words[at : at + count]
            term = _lookup([word.text for word in phrase], lexicon.terms)
            if term and not any(mark in BREAKS for mark in heard.plain[phrase[0].start : phrase[-1].end]):
                yield Match(term, phrase[0].start, phrase[-1].end, at, at + count)
                at += count
                break
        else:
            at += 1


def _lookup(words: list[str], terms: Mapping[str, Term]) -> Term | None:
    """A phrase as it stands, or with the ending of one word left open (`complaint*`)."""
    phrase = " ".join(words)
    if found := terms.get(phrase):
        return found
    for place, word in enumerate(words):
        if len(word) > LONGEST:
            return None
        for cut in range(len(word), 2, -1):
            stem = " ".join([*words[:place], word[:cut] + "*", *words[place + 1 :]])
            if found := terms.get(stem):
                return found
    return None
