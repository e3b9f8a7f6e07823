"""What is built: a wheel of exactly the five rooms; and what is committed: no host, no path of a machine."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOMS = {"voice", "asr", "prosody", "routing", "agent_console"}


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names inside the built wheel."""
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)],
        cwd=project,
        check=True,
        capture_output=True,
    )
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_five_rooms_and_nothing_else(wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == ROOMS


def test_the_wheel_holds_what_a_call_needs(wheel: list[str]) -> None:
    for name in (
        "agent_console/static/index.html",
        "voice/vad/silero_vad.onnx",
        "voice/vad/silero_vad.LICENSE",
        "routing/policy/default.yaml",
        "routing/policy/policy.schema.json",
    ):
        assert name in wheel, name
    assert any(name.startswith("routing/understanding/model/") for name in wheel)
    assert not any(name.startswith("agent_console/web/") for name in wheel)


def test_nothing_committed_names_a_registry_or_a_machine(project: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=project, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    host = re.compile(rb"https?://[^/\s\"']*(?:pypi|npmjs|registry|debian)[^/\s\"']*/")
    for name in listed.stdout.splitlines():
        path = project / name
        if path.suffix in {".wav", ".flac", ".onnx", ".npz"} or not path.is_file():
            continue
        found = host.search(path.read_bytes())
        assert found is None, f"{name}: {found[0]!r}" if found else ""
