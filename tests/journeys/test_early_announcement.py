"""A caller of a real server hears a recording before their call is answered, on a trunk that has one."""

from __future__ import annotations

from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest
import soundfile

from routing.events import CallEnded, CallStarted, Stamped
from routing.grammar import check_log
from routing.service_events import PromptPlayed
from routing.wire import decode
from tests.journeys.stage import PASSWORD, serve
from tests.programs import audio_ports, free_ports
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, Pcm, to_s
from voice.sip.endpoint import SipEndpoint
from voice.sip.trunks import SipSettings
from voice.speech.prompts import Prompts

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_recording_is_heard_to_its_end_before_the_answer(tmp_path: Path) -> None:
    said = Prompts.load().clips["zh", "notice.wait.short"]
    soundfile.write(tmp_path / "welcome.wav", said, SAMPLE_RATE, subtype="PCM_16")
    trunks = tmp_path / "trunks.yaml"
    trunks.write_text(
        "trunks:\n  office: {from: [127.0.0.0/8], language: zh, early_media: true, announcement: welcome.wav}\n",
        encoding="utf-8",
    )
    (port,) = free_ports(1)
    early: list[Pcm] = []
    settings = {"sip": f"127.0.0.1:{port}", "trunks": str(trunks)}
    with serve(tmp_path / "data", tmp_path, engine="fake", **settings) as server:
        async with SipEndpoint.open(SipSettings("127.0.0.1", 0, ports=audio_ports(1)), WallClock()) as phone:
            with anyio.fail_after(60):
                leg = await phone.call(f"sip:4001@127.0.0.1:{port}", hear_early=early.append)
            async with leg:
                assert leg.call.is_answered
        log = await finished(server.url)
    check_log(log)
    events = [stamped.event for stamped in log]
    assert isinstance(events[0], CallStarted)
    played = next(event for event in events if isinstance(event, PromptPlayed))
    assert (played.prompt, played.completed) == ("trunk.announcement", True)
    heard = np.concatenate([np.zeros(0, np.float32), *early])
    assert to_s(heard.size) >= to_s(said.size) - 0.5, "all of it was said before the answer"
    size = 2 * max(heard.size, said.size)
    cross = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)))
    assert np.abs(cross).max() / np.linalg.norm(heard) / np.linalg.norm(said) > 0.8


async def finished(url: str) -> list[Stamped]:
    """The log of the only call, once it is over."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        (await client.post("/api/session", json={"user": "mei", "password": PASSWORD})).raise_for_status()
        clock = WallClock()
        with anyio.fail_after(60):
            while True:
                calls = (await client.get("/api/calls")).raise_for_status().json()["calls"]
                if calls:
                    answer = await client.get(f"/api/calls/{calls[0]['call']}/events?limit=5000")
                    log = [decode(event) for event in answer.json()["events"]]
                    if log and isinstance(log[-1].event, CallEnded):
                        return log
                await clock.sleep_until(clock.now_s() + 0.1)
