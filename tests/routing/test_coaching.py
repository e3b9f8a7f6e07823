"""Hints come when they are due, not again too soon, and do not depend on which party's audio comes first."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import pytest

from asr.types import Language
from prosody.types import (
    EmotionBasis,
    EmotionLabel,
    EmotionLevel,
    EmotionScore,
    EmotionShift,
)
from routing.coaching import DEFAULT_COACHING, Coach, CoachSettings
from routing.events import CoachingHinted
from routing.floor import MOST_AHEAD, spoken
from routing.terms import HintKind
from voice.contracts.audio import FRAME_SAMPLES, Party, SegmentId, Span, from_s, to_s
from voice.contracts.errors import CapacityError, SettingsError
from voice.contracts.speech import EndReason

LEAD_IN_S, HANG_OVER_S, ANNOUNCED_S = 0.24, 0.56, 0.2
CALLER, AGENT = Party.CALLER, Party.AGENT


@dataclass(frozen=True)
class Speech:
    """Somebody speaks from `start_s` to `end_s`; the segment around it is as the segmenter makes it."""

    party: Party
    segment: int
    start_s: float
    end_s: float
    cut: bool = False
    continues: bool = False

    @property
    def span(self) -> Span:
        lead_in, hang_over = 0 if self.continues else LEAD_IN_S, 0 if self.cut else HANG_OVER_S
        return Span(from_s(self.start_s - lead_in), from_s(self.end_s + hang_over))

    @property
    def known_at(self) -> int:
        announced = FRAME_SAMPLES if self.continues else from_s(ANNOUNCED_S)
        return from_s(self.start_s) + announced

    @property
    def reason(self) -> EndReason:
        return EndReason.MAX_LENGTH if self.cut else EndReason.SILENCE


def tell(coach: Coach, party: Party, speeches: Iterable[Speech], begin: int, end: int) -> list[CoachingHinted]:
    """The party's audio from `begin` to `end`, frame by frame."""
    hints: list[CoachingHinted] = []
    for until in range(begin + FRAME_SAMPLES, end + FRAME_SAMPLES, FRAME_SAMPLES):
        for one in speeches:
            if one.party is party and until - FRAME_SAMPLES < one.known_at <= until:
                coach.open(party, SegmentId(one.segment), one.span.start, one.known_at)
            if one.party is party and until - FRAME_SAMPLES < one.span.end <= until:
                coach.close(party, one.span, one.reason)
        hints += coach.hear(party, until)
    return hints


def play(
    speeches: Sequence[Speech], length_s: float, *, settings: CoachSettings = DEFAULT_COACHING
) -> list[CoachingHinted]:
    """Both parties in step, as a replay has it."""
    coach = Coach(Language.ZH, settings)
    hints: list[CoachingHinted] = []
    for begin in range(0, from_s(length_s), FRAME_SAMPLES):
        for party in (CALLER, AGENT):
            hints += tell(coach, party, speeches, begin, begin + FRAME_SAMPLES)
    return hints


def of_kind(hints: Iterable[CoachingHinted], kind: HintKind) -> list[CoachingHinted]:
    return [hint for hint in hints if hint.kind is kind]


def near(span: Span, start_s: float, end_s: float) -> bool:
    return abs(to_s(span.start) - start_s) <= 0.03 and abs(to_s(span.end) - end_s) <= 0.03


def test_an_agent_who_talks_over_the_caller_is_told_while_it_lasts() -> None:
    hints = play([Speech(CALLER, 0, 1, 8), Speech(AGENT, 1, 3, 7)], 9)
    (hint,) = of_kind(hints, HintKind.TALKING_OVER)
    assert near(hint.span, 3, 4)
    assert hint.evidence == (0, 1)


@pytest.mark.parametrize(
    ("speeches", "why"),
    [
        ([Speech(CALLER, 0, 1, 8), Speech(AGENT, 1, 3, 3.7), Speech(AGENT, 2, 5, 5.6)], "signals of listening"),
        ([Speech(AGENT, 0, 1, 8), Speech(CALLER, 1, 3, 7)], "the caller interrupts"),
        ([Speech(CALLER, 0, 1.0, 5), Speech(AGENT, 1, 1.2, 5)], "both begin at once"),
        ([Speech(CALLER, 0, 1, 4), Speech(AGENT, 1, 3.2, 9)], "the agent begins 0.8 s early"),
        ([Speech(CALLER, 0, 1, 4), Speech(AGENT, 1, 4.1, 9)], "one after the other"),
        ([Speech(CALLER, 0, 1, 2), Speech(AGENT, 1, 1.5, 9), Speech(CALLER, 2, 4, 8)], "the caller comes back"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_taking_turns_is_not_talking_over(speeches: list[Speech], why: str) -> None:
    assert not of_kind(play(speeches, 10), HintKind.TALKING_OVER)


def test_an_overlap_just_long_enough_is_told_once() -> None:
    (hint,) = of_kind(play([Speech(CALLER, 0, 1, 4.02), Speech(AGENT, 1, 3, 9)], 10), HintKind.TALKING_OVER)
    assert near(hint.span, 3, 4)


def test_a_long_utterance_that_was_cut_goes_on() -> None:
    speeches = [
        Speech(CALLER, 0, 1, 16, cut=True),
        Speech(CALLER, 1, 16, 20, continues=True),
        Speech(AGENT, 2, 15.5, 18),
    ]
    (hint,) = of_kind(play(speeches, 21), HintKind.TALKING_OVER)
    assert near(hint.span, 15.5, 16.5)


def test_talking_over_again_is_not_told_again_too_soon() -> None:
    speeches = [
        Speech(CALLER, 0, 1, 60),
        *(Speech(AGENT, number, 3 + 5 * number, 6 + 5 * number) for number in range(1, 10)),
    ]
    hints = of_kind(play(speeches, 61), HintKind.TALKING_OVER)
    starts = [to_s(hint.span.end) for hint in hints]
    assert len(hints) == 3
    assert all(later - earlier >= DEFAULT_COACHING.overlap_again_s for earlier, later in pairwise(starts))


def test_a_long_silence_is_told_when_it_is_long_and_not_after_it() -> None:
    coach = Coach(Language.ZH)
    speeches = [Speech(CALLER, 0, 1, 3), Speech(AGENT, 1, 3.5, 5)]
    told: list[tuple[float, CoachingHinted]] = []
    for begin in range(0, from_s(30), FRAME_SAMPLES):
        for party in (CALLER, AGENT):
            told += [(to_s(begin), hint) for hint in tell(coach, party, speeches, begin, begin + FRAME_SAMPLES)]
    ((at_s, hint),) = told
    assert hint.kind is HintKind.LONG_SILENCE
    assert near(hint.span, 5, 13)
    assert abs(at_s - 13) <= 0.05
    assert hint.evidence == (0, 1)


def test_a_silence_that_goes_on_is_told_again_after_a_while() -> None:
    hints = play([], 100)
    assert [round(to_s(hint.span.end)) for hint in hints] == [8, 38, 68, 98]
    assert all(hint.evidence == () for hint in hints)


def test_whoever_speaks_ends_the_silence() -> None:
    caller = [Speech(CALLER, 2 * n, 7 * n + 1, 7 * n + 2) for n in range(6)]
    assert play(caller, 43) == []
    assert play([Speech(AGENT, 0, 1, 30)], 30.5) == []


def test_before_the_agent_serves_nothing_is_told() -> None:
    coach = Coach(Language.ZH, since=from_s(20))
    hints: list[CoachingHinted] = []
    for begin in range(0, from_s(30), FRAME_SAMPLES):
        for party in (CALLER, AGENT):
            hints += tell(coach, party, [], begin, begin + FRAME_SAMPLES)
    (hint,) = hints
    assert near(hint.span, 20, 28)
    assert not coach.feel(SegmentId(0), Span(0, from_s(5)), score(0.9), None)


@pytest.mark.parametrize("seed", range(30))
def test_the_order_in_which_the_parties_are_heard_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)  # a test's dice
    speeches: list[Speech] = []
    number = 0
    for party in (CALLER, AGENT):
        at = rng.uniform(0.3, 3)
        while at < 80:
            length = rng.uniform(0.3, 9)
            speeches.append(Speech(party, number, at, at + length))
            number += 1
            at += length + rng.choice([rng.uniform(0.9, 4), rng.uniform(8, 14)])
    expected = play(speeches, 100)
    assert expected
    coach = Coach(Language.ZH)
    heard = {CALLER: 0, AGENT: 0}
    hints: list[CoachingHinted] = []
    length = from_s(100)
    while min(heard.values()) < length:
        party = rng.choice([one for one in heard if heard[one] < length])
        step = min(length - heard[party], rng.randint(1, 200) * FRAME_SAMPLES)
        hints += tell(coach, party, speeches, heard[party], heard[party] + step)
        heard[party] += step
    assert hints == expected


def test_a_party_that_is_never_heard_does_not_fill_memory() -> None:
    coach = Coach(Language.ZH)
    with pytest.raises(CapacityError):
        for number in range(MOST_AHEAD):
            one = Speech(CALLER, number, 3 * number + 1, 3 * number + 2)
            coach.open(CALLER, SegmentId(number), one.span.start, one.known_at)
            coach.close(CALLER, one.span, one.reason)


def test_the_bot_is_not_the_agent() -> None:
    coach = Coach(Language.ZH)
    coach.open(Party.BOT, SegmentId(0), 0, 100)
    coach.close(Party.BOT, Span(0, 16000), EndReason.SILENCE)
    assert coach.hear(Party.BOT, from_s(100)) == []


def score(risk: float) -> EmotionScore:
    return EmotionScore(0.5, -0.5, 0.9, EmotionLabel.ANGRY, EmotionBasis.TONE_AND_WORDS, (), 0.5, -0.5, 0.2, 0.2, risk)


def turn(number: int) -> tuple[SegmentId, Span]:
    return SegmentId(number), Span(from_s(10 * number), from_s(10 * number + 3))


def shift(previous: EmotionLevel, current: EmotionLevel) -> EmotionShift:
    return EmotionShift(previous, current, Span(0, 16000), (SegmentId(0), SegmentId(1)), "arousal_high")


def test_a_shift_upwards_is_told_with_its_evidence() -> None:
    coach = Coach(Language.ZH)
    (hint,) = coach.feel(*turn(1), score(0.3), shift(EmotionLevel.SETTLED, EmotionLevel.TENSE))
    assert (hint.kind, hint.evidence, hint.span) == (HintKind.RISING_FRUSTRATION, (0, 1), Span(0, 16000))
    assert "紧张" in hint.reason.zh
    assert "tense" in hint.reason.en


def test_upset_is_answered_otherwise_than_tense() -> None:
    tense = Coach(Language.ZH).feel(*turn(1), score(0.3), shift(EmotionLevel.SETTLED, EmotionLevel.TENSE))
    upset = Coach(Language.ZH).feel(*turn(1), score(0.3), shift(EmotionLevel.TENSE, EmotionLevel.UPSET))
    assert tense[0].suggestion != upset[0].suggestion


def test_a_shift_downwards_is_good_news() -> None:
    assert not Coach(Language.ZH).feel(*turn(1), score(0.1), shift(EmotionLevel.UPSET, EmotionLevel.SETTLED))


def test_risk_that_rises_is_told_once_until_it_has_fallen() -> None:
    coach = Coach(Language.ZH)
    risks = [0.1, 0.5, 0.65, 0.9, 0.55, 0.7, 0.3, 0.2, 0.62]
    told = [number for number, risk in enumerate(risks) if coach.feel(*turn(number), score(risk), None)]
    assert told == [2, 8]


def test_frustration_is_not_told_again_too_soon() -> None:
    coach = Coach(Language.ZH)
    assert coach.feel(*turn(1), score(0.9), None)
    assert not coach.feel(*turn(2), score(0.9), shift(EmotionLevel.SETTLED, EmotionLevel.TENSE))
    assert coach.feel(*turn(4), score(0.9), shift(EmotionLevel.TENSE, EmotionLevel.UPSET))


def speak(coach: Coach, texts: Sequence[str], seconds: float) -> list[CoachingHinted]:
    """Finals of the agent, each with `seconds` of speech, one second apart."""
    hints: list[CoachingHinted] = []
    at = 1.0
    for number, text in enumerate(texts):
        one = Speech(AGENT, number, at, at + seconds)
        hints += coach.say(SegmentId(number), one.span, one.reason, text)
        at += seconds + 1
    return hints


@pytest.mark.parametrize(("characters", "told"), [(27, True), (21, False)])
def test_characters_a_second_are_counted_in_chinese(characters: int, told: bool) -> None:
    hints = speak(Coach(Language.ZH), ["您，好。" + "查" * (characters - 2)] * 4, 4.0)
    assert [hint.kind for hint in hints] == [HintKind.SPEAKING_TOO_FAST] * told
    if told:
        assert hints[0].evidence == (0, 1)
        assert "6.8" in hints[0].reason.zh


@pytest.mark.parametrize(("words", "told"), [(19, True), (15, False)])
def test_words_a_second_are_counted_in_english(words: int, told: bool) -> None:
    hints = speak(Coach(Language.EN), ["I'll check that, " + "now " * (words - 3)] * 4, 4.0)
    assert bool(hints) == told


def test_one_fast_sentence_is_not_fast_speech() -> None:
    texts = ["查" * 12, "查" * 12, "查" * 20, "查" * 10, "查" * 12, "查" * 12]
    assert not speak(Coach(Language.ZH), texts, 2.5)


def test_what_was_not_understood_says_nothing_about_pace() -> None:
    assert not speak(Coach(Language.ZH), ["", "……", "", ""] * 5, 4.0)


def test_pace_is_not_told_again_too_soon() -> None:
    hints = speak(Coach(Language.ZH), ["查" * 40] * 30, 4.0)
    assert len(hints) == 3


def test_a_segment_shorter_than_its_margins_holds_no_speech() -> None:
    assert spoken(Span(0, 3200), EndReason.SILENCE).length == 0
    assert spoken(Span(0, 16000), EndReason.MAX_LENGTH) == Span(3840, 16000)


@pytest.mark.parametrize("one", fields(CoachSettings), ids=lambda one: one.name)
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_settings_have_bounds(one: object, value: float) -> None:
    with pytest.raises(SettingsError):
        replace(DEFAULT_COACHING, **{one.name: value})  # type: ignore[attr-defined]  # a dataclass's field


def test_risk_falls_below_where_it_rises() -> None:
    with pytest.raises(SettingsError):
        CoachSettings(risk_from=0.3, risk_below=0.5)


def test_every_hint_says_why_and_what_to_do_in_both_languages() -> None:
    hints = [
        *play([Speech(CALLER, 0, 1, 8), Speech(AGENT, 1, 3, 7)], 20),
        *Coach(Language.ZH).feel(*turn(1), score(0.7), None),
        *Coach(Language.ZH).feel(*turn(1), score(0.3), shift(EmotionLevel.SETTLED, EmotionLevel.UPSET)),
        *speak(Coach(Language.EN), ["now " * 40] * 3, 4.0),
    ]
    assert {hint.kind for hint in hints} == set(HintKind)
    for hint in hints:
        for words in (hint.reason, hint.suggestion):
            assert any("\u4e00" <= character <= "\u9fff" for character in words.zh)
            assert words.en.isprintable()
            assert not any("\u4e00" <= character <= "\u9fff" for character in words.en)
