"""Asking for a person: in many wordings, inside longer sentences, and not where it is declined or only reported."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from routing.understanding.heard import BREAKS, Heard
from routing.understanding.human_wordings import load_human_wordings
from routing.understanding.lexicon import Lexicon, People

MAX_GAP: Final = 3
"""Words that may stand between verb and person: 转(一下)(你们的)人工."""

REACH: Final = 6
"""Words between a wish and what declines it: 不用(给我)转人工."""


LONGEST_ALONE: Final = 60
"""Characters of the longest clause that can be nothing but the name of a person: `um, agent, please`."""


@dataclass(frozen=True, slots=True)
class HumanRequest:
    """Where a person is asked for, or declined; offsets into the turn's text."""

    text: str
    start: int
    end: int
    declined: bool


@dataclass(frozen=True, slots=True)
class _Patterns:
    """A lexicon's lists as linear-time patterns over matched text: alternations of literals, bounded repeats."""

    wish: re.Pattern[str]
    alone: re.Pattern[str]


def find_requests(heard: Heard, lexicons: tuple[Lexicon, ...]) -> tuple[HumanRequest, ...]:
    """Every wish for a person in a turn, declined ones included, in order."""
    found = [request for lexicon in lexicons for request in _find(heard, lexicon)]
    return tuple(sorted(found, key=lambda request: request.start))


def asks_for_human(requests: Iterable[HumanRequest]) -> bool:
    """Whether a person is asked for: at least one wish that is not declined."""
    return any(not request.declined for request in requests)


def _find(heard: Heard, lexicon: Lexicon) -> Iterator[HumanRequest]:
    patterns = _compile(lexicon.language, lexicon.people)
    wordings = load_human_wordings()
    mentions = [found.span() for found in wordings.mentioned[lexicon.language].finditer(heard.plain)]
    for found in (
        *patterns.wish.finditer(heard.sounds),
        *wordings.asked[lexicon.language].finditer(heard.plain),
    ):
        if found.lastgroup == "other" or (_is_within(found.start(), mentions) or _is_within(found.end() - 1, mentions)):
            continue
        if found.lastgroup == "mention" and not _is_wish(heard, lexicon, found.start(), found.end(), patterns):
            continue
        start, end = heard.offsets(found.start(), found.end())
        yield HumanRequest(
            heard.text[start:end], start, end, _declined(heard.plain, lexicon, found.start(), found.end())
        )


def _is_within(place: int, stretches: Sequence[tuple[int, int]]) -> bool:
    """Whether a place lies within one of several stretches that are in order and apart."""
    at = bisect_right(stretches, place, key=lambda stretch: stretch[0])
    return at > 0 and place < stretches[at - 1][1]


def _is_wish(heard: Heard, lexicon: Lexicon, start: int, end: int, patterns: _Patterns) -> bool:
    """Whether a bare mention (人工, agent) is a wish: in zh unless it is reported, in en where it stands alone."""
    plain = heard.plain
    if lexicon.language == "zh":
        return not any(plain[end : end + 4].lstrip().startswith(word) for word in lexicon.people.reported)
    left, right = start, end
    while left > 0 and plain[left - 1] not in BREAKS and end - left <= LONGEST_ALONE:
        left -= 1
    while right < len(plain) and plain[right] not in BREAKS and right - left <= LONGEST_ALONE:
        right += 1
    return right - left <= LONGEST_ALONE and bool(patterns.alone.fullmatch(plain[left:right]))


def _declined(plain: str, lexicon: Lexicon, start: int, end: int) -> bool:
    if lexicon.language == "en":
        return _declined_in_words(plain[max(0, start - 80) : start], plain[start:end], lexicon)
    people, at = lexicon.people, start
    # 有没有真人 is matched from its last 有 on.
    if any(plain[max(0, start + 1 - length) : start + 1] in lexicon.questions for length in (3, 4)):
        return False
    for _ in range(REACH):
        for length in range(min(5, at), 0, -1):
            piece = plain[at - length : at]
            if piece in lexicon.questions:
                return False
            if piece in people.negators or (at == start and piece in people.bare_negators):
                return not plain[max(0, at - length - 6) : at - length].endswith(tuple(people.not_negated_after))
            if piece in lexicon.carrying:
                at -= length
                break
        else:
            return False
    return False


def _declined_in_words(before: str, wish: str, lexicon: Lexicon) -> bool:
    """Read backwards over words that carry a negation on; a negator may reach into the wish (don't | want an agent)."""
    people = lexicon.people
    clause = re.split(r"[^a-z0-9' ]", before)[-1].split()
    words = [*clause, *wish.split()[:2]]
    if clause and clause[-1] in people.bare_negators:
        # "No agent" declines one; "no no I want a person" declines what was offered instead.
        heads = {verb.split()[0] for verb in people.verbs}
        return clause[-1] != "no" or words[len(clause)] not in heads
    for here in range(len(clause) - 1, max(-1, len(clause) - 1 - REACH), -1):
        if any(" ".join(words[here : here + count]) in people.negators for count in (3, 2, 1)):
            return not " ".join(clause[:here]).endswith(tuple(people.not_negated_after))
        if clause[here] not in lexicon.carrying:
            return False
    return False


@lru_cache(maxsize=8)
def _compile(language: str, people: People) -> _Patterns:
    space = "" if language == "zh" else " "
    edge = "" if language == "zh" else r"\b"

    def one_of(words: Iterable[str]) -> str:
        return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))

    gap = f"(?:(?:{one_of(people.gap)}){space}){{0,{MAX_GAP}}}"
    verbs, weak_verbs = one_of(people.verbs), one_of(people.weak_verbs)
    strong, weak = one_of(people.strong), one_of(people.weak)
    wish = (
        f"{edge}(?:(?P<other>{one_of(people.not_people)})"
        f"|(?P<asked>(?:{verbs}){space}{gap}(?:{strong})|(?:{weak_verbs}){space}{gap}(?:{weak}))"
        f"|(?P<phrase>{one_of(people.phrases)})"
        f"|(?P<mention>{strong})){edge}"
    )
    filler = r"(?:\s|um|uh|please|hi|hello|hey|okay|ok|no|yes|yeah|just|now|a|an|the|and|er|well|real|live)"
    alone = rf"{filler}*(?:(?:{strong}){filler}*)+"
    return _Patterns(re.compile(wish), re.compile(alone))
