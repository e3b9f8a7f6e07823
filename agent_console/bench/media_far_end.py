"""Callers in a process of their own, so that what is measured beside them is one side only.

`python -m agent_console.bench.media_far_end LEGS SPEECH.npy`: writes a JSON line with the offers, reads one with the
answers, writes an empty one when all are connected, and speaks at 50 packets a second until its standard input ends.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np
import orjson

from voice.audio.opus import OpusSettings
from voice.clock import WallClock
from voice.contracts.audio import Pcm
from voice.contracts.errors import MediaError
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings


async def _call(legs: int, speech: Pcm) -> None:
    clock, ice = WallClock(), IceSettings(host_addresses=("127.0.0.1",))
    opus = OpusSettings(application="voip", dtx=False)
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(WebRtcCaller(clock, ice, hear_s=0, opus=opus)) for _ in range(legs)]
        _tell([await caller.create_offer() for caller in callers])
        answers = orjson.loads(await anyio.to_thread.run_sync(sys.stdin.readline))
        for caller, answer in zip(callers, answers, strict=True):
            await caller.accept(answer)
        async with anyio.create_task_group() as tasks:
            for caller in callers:
                await caller.wait_connected()
                tasks.start_soon(_speak, caller, speech)
            _tell([])
            await anyio.to_thread.run_sync(sys.stdin.read)
            tasks.cancel_scope.cancel()


async def _speak(caller: WebRtcCaller, speech: Pcm) -> None:
    # The legs hang up before this process is told to end.
    with suppress(MediaError):
        while True:
            await caller.speak(speech, tail_s=0)


def _tell(what: list[str]) -> None:
    sys.stdout.write(orjson.dumps(what).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(_call, int(sys.argv[1]), np.load(Path(sys.argv[2])))
