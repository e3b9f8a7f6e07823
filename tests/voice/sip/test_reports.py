"""RTCP of telephone calls: what both sides tell each other, over which port, under which key, and what it cannot do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.programs import free_ports
from tests.voice.sip.line import LOOPBACK, PHONES, SETTINGS, Ear
from voice.clock import WallClock
from voice.contracts.audio import Party, Pcm
from voice.contracts.sip_errors import SipPortError
from voice.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    Report,
    ReportBlock,
    SenderReport,
    ntp_middle,
    parse_rtcp,
    to_ntp,
    write_rtcp,
)
from voice.sip.codecs import OPUS_CODEC, PCMA, Codec
from voice.sip.description import Agreement, Origin, agree, parse_description, write_answer, write_offer
from voice.sip.endpoint import SipEndpoint
from voice.sip.latch import Address
from voice.sip.media import CallMedia
from voice.sip.reporting import Begin
from voice.sip.sockets import AudioPorts
from voice.sip.srtp import Crypto, MediaKeys, Srtp, new_key

NEAR, FAR = ("203.0.113.4", 5000), ("203.0.113.5", 4000)
ORIGIN_S = 3.9e9


def agreement(remote: Address, *, muxed: bool, keys: MediaKeys | None = None, codec: Codec = PCMA) -> Agreement:
    reports = (remote[0], remote[1] + 1)
    return Agreement(
        codec, codec.payload_type, remote, (), None, sends=True, is_on_hold=False, keys=keys, reports=reports,
        is_muxed=muxed,
    )  # fmt: skip


@dataclass
class Side:
    """One side of a call on a line with a delay.

    Attributes:
        media: its audio.
        at: where its audio comes from.
        told: reports that it sent.
    """

    media: CallMedia
    at: Address
    told: list[bytes] = field(default_factory=list)


def tone(samples: int) -> Pcm:
    return np.full(samples, 0.1, np.float32)


def side(ssrc: int, at: Address, other: Address, agreed: Agreement) -> Side:
    begin = Begin(ssrc, 2, 3, f"name{ssrc}", ORIGIN_S)
    return Side(CallMedia(Party.CALLER, agreed, other[0], begin, tone, lambda _: None), at)


def talk(
    one: Side, other: Side, *, seconds: float, way_s: float = 0.039, lose_every: int = 0, begin_s: float = 100.0
) -> None:
    """Let both talk; of what `one` sends, every so many packets are lost."""
    way: list[tuple[float, Side, Address, bytes, bool]] = []
    number = 0
    for tick in range(int(seconds / 0.02)):
        now_s = begin_s + 0.02 * tick
        while way and way[0][0] <= now_s:
            _, to, source, datagram, is_report = way.pop(0)
            if is_report and not to.media.agreement.is_muxed:
                to.media.receive_reports(datagram, source, now_s)
            else:
                to.media.receive(datagram, source, now_s)
        for here, there in ((one, other), (other, one)):
            for packet in here.media.packets(now_s):
                number += here is one
                if not (lose_every and here is one and number % lose_every == 0):
                    way.append((now_s + way_s, there, here.at, packet, False))
            here.media.frames(now_s)
            if (report := here.media.reports(now_s)) is not None:
                datagram, target = report
                here.told.append(datagram)
                behind = 0 if here.media.agreement.is_muxed else 1
                assert target == (there.at[0], there.at[1] + behind)
                way.append((now_s + way_s, there, (here.at[0], here.at[1] + behind), datagram, True))


def read(datagrams: list[bytes]) -> list[Report]:
    return [report for datagram in datagrams for report in parse_rtcp(datagram)]


@pytest.mark.parametrize("muxed", [True, False], ids=["one port", "two ports"])
@pytest.mark.parametrize("secret", [False, True], ids=["plain", "encrypted"])
def test_both_sides_learn_the_round_trip_and_what_was_lost(muxed: bool, secret: bool) -> None:
    keys = [new_key(), new_key()]
    suite = "AES_CM_128_HMAC_SHA1_80"
    ours, theirs = (MediaKeys(Crypto("1", suite, keys[1 - at]), keys[at]) if secret else None for at in range(2))
    near = side(11, NEAR, FAR, agreement(FAR, muxed=muxed, keys=ours))
    far = side(22, FAR, NEAR, agreement(NEAR, muxed=muxed, keys=theirs))
    talk(near, far, seconds=30, lose_every=10)
    told = near.media.statistics()
    assert told.lost_on_the_way_out == pytest.approx(0.1, abs=0.02)
    assert told.round_trip_ms == pytest.approx(80, abs=2)  # datagrams are read at ticks
    heard = far.media.statistics()
    assert heard.lost_on_the_way_out == 0
    assert heard.round_trip_ms == pytest.approx(80, abs=2)
    assert (told.refused, heard.refused) == (0, 0)
    assert told.mos > heard.mos  # who hears the losses
    assert 3 <= len(near.told) <= 12
    if secret:
        assert not read_any(near.told[0])
    else:
        assert b"name11" in near.told[0]
        sent = [report for report in read(near.told) if isinstance(report, SenderReport)]
        assert [report.packets for report in sent] == sorted({report.packets for report in sent})
        assert sent[-1].octets == 160 * sent[-1].packets
        # Stamps and clock run together: 8000 to the second.
        ran = (sent[-1].timestamp - sent[0].timestamp) / ((sent[-1].ntp - sent[0].ntp) / (1 << 32))
        assert ran == pytest.approx(8000, rel=0.001)


def read_any(datagram: bytes) -> bool:
    """Whether a block about our stream stands in it in plain."""
    return b"name" in datagram


def test_who_sends_nothing_reports_what_it_hears() -> None:
    near = side(11, NEAR, FAR, replace(agreement(FAR, muxed=True), sends=False))
    far = side(22, FAR, NEAR, agreement(NEAR, muxed=True))
    talk(near, far, seconds=20)
    reports = read(near.told)
    assert reports
    assert all(isinstance(report, ReceiverReport) for report in reports)
    assert far.media.statistics().lost_on_the_way_out == 0
    assert near.media.farewell(130.0) is None  # who never sent takes no leave (RFC 3550, 6.3.7)


@pytest.mark.parametrize("muxed", [True, False])
def test_nothing_is_reported_to_no_address(muxed: bool) -> None:
    """A call that begins on hold as RFC 2543 wrote it; 0.0.0.0 would be this machine."""
    held = replace(agreement(("0.0.0.0", 4000), muxed=muxed), sends=False, is_on_hold=True)
    near = side(11, NEAR, FAR, held)
    for tick in range(1000):
        near.media.packets(100 + 0.02 * tick)
        assert near.media.reports(100 + 0.02 * tick) is None


def test_a_goodbye_in_reports_ends_nothing() -> None:
    near = side(11, NEAR, FAR, agreement(FAR, muxed=True))
    far = side(22, FAR, NEAR, agreement(NEAR, muxed=True))
    talk(near, far, seconds=3)
    farewell = far.media.farewell(103.0)
    assert farewell is not None
    assert read([farewell[0]])[-1] == Goodbye((22,))
    near.media.receive(farewell[0], FAR, 103.0)
    before = near.media.statistics().played
    talk(near, far, seconds=3, begin_s=103.0)
    assert near.media.statistics().played > before + 2 * 16_000


@pytest.mark.parametrize("muxed", [True, False])
def test_reports_of_strangers_and_liars_are_not_believed(muxed: bool) -> None:
    near = side(11, NEAR, FAR, agreement(FAR, muxed=muxed))
    far = side(22, FAR, NEAR, agreement(NEAR, muxed=muxed))
    talk(near, far, seconds=1)
    lie = write_rtcp(ReceiverReport(22, (ReportBlock(11, 255, 9, 9, 0, 0, 0),)))
    near.media.receive_reports(lie, ("198.51.100.66", 4001), 102.0)
    assert near.media.statistics().lost_on_the_way_out is None
    long_ago = ntp_middle(to_ntp(ORIGIN_S + 102 - 3000))
    mad = write_rtcp(ReceiverReport(22, (ReportBlock(11, 0, 0, 9, 0, long_ago, 0), ReportBlock(12, 9, 0, 9, 0, 1, 0))))
    near.media.receive_reports(mad, (FAR[0], FAR[1] + (not muxed)), 102.0)
    assert near.media.statistics().round_trip_ms is None
    assert near.media.statistics().lost_on_the_way_out == 0


def test_reports_are_no_sign_of_life() -> None:
    near = side(11, NEAR, FAR, agreement(FAR, muxed=True))
    near.media.receive(write_rtcp(ReceiverReport(22), "far"), FAR, 100.0)
    assert near.media.heard_s is None
    near.media.receive(b"\x80\xc9", FAR, 100.0)
    assert near.media.statistics().refused == 1


def test_reports_under_another_key_are_refused() -> None:
    key, wrong = new_key(), new_key()
    keys = MediaKeys(Crypto("1", "AES_CM_128_HMAC_SHA1_80", key), new_key())
    near = side(11, NEAR, FAR, agreement(FAR, muxed=True, keys=keys))
    stranger = Srtp(MediaKeys(Crypto("1", "AES_CM_128_HMAC_SHA1_80", key), wrong))
    for datagram in (
        stranger.close_reports(write_rtcp(ReceiverReport(22), "far")),
        write_rtcp(ReceiverReport(22), "far"),  # in plain
    ):
        near.media.receive(datagram, FAR, 100.0)
    assert near.media.statistics().refused == 2


@given(st.binary(min_size=2, max_size=200))
@settings(max_examples=200, deadline=None)
def test_reports_of_any_kind_do_no_harm(datagram: bytes) -> None:
    near = side(11, NEAR, FAR, agreement(FAR, muxed=True, codec=OPUS_CODEC))
    near.media.receive(bytes((datagram[0], 200 + datagram[1] % 5)) + datagram[2:], FAR, 100.0)
    near.media.packets(100.0)
    for now_s in (100.0, 110.0):
        near.media.reports(now_s)
    assert near.media.heard_s is None


OFFER = "v=0\r\no=- 1 1 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\nm=audio 4000 RTP/AVP {}\r\n"


@pytest.mark.parametrize(
    ("formats", "lines", "reports", "muxed"),
    [
        ("8", "", ("203.0.113.5", 4001), False),
        ("8", "a=rtcp-mux\r\n", ("203.0.113.5", 4001), True),
        ("8", "a=rtcp:4017\r\n", ("203.0.113.5", 4017), False),
        ("8", "a=rtcp:4017 IN IP4 203.0.113.9\r\n", ("203.0.113.9", 4017), False),
        ("8", "a=rtcp:4017 IN IP4 nowhere\r\n", ("203.0.113.5", 4001), False),
        ("8", "a=rtcp:99999999\r\n", ("203.0.113.5", 4001), False),
        ("8", "a=rtcp:0\r\n", None, False),
        ("8", "a=rtcp:\r\n", ("203.0.113.5", 4001), False),
        ("8 72", "a=rtpmap:72 telephone-event/8000\r\na=rtcp-mux\r\n", ("203.0.113.5", 4001), False),
    ],
)
def test_where_reports_go_is_read_from_the_description(
    formats: str, lines: str, reports: Address | None, muxed: bool
) -> None:
    described = parse_description(OFFER.format(formats) + lines)
    assert (described.reports, described.is_muxed) == (reports, muxed)
    agreed = agree(described, key=new_key())
    answer = write_answer(Origin("203.0.113.4", 5000, 1), described, agreed)
    assert ("a=rtcp-mux" in answer) is muxed


def test_we_offer_one_port_and_take_two() -> None:
    offer = write_offer(Origin("203.0.113.4", 5000, 1), (PCMA,))
    assert "a=rtcp-mux\r\n" in offer
    assert parse_description(offer).is_muxed


@pytest.mark.anyio
async def test_ports_come_in_pairs_and_taken_ones_are_passed_over() -> None:
    (even,) = free_ports(1)
    ports = AudioPorts("127.0.0.1", (even - 1, even + 4))
    first = await ports.open()
    second = await ports.open()
    try:
        assert [first.port, second.port] == [even, even + 2]
        with pytest.raises(SipPortError, match="pair"):
            await ports.open()
        second.close()
        await anyio.lowlevel.checkpoint()
        again = await ports.open()
        assert again.port == even + 2
        again.close()
    finally:
        first.close()
        second.close()


@pytest.mark.anyio
async def test_two_endpoints_tell_each_other_how_it_went() -> None:
    """Over sockets, both ways, with one of them saying goodbye at the end."""
    clock = WallClock()
    async with (
        SipEndpoint.open(SETTINGS, clock) as ours,
        SipEndpoint.open(replace(SETTINGS, trunks=(LOOPBACK,), ports=PHONES), clock) as theirs,
        anyio.create_task_group() as tasks,
    ):
        ear = Ear(tasks)
        with ours.accept(ear.take), anyio.fail_after(60):
            leg = await theirs.call(f"sip:4001@127.0.0.1:{ours.port}")
            async with leg:
                while leg.statistics().round_trip_ms is None or ear.calls[0].leg.statistics().round_trip_ms is None:
                    await clock.sleep_until(clock.now_s() + 0.05)
                near, far = leg.statistics(), ear.calls[0].leg.statistics()
            await ear.wait_ended()
        tasks.cancel_scope.cancel()
    for told in (near, far):
        assert told.round_trip_ms is not None
        assert 0 <= told.round_trip_ms < 2000  # a busy machine answers late
        assert told.lost_on_the_way_out == 0
        assert told.refused == 0
