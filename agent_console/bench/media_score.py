"""How much of what was said arrived, and whether it lies in its right place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent_console.bench.media_network import BASE_S
from voice.audio.opus import OpusDecoder
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, Samples, from_ms

WINDOW: Final[Samples] = SAMPLE_RATE // 2
"""Likeness and place are judged over half a second."""

SEARCH: Final[Samples] = from_ms(60)
NEAR: Final[Samples] = from_ms(5)
"""Audio lies in its right place if it is found within so much of it."""

LIKE: Final = 0.5
"""The least correlation with what was said for audio to count as that audio; noise reaches about 0.1."""

SPEECH_RMS: Final = 0.003
"""A frame louder than this (-50 dBFS) is speech."""

MIN_SPEECH: Final = 5
"""Windows with fewer frames of speech say nothing about likeness."""


@dataclass(frozen=True, slots=True, eq=False)
class Delivered:
    """A stretch of audio: when it was handed over, the place it was given (16 kHz), and what it is."""

    at_s: float
    start: Samples
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Score:
    """How one way of receiving did on one network.

    Attributes:
        filled: the share of speech time whose audio was delivered, within windows that hold what was said in its right
            place.
        delivered: the share of speech time for which anything was delivered.
        likeness: mean correlation with what was said, over windows with speech.
        alike: the share of those windows that correlate by at least 0.9.
        delay_mean_ms: from a packet's arrival, had the network been even, to its audio's delivery.
        delay_p95_ms: as above.
    """

    filled: float
    delivered: float
    likeness: float
    alike: float
    delay_mean_ms: float
    delay_p95_ms: float


def decoded_whole(payloads: Sequence[bytes]) -> Pcm:
    """What the packets sound like where none is lost: the reference, so that the codec itself does not count."""
    decoder = OpusDecoder()
    return np.concatenate([decoder.decode(payload) for payload in payloads])


def score(reference: Pcm, delivered: Sequence[Delivered], first: int) -> Score:
    """Compare what was delivered with what was sent.

    Args:
        reference: what was sent, from its first packet on.
        delivered: in order.
        first: the number of the packet whose time counts as 0 on the receiver's axis.
    """
    axis, there = _laid_out(delivered, reference.size, first * FRAME_SAMPLES)
    delays_ms = [
        1000 * (piece.at_s - BASE_S - (piece.start + first * FRAME_SAMPLES) / SAMPLE_RATE) for piece in delivered
    ]
    frames = reference[: reference.size // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    speech = np.sqrt(np.mean(frames**2, axis=1)) > SPEECH_RMS
    # Whoever holds packets back until others come would be blamed for the end of the test.
    speech[-WINDOW // FRAME_SAMPLES :] = False
    has = there[: speech.size * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES).mean(axis=1)
    judged = filled = 0.0
    likenesses = []
    per_window = WINDOW // FRAME_SAMPLES
    for begin in range(0, speech.size - per_window + 1, per_window):
        spoken = speech[begin : begin + per_window]
        if spoken.sum() < MIN_SPEECH:
            continue
        likeness, lag = _found(reference, axis, begin * FRAME_SAMPLES)
        likenesses.append(likeness)
        judged += float(spoken.sum())
        if likeness >= LIKE and abs(lag) <= NEAR:
            filled += float(has[begin : begin + per_window][spoken].sum())
    return Score(
        filled=filled / max(1.0, judged),
        delivered=float(has[speech].mean()),
        likeness=float(np.mean(likenesses)),
        alike=float(np.mean(np.array(likenesses) >= 0.9)),
        delay_mean_ms=float(np.mean(delays_ms)),
        delay_p95_ms=float(np.percentile(delays_ms, 95)),
    )


def _laid_out(delivered: Sequence[Delivered], size: Samples, shift: Samples) -> tuple[Pcm, NDArray[np.float32]]:
    """The receiver's axis as audio, silence where nothing came; and where something did, 1."""
    axis, there = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for piece in delivered:
        begin = piece.start + shift
        end = min(size, begin + piece.pcm.size)
        if 0 <= begin < end:
            axis[begin:end] = piece.pcm[: end - begin]
            there[begin:end] = 1
    return axis, there


def _found(reference: Pcm, axis: Pcm, begin: Samples) -> tuple[float, Samples]:
    """How alike the audio around a place is to what was said there, and how far off it lies."""
    said = reference[begin : begin + WINDOW].astype(np.float64)
    low = max(0, begin - SEARCH)
    around = axis[low : begin + WINDOW + SEARCH].astype(np.float64)
    if around.size < WINDOW:
        return 0.0, 0
    products = np.correlate(around, said, "valid")
    sums = np.concatenate([[0.0], np.cumsum(around**2)])
    energy = sums[WINDOW:] - sums[:-WINDOW]
    alike = products / np.sqrt(energy * (said @ said) + 1e-9)
    best = int(np.argmax(alike))
    return float(alike[best]), low + best - begin
