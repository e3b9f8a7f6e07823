"""Turn settings that contradict themselves, or the segmenter's, are refused."""

from __future__ import annotations

import pytest

from voice.contracts.audio import Party, Pcm
from voice.contracts.errors import SettingsError
from voice.turns.settings import TurnSettings
from voice.vad.segmenter import Segmenter, SegmenterSettings


class Deaf:
    """A detector that hears no speech."""

    def probability(self, pcm: Pcm) -> float:
        return 0.0

    def reset(self) -> None:
        """Nothing to forget."""


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"ask_after_ms": 0}, "ask_after_ms >= 20"),
        ({"ask_after_ms": 560}, "close_after_ms"),
        ({"ask_after_ms": float("nan")}, "ask_after_ms has to be a number"),
        ({"patience_ms": 400}, "close_after_ms <= patience_ms"),
        ({"patience_ms": float("inf")}, "patience_ms has to be a number"),
        ({"complete_from": 1.1}, "complete_from <= 1"),
        ({"incomplete_below": 0.95}, "incomplete_below <= complete_from"),
        ({"incomplete_below": -0.1}, "incomplete_below has to be a number of at least 0"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, float], rule: str) -> None:
    with pytest.raises(SettingsError, match=rule):
        TurnSettings(**change)


@pytest.mark.parametrize("hangover_ms", [540, 1_420])
def test_the_hang_over_lies_between_the_two_ends(hangover_ms: float) -> None:
    options = SegmenterSettings(hangover_ms=hangover_ms)
    turns = TurnSettings(close_after_ms=560, patience_ms=1_400)
    with pytest.raises(SettingsError, match=rf"got 560 <= {hangover_ms} <= 1400 ms"):
        Segmenter(Deaf(), options, Party.CALLER, turns)
