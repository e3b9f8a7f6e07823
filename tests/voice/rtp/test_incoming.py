"""Speech through bad networks: each sound at its place, clocks that differ evened out, frames on the grid."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.audio.opus import OpusEncoder, OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, on_16_bit_grid
from voice.rtp.drift import DriftFilter
from voice.rtp.incoming import IncomingSpeech
from voice.rtp.packet import RtpPacket


def packet(number: int, payload: bytes) -> RtpPacket:
    return RtpPacket(96, False, number % 2**16, number * 960 % 2**32, 1, payload)


def received(arrivals: list[tuple[float, RtpPacket]]) -> tuple[list[AudioFrame], IncomingSpeech]:
    speech = IncomingSpeech(Party.CALLER)
    frames: list[AudioFrame] = []
    for at, each in arrivals:
        while (due_s := speech.due_s()) is not None and due_s <= at:
            frames += speech.take(due_s)
        speech.add(each, at)
    return frames + speech.drain(), speech


def laid(frames: list[AudioFrame], size: int) -> Pcm:
    pcm = np.zeros(max(size, frames[-1].start + FRAME_SAMPLES), np.float32)
    for frame in frames:
        pcm[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
    return pcm


def likeness(a: Pcm, b: Pcm) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b) + 1e-12))


@pytest.fixture(scope="module")
def payloads(shared_data: Path) -> list[bytes]:
    """Ten seconds of read Mandarin in packets with redundancy."""
    files = sorted((shared_data / "speech" / "aishell1-sample").glob("*.flac"))[:4]
    pcm = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in files])[: 10 * SAMPLE_RATE]
    encoder = OpusEncoder(OpusSettings(dtx=False))
    return [encoder.encode(frame) for frame in np.asarray(pcm, np.float32).reshape(-1, FRAME_SAMPLES)]


@pytest.fixture(scope="module")
def whole(payloads: list[bytes]) -> Pcm:
    """What they sound like where none is lost."""
    frames, _ = received([(1 + n * 0.02, packet(n, payload)) for n, payload in enumerate(payloads)])
    return laid(frames, 0)


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.10])
def test_lost_packets_are_made_up_for_in_their_place(payloads: list[bytes], whole: Pcm, loss: float) -> None:
    chance = np.random.default_rng(3)
    came = [(1 + n * 0.02, packet(n, p)) for n, p in enumerate(payloads) if n < 5 or chance.random() >= loss]
    frames, speech = received(came)
    assert [frame.start for frame in frames] == [n * FRAME_SAMPLES for n in range(len(payloads))]
    assert likeness(laid(frames, 0), whole) > 0.97
    assert speech.buffer.lost == len(payloads) - len(came)


def test_jitter_and_overtaking_change_no_sample(payloads: list[bytes], whole: Pcm) -> None:
    chance = np.random.default_rng(4)
    came = [(1 + n * 0.02 + chance.uniform(0, 0.05), packet(n, p)) for n, p in enumerate(payloads)]
    frames, speech = received(sorted(came, key=lambda arrival: arrival[0]))
    assert speech.buffer.counts.late == 0
    assert np.array_equal(laid(frames, 0), whole)


@pytest.mark.parametrize("ppm", [50, -50, 100])
def test_clocks_that_differ_are_evened_out(payloads: list[bytes], ppm: int) -> None:
    minutes = 5
    count = minutes * 60 * 50
    pace_s = 0.02 * (1 + ppm * 1e-6)
    came = [(1 + n * pace_s, packet(n, payloads[n % len(payloads)])) for n in range(count)]
    frames, speech = received(came)
    should_end_s = count * pace_s
    assert abs((frames[-1].start + FRAME_SAMPLES) / SAMPLE_RATE - should_end_s) < 0.012 + FRAME_SAMPLES / SAMPLE_RATE
    assert speech.skew / 16 == pytest.approx(minutes * 60 * ppm * 1e-3, abs=1.5)
    assert all(after.start - before.start == FRAME_SAMPLES for before, after in pairwise(frames))


def test_an_evened_stretch_is_a_millisecond_longer_or_shorter_and_otherwise_the_same() -> None:
    quiet = on_16_bit_grid((0.001 * np.sin(np.arange(320) / 20)).astype(np.float32))
    for skew, size in ((40, 336), (-40, 304), (10, 320)):
        stretched = DriftFilter().even(quiet, skew)
        assert stretched.size == size
        assert np.array_equal(stretched, on_16_bit_grid(stretched))
        again = np.interp(np.linspace(0, size - 1, 320), np.arange(size), stretched).astype(np.float32)
        assert likeness(again, quiet) > 0.999


def test_loud_audio_waits_until_it_is_urgent() -> None:
    loud = np.full(320, 0.1, np.float32)
    assert DriftFilter().even(loud, 100).size == 320
    assert DriftFilter().even(loud, 200).size == 336


items = st.one_of(
    st.tuples(st.integers(0, 400), st.binary(max_size=60)),
    st.tuples(st.integers(0, 2**16 - 1), st.sampled_from([b"", b"\x48", bytes(1), bytes(1_500), b"\x4b\x3f" * 600])),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(items, st.floats(0, 0.5), st.integers(0, 1)), max_size=40))
def test_any_payloads_give_frames_in_order_on_the_grid(stream: list[tuple[tuple[int, bytes], float, int]]) -> None:
    speech = IncomingSpeech(Party.CALLER)
    now_s = 0.0
    frames: list[AudioFrame] = []
    for (number, payload), wait_s, ssrc in stream:
        now_s += wait_s
        speech.add(RtpPacket(96, False, number, number * 960, ssrc, payload), now_s)
        frames += speech.take(now_s)
    frames += speech.drain()
    assert all(before.start < after.start for before, after in pairwise(frames))
    assert all(np.array_equal(frame.pcm * 32768, np.rint(frame.pcm * 32768)) for frame in frames)
    assert len(frames) * FRAME_SAMPLES <= (now_s + 30) * SAMPLE_RATE
