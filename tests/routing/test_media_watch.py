"""What is said of a leg's audio: differences, from the first packet on, and never more than there was."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.media_watch import EVERY_S, MediaWatch
from voice.clock import ManualClock
from voice.contracts.audio import Party
from voice.contracts.statistics import LegStatistics

SILENT = LegStatistics(
    received=0,
    lost=0,
    late=0,
    duplicate=0,
    refused=0,
    played=0,
    recovered=0,
    concealed=0,
    skipped=0,
    jitter_ms=0,
    delay_ms=0,
    round_trip_ms=None,
    skew_ms=0,
    sent=0,
    lost_on_the_way_out=None,
    mos=4.4,
)


class Leg:
    """Says what it is told to have counted."""

    def __init__(self) -> None:
        self.now = SILENT

    def statistics(self) -> LegStatistics:
        return self.now


@pytest.fixture
def leg() -> Leg:
    return Leg()


@pytest.fixture
def watch(leg: Leg) -> MediaWatch:
    watch = MediaWatch()
    watch.attach(Party.CALLER, None, leg)
    return watch


def test_nothing_is_said_before_the_first_packet(watch: MediaWatch) -> None:
    assert watch.measure() == []
    assert watch.last() == []


def test_each_measurement_is_of_the_time_since_the_last_one(watch: MediaWatch, leg: Leg) -> None:
    leg.now = replace(SILENT, received=90, lost=10, played=90 * 320, concealed=10 * 320, jitter_ms=4, delay_ms=40)
    (first,) = watch.measure()
    assert (first.loss, first.late, first.concealed) == pytest.approx((0.1, 0, 0.1))
    leg.now = replace(leg.now, received=190, played=190 * 320, round_trip_ms=80.0, lost_on_the_way_out=0.25)
    (second,) = watch.measure()
    assert (second.loss, second.concealed, second.round_trip_ms, second.lost_there) == (0, 0, 80.0, 0.25)
    assert (first.mos or 0) < (second.mos or 0)
    assert second.party is Party.CALLER


def test_a_late_packet_has_not_come_in_time_and_is_counted_once(watch: MediaWatch, leg: Leg) -> None:
    leg.now = replace(SILENT, received=99, lost=1, played=99 * 320, concealed=320)
    (first,) = watch.measure()
    assert (first.loss, first.late) == (0.01, 0)
    # The one that was missing comes, late; and so does another one that has never been missed at a measurement.
    leg.now = replace(leg.now, received=200, lost=0, late=2, played=198 * 320, concealed=640)
    (second,) = watch.measure()
    assert second.loss == pytest.approx(1 / 100)
    assert second.late == pytest.approx(2 / 100)


def test_media_that_stopped_is_time_without_sound(watch: MediaWatch, leg: Leg) -> None:
    leg.now = replace(SILENT, received=100, played=32_000)
    watch.measure()
    (stopped,) = watch.measure()
    assert stopped.concealed == 1
    assert 1 <= (stopped.mos or 0) < 2


def test_duplicates_are_neither_loss_nor_sound(watch: MediaWatch, leg: Leg) -> None:
    leg.now = replace(SILENT, received=150, duplicate=50, played=32_000)
    (found,) = watch.measure()
    assert (found.loss, found.concealed) == (0, 0)


def test_every_leg_of_a_call_is_measured_and_its_end_too(watch: MediaWatch, leg: Leg) -> None:
    other = Leg()
    other.now = replace(SILENT, received=10, played=3_200)
    watch.attach(Party.AGENT, "anna", other)
    leg.now = replace(SILENT, received=10, played=3_200)
    assert [(each.party, each.agent) for each in watch.measure()] == [(Party.CALLER, None), (Party.AGENT, "anna")]
    other.now = replace(other.now, received=20, played=6_400)
    watch.detach(Party.AGENT, "anna")
    watch.detach(Party.AGENT, "nobody")
    (gone,) = watch.last()
    # Of the caller nothing has come since the last measurement.
    assert (gone.party, gone.agent, gone.concealed) == (Party.AGENT, "anna", 0)
    assert watch.measure() == watch.last() == []


def test_a_leg_that_counts_nothing_is_passed_over() -> None:
    watch = MediaWatch()
    watch.attach(Party.CALLER, None, object())
    assert watch.measure() == []


@pytest.mark.anyio
async def test_it_is_written_every_five_seconds(watch: MediaWatch, leg: Leg) -> None:
    clock = ManualClock()
    written: list[list[object]] = []

    async def write(*events: object) -> None:
        written.append(list(events))

    async with watch.measuring(write, clock):
        for number in range(1, 4):
            leg.now = replace(leg.now, received=100 * number, played=32_000 * number)
            await anyio.wait_all_tasks_blocked()
            clock.advance(EVERY_S)
            await anyio.wait_all_tasks_blocked()
    assert [len(events) for events in written] == [1, 1, 1]


numbers = st.lists(st.integers(0, 5_000), min_size=8, max_size=8)


@given(before=numbers, after=numbers)
def test_shares_are_shares_whatever_was_counted(before: list[int], after: list[int]) -> None:
    names = ("received", "lost", "late", "duplicate", "played", "recovered", "concealed", "skipped")
    leg, watch = Leg(), MediaWatch()
    watch.attach(Party.CALLER, None, leg)
    for counted in (before, after):
        leg.now = replace(SILENT, **dict(zip(names, counted, strict=True)))
        for event in watch.measure():
            shares = (event.loss, event.late, event.concealed)
            assert all(share is not None and 0 <= share <= 1 for share in shares)
            assert 1 <= (event.mos or 0) <= 4.5
