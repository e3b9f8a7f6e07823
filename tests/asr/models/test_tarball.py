"""Compressed tar files that nobody vouches for: sound ones unpack, hostile ones leave nothing behind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.models.archive import MAX_MEMBERS, MAX_RATIO
from asr.models.tarball import HEADERS, is_tarball, unpack_tarball
from voice.contracts.errors import ModelCorruptError

NOISE = bytes(range(256)) * 40


def tar_of(members: dict[str, bytes | tarfile.TarInfo], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                tar.addfile(data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def archive(tmp_path: Path, members: dict[str, bytes | tarfile.TarInfo]) -> Path:
    path = tmp_path / "m.tar.bz2"
    path.write_bytes(bz2.compress(tar_of(members)))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress])
def test_a_single_folder_around_everything_is_left_out(
    tmp_path: Path, into: Path, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "m"
    path.write_bytes(
        compress(tar_of({"./model/tokens.txt": b"a 0\n", "./model/64/model": b"deep", "./model/model": b""}))
    )
    told: list[tuple[int, int]] = []
    unpack_tarball(path, into, lambda done, total: told.append((done, total)))
    assert (into / "tokens.txt").read_bytes() == b"a 0\n"
    assert (into / "64/model").read_bytes() == b"deep"
    assert (into / "model").is_file(), "a file may have the folder's own name"
    assert told[-1][1] == path.stat().st_size
    assert all(done <= total for done, total in told)


def test_several_folders_stay(tmp_path: Path, into: Path) -> None:
    unpack_tarball(archive(tmp_path, {"a/x": b"1", "b/y": b"2"}), into)
    assert (into / "a/x").is_file()
    assert (into / "b/y").is_file()


def test_only_what_is_wanted_is_written(tmp_path: Path, into: Path) -> None:
    members: dict[str, bytes | tarfile.TarInfo] = {
        "m/encoder.onnx": random.Random(1).randbytes(300_000),
        "m/encoder.int8.onnx": NOISE,
        "m/tokens.txt": b"a 0\n",
        "m/64/encoder.int8.onnx": b"another",
        "m/test_wavs/0.wav": NOISE,
        "m/latest": special("m/latest", tarfile.SYMTYPE, "encoder.onnx"),
    }
    unpack_tarball(archive(tmp_path, members), into, keep=("encoder.int8.onnx", "tokens.txt"))
    assert sorted(path.name for path in into.iterdir()) == ["encoder.int8.onnx", "tokens.txt"]
    assert (into / "encoder.int8.onnx").read_bytes() == NOISE


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", "C:/evil", ".."])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, into: Path, name: str) -> None:
    path = archive(tmp_path, {"good": b"x", name: b"evil"})
    with pytest.raises(ModelCorruptError, match="leads out"):
        unpack_tarball(path, into)
    assert list(into.iterdir()) == [], "what was written before is taken back"
    assert not (tmp_path / "evil").exists()
    with pytest.raises(ModelCorruptError, match="leads out"):
        unpack_tarball(path, into, keep=("good",))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, into: Path, kind: bytes) -> None:
    path = archive(tmp_path, {"m/a": b"x", "m/am": special("m/am", kind, "/etc"), "m/am/passwd": b"x"})
    with pytest.raises(ModelCorruptError, match="not a plain file"):
        unpack_tarball(path, into)
    assert list(into.iterdir()) == []


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path, into: Path) -> None:
    path = archive(tmp_path, {"m/small": b"x", "m/zeros": bytes(50_000_000)})
    assert MAX_RATIO * path.stat().st_size < 50_000_000
    with pytest.raises(ModelCorruptError, match="would unpack to more than"):
        unpack_tarball(path, into)
    assert list(into.iterdir()) == []


def test_a_bomb_among_what_is_not_wanted_is_refused_too(tmp_path: Path, into: Path) -> None:
    with pytest.raises(ModelCorruptError, match="would unpack to more than"):
        unpack_tarball(archive(tmp_path, {"m/zeros": bytes(50_000_000), "m/a": b"x"}), into, keep=("a",))


def test_a_header_that_would_fill_memory_is_refused(tmp_path: Path, into: Path) -> None:
    """tarfile reads long names and extended headers whole."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 40 * HEADERS
    path = tmp_path / "m.tar.bz2"
    path.write_bytes(bz2.compress(header.tobuf() + bytes(40 * HEADERS) + tar_of({"a": b"x"})))
    with pytest.raises(ModelCorruptError, match="header is larger than any"):
        unpack_tarball(path, into)


def test_too_many_files_are_refused(tmp_path: Path, into: Path) -> None:
    with pytest.raises(ModelCorruptError, match="would unpack to more than"):
        unpack_tarball(archive(tmp_path, {f"f{n}": b"" for n in range(MAX_MEMBERS + 1)}), into)
    assert list(into.iterdir()) == []


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "m.tar.bz2"
    twice = tar_of({"m/a": b"one"})[:1024] + tar_of({"m/a": b"two"})
    path.write_bytes(bz2.compress(twice))
    with pytest.raises(ModelCorruptError, match="holds a file twice"):
        unpack_tarball(path, into)
    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    "damage", ["truncated", "tar cut short", "flipped", "not a tar", "nothing wanted", "empty tar"]
)
def test_damaged_archives_are_refused(tmp_path: Path, into: Path, damage: str) -> None:
    plain = tar_of({"m/a": NOISE * 4, "m/b": b"x"})
    packed = bytearray(bz2.compress(plain))
    match damage:
        case "truncated":
            packed = packed[: len(packed) // 2]
        case "tar cut short":
            packed = bytearray(bz2.compress(plain[:5000]))
        case "flipped":
            packed[len(packed) // 2] ^= 0xFF
        case "not a tar":
            packed = bytearray(bz2.compress(b"<html>Not found</html>" * 100))
        case "empty tar":
            packed = bytearray(bz2.compress(tar_of({})))
        case _:
            pass
    path = tmp_path / "m.tar.bz2"
    path.write_bytes(packed)
    keep = ("other",) if damage == "nothing wanted" else ()
    with pytest.raises(ModelCorruptError, match=r"m\.tar\.bz2"):
        unpack_tarball(path, into, keep=keep)
    assert list(into.iterdir()) == []


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("asr.models.tarball.copy_bounded", refuse)
    with pytest.raises(OSError, match="No space left"):
        unpack_tarball(archive(tmp_path, {"m/a": b"x"}), into)
    assert list(into.iterdir()) == []


def test_tar_files_are_told_by_how_they_begin(tmp_path: Path) -> None:
    (tmp_path / "zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "short").write_bytes(b"B")
    assert is_tarball(archive(tmp_path, {"a": b"x"}))
    assert not is_tarball(tmp_path / "zip")
    assert not is_tarball(tmp_path / "short")
