"""A mono recording in two channels: each side alone where it is alone, both where both are."""

from __future__ import annotations

import numpy as np

from asr.diarization.channels import MARGIN, RAMP, sides, split
from asr.diarization.parties import assign_parties
from asr.diarization.types import Diarization, SpeakerTurn
from voice.contracts.audio import Party, Span, from_s

TALK = Diarization.of(
    [
        SpeakerTurn(Span(from_s(1), from_s(3)), "A"),
        SpeakerTurn(Span(from_s(3.1), from_s(6)), "B"),
        SpeakerTurn(Span(from_s(5.5), from_s(8)), "A"),
        SpeakerTurn(Span(from_s(10), from_s(11)), "B"),
    ]
)


def test_sides_reach_into_silence_and_stop_half_way_to_the_other() -> None:
    heard = sides(TALK, assign_parties(TALK))
    assert heard[Party.AGENT] == (
        Span(from_s(1) - MARGIN, from_s(3.05)),
        Span(from_s(5.5), from_s(8) + MARGIN),
    )
    assert heard[Party.CALLER] == (
        Span(from_s(3.05), from_s(6)),
        Span(from_s(10) - MARGIN, from_s(11) + MARGIN),
    )


def test_a_side_is_silent_while_the_other_speaks_and_both_hold_what_both_say() -> None:
    pcm = np.random.default_rng(1).uniform(0.1, 0.5, from_s(12)).astype(np.float32)
    heard = sides(TALK, assign_parties(TALK))
    (stereo,) = split([pcm], heard)
    caller, agent = stereo
    assert not caller[: from_s(3.05) - RAMP].any()
    np.testing.assert_array_equal(agent[from_s(1) : from_s(3)], pcm[from_s(1) : from_s(3)])
    both = slice(from_s(5.5), from_s(6))
    np.testing.assert_array_equal(caller[both], pcm[both])
    np.testing.assert_array_equal(agent[both], pcm[both])
    assert not agent[from_s(3.05) + RAMP : from_s(5.5) - RAMP].any()
    assert not stereo[:, from_s(8.3) : from_s(9.7)].any()
    assert np.abs(stereo).max() <= pcm.max()


def test_blocks_make_no_difference() -> None:
    pcm = np.random.default_rng(2).uniform(-0.5, 0.5, from_s(12)).astype(np.float32)
    heard = sides(TALK, assign_parties(TALK))
    (whole,) = split([pcm], heard)
    pieces = np.array_split(pcm, [1, 777, from_s(1) - 3, from_s(3.05), from_s(8), from_s(11)])
    np.testing.assert_array_equal(np.concatenate(list(split(pieces, heard)), axis=1), whole)


def test_edges_fade() -> None:
    ones = np.ones(from_s(12), np.float32)
    (stereo,) = split([ones], sides(TALK, assign_parties(TALK)))
    assert np.abs(np.diff(stereo, axis=1)).max() < 0.02
