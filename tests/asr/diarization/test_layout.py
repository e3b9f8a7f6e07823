"""A pipeline's folder is looked at before anything heavy is loaded; the core needs none of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asr.diarization.diarizer import open_diarizer
from asr.diarization.layout import check_layout, is_pipeline
from asr.diarization.neural import installation
from voice.contracts.errors import MissingExtraError, ModelCorruptError, ModelMissingError


def test_a_missing_folder_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="warmline models pull diarization"):
        check_layout(tmp_path / "none")


def test_a_file_is_no_pipeline(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("pipeline: {}")
    with pytest.raises(ModelCorruptError, match="is a file"):
        check_layout(path)


def test_an_incomplete_folder_is_said(tmp_path: Path) -> None:
    assert not is_pipeline(tmp_path)
    (tmp_path / "segmentation").mkdir()
    (tmp_path / "segmentation" / "pytorch_model.bin").write_bytes(b"x")
    assert is_pipeline(tmp_path)
    with pytest.raises(ModelMissingError, match="embedding/"):
        check_layout(tmp_path)


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("pipeline: {}")
    monkeypatch.setattr(installation, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match="make diarize") as caught:
        open_diarizer(tmp_path)
    assert caught.value.code == "install.extra"


def test_a_pyannote_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "find_spec", lambda _name: object())
    monkeypatch.setattr(installation, "version", lambda _name: "3.4.0")
    with pytest.raises(MissingExtraError, match=r"4 or newer; this is 3\.4\.0"):
        installation.make_ready()


def test_a_pytorch_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise OSError("libcudart.so.13: cannot open shared object file\nand more")

    monkeypatch.setattr(installation, "find_spec", lambda _name: object())
    monkeypatch.setattr(installation, "version", lambda _name: "4.0.7")
    monkeypatch.setattr(installation, "load_torchaudio", refuse)
    with pytest.raises(MissingExtraError, match=r"does not fit together .*libcudart") as caught:
        installation.make_ready()
    assert "and more" not in str(caught.value)


def test_the_core_imports_no_pytorch() -> None:
    script = (
        "import sys, agent_console.cli, agent_console.diarized_replay, agent_console.diarization_evaluation, "
        "asr.diarization.diarizer, asr.diarization.train\n"
        "assert not {'torch', 'pyannote', 'lightning'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def versions(lock: Path) -> dict[str, str]:
    """The pinned version of each package; the first where the lock has several, by platform."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, version)
    return found


def test_the_extra_has_a_lock_of_its_own_at_the_versions_of_the_core(project: Path) -> None:
    core, extra = (versions(project / f"requirements{suffix}.lock") for suffix in ("", "-diarize"))
    heavy = {"torch", "pyannote-audio", "pyannote-core", "pyannote-metrics", "lightning", "torchaudio"}
    assert heavy <= set(extra)
    assert not heavy & set(core)
    different = {name: (core[name], extra[name]) for name in core.keys() & extra.keys() if core[name] != extra[name]}
    assert not different, "regenerate requirements-diarize.lock, see CONTRIBUTING.md"
