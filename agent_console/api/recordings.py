"""A call's audio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import anyio
from anyio import to_thread
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.responses import Response

from agent_console.api.errors import Problem
from agent_console.deps import Console, ConsoleDep, SessionDep
from agent_console.qa.ranges import ByteRange, parse_range
from voice.contracts.audio import SAMPLE_RATE, CallId, Party
from voice.contracts.recording import RecordingFormat

CHUNK_BYTES: Final = 65_536

MOST_POINTS: Final = 20_000
"""Points of a waveform in one answer: more than any screen is wide, 160 KB."""

router = APIRouter(prefix="/api/calls", tags=["recordings"])

_MEDIA: Final[dict[str, Any]] = {kind.media_type: {} for kind in RecordingFormat}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "the whole recording", "content": _MEDIA},
    206: {"description": "the bytes asked for", "content": _MEDIA},
    401: {"model": Problem, "description": "auth.required"},
    404: {"model": Problem, "description": "recording.unknown"},
    416: {"model": Problem, "description": "recording.range; Content-Range says the size"},
}

WantedRange = Annotated[str | None, Header(alias="Range", description="one range of bytes")]
IfRange = Annotated[str | None, Header(alias="If-Range", description="the ETag the range belongs to")]


@router.get("/{call}/recording", summary="Fetch a recording", response_class=StreamingResponse, responses=_RESPONSES)
async def fetch_recording(
    _session: SessionDep,
    call: str,
    console: ConsoleDep,
    wanted: WantedRange = None,
    if_range: IfRange = None,
) -> Response:
    """Stereo, caller left; WAV, FLAC or Ogg Opus, as `recording_format` was set. There is none while the call lasts."""
    return await _answer(console, call, wanted, if_range, with_body=True)


class PeaksOfChannel(BaseModel):
    """One side of a call: least and greatest sample of every stretch; full scale is -128 and 127."""

    party: Party
    low: list[int]
    high: list[int]


class RecordingPeaks(BaseModel):
    """How loud a recording is over time, to be drawn.

    Point n is about the samples from n * samples_per_point on. The agent's side holds the bot as well.
    """

    sample_rate: int
    samples_per_point: int
    points: int
    channels: list[PeaksOfChannel]


@router.get(
    "/{call}/recording/peaks",
    summary="Fetch the waveform of a recording",
    responses={
        401: {"model": Problem, "description": "auth.required"},
        404: {"model": Problem, "description": "recording.unknown, or recording.peaks: it cannot be read"},
        422: {"model": Problem, "description": "request.invalid"},
    },
)
async def fetch_peaks(
    _session: SessionDep,
    call: str,
    console: ConsoleDep,
    points: Annotated[int, Query(ge=1, le=MOST_POINTS, description="how many at most")] = 2_000,
) -> RecordingPeaks:
    """Least and greatest sample of equally long stretches, 20 ms or a multiple of it, for each side of the call.

    They are kept beside the recording; where they are missing they are measured now, which takes some seconds.
    """
    peaks = (await to_thread.run_sync(console.recordings.peaks, CallId(call))).at_most(points)
    sides = zip((Party.CALLER, Party.AGENT), peaks.values.transpose(1, 2, 0).tolist(), strict=False)
    return RecordingPeaks(
        sample_rate=SAMPLE_RATE,
        samples_per_point=peaks.samples_per_point,
        points=len(peaks.values),
        channels=[PeaksOfChannel(party=party, low=low, high=high) for party, (low, high) in sides],
    )


@router.head("/{call}/recording", include_in_schema=False)
async def measure_recording(
    _session: SessionDep,
    call: str,
    console: ConsoleDep,
    wanted: WantedRange = None,
    if_range: IfRange = None,
) -> Response:
    """The headers of `fetch_recording`."""
    return await _answer(console, call, wanted, if_range, with_body=False)


async def _answer(
    console: Console, call: str, range_header: str | None, if_range: str | None, *, with_body: bool
) -> Response:
    stored = await to_thread.run_sync(console.recordings.find, CallId(call))
    # A range of another version of the file would not fit what the browser has: then all of it is sent.
    wanted = parse_range(range_header, stored.size) if if_range in (None, stored.tag) else None
    part = wanted or ByteRange(0, stored.size)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{call}{stored.kind.suffix}"',
        "Content-Length": str(part.length),
        "ETag": stored.tag,
    }
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{stored.size}"
    status = 200 if wanted is None else 206
    if not with_body:
        return Response(status_code=status, headers=headers, media_type=stored.kind.media_type)
    body = _read(stored.path, part)
    return StreamingResponse(body, status_code=status, headers=headers, media_type=stored.kind.media_type)


async def _read(path: Path, part: ByteRange) -> AsyncIterator[bytes]:
    """The part's bytes, no more of them than promised though the file may be growing."""
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(part.start)
        left = part.length
        while left > 0 and (chunk := await file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
