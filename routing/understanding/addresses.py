"""Postal addresses, with their numbers in Arabic digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asr.text.numbers_en import SMALL, TENS
from routing.understanding.digits import DIGITS_ZH, number_en, number_zh
from routing.understanding.heard import Heard
from routing.understanding.named_values import Candidate, EntityKind
from routing.understanding.names_en import TOWNS, TOWNS_OF_TWO

_REGIONS: Final = (
    "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|"
    "贵州|云南|陕西|甘肃|青海|"
    "台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|广州|深圳|杭州|南京|成都|武汉|西安|苏州|郑州|长沙|东莞|沈阳|青岛|"
    "合肥|佛山|宁波|昆明|"
    "福州|无锡|厦门|哈尔滨|长春|南昌|济南|大连|贵阳|温州|石家庄|泉州|南宁|金华|常州|珠海|惠州|嘉兴|南通|中山|保定|"
    "兰州|台州|徐州|太原|"
    "绍兴|烟台|廊坊|海口|乌鲁木齐|呼和浩特|银川|西宁|拉萨|洛阳|扬州|潍坊|三亚"
)
_NUMERAL: Final = "[0-9零〇一二两三四五六七八九十百千幺]"
_HAN: Final = "[\u4e00-\u9fff]"
_AREA: Final = (
    "自治区|自治州|特别行政区|省|市(?![场面民值])|新区|开发区|高新区|区(?![别分域])|县|街道|镇|乡(?!下)|"
    "村(?!大[厦楼街道]|小区|花园|广场|公寓|[路街]|中心)"
)
_ROAD: Final = (
    "(?:大道|大街|路(?![上由过程线])|街(?![上道])|巷|胡同|[东西南北中]道)"
    "(?:[东西南北中]?[0-9一二三四五六七八九]段|[东西南北中]段)?"
)
_ESTATE: Final = (
    "小区|花园|大厦|广场|公寓|家园|新村|花苑|苑|国际城|新城|科技园|工业园|产业园|创业园|软件园|园区|中心|大楼|商城|"
    "山庄|别墅|华庭|雅居|名邸|公馆|学校|大学|医院|里|城(?=[0-9一二三四五六七八九十]{1,3}[号栋幢座期])"
)
_NUMBERED: Final = "号院|号楼|号(?!码)|弄|栋|幢|座|单元|层|楼|室|号房|房|户|门|期|区|组"
_SEP: Final = r"(?:[\s,，、]|嗯|呃|那个|然后|就是|的(?=[0-9零一二两三四五六七八九十A-Za-z幺])){0,3}"
_NAMED_PART: Final = re.compile(rf"(?P<name>{_HAN}{{1,9}}?)(?P<mark>{_AREA}|{_ROAD}|{_ESTATE})")
_NUMBER_PART: Final = re.compile(
    rf"(?P<number>[a-z]?-?{_NUMERAL}{{1,7}}(?:[-杠]{_NUMERAL}{{1,5}})?[a-z]?|[a-z]|[东西南北])(?P<mark>{_NUMBERED})"
)
_NUMBERED_AREA: Final = re.compile(
    r"(?<=[里园村苑城家庭院])[一二三四五六七八九十]{1,3}[区期]$|(?<=[路街道东西南北中])[一二三四五六七八九]段$"
)
_BARE_ROOM: Final = re.compile(rf"(?P<number>{_NUMERAL}{{3,4}})(?!{_NUMERAL}|[块元个天年月日点号])")
_START: Final = re.compile(_AREA + "|" + _ROAD + "|" + _ESTATE)
_LEAD: Final = re.compile(
    r"地址|寄到|送到|发到|寄去|改到|改成|改为|换成|换到|住在|我住|家在|搬到|搬去|位于|地点|上门到|送去|派到|收货|"
    r"配送|麻烦|帮我|是在|现在|就在|我家|公司|"
    r"单位|新的|还有|因为|从|到|是|在|去|给|写|填|为|成|往|至|我|你们|的|那个|嗯|呃|哦|叫|住|寄|送|发"
)
MOST_PARTS: Final = 16
"""Parts of the longest address: province to room."""

_PLACES: Final = re.compile(_REGIONS)

_STREET: Final = (
    r"street|st|avenue|ave|road|rd|drive|dr|lane|ln|boulevard|blvd|court|ct|way|place|pl|terrace|circle|parkway|"
    r"highway|square|broadway|crescent|trail|mews|grove|gardens|close(?=$|[,.]| is\b| please| flat| apartment| in\b)"
)
_NUMBER_WORDS: Final = "|".join(sorted([*SMALL, *TENS, "hundred", "oh"], key=len, reverse=True))
_EN: Final = re.compile(
    rf"\b(?P<number>\d{{1,6}}[a-z]?|(?:{_NUMBER_WORDS})(?:[ -](?:{_NUMBER_WORDS}|(?<=hundred )and)){{0,5}}) "
    rf"(?P<street>(?:(?:north|south|east|west|n|s|e|w|old|new|the|saint|[a-z']+|\d{{1,3}}(?:st|nd|rd|"
    rf"th)) ){{1,3}}?(?:{_STREET})\b\.?)"
    rf"(?P<unit>,? ?(?:(?:apartment|apt|suite|unit|room|floor|number)\.? ?|"
    rf"# ?)(?:(?:{_NUMBER_WORDS})(?:[ -](?:{_NUMBER_WORDS})){{0,3}}|\d{{1,5}})?(?:[ -]?[a-z]\b)?)?"
)
_TOWN: Final = re.compile(
    r"(?:,| in)? (?P<town>[A-Z][a-z]+(?: [A-Z][a-z]+)?)(?P<state>,? (?:[A-Z]{2}|"
    r"[A-Z][a-z]+(?: [A-Z][a-z]+)?)\b)?(?P<zip>,? \d{5}(?:-\d{4})?\b)?"
)

_LOW_TOWN: Final = re.compile(r"(?:,| in)? (?P<town>[a-z]+(?: [a-z]+)?)")


def find_addresses(heard: Heard) -> Iterator[Candidate]:
    """Addresses in a turn; linear in its length."""
    if heard.has_han:
        yield from _zh(heard)
    yield from _en(heard)


def _zh(heard: Heard) -> Iterator[Candidate]:
    plain, floor = heard.plain, 0
    for mark in _START.finditer(plain):
        if mark.start() < floor:
            continue
        start = _begin(plain, max(floor, mark.start() - 12), mark.start())
        if start >= mark.start():
            continue
        end, value, named, numbered, roads = _follow(heard, start, mark)
        if (named >= 1 and numbered >= 1 and (roads or named >= 2 or numbered >= 2)) or (
            named >= 2 and (roads or _PLACES.match(plain, start))
        ):
            yield Candidate(EntityKind.ADDRESS, start, end, value)
            floor = end


def _begin(plain: str, floor: int, end: int) -> int:
    """Where the name of the first part begins: at a place that is known, or after what leads to an address."""
    start = end
    while start > floor and "\u4e00" <= plain[start - 1] <= "\u9fff":
        start -= 1
    if known := _PLACES.search(plain, start, end):
        return known.start()
    for lead in _LEAD.finditer(plain, start, end):
        start = lead.end()
    return start


def _follow(heard: Heard, start: int, mark: re.Match[str]) -> tuple[int, str, int, int, int]:
    """The parts from the first on: where they end, the address as it is written, and how many of each kind."""
    plain, end = heard.plain, mark.end()
    value = _numbered(_original(heard, start, end))
    named, numbered, roads = 1, 0, int(bool(re.fullmatch(f"{_ROAD}|{_ESTATE}", mark[0])))
    gap = re.compile(_SEP)
    while named + numbered < MOST_PARTS:
        skipped = gap.match(plain, end)
        place = skipped.end() if skipped else end
        if part := _NUMBER_PART.match(plain, place):
            numbered += 1
            value += arabic(part["number"]) + part["mark"]
        elif (room := _BARE_ROOM.match(plain, place)) and numbered:
            value += arabic(room["number"])
            return room.end(), value, named, numbered, roads
        elif (part := _NAMED_PART.match(plain, place)) and not _LEAD.search(part["name"]):
            named += 1
            roads += bool(re.fullmatch(f"{_ROAD}|{_ESTATE}", part["mark"]))
            value += _numbered(_original(heard, part.start(), part.end()))
        else:
            break
        end = part.end()
    return end, value, named, numbered, roads


def _numbered(name: str) -> str:
    """望京西园三区 and 人民南路四段 have their numbers in digits as well; 三里屯 has none."""
    found = _NUMBERED_AREA.search(name)
    return f"{name[: found.start()]}{arabic(found[0][:-1])}{found[0][-1]}" if found else name


def _original(heard: Heard, start: int, end: int) -> str:
    first, last = heard.offsets(start, end)
    return "".join(heard.text[first:last].split())


def arabic(spoken: str) -> str:
    """八十八 is 88, 一二零一 1201; letters become capitals."""
    if "杠" in spoken or "-" in spoken:
        return "-".join(arabic(part) for part in re.split("[杠-]", spoken))
    found = re.fullmatch(r"([a-z]?)(.*?)([a-z]?)", spoken)
    head, middle, tail = (found[1], found[2], found[3]) if found else ("", spoken, "")
    if middle and not re.search("[十百千]", middle):
        middle = "".join(DIGITS_ZH.get(one, one) for one in middle)
    elif middle:
        value = number_zh(middle)
        middle = middle if value is None else str(int(value))
    return f"{head.upper()}{middle}{tail.upper()}"


def _en(heard: Heard) -> Iterator[Candidate]:
    plain = heard.plain
    for found in _EN.finditer(plain):
        number = _house(found["number"])
        first, last = heard.offsets(found.start("street"), found.end("street"))
        street = heard.text[first:last]
        value, end = f"{number} {street}", found.end("street")
        if re.search(
            r"\b(?:the|a|my|on|by|is|was|days?|weeks?|of|in|minutes|hours|times|and|to)\b",
            found["street"].split(" ")[0],
        ):
            continue
        if found["unit"]:
            first, last = heard.offsets(found.start("unit"), found.end("unit"))
            value += _unit(heard.text[first:last])
            end = found.end("unit")
        elif value.endswith(".") and found["street"].rstrip(".") not in {"st", "ave", "rd", "blvd", "dr"}:
            value, end = value[:-1], end - 1
        text_end = heard.at[end - 1] + 1
        if town := _TOWN.match(heard.text, text_end):
            comma = town[0].startswith(",")
            if comma or town["state"] or town["zip"] or _is_town(town["town"]):
                value += town[0]
                length = len(town[0])
                end = next(
                    (place for place in range(end, len(plain) + 1) if heard.at[place] >= text_end + length), len(plain)
                )
        elif town := _LOW_TOWN.match(plain, end):
            words = town["town"].split(" ")
            named = 2 if " ".join(words[:2]) in TOWNS_OF_TWO else 1 if words[0] in TOWNS else 0
            if named:
                said = len(" ".join(words[:named]))
                first, last = heard.offsets(end, town.start("town") + said)
                value, end = value + heard.text[first:last], town.start("town") + said
        yield Candidate(EntityKind.ADDRESS, found.start(), end, value)


def _is_town(name: str) -> bool:
    return name.lower() in TOWNS or name.lower() in TOWNS_OF_TWO


def _house(spoken: str) -> str:
    """One twenty three is 123; twelve hundred 1200; two oh five 205."""
    if spoken[0].isdigit():
        return spoken
    groups: list[list[str]] = []
    for word in re.split("[ -]", spoken):
        if word == "and":
            continue
        joins = groups and (
            word == "hundred"
            or (groups[-1][-1] in TENS and 1 <= SMALL.get(word, 0) <= 9)
            or groups[-1][-1] == "hundred"
        )
        if joins:
            groups[-1].append(word)
        else:
            groups.append(["zero" if word == "oh" else word])
    return "".join(f"{number_en(group) or 0:.0f}" for group in groups)


def _unit(text: str) -> str:
    """`, apartment four b` with its number in digits."""
    found = re.search(rf"(?i)\b(?:{_NUMBER_WORDS})(?:[ -](?:{_NUMBER_WORDS}))*\b", text)
    if not found:
        return text
    rest = text[found.end() :]
    letter = re.fullmatch(r"(?i)[ -]([a-z])", rest)
    return text[: found.start()] + _house(found[0].lower()) + (letter[1] if letter else rest)
