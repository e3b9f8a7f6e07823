"""A softphone calls Warmline with real speech, presses 0, and hangs up: words, decision and recording are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest
import soundfile

from routing.events import CallEnded, CallStarted, DtmfReceived, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.service_events import RouteDecided
from routing.terms import CallEndReason, Channel, RouteTarget
from routing.wire import decode, decode_line
from tests.journeys.stage import PASSWORD, Server, serve
from tests.voice.sip.baresip import free_ports, run_baresip

pytestmark = [pytest.mark.anyio, pytest.mark.model, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-complaint-words"
SECONDS = 12


@dataclass(frozen=True)
class PhoneCall:
    """What is left of the call."""

    log: list[Stamped]
    spoken: np.ndarray[tuple[int], np.dtype[np.float32]]
    recorded: np.ndarray[tuple[int, int], np.dtype[np.float32]]


@pytest.fixture(scope="module")
def sip_port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def telephony(
    tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path], sip_port: int
) -> Iterator[Server]:
    models = need_model("whisper-base").parent
    with serve(tmp_path_factory.mktemp("server") / "data", models, sip=f"127.0.0.1:{sip_port}") as server:
        yield server


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def called(telephony: Server, sip_port: int, tmp_path_factory: pytest.TempPathFactory) -> PhoneCall:
    folder = tmp_path_factory.mktemp("baresip")
    pcm, rate = soundfile.read(SAMPLE / "audio.wav", dtype="float32", frames=SECONDS * 8000)
    assert rate == 8000
    spoken = folder / "spoken.wav"
    soundfile.write(spoken, np.concatenate([pcm, np.zeros(60 * rate, np.float32)]), rate, subtype="PCM_16")
    async with httpx.AsyncClient(base_url=telephony.url, timeout=30) as client:
        (await client.post("/api/session", json={"user": "mei", "password": PASSWORD})).raise_for_status()
        with run_baresip(folder, spoken) as phone:
            await phone.command(("dial", f"sip:4001@127.0.0.1:{sip_port}"), until="CALL_ESTABLISHED")
            began_s = anyio.current_time()
            await _until_final(client)
            await phone.command(("sndcode", "0"))
            await anyio.sleep_until(began_s + SECONDS)
            await phone.command(("hangup", ""))
            log = await _finished_log(client)
        wav = (await client.get(f"/api/calls/{log[0].call}/recording")).raise_for_status().content
    recorded, _ = soundfile.read(BytesIO(wav), dtype="float32")
    return PhoneCall(log, pcm, recorded)


async def _events(client: httpx.AsyncClient) -> list[Stamped]:
    calls = (await client.get("/api/calls")).raise_for_status().json()["calls"]
    if not calls:
        return []
    return [
        decode(event)
        for event in (await client.get(f"/api/calls/{calls[0]['call']}/events?limit=5000")).json()["events"]
    ]


async def _until_final(client: httpx.AsyncClient) -> None:
    with anyio.fail_after(60):
        while True:
            if any(isinstance(stamped.event, TranscriptFinal) for stamped in await _events(client)):
                return
            await anyio.sleep(0.2)


async def _finished_log(client: httpx.AsyncClient) -> list[Stamped]:
    with anyio.fail_after(60):
        while True:
            log = await _events(client)
            if any(isinstance(stamped.event, CallEnded) for stamped in log):
                return log
            await anyio.sleep(0.1)


async def test_the_call_is_known_by_its_numbers(called: PhoneCall) -> None:
    check_log(called.log)
    started = called.log[0].event
    assert isinstance(started, CallStarted)
    assert (started.channel, started.caller, started.called) == (Channel.SIP, "+8613800138000", "4001")
    assert ("sip.trunk", "loopback") in [(one.name, one.value) for one in started.attributes]
    ended = next(stamped.event for stamped in called.log if isinstance(stamped.event, CallEnded))
    assert ended.reason is CallEndReason.CALLER_HUNG_UP


async def test_what_was_said_is_written(called: PhoneCall) -> None:
    finals = [stamped.event.text for stamped in called.log if isinstance(stamped.event, TranscriptFinal)]
    expected = [decode_line(line).event for line in (SAMPLE / "expected.jsonl").read_bytes().splitlines()]
    assert finals[0] == next(event.text for event in expected if isinstance(event, TranscriptFinal))


async def test_key_0_is_pressed_once_and_brings_a_human(called: PhoneCall) -> None:
    events = [stamped.event for stamped in called.log]
    assert [event.digit for event in events if isinstance(event, DtmfReceived)] == ["0"]
    pressed = next(at for at, event in enumerate(events) if isinstance(event, DtmfReceived))
    assert any(isinstance(event, RouteDecided) and event.target is RouteTarget.HUMAN for event in events[pressed:])


async def test_the_recording_has_the_caller(called: PhoneCall) -> None:
    recorded = called.recorded[:, 0].astype(np.float64)
    doubled = np.interp(np.arange(2 * called.spoken.size) / 2, np.arange(called.spoken.size), called.spoken)
    size = min(recorded.size, doubled.size)
    assert abs(recorded.size - doubled.size) < 3 * 16_000
    spectrum = np.fft.rfft(recorded[:size], 2 * size) * np.conj(np.fft.rfft(doubled[:size], 2 * size))
    likeness = np.abs(np.fft.irfft(spectrum)).max() / np.linalg.norm(recorded[:size]) / np.linalg.norm(doubled[:size])
    assert likeness > 0.9
