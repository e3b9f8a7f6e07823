"""The intents that Warmline tells apart, and how demanding each is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from routing.document import Document, read_file
from routing.terms import Grade, Wording
from voice.contracts.errors import UnderstandingDataError

DATA: Final = Path(__file__).parent / "data"

WORDING_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["zh", "en"],
    "properties": {"zh": {"type": "string", "minLength": 1}, "en": {"type": "string", "minLength": 1}},
}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "minProperties": 2,
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "required": ["grade", "title"],
        "properties": {"grade": {"type": "string", "enum": [str(grade) for grade in Grade]}, "title": WORDING_SCHEMA},
    },
}


@dataclass(frozen=True, slots=True)
class IntentKind:
    """One class of need: its grade where nothing else makes the turn urgent, and its name for people."""

    grade: Grade
    title: Wording


Taxonomy: TypeAlias = MappingProxyType[str, IntentKind]


@cache
def load_taxonomy(folder: Path = DATA) -> Taxonomy:
    """Intents by label, in the order of `intents.yaml`.

    Raises:
        UnderstandingDataError: the file is missing or not valid; names line and field.
    """
    document = read_file(folder / "intents.yaml", error=UnderstandingDataError)
    _check(document)
    return MappingProxyType(
        {label: IntentKind(Grade(kind["grade"]), Wording(**kind["title"])) for label, kind in document.data.items()}
    )


def _check(document: Document) -> None:
    document.check(SCHEMA)
    document.refuse(
        document.problem((label,), "expected a label of lower-case letters, digits and underscores.")
        for label in document.data
        if not label.isidentifier() or label != label.lower()
    )
