"""Archives that nobody vouches for: sound ones unpack, hostile ones do nothing."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from asr.models.archive import MAX_MEMBERS, MAX_RATIO, unpack
from voice.contracts.errors import ModelCorruptError


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return path


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def test_a_single_folder_around_everything_is_left_out(tmp_path: Path, into: Path) -> None:
    told: list[tuple[int, int]] = []
    zipped = archive(tmp_path / "m.zip", {"vosk-model/am/final.mdl": b"abc", "vosk-model/conf/mfcc.conf": b"de"})
    unpack(zipped, into, lambda done, total: told.append((done, total)))
    assert (into / "am/final.mdl").read_bytes() == b"abc"
    assert (into / "conf/mfcc.conf").read_bytes() == b"de"
    assert told == [(3, 5), (5, 5)]


def test_several_folders_stay(tmp_path: Path, into: Path) -> None:
    unpack(archive(tmp_path / "m.zip", {"am/final.mdl": b"abc", "conf/mfcc.conf": b"de"}), into)
    assert (into / "am/final.mdl").is_file()


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", "C:/evil", "..", "a/b/../../../evil"]
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, into: Path, name: str) -> None:
    zipped = archive(tmp_path / "m.zip", {"good": b"x", name: b"evil"})
    with pytest.raises(ModelCorruptError, match="leads out"):
        unpack(zipped, into)
    assert list(into.iterdir()) == [], "nothing is written before every path is checked"
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(tmp_path: Path, into: Path, kind: int) -> None:
    member = zipfile.ZipInfo("am")
    member.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as zipped:
        zipped.writestr(member, "/etc")
        zipped.writestr("am/passwd", "x")
    with pytest.raises(ModelCorruptError, match="not a plain file"):
        unpack(tmp_path / "m.zip", into)


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path, into: Path) -> None:
    zipped = archive(tmp_path / "m.zip", {"zeros": bytes(50_000_000)})
    assert MAX_RATIO * zipped.stat().st_size < 50_000_000
    with pytest.raises(ModelCorruptError, match="would unpack to"):
        unpack(zipped, into)
    assert list(into.iterdir()) == []


def test_too_many_files_are_refused(tmp_path: Path, into: Path) -> None:
    with pytest.raises(ModelCorruptError, match="would unpack to"):
        unpack(archive(tmp_path / "m.zip", {f"f{n}": b"" for n in range(MAX_MEMBERS + 1)}), into)


def test_a_header_that_lies_about_the_size_is_refused(tmp_path: Path, into: Path) -> None:
    data = bytes(range(256)) * 40
    path = archive(tmp_path / "m.zip", {"f": data})
    raw = path.read_bytes()
    lying = raw.replace(len(data).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != raw
    path.write_bytes(lying)
    with pytest.raises(ModelCorruptError):
        unpack(path, into)
    assert sum(f.stat().st_size for f in into.rglob("*")) <= 100


@pytest.mark.parametrize("damage", ["truncated", "not a zip", "flipped", "empty"])
def test_damaged_archives_are_refused(tmp_path: Path, into: Path, damage: str) -> None:
    path = archive(tmp_path / "m.zip", {"f": bytes(range(256)) * 400, "g": b"x"})
    raw = bytearray(path.read_bytes())
    match damage:
        case "truncated":
            raw = raw[: len(raw) // 2]
        case "not a zip":
            raw = bytearray(b"<html>Not found</html>")
        case "flipped":
            raw[60] ^= 0xFF
        case _:
            raw = bytearray()
    path.write_bytes(raw)
    with pytest.raises(ModelCorruptError, match=r"m\.zip"):
        unpack(path, into)


def test_an_archive_without_files_is_refused(tmp_path: Path, into: Path) -> None:
    with pytest.raises(ModelCorruptError, match="empty"):
        unpack(archive(tmp_path / "m.zip", {}), into)
