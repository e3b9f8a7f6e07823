"""What is queued is sent in 20 ms packets, on time, once, and never more of it than the bound."""

from __future__ import annotations

from typing import Any

import anyio
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from av import AudioStream, CodecContext, Packet
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.contracts.errors import CapacityError, FrameError
from voice.webrtc.sender import LATE_S, OpusTrack, Playout

pytestmark = pytest.mark.anyio


def ramp(size: int, start: int = 1) -> Pcm:
    return np.arange(start, start + size, dtype=np.float32)


@given(st.lists(st.integers(0, 700), max_size=20), st.lists(st.integers(1, 700), min_size=1, max_size=40))
def test_what_is_taken_is_what_was_played(pieces: list[int], takes: list[int]) -> None:
    playout = Playout()
    played = ramp(sum(pieces))
    at = 0
    for size in pieces:
        playout.play(played[at : at + size])
        at += size
    taken = np.concatenate([playout.take(size) for size in takes])
    expected = np.concatenate([played, np.zeros(max(0, taken.size - played.size), np.float32)])[: taken.size]
    assert np.array_equal(taken, expected)
    assert playout.queued == max(0, played.size - taken.size)


def test_the_bound_is_met_exactly_and_a_refused_piece_leaves_no_trace() -> None:
    playout = Playout(bound_s=1.0)
    playout.play(ramp(SAMPLE_RATE - 1))
    with pytest.raises(CapacityError, match="1 s"):
        playout.play(ramp(2))
    assert playout.queued == SAMPLE_RATE - 1
    playout.play(ramp(1))
    playout.take(FRAME_SAMPLES)
    playout.play(ramp(FRAME_SAMPLES))
    assert playout.clear() == SAMPLE_RATE
    assert playout.clear() == 0
    assert not playout.take(FRAME_SAMPLES).any()


@pytest.mark.parametrize("wrong", [np.zeros((2, 2), np.float32), np.zeros(4), np.zeros(4, np.int16)])
def test_audio_of_another_shape_or_type_is_refused(wrong: Pcm) -> None:
    with pytest.raises(FrameError):
        Playout().play(wrong)


def test_the_players_array_may_be_reused() -> None:
    playout, pcm = Playout(), ramp(4)
    playout.play(pcm)
    pcm[:] = 9
    assert playout.take(4).tolist() == [1, 2, 3, 4]


async def test_draining_waits_for_the_level_and_for_nothing_after_the_end() -> None:
    playout = Playout()
    playout.play(ramp(3 * FRAME_SAMPLES))
    reached: list[int] = []

    async def wait(level: int) -> None:
        await playout.drain(level)
        reached.append(level)

    with anyio.fail_after(2):
        async with anyio.create_task_group() as tasks:
            for level in (2 * FRAME_SAMPLES, 0):
                tasks.start_soon(wait, level)
            await anyio.wait_all_tasks_blocked()
            assert reached == []
            playout.take(FRAME_SAMPLES)
            await anyio.wait_all_tasks_blocked()
            assert reached == [2 * FRAME_SAMPLES]
            playout.close()
    assert reached == [2 * FRAME_SAMPLES, 0]
    playout.play(ramp(5))
    assert playout.queued == 0


async def test_packets_leave_every_20_ms() -> None:
    clock, playout = ManualClock(), Playout()
    track = OpusTrack(playout.take, clock)
    sent: list[tuple[float, Packet[AudioStream]]] = []

    async def send() -> None:
        while True:
            packet = await track.recv()
            sent.append((clock.now_s(), packet))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        for quarter in range(30):
            await anyio.wait_all_tasks_blocked()
            clock.advance_to(quarter * 0.02 / 4)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert [round(at, 3) for at, _ in sent] == [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14]
    assert [packet.pts for _, packet in sent] == [index * FRAME_SAMPLES for index in range(8)]


async def test_after_standing_still_it_goes_on_from_now_without_a_burst() -> None:
    clock, playout = ManualClock(), Playout()
    playout.play(ramp(10 * FRAME_SAMPLES) / np.float32(4000))
    track = OpusTrack(playout.take, clock)
    stamps = [(await track.recv()).pts]
    clock.advance(2.0)
    stamps.append((await track.recv()).pts)
    assert stamps == [0, 100 * FRAME_SAMPLES]
    assert playout.queued == 8 * FRAME_SAMPLES, "what was queued is late, not lost"
    with anyio.move_on_after(0.05) as scope:
        await track.recv()
    assert scope.cancelled_caught, "the next packet is due 20 ms later"


async def test_a_short_delay_is_caught_up() -> None:
    clock = ManualClock()
    track = OpusTrack(Playout().take, clock)
    await track.recv()
    clock.advance(LATE_S - 0.1)
    stamps = [(await track.recv()).pts for _ in range(5)]
    assert stamps == [index * FRAME_SAMPLES for index in range(1, 6)]


async def test_a_stopped_track_says_so_to_aiortc() -> None:
    track = OpusTrack(Playout().take, ManualClock())
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_the_packets_are_opus_and_keep_the_waveform() -> None:
    clock, playout = ManualClock(), Playout()
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * (150 * t + 400 * t**2))).astype(np.float32)
    playout.play(tone)
    track = OpusTrack(playout.take, clock)
    decoder = CodecContext.create("libopus", "r")
    heard: list[NDArray[Any]] = []
    octets = 0
    for index in range(50):
        clock.advance_to(index * 0.02)
        packet = await track.recv()
        octets += packet.size
        heard += [frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in decoder.decode(packet)]
    audio = np.concatenate(heard).astype(np.float64)[::3]
    lags = [float(np.corrcoef(tone[:15_000], audio[lag : lag + 15_000])[0, 1]) for lag in range(0, 400, 4)]
    assert max(lags) > 0.95
    assert 10_000 < octets * 8 < 60_000
