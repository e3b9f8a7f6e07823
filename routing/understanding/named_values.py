"""What a named value is: kind, place, and the value in its normal form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from routing.understanding.heard import Heard


class EntityKind(StrEnum):
    """What a value is."""

    ORDER_NO = "order_no"
    TRACKING_NO = "tracking_no"
    PHONE = "phone"
    AMOUNT = "amount"
    DATE = "date"
    TIME = "time"
    PERSON = "person"
    ADDRESS = "address"
    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    EMAIL = "email"


NUMBERS = frozenset(
    {EntityKind.ORDER_NO, EntityKind.TRACKING_NO, EntityKind.PHONE, EntityKind.ID_CARD, EntityKind.BANK_CARD}
)
"""Kinds that are read out digit by digit."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A named value.

    Attributes:
        kind: what it is.
        text: as it stands in the turn.
        start: offset of its first character.
        end: offset after its last.
        value: normalised: numbers as digits and capitals without separators, an amount as a decimal number, a date as
            `YYYY-MM-DD`, a time as `HH:MM` or `HH:MM-HH:MM`, everything else as text.
    """

    kind: EntityKind
    text: str
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value as a finder sees it; offsets into `Heard.plain`.

    Attributes:
        hint: what a correction needs besides the value: the day part of a time, `day` for a date that is
            only a day of the month.
    """

    kind: EntityKind
    start: int
    end: int
    value: str
    hint: str = ""

    def entity(self, heard: Heard) -> Entity:
        """The same with offsets into the turn's text."""
        start, end = heard.offsets(self.start, self.end)
        return Entity(self.kind, heard.text[start:end], start, end, self.value)
