"""Versions of the policy are kept as they were written, once each; one that was changed since is not believed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from routing.desk.file import load_desk
from routing.policy.archive import PolicyArchive
from routing.policy.course import read_course
from routing.policy.explanation import explain
from routing.policy.file import DEFAULT_POLICY, EXAMPLE_POLICY, load_policy
from tests.routing.policy.talk import Talk
from voice.contracts.errors import PolicyError


@pytest.fixture
def archive(tmp_path: Path) -> PolicyArchive:
    return PolicyArchive(tmp_path / "data" / "policies")


def later(tmp_path: Path, text: str = "") -> Path:
    path = tmp_path / "policy.yaml"
    shipped = DEFAULT_POLICY.read_text(encoding="utf-8")
    path.write_text(text or shipped.replace("priority: {at_least: 80}", "priority: {at_least: 90}"), encoding="utf-8")
    return path


def test_what_comes_into_force_is_kept_once_word_for_word(archive: PolicyArchive, tmp_path: Path) -> None:
    assert archive.versions() == []
    policy = archive.load(DEFAULT_POLICY)
    (kept,) = archive.folder.iterdir()
    before = kept.stat().st_mtime_ns
    assert kept.read_bytes() == DEFAULT_POLICY.read_bytes()
    assert archive.load(DEFAULT_POLICY) == policy
    assert kept.stat().st_mtime_ns == before
    other = archive.load(later(tmp_path))
    assert set(archive.versions()) == {policy.version, other.version}
    assert archive.read(policy.version) == policy
    assert archive.read_all([policy.version, other.version, "gone+12345678"]) == {
        policy.version: policy,
        other.version: other,
    }


def test_what_is_broken_is_not_kept(archive: PolicyArchive, tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        archive.load(later(tmp_path, "rules: ["))
    assert archive.versions() == []


def test_a_folder_that_cannot_be_written_keeps_nobody_from_deciding(
    archive: PolicyArchive, caplog: pytest.LogCaptureFixture
) -> None:
    archive.folder.parent.mkdir()
    archive.folder.write_bytes(b"a file where the folder should be")
    assert stat.S_ISREG(archive.folder.stat().st_mode)
    assert archive.load(DEFAULT_POLICY) == load_policy()
    assert "is not kept" in caplog.text
    assert archive.versions() == []


@pytest.mark.parametrize(
    "name", ["", "..", "../policy", "2026.11.2", "2026.11.2+xyz", "2026.11.2+1234567\n", "a/b+12345678"]
)
def test_what_is_no_version_is_not_found(archive: PolicyArchive, name: str) -> None:
    archive.load(DEFAULT_POLICY)
    assert archive.find(name) is None
    assert archive.read(name) is None


def test_a_version_that_somebody_changed_is_not_believed(archive: PolicyArchive, tmp_path: Path) -> None:
    policy = archive.load(DEFAULT_POLICY)
    path = archive.find(policy.version)
    assert path is not None
    path.write_bytes(later(tmp_path).read_bytes())
    with pytest.raises(PolicyError, match="holds version"):
        archive.read(policy.version)
    assert archive.read_all([policy.version]) == {}


def test_a_version_whose_queues_are_gone_explains_still(archive: PolicyArchive) -> None:
    policy = archive.load(EXAMPLE_POLICY)
    with pytest.raises(PolicyError):
        load_policy(EXAMPLE_POLICY, desk=load_desk())
    assert archive.read(policy.version) == policy


def test_each_decision_is_explained_by_its_own_version(archive: PolicyArchive, tmp_path: Path) -> None:
    before, after = archive.load(DEFAULT_POLICY), archive.load(later(tmp_path))
    talk = Talk(before)
    talk.tell("我要投诉你们")
    course = read_course(talk.finish().log)
    (own,) = explain(after, course, archive.read_all({before.version}))
    assert (own.same, own.decision.policy_version, own.decision.priority) == (True, before.version, 80)
    (other,) = explain(after, course)
    assert (other.same, other.decision.policy_version, other.decision.priority) == (False, after.version, 90)
