"""Two real peers in one process, over 127.0.0.1, and what to compare them with."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm
from voice.contracts.ports import Clock
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import LegLimits, WebRtcLeg

LOOPBACK = IceSettings(host_addresses=("127.0.0.1",))

Call = Callable[..., AbstractAsyncContextManager[tuple[WebRtcCaller, WebRtcLeg]]]


def chirps(seconds: float) -> Pcm:
    """Rising tones with pauses; each piece is unlike every other, so it can be found again."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * (200 * t + 150 * t**2))
    return (tone * (np.sin(2 * np.pi * 1.3 * t) > -0.5)).astype(np.float32)


@pytest.fixture(params=["chirps", "human"])
def speech(request: pytest.FixtureRequest) -> Pcm:
    """Three seconds of something to say."""
    if request.param == "chirps":
        return chirps(3.0)
    folder: Path = request.getfixturevalue("shared_data") / "speech" / "aishell1-sample"
    files = sorted(folder.glob("*.flac"))
    if not files:
        pytest.skip("no AISHELL sample")
    pcm, rate = soundfile.read(files[0], dtype="float32")
    assert rate == SAMPLE_RATE
    return np.asarray(pcm[: 3 * SAMPLE_RATE], np.float32)


@pytest.fixture
def tune() -> Pcm:
    """Two seconds of something that is not speech."""
    return chirps(2.0)


@pytest.fixture
def offers() -> dict[str, str]:
    """Real browsers' offers by name."""
    folder = Path(__file__).parent / "offers"
    return {path.stem: path.read_bytes().decode() for path in folder.glob("*.sdp")}


@pytest.fixture
def chromium() -> str:
    """The path of an installed Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture
def call() -> Call:
    """Opens a call: a caller and the (not yet entered) leg that answered it."""

    @asynccontextmanager
    async def open_call(
        *, leg_clock: Clock | None = None, limits: LegLimits | None = None, ice: IceSettings = LOOPBACK
    ) -> AsyncIterator[tuple[WebRtcCaller, WebRtcLeg]]:
        clock = WallClock()
        async with WebRtcCaller(clock, ice) as caller:
            leg = await WebRtcAnswerer(ice, limits).answer(await caller.create_offer(), leg_clock or clock)
            try:
                await caller.accept(leg.answer_sdp)
                yield caller, leg
            finally:
                await leg.close()

    return open_call


@pytest.fixture
def nothing_left() -> Callable[[], AbstractContextManager[None]]:
    """A block after which the same tasks, threads and open files are there as before."""

    def now() -> tuple[set[str], set[str], int]:
        tasks = {repr(task.get_coro()) for task in asyncio.all_tasks()}
        return tasks, {thread.name for thread in threading.enumerate()}, len(list(Path("/proc/self/fd").iterdir()))

    @contextmanager
    def watch() -> Iterator[None]:
        before = now()
        yield
        assert now() == before

    return watch


@pytest.fixture
def laid_out() -> Callable[[list[AudioFrame]], Pcm]:
    """Frames as one stretch of audio from media time 0, silence in the gaps."""

    def lay(frames: list[AudioFrame]) -> Pcm:
        pcm = np.zeros(frames[-1].start + FRAME_SAMPLES if frames else 0, np.float32)
        for frame in frames:
            pcm[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
        return pcm

    return lay


@pytest.fixture
def found_in() -> Callable[[Pcm, Pcm], tuple[int, float]]:
    """Where a piece of audio is in another one, and how alike they are there (normalised correlation)."""

    def find(piece: Pcm, audio: Pcm) -> tuple[int, float]:
        size = 1 << (piece.size + audio.size).bit_length()
        cross = np.fft.irfft(np.fft.rfft(audio, size) * np.conj(np.fft.rfft(piece, size)), size)
        lag = int(np.argmax(cross[: audio.size]))
        there = audio[lag : lag + piece.size]
        piece = piece[: there.size]
        return lag, float(there @ piece / np.sqrt((there @ there) * (piece @ piece) + 1e-12))

    return find
