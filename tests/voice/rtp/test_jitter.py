"""The jitter buffer: whatever comes, the time axis goes forward and every sound lies in its right place."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.rtp.arrival import DelayLimits
from voice.rtp.jitter import Arrival, JitterBuffer, JitterLimits, PayloadFacts
from voice.rtp.packet import RtpPacket
from voice.rtp.pieces import Concealed, Piece, Played, Quiet, Recovered

RATE = 48_000
PACKET = 960
PLAIN, COPY, SILENT = b"plain", b"copy.", b"."
FACTS = PayloadFacts(
    RATE,
    samples=lambda _: PACKET,
    is_silence=lambda payload: payload.startswith(b"."),
    has_redundancy=lambda payload: payload.startswith(b"copy"),
)


def packet(number: int, payload: bytes = PLAIN, *, ssrc: int = 1, first: int = 0, stamp: int = 0) -> RtpPacket:
    """The n-th packet of a stream whose numbers begin with `first` and time stamps with `stamp`."""
    return RtpPacket(96, False, (first + number) % 2**16, (stamp + number * PACKET) % 2**32, ssrc, payload)


def replayed(
    arrivals: list[tuple[float, RtpPacket]], *, limits: JitterLimits | None = None, until_s: float = 2.0
) -> tuple[list[tuple[float, Piece]], JitterBuffer]:
    """What comes out when the packets come in at these moments and the buffer is asked whenever something is due."""
    buffer = JitterBuffer(FACTS, limits)
    given: list[tuple[float, Piece]] = []

    def give(until: float) -> None:
        while (due_s := buffer.due_s()) is not None and due_s <= until:
            piece = buffer.take(due_s)
            if piece is not None:
                given.append((due_s, piece))

    for at, each in arrivals:
        give(at)
        buffer.add(each, at)
    give(until_s + (arrivals[-1][0] if arrivals else 0))
    return given, buffer


def on_time(numbers: range | list[int], payload: bytes = PLAIN) -> list[tuple[float, RtpPacket]]:
    return [(1.0 + number * 0.02, packet(number, payload)) for number in numbers]


def kinds(given: list[tuple[float, Piece]]) -> list[type[Piece]]:
    return [type(piece) for _, piece in given]


def test_a_steady_stream_is_played_in_order_after_a_short_wait() -> None:
    given, buffer = replayed(on_time(range(500)))
    played = [piece for _, piece in given if isinstance(piece, Played)]
    assert [piece.start for piece in played] == [n * PACKET for n in range(500)]
    assert given[499][0] - (1.0 + 499 * 0.02) == pytest.approx(DelayLimits().least_s, abs=1e-6)
    assert (buffer.counts.received, buffer.lost, buffer.counts.late) == (500, 0, 0)


def test_numbers_and_stamps_wrap_without_a_trace() -> None:
    stream = [(n * 0.02, packet(n, first=65_530, stamp=2**32 - 5 * PACKET)) for n in range(40)]
    given, buffer = replayed(stream)
    assert [piece.start for _, piece in given if isinstance(piece, Played)] == [n * PACKET for n in range(40)]
    assert buffer.lost == 0


def test_a_lost_packet_is_recovered_from_the_next_one() -> None:
    given, buffer = replayed(on_time([n for n in range(60) if n != 30], COPY))
    assert [piece for _, piece in given[:60]][30] == Recovered(30 * PACKET, PACKET, COPY)
    assert kinds(given[:60]).count(Played) == 59
    assert buffer.lost == 1


def test_the_first_loss_makes_the_buffer_wait_for_copies_and_a_long_peace_ends_that() -> None:
    lost = {100}
    given, buffer = replayed(on_time([n for n in range(2_000) if n not in lost], COPY))
    waits = {piece.start // PACKET: at - (1.0 + piece.start / RATE) for at, piece in given if isinstance(piece, Played)}
    assert waits[300] == pytest.approx(0.035, abs=1e-6)
    assert waits[1_900] == pytest.approx(0.015, abs=1e-6)
    assert buffer.counts.late == 0


def test_of_several_lost_packets_the_last_is_recovered_and_the_others_concealed() -> None:
    given, _ = replayed(on_time([n for n in range(60) if n not in {30, 31, 32}], COPY))
    assert kinds(given[29:35]) == [Played, Concealed, Concealed, Recovered, Played, Played]


def test_without_copies_a_loss_is_concealed() -> None:
    given, buffer = replayed(on_time([n for n in range(60) if n != 30]))
    assert given[30][1] == Concealed(30 * PACKET, PACKET)
    assert buffer.counts.concealed == PACKET + round(JitterLimits().conceal_s * RATE)  # and what follows the end


def test_a_long_loss_is_concealed_for_a_while_and_then_left_out() -> None:
    given, buffer = replayed(on_time([n for n in range(100) if not 30 <= n < 60]))
    starts = [piece.start // PACKET for _, piece in given]
    assert starts[:36] == list(range(36))
    assert starts[36] == 60
    assert buffer.counts.skipped == 24 * PACKET
    assert buffer.lost == 30


def test_after_a_pause_sound_goes_on_where_the_stamps_say() -> None:
    stream = [*on_time(range(10)), *on_time(range(3_010, 3_020))]
    stream = [(at, RtpPacket(96, False, n, each.timestamp, 1, PLAIN)) for n, (at, each) in enumerate(stream)]
    given, buffer = replayed(stream)
    assert [p.start // PACKET for _, p in given if isinstance(p, Played)] == [*range(10), *range(3_010, 3_020)]
    assert (buffer.lost, buffer.counts.late) == (0, 0)


def test_a_silent_sender_is_followed_quietly_and_nothing_counts_as_lost() -> None:
    talk = [(n * 0.02, packet(n)) for n in range(20)]
    talk.append((20 * 0.02, packet(20, SILENT)))
    # The next packet has the next number, but lies 400 ms further on.
    talk += [(n * 0.02, RtpPacket(96, True, n - 19, n * PACKET, 1, PLAIN)) for n in range(40, 50)]
    given, buffer = replayed(talk)
    pieces = [piece for _, piece in given]
    assert [type(piece) for piece in pieces[21:40]] == [Quiet] * 19
    assert [piece.start for piece in pieces[:50]] == [n * PACKET for n in range(50)]
    assert (buffer.lost, buffer.counts.skipped) == (0, 0)


def test_what_comes_late_is_counted_and_makes_the_buffer_wait_longer() -> None:
    stream = [(at + (0.08 if n in {100, 104, 108} else 0), each) for n, (at, each) in enumerate(on_time(range(200)))]
    given, buffer = replayed(sorted(stream, key=lambda arrival: arrival[0]))
    assert 1 <= buffer.counts.late <= 3
    assert isinstance(given[100][1], Concealed)
    assert buffer.lost == 0
    wait = given[150][0] - (1.0 + given[150][1].start / RATE)
    assert 0.04 < wait <= 0.08 + DelayLimits().margin_s + 1e-9


def test_overtaken_packets_are_put_in_order() -> None:
    stream = on_time(range(200))
    stream = [(at + (0.05 if n % 7 == 3 else 0), each) for n, (at, each) in enumerate(stream)]
    given, buffer = replayed(sorted(stream, key=lambda arrival: arrival[0]))
    assert [p.start // PACKET for _, p in given if isinstance(p, Played)] == list(range(200))
    assert buffer.counts.late == 0


def test_a_packet_that_was_overtaken_at_the_very_start_is_not_lost() -> None:
    stream = [(1.0, packet(1)), (1.01, packet(0)), (1.04, packet(2))]
    given, buffer = replayed(stream)
    assert [p.start for _, p in given if isinstance(p, Played)] == [-PACKET, 0, PACKET]
    assert buffer.counts.late == 0


def test_replayed_packets_are_counted_and_change_nothing() -> None:
    twice = [arrival for arrival in on_time(range(100)) for _ in range(2)]
    given, buffer = replayed(twice)
    assert given == replayed(on_time(range(100)))[0]
    assert buffer.counts.duplicate == 100
    assert buffer.add(packet(5), 4.0) is Arrival.DUPLICATE


def test_one_packet_of_another_stream_changes_nothing() -> None:
    stream = on_time(range(100))
    foreign = [(1.505, packet(7, b"evil", ssrc=9, stamp=123_456)), (1.705, packet(70, b"evil", ssrc=9))]
    given, buffer = replayed(sorted(stream + foreign, key=lambda arrival: arrival[0]))
    assert given == replayed(stream)[0]
    assert buffer.counts.stray == 2


def test_another_stream_goes_on_where_the_first_one_ended() -> None:
    second = [(1.0 + n * 0.02, packet(n, ssrc=2, first=999, stamp=77)) for n in range(50, 100)]
    given, buffer = replayed(on_time(range(50)) + second)
    played = [piece.start / PACKET for _, piece in given if isinstance(piece, Played)]
    assert played == pytest.approx(list(range(100)), abs=0.05)
    assert (buffer.ssrc, buffer.lost, buffer.counts.stray) == (2, 0, 0)


@pytest.mark.parametrize("leap", [6 * RATE, 2**31, -11 * RATE, 2**31 - 1])
def test_stamps_that_leap_without_reason_go_on_from_where_the_clock_is(leap: int) -> None:
    leapt = [
        (at, RtpPacket(96, False, each.sequence, (each.timestamp + leap) % 2**32, 1, PLAIN))
        for at, each in on_time(range(50, 100))
    ]
    given, _ = replayed(on_time(range(50)) + leapt)
    played = [piece.start / PACKET for _, piece in given if isinstance(piece, Played)]
    assert played == pytest.approx(list(range(100)), abs=0.05)


def test_a_flood_is_bounded() -> None:
    buffer = JitterBuffer(FACTS, JitterLimits(packets=50))
    arrivals = [buffer.add(packet(n), 1.0) for n in range(2_000)]
    assert buffer.waiting == 50
    assert arrivals.count(Arrival.OVERFLOW) + arrivals.count(Arrival.STRAY) + arrivals.count(Arrival.HELD) == 2_000


steps = st.one_of(
    st.tuples(st.just("next"), st.integers(0, 4), st.floats(0, 0.1)),
    st.tuples(st.just("stamp"), st.integers(0, 2**32 - 1), st.floats(0, 0.1)),
    st.tuples(st.just("number"), st.integers(0, 2**16 - 1), st.floats(0, 0.1)),
    st.tuples(st.just("ssrc"), st.integers(0, 2), st.floats(0, 0.1)),
    st.tuples(st.just("wait"), st.just(0), st.floats(0, 20)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=60), st.lists(st.sampled_from([PLAIN, COPY, SILENT]), min_size=1, max_size=5))
def test_any_sequence_gives_an_axis_that_goes_forward(
    stream: list[tuple[str, int, float]], payloads: list[bytes]
) -> None:
    buffer = JitterBuffer(FACTS, JitterLimits(packets=40))
    now_s, number, stamp, ssrc = 5.0, 0, 0, 0
    pieces: list[Piece] = []
    for index, (what, value, wait_s) in enumerate(stream):
        now_s += wait_s
        if what == "next":
            number, stamp = (number + value) % 2**16, (stamp + value * PACKET) % 2**32
        elif what == "stamp":
            stamp = value
        elif what == "number":
            number = value
        elif what == "ssrc":
            ssrc = value
        if what != "wait":
            buffer.add(RtpPacket(96, False, number, stamp, ssrc, payloads[index % len(payloads)]), now_s)
        while (piece := buffer.take(now_s)) is not None:
            pieces.append(piece)
        assert buffer.waiting <= 40
        due_s = buffer.due_s()
        assert due_s is None or due_s > now_s
    assert all(piece.samples > 0 for piece in pieces)
    assert all(before.start + before.samples <= after.start for before, after in pairwise(pieces))
    # Nothing lies further ahead than the clock allows.
    assert all(piece.start <= (now_s - 5.0 + 2 * JitterLimits().ahead_s + 1) * RATE for piece in pieces)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_packet_that_is_played_lies_where_its_stamp_says(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 80))
    delays = data.draw(st.lists(st.floats(0, 0.3), min_size=count, max_size=count))
    lost = data.draw(st.sets(st.integers(0, count - 1)))
    first = data.draw(st.integers(0, 2**16 - 1))
    stamp = data.draw(st.integers(0, 2**32 - 1))
    stream = sorted(
        (
            (1.0 + n * 0.02 + delays[n], packet(n, b"copy" + bytes([n]), first=first, stamp=stamp))
            for n in range(count)
            if n not in lost
        ),
        key=lambda arrival: arrival[0],
    )
    given, buffer = replayed(stream)
    if not stream:
        assert not given
        return
    origin = stream[0][1].payload[4]
    played = [piece for _, piece in given if isinstance(piece, Played)]
    assert all(piece.start == (piece.payload[4] - origin) * PACKET for piece in played)
    recovered = [piece for _, piece in given if isinstance(piece, Recovered)]
    assert all(piece.start == (piece.following[4] - 1 - origin) * PACKET for piece in recovered)
    assert len(played) + buffer.counts.late == len(stream)


@given(
    st.lists(
        st.tuples(st.integers(0, 79), st.floats(0, 0.08)), min_size=20, max_size=80, unique_by=lambda each: each[0]
    )
)
@settings(max_examples=60, deadline=None)
def test_who_asks_early_gets_packets_early_and_makes_nothing_up_before_its_time(sent: list[tuple[int, float]]) -> None:
    arrivals = sorted((1 + number * 0.02 + late_s, packet(number)) for number, late_s in sent)
    buffer = JitterBuffer(FACTS)
    end, moment_s = -100 * PACKET, 1.0
    while moment_s < 4:
        while arrivals and arrivals[0][0] <= moment_s:
            buffer.add(arrivals[0][1], arrivals.pop(0)[0])
        due_s, position = buffer.due_s(), buffer.position
        while (piece := buffer.take(moment_s, 0.01)) is not None:
            assert piece.start >= end
            assert due_s is not None
            # A jump over what is given up moves the axis on, so only a piece in its place says when it was due.
            if piece.start == position:
                assert moment_s >= due_s - (0.01 if isinstance(piece, Played) else 0) - 1e-9
            end = piece.start + piece.samples
            due_s, position = buffer.due_s(), buffer.position
        moment_s += 0.005
