"""Whatever a stranger sends as an offer is answered or refused with `SdpError`, and harms no call."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import anyio
import pytest
from aiortc.sdp import SessionDescription
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voice.clock import WallClock
from voice.contracts.audio import Pcm
from voice.contracts.errors import SdpError
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.ice import IceSettings
from voice.webrtc.sdp import MAX_SDP_BYTES, MAX_SDP_LINES, checked

pytestmark = pytest.mark.anyio

GOOD = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 54719 UDP/TLS/RTP/SAVPF 111 9 0
c=IN IP4 127.0.0.1
a=candidate:1 1 udp 2122194687 127.0.0.1 54719 typ host generation 0
a=ice-ufrag:Vpqb
a=ice-pwd:HBTXZ21xnoCJ1gPfP6kJnppN
a=fingerprint:sha-256 9D:85:B5:D5:AB:3E:08:05:E8:55:F8:20:B0:71:30:98:D6:23:65:43:98:63:35:5D:EA:39:5C:C5:12:CC:96:15
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:f07d6ddd 4ad7f6d0
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=ssrc:2183688153 cname:s9BuLIif3KbKhmXQ
""".replace("\n", "\r\n")

VIDEO = GOOD.replace("m=audio", "m=video").replace("opus/48000/2", "VP8/90000")
SECOND = GOOD[GOOD.index("m=audio") :].replace("a=mid:0", "a=mid:1")


def without(*starts: str) -> str:
    return "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(starts))


def swapped(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


REFUSED = {
    "empty": "",
    "blank": "\r\n \r\n",
    "prose": "please call me",
    "json": '{"type": "offer", "sdp": "v=0"}',
    "binary": bytes(range(256)).decode("latin-1") * 20,
    "lone surrogate": GOOD + "a=\ud800\r\n",
    "a megabyte": GOOD + "a=x:" + "y" * 1_000_000,
    "many lines": GOOD + "a=x\r\n" * MAX_SDP_LINES,
    "session only": GOOD[: GOOD.index("m=audio")],
    "video only": VIDEO,
    "audio and video": GOOD + VIDEO[VIDEO.index("m=video") :],
    "two audio sections": GOOD + SECOND,
    "audio and data": GOOD + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\na=sctp-port:5000\r\n",
    "no Opus": without("a=rtpmap:111", "a=fmtp:111", "a=rtcp-fb:111"),
    "Opus at 8 kHz": swapped("opus/48000/2", "opus/8000/2"),
    "no codec": without("a=rtpmap", "a=fmtp", "a=rtcp-fb"),
    "no fingerprint": without("a=fingerprint"),
    "an md5 fingerprint": swapped("fingerprint:sha-256", "fingerprint:md5"),
    "a fingerprint without value": swapped("a=fingerprint:sha-256 ", "a=fingerprint:sha-256"),
    "a fingerprint without anything": without("a=fingerprint") + "a=fingerprint\r\n",
    "no setup": without("a=setup"),
    "unknown setup": swapped("setup:actpass", "setup:maybe"),
    "no ice-ufrag": without("a=ice-ufrag"),
    "a short ice-pwd": swapped("ice-pwd:HBTXZ21xnoCJ1gPfP6kJnppN", "ice-pwd:short"),
    "no rtcp-mux": without("a=rtcp-mux"),
    "a switched off section": swapped("m=audio 54719", "m=audio 0"),
    "receive only": swapped("a=sendrecv", "a=recvonly"),
    "send only": swapped("a=sendrecv", "a=sendonly"),
    "inactive": swapped("a=sendrecv", "a=inactive"),
    "plain RTP": without("a=fingerprint", "a=setup").replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "a broken m-line": swapped("m=audio 54719 UDP/TLS/RTP/SAVPF 111 9 0", "m=audio"),
    "payload types out of range": swapped("SAVPF 111 9 0", "SAVPF 111 9 999"),
    "a payload type that is RTCP": swapped("SAVPF 111 9 0", "SAVPF 111 72"),
    "fmtp for an unknown codec": swapped("a=fmtp:111", "a=fmtp:112"),
    "rtpmap without a rate": swapped("opus/48000/2", "opus"),
    "a short candidate": swapped("127.0.0.1 54719 typ host generation 0", ""),
    "a candidate at port 70000": swapped("127.0.0.1 54719 typ", "127.0.0.1 70000 typ"),
    "a candidate of priority -1": swapped("udp 2122194687", "udp -1"),
    "a crowd of candidates": GOOD + "a=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\n" * 65,
    "a connection line without address": swapped("c=IN IP4 127.0.0.1", "c=IN IP4"),
    "ssrc that is no number": swapped("a=ssrc:2183688153", "a=ssrc:abc"),
    "version 1": swapped("v=0", "v=1"),
}


@pytest.mark.parametrize("sdp", REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_offer_is_refused(sdp: str, nothing_left: Callable[[], AbstractContextManager[None]]) -> None:
    with nothing_left(), pytest.raises(SdpError) as refused:
        await WebRtcAnswerer().answer(sdp, WallClock())
    assert refused.value.code == "webrtc.sdp"
    assert len(str(refused.value)) < 400


async def test_the_bounds_are_met_exactly() -> None:
    full = GOOD + "a=x\r\n" * (MAX_SDP_LINES - len(GOOD.splitlines()))
    assert checked(full) == full
    large = GOOD + "a=x:" + "y" * (MAX_SDP_BYTES - len(GOOD) - 4)
    assert checked(large) == large
    with pytest.raises(SdpError):
        checked(large + "y")


async def test_the_dearest_allowed_offer_is_cheap() -> None:
    """The parser's work is codecs times feedback lines: the bound on lines keeps the product small."""
    room = (MAX_SDP_LINES - len(GOOD.splitlines())) // 2
    dear = GOOD + "a=rtpmap:96 x/1\r\n" * room + "a=rtcp-fb:* x\r\n" * room
    began = time.process_time()
    checked(dear)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("kept", ["as it is", "no direction", "no mid", "bare line ends", "no candidates", "passive"])
async def test_a_usable_offer_is_answered(kept: str) -> None:
    offer = {
        "as it is": GOOD,
        "no direction": without("a=sendrecv"),
        "no mid": without("a=mid", "a=group"),
        "bare line ends": GOOD.replace("\r\n", "\n"),
        "no candidates": without("a=candidate"),
        "passive": swapped("setup:actpass", "setup:passive"),
    }[kept]
    leg = await WebRtcAnswerer(IceSettings(host_addresses=("127.0.0.1",))).answer(offer, WallClock())
    answer = SessionDescription.parse(leg.answer_sdp)
    await leg.close()
    assert [codec.mimeType for codec in answer.media[0].rtp.codecs] == ["audio/opus"]
    assert answer.media[0].direction == "sendrecv"
    assert {candidate.ip for candidate in answer.media[0].ice_candidates} == {"127.0.0.1"}


async def test_a_browsers_offer_is_answered_well(offers: dict[str, str]) -> None:
    assert set(offers) == {"chromium-156", "chromium-156-loopback"}
    for offer in offers.values():
        leg = await WebRtcAnswerer().answer(offer, WallClock())
        media = SessionDescription.parse(leg.answer_sdp).media
        await leg.close()
        assert len(media) == 1
        audio = media[0]
        assert (audio.kind, audio.direction, audio.rtp.muxId, audio.rtcp_mux) == ("audio", "sendrecv", "0", True)
        # Opus keeps the number that the browser gave it.
        assert [(codec.mimeType, codec.payloadType) for codec in audio.rtp.codecs] == [("audio/opus", 111)]
        assert audio.dtls is not None
        assert audio.dtls.role == "client"
        assert "sha-256" in {print_.algorithm for print_ in audio.dtls.fingerprints}
        assert "127.0.0.1" in {candidate.ip for candidate in audio.ice_candidates}
        assert {candidate.type for candidate in audio.ice_candidates} == {"host"}
        assert audio.ice_candidates_complete
        # Only header extensions that the browser offered, under its numbers.
        offered = {(x.id, x.uri) for x in SessionDescription.parse(offer).media[0].rtp.headerExtensions}
        assert {(x.id, x.uri) for x in audio.rtp.headerExtensions} <= offered


LINES = GOOD.splitlines(keepends=True)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A good offer with lines dropped, doubled, swapped, cut, or with characters changed."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "double", "swap", "cut", "put", "number"]))
        line = lines[at]
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(draw(st.integers(0, len(lines))), line)
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], line
        elif kind == "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))] + "\r\n"
        elif kind == "put":
            where = draw(st.integers(0, len(line)))
            lines[at] = line[:where] + draw(st.text(max_size=6)) + line[where:]
        else:
            digits = [index for index, char in enumerate(line) if char.isdigit()]
            if digits:
                where = draw(st.sampled_from(digits))
                number = draw(st.sampled_from(["-1", "", "0", "256", "65536", "4294967296", "9" * 30, "٣", "1e3"]))
                lines[at] = line[:where] + number + line[where + 1 :]
    return "".join(lines)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(offer=mutations())
async def test_a_mutated_offer_is_answered_or_refused(offer: str) -> None:
    try:
        leg = await WebRtcAnswerer(IceSettings(host_addresses=("127.0.0.1",))).answer(offer, WallClock())
    except SdpError:
        return
    async with leg:
        await anyio.sleep(0.03)  # long enough for the first connectivity checks to be sent and to fail on their own


@settings(max_examples=300, deadline=None)
@given(offer=st.text(max_size=300).map(lambda text: "v=0\r\n" + text) | st.binary(max_size=300).map(repr) | mutations())
def test_a_check_refuses_with_its_own_error_only(offer: str) -> None:
    with suppress(SdpError):
        SessionDescription.parse(checked(offer))


async def test_bad_offers_do_not_disturb_a_call(call: Any, tune: Pcm) -> None:
    heard: list[object] = []
    async with call() as (caller, leg), leg, anyio.create_task_group() as tasks:

        async def listen() -> None:
            async for frame in leg.source.frames():
                heard.append(frame)  # noqa: PERF401 - looked at while it grows

        async def bombard() -> None:
            for sdp in REFUSED.values():
                with pytest.raises(SdpError):
                    await WebRtcAnswerer().answer(sdp, WallClock())
                await anyio.lowlevel.checkpoint()

        tasks.start_soon(listen)
        tasks.start_soon(bombard)
        await caller.speak(tune)
        await caller.close()
    assert len(heard) >= len(tune) // 320
