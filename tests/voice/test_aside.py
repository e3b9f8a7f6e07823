"""What a caller hears besides whoever serves them: in its place, mixed where it overlaps, cut where it was cut."""

from __future__ import annotations

import numpy as np
import pytest

from voice.aside import LAG, Aside
from voice.contracts.audio import FRAME_SAMPLES, Party, Pcm, Samples, from_s, on_16_bit_grid


def noise(size: int, seed: int) -> Pcm:
    return on_16_bit_grid(np.random.default_rng(seed).uniform(-0.3, 0.3, size).astype(np.float32))


def laid_out(aside: Aside, now: Samples) -> Pcm:
    """Everything that is due, on one axis."""
    axis = np.zeros(now, np.float32)
    last = -1
    for frame in aside.due(now):
        assert frame.party is Party.BOT
        assert frame.start > last
        last = frame.start
        axis[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
    return axis


def test_a_prompt_lies_where_it_was_played() -> None:
    aside, prompt = Aside(), noise(from_s(1) + 100, 1)
    aside.play(from_s(2) + 17, prompt)
    axis = laid_out(aside, from_s(5))
    start = from_s(2) // FRAME_SAMPLES * FRAME_SAMPLES
    np.testing.assert_array_equal(axis[start : start + prompt.size], prompt)
    assert np.count_nonzero(axis) == np.count_nonzero(prompt)
    assert not list(aside.due(from_s(9)))


@pytest.mark.parametrize("heard_s", [0.0, 0.3, 0.999])
def test_a_prompt_that_is_cut_was_heard_up_to_there(heard_s: float) -> None:
    aside, prompt = Aside(), noise(from_s(3), 2)
    aside.play(0, prompt)
    aside.cut(from_s(heard_s))
    axis = laid_out(aside, from_s(4))
    assert from_s(heard_s) <= int(np.flatnonzero(axis)[-1]) + 1 < from_s(heard_s) + FRAME_SAMPLES if heard_s else True
    np.testing.assert_array_equal(axis[: from_s(heard_s)], prompt[: from_s(heard_s)])


def test_the_end_of_a_prompt_is_kept_where_the_next_begins_at_once() -> None:
    aside, first, second = Aside(), noise(from_s(0.5), 3), noise(from_s(0.5), 4)
    aside.play(0, first)
    given = laid_out(aside, from_s(0.5))
    aside.play(from_s(0.5), second)
    rest = laid_out(aside, from_s(2))
    whole = np.concatenate([given, np.zeros(rest.size - given.size, np.float32)]) + rest
    np.testing.assert_array_equal(whole[: from_s(1)], np.concatenate([first, second]))


def test_who_speaks_at_once_is_mixed_and_who_comes_too_late_is_left_out() -> None:
    aside, one, other = Aside(), noise(FRAME_SAMPLES, 5), noise(FRAME_SAMPLES, 6)
    aside.hear(FRAME_SAMPLES + 5, one)
    aside.hear(FRAME_SAMPLES, other)
    assert not list(aside.due(FRAME_SAMPLES * 2))
    frames = list(aside.due(2 * FRAME_SAMPLES + LAG))
    assert [frame.start for frame in frames] == [FRAME_SAMPLES]
    np.testing.assert_allclose(frames[0].pcm, one + other, atol=1 / 32768)
    aside.hear(FRAME_SAMPLES, one)
    assert not list(aside.due(from_s(3)))
