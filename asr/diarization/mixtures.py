"""Conversations made of single utterances, whose truth is known: to train on, and to measure with.

Two voices take turns as on the telephone: short gaps, some overlap at the change of turns (Heldner and Edlund 2010,
"Pauses, gaps and overlaps in conversations": gaps around 200 ms, two in five changes overlap), short answers while the
other goes on, levels of their own, one noisy narrow-band line for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asr.diarization.types import Diarization, SpeakerTurn, join_spans
from voice.audio.telephone import through_telephone
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, Span, from_ms, from_s

FRAME: Final[Samples] = from_ms(10)
BELOW_LOUDEST_DB: Final = (20.0, 35.0)
"""How far below an utterance's loudest frames speech ends: half way to its quietest ones, within these bounds."""

JOIN: Final[Samples] = from_ms(250)
"""Pauses up to here belong to a turn, as in reference transcripts of conversations."""


@dataclass(frozen=True, slots=True)
class MixtureSettings:
    """What conversations are like.

    Attributes:
        length_s: of the conversation.
        gap_ms: mean and deviation of the time between turns; negative is overlap.
        longest_overlap_ms: beyond which nobody goes on talking.
        answers: share of turns into which the other one says something short.
        keeps_turn: share of changes at which the same speaker goes on.
        level_db: deviation of a speaker's level.
        snr_db: range of the noise below the speech.
        telephone: share of conversations that go through a narrow-band line.
    """

    length_s: float = 30.0
    gap_ms: tuple[float, float] = (250.0, 450.0)
    longest_overlap_ms: float = 1_200.0
    answers: float = 0.12
    keeps_turn: float = 0.25
    level_db: float = 4.0
    snr_db: tuple[float, float] = (12.0, 40.0)
    telephone: float = 0.8


@dataclass(frozen=True, slots=True)
class Mixture:
    """A conversation and who speaks when in it."""

    pcm: Pcm
    truth: Diarization


def find_speech(pcm: Pcm) -> tuple[Span, ...]:
    """Where an utterance recorded in silence holds speech, by level; pauses up to `JOIN` are speech.

    Args:
        pcm: shape (n,), 16 kHz.
    """
    frames = len(pcm) // FRAME
    if not frames or not pcm.any():
        return ()
    level = 10 * np.log10(np.mean(pcm[: frames * FRAME].reshape(frames, FRAME).astype(np.float64) ** 2, axis=1) + 1e-12)
    floor, top = np.quantile(level, (0.05, 0.95))
    loud = level > top - np.clip((top - floor) / 2, *BELOW_LOUDEST_DB)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    spans = [Span(int(start) * FRAME, int(end) * FRAME) for start, end in edges.reshape(-1, 2)]
    closed = join_spans([Span(span.start, span.end + JOIN) for span in spans if span.length > 2 * FRAME])
    return tuple(Span(span.start, min(len(pcm), span.end - JOIN)) for span in closed)


def mix_conversation(
    voices: Mapping[str, Sequence[Pcm]], rng: np.random.Generator, settings: MixtureSettings | None = None
) -> Mixture:
    """Let voices talk with each other.

    Args:
        voices: utterances by speaker, each shape (n,), 16 kHz; at least one each.
        rng: decides everything.
        settings: what the conversation is like; None takes the defaults.

    Returns:
        Audio of exactly the wanted length, and the truth cut to it.

    Raises:
        ValueError: no voices, or one without utterances.
    """
    chosen = settings or MixtureSettings()
    if not voices or not all(voices.values()):
        raise ValueError("Expected voices with at least one utterance each.")
    length = from_s(chosen.length_s)
    tracks = {name: np.zeros(length, np.float32) for name in voices}
    gains = {name: 10 ** (rng.normal(0, chosen.level_db) / 20) for name in voices}
    names = list(voices)
    spoken: list[SpeakerTurn] = []
    speaker = names[int(rng.integers(len(names)))]
    free = dict.fromkeys(names, 0)
    at: Samples = int(rng.uniform(0.1, 1.0) * SAMPLE_RATE)
    while at < length:
        span = _say(tracks, spoken, speaker, voices[speaker], max(at, free[speaker]), gains[speaker], rng)
        free[speaker] = span.end
        others = [name for name in names if name != speaker]
        if others and span.length > from_s(2) and rng.random() < chosen.answers:
            other = others[int(rng.integers(len(others)))]
            begin = max(free[other], span.start + int(rng.uniform(0.3, 0.7) * span.length))
            most = from_ms(600)
            free[other] = _say(tracks, spoken, other, voices[other], begin, gains[other], rng, most=most).end
        if others and rng.random() >= chosen.keeps_turn:
            speaker = others[int(rng.integers(len(others)))]
        gap = max(-chosen.longest_overlap_ms, rng.normal(*chosen.gap_ms))
        at = max(span.start + from_ms(100), span.end + from_ms(gap))
    pcm: Pcm = np.stack(list(tracks.values())).sum(axis=0, dtype=np.float32)
    pcm = _add_noise(pcm, rng.uniform(*chosen.snr_db), rng)
    pcm *= np.float32(rng.uniform(0.2, 0.9) / max(1e-6, float(np.abs(pcm).max())))
    if rng.random() < chosen.telephone:
        pcm = through_telephone(pcm)
    return Mixture(pcm, Diarization.of(spoken))


def _say(
    tracks: Mapping[str, Pcm],
    spoken: list[SpeakerTurn],
    speaker: str,
    utterances: Sequence[Pcm],
    at: Samples,
    gain: float,
    rng: np.random.Generator,
    *,
    most: Samples | None = None,
) -> Span:
    """Place one utterance, note its speech, and answer where it lies."""
    pcm = utterances[int(rng.integers(len(utterances)))]
    spans = find_speech(pcm) or (Span(0, len(pcm)),)
    low, high = spans[0].start, spans[-1].end
    if most is not None:
        high = min(high, low + most)
    track = tracks[speaker]
    end = min(len(track), at + high - low)
    if end > at:
        loudness = float(np.sqrt(np.mean(np.square(pcm[low:high], dtype=np.float64)))) or 1.0
        track[at:end] += pcm[low : low + end - at] * np.float32(0.1 * gain / loudness)
        for span in spans:
            start, stop = at + span.start - low, min(end, at + span.end - low)
            if stop > start:
                spoken.append(SpeakerTurn(Span(start, stop), speaker))
    return Span(at, at + high - low)


def _add_noise(pcm: Pcm, snr_db: float, rng: np.random.Generator) -> Pcm:
    """Noise between white and brown, as rooms and lines have it."""
    spectrum = np.fft.rfft(rng.standard_normal(len(pcm)))
    slope: NDArray[np.float64] = np.maximum(1, np.arange(len(spectrum))) ** -rng.uniform(0, 0.8)
    noise = np.fft.irfft(spectrum * slope, len(pcm))
    speech_power = float(np.mean(np.square(pcm[pcm != 0], dtype=np.float64))) if pcm.any() else 1e-4
    noise *= np.sqrt(speech_power / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    return (pcm + noise).astype(np.float32)
