"""What is used of aiortc and aioice without being public is as it was; and strangers harm nobody."""

from __future__ import annotations

import asyncio.selector_events
import inspect
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import aioice.ice
import anyio
import anyio.lowlevel
import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from pylibsrtp import Policy, Session

from tests.voice.steady import steadily
from voice.clock import ManualClock, WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm
from voice.contracts.errors import MediaError
from voice.contracts.ports import LegEnd
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings
from voice.webrtc.transport import MediaTransport, _Unprotection

pytestmark = pytest.mark.anyio
LOOPBACK = IceSettings(host_addresses=("127.0.0.1",))


def test_the_versions_are_those_that_are_pinned() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    pins = dict(each.split("==") for each in project["project"]["dependencies"] if "==" in each)
    assert pins["aiortc"] == version("aiortc")
    assert pins["aioice"] == version("aioice")
    assert pins["pylibsrtp"] == version("pylibsrtp")


def test_aiortc_and_aioice_have_the_shape_that_is_relied_upon() -> None:
    assert list(inspect.signature(RTCRtpSender.send).parameters) == ["self", "parameters"]
    assert list(inspect.signature(RTCRtpReceiver.receive).parameters) == ["self", "parameters"]
    assert list(inspect.signature(RTCDtlsTransport._send_rtp).parameters) == ["self", "data"]
    assert list(inspect.signature(aioice.ice.Connection.data_received).parameters) == ["self", "data", "component"]
    assert "self.receiver.data_received(" in inspect.getsource(aioice.ice.StunProtocol.datagram_received)
    # Taken before aioice tries to read media as STUN, and without 256 KiB of room for each datagram.
    reading = inspect.getsource(asyncio.selector_events._SelectorDatagramTransport._read_ready)  # type: ignore[attr-defined]  # private is the point
    assert "self._protocol.datagram_received(" in reading
    assert "recvfrom(self.max_size)" in reading
    assert "self._protocols" in inspect.getsource(aioice.ice.Connection.close)
    assert "_rx_srtp" in inspect.getsource(RTCDtlsTransport._setup_srtp)
    # Protected and sent as aiortc would, without its coroutines.
    protecting = inspect.getsource(RTCDtlsTransport._send_rtp)
    assert "self._tx_srtp.protect_rtcp(data)" in protecting
    assert "self._tx_srtp.protect(data)" in protecting
    assert "self._nominated.get(component)" in inspect.getsource(aioice.ice.Connection.sendto)
    assert "self.transport.sendto(data, addr)" in inspect.getsource(aioice.ice.StunProtocol.send_data)
    assert "func(self._srtp[0], self._cdata, len_p)" in inspect.getsource(Session._Session__process)  # type: ignore[attr-defined]  # private is the point
    assert "_connection" in inspect.getsource(RTCIceTransport.__init__)
    connecting = inspect.getsource(RTCPeerConnection._RTCPeerConnection__connect)  # type: ignore[attr-defined]  # private is the point
    assert "transceiver.sender.send(" in connecting
    assert "transceiver.receiver.receive(" in connecting


async def test_another_aiortc_is_refused_and_not_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = RTCPeerConnection()
    transceiver = connection.addTransceiver("audio")
    monkeypatch.delattr(aioice.ice.Connection, "data_received")
    with pytest.raises(MediaError, match="make setup"):
        MediaTransport(transceiver, Any, Any, on_packet=lambda: None, on_goodbye=lambda: None)  # type: ignore[arg-type]  # refused by its shape
    await connection.close()


def test_what_protects_a_packet_is_taken_off_it_and_nothing_else_is() -> None:
    key = bytes(range(30))
    theirs = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    ours = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND))
    take_off = _Unprotection()
    rtp = bytes((0x80, 96, 0, 1)) + bytes(8) + b"sound"
    report = b"\x80\xc9\x00\x01\x00\x00\x00\x07"
    protected, protected_report = theirs.protect(rtp), theirs.protect_rtcp(report)
    room = bytearray(protected + b"what lay there before")
    assert take_off(ours, room, len(protected), is_report=False) == rtp
    assert take_off(ours, room, len(protected), is_report=False) is None, "replayed"
    assert take_off(ours, protected_report, len(protected_report), is_report=True) == report
    for size in range(len(protected)):
        assert take_off(ours, protected, size, is_report=False) is None
        assert take_off(ours, protected, size, is_report=True) is None
    assert take_off(ours, bytes(5_000), 5_000, is_report=False) is None
    second = theirs.protect(rtp[:3] + b"\x02" + rtp[4:])
    for place in range(len(second)):
        wrong = bytearray(second)
        wrong[place] ^= 0x10
        assert take_off(ours, wrong, len(wrong), is_report=False) is None


@pytest.fixture
def stranger() -> Session:
    """Protects packets with keys that nobody agreed on."""
    return Session(Policy(key=bytes(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND))


@steadily
async def test_datagrams_of_strangers_are_counted_and_change_nothing(
    call: Any,
    tune: Pcm,
    stranger: Session,
    laid_out: Callable[[list[AudioFrame]], Pcm],
    found_in: Callable[[Pcm, Pcm], tuple[int, float]],
) -> None:
    rtp = bytes((0x80, 96, 0, 1)) + bytes(8) + b"sound"
    evil = [
        b"",  # would end aiortc's task
        b"\x80",
        b"\x80" * 2_100,  # longer than SRTP's buffer; would end it too
        b"\xbf" * 1_500,
        rtp,
        stranger.protect(rtp),
        stranger.protect_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x07"),
        b"\x16\xfe\xfd" + bytes(60),  # DTLS that is none
        b"\x00\x01\x00\x00" + bytes(16),  # STUN that is none
        b"\x45" * 30,
    ]
    frames: list[AudioFrame] = []
    async with call() as (caller, leg), leg, anyio.create_task_group() as tasks:

        async def listen() -> None:
            async for frame in leg.source.frames():
                frames.append(frame)  # noqa: PERF401 - looked at while it grows

        tasks.start_soon(listen)
        await caller.wait_connected()
        candidates = [line.split() for line in leg.answer_sdp.splitlines() if line.startswith("a=candidate")]

        async def flood() -> None:
            async with await anyio.create_udp_socket(local_host="127.0.0.1") as socket:
                while len(frames) < 50:
                    for datagram in evil:
                        await socket.sendto(datagram, candidates[0][4], int(candidates[0][5]))
                    await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as at_once:
            at_once.start_soon(flood)
            at_once.start_soon(caller.speak, tune)
        refused = leg.statistics().refused
        await caller.close()
    assert refused > 100
    assert leg.statistics().duplicate == 0
    assert found_in(tune, laid_out(frames))[1] > 0.95


@steadily
async def test_a_socket_is_polled_while_frames_are_due_and_watched_again_when_media_stops(call: Any, tune: Pcm) -> None:
    """And whatever is no media comes through either way: consent checks, the farewell."""
    async with call() as (caller, leg), leg, anyio.create_task_group() as tasks:
        transport: MediaTransport = leg._peer.transport
        states: set[bool] = set()
        starts: list[int] = []

        async def listen() -> None:
            async for frame in leg.source.frames():
                starts.append(frame.start)
                states.add(transport._polled is not None and not transport._polled.is_watched)

        tasks.start_soon(listen)
        await caller.speak(tune, tail_s=0)
        calm, steps = set(states), {after - before for before, after in pairwise(starts)}
        caller._connection.transport.retire()  # nothing is sent any more, not even silence
        with anyio.fail_after(30):
            while transport._polled is not None:  # noqa: ASYNC110 - the product's state, which sets no event
                await anyio.sleep(0.01)
        await caller.close()
        with anyio.fail_after(30):
            while leg.end_reason is None:  # noqa: ASYNC110 - the product's state, which sets no event
                await anyio.sleep(0.01)
    assert True in calm, "a calm call is polled"
    assert steps == {FRAME_SAMPLES}
    assert leg.end_reason is LegEnd.HUNG_UP


async def test_packets_that_are_replayed_are_refused(call: Any, tune: Pcm, monkeypatch: pytest.MonkeyPatch) -> None:
    take = MediaTransport._take_media

    def twice(self: MediaTransport, protected: bytes, *rest: Any) -> None:
        take(self, protected, *rest)
        take(self, protected, *rest)

    monkeypatch.setattr(MediaTransport, "_take_media", twice)
    async with call() as (caller, leg), leg:
        await caller.speak(tune[: 20 * FRAME_SAMPLES], tail_s=0)
        with anyio.fail_after(30):
            while leg.statistics().received < 20:  # noqa: ASYNC110 - the product's state, which sets no event
                await anyio.sleep(0.01)
        numbers = leg.statistics()
    assert numbers.refused >= 20
    assert (numbers.duplicate, numbers.lost) == (0, 0)


async def test_a_caller_with_another_certificate_than_announced_is_not_talked_to() -> None:
    clock = WallClock()
    async with WebRtcCaller(clock, LOOPBACK) as caller:
        offer = await caller.create_offer()
        lines = [
            line[:-2] + ("00" if line[-2:] != "00" else "11") if line.startswith("a=fingerprint:") else line
            for line in offer.splitlines()
        ]
        leg = await WebRtcAnswerer(LOOPBACK).answer("\r\n".join(lines) + "\r\n", clock)
        async with leg:
            await caller.accept(leg.answer_sdp)
            with anyio.fail_after(30):
                frames = [frame async for frame in leg.source.frames()]
        assert frames == []
        assert leg.end_reason is LegEnd.NEVER_CONNECTED


@steadily
async def test_sound_goes_on_in_its_place_after_media_stood_still(
    call: Any, tune: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = MediaTransport._take_media
    is_cut = False

    def cut(self: MediaTransport, protected: bytes, *rest: Any) -> None:
        if not is_cut:
            take(self, protected, *rest)

    starts: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(MediaTransport, "_take_media", cut)
        async with call() as (caller, leg), leg, anyio.create_task_group() as tasks:

            async def listen() -> None:
                async for frame in leg.source.frames():
                    starts.append(frame.start)  # noqa: PERF401 - looked at while it grows

            tasks.start_soon(listen)
            await caller.speak(tune[:SAMPLE_RATE], tail_s=0)
            is_cut = True
            await caller.speak(tune[:SAMPLE_RATE], tail_s=2.0)
            is_cut = False
            await caller.speak(tune[:SAMPLE_RATE], tail_s=0.2)
            await caller.close()
    jumps = [after - before for before, after in pairwise(starts) if after - before > FRAME_SAMPLES]
    # A machine that stands still for a moment makes jumps of its own, which are shorter.
    assert max(jumps) / SAMPLE_RATE == pytest.approx(3.0, abs=0.3)
    assert all(after > before for before, after in pairwise(starts))
    assert starts[-1] / SAMPLE_RATE == pytest.approx(5.2, abs=0.3)


@steadily
async def test_a_leg_knows_how_it_is_heard(call: Any, tune: Pcm) -> None:
    async with call() as (caller, leg), leg, anyio.create_task_group() as tasks:

        async def listen() -> None:
            async for _ in leg.source.frames():
                pass

        tasks.start_soon(listen)
        await caller.speak(tune)
        with anyio.fail_after(30):
            while leg.statistics().round_trip_ms is None:
                await caller.speak(tune[:FRAME_SAMPLES], tail_s=0.1)
        numbers = leg.statistics()
        await caller.close()
    assert numbers.received > 50
    assert numbers.sent > 10
    assert numbers.lost_on_the_way_out == 0
    assert 0 <= numbers.round_trip_ms < 500
    assert numbers.jitter_ms < 100
    assert numbers.mos > 3.5


async def test_browsers_are_asked_for_redundancy_in_one_channel_up_to_8_khz(offers: dict[str, str]) -> None:
    for name, offer in offers.items():
        leg = await WebRtcAnswerer().answer(offer, ManualClock())
        payload_type = next(
            line.split(":")[1].split()[0] for line in leg.answer_sdp.splitlines() if "opus/48000/2" in line
        )
        stated = [line for line in leg.answer_sdp.splitlines() if line.startswith(f"a=fmtp:{payload_type} ")]
        assert len(stated) == 1, name
        assert "useinbandfec=1" in stated[0]
        assert "maxplaybackrate=16000" in stated[0]
        assert "maxaveragebitrate=32000" in stated[0]
        await leg.close()
