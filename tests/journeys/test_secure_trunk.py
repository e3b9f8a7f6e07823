"""A softphone calls a node directly, over TLS with SRTP: its words reach the pipeline, and it hears an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from routing.events import CallEnded, CallStarted, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.service_events import PromptPlayed, RouteDecided
from routing.terms import CallEndReason, Channel, RouteTarget
from routing.wire import decode
from tests.journeys.stage import PASSWORD, serve
from tests.programs import free_ports, need_program
from tests.voice.sip.baresip import run_baresip
from tests.voice.sip.certificates import sign
from voice.clock import WallClock

pytestmark = [pytest.mark.anyio, pytest.mark.model, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-human-at-once"
SECONDS = 9


async def log_until(client: httpx.AsyncClient, holds: Callable[[list[Stamped]], bool]) -> list[Stamped]:
    """The log of the only call, once that holds of it."""
    clock = WallClock()
    give_up_s = clock.now_s() + 90
    while clock.now_s() < give_up_s:
        calls = (await client.get("/api/calls")).raise_for_status().json()["calls"]
        if calls:
            events = (await client.get(f"/api/calls/{calls[0]['call']}/events?limit=5000")).json()["events"]
            if holds(log := [decode(event) for event in events]):
                return log
        await clock.sleep_until(clock.now_s() + 0.1)
    raise AssertionError("it did not come to that")


async def test_encrypted_speech_reaches_the_pipeline_without_a_border(
    tmp_path: Path, need_model: Callable[[str], Path]
) -> None:
    need_program("baresip", "baresip-core")
    models = need_model("whisper-base").parent
    ours = sign(tmp_path, "ours")
    sip, tls = free_ports(2)
    trunks = tmp_path / "trunks.yaml"
    trunks.write_text(
        f"tls: {{port: {tls}, certificate: {ours.certificate.name}, key: {ours.key.name}}}\n"
        "trunks:\n  office: {from: [127.0.0.0/8], language: zh, encrypt: true}\n",
        encoding="utf-8",
    )
    pcm, rate = soundfile.read(SAMPLE / "audio.wav", dtype="int16", frames=SECONDS * 8000)
    assert rate == 8000
    spoken, folder = tmp_path / "spoken.wav", tmp_path / "phone"
    folder.mkdir()
    soundfile.write(spoken, np.concatenate([pcm, np.zeros(60 * rate, np.int16)]), rate, subtype="PCM_16")
    with serve(tmp_path / "data", models, sip=f"127.0.0.1:{sip}", trunks=str(trunks)) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            (await client.post("/api/session", json={"user": "mei", "password": PASSWORD})).raise_for_status()
            with run_baresip(folder, spoken, codecs=";mediaenc=srtp-mand") as phone:
                uri = f"sip:4008001234@127.0.0.1:{tls};transport=tls"
                await phone.command(("dial", uri), until="CALL_ESTABLISHED", seconds=20)
                await log_until(client, lambda log: any(isinstance(one.event, PromptPlayed) for one in log))
                await phone.command(("hangup", ""))
                log = await log_until(client, lambda log: any(isinstance(one.event, CallEnded) for one in log))
    check_log(log)
    events = [stamped.event for stamped in log]
    started = events[0]
    assert isinstance(started, CallStarted)
    assert (started.channel, started.called) == (Channel.SIP, "4008001234")
    assert next(event for event in events if isinstance(event, CallEnded)).reason is CallEndReason.CALLER_HUNG_UP
    assert "人工" in "".join(event.text for event in events if isinstance(event, TranscriptFinal))
    assert any(isinstance(event, RouteDecided) and event.target is RouteTarget.HUMAN for event in events)
    heard, rate = soundfile.read(phone.heard, dtype="float64")
    blocks = heard[: heard.size // rate * rate].reshape(-1, rate)
    assert blocks.std(axis=1).max() > 0.02, "the caller hears that they are being transferred"
