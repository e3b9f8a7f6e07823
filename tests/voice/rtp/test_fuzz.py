"""A short run of the fuzzer in the suite; a long one by command (see `fuzz.py`)."""

from __future__ import annotations

from pathlib import Path

from tests.voice.rtp.fuzz import fuzz_one, main, write_corpus


def test_malformed_datagrams_end_in_typed_errors_and_counts() -> None:
    main(4_000, seed=3)


def test_the_other_fuzzers_way_in_takes_anything() -> None:
    fuzz_one(b"")
    fuzz_one(bytes(range(256)) * 8)


def test_what_the_other_fuzzer_begins_with_is_taken_whole(tmp_path: Path) -> None:
    assert write_corpus(tmp_path) > 80
    for path in tmp_path.iterdir():
        fuzz_one(path.read_bytes())
