"""The segmenter with a judge of turns: what is asked, when, and what each answer changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm
from voice.contracts.errors import TurnAnswerError
from voice.contracts.speech import EndReason
from voice.turns.settings import TurnSettings
from voice.vad.segmenter import (
    QUESTION_SAMPLES,
    SegmentAudio,
    SegmentClosed,
    Segmenter,
    SegmenterOutput,
    SegmenterSettings,
    SegmentOpened,
    TurnQuestion,
)

SHORT = SegmenterSettings(
    onset_ms=40, min_speech_ms=80, hangover_ms=200, pre_roll_ms=60, max_utterance_ms=2_000, relax_ms=0
)
TURNS = TurnSettings(ask_after_ms=80, close_after_ms=140, patience_ms=400, complete_from=0.8, incomplete_below=0.3)
"""Asked after 4 frames; a complete turn ends after 7, one that nobody judged after 10, an incomplete one after 20."""

Answer = Callable[[TurnQuestion], float | None]


class Scripted:
    """A detector that answers what it was told."""

    def __init__(self, script: str) -> None:
        self._answers = iter([{"#": 0.9, ".": 0.1}[character] for character in script])

    def probability(self, pcm: Pcm) -> float:
        return next(self._answers)

    def reset(self) -> None:
        """A script is not begun again."""


def frames(count: int) -> list[AudioFrame]:
    audio = np.random.default_rng(count).uniform(-1, 1, (count, FRAME_SAMPLES)).astype(np.float32)
    return [AudioFrame(Party.CALLER, index * FRAME_SAMPLES, row) for index, row in enumerate(audio)]


def heard(
    script: str, answer: Answer, *, early: bool = True, options: SegmenterSettings = SHORT
) -> list[SegmenterOutput]:
    """What the segmenter says of a script, its questions answered at once (`early`) or as late as can be."""
    segmenter = Segmenter(Scripted(script), options, Party.CALLER, TURNS)
    outputs: list[SegmenterOutput] = []
    latest: TurnQuestion | None = None
    for frame in frames(len(script)):
        for output in segmenter.feed(frame):
            outputs.append(output)
            if not isinstance(output, SegmentAudio):
                continue
            if output.question is not None:
                latest = output.question
                if early:
                    segmenter.answer(answer(latest))
            if output.answer_due and not (early and output.question is None):
                assert latest is not None
                segmenter.answer(answer(latest))
    return outputs + segmenter.flush()


def cuts(outputs: Sequence[SegmenterOutput]) -> list[tuple[int, int, int]]:
    """Begin, end and final pause of each segment, in frames."""
    closed = [output for output in outputs if isinstance(output, SegmentClosed)]
    return [tuple(n // FRAME_SAMPLES for n in (one.span.start, one.span.end, one.silence)) for one in closed]  # type: ignore[misc]  # three numbers each


def questions(outputs: Sequence[SegmenterOutput]) -> list[TurnQuestion]:
    return [one.question for one in outputs if isinstance(one, SegmentAudio) and one.question is not None]


SPOKEN = "..." + "#" * 6
PAUSED = SPOKEN + "." * 30


@pytest.mark.parametrize(
    ("probability", "pause"), [(1.0, 7), (0.8, 7), (0.79, 10), (0.3, 10), (None, 10), (0.29, 20), (0.0, 20)]
)
@pytest.mark.parametrize("early", [True, False])
def test_the_answer_picks_the_timer(probability: float | None, pause: int, early: bool) -> None:
    assert cuts(heard(PAUSED, lambda _: probability, early=early)) == [(0, 9 + pause, pause)]


def test_a_pause_is_asked_about_once_with_the_audio_up_to_it() -> None:
    outputs = heard(PAUSED, lambda _: 0.0)
    [question] = questions(outputs)
    audio = np.concatenate([frame.pcm for frame in frames(len(PAUSED))])
    assert question.at == 13 * FRAME_SAMPLES
    assert np.array_equal(question.pcm, audio[: 13 * FRAME_SAMPLES])


def test_pauses_too_short_to_ask_about_and_silence_are_not_asked_about() -> None:
    assert questions(heard("#####...#####...#####", lambda _: 1.0)) == []
    assert questions(heard("." * 200, lambda _: 1.0)) == []


def test_each_pause_has_its_own_answer() -> None:
    answers = iter([0.0, 1.0])
    outputs = heard(SPOKEN + "." * 15 + "#" * 6 + "." * 30, lambda _: next(answers))
    assert cuts(outputs) == [(0, 9 + 15 + 6 + 7, 7)], "patience in the first pause, none in the second"


def test_speech_voids_the_question() -> None:
    segmenter = Segmenter(Scripted("#" * 6 + "." * 5 + "#" * 4 + "." * 30), SHORT, Party.CALLER, TURNS)
    outputs: list[SegmenterOutput] = []
    for index, frame in enumerate(frames(22)):
        outputs += segmenter.feed(frame)
        if index == 12:
            segmenter.answer(1.0)  # too late: the speaker went on
        if index == 18:
            segmenter.answer(None)
    assert [question.at // FRAME_SAMPLES for question in questions(outputs)] == [10, 19]
    assert cuts(outputs) == []


def test_an_answer_that_is_missing_when_it_is_due_is_an_error() -> None:
    segmenter = Segmenter(Scripted(PAUSED), SHORT, Party.CALLER, TURNS)
    outputs: list[SegmenterOutput] = []
    with pytest.raises(TurnAnswerError, match="has not been judged"):
        for frame in frames(len(PAUSED)):
            outputs += segmenter.feed(frame)
    last = outputs[-1]
    assert isinstance(last, SegmentAudio)
    assert last.answer_due
    assert last.start == 14 * FRAME_SAMPLES, "the sixth frame of the pause: the seventh may end the turn"


@pytest.mark.parametrize("wrong", [float("nan"), -0.1, 1.1, float("inf")])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    segmenter = Segmenter(Scripted(PAUSED), SHORT, Party.CALLER, TURNS)
    with pytest.raises(TurnAnswerError, match="a probability in"):
        segmenter.answer(wrong)


def test_an_answer_that_nobody_asked_for_changes_nothing() -> None:
    segmenter = Segmenter(Scripted(PAUSED), SHORT, Party.CALLER)
    segmenter.answer(1.0)
    outputs = [output for frame in frames(len(PAUSED)) for output in segmenter.feed(frame)]
    assert questions(outputs) == []
    assert cuts(outputs) == [(0, 19, 10)]


def test_audio_says_whether_it_is_speech() -> None:
    outputs = heard(SPOKEN + "..##" + "." * 20, lambda _: None)
    spoken = "".join("#" if one.speech else "." for one in outputs if isinstance(one, SegmentAudio))
    assert spoken == "##..##" + "." * 10


def test_a_minute_without_a_pause_asks_nothing_and_a_question_is_bounded() -> None:
    options = SegmenterSettings(hangover_ms=200, max_utterance_ms=15_000, relax_ms=5_000)
    outputs = heard("#" * 3_000, lambda _: 1.0, options=options)
    assert questions(outputs) == []
    assert [one.reason for one in outputs if isinstance(one, SegmentClosed)] == [EndReason.MAX_LENGTH] * 4
    long = heard("#" * 450 + "." * 30, lambda _: 1.0, options=options)
    assert [question.pcm.size for question in questions(long)] == [QUESTION_SAMPLES]


runs = st.tuples(st.sampled_from("#."), st.integers(1, 30))
scripts = st.lists(runs, max_size=25).map(lambda parts: "".join(character * length for character, length in parts))


def by_place(question: TurnQuestion) -> float | None:
    """An answer that depends on the question alone."""
    return [None, 0.0, 0.5, 1.0][question.at // FRAME_SAMPLES % 4]


@settings(deadline=None, max_examples=200)
@given(scripts, st.sampled_from([0, 400]))
def test_when_the_answer_comes_makes_no_difference(script: str, relax_ms: float) -> None:
    options = SegmenterSettings(
        onset_ms=40, min_speech_ms=80, hangover_ms=200, pre_roll_ms=60, max_utterance_ms=1_000, relax_ms=relax_ms
    )
    at_once = heard(script, by_place, options=options)
    late = heard(script, by_place, early=False, options=options)
    assert cuts(at_once) == cuts(late)
    for segment in (output for output in at_once if isinstance(output, SegmentClosed)):
        assert segment.span.length <= 50 * FRAME_SAMPLES
        assert 0 <= segment.silence <= segment.span.length
    opened = sum(isinstance(output, SegmentOpened) for output in at_once)
    assert opened == len(cuts(at_once))


@settings(deadline=None, max_examples=100)
@given(scripts)
def test_without_answers_turns_end_as_if_nobody_was_asked(script: str) -> None:
    plain = Segmenter(Scripted(script), SHORT, Party.CALLER)
    outputs = [output for frame in frames(len(script)) for output in plain.feed(frame)] + plain.flush()
    assert cuts(heard(script, lambda _: None)) == cuts(outputs)
