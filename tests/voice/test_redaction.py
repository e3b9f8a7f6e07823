"""Of a paused stretch nothing is kept: exact to the sample, on both sides, whatever comes late."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party
from voice.redaction import Redaction

CALLER, AGENT = Party.CALLER, Party.AGENT


def frame(party: Party, number: int) -> AudioFrame:
    return AudioFrame(party, number * FRAME_SAMPLES, np.full(FRAME_SAMPLES, 0.5, np.float32))


def test_edges_lie_within_frames() -> None:
    redaction = Redaction()
    redaction.apply(frame(CALLER, 0))
    assert redaction.begin(500) == 500
    first = redaction.apply(frame(CALLER, 1))
    assert np.flatnonzero(first.pcm).tolist() == list(range(180))
    assert not redaction.apply(frame(CALLER, 2)).pcm.any()
    assert redaction.end(1_000) == 1_000
    assert np.flatnonzero(redaction.apply(frame(AGENT, 3)).pcm).tolist() == list(range(40, 320))
    untouched = frame(AGENT, 4)
    assert redaction.apply(untouched) is untouched


def test_what_was_let_through_is_not_called_back_and_what_comes_late_is_judged_by_its_time() -> None:
    redaction = Redaction()
    redaction.apply(frame(CALLER, 9))
    assert redaction.begin(500) == 3_200  # not before the newest audio
    assert redaction.apply(frame(AGENT, 5)).pcm.all()  # said before the pause
    redaction.apply(frame(CALLER, 12))
    assert redaction.end() == 13 * FRAME_SAMPLES
    assert not redaction.apply(frame(AGENT, 11)).pcm.any()  # said during it, arrived after it
    assert redaction.apply(frame(AGENT, 13)).pcm.all()


def test_beginning_and_ending_twice_changes_nothing() -> None:
    redaction = Redaction()
    assert redaction.end() == 0
    assert redaction.begin(320) == redaction.begin(960) == 320
    assert redaction.since == 320
    assert redaction.end(640) == 640
    assert redaction.end(640) == 640
    assert redaction.since is None


@given(st.lists(st.integers(0, 40 * FRAME_SAMPLES), min_size=2, max_size=8, unique=True))
def test_only_what_lies_between_the_edges_is_silent(edges: list[int]) -> None:
    """Frames come in step; edges are asked for ahead of them, so that each lies exactly where it was asked for."""
    edges = sorted(edges)[: len(edges) // 2 * 2]
    expected = np.ones(40 * FRAME_SAMPLES, bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        expected[begin:end] = False
    redaction, heard = Redaction(), []
    for number in range(40):
        for n, edge in enumerate(edges):
            if number * FRAME_SAMPLES <= edge < (number + 1) * FRAME_SAMPLES:
                (redaction.end if n % 2 else redaction.begin)(edge)
        heard.append(redaction.apply(frame(CALLER, number)).pcm > 0)
    assert np.array_equal(np.concatenate(heard), expected)
