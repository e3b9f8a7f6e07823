"""What every source of audio keeps. A new one joins by a line in `SOURCES`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.lowlevel
import numpy as np
import pytest
import soundfile

from voice.clock import ManualClock, WallClock
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Samples, on_16_bit_grid
from voice.contracts.ports import AudioSource
from voice.replay import FileSource

pytestmark = pytest.mark.anyio

Open: TypeAlias = Callable[[Path], AbstractAsyncContextManager[AudioSource]]
"""Makes a source of two to three seconds of audio that is not silent; the path is an empty folder of its own."""


class MemorySource:
    """The fake: frames from memory, with a gap where audio was lost."""

    def __init__(self, parties: tuple[Party, ...], steps: int, lost: range) -> None:
        self._order = parties
        self._steps = [step for step in range(steps) if step not in lost]
        self._begun = False

    @property
    def parties(self) -> frozenset[Party]:
        return frozenset(self._order)

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        if self._begun:
            raise RuntimeError("A source is iterated once.")
        self._begun = True
        random = np.random.default_rng(1)
        for step in self._steps:
            await anyio.lowlevel.checkpoint()
            for party in self._order:
                noise = random.uniform(-0.5, 0.5, FRAME_SAMPLES).astype(np.float32)
                yield AudioFrame(party, step * FRAME_SAMPLES, on_16_bit_grid(noise))


def memory(*parties: Party) -> Open:
    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[AudioSource]:
        yield MemorySource(parties, 120, range(50, 60))

    return opened


def file(rate_hz: int, channels: int, container: str, subtype: str, *, paced: bool = False) -> Open:
    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[AudioSource]:
        path = folder / "audio.bin"
        audio = np.random.default_rng(2).uniform(-0.5, 0.5, (round(rate_hz * 2.013), channels))
        soundfile.write(path, audio, rate_hz, format=container, subtype=subtype)
        pace = WallClock() if paced else None
        yield FileSource(path, pace=pace, speed=50, media_clock=ManualClock())

    return opened


SOURCES: dict[str, Open] = {
    "memory-mono": memory(Party.CALLER),
    "memory-both": memory(Party.CALLER, Party.AGENT),
    "file-pcm16-16k": file(16_000, 1, "WAV", "PCM_16"),
    "file-pcm16-16k-paced": file(16_000, 2, "WAV", "PCM_16", paced=True),
    "file-ulaw-8k-stereo": file(8_000, 2, "WAV", "ULAW"),
    "file-float-44k": file(44_100, 1, "WAV", "FLOAT"),
    "file-opus-48k-stereo": file(48_000, 2, "OGG", "OPUS"),
    "file-mp3-48k": file(48_000, 1, "MP3", "MPEG_LAYER_III"),
}


@pytest.fixture(params=SOURCES)
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AudioSource]:
    async with SOURCES[request.param](tmp_path) as opened:
        yield opened


async def test_it_names_its_parties_and_yields_each_of_them(source: AudioSource) -> None:
    parties = source.parties
    assert parties
    heard = {frame.party async for frame in source.frames()}
    assert heard == parties == source.parties


async def test_frames_come_in_order_of_their_time(source: AudioSource) -> None:
    newest: Samples = 0
    reached: dict[Party, Samples] = {}
    async for frame in source.frames():
        assert frame.start >= reached.get(frame.party, 0), "a party's frames neither overlap nor go back"
        reached[frame.party] = frame.span.end
        assert frame.start >= newest, "parties come in step"
        newest = frame.start
    assert 1.9 * 16_000 < newest < 3.1 * 16_000


async def test_frames_lie_on_the_16_bit_grid(source: AudioSource) -> None:
    loudest = 0.0
    async for frame in source.frames():
        assert np.array_equal(on_16_bit_grid(frame.pcm), frame.pcm)
        loudest = max(loudest, float(np.abs(frame.pcm).max()))
    assert loudest > 0.1


async def test_frames_do_not_change_after_they_came(source: AudioSource) -> None:
    frames, copies = [], []
    async for frame in source.frames():
        frames.append(frame)
        copies.append(frame.pcm.copy())
    assert all(np.array_equal(frame.pcm, copy) for frame, copy in zip(frames, copies, strict=True))


async def test_it_may_be_left_early(source: AudioSource) -> None:
    async with aclosing(source.frames()) as frames:
        async for frame in frames:
            if frame.start >= 20 * FRAME_SAMPLES:
                break


async def test_it_is_iterated_once(source: AudioSource) -> None:
    async for _ in source.frames():
        pass
    with pytest.raises(RuntimeError, match="once"):
        await anext(source.frames())


async def test_it_lets_other_tasks_run(source: AudioSource) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        async for _ in source.frames():
            pass
        tasks.cancel_scope.cancel()
    assert ticks >= 8


async def test_it_stops_when_cancelled(source: AudioSource) -> None:
    heard = 0
    with anyio.CancelScope() as scope:
        async with aclosing(source.frames()) as frames:
            async for frame in frames:
                heard += 1
                if frame.start >= 20 * FRAME_SAMPLES:
                    scope.cancel()
    assert scope.cancelled_caught
    assert heard < 160
