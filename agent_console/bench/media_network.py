"""Networks for `warmline bench media`: speech as packets, and when each of them arrives, if it does."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from voice.audio.opus import OpusEncoder, OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.rtp.opus_payload import RTP_RATE
from voice.rtp.packet import RtpPacket

PACKET_S: Final = FRAME_SAMPLES / SAMPLE_RATE
BASE_S: Final = 0.03
"""What every packet takes; only what is added to it counts as delay."""

PAYLOAD_TYPE: Final = 96
SSRC: Final = 0x5EED


@dataclass(frozen=True, slots=True)
class Network:
    """A way for packets.

    Attributes:
        name: fixed; for tables.
        loss: the share of packets that do not arrive.
        burst: how many are lost in a row in the mean (Gilbert-Elliott with a good state that loses nothing and a bad
            one that loses everything); 1: each on its own.
        jitter_s: each packet takes up to so much longer, evenly distributed, so that packets overtake each other.
    """

    name: str
    loss: float = 0.0
    burst: float = 1.0
    jitter_s: float = 0.0


NETWORKS: Final = (
    Network("loss 0 %"),
    Network("loss 1 %", 0.01),
    Network("loss 3 %", 0.03),
    Network("loss 5 %", 0.05),
    Network("loss 10 %", 0.10),
    Network("loss 5 %, bursts of 3", 0.05, burst=3),
    Network("loss 10 %, bursts of 3", 0.10, burst=3),
    Network("jitter 20 ms", jitter_s=0.02),
    Network("jitter 50 ms", jitter_s=0.05),
    Network("jitter 100 ms", jitter_s=0.1),
    Network("loss 5 %, jitter 100 ms", 0.05, jitter_s=0.1),
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A packet and when it came, seconds after the first one was sent."""

    at_s: float
    number: int
    packet: RtpPacket


def speech_packets(pcm: Pcm) -> list[bytes]:
    """Speech as a browser sends it: 20 ms packets with redundancy, and without silence suppression."""
    encoder = OpusEncoder(OpusSettings(application="voip", expected_loss=0.1, dtx=False))
    whole = pcm[: pcm.size // FRAME_SAMPLES * FRAME_SAMPLES]
    return [encoder.encode(frame) for frame in whole.reshape(-1, FRAME_SAMPLES)]


def arrivals(payloads: Sequence[bytes], network: Network, seed: int) -> list[Arrived]:
    """What arrives of these packets, in the order of arrival; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a simulation, which has to be repeatable
    lost = _losses(network, chance)
    came = []
    for number, payload in enumerate(payloads):
        gone, extra_s = next(lost), chance.random() * network.jitter_s
        if gone:
            continue
        stamp = (2**32 - 50 * 960 + number * RTP_RATE // 50) % 2**32
        packet = RtpPacket(PAYLOAD_TYPE, number == 0, (65_000 + number) % 2**16, stamp, SSRC, payload)
        came.append(Arrived(number * PACKET_S + BASE_S + extra_s, number, packet))
    return sorted(came, key=lambda arrived: arrived.at_s)


def _losses(network: Network, chance: random.Random) -> Iterator[bool]:
    """Whether each packet in turn is lost: Gilbert (1960), with the mean burst and the share as asked."""
    recover = 1 / network.burst
    fail = network.loss * recover / (1 - network.loss)
    bad = False
    while True:
        if network.burst <= 1:
            yield chance.random() < network.loss
            continue
        bad = chance.random() >= recover if bad else chance.random() < fail
        yield bad
