"""A recording holds what was written where it was written, and is playable at every moment, whatever happens."""

from __future__ import annotations

import resource
import signal
import struct
import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.decode import AudioFile, inspect
from voice.audio.mixing import mix
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Party, Pcm, on_16_bit_grid
from voice.contracts.errors import FrameError, RecordingError
from voice.recording import FLUSH_EVERY_S, StereoRecorder, finish_interrupted

CALLER, AGENT, BOT = Party.CALLER, Party.AGENT, Party.BOT


def noise(samples: int, seed: int = 1, peak: float = 0.9) -> Pcm:
    return on_16_bit_grid(np.random.default_rng(seed).uniform(-peak, peak, samples).astype(np.float32))


def stored(path: Path) -> Pcm:
    """What a recording holds, shape (2, n); read by the standard library, which believes the header."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, SAMPLE_RATE)
        data = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return (data.reshape(-1, 2).T / 32_768).astype(np.float32)


def test_caller_left_server_right_bit_for_bit(tmp_path: Path) -> None:
    left, right = noise(50_000, 1), noise(40_000, 2)
    with StereoRecorder(tmp_path / "a.wav") as recorder:
        recorder.write(CALLER, 0, left)
        recorder.write(AGENT, 0, right)
    recording = stored(tmp_path / "a.wav")
    assert np.array_equal(recording[0], left)
    assert np.array_equal(recording[1], np.concatenate([right, np.zeros(10_000, np.float32)]))
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.peaks", tmp_path / "a.wav"]
    assert not inspect(tmp_path / "a.wav").truncated


def test_agent_and_bot_are_mixed_on_the_right(tmp_path: Path) -> None:
    agent, bot = noise(4_000, 1), noise(4_000, 2)
    with StereoRecorder(tmp_path / "a.wav") as recorder:
        recorder.write(BOT, 0, bot)
        recorder.flush()
        recorder.write(AGENT, 2_000, agent)
    right = stored(tmp_path / "a.wav")[1]
    assert np.array_equal(right[:2_000], bot[:2_000])
    assert np.array_equal(right[4_000:], agent[2_000:])
    assert np.array_equal(right[2_000:4_000], on_16_bit_grid(mix(bot[2_000:], agent[:2_000])))


pieces = st.lists(
    st.tuples(st.sampled_from(list(Party)), st.integers(0, 30_000), st.integers(1, 2_000), st.booleans()), max_size=25
)


@settings(deadline=None, max_examples=60)
@given(pieces)
def test_everything_lies_where_it_was_written_and_gaps_are_silence(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[Party, int, int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("recording") / "a.wav"
    expected, reached = np.zeros((2, 2_000_000), np.float32), dict.fromkeys(Party, 0)
    with StereoRecorder(path) as recorder:
        for number, (party, gap, length, flush) in enumerate(script):
            if party is BOT:
                continue
            start = reached[party] + gap
            recorder.write(party, start, noise(length, number))
            expected[int(party is not CALLER), start : start + length] = noise(length, number)
            reached[party] = start + length
            if flush:
                recorder.flush()
                assert recorder.length == max(reached.values())
    assert np.array_equal(stored(path), expected[:, : max(reached.values())])


def test_it_is_playable_after_every_flush_and_says_when_one_is_due(tmp_path: Path) -> None:
    audio, due = noise(10 * SAMPLE_RATE), []
    with StereoRecorder(tmp_path / "a.wav") as recorder:
        assert stored(recorder.partial_path).shape == (2, 0)
        for start in range(0, audio.size, FRAME_SAMPLES):
            if recorder.write(CALLER, start, audio[start : start + FRAME_SAMPLES]):
                due.append(start + FRAME_SAMPLES)
                recorder.flush()
                assert np.array_equal(stored(recorder.partial_path)[0], audio[: due[-1]])
    assert np.diff([0, *due]).max() <= FLUSH_EVERY_S * SAMPLE_RATE
    assert len(due) == 20


def test_one_thread_writes_while_another_flushes(tmp_path: Path) -> None:
    audio, written = noise(20 * SAMPLE_RATE), threading.Event()
    with StereoRecorder(tmp_path / "a.wav") as recorder:

        def flush() -> None:
            while not written.is_set():
                recorder.flush()

        thread = threading.Thread(target=flush)
        thread.start()
        try:
            for start in range(0, audio.size, FRAME_SAMPLES):
                recorder.write(CALLER, start, audio[start : start + FRAME_SAMPLES])
                recorder.write(AGENT, start, audio[start : start + FRAME_SAMPLES])
        finally:
            written.set()
            thread.join()
    recording = stored(tmp_path / "a.wav")
    assert np.array_equal(recording[0], audio)
    assert np.array_equal(recording[1], audio)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    for taken in ("a.wav", "a.partial.wav"):
        (tmp_path / taken).write_bytes(b"before")
        with pytest.raises(RecordingError, match="already") as caught, StereoRecorder(tmp_path / "a.wav"):
            pass
        assert caught.value.fix
        assert (tmp_path / taken).read_bytes() == b"before"
        (tmp_path / taken).unlink()


def test_a_party_that_goes_back_in_time_is_refused(tmp_path: Path) -> None:
    with StereoRecorder(tmp_path / "a.wav") as recorder:
        recorder.write(CALLER, 320, noise(320))
        with pytest.raises(FrameError, match="640"):
            recorder.write(CALLER, 320, noise(320))


def test_four_gigabytes_are_the_end(tmp_path: Path) -> None:
    with StereoRecorder(tmp_path / "a.wav") as recorder:
        recorder.write(CALLER, 0, noise(320))
        last = (0xFFFF_FFFF - 44) // 4 // 320 * 320
        with pytest.raises(RecordingError, match="4 GB") as caught:
            recorder.write(CALLER, last, noise(320))
        assert caught.value.fix
        recorder.write(CALLER, last - 320, noise(320, 2))
        recorder.flush()
        with recorder.partial_path.open("rb") as file:
            riff, data = struct.unpack("<4xI32xI", file.read(44))
        assert riff == data + 36 == recorder.partial_path.stat().st_size - 8


def test_a_flush_that_never_comes_is_noticed(tmp_path: Path) -> None:
    with StereoRecorder(tmp_path / "a.wav") as recorder:
        with pytest.raises(RecordingError, match="wait to be written") as caught:
            for start in range(0, 200 * SAMPLE_RATE, SAMPLE_RATE):
                recorder.write(CALLER, start, noise(SAMPLE_RATE))
        assert caught.value.fix
    assert stored(tmp_path / "a.wav").shape[1] >= 30 * SAMPLE_RATE


def test_a_missing_folder_and_a_wrong_name_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "a.wav", tmp_path / "a.mp3"):
        with pytest.raises(RecordingError), StereoRecorder(path):
            pass


def test_a_read_only_folder_is_refused() -> None:
    # /proc takes no files from anybody, root included.
    with pytest.raises(RecordingError) as caught, StereoRecorder(Path("/proc/a.wav")):
        pass
    assert caught.value.code == "recording.write"
    assert caught.value.fix


def test_a_full_disk_keeps_what_found_room(tmp_path: Path) -> None:
    """A limit on the size of files makes the system call itself fail half-way, as a full disk does."""
    audio, path = noise(3 * SAMPLE_RATE), tmp_path / "a.wav"
    room = 44 + 4 * SAMPLE_RATE + 40_003
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    recorder = StereoRecorder(path)
    recorder.open()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        recorder.write(CALLER, 0, audio[:SAMPLE_RATE])
        recorder.flush()
        recorder.write(CALLER, SAMPLE_RATE, audio[SAMPLE_RATE : 2 * SAMPLE_RATE])
        with pytest.raises(RecordingError, match="cannot be written") as caught:
            recorder.flush()
        assert caught.value.fix
        whole = SAMPLE_RATE + 10_000
        assert np.array_equal(stored(recorder.partial_path)[0], audio[:whole])
        for attempt in (lambda: recorder.write(CALLER, 3 * SAMPLE_RATE, noise(320)), recorder.flush):
            with pytest.raises(RecordingError, match="cannot be written"):
                attempt()
        recorder.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert np.array_equal(stored(path)[0], audio[:whole])


FULL_DISK = """
import sys
from pathlib import Path
import numpy as np
from voice.contracts.audio import Party
from voice.contracts.errors import RecordingError
from voice.recording import StereoRecorder

recorder = StereoRecorder(Path(sys.argv[1]) / "a.wav")
recorder.open()
try:
    for second in range(60):
        recorder.write(Party.CALLER, second * 16000, np.full(16000, 0.25, np.float32))
        recorder.flush()
except RecordingError as error:
    print(error)
recorder.close()
print(recorder.length)
"""


def test_a_really_full_disk(tmp_path: Path, project: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    command = (
        f"mount -t tmpfs -o size=1m none {disk} && {sys.executable} -c '{FULL_DISK}' {disk} && "
        f"cp {disk}/a.wav {tmp_path}/kept.wav"
    )
    probe = subprocess.run([*mount, f"mount -t tmpfs none {disk}"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this system lets no test mount a small disk")
    done = subprocess.run([*mount, command], capture_output=True, text=True, check=True, cwd=project)
    message, length = done.stdout.splitlines()
    assert "No space left on device" in message
    assert "Free disk space" in message
    recording = stored(tmp_path / "kept.wav")
    assert recording.shape[1] == int(length) >= 15 * SAMPLE_RATE
    assert (recording[0] == 0.25).all()


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from voice.contracts.audio import Party
from voice.recording import StereoRecorder

audio = np.load(sys.argv[2])
recorder = StereoRecorder(Path(sys.argv[1]))
recorder.open()
for start in range(0, audio.size, 320):
    if recorder.write(Party.CALLER, start, audio[start : start + 320]):
        recorder.flush()
    if start == 5 * 16000 + 7680:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_all_but_the_last_second(tmp_path: Path, project: Path) -> None:
    audio = noise(8 * SAMPLE_RATE)
    np.save(tmp_path / "audio.npy", audio)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "a.wav", tmp_path / "audio.npy"], check=False, cwd=project
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "a.wav").exists()
    left_behind = stored(tmp_path / "a.partial.wav")
    heard = 5 * SAMPLE_RATE + 8_000
    assert heard - SAMPLE_RATE <= left_behind.shape[1] <= heard
    assert np.array_equal(left_behind[0], audio[: left_behind.shape[1]])
    assert finish_interrupted(tmp_path) == [tmp_path / "a.wav"]
    assert np.array_equal(stored(tmp_path / "a.wav"), left_behind)
    assert finish_interrupted(tmp_path) == []


def test_what_was_written_behind_the_header_is_finished_too(tmp_path: Path) -> None:
    """Killed between the audio and the header: the audio counts, half a sample does not."""
    recorder = StereoRecorder(tmp_path / "a.wav")
    recorder.open()
    recorder.write(CALLER, 0, noise(1_000))
    recorder.flush()
    with recorder.partial_path.open("ab") as file:
        file.write(b"\x10\0\0\0" * 500 + b"\1")
    (tmp_path / "tiny.partial.wav").write_bytes(b"RIFF")
    assert finish_interrupted(tmp_path) == [tmp_path / "a.wav"]
    assert stored(tmp_path / "a.wav").shape[1] == 1_500
    with AudioFile(tmp_path / "a.wav") as file:
        assert sum(block.shape[1] for block in file.blocks()) == 1_500


def test_an_unopened_recorder_says_so(tmp_path: Path) -> None:
    recorder = StereoRecorder(tmp_path / "a.wav")
    with pytest.raises(RecordingError, match="not open"):
        recorder.write(CALLER, 0, noise(320))
    recorder.close()
    assert not list(tmp_path.iterdir())
