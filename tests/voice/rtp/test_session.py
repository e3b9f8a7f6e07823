"""Two sessions talk to each other: what each tells is what happened to the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.contracts.audio import FRAME_SAMPLES, Party
from voice.contracts.errors import RtpError
from voice.rtp.outgoing import OutgoingSpeech, SpeechPacket
from voice.rtp.packet import parse_rtp
from voice.rtp.rtcp import Goodbye, write_rtcp
from voice.rtp.session import Negotiated, RtpSession


def session(ssrc: int, sequence: int = 100) -> RtpSession:
    made = RtpSession(Party.CALLER, sequence=sequence, timestamp=7, ntp_origin_s=3_900_000_000.0)
    made.agree(Negotiated(ssrc, f"name-{ssrc}", 96, b"0", mid_extension=1, level_extension=2))
    return made


def talk(seconds: float, *, lost: frozenset[int] = frozenset(), way_s: float = 0.04) -> tuple[RtpSession, RtpSession]:
    """One speaks, the other hears, both report once a second; `way_s` each way."""
    speaker, hearer = session(1), session(2)
    speech = OutgoingSpeech()
    noise = np.random.default_rng(0).normal(0, 0.1, (50, FRAME_SAMPLES)).astype(np.float32)
    for tick in range(int(seconds * 50)):
        now_s = 1000 + tick * 0.02
        packet = speech.encode(noise[tick % 50])
        assert packet is not None
        datagram = speaker.send(packet)
        if tick not in lost:
            hearer.receive_rtp(datagram, now_s + way_s)
        hearer.incoming.take(now_s + way_s)
        if tick % 50 == 10:
            hearer.receive_rtcp(speaker.report(now_s), now_s + way_s)
        if tick % 50 == 35:
            speaker.receive_rtcp(hearer.report(now_s), now_s + way_s)
    return speaker, hearer


def test_the_hearer_counts_what_was_lost_and_the_speaker_is_told() -> None:
    speaker, hearer = talk(8, lost=frozenset(range(100, 400, 10)))
    heard, said = hearer.statistics(), speaker.statistics()
    assert (heard.received, heard.lost, heard.late, heard.refused) == (370, 30, 0, 0)
    assert heard.recovered + heard.concealed >= 30 * FRAME_SAMPLES
    assert said.sent == 400
    assert said.lost_on_the_way_out == pytest.approx(0.1, abs=0.03)
    assert said.round_trip_ms == pytest.approx(80, abs=1)
    assert heard.round_trip_ms is None
    assert 14 < heard.delay_ms < 40
    assert 3.5 < heard.mos < 4.4


def test_a_clean_call_is_rated_better_than_a_lossy_one() -> None:
    _, clean = talk(4)
    _, lossy = talk(4, lost=frozenset(range(50, 200, 5)))
    assert clean.statistics().mos > 4.3
    assert lossy.statistics().mos < clean.statistics().mos


def test_what_is_sent_carries_its_level_and_its_section() -> None:
    datagram = session(5).send(SpeechPacket(b"sound", 960, marker=True, level=33))
    assert b"\x10\x30\x20\x21" in datagram  # id 1, one byte, "0"; id 2, one byte, 33
    packet = parse_rtp(datagram)
    assert (packet.payload, packet.timestamp, packet.sequence, packet.ssrc) == (b"sound", 967, 100, 5)


def test_numbers_wrap() -> None:
    speaker = session(5, sequence=65_535)
    sent = [parse_rtp(speaker.send(SpeechPacket(b"x", 2**32 - 8 + n, marker=False, level=0))) for n in range(3)]
    assert [packet.sequence for packet in sent] == [65_535, 0, 1]
    assert [packet.timestamp for packet in sent] == [2**32 - 1, 0, 1]


def test_a_goodbye_ends_only_its_own_stream() -> None:
    speaker, hearer = talk(0.2)
    assert not hearer.receive_rtcp(write_rtcp(Goodbye((99,))), 2000.0)
    assert hearer.receive_rtcp(speaker.goodbye(2000.0), 2000.0)


def test_packets_of_another_payload_type_are_refused() -> None:
    _, hearer = talk(0.2)
    other = session(1)
    other.agree(Negotiated(1, "", 111))
    before = hearer.statistics()
    assert not hearer.receive_rtp(other.send(SpeechPacket(b"x", 0, marker=False, level=0)), 2000.0)
    assert hearer.statistics().refused == before.refused + 1


def test_nothing_is_sent_before_anything_is_agreed() -> None:
    fresh = RtpSession(Party.CALLER, sequence=0, timestamp=0, ntp_origin_s=0.0)
    with pytest.raises(RtpError, match="negotiated"):
        fresh.send(SpeechPacket(b"x", 0, marker=False, level=0))
    assert not fresh.receive_rtp(bytes(20), 1.0)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=80), st.floats(0, 1)), max_size=20))
def test_any_datagrams_are_taken_or_counted(stream: list[tuple[bool, bytes, float]]) -> None:
    ours = session(3)
    now_s = 1.0
    for is_report, body, wait_s in stream:
        now_s += wait_s
        if is_report:
            ours.receive_rtcp(b"\x81" + body, now_s)
        else:
            ours.receive_rtp(b"\x80\x60" + body, now_s)
        ours.incoming.take(now_s)
        ours.report(now_s)
    counted = ours.statistics()
    assert counted.received + counted.refused + counted.duplicate >= 0
    assert 1 <= counted.mos <= 4.5
