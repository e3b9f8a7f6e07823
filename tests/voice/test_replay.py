"""Replay: exact, at the pace of a clock or as fast as it is taken, with the same frames either way."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest
import soundfile
from anyio import wait_all_tasks_blocked

from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, on_16_bit_grid, to_s
from voice.contracts.errors import AudioEmptyError, AudioFormatError, SettingsError
from voice.recording import StereoRecorder
from voice.replay import FileSource

pytestmark = pytest.mark.anyio


def noise(samples: int, seed: int) -> Pcm:
    return on_16_bit_grid(np.random.default_rng(seed).uniform(-0.9, 0.9, samples).astype(np.float32))


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([noise(20_100, 1), noise(20_100, 2)], axis=1), SAMPLE_RATE, subtype="PCM_16")
    return path


def track(frames: list[AudioFrame], party: Party) -> Pcm:
    return np.concatenate([frame.pcm for frame in frames if frame.party is party])


async def test_stereo_is_caller_then_agent_at_each_step_and_the_last_frame_is_filled_up(stereo: Path) -> None:
    frames = [frame async for frame in FileSource(stereo).frames()]
    assert [(frame.party, frame.start) for frame in frames] == [
        (party, start) for start in range(0, 20_100, FRAME_SAMPLES) for party in (Party.CALLER, Party.AGENT)
    ]
    for party, seed in ((Party.CALLER, 1), (Party.AGENT, 2)):
        audio = track(frames, party)
        assert np.array_equal(audio[:20_100], noise(20_100, seed))
        assert not audio[20_100:].any()


async def test_mono_is_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "mono.wav"
    soundfile.write(path, noise(8_000, 1), 8_000)
    source = FileSource(path)
    assert source.parties == {Party.CALLER}
    assert sum(frame.pcm.size for frame in [frame async for frame in source.frames()]) == SAMPLE_RATE


async def test_a_recording_replays_bit_for_bit(tmp_path: Path) -> None:
    written: dict[Party, Pcm] = {Party.CALLER: noise(48_000, 3), Party.AGENT: noise(48_000, 4)}
    written[Party.CALLER][6_400:9_600] = 0
    with StereoRecorder(tmp_path / "a.wav") as recorder:
        for start in range(0, 48_000, FRAME_SAMPLES):
            for party, audio in written.items():
                if party is Party.CALLER and 6_400 <= start < 9_600:
                    continue
                if recorder.write(party, start, audio[start : start + FRAME_SAMPLES]):
                    recorder.flush()
    frames = [frame async for frame in FileSource(tmp_path / "a.wav").frames()]
    for party, audio in written.items():
        assert np.array_equal(track(frames, party), audio)


async def test_the_clock_paces_it(stereo: Path) -> None:
    clock, heard = ManualClock(start_s=100), list[AudioFrame]()

    async def listen() -> None:
        async for frame in FileSource(stereo, pace=clock, speed=2).frames():
            heard.append(frame)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        while not clock.sleepers:
            await anyio.lowlevel.checkpoint()
        clock.advance(0.0099)
        await wait_all_tasks_blocked()
        assert heard == [], "a frame comes when it has been spoken, not when it begins"
        clock.advance(0.0002)
        await wait_all_tasks_blocked()
        assert len(heard) == 2
        clock.advance(0.25)
        await wait_all_tasks_blocked()
        assert len(heard) == 2 * int(0.2601 * 2 / 0.02), "a late listener gets what it missed at once"
        clock.advance(10)
        while len(heard) < 126:
            await anyio.lowlevel.checkpoint()
    assert len(heard) == 126


async def test_paced_and_unpaced_give_the_same_frames(stereo: Path) -> None:
    clock, paced = ManualClock(), list[AudioFrame]()

    async def listen() -> None:
        async for frame in FileSource(stereo, pace=clock).frames():
            paced.append(frame)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        while len(paced) < 126:
            clock.advance(0.02)
            await anyio.lowlevel.checkpoint()
    unpaced = [frame async for frame in FileSource(stereo).frames()]
    assert all(
        (one.party, one.start) == (two.party, two.start) and np.array_equal(one.pcm, two.pcm)
        for one, two in zip(paced, unpaced, strict=True)
    )


async def test_an_unpaced_replay_moves_the_media_clock_and_wakes_who_waits_on_it(stereo: Path) -> None:
    clock, alarms = ManualClock(start_s=5), list[float]()

    async def alarm(moment_s: float) -> None:
        await clock.sleep_until(moment_s)
        alarms.append(clock.now_s())

    async with anyio.create_task_group() as tasks:
        for moment_s in (5.5, 5.1, 6.0):
            tasks.start_soon(alarm, moment_s)
        await wait_all_tasks_blocked()
        async for frame in FileSource(stereo, media_clock=clock).frames():
            assert clock.now_s() == 5 + to_s(frame.span.end)
            assert len(alarms) == sum(moment_s <= clock.now_s() for moment_s in (5.1, 5.5, 6.0))
    assert alarms == pytest.approx([5.1, 5.5, 6.0], abs=0.021)


def open_files() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except FileNotFoundError:
        pytest.skip("this system does not list open files")


async def test_leaving_early_closes_the_file(stereo: Path) -> None:
    gc.collect()
    before = open_files()
    frames = FileSource(stereo).frames()
    await anext(frames)
    assert open_files() > before
    await frames.aclose()
    assert open_files() == before


async def test_a_truncated_file_is_played_as_far_as_it_goes(stereo: Path) -> None:
    os.truncate(stereo, 44 + 4 * 10_100)
    source = FileSource(stereo)
    assert source.info.truncated
    frames = [frame async for frame in source.frames()]
    assert np.array_equal(track(frames, Party.CALLER)[:10_100], noise(20_100, 1)[:10_100])


async def test_a_file_that_goes_away_is_an_error_of_the_source(stereo: Path) -> None:
    source = FileSource(stereo)
    await anyio.Path(stereo).unlink()
    with pytest.raises(AudioFormatError, match="no file"):
        await anext(source.frames())


def test_what_cannot_be_played_is_refused_at_once(tmp_path: Path, stereo: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioEmptyError):
        FileSource(tmp_path / "empty.wav")
    for speed in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match="speed"):
            FileSource(stereo, speed=speed)
