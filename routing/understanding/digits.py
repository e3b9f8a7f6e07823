"""Spoken digits and numbers, in Mandarin and English, as Arabic ones; offsets kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from asr.text.digits import EN_DIGITS, EN_TIMES, ZH_DIGITS
from asr.text.numbers_en import SCALES, SMALL, TENS
from asr.text.numbers_zh import read_integer

DIGITS_ZH: Final = ZH_DIGITS | {"两": "2"}
"""Digits as they are read out; 洞 拐 勾 as on the radio, heard from older callers."""

NUMERAL_ZH: Final = "0-9零〇一二两三四五六七八九十百千万亿"
"""Characters of a Mandarin number, for a class."""

LONGEST_NUMBER: Final = 16
QUIET: Final = 8
"""Pauses, marks and fillers in a row that one number bears."""

ALONE: Final = 11
"""Digits without a pause from which a group is a number of its own: a mobile number."""

_WORD: Final = "|".join(sorted({*EN_DIGITS, *EN_TIMES, *SMALL, *TENS, "hundred"}, key=len, reverse=True))
_SPOKEN: Final = "".join(DIGITS_ZH)
_PIECE: Final = re.compile(
    rf"(?P<zh>[{_SPOKEN}])|(?P<arabic>[0-9]+)|(?P<en>\b(?:{_WORD})\b)"
    rf"|(?P<letters>(?:字母|大写的?|小写的?|letter )?(?<![a-z])"
    rf"(?:[a-z]{{1,4}}(?=-?(?:[0-9]|[{_SPOKEN}]{{4}}))|[a-z](?![a-z']))"
    r"(?:,? (?:as in|for|like) [a-z]{2,12}\b)?)"
    r"|(?P<between>[\s,，、.。…\-－—_/()（）]|–|呃+|嗯+|额|啊|哦|那个|然后|就是|再来|杠|横杠|横线|空格"
    r"|\b(?:um|uh|er|erm|hmm|and then|then|dash|hyphen|space|hm)\b)"
)


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits read out one after the other, pauses and fillers between them dropped.

    Attributes:
        digits: 0-9, and A-Z where letters were said among them.
        start: offset of the first digit.
        end: offset after the last.
        spoken: at least one was a word.
    """

    digits: str
    start: int
    end: int
    spoken: bool


@dataclass(slots=True)
class _Reader:
    """A run while it is read."""

    text: str
    at_least: int
    runs: list[DigitRun] = field(default_factory=list)
    digits: str = ""
    start: int = 0
    end: int = 0
    spoken: bool = False
    times: int = 1
    quiet: int = 0
    tens: int = 0

    def close(self) -> None:
        count = sum(one.isdigit() for one in self.digits)
        if count >= self.at_least:
            self.runs.append(DigitRun(self.digits, self.start, self.end, self.spoken))
        self.digits, self.spoken, self.times, self.quiet, self.tens = "", False, 1, 0, 0

    def add(self, digits: str, found: re.Match[str], *, spoken: bool) -> None:
        if not self.digits and self.times == 1:
            self.start = found.start()
        self.digits += digits * self.times
        self.end, self.quiet, self.times, self.tens = found.end(), 0, 1, 0
        self.spoken = self.spoken or spoken

    def take(self, found: re.Match[str]) -> None:
        said = found[0]
        if found["between"]:
            self.quiet += 1
            if self.quiet >= QUIET:
                self.close()
            return
        if found["arabic"]:
            whole = len(said) >= ALONE or (self.quiet and self._is_whole())
            if self.quiet and self.digits and whole and not self.digits[-1].isalpha():
                self.close()
            self.add(said, found, spoken=False)
        elif found["zh"]:
            self.add(DIGITS_ZH[said], found, spoken=True)
        elif found["letters"]:
            self._letters(said, found)
        else:
            self._word(said, found)

    def _is_whole(self) -> bool:
        """Whether what stands is a number that was written in one piece: what follows a pause is another."""
        return len(self.digits) >= ALONE and self.text[self.start : self.end].isdigit()

    def _letters(self, said: str, found: re.Match[str]) -> None:
        named = re.match(r"字母|大写的?|小写的?|letter ", said)
        plain = re.split(r",? (?:as in|for|like) ", said[named.end() if named else 0 :])[0]
        # The article "a" and the pronoun "i" are letters only where they are named, where a digit or letter touches
        # them, or where a number stands before them and no sentence goes on behind.
        goes_on = not self.digits or (self.quiet and _GOING_ON.match(self.text, found.end()))
        if plain in {"a", "i"} and not named and goes_on and not _sticks(self.text, found.end()):
            self.close()
            return
        self.add(plain.upper(), found, spoken=False)

    def _word(self, said: str, found: re.Match[str]) -> None:
        if said in EN_TIMES:
            if not self.digits:
                self.start = found.start()
            self.times = EN_TIMES[said]
        elif said == "hundred":
            if self.digits and not self.tens and self.digits[-1:].isdigit():
                self.add("00", found, spoken=True)
            else:
                self.close()
        elif said in TENS:
            self.add(str(TENS[said]), found, spoken=True)
            self.tens = 1
        elif self.tens and 1 <= SMALL.get(said, 0) <= 9 and self.quiet <= 1:
            self.digits = self.digits[:-1]
            self.add(str(SMALL[said]), found, spoken=True)
        else:
            self.add(EN_DIGITS.get(said) or str(SMALL[said]), found, spoken=True)


def find_digit_runs(text: str, *, at_least: int = 4) -> tuple[DigitRun, ...]:
    """Runs of at least so many digits in a folded text; linear in its length."""
    reader, place = _Reader(text, at_least), 0
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None:
            reader.close()
            place = _skip(text, place)
            continue
        reader.take(found)
        place = found.end()
    reader.close()
    return tuple(reader.runs)


def _skip(text: str, place: int) -> int:
    """Past the rest of a Latin word that is no number."""
    if not ("a" <= text[place] <= "z"):
        return place + 1
    while place < len(text) and ("a" <= text[place] <= "z" or text[place] == "'"):
        place += 1
    return place


_STICKING: Final = re.compile(rf"[ -]?(?:[0-9]|[b-z](?![a-z'])|(?:{'|'.join(EN_DIGITS)})\b)")


_GOING_ON: Final = re.compile(r" [a-z']{2}")


def _sticks(text: str, place: int) -> bool:
    """Whether a digit or a lone letter follows at once, or after one space or hyphen."""
    return _STICKING.match(text, place) is not None


def number_zh(text: str) -> float | None:
    """A Mandarin number; None where it is none.

    三百五 is 350, 两千零八 2008, 一万二 12000, 十九点九 19.9, 3万2 32000.
    """
    if not text or len(text) > LONGEST_NUMBER:
        return None
    if text == "两":
        return 2.0
    plain = re.fullmatch(r"(\d{1,12})(?:[.点](\d{1,4}))?(千|万|亿)?", text)
    if plain:
        scale = {"千": 1_000, "万": 10_000, "亿": 100_000_000}.get(plain[3] or "", 1)
        return float(f"{plain[1]}.{plain[2] or 0}") * scale
    whole, point, fraction = text.replace(".", "点").partition("点")
    spoken = _spell(whole)
    value = read_integer(spoken) if spoken else None
    if value is None and len(whole) > 1 and all(one in DIGITS_ZH for one in whole):
        value = int("".join(DIGITS_ZH[one] for one in whole))
    if value is None:
        return None
    if not fraction:
        return None if point else float(value)
    scale = {"万": 10_000, "亿": 100_000_000}.get(fraction[-1], 1)
    digits = "".join(DIGITS_ZH.get(one, one) for one in (fraction[:-1] if scale > 1 else fraction))
    return float(f"{value}.{digits}") * scale if digits.isascii() and digits.isdigit() else None


def _spell(text: str) -> str:
    """Arabic digits within a Mandarin number (2万3, 35万) in Mandarin. A group that is none becomes `?`."""

    def words(match: re.Match[str]) -> str:
        value = int(match[0])
        if value >= 10_000:
            return "?"
        spelled, zero = "", False
        for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = value // size % 10
            if digit:
                spelled += ("零" if zero and spelled else "") + "零一二三四五六七八九"[digit] + unit
                zero = False
            else:
                zero = True
        return spelled or "零"

    return re.sub(r"\d+", words, text).replace("〇", "零")


def number_en(words: list[str]) -> float | None:
    """An English number up to the thousands: `two hundred and fifty`, `twenty five`; None where it is none."""
    if not words:
        return None
    total = current = 0
    for word in words:
        if word in SMALL or word in TENS:
            current += SMALL.get(word, 0) + TENS.get(word, 0)
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in SCALES:
            total += max(current, 1) * SCALES[word]
            current = 0
        elif word == "grand":
            total += max(current, 1) * 1000
            current = 0
        elif word not in {"and", "a"}:
            return None
    return float(total + current)
