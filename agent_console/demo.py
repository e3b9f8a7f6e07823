"""A first call for `warmline serve --demo`: a sample, played in by a real WebRTC client, as a browser would."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Final

import httpx

from agent_console.recordings import find_recording
from voice.clock import WallClock
from voice.replay import FileSource
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings

SAMPLES: Final = Path(__file__).parent.parent / "samples" / "calls"
FIRST_CALL: Final = "zh-complaint-words"
"""A call that begins politely and ends as a complaint: words, tags, curve and route all have something to show."""

_log = logging.getLogger(__name__)


async def call_in(url: str, sample: Path = SAMPLES / FIRST_CALL) -> None:
    """Call the server at `url` and play `sample` into the call; returns when it has been played and hung up.

    Raises:
        AudioFormatError: there is no such sample.
        MediaError: no connection came about.
        SdpError: the server's answer is none.
        httpx.HTTPError: the server refused the call.
    """
    recording = find_recording(sample)
    source = FileSource(recording.audio)
    async with WebRtcCaller(WallClock(), IceSettings()) as caller, httpx.AsyncClient(base_url=url) as http:
        offer = {
            "key": secrets.token_hex(8),
            "sdp": await caller.create_offer(),
            "language": recording.language,
            "caller": sample.name,
        }
        answer = await http.post("/api/calls", json=offer, headers={"Origin": url})
        answer.raise_for_status()
        _log.info("call %s: demo caller %s", answer.json()["call"], sample.name)
        await caller.accept(answer.json()["sdp"])
        await caller.speak(source)
