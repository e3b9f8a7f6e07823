"""A short run of the fuzzer in the suite; a long one by command (see `fuzz.py`)."""

from __future__ import annotations

from tests.voice.rtp.fuzz import fuzz_one, main


def test_malformed_datagrams_end_in_typed_errors_and_counts() -> None:
    main(4_000, seed=3)


def test_the_other_fuzzers_way_in_takes_anything() -> None:
    fuzz_one(b"")
    fuzz_one(bytes(range(256)) * 8)
