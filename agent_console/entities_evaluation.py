"""How well named values are found, against labelled utterances: kind and value have to be exactly those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from agent_console.labelled_lines import Score, read_lines
from routing.document import suggest
from routing.understanding.entities import find_entities
from routing.understanding.heard import hear
from routing.understanding.named_values import EntityKind

EXAMPLE: Final = '{"text": "退我三十块", "ref_date": "2026-03-11", "entities": [{"type": "amount", "value": "30"}]}'


@dataclass(frozen=True, slots=True)
class EntitiesReport:
    """What was found.

    Attributes:
        utterances: how many lines were judged.
        overall: over all values.
        per_kind: by kind, those that are there or were found.
    """

    utterances: int
    overall: Score
    per_kind: Mapping[EntityKind, Score]


@dataclass(frozen=True, slots=True)
class _Labelled:
    text: str
    today: date
    values: Counter[tuple[EntityKind, str]]


def evaluate_entities(path: Path, progress: Callable[[str, int, int], None]) -> EntitiesReport:
    """Judge every line of a list.

    Raises:
        ManifestError: the list cannot be used; names line and reason.
        UnderstandingDataError: a data file is not valid.
    """
    lines = read_lines(path, _parse, EXAMPLE)
    per_kind: dict[EntityKind, Score] = {}
    for done, line in enumerate(lines, start=1):
        found = Counter((entity.kind, entity.value) for entity in find_entities(hear(line.text), line.today))
        for counts, name in (
            (found & line.values, "hits"),
            (found - line.values, "wrong"),
            (line.values - found, "missed"),
        ):
            for (kind, _), count in counts.items():
                per_kind[kind] = per_kind.get(kind, Score()) + Score(**{name: count})
        progress("entities", len(lines), done)
    return EntitiesReport(
        len(lines), sum(per_kind.values(), Score()), {kind: per_kind[kind] for kind in EntityKind if kind in per_kind}
    )


def _parse(fields: Mapping[str, Any]) -> _Labelled | str:
    wrong: list[str] = []
    today = date.min
    try:
        today = date.fromisoformat(fields.get("ref_date", ""))
    except (TypeError, ValueError):
        wrong.append(f'"ref_date" has to be a date as YYYY-MM-DD; got {fields.get("ref_date")!r:.40}')
    entities = fields.get("entities")
    if not isinstance(entities, list):
        return "; ".join([*wrong, '"entities" has to be a list'])
    values: Counter[tuple[EntityKind, str]] = Counter()
    for number, entity in enumerate(entities, start=1):
        kind, value = (entity.get("type"), entity.get("value")) if isinstance(entity, dict) else (None, None)
        if kind not in list(EntityKind):
            wrong.append(f"entity {number}: {kind!r:.40} is no type that exists. {suggest(kind, EntityKind)}".rstrip())
        elif not isinstance(value, str) or not value:
            wrong.append(f'entity {number}: "value" has to be text')
        else:
            values[EntityKind(kind), value] += 1
    return "; ".join(wrong) if wrong else _Labelled(fields["text"], today, values)
