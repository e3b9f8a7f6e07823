"""Sentiment in words: what is said, how strongly, and whether it is said or denied."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from routing.understanding.digits import DIGITS_ZH
from routing.understanding.grievances import Complaint, find_complaints, find_mentions
from routing.understanding.heard import BREAKS, Heard
from routing.understanding.lexicon import Lexicon, Match, find_terms

REACH: Final = 8
"""Words or syllables that negation and intensity may be away from their term."""

NEGATIVE_FROM: Final = 0.35
"""Strength of discontent from which a turn counts as negative."""

PRAISE: Final = 0.4
"""Strength of praise beside which a wait is over."""

RELIEVED: Final = 0.4
"""Share with which a wait that is over counts."""

NEGATED_PRAISE: Final = 0.8
"""Share of its strength with which denied praise (不太满意, not happy) counts as discontent."""


@dataclass(frozen=True, slots=True)
class SentimentTerm:
    """A term found in a turn.

    Attributes:
        text: as it stands in the turn.
        start: offset of its first character.
        end: offset after its last.
        category: see `Term`; `positive`, `urgent`, or a kind of discontent.
        strength: after intensity, [0, 1].
        negated: denied; it then says nothing (denied praise counts as discontent and is not marked so).
        escalate: brings a person at once.
        negative: whether it counts as discontent.
        by_way: found by a way of complaining, not by a word of the lexicons.
    """

    text: str
    start: int
    end: int
    category: str
    strength: float
    negated: bool
    escalate: bool
    negative: bool
    by_way: bool = False


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What the words of a turn say about the caller's mood.

    Attributes:
        valence: -1 to 1; None where no word says anything.
        strength: of the discontent, [0, 1].
        escalate: an escalating term was said and not denied.
        urgent: a word of danger was said and not denied.
        terms: all that was found, denied ones included, in order.
    """

    valence: float | None = None
    strength: float = 0.0
    escalate: bool = False
    urgent: bool = False
    terms: tuple[SentimentTerm, ...] = ()

    @property
    def negative(self) -> bool:
        """Whether the caller expresses dissatisfaction, anger, distress or a complaint."""
        return self.strength >= NEGATIVE_FROM


def read_sentiment(heard: Heard, lexicons: tuple[Lexicon, ...]) -> Sentiment:
    """Sentiment of a turn; several strengths join as independent evidence (noisy or).

    Words of the lexicons count, and ways of complaining without them. What is only mentioned (投诉电话是多少) counts as
    denied.
    """
    mentions = find_mentions(heard)
    terms = [term for lexicon in lexicons for term in _read(heard, lexicon, mentions)]
    terms += _complaints(heard, terms, mentions)
    found = sorted(terms, key=lambda term: (term.start, term.end))
    calm = agree = 1.0
    said = [term for term in found if not term.negated]
    for term in said:
        if term.negative:
            calm *= 1 - term.strength
        elif term.category == "positive":
            agree *= 1 - term.strength
    telling = [term for term in said if term.category != "urgent"]
    return Sentiment(
        valence=round((1 - agree) - (1 - calm), 4) if telling else None,
        strength=round(1 - calm, 4),
        escalate=any(term.escalate for term in said),
        urgent=any(term.category == "urgent" for term in said),
        terms=tuple(found),
    )


def _read(heard: Heard, lexicon: Lexicon, mentions: tuple[tuple[int, int], ...]) -> Iterator[SentimentTerm]:
    for match in find_terms(heard, lexicon):
        if _cuts_number(heard.plain, match):
            continue
        if _within(match.start, match.end, mentions) and not match.term.positive:
            yield _weigh(heard, match, denied=True, intensity=1.0)
            continue
        negations, intensity = _before(heard, lexicon, match)
        denied = negations % 2 == 1 or _denied_after(heard, lexicon, match)
        yield _weigh(heard, match, denied, intensity)


def _complaints(
    heard: Heard, terms: list[SentimentTerm], mentions: tuple[tuple[int, int], ...]
) -> Iterator[SentimentTerm]:
    """Ways of complaining, each of which says something beside the words that were found already."""
    complaints = [one for one in find_complaints(heard) if not _within(one.start, one.end, mentions)]
    spans = [heard.offsets(one.start, one.end) for one in complaints]
    # "Great, so now …" is no praise: what lies within a complaint belongs to it.
    praise = max(
        (
            term.strength
            for term in terms
            if term.category == "positive"
            and not term.negated
            and not any(start <= term.start and term.end <= end for start, end in spans)
        ),
        default=0.0,
    )
    for one, (start, end) in zip(complaints, spans, strict=True):
        denied = any(term.negated and start <= term.start and term.end <= end for term in terms)
        yield SentimentTerm(
            text=heard.text[start:end],
            start=start,
            end=end,
            category=one.way.category,
            strength=round(one.way.strength * (RELIEVED if _is_relieved(one, praise) else 1.0), 4),
            negated=denied and one.way.escalate,
            escalate=one.way.escalate,
            negative=True,
            by_way=True,
        )


def _cuts_number(plain: str, match: Match) -> bool:
    """幺二三一五 within a longer number is a part of that."""
    if not all(one in DIGITS_ZH or one.isdigit() for one in plain[match.start : match.end]):
        return False
    around = plain[max(0, match.start - 1) : match.start] + plain[match.end : match.end + 1]
    return any(one in DIGITS_ZH or one.isdigit() for one in around)


def _is_relieved(complaint: Complaint, praise: float) -> bool:
    """等了三天，终于到了，太好了 tells of a wait that is over."""
    return praise >= PRAISE and complaint.way.category in {"delay", "service", "feeling"}


def _within(start: int, end: int, mentions: tuple[tuple[int, int], ...]) -> bool:
    place = bisect_right(mentions, (start, sys.maxsize)) if mentions else 0
    return any(first <= start and end <= last for first, last in mentions[max(0, place - 8) : place + 1])


def _weigh(heard: Heard, match: Match, denied: bool, intensity: float) -> SentimentTerm:
    term = match.term
    start, end = heard.offsets(match.start, match.end)
    praise_denied = denied and term.positive
    # 不太满意 is mild: what would heighten the praise does not heighten its denial.
    heightened = min(intensity, 1.0) * NEGATED_PRAISE if praise_denied else intensity
    return SentimentTerm(
        text=heard.text[start:end],
        start=start,
        end=end,
        category="feeling" if praise_denied else term.category,
        strength=round(min(term.strength * heightened, 1.0), 4),
        negated=denied and not term.positive,
        escalate=term.escalate,
        negative=praise_denied or not (term.positive or term.category == "urgent"),
    )


def _before(heard: Heard, lexicon: Lexicon, match: Match) -> tuple[int, float]:
    """Negators before a term and the intensity there, read backwards until something else stands in between."""
    if lexicon.language == "zh":
        return _before_spoken(heard, lexicon, match)
    negations, intensity, at = 0, 1.0, match.first_word
    words = heard.words
    for _ in range(REACH):
        for count in (2, 1):
            if at < count or _broken(heard, words[at - count].start, match.start):
                continue
            phrase = " ".join(word.text for word in words[at - count : at])
            if phrase in lexicon.intensifiers:
                intensity *= lexicon.intensifiers[phrase]
            elif phrase in lexicon.negators:
                negations += 1
            elif phrase not in lexicon.transparent:
                continue
            at -= count
            break
        else:
            break
    return negations, intensity


def _before_spoken(heard: Heard, lexicon: Lexicon, match: Match) -> tuple[int, float]:
    negations, intensity, at = 0, 1.0, match.start
    for _ in range(REACH):
        for length in range(min(4, at), 0, -1):
            piece = heard.plain[at - length : at]
            if piece in lexicon.questions:
                return negations, intensity
            if piece in lexicon.intensifiers:
                intensity *= lexicon.intensifiers[piece]
            elif piece in lexicon.negators:
                negations += not _rhetorical(heard, lexicon, piece, match)
            elif piece not in lexicon.transparent:
                continue
            at -= length
            break
        else:
            break
    return negations, intensity


def _rhetorical(heard: Heard, lexicon: Lexicon, negator: str, match: Match) -> bool:
    """这不是骗人吗 says that it is."""
    tail = heard.plain[match.end : match.end + 4]
    return negator in lexicon.rhetorical_negators and any(
        tail.startswith(ending) or tail[1:].startswith(ending) for ending in lexicon.rhetorical_endings
    )


def _denied_after(heard: Heard, lexicon: Lexicon, match: Match) -> bool:
    """投诉就不用了."""
    tail = heard.plain[match.end : match.end + 8]
    return any(tail.startswith(ending) for ending in lexicon.negators_after)


def _broken(heard: Heard, start: int, end: int) -> bool:
    return any(mark in BREAKS for mark in heard.plain[start:end])
