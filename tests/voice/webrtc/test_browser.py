"""A real browser calls: what it says arrives, what is played to it is heard, its hang-up is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile

from tests.voice.webrtc.browser import calling
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, AudioFrame, Pcm
from voice.contracts.ports import LegEnd
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.leg import WebRtcLeg

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

HEARD = """async () => {
  for (const stats of (await window.connection.getStats()).values()) {
    if (stats.type === 'inbound-rtp') return stats.totalAudioEnergy;
  }
  return 0;
}"""


async def test_a_browser_calls(
    chromium: str,
    tmp_path: Path,
    tune: Pcm,
    laid_out: Callable[[list[AudioFrame]], Pcm],
    found_in: Callable[[Pcm, Pcm], tuple[int, float]],
) -> None:
    microphone = tmp_path / "microphone.wav"
    soundfile.write(microphone, np.tile(tune, 5), SAMPLE_RATE, subtype="PCM_16")
    legs: list[WebRtcLeg] = []

    async def answer(offer: str) -> str:
        legs.append(await WebRtcAnswerer().answer(offer, WallClock()))
        return legs[0].answer_sdp

    async with calling(chromium, microphone, answer) as page:
        frames: list[AudioFrame] = []
        async with legs[0] as leg, anyio.create_task_group() as tasks:

            async def listen() -> None:
                async for frame in leg.source.frames():
                    frames.append(frame)  # noqa: PERF401 - looked at while it grows

            tasks.start_soon(listen)
            silence = await page.evaluate(HEARD)
            leg.sink.play(tune)
            with anyio.fail_after(60):
                await leg.sink.drain()
                while not frames or frames[-1].start < 3 * tune.size:  # noqa: ASYNC110 - the leg reads at its own pace
                    await anyio.sleep(0.02)
            heard = await page.evaluate(HEARD)
            with anyio.fail_after(10):
                await page.evaluate("() => window.connection.close()")
                while leg.end_reason is None:  # noqa: ASYNC110 - a state without an event
                    await anyio.sleep(0.01)
    assert leg.end_reason is LegEnd.HUNG_UP
    assert silence < 1e-3
    assert heard > 0.01
    likeness = found_in(tune, laid_out(frames))[1]
    assert likeness > 0.8
