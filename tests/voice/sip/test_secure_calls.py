"""Calls over TLS with encrypted audio: who is let in, what lies on the wire, and who can read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import anyio
import numpy as np
import pytest

from tests.voice.sip.certificates import Signed, sign
from tests.voice.sip.line import PHONES, SETTINGS, Ear, line
from voice.audio.g711 import decode_alaw
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, Pcm
from voice.contracts.errors import RtpError
from voice.contracts.sip_errors import SipCallError, SipPortError, SipTlsError
from voice.rtp.packet import RtpPacket, is_rtcp, parse_rtp, write_rtp
from voice.sip.codecs import PCMA
from voice.sip.endpoint import SipEndpoint
from voice.sip.gate import Refusal
from voice.sip.srtp import KEY_BYTES, Crypto, MediaKeys, Srtp, new_key, read_crypto
from voice.sip.trunks import TlsSettings, Trunk

pytestmark = pytest.mark.anyio
OFFICE = Trunk("office", networks=(ip_network("127.0.0.0/8"),), codecs=(PCMA,), is_secure=True)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return sign(tmp_path_factory.mktemp("certificates"), "ours")


@pytest.fixture(scope="module")
def theirs(ours: Signed) -> Signed:
    return sign(ours.authority.parent, "theirs")


def tls(shown: Signed, *, verifies_callers: bool = False) -> TlsSettings:
    return TlsSettings(0, shown.certificate, shown.key, shown.authority, verifies_callers)


@asynccontextmanager
async def secure_line(shown: Signed, *, verifies_callers: bool = False) -> AsyncIterator[tuple[SipEndpoint, Ear]]:
    async with line(replace(SETTINGS, trunks=(OFFICE,), tls=tls(shown, verifies_callers=verifies_callers))) as both:
        yield both


@asynccontextmanager
async def caller(settings: TlsSettings) -> AsyncIterator[SipEndpoint]:
    async with SipEndpoint.open(replace(SETTINGS, trunks=(), ports=PHONES, tls=settings), WallClock()) as endpoint:
        yield endpoint


def tone() -> Pcm:
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(30 * SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)


def purity(pcm: Pcm) -> float:
    """How much of audio at 8 kHz is the tone; of noise 3 of 201 parts."""
    spectrum = np.abs(np.fft.rfft(pcm[: pcm.size // 400 * 400].reshape(-1, 400), axis=1)).sum(axis=0)
    return float(spectrum[21:24].sum() / spectrum.sum())  # 420 to 460 Hz


async def test_a_call_over_tls_is_heard_and_nobody_else_can_read_it(ours: Signed) -> None:
    wire: list[bytes] = []
    async with secure_line(ours) as (endpoint, ear), caller(TlsSettings(authorities=ours.authority)) as phone:
        leg = await phone.call(f"sip:4001@127.0.0.1:{endpoint.tls_port};transport=tls")
        heard = ear.calls[0].leg
        assert heard.media is not None
        hear = heard.media.receive

        def tap(datagram: bytes, source: tuple[str, int], now_s: float) -> None:
            wire.append(datagram)
            hear(datagram, source, now_s)

        heard.media.receive = tap  # type: ignore[method-assign]  # a wire that is tapped
        async with leg:
            leg.sink.play(tone())
            with anyio.fail_after(30):
                while ear.calls[0].pcm.size < SAMPLE_RATE or len(wire) < 40:  # noqa: ASYNC110 - the call's own clock
                    await anyio.sleep(0.02)
        await ear.wait_ended()
    assert heard.call.dialog.flow.transport == "tls"
    assert leg.media is not None
    assert leg.media.agreement.keys is not None
    assert np.abs(ear.calls[0].pcm).max() > 0.25
    spoken = [datagram for datagram in wire if not is_rtcp(datagram)]
    read = np.concatenate([decode_alaw(parse_rtp(datagram).payload[:160]) for datagram in spoken]) / 32768
    assert purity(ear.calls[0].pcm[::2]) > 0.5
    assert purity(read.astype(np.float32)) < 0.1, "what lies on the wire is noise"


async def test_a_trunk_that_asks_for_secrecy_takes_no_plain_call(ours: Signed) -> None:
    async with secure_line(ours) as (endpoint, ear), caller(TlsSettings()) as phone:
        with pytest.raises(SipCallError) as caught:
            await phone.call(f"sip:4001@127.0.0.1:{endpoint.port}")
        assert caught.value.status == 403
        assert endpoint.agent.gate.refusals[Refusal.PLAIN] == 1
    assert not ear.calls


async def test_a_certificate_of_strangers_is_not_believed(ours: Signed, tmp_path: Path) -> None:
    stranger = sign(tmp_path, "stranger")
    async with secure_line(ours) as (endpoint, _), caller(TlsSettings(authorities=stranger.authority)) as phone:
        with pytest.raises(SipPortError, match="TLS"):
            await phone.call(f"sip:4001@127.0.0.1:{endpoint.tls_port};transport=tls")


async def test_who_calls_may_have_to_show_a_certificate(ours: Signed, theirs: Signed) -> None:
    async with secure_line(ours, verifies_callers=True) as (endpoint, ear):
        uri = f"sip:4001@127.0.0.1:{endpoint.tls_port};transport=tls"
        async with caller(tls(theirs)) as known:
            leg = await known.call(uri)
            leg.close()
            await ear.wait_ended()
        async with caller(TlsSettings(authorities=ours.authority)) as nobody:
            with pytest.raises((SipPortError, SipCallError)):
                await nobody.call(uri, ring_s=1)
    assert len(ear.calls) == 1


async def test_hands_that_shake_badly_harm_nobody(ours: Signed) -> None:
    async with secure_line(ours) as (endpoint, ear), caller(TlsSettings(authorities=ours.authority)) as phone:
        for garbage in (b"", b"OPTIONS sip:x SIP/2.0\r\n\r\n", bytes(600), b"\x16\x03\x01\xff\xff" + bytes(70)):
            async with await anyio.connect_tcp("127.0.0.1", endpoint.tls_port) as stream:
                if garbage:
                    await stream.send(garbage)
        leg = await phone.call(f"sip:4001@127.0.0.1:{endpoint.tls_port};transport=tls")
        leg.close()
        await ear.wait_ended()
    assert len(ear.calls) == 1


async def test_what_is_no_certificate_is_told(ours: Signed, theirs: Signed, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("none", encoding="ascii")
    for settings in (
        TlsSettings(0, wrong),
        TlsSettings(0, tmp_path / "missing.pem"),
        TlsSettings(0, ours.certificate, theirs.key),
    ):
        with pytest.raises(SipTlsError, match=r"tls\.certificate"):
            async with SipEndpoint.open(replace(SETTINGS, tls=settings), WallClock()):
                pass


def test_packets_that_were_changed_repeated_or_written_by_others_are_refused() -> None:
    key = new_key()
    sender, receiver = (
        Srtp(MediaKeys(Crypto("1", "AES_CM_128_HMAC_SHA1_80", new_key()), key)),
        Srtp(MediaKeys(Crypto("1", "AES_CM_128_HMAC_SHA1_80", key), new_key())),
    )
    packets = [write_rtp(RtpPacket(0, False, number, 160 * number, 7, bytes(160))) for number in range(4)]
    closed = [sender.close(packet) for packet in packets]
    assert all(len(one) == len(packet) + 10 for one, packet in zip(closed, packets, strict=True))
    assert receiver.open(closed[0]) == packets[0]
    assert receiver.open(closed[2]) == packets[2]
    assert receiver.open(closed[1]) == packets[1]
    changed = bytearray(closed[3])
    changed[20] ^= 1
    for bad in (bytes(changed), closed[0], packets[3], b"", bytes(11), bytes(2000)):
        with pytest.raises(RtpError):
            receiver.open(bad)
    assert receiver.open(closed[3]) == packets[3]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1",
        "1 AES_CM_128_HMAC_SHA1_80",
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 39 + "!",
        "1 AES_CM_128_HMAC_SHA1_80 uri:" + "A" * 40,
        "1 AES_256_CM_HMAC_SHA1_80 inline:" + "A" * 40,
        "x AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "|2^20|1:4",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + " UNENCRYPTED_SRTP",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + ";inline:" + "B" * 40,
    ],
)
def test_lines_that_cannot_be_used_are_left_out(line: str) -> None:
    good = "7 AES_CM_128_HMAC_SHA1_32 inline:" + "A" * 40 + "|2^31"
    assert read_crypto([line, good]) == (Crypto("7", "AES_CM_128_HMAC_SHA1_32", bytes(KEY_BYTES)),)


def test_keys_are_not_shown() -> None:
    keys = MediaKeys(Crypto("1", "AES_CM_128_HMAC_SHA1_80", b"k" * 30), b"q" * 30)
    assert "kkk" not in repr(keys)
    assert "qqq" not in repr(keys)
