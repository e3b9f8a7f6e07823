"""The tape keeps nothing of a pause, not even for a moment; a tape that fails costs only itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest

from asr.types import Language
from routing.events import CallStarted, StageFailed
from routing.journal.memory import MemoryJournal
from routing.log import CallLog
from routing.tape import Tape
from routing.terms import Channel, Direction, Stage
from voice.audio.decode import AudioFile
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, CallId, Party, Pcm, on_16_bit_grid
from voice.contracts.recording import RecordingFormat
from voice.peaks import POINT, decode_peaks
from voice.recording import StereoRecorder

pytestmark = pytest.mark.anyio
CALL = CallId("c-tape")


@asynccontextmanager
async def open_tape(recorder: StereoRecorder | None, journal: MemoryJournal) -> AsyncIterator[Tape]:
    log = CallLog(CALL, journal, lambda: 0, WallClock())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.run)
        await log.write(CallStarted(Direction.INBOUND, Channel.WEBRTC, "a", "b", Language.ZH, "2026-11-01T09:00+08:00"))
        yield Tape(log, recorder)
        log.close()


def noise(seed: int, seconds: float) -> Pcm:
    size = round(seconds * SAMPLE_RATE)
    return on_16_bit_grid(np.random.default_rng(seed).uniform(0.1, 0.9, size).astype(np.float32))


def step(voices: dict[Party, Pcm], start: int) -> list[AudioFrame]:
    return [AudioFrame(party, start, pcm[start : start + FRAME_SAMPLES]) for party, pcm in voices.items()]


def read(path: Path) -> Pcm:
    with AudioFile(path) as file:
        return np.concatenate(list(file.blocks()), axis=1)


@pytest.mark.parametrize("kind", [RecordingFormat.WAV, RecordingFormat.FLAC])
async def test_a_pause_is_silence_on_both_sides_exact_to_the_sample(tmp_path: Path, kind: RecordingFormat) -> None:
    """Looked at after every frame: of what is said in the pause nothing lies on the disk, at no time."""
    voices = {Party.CALLER: noise(1, 4), Party.AGENT: noise(2, 4)}
    began, ended = SAMPLE_RATE + 123, 3 * SAMPLE_RATE - 77
    expected = np.stack(list(voices.values()))
    expected[:, began:ended] = 0
    recorder = StereoRecorder(tmp_path / f"c{kind.suffix}")
    recorder.open()
    async with open_tape(recorder, MemoryJournal()) as tape:
        for start in range(0, 4 * SAMPLE_RATE, FRAME_SAMPLES):
            if start <= began < start + FRAME_SAMPLES:
                assert tape.pause(began) == began
            if start <= ended < start + FRAME_SAMPLES:
                assert tape.resume(ended) == ended
            assert tape.paused == (began // 320 * 320 <= start < ended // 320 * 320)
            for frame in step(voices, start):
                kept = await tape.write(frame)
                row = int(frame.party is Party.AGENT)
                assert np.array_equal(kept.pcm, expected[row, start : start + FRAME_SAMPLES])
            on_disk = np.frombuffer(recorder.partial_path.read_bytes()[44:], np.int16).reshape(-1, 2)
            assert not on_disk[began:ended].any()
        await tape.close()
    assert np.array_equal(read(tmp_path / f"c{kind.suffix}"), expected)
    peaks = decode_peaks((tmp_path / "c.peaks").read_bytes()).values
    assert not peaks[began // POINT + 1 : ended // POINT].any()
    assert peaks[: began // POINT + 1, :, 1].all()
    assert peaks[ended // POINT :, :, 1].all()


async def test_what_waited_for_the_disk_is_kept_and_a_call_may_end_paused(tmp_path: Path) -> None:
    voices = {Party.CALLER: noise(1, 2), Party.AGENT: noise(2, 2)}
    recorder = StereoRecorder(tmp_path / "c.wav")
    recorder.open()
    async with open_tape(recorder, MemoryJournal()) as tape:
        for start in range(0, 2 * SAMPLE_RATE, FRAME_SAMPLES):
            if start == 1_600:
                assert recorder.length == 0  # nothing has been flushed yet
                assert tape.pause() == 1_600
                assert tape.pause() == 1_600
            for frame in step(voices, start):
                await tape.write(frame)
        await tape.close()
    stored = read(tmp_path / "c.wav")
    assert stored.shape[1] == 2 * SAMPLE_RATE
    assert np.array_equal(stored[:, :1_600], np.stack(list(voices.values()))[:, :1_600])
    assert not stored[:, 1_600:].any()


async def test_a_pause_holds_where_nothing_is_recorded() -> None:
    """What is heard must not depend on whether there is a recording."""
    async with open_tape(None, MemoryJournal()) as tape:
        (frame,) = step({Party.CALLER: noise(1, 1)}, 0)
        assert await tape.write(frame) is frame
        tape.pause()
        (frame,) = step({Party.CALLER: noise(1, 1)}, 320)
        assert not (await tape.write(frame)).pcm.any()
        tape.resume()
        (frame,) = step({Party.CALLER: noise(1, 1)}, 640)
        assert await tape.write(frame) is frame
        await tape.close()


async def test_a_format_that_finds_no_room_is_told_and_the_recording_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = MemoryJournal()
    recorder = StereoRecorder(tmp_path / "c.opus")
    recorder.open()
    voice = noise(1, 1)
    async with open_tape(recorder, journal) as tape:
        for start in range(0, voice.size, FRAME_SAMPLES):
            for frame in step({Party.CALLER: voice}, start):
                await tape.write(frame)

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("voice.audio.encode._encode", fail)
        await tape.close()
    failed = (await journal.read(CALL))[-1].event
    assert isinstance(failed, StageFailed)
    assert (failed.stage, failed.code) == (Stage.RECORDING, "recording.write")
    assert np.array_equal(read(tmp_path / "c.wav")[0], voice)
