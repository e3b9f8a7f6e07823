"""A telephony provider points its media stream at Warmline: real speech, at the pace of a call, and a key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from routing.events import CallEnded, CallStarted, DtmfReceived, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.service_events import RouteDecided
from routing.terms import CallEndReason, Channel, RouteTarget
from routing.wire import decode
from tests.journeys.stage import PASSWORD, Server, serve
from voice.audio.g711 import encode_ulaw
from voice.clock import WallClock
from voice.echo import DELAY

pytestmark = [pytest.mark.anyio, pytest.mark.model, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-complaint-words"
TOKEN = "provider-secret-0123456789"
SECONDS = 12
STREAM = "MZ18ad3ab5a668481ce02b83e7395059f0"


@dataclass(frozen=True)
class StreamedCall:
    """What is left of the call."""

    log: list[Stamped]
    sent: np.ndarray[tuple[int], np.dtype[np.int16]]
    recorded: np.ndarray[tuple[int, int], np.dtype[np.int16]]


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]) -> Iterator[Server]:
    models = need_model("whisper-base").parent
    with serve(tmp_path_factory.mktemp("server") / "data", models, stream_token=TOKEN) as server:
        yield server


def address(server: Server) -> str:
    return f"ws://127.0.0.1:{server.port}/stream"


def start_message(**parameters: str) -> str:
    form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    inner = {"streamSid": STREAM, "callSid": "CA7", "tracks": ["inbound"], "mediaFormat": form}
    return json.dumps(
        {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": STREAM,
            "start": inner | {"customParameters": parameters},
        }
    )


async def stream(server: Server, pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
    """Do what a provider does: 20 ms messages at the pace of the clock, key 0 after four seconds, then stop."""
    clock, payload = WallClock(), encode_ulaw(pcm)
    async with connect(address(server)) as socket:
        await socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await socket.send(start_message(token=TOKEN, caller="+8613800138000", called="4008001234", language="zh"))
        began_s = clock.now_s()
        for number, at in enumerate(range(0, len(payload), 160)):
            await clock.sleep_until(began_s + 0.02 * number)
            media = {
                "track": "inbound",
                "chunk": str(number + 1),
                "timestamp": str(at // 8),
                "payload": base64.b64encode(payload[at : at + 160]).decode(),
            }
            await socket.send(json.dumps({"event": "media", "streamSid": STREAM, "media": media}))
            if number == 200:
                key = {"track": "inbound_track", "digit": "0"}
                await socket.send(json.dumps({"event": "dtmf", "streamSid": STREAM, "dtmf": key}))
        await socket.send(json.dumps({"event": "stop", "streamSid": STREAM, "stop": {"callSid": "CA7"}}))
        await socket.wait_closed()


async def finished_log(client: httpx.AsyncClient) -> list[Stamped]:
    """The log of the only call, once it is over."""
    clock = WallClock()
    give_up_s = clock.now_s() + 60
    while clock.now_s() < give_up_s:
        calls = (await client.get("/api/calls")).raise_for_status().json()["calls"]
        if calls and calls[0]["ended"]:
            events = (await client.get(f"/api/calls/{calls[0]['call']}/events?limit=5000")).json()["events"]
            return [decode(event) for event in events]
        await clock.sleep_until(clock.now_s() + 0.1)
    raise AssertionError("the call did not end")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def streamed(streaming: Server) -> StreamedCall:
    pcm, rate = soundfile.read(SAMPLE / "audio.wav", dtype="int16", frames=SECONDS * 8000)
    assert rate == 8000
    await stream(streaming, pcm)
    async with httpx.AsyncClient(base_url=streaming.url, timeout=30) as client:
        (await client.post("/api/session", json={"user": "mei", "password": PASSWORD})).raise_for_status()
        log = await finished_log(client)
        wav = (await client.get(f"/api/calls/{log[0].call}/recording")).raise_for_status().content
    recorded, _ = soundfile.read(BytesIO(wav), dtype="int16")
    return StreamedCall(log, pcm, recorded)


async def test_the_call_is_known_by_what_the_provider_said(streamed: StreamedCall) -> None:
    check_log(streamed.log)
    started, ended = streamed.log[0].event, streamed.log[-1].event
    assert isinstance(started, CallStarted)
    assert (started.channel, started.caller, started.called) == (Channel.STREAM, "+8613800138000", "4008001234")
    assert isinstance(ended, CallEnded)
    assert ended.reason is CallEndReason.CALLER_HUNG_UP


async def test_what_was_said_is_written(streamed: StreamedCall) -> None:
    finals = [stamped.event.text for stamped in streamed.log if isinstance(stamped.event, TranscriptFinal)]
    expected = [json.loads(line) for line in (SAMPLE / "expected.jsonl").read_text(encoding="utf-8").splitlines()]
    first = next(event["text"] for event in expected if event["type"] == "transcript.final")
    assert finals[0] == first


async def test_key_0_brings_a_human(streamed: StreamedCall) -> None:
    kinds = [stamped.event for stamped in streamed.log]
    pressed = next(at for at, event in enumerate(kinds) if isinstance(event, DtmfReceived))
    assert any(isinstance(e, RouteDecided) and e.target is RouteTarget.HUMAN for e in kinds[pressed:])


async def test_the_recording_is_what_was_sent(streamed: StreamedCall) -> None:
    recorded = streamed.recorded[:, 0].astype(np.float64)
    doubled = np.interp(np.arange(2 * streamed.sent.size) / 2, np.arange(streamed.sent.size), streamed.sent)
    assert abs(recorded.size - doubled.size) <= 640
    size = min(recorded.size, doubled.size)
    spectrum = np.fft.rfft(recorded[:size], 2 * size) * np.conj(np.fft.rfft(doubled[:size], 2 * size))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    assert lag <= 160 + DELAY  # 10 ms, nothing was shifted on the way but by the echo's suppressor
    for at in range(0, size - 8000, 8000):
        sent, heard = doubled[at : at + 8000], recorded[at + lag : at + lag + 8000]
        if sent.std() > 200:
            assert np.corrcoef(sent, heard)[0, 1] > 0.95


@pytest.mark.parametrize(
    ("headers", "first"),
    [({}, start_message()), ({}, start_message(token="wrong")), ({}, "{"), ({"Authorization": "Bearer no"}, "[]")],
)
async def test_strangers_are_sent_away(streaming: Server, headers: dict[str, str], first: str) -> None:
    async with connect(address(streaming), additional_headers=headers) as socket:
        await socket.send(first)
        with anyio.fail_after(30), pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code in (1002, 1008)


async def test_a_provider_hears_that_no_line_is_free(
    tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]
) -> None:
    data = tmp_path_factory.mktemp("full") / "data"
    with serve(data, need_model("whisper-base").parent, stream_token=TOKEN, max_calls="1") as full:
        async with connect(address(full)) as first, connect(address(full)) as second:
            await first.send(start_message(token=TOKEN))
            async with httpx.AsyncClient(base_url=full.url, timeout=30) as client:
                (await client.post("/api/session", json={"user": "mei", "password": PASSWORD})).raise_for_status()
                clock = WallClock()
                while not (await client.get("/api/calls")).json()["calls"]:
                    await clock.sleep_until(clock.now_s() + 0.05)
            await second.send(start_message(token=TOKEN))
            with anyio.fail_after(30), pytest.raises(ConnectionClosed) as closed:
                await second.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "capacity.exceeded")


async def test_a_server_without_a_secret_takes_no_streams(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(address(server)).__aenter__()
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["code"] == "stream.refused"
