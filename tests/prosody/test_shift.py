"""Levels have hysteresis and a dwell."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosody.curve import GAP_S
from prosody.shift import DEFAULT_SHIFT, ShiftDetector, ShiftSettings, distress, distress_sd
from prosody.types import EmotionLevel, EmotionShift
from voice.contracts.audio import SegmentId, Span, from_s, to_s
from voice.contracts.errors import SettingsError

TENSE, UPSET = DEFAULT_SHIFT.enter
CALM, CALMER = DEFAULT_SHIFT.leave


@dataclass
class Caller:
    """Utterances of given distress, one after the other."""

    detector: ShiftDetector = field(default_factory=ShiftDetector)
    spans: list[Span] = field(default_factory=list)

    def say(
        self, own: float, curve: float, *, silence_s: float = 2, length_s: float = 3, confidence: float = 0.9
    ) -> EmotionShift | None:
        """One utterance whose distress, and the curve's, come half from arousal and half from valence."""
        start = (self.spans[-1].end if self.spans else 0) + from_s(silence_s)
        self.spans.append(Span(start, start + from_s(length_s)))
        unit = 1 / distress(1e-3, -1e-3) * 1e-3
        return self.detector.observe(
            SegmentId(len(self.spans) - 1),
            self.spans[-1],
            own=(own * unit, -own * unit),
            curve=(curve * unit, -curve * unit),
            confidence=confidence,
        )


def name(shift: EmotionShift | None) -> str | None:
    return None if shift is None else f"{shift.previous}>{shift.current}"


def test_distress_joins_both() -> None:
    assert distress(0.3, -0.3) == pytest.approx(distress(0.3, 0) + distress(0, -0.3))
    assert distress(0, 0) == distress(-1, 0) == 0
    assert distress(1, -1) == 1


def test_joy_stays_low_and_quiet_displeasure_does_not() -> None:
    assert distress(0.8, 0.8) < 0.1
    assert distress(-1, 1) == 0
    assert distress(-0.6, -0.7) > TENSE


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 2), st.floats(0, 2))
def test_distress_never_falls_as_arousal_rises_or_valence_falls(
    arousal: float, valence: float, up: float, down: float
) -> None:
    before = distress(arousal, valence)
    assert 0 <= before <= 1
    assert distress(min(1.0, arousal + up), max(-1.0, valence - down)) >= before - 1e-12


def test_its_deviation_is_that_of_the_sum() -> None:
    assert distress_sd(0.3, 0.0) == pytest.approx(distress(0.3, 0))
    assert distress_sd(0.0, 0.4) == pytest.approx(distress(0, -0.4))
    assert distress_sd(0.3, 0.4) ** 2 == pytest.approx(distress_sd(0.3, 0) ** 2 + distress_sd(0, 0.4) ** 2)


def test_levels_have_hysteresis() -> None:
    caller = Caller()
    between = (TENSE + CALM) / 2
    assert caller.say(TENSE, between) is None
    assert name(caller.say(TENSE, TENSE + 0.01)) == "settled>tense"
    assert [caller.say(between, between) for _ in range(6)] == [None] * 6
    assert name(caller.say(0.1, CALM - 0.01)) == "tense>settled"


def test_a_curve_that_hovers_at_a_threshold_does_not_chatter() -> None:
    caller = Caller()
    shifts = [caller.say(TENSE, TENSE + (0.01 if number % 2 else -0.01)) for number in range(40)]
    assert sum(shift is not None for shift in shifts) == 1


def test_one_utterance_is_not_enough_however_loud_or_long() -> None:
    caller = Caller()
    caller.say(0.0, 0.0)
    assert caller.say(1.0, 0.9, length_s=15) is None
    assert caller.say(0.0, 0.8) is None
    assert caller.detector.level is EmotionLevel.SETTLED


def test_two_loud_ones_go_straight_to_upset() -> None:
    caller = Caller()
    caller.say(0.0, 0.0)
    caller.say(0.9, 0.5)
    shift = caller.say(0.9, 0.8)
    assert name(shift) == "settled>upset"
    assert shift is not None
    assert shift.segments == (1, 2)
    assert shift.span == Span(caller.spans[1].start, caller.spans[2].end)
    assert shift.reason == "arousal_high+valence_low"


def test_cries_in_quick_succession_wait_for_the_dwell() -> None:
    caller = Caller()
    found = [name(caller.say(0.9, 0.8, length_s=0.7, silence_s=0.6)) for _ in range(6)]
    assert found[:3] == [None, None, None]
    shift_at = found.index("settled>upset")
    assert to_s(caller.spans[shift_at].end - caller.spans[0].start) >= DEFAULT_SHIFT.rise_s
    assert to_s(caller.spans[shift_at - 1].end - caller.spans[0].start) < DEFAULT_SHIFT.rise_s


def test_a_level_lasts_at_least_its_dwell() -> None:
    caller = Caller()
    caller.say(0.9, 0.8)
    caller.say(0.9, 0.8)
    risen = len(caller.spans)
    settled = None
    while settled is None:
        settled = caller.say(0.0, 0.0, length_s=0.8, silence_s=0.2)
    assert settled.reason == "settling"
    assert settled.segments[0] == risen
    assert to_s(settled.span.length) >= DEFAULT_SHIFT.settle_s
    assert to_s(settled.span.length) < DEFAULT_SHIFT.settle_s + 1
    assert len(settled.segments) > 8, "all that the dwell took are named"


def test_a_long_row_names_its_latest_utterances() -> None:
    caller = Caller()
    for _ in range(30):
        assert caller.say(TENSE, TENSE - 0.01) is None
    shift = caller.say(TENSE, TENSE + 0.01)
    assert shift is not None
    assert shift.segments == tuple(range(23, 31))


def test_what_cannot_be_judged_neither_helps_nor_hinders() -> None:
    caller = Caller()
    caller.say(0.9, 0.5)
    assert caller.say(0.0, 0.5, confidence=0.1) is None
    assert name(caller.say(0.9, 0.8)) == "settled>upset"


def test_a_long_silence_ends_a_row() -> None:
    caller = Caller()
    caller.say(0.9, 0.5)
    assert caller.say(0.9, 0.8, silence_s=GAP_S) is None
    assert name(caller.say(0.9, 0.8)) == "settled>upset"


def test_sounds_that_cannot_be_judged_bridge_no_silence_but_their_own() -> None:
    caller = Caller()
    caller.say(0.9, 0.5)
    for _ in range(3):
        caller.say(0.0, 0.5, silence_s=GAP_S - 2, confidence=0.0)
    assert name(caller.say(0.9, 0.8)) == "settled>upset"


@pytest.mark.parametrize(
    ("arousal", "valence", "reason"),
    [(0.9, -0.1, "arousal_high"), (0.2, -0.9, "valence_low"), (0.8, -0.5, "arousal_high+valence_low")],
)
def test_the_reason_names_what_carries_the_distress(arousal: float, valence: float, reason: str) -> None:
    detector, shift = ShiftDetector(), None
    for number in range(3):
        span = Span(from_s(5 * number), from_s(5 * number + 4))
        found = detector.observe(
            SegmentId(number), span, own=(arousal, valence), curve=(arousal, valence), confidence=0.9
        )
        shift = shift or found
    assert shift is not None
    assert shift.reason == reason


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 30), st.floats(0.1, 15), st.floats(0, 1)), max_size=60))
def test_shifts_join_and_bring_their_evidence(course: list[tuple[float, float, float, float]]) -> None:
    caller, level, since = Caller(), EmotionLevel.SETTLED, 0
    for value, silence_s, length_s, confidence in course:
        shift = caller.say(value, value, silence_s=silence_s, length_s=length_s, confidence=confidence)
        if shift is None:
            continue
        assert shift.previous is level
        assert shift.current is not level
        assert len(shift.segments) >= DEFAULT_SHIFT.utterances
        down = shift.reason == "settling"
        assert to_s(shift.span.length) >= (DEFAULT_SHIFT.settle_s if down else DEFAULT_SHIFT.rise_s)
        assert shift.span == Span(caller.spans[shift.segments[0]].start, caller.spans[shift.segments[-1]].end)
        if down:
            assert shift.span.start >= since
        level, since = shift.current, shift.span.end
    assert caller.detector.level is level


@pytest.mark.parametrize(
    "settings",
    [
        {"leave": (0.45, 0.45), "enter": (0.45, 0.6)},
        {"leave": (0.3, 0.7), "enter": (0.45, 0.6)},
        {"enter": (0.6, 0.6)},
        {"enter": (0.0, 0.6)},
        {"enter": (0.45, 1.2)},
        {"enter": (0.45, float("nan"))},
        {"leave": (float("nan"), 0.4)},
        {"leave": (0.0, 0.4)},
        {"utterances": 0},
        {"utterances": 9},
        {"rise_s": -1.0},
        {"settle_s": 61.0},
        {"settle_s": float("nan")},
    ],
)
def test_settings_without_hysteresis_or_sense_are_refused(settings: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(SettingsError, match="The settings of shifts have to satisfy"):
        ShiftSettings(**settings)  # type: ignore[arg-type]  # each case gives one field a value of its own type
