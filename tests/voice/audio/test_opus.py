"""libopus through its one door: what goes in comes out, what is lost is made up for, what is wrong is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import voice.audio.opus
from voice.audio.opus import GRAIN, OpusDecoder, OpusEncoder, OpusSettings, libopus, opus_version
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, on_16_bit_grid
from voice.contracts.errors import FrameError, OpusError, SettingsError
from voice.rtp.opus_payload import has_redundancy, is_dtx, payload_samples

CODEC_DELAY = 104
"""Samples by which what is decoded lies behind what was encoded: 6.5 ms (libopus's look-ahead)."""


@pytest.fixture(scope="module")
def speech(shared_data: Path) -> Pcm:
    """Eight seconds of read Mandarin."""
    parts = [
        soundfile.read(path, dtype="float32")[0]
        for path in sorted((shared_data / "speech" / "aishell1-sample").glob("*.flac"))[:3]
    ]
    pcm = np.concatenate(parts)[: 8 * SAMPLE_RATE]
    return np.asarray(pcm[: pcm.size // FRAME_SAMPLES * FRAME_SAMPLES], np.float32)


def packets(pcm: Pcm, settings: OpusSettings | None = None) -> list[bytes]:
    encoder = OpusEncoder(settings)
    return [encoder.encode(frame) for frame in pcm.reshape(-1, FRAME_SAMPLES)]


def likeness(pcm: Pcm, decoded: Pcm) -> float:
    decoded, pcm = decoded[CODEC_DELAY:], pcm[: decoded.size - CODEC_DELAY]
    return float(decoded @ pcm / np.sqrt((decoded @ decoded) * (pcm @ pcm) + 1e-12))


def test_speech_survives_at_16_khz_on_the_16_bit_grid(speech: Pcm) -> None:
    decoder = OpusDecoder()
    decoded = np.concatenate([decoder.decode(payload) for payload in packets(speech)])
    assert decoded.size == speech.size
    assert likeness(speech, decoded) > 0.97
    assert np.array_equal(decoded, on_16_bit_grid(decoded))


def test_what_is_recovered_is_nearer_the_truth_than_what_is_concealed(speech: Pcm) -> None:
    sent = packets(speech)
    lost = [n for n in range(20, len(sent) - 1, 10) if has_redundancy(sent[n + 1])]
    assert len(lost) > 10

    def heard(*, recovering: bool) -> Pcm:
        decoder = OpusDecoder()
        pieces = []
        for number, payload in enumerate(sent):
            if number not in lost:
                pieces.append(decoder.decode(payload))
            elif recovering:
                pieces.append(decoder.recover(sent[number + 1], FRAME_SAMPLES))
            else:
                pieces.append(decoder.conceal(FRAME_SAMPLES))
        return np.concatenate(pieces)

    def in_lost(pcm: Pcm) -> Pcm:
        return np.concatenate([pcm[n * FRAME_SAMPLES + CODEC_DELAY :][:FRAME_SAMPLES] for n in lost])

    truth = np.concatenate([speech[n * FRAME_SAMPLES :][:FRAME_SAMPLES] for n in lost])

    def error(pcm: Pcm) -> float:
        return float(np.mean((in_lost(pcm) - truth) ** 2) / np.mean(truth**2))

    assert error(heard(recovering=True)) < 0.5 * error(heard(recovering=False))


def test_nothing_is_sent_twice_where_nothing_gets_lost(speech: Pcm) -> None:
    assert not any(has_redundancy(payload) for payload in packets(speech, OpusSettings(expected_loss=0)))
    assert not any(has_redundancy(payload) for payload in packets(speech, OpusSettings(fec=False)))


def test_silence_is_not_worth_a_packet() -> None:
    silent = packets(np.zeros(100 * FRAME_SAMPLES, np.float32))
    assert sum(not is_dtx(payload) for payload in silent[12:]) <= 5
    assert not any(is_dtx(payload) for payload in packets(np.zeros(32_000, np.float32), OpusSettings(dtx=False)))


@pytest.mark.parametrize("samples", [40, 80, 160, 320, 640, 960])
def test_a_payload_says_how_long_it_is(samples: int) -> None:
    pcm = np.random.default_rng(0).normal(0, 0.1, samples * 20).astype(np.float32)
    encoder, decoder = OpusEncoder(), OpusDecoder()
    for frame in pcm.reshape(-1, samples):
        payload = encoder.encode(frame)
        assert payload_samples(payload) == 3 * samples == 3 * decoder.decode(payload).size


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=60))
def test_our_reading_of_a_payload_agrees_with_the_library(payload: bytes) -> None:
    library = libopus().opus_packet_get_nb_samples(payload, len(payload), 48_000)
    try:
        ours = payload_samples(payload)
    except Exception:
        ours = -1
    if ours >= 0 and library >= 0:
        assert ours == library
    elif payload[0] & 3 == 3 or len(payload) > 1:
        assert library < 0 or ours < 0


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.integers(1, 48)), max_size=8))
def test_any_bytes_are_decoded_or_refused(stream: list[bytes | int]) -> None:
    decoder = OpusDecoder()
    for item in stream:
        if isinstance(item, int):
            assert decoder.conceal(item * GRAIN).size == item * GRAIN
            continue
        try:
            pcm = decoder.decode(item)
        except OpusError:
            continue
        assert 40 <= pcm.size <= 1920
        assert np.abs(pcm).max() <= 1
    assert decoder.conceal(FRAME_SAMPLES).size == FRAME_SAMPLES


@pytest.mark.parametrize("samples", [0, 39, 50, 2000, -40])
def test_odd_lengths_are_refused(samples: int) -> None:
    with pytest.raises(FrameError):
        OpusDecoder().conceal(samples)


@pytest.mark.parametrize("pcm", [np.zeros(321, np.float32), np.zeros(320), np.zeros((2, 320), np.float32)])
def test_odd_frames_are_refused(pcm: Pcm) -> None:
    with pytest.raises(FrameError):
        OpusEncoder().encode(pcm)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(SettingsError, match="6000"):
        OpusSettings(bit_rate=100)
    with pytest.raises(SettingsError, match="between 0 and 1"):
        OpusSettings(expected_loss=5)
    with pytest.raises(SettingsError, match="0 to 10"):
        OpusSettings(complexity=11)


def test_a_machine_without_libopus_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice.audio.opus, "_places", lambda: iter(["/nowhere/libopus.so"]))
    with pytest.raises(OpusError, match="make setup"):
        libopus.__wrapped__()


def test_the_library_names_itself() -> None:
    assert opus_version().startswith("libopus ")
