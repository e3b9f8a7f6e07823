"""A mono recording as caller left, whoever serves right, so that the pipeline hears it as it hears a stereo call.

Each side is silent while the other alone speaks. Where both speak, both channels hold the mixture: nobody's words are
lost and talking over each other stays visible, at the price that words in such a stretch may be heard twice. Which of
two voices in one channel is whose cannot be undone by choosing the louder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from asr.diarization.parties import Parties
from asr.diarization.types import Diarization, join_spans
from voice.audio.decode import Channels
from voice.contracts.audio import Party, Pcm, Samples, Span, from_ms

MARGIN: Final[Samples] = from_ms(200)
"""How far a side reaches into the silence around its turns: soft beginnings and ends lie outside what was found."""

RAMP: Final[Samples] = from_ms(5)
"""Fading at each edge, outside the turn, so that no click is heard as speech."""


def sides(diarization: Diarization, parties: Parties) -> dict[Party, tuple[Span, ...]]:
    """When each side is heard.

    A side reaches up to `MARGIN` beyond its turns, but at most half way to a turn of the other side.

    Returns:
        Disjoint spans in order, for caller and agent.
    """
    own = {party: diarization.of_speaker(*parties.speakers(party)) for party in (Party.CALLER, Party.AGENT)}
    return {
        Party.CALLER: _widen(own[Party.CALLER], own[Party.AGENT]),
        Party.AGENT: _widen(own[Party.AGENT], own[Party.CALLER]),
    }


def split(blocks: Iterable[Pcm], heard: dict[Party, tuple[Span, ...]]) -> Iterator[Channels]:
    """Spread mono audio over two channels, block by block.

    Args:
        blocks: consecutive audio from the beginning of the recording, shape (n,) each.
        heard: when each side is heard, as `sides` says.

    Yields:
        Shape (2, n) for each block: caller, agent.
    """
    at: Samples = 0
    for pcm in blocks:
        span = Span(at, at + len(pcm))
        yield np.stack([pcm * _gain(heard[party], span) for party in (Party.CALLER, Party.AGENT)])
        at = span.end


def _widen(own: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    starts = np.array([span.start for span in other], np.int64)
    ends = np.array([span.end for span in other], np.int64)
    widened = []
    for span in own:
        before, after = ends[ends <= span.start], starts[starts >= span.end]
        is_covered_before = bool(np.any((starts < span.start) & (ends > span.start)))
        is_covered_after = bool(np.any((starts < span.end) & (ends > span.end)))
        room_before = 0 if is_covered_before else (span.start - int(before.max())) // 2 if len(before) else MARGIN
        room_after = 0 if is_covered_after else (int(after.min()) - span.end) // 2 if len(after) else MARGIN
        widened.append(Span(max(0, span.start - min(MARGIN, room_before)), span.end + min(MARGIN, room_after)))
    return join_spans(widened)


def _gain(spans: Sequence[Span], block: Span) -> Pcm:
    """1 inside the spans, a ramp outside each edge, 0 elsewhere; shape (block length,)."""
    gain = np.zeros(block.length, np.float32)
    for span in spans:
        low, high = max(block.start, span.start - RAMP), min(block.end, span.end + RAMP)
        if low >= high:
            continue
        at = np.arange(low, high)
        distance = np.maximum(np.maximum(span.start - at, at - (span.end - 1)), 0)
        ramp = (1 - distance / (RAMP + 1)).astype(np.float32)
        gain[low - block.start : high - block.start] = np.maximum(gain[low - block.start : high - block.start], ramp)
    return gain
