"""Named values in a turn, in a first form: order and tracking numbers, phones, amounts; spoken forms included."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from routing.understanding.digits import DIGITS_ZH, SMALL_EN, DigitRun, find_digit_runs, number_en, number_zh
from routing.understanding.heard import Heard


class EntityKind(StrEnum):
    """What a value is."""

    ORDER_NO = "order_no"
    TRACKING_NO = "tracking_no"
    PHONE = "phone"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Entity:
    """A named value.

    Attributes:
        kind: what it is.
        text: as it stands in the turn.
        start: offset of its first character.
        end: offset after its last.
        value: normalised: digits without separators, an amount as a decimal number.
    """

    kind: EntityKind
    text: str
    start: int
    end: int
    value: str


CUES: Final = re.compile(
    r"(?P<tracking_no>运单|快递单|物流单|面单|tracking|waybill)"
    r"|(?P<order_no>订单|定单|单号|尾号|单子|编号|工单|order|confirmation|reference|ticket"
    r"|ends? (?:in|with)|ending)"
    r"|(?P<phone>手机|电话|号码|联系方式|phone|mobile|cell|telephone|call me|reach me)"
)
CUE_AFTER: Final = 12
"""Characters behind a number in which a cue (六六七二这个单号) still speaks of it."""

YEAR: Final = re.compile(r"\s*(?:年|个|天|块|元|楼|号楼|平|公里|克|度|年的|dollars|bucks|percent)")
MOBILE: Final = re.compile(r"1[3-9]\d{9}")
LANDLINE: Final = re.compile(r"0\d{2,3}\d{7,8}|[48]00\d{7}")
PHONE_EN: Final = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")

_NUMBER_ZH: Final = f"[0-9{''.join(sorted(set(DIGITS_ZH) - set('洞拐勾幺')))}十百千万]"
AMOUNT_ZH: Final = re.compile(
    rf"(?P<whole>{_NUMBER_ZH}{{1,12}}(?:[.点]{_NUMBER_ZH}{{1,4}})?)(?P<unit>块钱|元钱|块|元|人民币|圆)"
    rf"(?P<part>[0-9{''.join(DIGITS_ZH)}](?:毛|角)?(?![0-9{''.join(DIGITS_ZH)}十百千万个天点月年号楼]))?"
)
_NUMBER_EN: Final = "|".join(sorted([*SMALL_EN, "hundred", "thousand", "and"], key=len, reverse=True))
AMOUNT_EN: Final = re.compile(
    r"[$¥￥€£]\s?(?P<sign>\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,2})?|\d{1,12}(?:\.\d{1,2})?)"
    r"|\b(?P<arabic>\d{1,12}(?:\.\d{1,2})?) ?(?:dollars?|bucks|yuan|euros?|pounds?|rmb)\b"
    rf"|\b(?P<words>(?:{_NUMBER_EN})(?:[ -](?:{_NUMBER_EN})){{0,7}}) (?:dollars?|bucks|yuan|euros?|pounds?)\b"
)


def find_entities(heard: Heard) -> tuple[Entity, ...]:
    """Entities in a turn, in order; they never overlap. Linear in the text's length."""
    return _apart(sorted([*_amounts_zh(heard), *_amounts_en(heard), *_numbers(heard)], key=_amounts_first))


def _amounts_first(entity: Entity) -> tuple[int, bool]:
    return entity.start, entity.kind is not EntityKind.AMOUNT


def _apart(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Entities in order of their start, without those that reach into the one before; amounts go before numbers."""
    kept: list[Entity] = []
    for entity in entities:
        if kept and entity.start < kept[-1].end:
            if entity.kind is EntityKind.AMOUNT and kept[-1].kind is not EntityKind.AMOUNT:
                kept[-1] = entity
            continue
        kept.append(entity)
    return tuple(kept)


def _entity(heard: Heard, kind: EntityKind, start: int, end: int, value: str) -> Entity:
    first, last = heard.offsets(start, end)
    return Entity(kind, heard.text[first:last], first, last, value)


def _numbers(heard: Heard) -> Iterator[Entity]:
    """Runs of digits, told apart by their shape and by the nearest cue before them."""
    cues = [(found.end(), EntityKind(found.lastgroup or "")) for found in CUES.finditer(heard.plain)]
    place, cue = 0, None
    for run in find_digit_runs(heard.plain):
        while place < len(cues) and cues[place][0] <= run.start:
            cue = cues[place][1]
            place += 1
        after = cues[place] if place < len(cues) else None
        kind = _kind(run, cue or (after[1] if after and after[0] - run.end <= CUE_AFTER else None))
        if kind and not YEAR.match(heard.plain, run.end):
            yield _entity(heard, kind, run.start, run.end, run.digits)


def _kind(run: DigitRun, cue: EntityKind | None) -> EntityKind | None:
    phone = MOBILE.fullmatch(run.digits) or LANDLINE.fullmatch(run.digits)
    if phone and cue in (None, EntityKind.PHONE):
        return EntityKind.PHONE
    if cue is EntityKind.PHONE and not PHONE_EN.fullmatch(run.digits) and len(run.digits) > 13:
        return None
    if cue is None and len(run.digits) == 10 and PHONE_EN.fullmatch(run.digits):
        return EntityKind.PHONE
    return cue


def _amounts_zh(heard: Heard) -> Iterator[Entity]:
    for found in AMOUNT_ZH.finditer(heard.plain):
        value = number_zh(found["whole"].replace(".", "点"))
        if value is None:
            continue
        if found["part"]:
            tenth = found["part"][0]
            value = round(value + int(DIGITS_ZH.get(tenth, tenth)) / 10, 2)
        yield _entity(
            heard, EntityKind.AMOUNT, found.start(), found.end(), f"{value:g}" if value < 1e6 else f"{value:.0f}"
        )


def _amounts_en(heard: Heard) -> Iterator[Entity]:
    for found in AMOUNT_EN.finditer(heard.plain):
        digits = found["sign"] or found["arabic"]
        value = float(digits.replace(",", "")) if digits else number_en(re.split("[ -]", found["words"]))
        if value is not None:
            yield _entity(heard, EntityKind.AMOUNT, found.start(), found.end(), f"{value:.2f}".rstrip("0").rstrip("."))
