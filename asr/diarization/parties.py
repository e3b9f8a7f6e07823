"""Which speaker is the caller, and who serves.

On an inbound call whoever serves picks up and greets, so the first to speak serves. Words decide against time where
one speaker alone says what only a contact center says. Both are rules that people can check and overrule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from asr.diarization.types import Diarization
from voice.contracts.audio import Party, Samples, Span, from_ms
from voice.contracts.errors import DiarizationError

SHORTEST_OPENING: Final[Samples] = from_ms(300)
"""A speaker's first turn counts as an opening from here on; shorter ones are clicks, breath, or a stray frame."""

GREETING_WITHIN: Final[Samples] = from_ms(30_000)
"""Greetings are looked for in each speaker's words up to here; later ones belong to transfers and farewells."""

FIRST: Final = "first"
SECOND: Final = "second"

_GREETINGS: Final = re.compile(
    r"(?:很?高兴|乐意)(?:能够?)?为[您你]服务|请问有?(?:什么|啥|哪些)(?:可以|能够?)?(?:帮|为)?到?[您你]?(?:帮|服务|效劳|的)"
    r"|(?:可以|能够?)帮到?[您你]|为[您你]服务|欢迎(?:致电|拨打|来电)|感谢[您你]?的?(?:致电|来电|拨打)"
    r"|工号|客服(?:中心|热线|专员|代表)?[^，。,.]{0,6}(?:为[您你]|号|，?您好)|(?:您好|你好|喂)[^。?？]{0,4}这里是"
    r"|\bthank(?:s| you) for (?:calling|ringing|contacting|holding)\b"
    r"|\bhow (?:can|may|could) (?:i|we) (?:help|assist|be of (?:help|assistance))\b"
    r"|\bwhat can i (?:do for|help) you\b|\bwelcome to\b|\byou(?:'| a)re (?:speaking|through) (?:with|to)\b"
    r"|\b(?:customer (?:service|care|support)|help ?desk|service desk)[, ]+(?:this is|my name is|how)\b",
    re.IGNORECASE,
)
"""What is said by those who serve, and hardly by those who call."""


class Ground(StrEnum):
    """What the parties were told apart by."""

    CHOSEN = "chosen"
    ONE_SPEAKER = "one_speaker"
    GREETING = "greeting"
    FIRST_SERVES = "first_serves"
    FIRST_CALLS = "first_calls"
    LONGEST_PRESENT = "longest_present"
    """More than two speakers: of those who do not serve first, the caller is the one present for longest."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words and when they were said, from a recognizer or a transcript."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is who.

    Attributes:
        of: the party by speaker, every speaker of the recording in it.
        ground: by what they were told apart.
        is_sure: whether the rule leaves little doubt; where it does not, people should listen, and may choose.
    """

    of: Mapping[str, Party]
    ground: Ground
    is_sure: bool

    def speakers(self, party: Party) -> tuple[str, ...]:
        """The speakers on one side."""
        return tuple(speaker for speaker, its in self.of.items() if its is party)


def assign_parties(
    diarization: Diarization, words: Sequence[Spoken] = (), *, caller: str | None = None, is_inbound: bool = True
) -> Parties:
    """Tell who calls and who serves.

    A single speaker is the caller, as in any mono recording. Where there are more than two, one is the caller and the
    others serve: a menu's voice, an agent, the colleague to whom the call went.

    Args:
        diarization: who speaks when.
        words: what was said where that is known, in any order.
        caller: `first` or `second` to speak, or a speaker's label; None finds out.
        is_inbound: the caller rang, so the other one speaks first; otherwise the caller does, picking up.

    Raises:
        DiarizationError: nobody speaks, or `caller` is nobody in the recording.
    """
    order = _order_of_entry(diarization)
    if not order:
        raise DiarizationError("Nobody speaks in this recording.", fix="Check that it is the right file.")
    if caller is not None:
        return _with_caller(_choose(caller, order), order, Ground.CHOSEN, is_sure=True)
    if len(order) == 1:
        return _with_caller(order[0], order, Ground.ONE_SPEAKER, is_sure=True)
    greeters = _greeters(diarization, words)
    if len(greeters) == 1:
        rest = [speaker for speaker in order if speaker not in greeters]
        return _with_caller(_longest_present(diarization, rest), order, Ground.GREETING, is_sure=len(order) == 2)
    if not is_inbound:
        return _with_caller(order[0], order, Ground.FIRST_CALLS, is_sure=len(order) == 2)
    if len(order) == 2:
        return _with_caller(order[1], order, Ground.FIRST_SERVES, is_sure=True)
    return _with_caller(_longest_present(diarization, order[1:]), order, Ground.LONGEST_PRESENT, is_sure=False)


def is_greeting(text: str) -> bool:
    """Whether somebody who serves says this."""
    return _GREETINGS.search(text) is not None


def _order_of_entry(diarization: Diarization) -> list[str]:
    """Speakers by their first turn worth the name; those who have none come last."""
    opened = [turn.speaker for turn in diarization.turns if turn.span.length >= SHORTEST_OPENING]
    return list(dict.fromkeys([*opened, *diarization.speakers]))


def _choose(caller: str, order: Sequence[str]) -> str:
    place = {FIRST: 0, SECOND: 1}.get(caller)
    if caller in order:
        return caller
    if place is None or place >= len(order):
        raise DiarizationError(
            f"The caller shall be {caller!r}; in this recording speak {', '.join(order)}, in this order.",
            fix=f"Choose {FIRST}, {SECOND}, or one of these labels.",
        )
    return order[place]


def _with_caller(caller: str, order: Sequence[str], ground: Ground, *, is_sure: bool) -> Parties:
    return Parties(
        {speaker: Party.CALLER if speaker == caller else Party.AGENT for speaker in order}, ground, is_sure=is_sure
    )


def _greeters(diarization: Diarization, words: Sequence[Spoken]) -> set[str]:
    found: set[str] = set()
    for said in words:
        if said.span.start < GREETING_WITHIN and is_greeting(said.text):
            speaker = _speaker_of(diarization, said.span)
            if speaker is not None:
                found.add(speaker)
    return found


def _speaker_of(diarization: Diarization, span: Span) -> str | None:
    """Who speaks for most of a span; None where nobody does."""
    talk: dict[str, Samples] = {}
    for turn in diarization.turns:
        shared = min(turn.span.end, span.end) - max(turn.span.start, span.start)
        if shared > 0:
            talk[turn.speaker] = talk.get(turn.speaker, 0) + shared
    return max(talk, key=lambda speaker: talk[speaker]) if talk else None


def _longest_present(diarization: Diarization, among: Sequence[str]) -> str:
    """Who is heard over the longest stretch of the call, from their first word to their last."""

    def presence(speaker: str) -> Samples:
        spans = diarization.of_speaker(speaker)
        return spans[-1].end - spans[0].start

    return max(among, key=presence)
