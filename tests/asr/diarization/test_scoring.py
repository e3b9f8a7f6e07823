"""DER by hand-made truth; tests/asr/diarization/test_pyannote.py compares with pyannote.metrics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.diarization.scoring import DiarizationErrors, score
from asr.diarization.types import Diarization, SpeakerTurn
from voice.contracts.audio import Span


def made_of(*turns: tuple[int, int, str]) -> Diarization:
    return Diarization.of([SpeakerTurn(Span(start, end), speaker) for start, end, speaker in turns])


REAL = made_of((0, 100, "a"), (100, 200, "b"), (180, 240, "a"))


def test_labels_mean_nothing() -> None:
    scored = score(REAL, made_of((0, 100, "x"), (100, 200, "y"), (180, 240, "x")))
    assert scored.errors == DiarizationErrors(speech=260)
    assert scored.errors.rate == 0
    assert scored.mapping == {"x": "a", "y": "b"}


def test_each_kind_of_error_is_told_apart() -> None:
    # [0, 50) missed; [100, 120) given to the wrong one; [180, 200) one of two missed; [240, 250) invented.
    found = made_of((50, 120, "x"), (120, 200, "y"), (200, 250, "x"))
    assert score(REAL, found).errors == DiarizationErrors(missed=70, false_alarm=10, confusion=20, speech=260)


def test_one_label_for_two_speakers_is_confusion() -> None:
    assert score(REAL, made_of((0, 240, "x"))).errors == DiarizationErrors(missed=20, confusion=80, speech=260)


def test_too_many_labels_are_confusion_as_well() -> None:
    found = made_of((0, 60, "x"), (60, 100, "z"), (100, 200, "y"), (180, 240, "x"))
    assert score(REAL, found).errors == DiarizationErrors(confusion=40, speech=260)


def test_nothing_found_is_all_missed_and_nothing_real_is_all_invented() -> None:
    nothing = Diarization(())
    assert score(REAL, nothing).errors == DiarizationErrors(missed=260, speech=260)
    assert score(nothing, REAL).errors == DiarizationErrors(false_alarm=260)
    assert score(nothing, nothing).errors == DiarizationErrors()
    with pytest.raises(ZeroDivisionError):
        _ = score(nothing, REAL).errors.rate


def test_a_collar_leaves_out_what_is_near_a_boundary() -> None:
    found = made_of((3, 104, "x"), (104, 200, "y"), (180, 244, "x"))
    assert score(REAL, found).errors.errors == 3 + 4 + 4
    assert score(REAL, found, collar=5).errors == DiarizationErrors(speech=260 - 5 - 10 - 15 - 15 - 5)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 80), st.sampled_from("abcd")), max_size=12))
def test_what_is_right_is_right_under_any_names(listed: list[tuple[int, int, str]]) -> None:
    real = made_of(*((start, start + length, name) for start, length, name in listed))
    renamed = made_of(*((turn.span.start, turn.span.end, f"S{turn.speaker}") for turn in real.turns))
    assert score(real, renamed).errors == DiarizationErrors(speech=sum(real.talk(name) for name in real.speakers))
