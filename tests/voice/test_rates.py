"""How often something may be begun."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.rates import MAX_SOURCES, RateLimit, SourceRates, TokenBucket, subscriber


@given(st.lists(st.floats(0, 0.3), max_size=300))
def test_a_bucket_never_lets_more_through_than_it_says(pauses: list[float]) -> None:
    bucket = TokenBucket(RateLimit(10, 5), 0.0)
    now = 0.0
    taken = 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
        assert taken <= 5 + now * 10 + 1e-6


def test_who_waits_as_long_as_was_said_may_begin_and_no_sooner() -> None:
    rates = SourceRates(RateLimit(0.5, 2))
    assert [rates.wait_s("192.0.2.1", 10.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert rates.admits("192.0.2.2", 10.0)  # another one's bucket is their own
    assert rates.wait_s("192.0.2.1", 11.0) == pytest.approx(1.0)
    assert not rates.admits("192.0.2.1", 11.9)
    assert rates.admits("192.0.2.1", 12.0)
    assert not rates.admits("192.0.2.1", 5.0)  # a clock that runs backwards fills nothing


def test_the_table_is_bounded_and_forgets_who_was_silent_longest() -> None:
    rates = SourceRates(RateLimit(0.001, 1))
    assert rates.admits("192.0.2.1", 0.0)
    for number in range(MAX_SOURCES):
        rates.admits(f"source {number}", 1.0)
    assert len(rates) == MAX_SOURCES
    assert rates.admits("192.0.2.1", 1.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("no address", "no address either", False),
        ("x" * 64, "x" * 10_000, True),
    ],
)
def test_a_subscriber_is_one_whatever_address_of_theirs_they_use(one: str, other: str, same: bool) -> None:
    assert (subscriber(one) == subscriber(other)) is same
