"""Media stops for half a minute and comes back: measured as away, and the recording's time axis does not notice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pytest

from routing.media_watch import EVERY_S, MediaWatch
from voice.audio.g711 import encode_alaw
from voice.audio.opus import OpusEncoder, OpusSettings
from voice.audio.resampling import to_int16
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, from_s, to_ms
from voice.contracts.statistics import LegStatistics
from voice.recording import StereoRecorder
from voice.rtp.packet import RtpPacket, write_rtp
from voice.rtp.session import Negotiated, RtpSession
from voice.sip.codecs import PCMA
from voice.sip.description import Agreement
from voice.sip.media import CallMedia
from voice.sip.reporting import Begin

FAR: Final = ("203.0.113.5", 4000)
FRAME_S: Final = FRAME_SAMPLES / SAMPLE_RATE
AWAY_S: Final = 30.0
LEAVES_S: Final = 6.0
LASTS_S: Final = 44.0
BEEP: Final = 4_800
BEEPS_S: Final = (1.0, 2.5, 4.0, 37.5, 39.0, 40.5, 42.0)
"""When the caller beeps; between the fourth and the one before media is away."""

SKEW_MS: Final = 20.0


class Line(NamedTuple):
    """One kind of leg, below its sockets.

    Attributes:
        rate: of its time stamps.
        kind: of its payloads.
        encode: a frame as a payload.
        receive: a datagram, and when it came.
        take: the frames that are due.
        statistics: the numbers.
    """

    rate: int
    kind: int
    encode: Callable[[Pcm], bytes]
    receive: Callable[[bytes, float], object]
    take: Callable[[float], list[AudioFrame]]
    statistics: Callable[[], LegStatistics]


def webrtc() -> Line:
    session = RtpSession(Party.CALLER, sequence=0, timestamp=0, ntp_origin_s=3.9e9)
    session.agree(Negotiated(7, "near", 111))
    encoder = OpusEncoder(OpusSettings(dtx=False))
    return Line(48_000, 111, encoder.encode, session.receive_rtp, session.incoming.take, session.statistics)


def sip() -> Line:
    agreement = Agreement(PCMA, PCMA.payload_type, FAR, ((8_000, 101),), 13, sends=True, is_on_hold=False)
    begin = Begin(1, 2, 3, "near", 3.9e9)
    media = CallMedia(Party.CALLER, agreement, FAR[0], begin, lambda n: np.zeros(n, np.float32), lambda _: None)

    def encode(pcm: Pcm) -> bytes:
        return encode_alaw(to_int16(pcm)[::2])  # nothing above 4 kHz is said

    def receive(datagram: bytes, now_s: float) -> None:
        media.receive(datagram, FAR, now_s)

    return Line(8_000, PCMA.payload_type, encode, receive, media.frames, media.statistics)


def said(length_s: float) -> Pcm:
    pcm = np.zeros(from_s(length_s), np.float32)
    for begin_s in BEEPS_S:
        begin = from_s(begin_s)
        pcm[begin : begin + BEEP] = 0.4 * np.sin(2 * np.pi * 600 * np.arange(BEEP) / SAMPLE_RATE)
    return pcm


def onsets(pcm: Pcm) -> list[int]:
    """Where sound begins after at least half a second of none."""
    loud = np.flatnonzero(np.abs(pcm) > 0.1)
    return [int(loud[0]), *(int(after) for before, after in pairwise(loud) if after - before > SAMPLE_RATE // 2)]


@pytest.mark.parametrize("line", [webrtc, sip], ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", ["lost on the way", "not sent, stamps go on", "not sent, stamps stand still"])
def test_who_was_away_is_recorded_at_the_right_time_again(tmp_path: Path, line: Callable[[], Line], way: str) -> None:
    leg = line()
    watch = MediaWatch()
    watch.attach(Party.CALLER, None, type("Leg", (), {"statistics": staticmethod(leg.statistics)})())
    voice = said(LASTS_S).reshape(-1, FRAME_SAMPLES)
    step = round(FRAME_S * leg.rate)
    sequence, stamp = 40_000, 2**32 - 100 * step
    measured: list[tuple[float, float | None]] = []
    starts: list[int] = []
    with StereoRecorder(tmp_path / "call.wav") as recorder:
        for number, frame in enumerate(voice):
            at_s = number * FRAME_S
            is_away = LEAVES_S <= at_s < LEAVES_S + AWAY_S
            payload = leg.encode(frame)
            if not is_away:
                packet = RtpPacket(leg.kind, False, sequence % 2**16, stamp % 2**32, 77, payload)
                leg.receive(write_rtp(packet), 100 + at_s)
            sequence += 0 if is_away and way != "lost on the way" else 1
            stamp += 0 if is_away and way == "not sent, stamps stand still" else step
            for heard in leg.take(100 + at_s):
                starts.append(heard.start)
                recorder.write(Party.CALLER, heard.start, heard.pcm)
            # Who serves speaks all the time, and is written where they spoke.
            recorder.write(Party.AGENT, number * FRAME_SAMPLES, frame)
            if number and number % round(EVERY_S / FRAME_S) == 0:
                measured += [(at_s, event.concealed) for event in watch.measure()]

    recorded = np.memmap(tmp_path / "call.wav", np.int16, "r", 44).reshape(-1, 2).T / np.float32(32_768)
    caller, server = onsets(recorded[0]), onsets(recorded[1])
    assert len(caller) == len(server) == len(BEEPS_S)
    skew_ms = [to_ms(one - other) for one, other in zip(caller, server, strict=True)]
    assert all(abs(each - skew_ms[0]) <= SKEW_MS for each in skew_ms), skew_ms
    # Every frame once, in order, and one jump.
    assert all(after > before for before, after in pairwise(starts))
    jumps = [after - before for before, after in pairwise(starts) if after - before > FRAME_SAMPLES]
    assert len(jumps) == 1
    assert jumps[0] / SAMPLE_RATE == pytest.approx(AWAY_S, abs=0.3)
    # What was away was not heard, and what came before and after it was heard well.
    away = [concealed for at_s, concealed in measured if LEAVES_S + EVERY_S < at_s <= LEAVES_S + AWAY_S]
    assert away
    assert all(concealed == 1 for concealed in away)
    assert measured[0][1] == 0
