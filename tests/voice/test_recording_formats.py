"""A recording becomes FLAC or Opus when it is closed, whole and in place; whatever happens on the way, it is kept."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from anyio.to_thread import run_sync
from numpy.typing import NDArray

from voice.audio.decode import AudioFile
from voice.audio.encode import StoredWave, compress
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Party, Pcm, on_16_bit_grid
from voice.contracts.errors import RecordingError
from voice.contracts.recording import RecordingFormat
from voice.recording import StereoRecorder, finish_interrupted
from voice.replay import FileSource

CALLER, AGENT = Party.CALLER, Party.AGENT
COMPRESSED = [RecordingFormat.FLAC, RecordingFormat.OPUS]


def chirp(seconds: float, seed: int = 0) -> Pcm:
    """A tone that sweeps up and down, with noise: its place in time can be found to the sample."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.4 * np.sin(2 * np.pi * (400 * time + 300 * np.sin(2 * np.pi * time / 3)))
    noise = np.random.default_rng(seed).normal(0, 0.02, time.size)
    return on_16_bit_grid((tone + noise).astype(np.float32))


def read(path: Path) -> NDArray[np.float32]:
    with AudioFile(path) as file:
        return np.concatenate(list(file.blocks()), axis=1)


def record(path: Path, left: Pcm, right: Pcm) -> None:
    with StereoRecorder(path) as recorder:
        for start in range(0, left.size, FRAME_SAMPLES):
            recorder.write(AGENT, start, right[start : start + FRAME_SAMPLES])
            if recorder.write(CALLER, start, left[start : start + FRAME_SAMPLES]):
                recorder.flush()


@pytest.mark.parametrize("kind", RecordingFormat)
def test_both_sides_lie_where_they_were_said(tmp_path: Path, kind: RecordingFormat) -> None:
    left, right = chirp(7.3, 1), np.roll(chirp(7.3, 2), 4_000)
    path = tmp_path / f"c{kind.suffix}"
    record(path, left, right)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, "c.peaks"])
    stored = read(path)
    assert stored.shape == (2, left.size)
    if kind is RecordingFormat.OPUS:
        for found, said in zip(stored, (left, right), strict=True):
            lags = [np.dot(found[500 + lag : -500 + lag or None], said[500:-500]) for lag in range(-400, 400)]
            assert abs(int(np.argmax(lags)) - 400) <= 16  # 1 ms
            assert np.corrcoef(found, said)[0, 1] > 0.95
        assert path.stat().st_size < 4 * left.size / 4
    else:
        assert np.array_equal(stored, np.stack([left, right]))
        assert soundfile.info(path).frames == left.size  # another decoder agrees


@pytest.mark.anyio
@pytest.mark.parametrize("kind", RecordingFormat)
async def test_a_replay_yields_what_was_recorded(tmp_path: Path, kind: RecordingFormat) -> None:
    left, right = chirp(3.1, 1), chirp(3.1, 2)
    await run_sync(record, tmp_path / f"c{kind.suffix}", left, right)
    heard: dict[Party, list[Pcm]] = {CALLER: [], AGENT: []}
    async for frame in FileSource(tmp_path / f"c{kind.suffix}").frames():
        assert frame.start == len(heard[frame.party]) * FRAME_SAMPLES
        heard[frame.party].append(frame.pcm)
    for party, said in ((CALLER, left), (AGENT, right)):
        found = np.concatenate(heard[party])
        assert found.size == said.size
        if kind is RecordingFormat.OPUS:
            assert np.corrcoef(found, said)[0, 1] > 0.95
        else:
            assert np.array_equal(found, said)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_an_empty_recording_stays_a_wav(tmp_path: Path, kind: RecordingFormat) -> None:
    with StereoRecorder(tmp_path / f"c{kind.suffix}") as recorder:
        pass
    assert recorder.path == tmp_path / "c.wav"
    assert soundfile.info(recorder.path).frames == 0


def test_a_name_of_another_format_is_refused(tmp_path: Path) -> None:
    for name in ("c.mp3", "c", "c.WAV", "c.wav.tmp"):
        with pytest.raises(RecordingError, match=r"\.wav, \.flac, \.opus"):
            StereoRecorder(tmp_path / name).open()
    assert not list(tmp_path.iterdir())


def test_a_recording_in_another_format_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "c.flac").write_bytes(b"before")
    with pytest.raises(RecordingError, match="already"):
        StereoRecorder(tmp_path / "c.wav").open()


@pytest.mark.parametrize("kind", COMPRESSED)
def test_no_room_for_the_other_format_keeps_the_wav(tmp_path: Path, kind: RecordingFormat) -> None:
    """A limit on the size of files stands for the full disk: the WAV found room, what it becomes does not."""
    left, right = (on_16_bit_grid(np.random.default_rng(n).uniform(-1, 1, 48_000).astype(np.float32)) for n in (1, 2))
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    recorder = StereoRecorder(tmp_path / f"c{kind.suffix}")
    recorder.open()
    recorder.write(CALLER, 0, left)
    recorder.write(AGENT, 0, right)
    recorder.flush()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, before[1]))
        with pytest.raises(RecordingError, match=f"cannot be written as {kind}") as caught:
            recorder.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.fix
    assert recorder.path == tmp_path / "c.wav"
    assert np.array_equal(read(tmp_path / "c.wav"), np.stack([left, right]))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.peaks", "c.wav"]


def test_what_is_read_back_otherwise_is_not_relied_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that stores something else: the compressed file goes, the WAV stays."""
    real, calls = os.fsync, iter(range(9))

    def spoil(descriptor: int) -> None:
        real(descriptor)
        if next(calls) == 1:  # the first is the WAV's
            os.ftruncate(descriptor, os.fstat(descriptor).st_size * 2 // 3)

    recorder = StereoRecorder(tmp_path / "c.flac")
    recorder.open()
    recorder.write(CALLER, 0, chirp(3))
    recorder.flush()
    monkeypatch.setattr(os, "fsync", spoil)
    with pytest.raises(RecordingError, match="read back"):
        recorder.close()
    monkeypatch.undo()
    assert np.array_equal(read(tmp_path / "c.wav")[0], chirp(3))
    assert not (tmp_path / "c.partial.flac").exists()


def test_another_recording_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    record(tmp_path / "c.wav", chirp(1), chirp(1))
    (tmp_path / "d.flac").write_bytes(b"before")
    with pytest.raises(RecordingError):
        compress(StoredWave(tmp_path / "c.wav", 44, SAMPLE_RATE), tmp_path / "d.flac", RecordingFormat.FLAC)
    assert (tmp_path / "d.flac").read_bytes() == b"before"


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from voice.audio import encode
from voice.contracts.audio import Party
from voice import recording

path, audio, when = Path(sys.argv[1]), np.load(sys.argv[2]), sys.argv[3]
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
recorder = recording.StereoRecorder(path)
recorder.open()
for start in range(0, audio.size, 320):
    if recorder.write(Party.CALLER, start, audio[start : start + 320]):
        recorder.flush()
    if when == "speaking" and start == 5 * 16000 + 7680:
        die()
if when == "compressing":
    encode._check = die
if when == "naming":
    recorder.partial_path = type("Named", (), {
        "__fspath__": lambda _, p=str(recorder.partial_path): p, "open": recorder.partial_path.open, "unlink": die,
        "name": recorder.partial_path.name,
    })()
recorder.close()
"""


@pytest.mark.parametrize("kind", RecordingFormat)
@pytest.mark.parametrize("when", ["speaking", "compressing", "naming"])
def test_a_killed_process_leaves_all_but_the_last_second(
    tmp_path: Path, project: Path, kind: RecordingFormat, when: str
) -> None:
    if kind is RecordingFormat.WAV and when != "speaking":
        pytest.skip("a WAV is not turned into anything")
    audio = chirp(6.5)
    np.save(tmp_path / "audio.npy", audio)
    folder = tmp_path / "recordings"
    folder.mkdir()
    path = folder / f"c{kind.suffix}"
    script = [sys.executable, "-c", KILLED, str(path), str(tmp_path / "audio.npy"), when]
    assert subprocess.run(script, check=False, cwd=project).returncode == -signal.SIGKILL
    (kept,) = finish_interrupted(folder)
    assert kept == (path if when == "naming" else folder / "c.wav")
    found = read(kept)[0]
    heard = audio.size if when != "speaking" else 5 * SAMPLE_RATE + 8_000
    assert heard - SAMPLE_RATE <= found.size <= heard
    if kept.suffix == ".opus":
        assert np.corrcoef(found, audio)[0, 1] > 0.95
    else:
        assert np.array_equal(found, audio[: found.size])
    assert {file.suffix for file in folder.iterdir()} <= {kept.suffix, ".peaks"}
    assert finish_interrupted(folder) == []
