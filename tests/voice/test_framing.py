"""The framer lays samples on the grid at their media time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.audio.framing import Framer
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, on_16_bit_grid


def ramp(start: int, length: int) -> Pcm:
    """Audio whose every sample tells its own media time, on the 16-bit grid and never 0."""
    return ((np.arange(start, start + length) % 30_000 + 1) / 32_768).astype(np.float32)


def laid_out(frames: list[AudioFrame]) -> Pcm:
    track = np.zeros(max((frame.span.end for frame in frames), default=0), np.float32)
    for frame in frames:
        track[frame.start : frame.span.end] = frame.pcm
    return track


@given(st.lists(st.integers(0, 2_000), max_size=20))
def test_any_chunks_make_the_same_frames(sizes: list[int]) -> None:
    framer, frames, at = Framer(Party.CALLER), [], 0
    for size in sizes:
        frames += framer.feed(ramp(at, size), None)
        at += size
    assert framer.position == at
    frames += framer.flush()
    assert [frame.start for frame in frames] == list(range(0, at, FRAME_SAMPLES))
    track = laid_out(frames)
    assert np.array_equal(track[:at], ramp(0, at))
    assert not track[at:].any()


@given(st.lists(st.tuples(st.integers(1, 960), st.integers(-160, 160)), max_size=30))
def test_jitter_of_the_stamps_is_ignored(packets: list[tuple[int, int]]) -> None:
    framer, frames, at = Framer(Party.CALLER), [], 0
    for size, jitter in packets:
        frames += framer.feed(ramp(at, size), max(0, at + jitter))
        at += size
    frames += framer.flush()
    assert np.array_equal(laid_out(frames)[:at], ramp(0, at))


@given(st.lists(st.tuples(st.integers(1, 960), st.one_of(st.just(0), st.integers(161, 5_000))), max_size=30))
def test_gaps_are_where_they_were_and_nothing_moves(packets: list[tuple[int, int]]) -> None:
    framer, frames, at = Framer(Party.AGENT), [], 0
    expected = np.zeros(0, np.float32)
    for size, gap in packets:
        at += gap
        frames += framer.feed(ramp(at, size), at)
        expected = np.concatenate([expected, np.zeros(at - expected.size, np.float32), ramp(at, size)])
        at += size
    frames += framer.flush()
    track = laid_out(frames)
    assert np.array_equal(track[: expected.size], expected)
    assert not track[expected.size :].any()
    starts = [frame.start for frame in frames]
    assert starts == sorted(set(starts))
    assert all(frame.pcm.any() for frame in frames), "a frame that lies wholly in a gap is left out"


def test_one_lost_packet_jumps_by_one_frame() -> None:
    framer = Framer(Party.CALLER)
    starts = [frame.start for at in (0, 320, 960) for frame in framer.feed(ramp(at, 320), at)]
    assert starts == [0, 320, 960]


def test_audio_that_was_overtaken_is_dropped() -> None:
    framer = Framer(Party.CALLER)
    framer.feed(ramp(0, 640), 0)
    assert framer.feed(ramp(0, 320), 0) == []
    (frame,) = framer.feed(ramp(320, 640), 320)
    assert frame.start == 640
    assert np.array_equal(frame.pcm, ramp(640, 320))


def test_a_late_start_is_not_zero() -> None:
    (frame,) = Framer(Party.CALLER).feed(ramp(1_000, 320), 1_000)[:1]
    assert frame.start == 960
    assert not frame.pcm[:40].any()
    assert np.array_equal(frame.pcm[40:], ramp(1_000, 280))


def test_frames_lie_on_the_16_bit_grid_and_are_clipped() -> None:
    noise = np.random.default_rng(2).uniform(-1.2, 1.2, 640).astype(np.float32)
    for frame, part in zip(Framer(Party.CALLER).feed(noise, None), np.split(noise, 2), strict=True):
        assert np.array_equal(frame.pcm, on_16_bit_grid(part))
        assert frame.pcm.min() >= -1
        assert frame.pcm.max() < 1


def test_a_frame_outlives_the_buffer_it_came_from() -> None:
    buffer = ramp(0, 500)
    framer = Framer(Party.CALLER)
    (frame,) = framer.feed(buffer, None)
    buffer[:] = 0
    (rest,) = framer.flush()
    assert np.array_equal(frame.pcm, ramp(0, 320))
    assert np.array_equal(rest.pcm[:180], ramp(320, 180))


def test_negative_time_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        Framer(Party.CALLER).feed(ramp(0, 1), -1)
