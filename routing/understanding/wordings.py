"""A small language for wordings, made for files that people edit: choices, what may be missing, named lists, gaps.

    (再不|如果还不)~(我就|别怪)        zh: written closely; ~ is up to eight characters within a sentence
    {contact} (you|them)? {many} times  en: words apart; ~ is up to five words

It compiles to patterns without unbounded repeats, so that no entry can cost more than time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from routing.document import suggest
from routing.understanding.heard import fold

GAP_ZH: Final = r"[^。！？!?\n]{0,8}?"
GAP_EN: Final = r"(?:,? [\w'$.%-]+){0,5}?"
END_ZH: Final = r"(?=[吗啊呀吧呢了嘛哦的]{0,2}(?:$|[，。！？,.!?]))"
END_EN: Final = r"(?=[.,!?]|\s*$)"
_PLAIN: Final = re.compile(r"[^\\\[\].^+<>&|(){}?*~$]")


class WordingError(ValueError):
    """A wording that is not in the language; says what and where."""


def compile_wordings(texts: Sequence[str], words: Mapping[str, Sequence[str]], language: str) -> re.Pattern[str]:
    """One pattern for several wordings, over folded text.

    Raises:
        WordingError: one of them is not in the language; the message names it.
    """
    compiled = [_compile("".join(map(fold, text)).strip(), words, language) for text in texts]
    joined = "|".join(compiled)
    return re.compile(joined if language == "zh" else rf"\b(?:{joined})(?![\w'])")


def _compile(text: str, words: Mapping[str, Sequence[str]], language: str) -> str:
    if language == "zh":
        made, place = _choices(text, 0, words, language, depth=0)
        if place < len(text):
            raise WordingError(f"{text}: the bracket at {place + 1} closes nothing")
        return made
    made, begun = "", False
    for piece in _pieces(text):
        if piece == "~":
            made += GAP_EN
            continue
        if piece == "$":
            made += END_EN
            continue
        optional = piece.endswith(")?") and _closing(piece, 0) == len(piece) - 2
        pattern, place = _choices(piece[:-1] if optional else piece, 0, words, language, depth=0)
        if place < len(piece) - optional:
            raise WordingError(f"{text}: a bracket closes nothing")
        if optional:
            made += f"(?:,? {pattern})?" if begun else f"(?:{pattern},? )?"
        else:
            made += f",? {pattern}" if begun else pattern
            begun = True
    if not begun:
        raise WordingError(f"{text}: everything in it may be missing")
    return made


def _pieces(text: str) -> list[str]:
    """Parts between spaces that stand outside of brackets; `$` and `~` at an end are parts of their own."""
    found, depth, part = [], 0, ""
    for one in text:
        depth += (one == "(") - (one == ")")
        if depth == 0 and one in " $":
            found += [part] if part else []
            found += ["$"] if one == "$" else []
            part = ""
        else:
            part += one
    return [*found, part] if part else found


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return -1


def _choices(
    text: str, place: int, words: Mapping[str, Sequence[str]], language: str, *, depth: int
) -> tuple[str, int]:
    """Choices up to the closing bracket, and where that stands."""
    if depth > 4:
        raise WordingError(f"{text}: brackets stand more than four deep")
    made = ""
    while place < len(text) and text[place] != ")":
        one = text[place]
        if one == "(":
            inner, end = _choices(text, place + 1, words, language, depth=depth + 1)
            if end >= len(text):
                raise WordingError(f"{text}: the bracket at {place + 1} is not closed")
            place = end + 1
            missing = place < len(text) and text[place] == "?"
            made += f"(?:{inner}){'?' * missing}"
            place += missing
        elif one == "{":
            name, _, _ = text[place + 1 :].partition("}")
            if name not in words:
                raise WordingError(f"{text}: {{{name[:20]}}} is no list. {suggest(name, words)}".strip())
            longest_first = sorted(
                ("".join(map(fold, word)) for word in words[name]), key=lambda word: (-len(word), word)
            )
            made += f"(?:{'|'.join(map(re.escape, longest_first))})"
            place += len(name) + 2
        elif one == "|" and depth:
            made, place = made + "|", place + 1
        elif one == "~":
            made, place = made + (GAP_ZH if language == "zh" else GAP_EN), place + 1
        elif one == "$":
            made, place = made + (END_ZH if language == "zh" else END_EN), place + 1
        elif one == "?" and made and place and _PLAIN.fullmatch(text[place - 1]):
            made, place = made + "?", place + 1
        elif one == "*" and language == "en" and made[-1:].isalpha():
            made, place = made + "[a-z]{0,12}", place + 1
        elif _PLAIN.fullmatch(one):
            made, place = made + re.escape(one), place + 1
        else:
            raise WordingError(f"{text}: {one} at {place + 1} means nothing here")
    return made, place
