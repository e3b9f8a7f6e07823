"""Wordings that ask for a person, and wordings that only speak of one, as a file that people edit holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from routing.document import Document, Problem, read_file
from routing.understanding.lexicon import LANGUAGES
from routing.understanding.taxonomy import DATA
from routing.understanding.wordings import WordingError, compile_wordings
from voice.contracts.errors import UnderstandingDataError

_WORDINGS: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "items": {"type": "string", "minLength": 2, "maxLength": 2000},
}
_WORDS: Final = {
    "type": "object",
    "maxProperties": 50,
    "additionalProperties": {
        "type": "array",
        "minItems": 1,
        "maxItems": 200,
        "items": {"type": "string", "minLength": 1, "maxLength": 48},
    },
}


def _by_language(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(LANGUAGES),
        "properties": dict.fromkeys(LANGUAGES, schema),
    }


SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["words", *LANGUAGES, "mentions"],
    "properties": {
        "words": _by_language(_WORDS),
        **dict.fromkeys(LANGUAGES, _WORDINGS),
        "mentions": _by_language(_WORDINGS),
    },
}


@dataclass(frozen=True, slots=True)
class HumanWordings:
    """Patterns over `Heard.plain` by language.

    Attributes:
        asked: a person is asked for.
        mentioned: one is only spoken of; no word within asks for anybody.
    """

    asked: Mapping[str, re.Pattern[str]]
    mentioned: Mapping[str, re.Pattern[str]]


@cache
def load_human_wordings(folder: Path = DATA) -> HumanWordings:
    """The wordings that ship.

    Raises:
        UnderstandingDataError: the file is missing or not valid; names line and field.
    """
    return compile_human_wordings(read_file(folder / "human.yaml", error=UnderstandingDataError))


def compile_human_wordings(document: Document) -> HumanWordings:
    """Check a document and make patterns of it.

    Raises:
        UnderstandingDataError: names line and field.
    """
    document.check(SCHEMA)
    data, problems = document.data, list[Problem]()

    def compiled(path: tuple[str, ...], texts: list[str], language: str) -> re.Pattern[str]:
        for number, text in enumerate(texts):
            try:
                compile_wordings([text], data["words"][language], language)
            except WordingError as wrong:
                problems.append(document.problem((*path, number), f"{wrong}."))
        return re.compile("") if problems else compile_wordings(texts, data["words"][language], language)

    asked = {language: compiled((language,), data[language], language) for language in LANGUAGES}
    mentioned = {
        language: compiled(("mentions", language), data["mentions"][language], language) for language in LANGUAGES
    }
    document.refuse(problems)
    return HumanWordings(asked, mentioned)
