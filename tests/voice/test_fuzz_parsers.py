"""What atheris found worth keeping, and a few thousand changes of it: nothing but typed errors."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.voice.fuzz import main
from tests.voice.fuzz_parsers import SEEDS, TARGETS, kept
from tests.voice.rtp.fuzz import changed

CHANGES = 400


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_worth_keeping_and_changes_of_them_break_nothing(name: str) -> None:
    chance = random.Random(name)
    inputs = kept(name)
    assert len(inputs) >= 5
    for data in inputs:
        TARGETS[name](data)
    for _ in range(CHANGES):
        TARGETS[name](changed(chance.choice(inputs), chance))


def test_every_parser_has_inputs_and_all_inputs_are_some_parsers() -> None:
    assert {path.stem for path in SEEDS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in SEEDS.iterdir()) < 20_000


def test_a_run_begins_with_what_was_kept(tmp_path: Path) -> None:
    main(["--begin", "rtcp", str(tmp_path)])
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == sorted(kept("rtcp"))
