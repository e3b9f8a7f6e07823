"""Turns of one speaker never overlap, whatever they were made of."""

from __future__ import annotations

import pytest

from asr.diarization.types import Diarization, SpeakerTurn, join_spans
from voice.contracts.audio import Span


def test_turns_of_one_speaker_are_joined_where_they_touch() -> None:
    spans = {"a": (Span(50, 90), Span(0, 50), Span(10, 20), Span(91, 95)), "b": (Span(40, 60),)}
    found = Diarization.of([SpeakerTurn(span, name) for name, listed in spans.items() for span in listed])
    assert found.turns == (
        SpeakerTurn(Span(0, 90), "a"),
        SpeakerTurn(Span(40, 60), "b"),
        SpeakerTurn(Span(91, 95), "a"),
    )
    assert found.speakers == ("a", "b")
    assert found.talk("a") == 94
    assert found.of_speaker("a", "b") == (Span(0, 90), Span(91, 95))


def test_empty_spans_vanish_when_joined() -> None:
    assert join_spans([Span(5, 5), Span(3, 4), Span(1, 2)]) == (Span(1, 2), Span(3, 4))


@pytest.mark.parametrize(("span", "speaker"), [(Span(3, 3), "a"), (Span(0, 1), ""), (Span(0, 1), "a b")])
def test_a_turn_needs_time_and_a_label(span: Span, speaker: str) -> None:
    with pytest.raises(ValueError, match=r"turn|label"):
        SpeakerTurn(span, speaker)
