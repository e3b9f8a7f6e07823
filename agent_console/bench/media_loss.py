"""The same packets through the same networks into our receive path and into aiortc's, in simulated time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent_console.bench.media_aiortc import receive_with_aiortc
from agent_console.bench.media_network import NETWORKS, Arrived, Network, arrivals
from agent_console.bench.media_score import Delivered, Score, decoded_whole, score
from voice.contracts.audio import Party
from voice.rtp.incoming import IncomingSpeech
from voice.rtp.jitter import JitterCounts
from voice.webrtc.pace import COMMON_S
from voice.webrtc.receiver import EARLY_S

TAIL_S: Final = 1.0
PHASE_S: Final = 0.0137
"""Where the grid lies beside the packets: no call chooses that."""


@dataclass(frozen=True, slots=True)
class OnNetwork:
    """How both did on one network.

    Attributes:
        network: which.
        ours: our receive path.
        concealed: share of the time axis that ours made up.
        recovered: share that ours took from the copy in the packet behind.
        stock: aiortc's.
    """

    network: Network
    ours: Score
    concealed: float
    recovered: float
    stock: Score


def receive(came: Sequence[Arrived]) -> tuple[list[Delivered], JitterCounts]:
    """What our receive path makes of these packets, asked on the grid on which legs wake; and its counts."""
    speech = IncomingSpeech(Party.CALLER)
    delivered: list[Delivered] = []
    turn_s = PHASE_S

    def take_until(moment_s: float) -> float:
        turn = turn_s
        while turn <= moment_s:
            delivered.extend(Delivered(turn, frame.start, frame.pcm) for frame in speech.take(turn, EARLY_S))
            turn += COMMON_S
        return turn

    for arrived in came:
        turn_s = take_until(arrived.at_s)
        speech.add(arrived.packet, arrived.at_s)
    counts = speech.buffer.counts
    if came:
        take_until(came[-1].at_s + TAIL_S)
    return delivered, counts


def compare(payloads: Sequence[bytes], *, seed: int = 1) -> list[OnNetwork]:
    """Both receive paths on every network."""
    reference = decoded_whole(payloads)
    compared = []
    for network in NETWORKS:
        came = arrivals(payloads, network, seed)
        ours, counts = receive(came)
        whole = counts.played + counts.recovered + counts.concealed + counts.skipped
        stock, first = receive_with_aiortc(came)
        compared.append(
            OnNetwork(
                network,
                # Time 0 of ours is the first packet in the order of sending among those that came before it was played.
                score(reference, ours, min(arrived.number for arrived in came[:4])),
                counts.concealed / whole,
                counts.recovered / whole,
                score(reference, stock, first),
            )
        )
    return compared
