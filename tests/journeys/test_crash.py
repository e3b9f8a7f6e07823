"""kill -9 in the middle of a call: what was recorded and journalled until then is there after the next start."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
import soundfile

from agent_console.demo import call_in
from routing.events import CallEnded
from routing.grammar import check_log
from routing.terms import CallEndReason
from routing.wire import decode
from tests.journeys.stage import PASSWORD, Server, serve
from voice.clock import WallClock

pytestmark = [pytest.mark.model, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-logistics-calm"


@contextmanager
def sign_in(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}, timeout=30) as http:
        http.post("/api/session", json={"user": "mei", "password": PASSWORD}).raise_for_status()
        yield http


async def call_until_killed(server: Server, after: str) -> str:
    """Play the sample in; kill the server once the call's log holds an event of type `after`."""
    clock = WallClock()
    with sign_in(server) as http:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call_in, server.url, SAMPLE)
            while True:
                calls = (await anyio.to_thread.run_sync(http.get, "/api/calls")).json()["calls"]
                if calls:
                    call = str(calls[0]["call"])
                    answer = await anyio.to_thread.run_sync(http.get, f"/api/calls/{call}/events?limit=1000")
                    if any(event["type"] == after for event in answer.json()["events"]):
                        break
                await clock.sleep_until(clock.now_s() + 0.05)  # to ask without end would take the call its time
            server.process.send_signal(signal.SIGKILL)
            tasks.cancel_scope.cancel()
    return call


def test_nothing_that_was_recorded_is_lost(tmp_path: Path, need_model: Callable[[str], Path]) -> None:
    models = need_model("whisper-base").parent
    with serve(tmp_path / "data", models, recording_format="opus") as server:
        call = anyio.run(call_until_killed, server, "transcript.final")
    with serve(tmp_path / "data", models, recording_format="opus") as server, sign_in(server) as http:
        events = http.get(f"/api/calls/{call}/events?limit=1000").raise_for_status().json()["events"]
        log = [decode(event) for event in events]
        check_log(log)
        ended = log[-1].event
        assert isinstance(ended, CallEnded)
        assert ended.reason is CallEndReason.INTERRUPTED
        recording = http.get(f"/api/calls/{call}/recording").raise_for_status()
        peaks = http.get(f"/api/calls/{call}/recording/peaks?points=20000").raise_for_status().json()
        (tmp_path / "recording.wav").write_bytes(recording.content)
    # The last event before the kill stands at the call's end as it was journalled; at most a second may be missing.
    assert recording.headers["content-type"] == "audio/wav"  # what was to become Opus is kept as it was written
    found = soundfile.info(tmp_path / "recording.wav")
    assert found.duration >= log[-1].at / 16_000 - 1.0
    assert peaks["points"] * peaks["samples_per_point"] >= found.frames
    assert max(peaks["channels"][0]["high"]) > 10  # the caller is seen speaking
