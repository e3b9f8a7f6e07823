"""Peaks say how loud a recording is where, are there when it is, and never stand in its way."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.contracts.audio import SAMPLE_RATE, Party, on_16_bit_grid
from voice.contracts.errors import PeaksError
from voice.measured_peaks import measure_peaks
from voice.peaks import POINT, Peaks, PeakWriter, decode_peaks
from voice.recording import StereoRecorder, finish_interrupted


def test_the_file_is_what_audiowaveform_writes(tmp_path: Path) -> None:
    with StereoRecorder(tmp_path / "c.wav") as recorder:
        recorder.write(Party.CALLER, 0, np.full(POINT, 0.5, np.float32))
        recorder.write(Party.AGENT, POINT, np.full(POINT + 1, -0.25, np.float32))
    data = (tmp_path / "c.peaks").read_bytes()
    assert struct.unpack("<iIiiIi", data[:24]) == (2, 1, 16_000, 320, 3, 2)
    points = np.frombuffer(data[24:], np.int8).reshape(3, 2, 2)
    assert points.tolist() == [[[64, 64], [0, 0]], [[0, 0], [-32, -32]], [[0, 0], [-32, 0]]]


def test_they_are_there_at_every_flush_and_the_same_as_measured_afterwards(tmp_path: Path) -> None:
    """Audio in uneven pieces, late and out of step: what is drawn is what is recorded."""
    chance = np.random.default_rng(3)
    reached = {Party.CALLER: 0, Party.AGENT: 0}
    with StereoRecorder(tmp_path / "c.wav") as recorder:
        for _ in range(60):
            party = Party.CALLER if chance.random() < 0.6 else Party.AGENT
            start, size = reached[party] + int(chance.integers(0, 900)), int(chance.integers(1, 4_000))
            loud = float(chance.uniform(0.01, 1))
            recorder.write(party, start, on_16_bit_grid(chance.uniform(-loud, loud, size).astype(np.float32)))
            reached[party] = start + size
            if chance.random() < 0.3:
                recorder.flush()
                live = decode_peaks((tmp_path / "c.peaks").read_bytes())
                assert np.array_equal(live.values, measure_peaks(recorder.partial_path).values)
    stored = decode_peaks((tmp_path / "c.peaks").read_bytes())
    assert np.array_equal(stored.values, measure_peaks(tmp_path / "c.wav").values)
    assert len(stored.values) == -(-max(reached.values()) // POINT)


def test_fewer_points_lose_no_peak() -> None:
    pcm = np.random.default_rng(1).integers(-32_768, 32_767, (SAMPLE_RATE, 2)).astype(np.int16)
    peaks = Peaks.of(pcm)
    fewer = peaks.at_most(7)
    assert len(fewer.values) <= 7
    assert fewer.samples_per_point * len(fewer.values) >= SAMPLE_RATE
    for n, point in enumerate(fewer.values):
        part = pcm[n * fewer.samples_per_point : (n + 1) * fewer.samples_per_point]
        assert np.array_equal(point, np.stack([part.min(axis=0), part.max(axis=0)], axis=-1) >> 8)
    assert peaks.at_most(10_000) is peaks


def test_what_lies_in_the_way_costs_the_peaks_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "c.peaks").mkdir()
    audio = np.full(SAMPLE_RATE, 0.5, np.float32)
    with StereoRecorder(tmp_path / "c.wav") as recorder:
        recorder.write(Party.CALLER, 0, audio)
    assert len(measure_peaks(tmp_path / "c.wav").values) == 50


def test_a_full_disk_costs_the_peaks_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = PeakWriter(tmp_path / "c.peaks")
    writer.open()
    writer.put(0, np.ones((POINT, 2), np.int16))
    monkeypatch.setattr("voice.peaks.os.pwrite", lambda *_: 0)
    writer.put(POINT, np.ones((POINT, 2), np.int16))
    monkeypatch.undo()
    assert not (tmp_path / "c.peaks").exists()
    writer.put(2 * POINT, np.ones((POINT, 2), np.int16))
    writer.close()


def test_peaks_of_a_crash_go(tmp_path: Path) -> None:
    recorder = StereoRecorder(tmp_path / "c.wav")
    recorder.open()
    recorder.write(Party.CALLER, 0, np.full(SAMPLE_RATE, 0.5, np.float32))
    recorder.flush()
    assert finish_interrupted(tmp_path) == [tmp_path / "c.wav"]
    assert not (tmp_path / "c.peaks").exists()


@given(st.binary(max_size=64) | st.binary(max_size=40).map(lambda rest: struct.pack("<iIii", 2, 1, 16_000, 320) + rest))
def test_noise_is_no_file_of_peaks(data: bytes) -> None:
    try:
        peaks = decode_peaks(data)
    except PeaksError:
        return
    assert peaks.encode() == data[: 24 + peaks.values.size]
