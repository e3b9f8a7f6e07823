"""Time stamps become media time; decoded frames become frames."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import anyio
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame as DecodedFrame
from hypothesis import given
from hypothesis import strategies as st

from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party
from voice.contracts.errors import MediaError
from voice.webrtc.receiver import AHEAD_S, MediaTimeline, Receiver

pytestmark = pytest.mark.anyio
PACKET = 960


def decoded(pts: int, samples: int = PACKET, *, left: float = 0.25, right: float = 0.25) -> DecodedFrame:
    """A stretch of a 400 Hz tone at the place in time that `pts` says, as aiortc hands it over."""
    t = (pts + np.arange(samples)) / 48_000
    tone = np.sin(2 * np.pi * 400 * t) * 32767
    stereo = np.stack([tone * left, tone * right], axis=1).astype(np.int16)
    frame = DecodedFrame.from_ndarray(stereo.reshape(1, -1), format="s16", layout="stereo")
    frame.sample_rate = 48_000
    frame.pts = pts
    frame.time_base = Fraction(1, 48_000)
    return frame


class Track(MediaStreamTrack):
    """Gives what it was given; then ends, or waits for ever."""

    kind = "audio"

    def __init__(self, frames: list[DecodedFrame], *, ends: bool = True) -> None:
        super().__init__()
        self.frames = frames
        self.ends = ends

    async def recv(self) -> DecodedFrame:
        if self.frames:
            return self.frames.pop(0)
        if not self.ends:
            await anyio.sleep_forever()
        raise MediaStreamError


async def received(frames: list[DecodedFrame], clock: ManualClock | None = None) -> list[AudioFrame]:
    receiver = Receiver(Party.AGENT, clock or ManualClock())
    receiver.attach(Track(frames))
    return [frame async for frame in receiver.frames()]


async def test_a_steady_stream_has_no_gap_and_its_length() -> None:
    frames = await received([decoded(7_000 + index * PACKET) for index in range(100)])
    assert [frame.start for frame in frames] == [index * FRAME_SAMPLES for index in range(100)]
    assert {frame.party for frame in frames} == {Party.AGENT}
    t = (np.arange(100 * FRAME_SAMPLES) * 3 + 7_000) / 48_000
    pcm = np.concatenate([frame.pcm for frame in frames])
    inner = slice(800, -800)
    assert np.abs(pcm - 0.25 * np.sin(2 * np.pi * 400 * t))[inner].max() < 2e-3


async def test_both_channels_are_heard() -> None:
    left_only = await received([decoded(index * PACKET, left=0.5, right=0.0) for index in range(20)])
    peak = max(float(np.abs(frame.pcm).max()) for frame in left_only)
    assert peak == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("lost", [1, 2, 25])
async def test_lost_packets_leave_a_gap_and_the_rest_in_place(lost: int) -> None:
    frames = await received([decoded(index * PACKET) for index in range(60) if not 20 <= index < 20 + lost])
    assert [frame.start // FRAME_SAMPLES for frame in frames] == [n for n in range(60) if not 20 <= n < 20 + lost]
    after = np.concatenate([frame.pcm for frame in frames[22:]])
    t = (np.arange(after.size) + frames[22].start) / 16_000
    assert np.abs(after - 0.25 * np.sin(2 * np.pi * 400 * t))[:-800].max() < 2e-3


async def test_a_pause_that_the_clock_confirms_is_a_gap() -> None:
    clock = ManualClock()

    class Paused(Track):
        async def recv(self) -> DecodedFrame:
            if len(self.frames) == 10:
                clock.advance(60)
            return await super().recv()

    receiver = Receiver(Party.CALLER, clock)
    receiver.attach(Paused([decoded(n * PACKET) for n in [*range(10), *range(3010, 3020)]]))
    starts = [frame.start // FRAME_SAMPLES async for frame in receiver.frames()]
    assert starts == [*range(10), *range(3010, 3020)]


@pytest.mark.parametrize("jump", [int((AHEAD_S + 1) * 48_000), 2**31, -PACKET * 5, -(2**31)])
async def test_stamps_that_leap_without_reason_go_on_from_where_they_were(jump: int) -> None:
    stamps = [*(n * PACKET for n in range(10)), *(n * PACKET + jump for n in range(10, 20))]
    starts = [frame.start // FRAME_SAMPLES for frame in await received([decoded(pts) for pts in stamps])]
    assert starts == list(range(20))


@given(st.lists(st.tuples(st.integers(-(2**33), 2**33), st.sampled_from([120, 480, 960, 2880])), max_size=60))
def test_media_time_never_goes_back_or_ahead_of_the_clock(stream: list[tuple[int, int]]) -> None:
    timeline = MediaTimeline(0.0, stream[0][0] if stream else 0)
    end = 0
    for pts, samples in stream:
        at = timeline.place(pts, samples, 0.0)
        start = end if at is None else at
        assert end <= start <= AHEAD_S * 16_000 + end
        end = start + samples // 3
    lengths = sum(samples for _, samples in stream) // 3
    assert end <= max(lengths, AHEAD_S * 16_000 + lengths)


async def test_a_stop_gives_what_is_there_and_ends() -> None:
    receiver = Receiver(Party.CALLER, ManualClock())
    receiver.attach(Track([decoded(n * PACKET) for n in range(10)], ends=False))
    frames: list[AudioFrame] = []
    with anyio.fail_after(2):
        async for frame in receiver.frames():
            frames.append(frame)
            receiver.stop()
    assert len(frames) == 10


async def test_a_stop_wakes_a_reader_who_waits() -> None:
    receiver = Receiver(Party.CALLER, ManualClock())
    receiver.attach(Track([], ends=False))
    frames: list[AudioFrame] = []

    async def read() -> None:
        async for frame in receiver.frames():
            frames.append(frame)  # noqa: PERF401 - looked at while it grows

    with anyio.fail_after(2):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            receiver.stop()
            receiver.stop()
    assert frames == []


async def test_a_source_without_a_track_cannot_be_read() -> None:
    with pytest.raises(MediaError):
        await anext(aiter(Receiver(Party.CALLER, ManualClock()).frames()))


async def test_odd_packet_lengths_make_whole_frames() -> None:
    sizes = [120, 2880, 480, 960, 1920] * 8
    starts = np.cumsum([0, *sizes[:-1]])
    frames = await received([decoded(int(pts), size) for pts, size in zip(starts, sizes, strict=True)])
    assert len(frames) == -(-sum(sizes) // 3 // FRAME_SAMPLES)
    assert all(after.start - before.start == FRAME_SAMPLES for before, after in pairwise(frames))
