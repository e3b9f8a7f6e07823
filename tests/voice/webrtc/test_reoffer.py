"""A leg whose party's network changes: the call goes on over another connection, or ends with a reason."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import anyio
import pytest

from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Pcm
from voice.contracts.errors import MediaError, SdpError
from voice.contracts.ports import LegEnd
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import LegLimits
from voice.webrtc.transport import MediaTransport

pytestmark = pytest.mark.anyio
LOOPBACK = IceSettings(host_addresses=("127.0.0.1",))


async def test_the_call_goes_on_over_another_connection(
    call: Any,
    tune: Pcm,
    nothing_left: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take = MediaTransport._take_media
    cut: list[MediaTransport] = []

    def broken(self: MediaTransport, protected: bytes, *rest: Any) -> None:
        if self not in cut:
            take(self, protected, *rest)

    monkeypatch.setattr(MediaTransport, "_take_media", broken)
    frames: list[AudioFrame] = []
    with nothing_left():
        async with (
            call() as (caller, leg),
            leg,
            WebRtcCaller(WallClock(), LOOPBACK) as same,
            anyio.create_task_group() as tasks,
        ):

            async def listen() -> None:
                async for frame in leg.source.frames():
                    frames.append(frame)  # noqa: PERF401 - looked at while it grows

            tasks.start_soon(listen)
            leg.sink.play(tune)
            await caller.speak(tune, tail_s=0)
            before = leg.statistics().received
            cut.append(leg._peer.transport)
            await same.accept(await leg.reoffer(await same.create_offer()))
            await same.wait_connected()
            leg.sink.play(tune)
            await same.speak(tune, tail_s=0.3)
            numbers = leg.statistics()
            assert leg.end_reason is None
            await caller.close()  # the page puts the old connection away; that is no hang-up
            await same.speak(tune[: SAMPLE_RATE // 2], tail_s=0.3)
            assert leg.end_reason is None
            heard = same.heard
            await same.close()
        assert leg.end_reason is LegEnd.HUNG_UP
    assert numbers.received > before + 50
    starts = [frame.start for frame in frames]
    assert starts == sorted(set(starts))
    # Four seconds were said, on one axis, and what was played is heard over the new connection.
    assert starts[-1] / SAMPLE_RATE >= 4
    assert float(abs(heard).max()) > 0.1


async def test_a_new_connection_that_never_comes_leaves_the_old_one(call: Any, tune: Pcm) -> None:
    async with (
        call() as (caller, leg),
        leg,
        WebRtcCaller(WallClock(), LOOPBACK) as gone,
    ):
        await caller.wait_connected()
        leg._limits = LegLimits(connect_s=0.5)  # of the next connection: the first took what it needed
        await leg.reoffer(await gone.create_offer())
        await caller.speak(tune, tail_s=0)
        assert leg.end_reason is None
        assert leg.statistics().received > 50
        assert leg._next is None


async def test_the_latest_offer_counts(call: Any, tune: Pcm) -> None:
    async with call() as (caller, leg), leg, WebRtcCaller(WallClock(), LOOPBACK) as gone:
        await caller.wait_connected()
        await leg.reoffer(await gone.create_offer())
        async with WebRtcCaller(WallClock(), LOOPBACK) as last:
            await last.accept(await leg.reoffer(await last.create_offer()))
            await last.wait_connected()
            before = leg.statistics().received
            await last.speak(tune, tail_s=0)
            assert leg.statistics().received > before + 50


async def test_when_the_old_one_ends_while_the_new_one_never_comes_the_leg_says_why(call: Any) -> None:
    async with (
        call() as (caller, leg),
        leg,
        WebRtcCaller(WallClock(), LOOPBACK) as gone,
    ):
        await caller.wait_connected()
        await leg.wait_connected()
        leg._limits = LegLimits(connect_s=1.0)
        await leg.reoffer(await gone.create_offer())
        await caller.close()
        with anyio.fail_after(30):
            async for _ in leg.source.frames():
                pass
        assert leg.end_reason is LegEnd.HUNG_UP


@pytest.mark.parametrize("sdp", ["", "v=0", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"])
async def test_a_malformed_offer_harms_nothing(call: Any, tune: Pcm, sdp: str) -> None:
    async with call() as (caller, leg), leg:
        with pytest.raises(SdpError):
            await leg.reoffer(sdp)
        await caller.speak(tune[:SAMPLE_RATE], tail_s=0)
        assert leg.end_reason is None


async def test_a_leg_that_is_over_takes_no_offer(
    call: Any, nothing_left: Callable[[], AbstractContextManager[None]]
) -> None:
    with nothing_left():
        async with call() as (_, leg), WebRtcCaller(WallClock(), LOOPBACK) as other:
            async with leg:
                pass
            with pytest.raises(MediaError):
                await leg.reoffer(await other.create_offer())
        untouched = await WebRtcAnswerer(LOOPBACK).answer(await _offer(), WallClock())
        with pytest.raises(MediaError):
            await untouched.reoffer(await _offer())
        await untouched.close()


async def _offer() -> str:
    async with WebRtcCaller(WallClock(), LOOPBACK) as caller:
        return await caller.create_offer()
