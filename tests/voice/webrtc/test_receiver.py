"""When frames are handed on: on the common grid, a little early where they are there, never a gap before its time."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from voice.audio.opus import OpusEncoder, OpusSettings
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party
from voice.rtp.incoming import IncomingSpeech
from voice.rtp.packet import RtpPacket
from voice.webrtc.pace import COMMON_S
from voice.webrtc.receiver import Receiver

pytestmark = pytest.mark.anyio

STEP_S = 0.001
PACKET_S = FRAME_SAMPLES / SAMPLE_RATE


class Wire:
    """Packets that lie in a socket until they are polled, or come by themselves while nobody polls."""

    def __init__(self, speech: IncomingSpeech, receiver: Receiver, clock: ManualClock) -> None:
        self._speech, self._receiver, self._clock = speech, receiver, clock
        self._lying: list[tuple[float, RtpPacket]] = []
        self._polled = False
        self.turns: list[float] = []
        receiver.join(self)

    def come(self, packet: RtpPacket) -> None:
        self._lying.append((self._clock.now_s(), packet))
        if not self._polled:
            self._hand_on()

    def poll(self, now_s: float) -> None:
        self._polled = True
        self.turns.append(now_s)
        self._hand_on()

    def rest(self) -> None:
        self._polled = False

    def _hand_on(self) -> None:
        lying, self._lying = self._lying, []
        for came_s, packet in lying:
            self._speech.add(packet, came_s)
            self._receiver.note_arrival()


async def heard(
    arrivals: dict[int, float], until_s: float, clock: ManualClock
) -> tuple[list[tuple[float, AudioFrame]], IncomingSpeech, list[float]]:
    """When each frame was handed on of packets that came at these moments."""
    encoder = OpusEncoder(OpusSettings(dtx=False))
    noise = np.random.default_rng(0).normal(0, 0.1, (len(arrivals), FRAME_SAMPLES)).astype(np.float32)
    packets = {
        number: RtpPacket(96, False, number, number * 960, 1, encoder.encode(noise[index]))
        for index, number in enumerate(arrivals)
    }
    speech = IncomingSpeech(Party.CALLER)
    receiver = Receiver(Party.CALLER, speech, clock)
    wire = Wire(speech, receiver, clock)
    frames: list[tuple[float, AudioFrame]] = []

    async def listen() -> None:
        async for frame in receiver.frames():
            frames.append((clock.now_s(), frame))  # noqa: PERF401 - one by one, for the others to see

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        waiting = sorted(arrivals, key=arrivals.__getitem__)
        while clock.now_s() < until_s:
            clock.advance(STEP_S)
            while waiting and arrivals[waiting[0]] <= clock.now_s():
                wire.come(packets[waiting.pop(0)])
            for _ in range(4):
                await anyio.lowlevel.checkpoint()
        given = list(frames)
        receiver.stop()
    return given, speech, wire.turns


@pytest.mark.parametrize("phase_s", [0.0, 0.004, 0.011, 0.019])
async def test_steady_speech_is_handed_on_once_a_turn_however_it_lies_beside_the_grid(phase_s: float) -> None:
    arrivals = {number: 1 + phase_s + number * PACKET_S for number in range(180)}
    given, speech, turns = await heard(arrivals, 4.6, ManualClock())
    assert [frame.start for _, frame in given[:175]] == [number * FRAME_SAMPLES for number in range(175)]
    assert speech.buffer.counts.late == 0
    assert all(abs(at - round(at / COMMON_S) * COMMON_S) <= STEP_S for at, _ in given)
    settled = [at - arrivals[number] for number, (at, _) in enumerate(given[130:175], 130)]
    assert min(settled) >= 0
    # The first second's caution is over: the least delay of the jitter buffer, give or take half of the grid.
    assert max(settled) <= 0.015 + COMMON_S / 2 + STEP_S
    assert max(settled) - min(settled) <= STEP_S, "in step"
    assert len(turns) <= 4.6 / COMMON_S


async def test_a_packet_that_is_late_but_in_time_is_waited_for_and_not_made_up() -> None:
    arrivals = {number: 1 + number * PACKET_S + (0.012 if number % 7 == 6 else 0) for number in range(150)}
    given, speech, _ = await heard(arrivals, 3.9, ManualClock())
    assert len(given) >= 140
    counts = speech.buffer.counts
    assert (counts.late, counts.concealed, counts.recovered) == (0, 0, 0)


async def test_what_is_lost_is_filled_at_the_turn_after_it_was_due() -> None:
    arrivals = {number: 1 + number * PACKET_S for number in range(100) if number != 60}
    given, speech, _ = await heard(arrivals, 2.9, ManualClock())
    assert [frame.start for _, frame in given[:95]] == [number * FRAME_SAMPLES for number in range(95)]
    gap_s = given[60][0] - given[59][0]
    assert gap_s <= 3 * COMMON_S + STEP_S
    assert speech.buffer.counts.concealed + speech.buffer.counts.recovered == 960


async def test_who_was_busy_gets_what_came_meanwhile_at_once() -> None:
    clock = ManualClock()
    encoder = OpusEncoder(OpusSettings(dtx=False))
    speech = IncomingSpeech(Party.CALLER)
    receiver = Receiver(Party.CALLER, speech, clock)
    starts: list[int] = []
    free = anyio.Event()

    async def listen() -> None:
        async for frame in receiver.frames():
            starts.append(frame.start)
            if len(starts) == 5:
                await free.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        for number in range(50):
            clock.advance(PACKET_S)
            payload = encoder.encode(np.full(FRAME_SAMPLES, 0.1, np.float32))
            speech.add(RtpPacket(96, False, number, number * 960, 1, payload), clock.now_s())
            receiver.note_arrival()
            for _ in range(4):
                await anyio.lowlevel.checkpoint()
        assert len(starts) == 5
        free.set()
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        assert len(starts) >= 45, "without another turn"
        assert starts == [number * FRAME_SAMPLES for number in range(len(starts))]
        receiver.stop()
