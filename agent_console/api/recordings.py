"""A call's audio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import anyio
from anyio import to_thread
from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from agent_console.api.errors import Problem
from agent_console.deps import Console, ConsoleDep, SessionDep
from agent_console.qa.ranges import ByteRange, parse_range
from voice.contracts.audio import CallId

CHUNK_BYTES: Final = 65_536

router = APIRouter(prefix="/api/calls", tags=["recordings"])

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "the whole recording", "content": {"audio/wav": {}}},
    206: {"description": "the bytes asked for", "content": {"audio/wav": {}}},
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
    """Stereo WAV, caller left; during a call what has been recorded so far."""
    return await _answer(console, call, wanted, if_range, with_body=True)


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
        "Content-Disposition": f'inline; filename="{call}.wav"',
        "Content-Length": str(part.length),
        "ETag": stored.tag,
    }
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{stored.size}"
    status = 200 if wanted is None else 206
    if not with_body:
        return Response(status_code=status, headers=headers, media_type="audio/wav")
    return StreamingResponse(_read(stored.path, part), status_code=status, headers=headers, media_type="audio/wav")


async def _read(path: Path, part: ByteRange) -> AsyncIterator[bytes]:
    """The part's bytes, no more of them than promised though the file may be growing."""
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(part.start)
        left = part.length
        while left > 0 and (chunk := await file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
