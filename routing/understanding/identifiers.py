"""Numbers that name something: phones, orders, parcels, identity and bank cards.

What a number is follows from the word that announces it, then from its shape (length, first digits, check digit).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from routing.understanding.corrections import CORRECTED
from routing.understanding.digits import DigitRun, find_digit_runs
from routing.understanding.heard import Heard, by_sound
from routing.understanding.named_values import Candidate, EntityKind

CUE_REACH: Final = 40
"""Characters between a word that announces a number and the number."""

CUE_AFTER: Final = 12
"""Characters behind a number in which a cue (六六七二这个单号) still speaks of it."""

_CUES: Final = (
    r"(?P<other>验证码|校验码|密码|税号|邮编|邮政编码|会员号|会员卡|客户号|客户编号|工号|型号|故障码|故障代码|"
    r"错误码|错误代码|代码|"
    r"序列号|楼号|房间号|优惠码|门牌|股票|"
    r"\b(?:verification|pin|zip|post|postal|promo|error|passcode|password|model|serial|tax|account|employee|"
    r"member(?:ship)?|"
    r"flight|version|gate|room|code|security code|extension)\b)"
    r"|(?P<id_card>身份证|证件号|证件号码|\b(?:id card|identity card|id number|passport|driver's license|"
    r"drivers license|driving licence|social security|ssn|national id|identity number|i d card|"
    r"i d number)\b)"
    r"|(?P<bank_card>银行卡|信用卡|储蓄卡|借记卡|卡号|工资卡|存折|[行款联]卡|卡(?=尾号|号)|"
    r"的那?张?卡(?!住|顿|壳|了|在)|[那这]张卡|\b(?:(?:credit|debit|bank|my|"
    r"the|visa|master ?card|"
    r"your) card|card number|visa|master ?card|card)\b)"
    r"|(?P<tracking_no>运单|快递单|快递的?单号|物流单|物流的?单号|面单|包裹单|快递号|快递编号|包裹号|"
    r"(?:顺丰|圆通|中通|申通|韵达|极兔|京东|邮政|ems|德邦(?=快递|物流|单))(?:快递|速运|物流)?(?:的)?(?:单号)?|"
    r"\b(?:tracking|waybill|way bill|air bill|consignment|shipment number|parcel number|package number)\b)"
    r"|(?P<order_no>订单|定单|单号|单子|编号|工单|流水号|预约号|预订号|预定号|取件号|受理号|案件号|维修单|"
    r"\b(?:order|confirmation|reference|ticket|case|booking|reservation|itinerary|record locator|p n r|pnr|"
    r"invoice number|claim|purchase)\b)"
    r"|(?P<phone>手机|电话|area code|联系方式|座机|来电|打给我|拨打|"
    r"\b(?:phone|mobile|cell|number on file|number on the account|"
    r"telephone|call me|reach me|contact number|text me|my number|landline|callback)\b)"
    r"|(?P<weak>号码)"
    r"|(?P<tail>尾号|后四位|末四位|后四位数|末尾|后三位|后六位|末位|\b(?:last (?:four|three|six|4)|end(?:s|"
    r"ing)? (?:in|with)|ending)\b)"
)
_UNIT: Final = re.compile(
    r"\s*(?:年|个|天|块|元|楼|号楼|平|公里|克|度|年的|小时|分钟|次|件|多|万|"
    r"[点时月日](?![零〇一二三四五六七八九十0-9]{3})|号(?!码)|%|％|"
    r"dollars|bucks|percent|minutes|hours|days|times|years|o'clock|a\.?m\b|p\.?m\b)"
)
_TAIL_OF: Final = re.compile(
    r"(?:最后|末尾?|后面?)(?:[一二两三四五六1-6]个?[位数])?(?:数字?|号码)?(?:是|应该是|改成|为)?"
    r"|(?:the )?last (?:one|two|three|four|digit|\d)?(?: ?digits?)?(?: should be| is| are)?"
)
_COUNT: Final = re.compile(r"[位个]| digits?\b")
_MOBILE: Final = re.compile(r"(?:\+?86|0086)?1[3-9]\d{9}")
_LANDLINE: Final = re.compile(r"0(?:10|2\d|[3-9]\d{2})\d{7,8}|[48]00\d{7}")
_PHONE_EN: Final = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}|0[127]\d{9}")
_ID_CARD: Final = re.compile(r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]")
_TRACKING: Final = re.compile(
    r"(?:SF|YT|ZTO|STO|YD|JDV?[A-Z]{0,2}|JT|EMS|EA|EB|DPK|1Z|UPS|TBA|CN|LP|YUNDA|ZT|KY)[0-9A-Z]{8,}"
)
_BANK: Final = re.compile(r"(?:62|4|5[1-5]|3[4-7]|6[05]|9)\d+")
_JOINED: Final = re.compile(r"[\s，,、]*(?:和|还有|以及|跟|and|or|或者?)[\s，,、]*(?:还有)?")

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"
_X: Final = re.compile(r"[\s，,、]*(?:最后)?(?:一位)?(?:是)?(?:个)?(?:大写的?|字母)?(?:x(?![a-z])|叉|艾克斯|埃克斯)")


@dataclass(frozen=True, slots=True)
class _Cue:
    kind: str
    start: int
    end: int


@cache
def _cues() -> re.Pattern[str]:
    return by_sound(_CUES)


def find_identifiers(heard: Heard) -> Iterator[Candidate]:
    """Numbers in a turn, told apart by the nearest cue and by their shape; linear in the text's length."""
    plain = heard.plain
    cues = [_Cue(found.lastgroup or "", found.start(), found.end()) for found in _cues().finditer(heard.sounds)]
    runs = [_with_x(plain, run) for run in find_digit_runs(plain, at_least=1)]
    place, before = 0, None
    last: Candidate | None = None
    last_end, tail = 0, False
    for run, following in pairwise([*runs, None]):
        if run is None:
            break
        while place < len(cues) and cues[place].end <= run.start:
            cue = cues[place]
            place += 1
            if cue.kind == "tail":
                tail = True
            elif cue.kind != "weak" or before is None or before.end < last_end or cue.start - before.end > CUE_REACH:
                before = cue
        own = before if before and before.end >= last_end and run.start - before.end <= CUE_REACH else None
        limit = following.start if following else len(plain)
        after = next(
            (cue for cue in cues[place : place + 3] if cue.kind not in {"tail", "weak"} and cue.end <= limit), None
        )
        if after and after.start - run.end > (2 if own else CUE_AFTER):
            after = None
        between = plain[last_end : run.start]
        corrected = last is not None and CORRECTED.search(between) is not None and len(between) <= 30
        found: Candidate | None = None
        if _COUNT.match(plain, run.end) and len(run.digits) == 1:
            continue  # 最后一位 counts
        if (
            last is not None
            and corrected
            and len(run.digits) < len(last.value)
            and (_TAIL_OF.search(between) or _is_tail(run.digits, last.value))
        ):
            value = last.value[: -len(run.digits)] + run.digits
            found = Candidate(last.kind, last.start, run.end, value)
        else:
            kind = _kind(plain, run, own, after, tail=tail)
            if kind is None and last is not None and (corrected or _JOINED.fullmatch(between)) and len(run.digits) >= 4:
                kind = None if _UNIT.match(plain, run.end) else last.kind
            if kind is not None:
                found = Candidate(kind, run.start, run.end, run.digits)
        if found:
            yield found
            last, last_end, tail = found, run.end, False


def _is_tail(digits: str, value: str) -> bool:
    """Whether digits said again (…0170, wait, 0171) are the last of a longer number, with a slip of one or two."""
    if not 3 <= len(digits) <= 4 or len(value) < 7:
        return False
    return sum(one != other for one, other in zip(digits, value[-len(digits) :], strict=True)) <= len(digits) // 2


def _with_x(plain: str, run: DigitRun) -> DigitRun:
    """An identity card's last sign, said as 叉 or set apart."""
    if len(run.digits) == 17 and run.digits.isdigit() and (found := _X.match(plain, run.end)):
        return DigitRun(run.digits + "X", run.start, found.end(), run.spoken)
    return run


def _kind(plain: str, run: DigitRun, own: _Cue | None, after: _Cue | None, *, tail: bool) -> EntityKind | None:
    digits = run.digits
    length = len(digits)
    cue = after or own
    name = cue.kind if cue else ""
    if _UNIT.match(plain, run.end) and length < 9:
        return None
    if name == "other":
        return None
    near = own is not None and run.start - own.end <= 12
    if tail and 3 <= length <= 8:
        return EntityKind(name) if name in _NAMED else EntityKind.ORDER_NO
    if is_id_card(digits) and name not in {"order_no", "tracking_no", "bank_card"}:
        return EntityKind.ID_CARD
    if name == "id_card":
        foreign = own is not None and plain[own.start].isascii() and length >= 6
        return EntityKind.ID_CARD if length in {15, 18} or ((length in {4, 6} or foreign) and near) else None
    if (_MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits)) and name in {"", "phone", "weak", "bank_card"}:
        return EntityKind.PHONE
    if name in {"phone", "weak"}:
        return EntityKind.PHONE if 5 <= length <= 13 and digits.isdigit() else _unannounced(digits)
    if name == "bank_card":
        return EntityKind.BANK_CARD if 12 <= length <= 19 and digits.isdigit() else None
    if name in _NAMED:
        least = 4 if near or after else 5
        return (
            EntityKind(name) if length >= least or (length == 3 and near and own and run.start - own.end <= 4) else None
        )
    return _unannounced(digits)


_NAMED: Final = frozenset(("id_card", "bank_card", "tracking_no", "order_no", "phone"))


def _unannounced(digits: str) -> EntityKind | None:
    """What a number is by its shape alone."""
    if is_id_card(digits):
        return EntityKind.ID_CARD
    if _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits) or _PHONE_EN.fullmatch(digits):
        return EntityKind.PHONE
    if digits.isdigit() and 15 <= len(digits) <= 19 and _BANK.fullmatch(digits) and has_luhn(digits):
        return EntityKind.BANK_CARD
    if _TRACKING.fullmatch(digits) and not digits.isdigit():
        return EntityKind.TRACKING_NO
    letters = len(digits) - sum(one.isdigit() for one in digits)
    if 1 <= letters <= 4 and len(digits) - letters >= 6 and digits[0].isalpha():
        return EntityKind.ORDER_NO
    return None


def is_id_card(digits: str) -> bool:
    """Whether 18 signs are a Chinese identity card's: region, birth date, and check digit (GB 11643-1999, MOD 11-2)."""
    if not _ID_CARD.fullmatch(digits):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits, strict=False))
    return _ID_CHECKS[total % 11] == digits[-1]


def has_luhn(digits: str) -> bool:
    """Whether a card number's check digit is right (ISO/IEC 7812-1, Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0
