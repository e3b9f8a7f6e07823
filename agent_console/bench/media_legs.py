"""Legs to be measured: ours as calls have them, and stock aiortc's. All of a process share one clock, as calls do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from typing import Final, Protocol

import anyio

from agent_console.bench.media_aiortc import AiortcLeg
from voice.audio.opus import OpusSettings
from voice.bridge import Bridge, Participant, Standing
from voice.contracts.audio import Party, Pcm, from_s
from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import LegLimits, WebRtcLeg
from voice.webrtc.peer import Peer

_ICE: Final = IceSettings(host_addresses=("127.0.0.1",))


class Leg(Protocol):
    """A leg under measurement."""

    frames: int

    async def answer(self, offer: str) -> str:
        """The complete answer to a complete offer."""
        ...

    async def run(self) -> None:
        """Listen, and speak where there is something to say, until cancelled or hung up on."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


class _Ours:
    """Ours, as calls have it: a leg that listens, and is given something to say."""

    def __init__(self, clock: Clock) -> None:
        self.frames = 0
        self._clock = clock
        self._leg: WebRtcLeg | None = None

    async def answer(self, offer: str) -> str:
        """Without silence suppression, so that both sides send 50 packets a second."""
        limits = LegLimits(opus=OpusSettings(dtx=False))
        self._leg = await WebRtcAnswerer(_ICE, limits).answer(offer, self._clock)
        return self._leg.answer_sdp

    async def close(self) -> None:
        """Give everything back."""
        if self._leg is not None:
            await self._leg.close()

    def _answered(self) -> WebRtcLeg:
        if self._leg is None:
            raise MediaError("An offer was expected to be answered first.")
        return self._leg


class _OurLeg(_Ours):
    """Is told the same over and over."""

    def __init__(self, speech: Pcm, clock: Clock) -> None:
        super().__init__(clock)
        self._speech = speech

    async def run(self) -> None:
        """Speak and listen until cancelled."""
        async with self._answered() as leg, anyio.create_task_group() as tasks:
            tasks.start_soon(self._speak, leg)
            async with aclosing(leg.source.frames()) as frames:
                async for _ in frames:
                    self.frames += 1

    async def _speak(self, leg: WebRtcLeg) -> None:
        while True:
            leg.sink.play(self._speech[: from_s(20)])
            await leg.sink.drain(from_s(1))


class _BridgedLeg(_Ours):
    """Hears whom it is bridged with."""

    def __init__(self, bridge: Bridge, standing: Standing, clock: Clock) -> None:
        super().__init__(clock)
        self._bridge = bridge
        self._who = Participant(standing.value, standing)

    async def run(self) -> None:
        """Pass on what is heard until cancelled."""
        async with self._answered() as leg:
            self._bridge.join(self._who, leg.sink)
            async with aclosing(leg.source.frames()) as frames:
                async for frame in frames:
                    self._bridge.hear(self._who.id, frame.pcm)
                    self.frames += 1


class _OurEar:
    """Our receive path without a sender; it sends reports, as the sender would."""

    def __init__(self, clock: Clock) -> None:
        self.frames = 0
        self._clock = clock
        self._peer = Peer(_ICE, Party.CALLER, clock, lambda _: None)

    async def answer(self, offer: str) -> str:
        """The complete answer."""
        return await self._peer.answer(offer)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._report)
            async with aclosing(self._peer.source.frames()) as frames:
                async for _ in frames:
                    self.frames += 1

    async def close(self) -> None:
        """Give everything back."""
        await self._peer.close()

    async def _report(self) -> None:
        await self._peer.transport.ready.wait()
        while True:
            await self._peer.transport.send_report()
            await self._clock.sleep_until(self._clock.now_s() + 1)


def our_leg(speech: Pcm | None, clock: Clock) -> Leg:
    """A leg of ours; without speech it only receives."""
    return _OurEar(clock) if speech is None else _OurLeg(speech, clock)


def bridged_legs(clock: Clock) -> Iterator[Leg]:
    """Legs of ours without end: a caller and the agent they speak with, and so on."""
    while True:
        bridge = Bridge()
        for standing in (Standing.CALLER, Standing.AGENT):
            yield _BridgedLeg(bridge, standing, clock)


def stock_leg(speech: Pcm | None, clock: Clock) -> Leg:
    """A leg of stock aiortc; without speech it only receives."""
    return AiortcLeg(speech, clock)
