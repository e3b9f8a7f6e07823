"""The segmenter: rules on scripted probabilities, properties on random ones, bounds on real speech."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Samples, Span, from_ms
from voice.contracts.errors import FrameError, SettingsError
from voice.contracts.speech import EndReason
from voice.vad.segmenter import (
    SegmentAudio,
    SegmentClosed,
    Segmenter,
    SegmenterOutput,
    SegmenterSettings,
    SegmentOpened,
)

FRAME_MS = 20
CALLER = Party.CALLER


class Scripted:
    """A detector that answers what it was told."""

    def __init__(self, probabilities: Iterable[float]) -> None:
        self._answers = iter(probabilities)

    def probability(self, pcm: Pcm) -> float:
        return next(self._answers)

    def reset(self) -> None:
        """A script is not begun again."""


def audio_frames(count: int, start: Samples = 0) -> list[AudioFrame]:
    """Frames that differ from each other in every sample."""
    audio = np.random.default_rng(count).integers(-32_768, 32_768, (count, FRAME_SAMPLES)) / 32_768
    return [
        AudioFrame(CALLER, start + index * FRAME_SAMPLES, row) for index, row in enumerate(audio.astype(np.float32))
    ]


def outputs_of(
    script: Sequence[float], options: SegmenterSettings, start: Samples = 0
) -> tuple[list[SegmenterOutput], Pcm]:
    segmenter = Segmenter(Scripted(script), options, CALLER)
    frames = audio_frames(len(script), start)
    outputs = [output for frame in frames for output in segmenter.feed(frame)] + segmenter.flush()
    assert not segmenter.is_open
    return outputs, np.concatenate([frame.pcm for frame in frames] or [np.zeros(0, np.float32)])


def closed(outputs: Iterable[SegmenterOutput]) -> list[SegmentClosed]:
    return [output for output in outputs if isinstance(output, SegmentClosed)]


def cuts(script: str, **options: float) -> list[tuple[int, int, str]]:
    """Segments in frames, of a script of one character a frame: `#` speech, `+` between the thresholds, `.` silence."""
    probabilities = [{"#": 0.9, "+": 0.4, ".": 0.1}[character] for character in script]
    outputs, _ = outputs_of(probabilities, replace(SHORT, **options))
    spans = [(output.span, output.reason) for output in closed(outputs)]
    return [(span.start // FRAME_SAMPLES, span.end // FRAME_SAMPLES, reason.value) for span, reason in spans]


SHORT = SegmenterSettings(
    onset_ms=40, min_speech_ms=80, hangover_ms=100, pre_roll_ms=60, max_utterance_ms=800, relax_ms=0
)
"""Onset 2 frames, minimum 4, hang-over 5, pre-roll 3, maximum 40, no early cut."""


def test_silence_gives_nothing() -> None:
    assert cuts("." * 200) == []


def test_pre_roll_and_hang_over_belong_to_the_utterance() -> None:
    assert cuts("." * 10 + "#" * 6 + "." * 20) == [(7, 21, "silence")]


def test_pre_roll_ends_at_the_beginning_of_the_stream() -> None:
    assert cuts("." + "#" * 6 + "." * 20) == [(0, 12, "silence")]


def test_a_click_is_no_onset() -> None:
    assert cuts("....#....#....#....#....#....#....") == []


def test_too_little_speech_is_no_utterance() -> None:
    assert cuts("....###......###......") == []


def test_short_pauses_inside_do_not_matter() -> None:
    assert cuts("....##..##........") == [(1, 15, "silence")]


def test_a_pause_as_long_as_the_hang_over_parts_two_utterances() -> None:
    assert cuts("####....####.....####....") == [(0, 17, "silence"), (17, 25, "stream_end")]


def test_pre_roll_does_not_reach_into_the_utterance_before() -> None:
    assert cuts("####.....#####.....") == [(0, 9, "silence"), (9, 19, "silence")]


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    assert cuts("+" * 30) == []
    assert cuts("...##" + "+" * 10 + "." * 8) == [(0, 20, "silence")]


def test_what_is_open_at_the_end_is_closed_and_what_is_not_yet_an_utterance_is_dropped() -> None:
    assert cuts("....######") == [(1, 10, "stream_end")]
    assert cuts("....###") == []


def test_the_longest_utterance_is_followed_without_a_gap() -> None:
    assert cuts("#" * 100 + "." * 10) == [(0, 40, "max_length"), (40, 80, "max_length"), (80, 105, "silence")]


def test_the_rest_of_a_cut_utterance_is_kept_however_short() -> None:
    assert cuts("#" * 41 + "." * 20) == [(0, 40, "max_length"), (40, 46, "silence")]


def test_near_the_maximum_a_short_pause_is_enough() -> None:
    # 20 frames before the maximum the hang-over is 5, 10 before it 5/4, 8 before it 4/5.
    assert cuts("#" * 29 + "." + "#" * 9 + "." * 9, relax_ms=400) == [(0, 40, "silence")]
    script = "#" * 29 + "." + "#" + "." + "#" * 20 + "." * 9
    assert cuts(script, relax_ms=400) == [(0, 32, "silence"), (32, 56, "silence")]


def test_after_an_early_cut_the_rest_is_kept_although_short() -> None:
    # Two frames of speech are less than the minimum, but belong to what was cut.
    assert cuts("#" * 36 + "." + "##" + "." * 20, relax_ms=400) == [(0, 37, "silence"), (37, 44, "silence")]
    # After an ordinary hang-over they are noise.
    assert cuts("#" * 36 + "." * 8 + "##" + "." * 20, relax_ms=400) == [(0, 37, "silence")]


def test_it_is_announced_with_the_minimum_and_audio_follows_frame_by_frame() -> None:
    outputs, audio = outputs_of([0.1] * 5 + [0.9] * 6 + [0.1] * 5, SHORT)
    opened, *rest, last = outputs
    assert isinstance(opened, SegmentOpened)
    assert (opened.start, opened.pcm.size) == (2 * FRAME_SAMPLES, 7 * FRAME_SAMPLES)
    assert [output.start // FRAME_SAMPLES for output in rest if isinstance(output, SegmentAudio)] == list(range(9, 16))
    assert isinstance(last, SegmentClosed)
    assert np.array_equal(last.pcm, audio[2 * FRAME_SAMPLES :])


def test_a_gap_is_refused() -> None:
    segmenter = Segmenter(Scripted([0.1] * 3), SHORT, CALLER)
    first, _, third = audio_frames(3)
    segmenter.feed(first)
    with pytest.raises(FrameError, match="Expected the frame at 320 samples; got the one at 640"):
        segmenter.feed(third)


def test_another_party_is_refused() -> None:
    with pytest.raises(FrameError, match="agent"):
        Segmenter(Scripted([0.1]), SHORT, Party.AGENT).feed(audio_frames(1)[0])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"speech_threshold": 0.2}, "silence_threshold <= speech_threshold"),
        ({"speech_threshold": 1.1}, "speech_threshold <= 1"),
        ({"silence_threshold": 0.0}, "0 < silence_threshold"),
        ({"onset_ms": 0}, "onset_ms"),
        ({"onset_ms": 300}, "min_speech_ms"),
        ({"hangover_ms": 10}, "hangover_ms"),
        ({"pre_roll_ms": -1}, "pre_roll_ms"),
        ({"max_utterance_ms": float("nan")}, "max_utterance_ms"),
        ({"max_utterance_ms": 900}, "max_utterance_ms"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, float], field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        SegmenterSettings(**change)


@st.composite
def valid_settings(draw: st.DrawFn) -> SegmenterSettings:
    onset_ms = draw(st.integers(20, 150))
    min_speech_ms = draw(st.integers(onset_ms, 300))
    hangover_ms = draw(st.integers(20, 300))
    pre_roll_ms = draw(st.integers(0, 300))
    least = min_speech_ms + hangover_ms + pre_roll_ms + 60
    silence_threshold = draw(st.sampled_from([0.2, 0.35, 0.5]))
    return SegmenterSettings(
        silence_threshold=silence_threshold,
        speech_threshold=draw(st.sampled_from([0.5, 0.7])),
        onset_ms=onset_ms,
        min_speech_ms=min_speech_ms,
        hangover_ms=hangover_ms,
        pre_roll_ms=pre_roll_ms,
        max_utterance_ms=draw(st.integers(least, least + 1_500)),
        relax_ms=draw(st.integers(0, 1_000)),
    )


runs = st.tuples(st.sampled_from([0.0, 0.3, 0.4, 0.6, 1.0]), st.integers(1, 40))
scripts = st.lists(runs, max_size=25).map(lambda parts: [value for value, length in parts for _ in range(length)])
relaxed = settings(deadline=None, max_examples=250)


@relaxed
@given(scripts, valid_settings(), st.integers(0, 50))
def test_segments_are_ordered_bounded_and_made_of_what_was_heard(
    script: list[float], options: SegmenterSettings, offset: int
) -> None:
    start = offset * FRAME_SAMPLES
    outputs, audio = outputs_of(script, options, start)
    segments = closed(outputs)
    assert all(one.span.end <= two.span.start for one, two in pairwise(segments))
    after_a_cut = False
    for number, segment in enumerate(segments):
        span = segment.span
        assert start <= span.start < span.end <= start + audio.size
        assert np.array_equal(segment.pcm, audio[span.start - start : span.end - start])
        assert span.length <= from_ms(options.max_utterance_ms)
        speech = sum(
            value >= options.silence_threshold
            for value in script[(span.start - start) // FRAME_SAMPLES : (span.end - start) // FRAME_SAMPLES]
        )
        if not after_a_cut:
            assert speech * FRAME_MS >= options.min_speech_ms
        follower = segments[number + 1] if number + 1 < len(segments) else None
        if segment.reason is EndReason.MAX_LENGTH:
            assert span.end == start + audio.size if follower is None else follower.span.start == span.end
        if segment.reason is EndReason.STREAM_END:
            assert span.end == start + audio.size
        hangover = -(-options.hangover_ms // FRAME_MS)
        tail = script[: (span.end - start) // FRAME_SAMPLES][-int(hangover) :]
        after_a_cut = segment.reason is not EndReason.SILENCE or max(tail) >= options.silence_threshold


@relaxed
@given(scripts, valid_settings())
def test_the_outputs_keep_their_grammar_and_carry_the_same_audio_twice(
    script: list[float], options: SegmenterSettings
) -> None:
    outputs, _ = outputs_of(script, options)
    heard: list[Pcm] | None = None
    begun = 0
    for output in outputs:
        match output:
            case SegmentOpened():
                assert heard is None
                heard, begun = [output.pcm], output.start
            case SegmentAudio():
                assert heard is not None
                assert output.start == begun + sum(part.size for part in heard)
                heard.append(output.pcm)
            case SegmentClosed():
                assert heard is not None
                assert output.span == Span(begun, begun + output.pcm.size)
                assert np.array_equal(np.concatenate(heard), output.pcm)
                heard = None
    assert heard is None


@relaxed
@given(scripts, valid_settings(), st.integers(1, 1_000))
def test_the_same_audio_later_gives_the_same_segments_later(
    script: list[float], options: SegmenterSettings, offset: int
) -> None:
    shift = offset * FRAME_SAMPLES
    first, _ = outputs_of(script, options)
    second, _ = outputs_of(script, options, shift)
    assert [(segment.span.start + shift, segment.reason) for segment in closed(first)] == [
        (segment.span.start, segment.reason) for segment in closed(second)
    ]


@relaxed
@given(scripts, valid_settings())
def test_no_utterance_is_missed(script: list[float], options: SegmenterSettings) -> None:
    """Wherever a run of speech is as long as the minimum, it lies in a segment."""
    outputs, _ = outputs_of(script, options)
    spans = [(one.span.start // FRAME_SAMPLES, one.span.end // FRAME_SAMPLES) for one in closed(outputs)]
    least = -(-options.min_speech_ms // FRAME_MS)
    run = 0
    for index, value in enumerate([*script, 0.0]):
        if value >= options.speech_threshold:
            run += 1
            continue
        if run >= least:
            covered = sum(begin <= frame < end for frame in range(index - run, index) for begin, end in spans)
            assert covered == run
        run = 0
