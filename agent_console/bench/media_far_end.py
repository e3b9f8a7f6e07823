"""Callers in a process of their own, so that what is measured beside them is one side only.

`python -m agent_console.bench.media_far_end LEGS SPEECH.npy CORES`: writes a JSON line with the offers, reads one with
the answers, writes how many are connected once all are or `CONNECT_S` has passed, and speaks at 50 packets a second
until its standard input ends; after a line `rest` it stands still until the next line. CORES is the JSON list of the
cores that it keeps to, empty for any.

Callers have to cost less than what is measured, or they would be the bound: their speech is encoded before the calls,
and they do not decode what they hear.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
import numpy as np
import orjson

from agent_console.bench.media_network import speech_packets
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Party, Pcm
from voice.contracts.errors import RtpError
from voice.rtp.opus_payload import RTP_RATE
from voice.rtp.outgoing import SpeechPacket
from voice.webrtc.ice import IceSettings
from voice.webrtc.peer import Peer
from voice.webrtc.sdp import checked

CONNECT_S: Final = 30.0
"""How long callers may take to connect, all of them."""

PHASES: Final = 4
"""Callers speak in so many groups, evenly spread over a packet's time: real ones do not speak in step."""

REPORT_PACKETS: Final = 50
"""After so many packets a caller reports, as ours and stock aiortc do: once a second."""

REST: Final = "rest"
"""Stand still until the next line."""

STOOD_S: Final = 1.0
"""Who is further behind than this has stood still; what should have been said meanwhile is silence."""

LEVEL: Final = 30
"""What packets say about their loudness, -dBov; nobody reads it."""

_PACKET_S: Final = FRAME_SAMPLES / SAMPLE_RATE
_STEP: Final = RTP_RATE // SAMPLE_RATE * FRAME_SAMPLES


@dataclass(slots=True)
class _Caller:
    """One caller: its connection, and how many packets it has sent."""

    peer: Peer
    sent: int = 0

    async def speak(self, payloads: Sequence[bytes]) -> None:
        """Send the next packet, and a report where one is due. One that is not connected sends nothing."""
        transport = self.peer.transport
        if not transport.ready.is_set() or transport.is_over:
            return
        payload = payloads[self.sent % len(payloads)]
        # A call that is just being closed sends nothing any more.
        with suppress(RtpError):
            await transport.send(SpeechPacket(payload, self.sent * _STEP, self.sent == 0, LEVEL))
            self.sent += 1
            if self.sent % REPORT_PACKETS == 0:
                await transport.send_report()


async def _call(legs: int, speech: Pcm, cores: Sequence[int]) -> None:
    if cores:
        os.sched_setaffinity(0, cores)
    payloads = speech_packets(speech)
    clock, ice = WallClock(), IceSettings(host_addresses=("127.0.0.1",))
    async with AsyncExitStack() as stack:
        callers = []
        for _ in range(legs):
            peer = Peer(ice, Party.AGENT, clock, lambda _: None)
            stack.push_async_callback(peer.close)
            callers.append(_Caller(peer))
        _tell([await caller.peer.offer() for caller in callers])
        answers = orjson.loads(await anyio.to_thread.run_sync(sys.stdin.readline))
        for caller, answer in zip(callers, answers, strict=True):
            await caller.peer.accept(checked(answer))
        async with anyio.create_task_group() as tasks:
            for phase in range(min(PHASES, legs)):
                tasks.start_soon(_speak, callers[phase::PHASES], payloads, clock, phase * _PACKET_S / PHASES)
            with anyio.move_on_after(CONNECT_S):
                for caller in callers:
                    await caller.peer.connected.wait()
            _tell(sum(caller.peer.connected.is_set() for caller in callers))
            while line := await anyio.to_thread.run_sync(sys.stdin.readline):
                # Blocks the event loop, which is what is meant: nothing of this process runs meanwhile.
                if line.strip() == REST and not sys.stdin.readline():
                    break
            tasks.cancel_scope.cancel()


async def _speak(callers: Sequence[_Caller], payloads: Sequence[bytes], clock: WallClock, phase_s: float) -> None:
    """Some callers' packets, 50 a second each; where this process was kept from sending, it does so all the same."""
    due_s = clock.now_s() + phase_s
    while True:
        await clock.sleep_until(due_s)
        if (behind_s := clock.now_s() - due_s) > STOOD_S:
            missed = int(behind_s / _PACKET_S)
            due_s += missed * _PACKET_S
            for caller in callers:
                caller.sent += missed
        for caller in callers:
            await caller.speak(payloads)
        due_s += _PACKET_S


def _tell(what: Sequence[str] | int) -> None:
    sys.stdout.write(orjson.dumps(what).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(_call, int(sys.argv[1]), np.load(Path(sys.argv[2])), orjson.loads(sys.argv[3]))
