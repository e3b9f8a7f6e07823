"""What a provider's stream tells of itself: gaps, lateness and jitter of known truth, through the leg and as events."""

from __future__ import annotations

import pytest

from routing.media_watch import MediaWatch
from voice.clock import ManualClock
from voice.contracts.audio import Party, from_ms, from_s
from voice.stream.arrivals import Arrivals
from voice.stream.leg import StreamLeg
from voice.stream.messages import Media, Start, Track

pytestmark = pytest.mark.anyio
MESSAGE_MS = 20


def test_an_even_stream_has_neither_jitter_nor_late_ones() -> None:
    arrivals = Arrivals()
    for number in range(500):
        arrivals.note(number * MESSAGE_MS, 1000 + number * MESSAGE_MS * 1.00005, from_ms(MESSAGE_MS), 0)
    counts = arrivals.statistics()
    assert (counts.received, counts.late, counts.skipped) == (500, 0, 0)
    assert counts.jitter_ms < 0.01
    assert counts.played == from_s(10)


def test_jitter_is_what_rfc_3550_says() -> None:
    arrivals = Arrivals()
    for number in range(2000):
        arrivals.note(number * MESSAGE_MS, number * MESSAGE_MS + 30 * (number % 2), from_ms(MESSAGE_MS), 0)
    assert arrivals.statistics().jitter_ms == pytest.approx(30, rel=0.01)  # every step differs by 30 ms


@pytest.mark.parametrize(("stall_ms", "late"), [(150, 0), (600, 20)])
def test_what_comes_after_a_stall_is_late_until_it_has_caught_up(stall_ms: int, late: int) -> None:
    arrivals = Arrivals()
    stalled_at, over_at = 2000, 2000 + stall_ms
    for number in range(300):
        at_ms = number * MESSAGE_MS
        came_ms = over_at if stalled_at <= at_ms < over_at else at_ms
        arrivals.note(at_ms, came_ms, from_ms(MESSAGE_MS), 0)
    # Those that had to wait for more than 200 ms.
    assert arrivals.statistics().late == pytest.approx(late, abs=1)


async def test_a_leg_counts_gaps_and_the_call_says_what_is_known() -> None:
    clock = ManualClock()
    leg = StreamLeg(Start("MZ1", "CA1", frozenset({Track.INBOUND}), {}), clock)
    watch = MediaWatch()
    watch.attach(Party.CALLER, None, leg)
    assert watch.measure() == []
    frames = leg.source.frames()
    for number in [*range(50), *range(75, 100)]:
        clock.advance(MESSAGE_MS / 1000)
        await leg.take(Media("MZ1", Track.INBOUND, number * MESSAGE_MS, b"\xff" * 160))
        if number % 2 and number < 50:
            await anext(frames)
    measured = watch.measure()[0]
    assert measured.concealed == pytest.approx(0.25)
    assert measured.late == 0
    assert (measured.loss, measured.delay_ms, measured.round_trip_ms, measured.mos) == (None, None, None, None)
    # A time without any message is a time without sound.
    assert watch.measure()[0].concealed == 1.0
    await frames.aclose()
    leg.close()
    leg.sink.texts.close()
