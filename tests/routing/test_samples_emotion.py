"""The project's own calls: who gets upset is found at once, by tone and by words; who does not is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from asr.types import Language
from prosody.emotion import EmotionTracker
from prosody.features import measure
from prosody.types import EmotionScore, EmotionShift
from routing.understanding.turn import Understander
from voice.contracts.audio import SAMPLE_RATE, Pcm, SegmentId, Span, from_ms

CALLS = Path(__file__).parents[2] / "samples" / "calls"

CHANGES_MS = {"en-refund-agent": 24_780, "zh-complaint-words": 22_290, "zh-tone-only": 18_870}
"""Where the script turns: the first line that complains, or the first one with a raised voice."""

CALM = sorted(
    path.parent.name
    for path in CALLS.glob("*/call.json")
    if not json.loads(path.read_text("utf-8"))["expect"]["emotion_shift"]
)


@dataclass(frozen=True)
class Turn:
    """One utterance of the caller as the recorded session heard it."""

    segment: SegmentId
    span: Span
    pcm: Pcm
    text: str


@dataclass(frozen=True)
class Followed:
    """What came of one turn."""

    turn: Turn
    score: EmotionScore
    shift: EmotionShift | None


def read_turns(name: str) -> tuple[list[Turn], Language]:
    """The caller's turns of a sample, with the words that were recognized."""
    folder = CALLS / name
    about = json.loads((folder / "call.json").read_text("utf-8"))
    channels, rate = soundfile.read(folder / "audio.wav", dtype="float32", always_2d=True)
    audio = soxr.resample(channels[:, about["channels"].index("caller")], rate, SAMPLE_RATE)
    spans: dict[int, Span] = {}
    texts: dict[int, str] = {}
    for line in (folder / "expected.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        if event["type"] == "speech.ended" and event["party"] == "caller":
            spans[event["segment"]] = Span(from_ms(event["span"]["start_ms"]), from_ms(event["span"]["end_ms"]))
        elif event["type"] == "transcript.final":
            texts[event["segment"]] = event["text"]
    turns = [
        Turn(SegmentId(segment), span, np.asarray(audio[span.start : span.end], np.float32), texts[segment])
        for segment, span in sorted(spans.items())
    ]
    return turns, Language(about["language"].split("-")[0])


@pytest.fixture(scope="module")
def follow() -> Callable[[str, bool], list[Followed]]:
    """Plays a sample's caller through the emotion tracker, with or without words."""
    understander = Understander.load()

    def follow_sample(name: str, with_words: bool) -> list[Followed]:
        turns, language = read_turns(name)
        tracker, followed = EmotionTracker(), []
        for turn in turns:
            tracker.score_tone(turn.segment, turn.span, measure(turn.pcm, tracker.usual_hz))
            valence, strength = None, 0.0
            if with_words:
                sentiment = understander.understand(turn.text, language).sentiment
                valence, strength = sentiment.valence, sentiment.strength
            followed.append(Followed(turn, *tracker.score_words(turn.segment, valence, strength)))
        return followed

    return follow_sample


def rises(followed: list[Followed]) -> list[int]:
    """Places of the turns that confirm a shift to the worse."""
    return [place for place, one in enumerate(followed) if one.shift and one.shift.reason != "settling"]


@pytest.mark.parametrize("name", sorted(CHANGES_MS))
def test_an_escalation_is_found_within_two_utterances(follow: Callable[[str, bool], list[Followed]], name: str) -> None:
    followed = follow(name, True)
    first = next(place for place, one in enumerate(followed) if one.turn.span.end > from_ms(CHANGES_MS[name]))
    assert rises(followed), "no shift at all"
    assert first <= rises(followed)[0] <= first + 1


def test_tone_alone_finds_the_raised_voice(follow: Callable[[str, bool], list[Followed]]) -> None:
    """The words of this call stay polite; only the voice rises."""
    followed = follow("zh-tone-only", False)
    first = next(place for place, one in enumerate(followed) if one.turn.span.end > from_ms(CHANGES_MS["zh-tone-only"]))
    assert first <= rises(followed)[0] <= first + 1
    shift = followed[rises(followed)[0]].shift
    assert shift is not None
    assert "arousal_high" in shift.reason


@pytest.mark.parametrize("name", ["en-refund-agent", "zh-complaint-words"])
def test_tone_alone_finds_nothing_where_only_words_complain(
    follow: Callable[[str, bool], list[Followed]], name: str
) -> None:
    assert rises(follow(name, False)) == []


@pytest.mark.parametrize("with_words", [False, True], ids=["tone", "tone and words"])
@pytest.mark.parametrize("name", CALM)
def test_a_calm_call_has_no_shift(follow: Callable[[str, bool], list[Followed]], name: str, with_words: bool) -> None:
    assert [one.shift for one in follow(name, with_words) if one.shift] == []


def test_escalations_rank_above_calm_calls_by_risk(follow: Callable[[str, bool], list[Followed]]) -> None:
    highest = {name: max(one.score.risk for one in follow(name, True)) for name in (*CALM, *CHANGES_MS)}
    assert min(highest[name] for name in CHANGES_MS) > max(highest[name] for name in CALM)
