"""Named values in a turn: numbers that name something, amounts, dates, times, people, addresses, mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from routing.understanding.addresses import find_addresses
from routing.understanding.amounts import find_amounts
from routing.understanding.corrections import drop_corrected
from routing.understanding.dates import find_dates
from routing.understanding.emails import find_emails
from routing.understanding.heard import Heard
from routing.understanding.identifiers import find_identifiers
from routing.understanding.named_values import NUMBERS, Candidate, Entity, EntityKind
from routing.understanding.persons import find_persons
from routing.understanding.times import find_times

_RANK: Final = {
    EntityKind.EMAIL: 0,
    EntityKind.ADDRESS: 1,
    EntityKind.AMOUNT: 3,
    EntityKind.TIME: 4,
    EntityKind.DATE: 5,
    EntityKind.PERSON: 6,
}
LONG: Final = 9
"""Digits from which a number is more than an amount or a date could be."""


def find_entities(heard: Heard, today: date | None = None) -> tuple[Entity, ...]:
    """Entities in a turn, in order; they never overlap. Linear in the text's length.

    Args:
        heard: the turn.
        today: what relative dates count from; None leaves dates out, for nothing could be said of them.
    """
    found: list[Candidate] = [
        *find_emails(heard),
        *find_addresses(heard),
        *find_amounts(heard),
        *find_times(heard),
        *find_identifiers(heard),
        *find_persons(heard),
    ]
    if today is not None:
        found += find_dates(heard, today)
    kept = drop_corrected(heard.plain, _apart(found))
    return tuple(one.entity(heard) for one in kept)


def _rank(one: Candidate) -> tuple[int, int, int]:
    rank = _RANK.get(one.kind, 7)
    if one.kind in NUMBERS:
        rank = 2 if len(one.value) >= LONG else 7
    return rank, one.start - one.end, one.start


def _apart(found: Iterable[Candidate]) -> list[Candidate]:
    """Candidates in order of their place, none reaching into another: by rank, then the longer one."""
    taken: dict[int, Candidate] = {}
    for one in sorted(found, key=_rank):
        if not any(place in taken for place in range(one.start, one.end)):
            taken.update(dict.fromkeys(range(one.start, one.end), one))
    kept = {(one.start, one.end): one for one in taken.values()}
    return _join_days([kept[place] for place in sorted(kept)])


def _join_days(found: Sequence[Candidate]) -> list[Candidate]:
    """One day that is named twice in a breath (六一儿童节) is one date."""
    joined: list[Candidate] = []
    for one in found:
        before = joined[-1] if joined else None
        if (
            before
            and one.kind is before.kind is EntityKind.DATE
            and (one.start, one.value) == (before.end, before.value)
        ):
            joined[-1] = replace(before, end=one.end)
        else:
            joined.append(one)
    return joined
