"""What loss does to words: the same utterances recognized without it, and as both receive paths hand them over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent_console.bench.media_aiortc import receive_with_aiortc
from agent_console.bench.media_loss import receive
from agent_console.bench.media_network import Arrived, Network, arrivals, speech_packets
from agent_console.bench.media_score import Delivered
from asr.evaluation import Reference, evaluate
from asr.ports import Recognizer
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples

LOSSY = Network("loss 5 %", 0.05)
_CALM = np.zeros(SAMPLE_RATE // 2, np.float32)
"""Around each utterance, so that a delay at its end cuts nothing off."""


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Error rates in percent (of characters for Mandarin, of words for English).

    Attributes:
        utterances: how many were recognized.
        clean: without loss.
        ours: with 5 % loss through our receive path.
        stock: with 5 % loss through aiortc's.
    """

    utterances: int
    clean: float
    ours: float
    stock: float


def measure_words(recognizer: Recognizer, references: Sequence[Reference], report: Callable[[str], None]) -> WordErrors:
    """Recognize every utterance three times. Blocks."""
    sent = [speech_packets(np.concatenate([_CALM, each.pcm, _CALM])) for each in references]
    lossy = [arrivals(payloads, LOSSY, seed) for seed, payloads in enumerate(sent)]
    calm = [arrivals(payloads, Network(""), 0) for payloads in sent]
    sizes = [len(payloads) * SAMPLE_RATE // 50 for payloads in sent]

    def rate(
        name: str, came: Sequence[Sequence[Arrived]], hear: Callable[[Sequence[Arrived]], list[Delivered]]
    ) -> float:
        report(f"Recognizing {name}")
        heard = _heard(references, sizes, came, hear)
        return 100 * evaluate(recognizer, heard).edits.rate

    return WordErrors(
        len(references),
        rate("without loss", calm, lambda came: receive(came)[0]),
        rate("with 5 % loss", lossy, lambda came: receive(came)[0]),
        rate("with 5 % loss, through aiortc", lossy, lambda came: receive_with_aiortc(came)[0]),
    )


def _heard(
    references: Sequence[Reference],
    sizes: Sequence[Samples],
    came: Sequence[Sequence[Arrived]],
    hear: Callable[[Sequence[Arrived]], list[Delivered]],
) -> Iterator[Reference]:
    for reference, size, arrived in zip(references, sizes, came, strict=True):
        yield replace(reference, pcm=_laid_out(hear(arrived), size))


def _laid_out(delivered: Sequence[Delivered], size: Samples) -> Pcm:
    """As the call hears it: silence where nothing came."""
    pcm = np.zeros(size, np.float32)
    for piece in delivered:
        end = min(size, piece.start + piece.pcm.size)
        if piece.start < end:
            pcm[piece.start : end] = piece.pcm[: end - piece.start]
    return pcm
