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
from routing.understanding.wordings_file import WORDINGS, WORDS, by_language, compile_listed
from voice.contracts.errors import UnderstandingDataError

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["words", *LANGUAGES, "mentions"],
    "properties": {
        "words": by_language(WORDS),
        **dict.fromkeys(LANGUAGES, WORDINGS),
        "mentions": by_language(WORDINGS),
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

    asked = {
        language: compile_listed(document, (language,), data[language], language, problems) for language in LANGUAGES
    }
    mentioned = {
        language: compile_listed(document, ("mentions", language), data["mentions"][language], language, problems)
        for language in LANGUAGES
    }
    document.refuse(problems)
    return HumanWordings(asked, mentioned)
