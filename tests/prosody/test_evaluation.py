"""What tone is worth on real speech: acted emotions, neutral reading, and neutral reading that escalates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from prosody.evaluation import LabelledUtterance, find_shifts, separate_arousal
from prosody.features import measure
from prosody.types import EmotionLevel, ProsodyFeatures
from voice.contracts.audio import Pcm

if TYPE_CHECKING:
    from tests.prosody.conftest import Recording


def escalate(pcm: Pcm, factor: float, gain_db: float) -> Pcm:
    """Play faster (pitch and rate rise together) and louder."""
    places = np.arange(0, len(pcm) - 1, factor)
    faster = np.interp(places, np.arange(len(pcm)), pcm) * 10 ** (gain_db / 20)
    return np.asarray(np.clip(faster, -1, 1), np.float32)


def by_speaker(recordings: list[Recording], speaker: str) -> list[Recording]:
    return [recording for recording in recordings if recording.speaker == speaker]


@pytest.mark.parametrize("line", ["studio", "telephone"])
def test_arousal_separates_acted_emotions(emodb: list[Recording], telephone: Callable[..., Pcm], line: str) -> None:
    chain = telephone if line == "telephone" else lambda pcm, _noise_db: pcm
    separation = separate_arousal(
        [LabelledUtterance(r.speaker, r.emotion, measure(chain(r.pcm, -55.0))) for r in emodb]
    )
    assert separation.auc > 0.95
    assert 0.9 < separation.low <= separation.auc <= separation.high <= 1
    assert min(separation.by_speaker.values()) > 0.85
    assert (separation.aroused, separation.calm) == (59, 58)


def test_acted_anger_shifts_within_two_utterances(emodb: list[Recording]) -> None:
    order = np.random.default_rng(0)
    found = early = tried = 0
    for speaker in ("03", "09", "11", "14", "15"):
        mine = by_speaker(emodb, speaker)
        neutral = [measure(recording.pcm) for recording in mine if recording.emotion == "neutral"]
        angry = [measure(recording.pcm) for recording in mine if recording.emotion == "anger"]
        for _ in range(10):
            chosen = [neutral[place] for place in order.permutation(len(neutral))[:3]]
            early += bool(find_shifts(chosen))
            shifts = find_shifts(chosen + [angry[place] for place in order.permutation(len(angry))[:2]])
            found += any("arousal_high" in shift.reason for shift in shifts)
            tried += 1
    assert found >= 0.9 * tried
    assert early == 0


@pytest.mark.parametrize("speaker", ["S0150", "S0252"])
def test_a_voice_that_rises_from_the_middle_on_is_found_within_two_utterances(
    aishell: list[Recording], telephone: Callable[..., Pcm], speaker: str
) -> None:
    mine = [2 * recording.pcm for recording in by_speaker(aishell, speaker) if len(recording.pcm) > 32_000]
    calm = [measure(telephone(pcm)) for pcm in mine]
    raised = [measure(telephone(escalate(pcm, 1.3, 8))) for pcm in mine]
    order = np.random.default_rng(0)
    found = early = 0
    for _ in range(20):
        chosen = order.permutation(len(mine))[:6]
        shifts = find_shifts([calm[place] for place in chosen[:4]] + [raised[place] for place in chosen[4:]])
        found += any(shift.current is not EmotionLevel.SETTLED and shift.segments[-1] >= 4 for shift in shifts)
        early += any(shift.segments[-1] < 4 for shift in shifts)
    assert found >= 17
    assert early == 0


def test_reading_the_news_does_not_upset_anybody(aishell: list[Recording]) -> None:
    """7.6 minutes of read, neutral speech in an order that jumps between topics and sessions."""
    for speaker in ("S0150", "S0252"):
        shifts = find_shifts([measure(recording.pcm) for recording in by_speaker(aishell, speaker)])
        assert sum(shift.reason != "settling" for shift in shifts) <= 1
        assert all(shift.current is not EmotionLevel.UPSET for shift in shifts)


def test_separation_of_made_up_speakers() -> None:
    base = measure(np.zeros(0, np.float32))

    def voice(speaker: str, emotion: str, f0_hz: float) -> LabelledUtterance:
        values = {"duration_s": 3.0, "voiced_ratio": 0.6, "f0_median_hz": f0_hz}
        fields = {name: getattr(base, name) for name in ProsodyFeatures.__slots__} | values
        return LabelledUtterance(speaker, emotion, ProsodyFeatures(**fields))

    apart = [
        voice(speaker, emotion, low * factor)
        for speaker, low in (("low", 100.0), ("high", 230.0))
        for emotion, factor in (("neutral", 1.0), ("neutral", 1.03), ("neutral", 0.98), ("anger", 1.5), ("fear", 1.4))
    ]
    separation = separate_arousal(apart)
    assert separation.auc == separation.low == separation.high == 1.0
    with pytest.raises(ValueError, match="both classes"):
        separate_arousal([utterance for utterance in apart if utterance.emotion == "neutral"])
