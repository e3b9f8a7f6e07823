"""What every call leg must do, whatever its transport. A new transport adds one entry to `FAR_ENDS`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np
import pytest
from anyio.to_thread import run_sync

from tests.programs import audio_ports
from tests.voice.sip.certificates import sign
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm
from voice.contracts.errors import CapacityError
from voice.contracts.ports import CallLeg
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.sip.trunks import SipSettings, TlsSettings, Trunk
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings

pytestmark = pytest.mark.anyio
TENTH_S = SAMPLE_RATE // 10


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The other end of a leg.

    Attributes:
        leg: the leg, not yet entered.
        say: speak 16 kHz audio into it at real pace; returns when it is said.
        heard: what the far end has heard so far, 16 kHz.
        hang_up: end the connection from the far end.
    """

    leg: CallLeg
    say: Callable[[Pcm], Coroutine[Any, Any, None]]
    heard: Callable[[], Pcm]
    hang_up: Callable[[], Awaitable[None]]


@asynccontextmanager
async def webrtc(party: Party) -> AsyncIterator[FarEnd]:
    ice = IceSettings(host_addresses=("127.0.0.1",))
    async with WebRtcCaller(WallClock(), ice) as caller:
        leg = await WebRtcAnswerer(ice).answer(await caller.create_offer(), WallClock(), party=party)
        try:
            await caller.accept(leg.answer_sdp)
            yield FarEnd(leg, caller.speak, lambda: caller.heard, caller.close)
        finally:
            await leg.close()


@asynccontextmanager
async def telephone(party: Party, *, transport: str = "udp") -> AsyncIterator[FarEnd]:
    """A leg that our own phone called."""
    assert party is Party.CALLER
    is_secure = transport == "tls"
    trunk = Trunk("loopback", networks=(ip_network("127.0.0.0/8"),), is_secure=is_secure)
    legs: list[SipLeg] = []
    heard: list[AudioFrame] = []

    async def take(leg: SipLeg, _: Line) -> None:
        legs.append(leg)

    with TemporaryDirectory() as folder:
        signed = await run_sync(sign, Path(folder), "ours") if is_secure else None
        shown = TlsSettings() if signed is None else TlsSettings(0, signed.certificate, signed.key, signed.authority)
        answering = SipSettings("127.0.0.1", 0, trunks=(trunk,), ports=audio_ports(0), tls=shown)
        calling = SipSettings("127.0.0.1", 0, ports=audio_ports(1), tls=TlsSettings(authorities=shown.authorities))
        async with (
            SipEndpoint.open(answering, WallClock()) as ours,
            SipEndpoint.open(calling, WallClock()) as theirs,
            anyio.create_task_group() as tasks,
        ):
            with ours.accept(take):
                port = ours.tls_port if is_secure else ours.port
                phone = await theirs.call(f"sip:4001@127.0.0.1:{port};transport={transport}")
                tasks.start_soon(read, phone, heard)

                async def say(pcm: Pcm) -> None:
                    phone.sink.play(pcm)
                    await phone.sink.drain()
                    sent = phone.statistics().sent
                    with anyio.fail_after(30):
                        while legs[0].statistics().received < sent:  # noqa: ASYNC110 - they are on their way
                            await anyio.sleep(0.02)

                async def hang_up() -> None:
                    phone.hang_up()

                def all_heard() -> Pcm:
                    return np.concatenate([np.zeros(0, np.float32), *(frame.pcm for frame in heard)])

                try:
                    yield FarEnd(legs[0], say, all_heard, hang_up)
                finally:
                    phone.close()
                    legs[0].close()
        assert not ours.legs


FAR_ENDS: dict[str, Callable[[Party], AbstractAsyncContextManager[FarEnd]]] = {
    "webrtc": webrtc,
    "sip over udp": telephone,
    "sip over tcp": partial(telephone, transport="tcp"),
    "sip over tls with srtp": partial(telephone, transport="tls"),
}


@pytest.fixture(params=FAR_ENDS)
async def far_end(request: pytest.FixtureRequest) -> AsyncIterator[FarEnd]:
    async with FAR_ENDS[request.param](Party.CALLER) as far_end:
        yield far_end


@pytest.fixture
def sweep() -> Pcm:
    """A second of a rising tone."""
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * (300 * t + 300 * t**2))).astype(np.float32)


def likeness(piece: Pcm, audio: Pcm) -> float:
    """Normalised correlation of the middle one of the tenths of a second that were said, where it fits best.

    Where the machine stood still, one is made up and what follows it has moved; that says nothing about the leg.
    """
    tenths = piece[: piece.size // TENTH_S * TENTH_S].reshape(-1, TENTH_S)
    return float(np.median([_best(tenth, audio) for tenth in tenths]))


def _best(piece: Pcm, audio: Pcm) -> float:
    size = 1 << (piece.size + audio.size).bit_length()
    cross = np.fft.irfft(np.fft.rfft(audio, size) * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate([[0.0], np.cumsum(audio.astype(np.float64) ** 2)])
    energy = np.maximum(sums[piece.size :] - sums[: -piece.size], 1e-4 * piece.size)
    return float((np.abs(cross[: energy.size]) / np.sqrt(energy * (piece @ piece))).max())


async def read(leg: CallLeg, into: list[AudioFrame]) -> None:
    async for frame in leg.source.frames():
        into.append(frame)  # noqa: PERF401 - looked at while it grows


async def test_what_is_said_arrives_in_frames_of_its_party(far_end: FarEnd, sweep: Pcm) -> None:
    frames: list[AudioFrame] = []
    async with far_end.leg as leg, anyio.create_task_group() as tasks:
        tasks.start_soon(read, leg, frames)
        await far_end.say(sweep)
        await far_end.hang_up()
    assert leg.source.parties == {Party.CALLER} == {frame.party for frame in frames}
    starts = [frame.start for frame in frames]
    assert starts == sorted(set(starts))
    pcm = np.zeros(starts[-1] + FRAME_SAMPLES, np.float32)
    for frame in frames:
        pcm[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
        assert np.array_equal(frame.pcm * 32768, np.rint(frame.pcm * 32768))
    assert likeness(sweep, pcm) > 0.9


async def test_what_is_played_is_heard(far_end: FarEnd, sweep: Pcm) -> None:
    async with far_end.leg as leg, anyio.create_task_group() as tasks:
        tasks.start_soon(read, leg, [])
        leg.sink.play(sweep)
        for _ in range(20):
            await far_end.say(np.zeros(SAMPLE_RATE // 5, np.float32))
            if far_end.heard().size > sweep.size * 1.5:
                break
        await far_end.hang_up()
    assert likeness(sweep, far_end.heard()) > 0.9


async def test_a_full_sink_refuses_and_a_cleared_one_takes_again(far_end: FarEnd, sweep: Pcm) -> None:
    async with far_end.leg as leg:
        queued = 0
        with pytest.raises(CapacityError):
            for _ in range(3600):
                leg.sink.play(sweep)
                queued += sweep.size
        assert queued
        assert 0 < leg.sink.clear() <= queued
        leg.sink.play(sweep)


async def test_the_far_ends_hang_up_ends_the_source(far_end: FarEnd, sweep: Pcm) -> None:
    async with far_end.leg as leg:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read, leg, [])
                await far_end.say(sweep[: SAMPLE_RATE // 5])
                await far_end.hang_up()


async def test_a_source_may_be_left_early(far_end: FarEnd, sweep: Pcm) -> None:
    async with far_end.leg as leg, anyio.create_task_group() as tasks:
        tasks.start_soon(far_end.say, sweep[: SAMPLE_RATE // 2])
        source = aiter(leg.source.frames())
        assert (await anext(source)).start == 0


async def test_a_leg_may_be_left_at_once(far_end: FarEnd) -> None:
    async with far_end.leg:
        pass
