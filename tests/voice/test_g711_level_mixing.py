"""Companding against FFmpeg's decoder, levels against known signals, mixing that never wraps."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voice.audio.g711 import Pcm16, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from voice.audio.level import FLOOR_DBFS, level_dbfs, peak_dbfs
from voice.audio.mixing import KNEE, mix
from voice.contracts.audio import Pcm

ALL_CODES = bytes(range(256))
ALL_VALUES = np.arange(-32_768, 32_768).astype(np.int16)
LAWS = [
    pytest.param("pcm_mulaw", decode_ulaw, encode_ulaw, id="mu-law"),
    pytest.param("pcm_alaw", decode_alaw, encode_alaw, id="A-law"),
]
Decode = Callable[[bytes], Pcm16]
Encode = Callable[[Pcm16], bytes]


def decode_with_ffmpeg(codec: str, data: bytes) -> Pcm16:
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = 8_000
    context.layout = "mono"
    frames = context.decode(av.Packet(data))
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.int16)


@pytest.mark.parametrize(("codec", "decode", "encode"), LAWS)
def test_every_code_decodes_as_ffmpeg_decodes_it(codec: str, decode: Decode, encode: Encode) -> None:
    assert np.array_equal(decode(ALL_CODES), decode_with_ffmpeg(codec, ALL_CODES))


@pytest.mark.parametrize(("codec", "decode", "encode"), LAWS)
def test_every_value_becomes_the_nearest_level(codec: str, decode: Decode, encode: Encode) -> None:
    levels = decode_with_ffmpeg(codec, ALL_CODES).astype(int)
    error = np.abs(decode(encode(ALL_VALUES)).astype(int) - ALL_VALUES)
    nearest = np.min(np.abs(levels[:, None] - ALL_VALUES[None, :].astype(int)), axis=0)
    assert np.array_equal(error, nearest)


@pytest.mark.parametrize(("codec", "decode", "encode"), LAWS)
def test_levels_survive_a_round_trip(codec: str, decode: Decode, encode: Encode) -> None:
    levels = decode(ALL_CODES)
    assert np.array_equal(decode(encode(levels)), levels)
    assert encode(np.zeros(0, np.int16)) == b""


@pytest.mark.parametrize(("codec", "decode", "encode"), LAWS)
def test_companding_is_monotonic(codec: str, decode: Decode, encode: Encode) -> None:
    assert (np.diff(decode(encode(ALL_VALUES)).astype(int)) >= 0).all()


def test_silence_is_the_idle_code_of_the_line() -> None:
    assert encode_ulaw(np.zeros(1, np.int16)) == b"\xff"
    assert encode_alaw(np.zeros(1, np.int16)) == b"\xd5"


def test_levels_of_known_signals() -> None:
    sine = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000).astype(np.float32)
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(sine * np.float32(0.1)) == pytest.approx(-23.01, abs=0.01)
    assert level_dbfs(np.ones(320, np.float32)) == pytest.approx(0)
    assert peak_dbfs(sine) == pytest.approx(0, abs=0.01)
    for nothing in (np.zeros(320, np.float32), np.zeros(0, np.float32)):
        assert level_dbfs(nothing) == peak_dbfs(nothing) == FLOOR_DBFS


signals = arrays(np.float32, 50, elements=st.floats(-1, 1, width=32))


@given(st.lists(signals, min_size=1, max_size=4))
def test_a_mix_keeps_the_sign_and_never_exceeds_full_scale(voices: list[Pcm]) -> None:
    mixed = mix(*voices)
    total = np.stack(voices).sum(axis=0, dtype=np.float32)
    assert mixed.dtype == np.float32
    assert np.abs(mixed).max() <= 1
    assert (mixed * total >= 0).all()
    assert (np.abs(mixed) <= np.abs(total) + 1e-6).all()
    quiet = np.abs(total) <= KNEE
    assert np.array_equal(mixed[quiet], total[quiet])


@given(signals)
def test_one_voice_passes_untouched(voice: Pcm) -> None:
    assert np.array_equal(mix(voice), voice)
    assert np.array_equal(mix(np.zeros_like(voice), voice), voice)


def test_a_mix_bends_smoothly() -> None:
    half: Pcm = (np.linspace(0, 1, 2_001) / 2 + 1e-6).astype(np.float32)
    steps = np.diff(mix(half, half))
    assert (steps > 0).all()
    assert np.abs(np.diff(steps)).max() < 1e-5


def test_voices_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        mix(np.zeros(3, np.float32), np.zeros(4, np.float32))
