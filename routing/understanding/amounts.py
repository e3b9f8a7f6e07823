"""Amounts of money: with a unit, a sign, or after a word that moves money."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asr.text.numbers_en import SCALES, SMALL, TENS
from routing.understanding.digits import DIGITS_ZH, NUMERAL_ZH, number_en, number_zh
from routing.understanding.heard import Heard
from routing.understanding.named_values import Candidate, EntityKind

_N: Final = f"[{NUMERAL_ZH}]"
_D: Final = f"[0-9{''.join(sorted(DIGITS_ZH))}]"
_NUMBER_ZH: Final = rf"{_N}{{1,14}}(?:[.点]{_N}{{1,4}})?"
_UNIT_ZH: Final = (
    r"块钱|元钱|元整|块|元|人民币|圆|(?:美|欧|日|港|韩|加)[元币]|美金|英镑|欧元|卢布|泰铢|日元|刀(?![片具子口])|万块|w"
)
_WITH_UNIT_ZH: Final = re.compile(
    rf"(?P<sign>[¥￥$€£]\s?)?(?<![{NUMERAL_ZH}.点第几多])(?<!\d,)(?P<whole>\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?|"
    rf"{_NUMBER_ZH})(?:多|来|几)?(?P<unit>{_UNIT_ZH})"
    rf"(?:零?(?P<jiao>{_D})(?:毛|角)(?:(?P<fen>{_D})(?:分钱|分)?)?|(?P<tenth>{_D})(?=一[个盒瓶袋斤张包条箱台位杯份次天月人])|(?P<part>{_D}{{1,2}})"
    rf"(?![0-9{''.join(sorted(DIGITS_ZH))}十百千万点个天月年号楼件单次折遍份分])(?:钱)?)?钱?"
)
_JIAO_ALONE: Final = re.compile(
    rf"(?<![{NUMERAL_ZH}.点块])(?P<jiao>{_D})(?:毛|角)(?:(?P<fen>{_D})分?)?钱?(?![色落度子斗])"
)
_MOVED: Final = (
    r"(?:扣|付|花|退|充值|充|转|收|交|欠|赔|返|补|卖|买|付款|扣款|退款|金额|价格|总价|单价|原价|现价|运费|押金|定金|"
    r"工资|余额|每晚|一晚|每月|每年|每天|房费|房租|租金|学费|工钱|手续费|月租|套餐费|话费|账单|费用|一共|总共|合计|"
    r"差价|违约金|年费|月费|赔偿|补偿|标价|涨到|降到|"
    r"涨了|降了|转账|转|汇款|汇|打款|存款|存|取款|取|贷款|贷|借款|借|还款|还|投|押|充|到账|欠费|欠款|消费|支付|刷|罚款|罚|"
    r"报销|返现|提现|利息|首付|尾款|本金|额度|花费|保费|保额|理赔款?|挂号费|服务费|改签费|退票费|[\u4e00-\u9fff]费|"
    r"[\u4e00-\u9fff]金(?!额)|一晚上|一个晚上|每个月|一个月|说是|说好|报价|开价|要价|卖价|收费|票价|成本|补贴|津贴|奖金|薪水|底薪)"
)
_BARE_ZH: Final = re.compile(
    rf"{_MOVED}(?:款|费|价|钱)?(?:了|我|您|你|你们|是|的|到|掉|走|给我|大概|差不多|总共|一共|需要|要|得|也|才|就|只|"
    rf"都|又|多|少|只有|只剩|只给|有|"
    rf"出去|进去|过|一笔|为|涨|值){{0,4}}(?P<whole>{_NUMBER_ZH})"
    rf"(?![{NUMERAL_ZH}.点个次天月年号楼遍件条份位倍折期分人箱包瓶双台部辆套斤公克米岁小时钟%％-]|多|来|几|百分|单(?!号)|"
    rf"星期|周|礼拜|工作)"
)
_NAMED_ZH: Final = re.compile(
    rf"(?<![{NUMERAL_ZH}.点第之])(?P<whole>{_NUMBER_ZH})(?:的|那个|这个|那款)(?:那个|这个)?(?:套餐|资费|会员|月租|档|"
    rf"违约金|手续费|年费|押金|定金|费)"
)
_SHORT_ZH: Final = re.compile(
    rf"(?<![{NUMERAL_ZH}.点第年幺零])(?P<whole>(?:[一二两三四五六七八九]|[一二三四五六七八九]?十[一二三四五六七八九]?)万[一二三四五六七八九](?:千[一二三四五六七八九])?|"
    rf"(?:[一二两三四五六七八九]万)?[一二两三四五六七八九]千[一二三四五六七八九]|[一二两三四五六七八九]百[一二三四五六七八九])"
    r"(?=的(?!人|距离|流量)|[买卖]|$|[，。,.！？]|[呢啊呀吧了嘛](?:$|[，。,.！？]))"
)
"""一万二, 两千三, 一百六: whoever leaves the last unit away speaks of a price."""

_SIGNED: Final = re.compile(
    r"[$¥￥€£]\s?(?P<sign>\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,2})?|\d{1,12}(?:\.\d{1,2})?)(?P<k>k\b)?"
)
_UNIT_EN: Final = r"dollars?|bucks|yuan|euros?|pounds?|rmb|usd|quid|cny|kuai"
_ARABIC_EN: Final = re.compile(
    rf"(?<![\d.,$])(?P<number>\d{{1,3}}(?:,\d{{3}}){{1,3}}(?:\.\d{{1,2}})?|\d{{1,12}}(?:\.\d{{1,2}})?)(?P<k>k)? ?"
    rf"(?:{_UNIT_EN})\b(?: and (?P<cents>\d{{1,2}}) cents?\b)?"
)
_CENTS_ARABIC: Final = re.compile(r"(?<![\d.,$])(?P<cents>\d{1,2}) cents?\b")
_NUMERAL_EN: Final = "|".join(
    sorted([*SMALL, *TENS, *SCALES, "hundred", "and", "grand"], key=lambda word: (-len(word), word))
)
_WORDS_EN: Final = re.compile(rf"\b(?:a )?(?:{_NUMERAL_EN})(?:[ -](?:{_NUMERAL_EN}|point|oh|a))*\b")
_AFTER_EN: Final = re.compile(rf" ?(?P<unit>{_UNIT_EN}|cents?|pence)\b")
_CENTS_WORDS: Final = re.compile(
    rf" (?:and )?(?P<cents>(?:{'|'.join([*TENS, *SMALL])})(?:[ -](?:{'|'.join(SMALL)}))?)(?: cents?\b)?"
)
_MONEY_BEFORE: Final = re.compile(
    r"(?:(?:fee|charge|bill|price|total|cost|deposit|premium|rate|fare|refund|balance|payment|amount|difference|rent|"
    r"tip|tax|invoice|deductible)s? (?:is|was|of|were|came to|comes to|went up to|went from|went down to|says|said|"
    r"shows|should be|should have been|for)|(?:dollars|pounds|euros|bucks|quid)(?: or so)? (?:instead of|rather than|"
    r"but got|not)|"
    r"charged?(?: me| us)?|billed?(?: me| us)?|quoted(?: me| us)?|paid|pay|paying|cost(?:s|ed)?(?: me)?|spent|"
    r"refund(?:ed)?(?: me| of| for)?|fee of|"
    r"bill (?:is|was|of)|"
    r"total (?:is|was|of)|balance (?:is|was|of)|price (?:is|was|of)|amount (?:is|was|of)|owe(?: you| me)?|deposit of|"
    r"charge of|charges of|worth|only got|for only|it's only|it was)(?: back)?(?: a total of| about| around|"
    r" exactly| only| almost| nearly| over)? $"
)
_SAID_WHOLE: Final = re.compile(
    r"$|[,.?!]| (?:off|from|on|for|to|and|but|please|a|an|per|was|is|instead|extra|more|back|in|by)\b"
)
_PRICED: Final = re.compile(r"\b(?:is|was|for|costs|at|were|are)(?: only| just)? $")
"""Sixteen ninety nine is a price without another word."""

_MONEY_AFTER: Final = re.compile(
    r" ?(?:fee|charge|charges|bill|payment|deposit|refund|a month|per month|each month|total|"
    r"off (?:me|my)|from (?:me|my (?:card|account|bank)))\b"
)


def find_amounts(heard: Heard) -> Iterator[Candidate]:
    """Amounts in a turn; linear in its length."""
    if heard.has_han:
        yield from _zh(heard.plain)
    yield from _en(heard.plain)


def money(value: float) -> str:
    """A value as a decimal number without needless zeros."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _candidate(start: int, end: int, value: float) -> Candidate:
    return Candidate(EntityKind.AMOUNT, start, end, money(value))


def _digit(spoken: str) -> int:
    return int(DIGITS_ZH.get(spoken, spoken))


def _zh(plain: str) -> Iterator[Candidate]:
    for found in _WITH_UNIT_ZH.finditer(plain):
        value = number_zh(found["whole"].replace(",", ""))
        if value is None:
            continue
        value *= 10_000 if found["unit"] in {"万块", "w"} else 1
        if found["jiao"]:
            value += _digit(found["jiao"]) / 10 + (_digit(found["fen"]) / 100 if found["fen"] else 0)
        elif found["tenth"]:
            value += _digit(found["tenth"]) / 10
        elif found["part"]:
            digits = "".join(str(_digit(one)) for one in found["part"])
            value += int(digits) / 10 ** len(digits)
        yield _candidate(found.start(), found.end(), round(value, 4))
    for found in _JIAO_ALONE.finditer(plain):
        fen = _digit(found["fen"]) / 100 if found["fen"] else 0
        yield _candidate(found.start(), found.end(), round(_digit(found["jiao"]) / 10 + fen, 4))
    for found in (*_BARE_ZH.finditer(plain), *_NAMED_ZH.finditer(plain), *_SHORT_ZH.finditer(plain)):
        whole = found["whole"]
        value = number_zh(whole)
        told = re.search(r"[十百千万.点]", whole) or (whole.isdigit() and 2 <= len(whole) <= 6)
        if value is not None and told and value >= 1:
            yield _candidate(found.start("whole"), found.end("whole"), value)


def _en(plain: str) -> Iterator[Candidate]:
    for found in _SIGNED.finditer(plain):
        value = float(found["sign"].replace(",", "")) * (1000 if found["k"] else 1)
        yield _candidate(found.start(), found.end(), value)
    for found in _ARABIC_EN.finditer(plain):
        value = float(found["number"].replace(",", "")) * (1000 if found["k"] else 1)
        yield _candidate(found.start(), found.end(), round(value + int(found["cents"] or 0) / 100, 4))
    for found in _CENTS_ARABIC.finditer(plain):
        yield _candidate(found.start(), found.end(), int(found["cents"]) / 100)
    for found in _WORDS_EN.finditer(plain):
        yield from _words(plain, found)


def _words(plain: str, found: re.Match[str]) -> Iterator[Candidate]:
    said = re.split("[ -]", found[0])
    while said and said[0] in {"and", "a"} and (len(said) < 2 or said[1] not in {"hundred", *SCALES, "grand"}):
        said = said[1:]
    while said and said[-1] in {"and", "a"}:
        said = said[:-1]
    text = " ".join(said)
    start = plain.find(said[0], found.start()) if said else -1
    if start < 0 or len(said) > 12:
        return
    end = start + len(text)
    after = _AFTER_EN.match(plain, end)
    unit = after["unit"] if after else ("dollars" if said[-1] == "grand" else "")
    if after:
        end = after.end()
    if unit.startswith(("cent", "pence")):
        value = _cents(said)
        if value is not None:
            yield _candidate(start, end, value)
        return
    before = _MONEY_BEFORE.search(plain, max(0, start - 60), start)
    priced = (
        said[-1] in {"nine", "five"} and said[-2:-1] == ["ninety"] and _PRICED.search(plain[:start][-12:]) is not None
    )
    if not (unit or before or priced or _MONEY_AFTER.match(plain, end)):
        return
    value = _value(said, with_unit=bool(unit))
    if value is None:
        return
    if unit and (cents := _CENTS_WORDS.match(plain, end)) and not plain.startswith(" percent", cents.end()):
        more = number_en(re.split("[ -]", cents["cents"]))
        stated = cents[0].endswith(("cent", "cents"))
        # Twelve pounds fifty; but not twelve pounds fifty times.
        follows = cents[0].startswith(" and") or _SAID_WHOLE.match(plain, cents.end()) is not None
        if more is not None and more < 100 and (stated or (more >= 10 and follows)):
            value, end = value + more / 100, cents.end()
    yield _candidate(start, end, round(value, 4))


def _cents(said: list[str]) -> float | None:
    """Ninety nine cents."""
    value = number_en(said)
    return value / 100 if value is not None and value < 100 else None


def _value(said: list[str], *, with_unit: bool) -> float | None:
    """Two hundred and fifty; nineteen ninety nine (19.99); forty nine point five."""
    if "point" in said:
        cut = said.index("point")
        whole = number_en(said[:cut])
        scale = {**SCALES, "grand": 1000}.get(said[-1], 1)
        said = said[:-1] if scale > 1 else said
        digits = "".join(str(SMALL.get(word, 0)) for word in said[cut + 1 :])
        return float(f"{whole:.0f}.{digits}") * scale if whole is not None and digits.isdigit() else None
    groups = _groups(said)
    if len(groups) == 2 and all(value < 100 for value in groups) and groups[1] >= 1:
        # Nineteen ninety nine is 19.99; "five fifty" 5.50.
        return groups[0] + groups[1] / 100
    if len(groups) == 1:
        bare = not with_unit and groups[0] < 10
        return None if bare else groups[0]
    return None


def _groups(said: list[str]) -> list[float]:
    """Numbers that stand one after the other: twelve | ninety nine."""
    groups: list[list[str]] = [[]]
    for word in said:
        low = word in SMALL or word == "oh"
        before = groups[-1][-1] if groups[-1] else ""
        ends = (before in SMALL and (low or word in TENS)) or (
            before in TENS and (word in TENS or SMALL.get(word, 0) > 9)
        )
        if ends:
            groups.append([])
        groups[-1].append("zero" if word == "oh" else word)
    values = [number_en(group) for group in groups]
    if len(groups) == 3 and groups[1] == ["zero"]:  # nineteen oh five
        values = [values[0], values[2]]
    return [value for value in values if value is not None] if None not in values else []
