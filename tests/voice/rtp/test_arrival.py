"""Packets are counted past their wraps, and delays become a moment to play."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.rtp.arrival import ArrivalJitter, DelayLimits, PlayoutDelay, SequenceCount, stamp_distance


@given(st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1))
def test_stamps_are_compared_across_a_wrap(before: int, distance: int) -> None:
    assert stamp_distance((before + distance) % 2**32, before) == distance


def test_numbers_go_on_past_their_wrap_and_losses_are_counted() -> None:
    count = SequenceCount(65_000)
    for number in range(2_000):
        if number % 10 == 5:
            continue
        extended = count.extend((65_000 + number) % 65_536)
        assert extended == 65_000 + number
        assert count.note(extended)
        assert not count.note(extended)
    assert (count.expected, count.received, count.lost) == (2_000, 1_800, 200)
    assert count.fraction_lost() == 25  # a tenth of 256
    assert count.fraction_lost() == 0


@pytest.mark.parametrize(
    ("sequence", "extended"), [(1_000, 1_000), (3_999, 3_999), (901, 901), (4_001, None), (899, None)]
)
def test_a_number_too_far_away_belongs_to_another_count(sequence: int, extended: int | None) -> None:
    count = SequenceCount(1_000)
    count.note(1_000)
    assert count.extend(sequence) == extended


def test_jitter_is_what_rfc_3550_estimates() -> None:
    even, uneven = ArrivalJitter(), ArrivalJitter()
    for number in range(500):
        even.note(0.03)
        uneven.note(0.03 + 0.01 * (number % 2))
    assert even.seconds == 0
    assert uneven.seconds == pytest.approx(0.01, rel=1e-6)


@given(st.lists(st.floats(0, 0.3), min_size=200, max_size=400), st.floats(-1e6, 1e6))
def test_all_but_the_quantile_come_in_time(delays: list[float], clock_offset_s: float) -> None:
    delay = PlayoutDelay(DelayLimits(packets=200))
    for each in delays:
        delay.note(each + clock_offset_s)
    late = [each for each in delays[-200:] if each + clock_offset_s > delay.offset_s]
    assert len(late) <= (1 - DelayLimits().quantile) * 200
    assert DelayLimits().least_s - 1e-6 <= delay.buffered_s <= DelayLimits().most_s + 1e-6


def test_the_delay_grows_at_once_and_shrinks_slowly() -> None:
    delay = PlayoutDelay(DelayLimits(packets=100))
    rng = np.random.default_rng(0)
    for each in rng.uniform(0, 0.1, 100):
        delay.note(each)
    waited_s = delay.offset_s
    assert waited_s > 0.09
    for _ in range(100):
        delay.note(0.0)
        delay.shrink(0.02)
    assert 0.02 < waited_s - delay.offset_s <= 2 * DelayLimits().shrink + 1e-9
    for _ in range(300):
        delay.note(0.0)
        delay.shrink(0.02)
    assert delay.buffered_s == pytest.approx(DelayLimits().least_s)
