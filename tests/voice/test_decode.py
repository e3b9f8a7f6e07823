"""Every ordinary kind of audio file decodes to the audio it was made from; every broken one is refused by type."""

from __future__ import annotations

import os
import struct
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from voice.audio.decode import AudioFile, Channels, inspect
from voice.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from voice.contracts.errors import AudioEmptyError, AudioFormatError, AudioTruncatedError


def tones(rate_hz: int, channels: int, seconds: float = 1.0) -> Channels:
    """A different tone on each channel, shape (channels, n)."""
    time = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.stack([0.4 * np.sin(2 * np.pi * hz * time) for hz in (440, 1_000)[:channels]]).astype(np.float32)


def decode(path: Path, at_least: int = 16_000) -> Channels:
    with AudioFile(path) as file:
        return np.concatenate(list(file.blocks(at_least)), axis=1)


def wav_bytes(
    data: bytes, *, rate_hz: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1, claims: int | None = None
) -> bytes:
    """A WAV whose header may lie: `claims` is what it says of the length of its data."""
    length = len(data) if claims is None else claims
    block = channels * bits // 8
    return (
        struct.pack("<4sI4s", b"RIFF", min(36 + length, 0xFFFF_FFFF), b"WAVE")
        + struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, rate_hz, rate_hz * block, block, bits)
        + struct.pack("<4sI", b"data", length)
        + data
    )


SUBTYPES = {"PCM_U8": 1.2e-2, "PCM_16": 4e-5, "PCM_24": 1e-6, "PCM_32": 1e-6, "FLOAT": 1e-6, "ULAW": 2e-2, "ALAW": 2e-2}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("subtype", SUBTYPES)
def test_wav_of_every_kind(tmp_path: Path, subtype: str, rate_hz: int, channels: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(rate_hz, channels).T, rate_hz, subtype=subtype)
    got = decode(path)
    assert got.dtype == np.float32
    assert got.shape == (channels, 16_000)
    assert np.abs(got - tones(16_000, channels))[:, 400:-400].max() < SUBTYPES[subtype] + 2e-5
    info = inspect(path)
    assert (info.rate_hz, info.channels, info.container, info.truncated) == (rate_hz, channels, "wav", False)


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "OPUS"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
@pytest.mark.parametrize("channels", [1, 2])
def test_compressed_files(tmp_path: Path, container: str, subtype: str, channels: int) -> None:
    path = tmp_path / "a.bin"
    soundfile.write(path, tones(48_000, channels, 2.0).T, 48_000, format=container, subtype=subtype)
    got = decode(path)
    expected = tones(16_000, channels, 2.0)
    assert abs(got.shape[1] - 32_000) <= 160
    for row, tone in zip(got, expected, strict=True):
        assert np.corrcoef(row[4_000:28_000], tone[4_000:28_000])[0, 1] > 0.99
    assert not inspect(path).truncated


def test_16_khz_pcm16_is_bit_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio = np.random.default_rng(3).integers(-32_768, 32_768, 20_011).astype(np.int16)
    soundfile.write(path, audio, 16_000, subtype="PCM_16")
    assert np.array_equal(decode(path)[0] * 32_768, audio)


@pytest.mark.parametrize("law", ["ULAW", "ALAW"])
def test_g711_files_hold_what_the_tables_say(tmp_path: Path, law: str) -> None:
    path = tmp_path / "a.wav"
    audio = (tones(16_000, 1)[0] * 32_767).astype(np.int16)
    ours = decode_ulaw(encode_ulaw(audio)) if law == "ULAW" else decode_alaw(encode_alaw(audio))
    soundfile.write(path, ours, 16_000, subtype=law)
    assert np.array_equal(decode(path)[0] * 32_768, ours)


def test_blocks_are_as_large_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(44_100, 2, 3.0).T, 44_100)
    with AudioFile(path) as file:
        blocks = list(file.blocks(8_000))
    assert all(8_000 <= block.shape[1] < 12_000 for block in blocks[:-1])
    assert np.array_equal(np.concatenate(blocks, axis=1), decode(path))


def test_an_hour_is_never_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    with path.open("wb") as file:
        file.write(wav_bytes(b"", rate_hz=8_000, claims=57_600_000))
        file.truncate(44 + 57_600_000)
    tracemalloc.start()
    try:
        with AudioFile(path) as audio:
            samples = sum(block.shape[1] for block in audio.blocks())
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
    assert samples == 3_600 * 16_000


@pytest.mark.parametrize("claims", [0xFFFF_FFFF, 0xFFFF_FFDB, 0x7FFF_FFFF])
def test_a_header_of_four_gigabytes_means_an_unknown_length(tmp_path: Path, claims: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(b"\1\2" * 1_600, claims=claims))
    assert decode(path).shape == (1, 1_600)
    assert not inspect(path).truncated


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def test_a_truncated_wav_is_used_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(16_000, 2).T, 16_000, subtype="PCM_16")
    whole = decode(path)
    cut(path, 0.5)
    got = decode(path)
    assert inspect(path).truncated
    assert abs(got.shape[1] - 8_000) < 20
    assert np.array_equal(got, whole[:, : got.shape[1]])


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "OPUS"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_a_truncated_compressed_file_is_used_and_reported(tmp_path: Path, container: str, subtype: str) -> None:
    path = tmp_path / "a.bin"
    noise = np.random.default_rng(4).uniform(-0.3, 0.3, 480_000).astype(np.float32)
    soundfile.write(path, noise, 48_000, format=container, subtype=subtype)
    assert not inspect(path).truncated
    cut(path, 0.5)
    assert inspect(path).truncated
    assert 40_000 < decode(path).shape[1] < 120_000


def test_damage_inside_leaves_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    noise = np.random.default_rng(5).uniform(-0.3, 0.3, 160_000).astype(np.float32)
    soundfile.write(path, noise, 16_000)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40_000] = b"\0" * 40_000
    path.write_bytes(data)
    with AudioFile(path) as file:
        samples = sum(block.shape[1] for block in file.blocks())
    assert samples >= 60_000


def test_not_a_number_becomes_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio = np.array([0.5, np.nan, np.inf, -np.inf, 3.0] * 100, np.float32)
    path.write_bytes(wav_bytes(audio.tobytes(), bits=32, tag=3))
    assert decode(path)[0, :5].tolist() == [0.5, 0.0, 1.0, -1.0, 3.0]


ONE_SECOND = b"\1\2" * 16_000
BROKEN: dict[str, tuple[bytes, type[AudioFormatError]]] = {
    "no bytes": (b"", AudioEmptyError),
    "a text file": (b"this is no audio\n" * 100, AudioFormatError),
    "noise": (np.random.default_rng(6).bytes(30_000), AudioFormatError),
    "a playlist": (b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", AudioFormatError),
    "a script for FFmpeg": (b"ffconcat version 1.0\nfile /etc/hostname\n", AudioFormatError),
    "zero rate": (wav_bytes(ONE_SECOND, rate_hz=0), AudioFormatError),
    "an absurd rate": (wav_bytes(ONE_SECOND, rate_hz=2_000_000), AudioFormatError),
    "a rate below speech": (wav_bytes(ONE_SECOND, rate_hz=100), AudioFormatError),
    "no channels": (wav_bytes(ONE_SECOND, channels=0), AudioFormatError),
    "six channels": (wav_bytes(ONE_SECOND * 6, channels=6), AudioFormatError),
    "an unknown codec": (wav_bytes(ONE_SECOND, tag=0x7777), AudioFormatError),
    "a header that says no audio": (wav_bytes(b""), AudioEmptyError),
    "a header and nothing else": (wav_bytes(b"", claims=32_000), AudioTruncatedError),
    "a four-gigabyte header and nothing else": (wav_bytes(b"", claims=0xFFFF_FFFF), AudioEmptyError),
    "half a header": (wav_bytes(ONE_SECOND)[:20], AudioTruncatedError),
    "chunks of no length for ever": (b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 20_000, AudioFormatError),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(tmp_path: Path, name: str) -> None:
    data, error = BROKEN[name]
    path = tmp_path / "call.wav"
    path.write_bytes(data)
    with pytest.raises(AudioFormatError) as caught:
        inspect(path)
    assert type(caught.value) is error
    assert str(path) in str(caught.value)
    assert caught.value.fix


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with av.open(path, "w", format="matroska") as container:
        container.add_stream("mpeg4", rate=25, width=64, height=64)
    with pytest.raises(AudioFormatError):
        inspect(path)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.wav"
    os.mkfifo(fifo)
    for path, what in ((tmp_path, "folder"), (tmp_path / "none.wav", "no file"), (fifo, "regular")):
        with pytest.raises(AudioFormatError, match=what) as caught:
            inspect(path)
        assert caught.value.fix


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(ONE_SECOND))
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything: let the system call refuse

        def refuse(*arguments: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioFormatError, match="Permission denied"):
        inspect(path)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")])
def test_damaged_files_decode_or_are_refused_by_type(tmp_path: Path, container: str, subtype: str) -> None:
    path = tmp_path / "a.bin"
    soundfile.write(path, tones(48_000, 1)[0], 48_000, format=container, subtype=subtype)
    whole, random = path.read_bytes(), np.random.default_rng(7)
    refused = 0
    for _ in range(120):
        data = bytearray(whole[: random.integers(1, len(whole))] if random.random() < 0.3 else whole)
        for place in random.integers(0, min(len(data), 400) if random.random() < 0.5 else len(data), 4):
            data[place] = random.integers(0, 256)
        path.write_bytes(data)
        try:
            assert np.isfinite(decode(path)).all()
        except AudioFormatError:
            refused += 1
    assert refused < 120
