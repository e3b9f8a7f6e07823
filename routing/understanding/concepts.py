"""Concepts: words that mean much the same for telling needs apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from routing.document import Document, read_file
from routing.understanding.heard import Heard, fold, sound
from routing.understanding.taxonomy import DATA
from voice.contracts.errors import UnderstandingDataError

_TEXTS: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 200,
    "items": {"type": "string", "minLength": 1, "maxLength": 40},
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "required": ["zh", "en"],
        "properties": {"zh": _TEXTS, "en": _TEXTS},
    },
}


@dataclass(frozen=True, slots=True)
class Concepts:
    """Words of each concept as patterns: alternations of literals, longest first, so linear in the text."""

    spoken: tuple[tuple[str, re.Pattern[str]], ...]
    written: tuple[tuple[str, re.Pattern[str]], ...]

    def find(self, heard: Heard, length: int) -> Iterator[tuple[int, str]]:
        """Place and concept of every word that names one within the first `length` characters."""
        patterns = (self.spoken if heard.has_han else ()) + self.written
        for concept, pattern in patterns:
            for found in pattern.finditer(heard.sounds, 0, length):
                yield found.start(), concept


@cache
def load_concepts(folder: Path = DATA) -> Concepts:
    """The concepts that ship.

    Raises:
        UnderstandingDataError: the file is missing or not valid; names line and field.
    """
    return compile_concepts(read_file(folder / "concepts.yaml", error=UnderstandingDataError))


def compile_concepts(document: Document) -> Concepts:
    """Check a document and make concepts of it.

    Raises:
        UnderstandingDataError: names line and field.
    """
    document.check(SCHEMA)

    def joined(words: Iterable[str]) -> str:
        folded = ("".join(map(fold, word)) for word in words)
        return "|".join(
            re.escape(word).replace(r"\*", "[a-z']*") for word in sorted(folded, key=lambda word: (-len(word), word))
        )

    return Concepts(
        spoken=tuple((name, re.compile(sound(joined(words["zh"])))) for name, words in document.data.items()),
        written=tuple((name, re.compile(rf"\b(?:{joined(words['en'])})\b")) for name, words in document.data.items()),
    )
