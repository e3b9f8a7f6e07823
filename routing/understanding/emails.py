"""Mail addresses, written or spelled out: 点, 下划线, at, 艾特, dot, underscore."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asr.text.digits import EN_DIGITS, EN_TIMES
from asr.text.numbers_en import SMALL, TENS
from routing.understanding.digits import DIGITS_ZH
from routing.understanding.heard import Heard
from routing.understanding.named_values import Candidate, EntityKind

LONGEST: Final = 80
"""Characters on either side of the sign that are looked at."""

_SIGNS: Final = {
    "点": ".", "dot": ".", ".": ".", "period": ".", "下划线": "_", "下横线": "_", "underscore": "_",
    "under score": "_", "_": "_",
    "减号": "-", "中划线": "-", "横杠": "-", "横线": "-", "杠": "-", "dash": "-", "hyphen": "-", "minus": "-",
    "-": "-", "+": "+", "plus": "+",
    "加号": "+",
}  # fmt: skip


def _spelled(sign: str) -> str:
    """A sign as a pattern: a Latin word only as a whole."""
    return rf"{sign}(?![a-z])" if sign.isalpha() and sign.isascii() else re.escape(sign)


_AT: Final = re.compile(
    r"(?<!\s)\s{0,3}(?:@|艾特|爱特|圈a|圈 a|小老鼠|(?<![a-z])at sign(?![a-z])|(?<![a-z])at(?![a-z])(?:符号)?|"
    r"(?<=[a-z0-9零一二三四五六七八九幺])at(?=[a-z]))\s{0,3}"
)
_AT_APART: Final = re.compile(r"@|艾特|爱特|圈a|圈 a|小老鼠| at ")
_PIECE: Final = re.compile(
    rf"(?P<sign>{'|'.join(map(_spelled, sorted(_SIGNS, key=len, reverse=True)))})"
    rf"|(?P<zh>[{''.join(DIGITS_ZH)}])|(?P<word>[a-z]+|[0-9]+)|(?P<gap>[ ,，、]|字母|数字|小写的?|全拼)"
)
_ENDING: Final = re.compile(r"com|cn|net|org|edu|gov|io|co|uk|hk|tw|me|info|us|ca|au|de|cc|biz|jp|vip")
_STOPS: Final = frozenset(
    (
        "is", "it", "its", "s", "email", "mail", "address", "to", "my", "the", "on", "me", "send", "use", "as", "and",
        "for", "you",
        "can", "at", "be", "that", "so", "okay", "ok", "yes", "yeah", "um", "uh", "please", "reach", "inbox", "e",
        "account", "with",
    )
)  # fmt: skip


def find_emails(heard: Heard) -> Iterator[Candidate]:
    """Mail addresses in a turn; linear in its length."""
    plain, floor = heard.plain, 0
    for at in _AT.finditer(plain):
        if at.start() < floor:
            continue
        if at[0] == "at" and _AT_APART.search(plain, at.end(), at.end() + LONGEST // 2):
            continue  # within a word: nate dot cole at yahoo dot com
        domain, end = _domain(plain, at.end())
        if not domain:
            continue
        name, start = _name(plain, max(floor, at.start() - LONGEST), at.start())
        if not name:
            continue
        value = f"{name}@{domain}"
        first, last = heard.offsets(start, end)
        written = heard.text[first:last]
        yield Candidate(EntityKind.EMAIL, start, end, written if written.lower() == value else value)
        floor = end


def _pieces(plain: str, start: int, end: int) -> list[re.Match[str]]:
    """The pieces of an address from `start` on, up to the first thing that is none."""
    found: list[re.Match[str]] = []
    while start < end and (piece := _PIECE.match(plain, start, end)):
        found.append(piece)
        start = piece.end()
    return found


def _domain(plain: str, start: int) -> tuple[str, int]:
    """A domain that begins here and where it ends; empty where there is none."""
    said, ended, end = "", "", start
    for piece in _pieces(plain, start, min(len(plain), start + LONGEST)):
        if piece["gap"]:
            if piece[0] in ",，、" and ended:
                break
            continue
        if piece["sign"]:
            said += _SIGNS[piece["sign"]]
            continue
        written = _spell(piece)
        if said.endswith(".") and _ENDING.fullmatch(written):
            said += written
            ended, end = said, piece.end()
            continue
        if ended and not said.endswith("."):
            break
        said += written
        if len(said) > 60:
            break
    return (ended, end) if re.fullmatch(r"[a-z0-9][a-z0-9.-]*\.[a-z]+", ended) else ("", start)


def _name(plain: str, floor: int, end: int) -> tuple[str, int]:
    """The name that ends here and where it begins."""
    start = end
    tokens = [piece for place in range(floor, end) if (piece := _PIECE.match(plain, place, end))]
    # Tokens that begin within a longer one are left out, so that what remains lies end to end.
    chain: list[re.Match[str]] = []
    place = 0
    for piece in tokens:
        if piece.start() < place:
            continue
        if piece.start() > place and chain:
            chain = []
        chain.append(piece)
        place = piece.end()
    if place != end:
        return "", end
    spelled: list[str] = []
    ones = False
    for number in range(len(chain) - 1, -1, -1):
        piece = chain[number]
        if piece["gap"]:
            if piece[0] in ",，、" and spelled and len(spelled[-1]) > 1 and number and len(chain[number - 1][0]) > 1:
                break
            continue
        if piece["word"] and plain[piece.start() - 1 : piece.start()] == "'":
            break
        if piece["word"] in _STOPS and not (piece["word"] in {"s", "e"} and _lone(chain, number)):
            break
        if piece["word"] in EN_TIMES and spelled:
            spelled[-1] *= EN_TIMES[piece["word"]]
        else:
            written = _SIGNS[piece["sign"]] if piece["sign"] else _spell(piece)
            if piece["word"] in TENS and spelled and ones:
                written = written[0]  # seventy | seven
            spelled.append(written)
        ones = 1 <= SMALL.get(piece["word"] or "", 0) <= 9
        start = piece.start()
    name = "".join(reversed(spelled)).strip("._-+")
    return (name, start) if re.fullmatch(r"[a-z0-9][a-z0-9._+-]{0,63}", name) else ("", end)


def _lone(chain: list[re.Match[str]], number: int) -> bool:
    """Whether a letter stands among letters that are spelled."""
    near = [
        piece[0] for piece in chain[max(0, number - 2) : number + 3] if not piece["gap"] and piece is not chain[number]
    ]
    return any(len(word) == 1 for word in near)


def _spell(piece: re.Match[str]) -> str:
    if piece["zh"]:
        return DIGITS_ZH[piece["zh"]]
    word = piece["word"] or ""
    if word in EN_DIGITS and word != "o":
        return EN_DIGITS[word]
    return str(SMALL.get(word) or TENS.get(word) or word)
