"""Wordings in a file that people edit: what it may hold, and where it is wrong."""

from __future__ import annotations

import re
from typing import Any, Final

from routing.document import Document, Problem
from routing.understanding.lexicon import LANGUAGES
from routing.understanding.wordings import WordingError, compile_wordings

WORDINGS: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "items": {"type": "string", "minLength": 2, "maxLength": 2000},
}
"""Schema of a list of wordings."""

WORDS: Final[dict[str, Any]] = {
    "type": "object",
    "maxProperties": 50,
    "additionalProperties": {
        "type": "array",
        "minItems": 1,
        "maxItems": 200,
        "items": {"type": "string", "minLength": 1, "maxLength": 48},
    },
}
"""Schema of the named sets of words that wordings refer to."""


def by_language(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object that holds this for every language."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(LANGUAGES),
        "properties": dict.fromkeys(LANGUAGES, schema),
    }


def compile_listed(
    document: Document, path: tuple[str | int, ...], texts: list[str], language: str, problems: list[Problem]
) -> re.Pattern[str]:
    """One pattern of the wordings at `path`; the words they name stand under `words`.

    Each wording that is wrong is added to `problems`; the pattern then means nothing.
    """
    words = document.data["words"][language]
    for number, text in enumerate(texts):
        try:
            compile_wordings([text], words, language)
        except WordingError as wrong:
            problems.append(document.problem((*path, number), f"{wrong}."))
    return re.compile("") if problems else compile_wordings(texts, words, language)
