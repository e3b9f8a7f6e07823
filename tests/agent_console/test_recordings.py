"""A call's audio over HTTP: ranges, validators, and nothing but recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_console.qa.ranges import ByteRange, RangeError, parse_range
from agent_console.qa.recordings import NoRecordingError, Recordings
from voice.contracts.audio import CallId

if TYPE_CHECKING:
    from tests.agent_console.conftest import Rig

AUDIO = bytes(range(256)) * 1_000


@pytest.fixture
async def recorded(rig: Rig) -> Rig:
    (rig.recordings / "c.wav").write_bytes(AUDIO)
    (rig.recordings.parent / "secret.wav").write_bytes(b"not for anybody")
    await rig.sign_in()
    return rig


@pytest.mark.anyio
async def test_the_whole_recording(recorded: Rig) -> None:
    answer = await recorded.client.get("/api/calls/c/recording")
    assert answer.status_code == 200
    assert answer.content == AUDIO
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == 'inline; filename="c.wav"'
    assert "no-cache" in answer.headers["cache-control"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=255999-", slice(255_999, None)),
        ("bytes=1000-999999999", slice(1_000, None)),
        ("bytes=-10", slice(-10, None)),
        ("bytes=-999999999", slice(None)),
    ],
)
async def test_a_range_is_partial_content(recorded: Rig, wanted: str, part: slice) -> None:
    answer = await recorded.client.get("/api/calls/c/recording", headers={"Range": wanted})
    assert answer.status_code == 206
    assert answer.content == AUDIO[part]
    start = range(len(AUDIO))[part].start
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(AUDIO)}"


@pytest.mark.anyio
@pytest.mark.parametrize("wanted", ["bytes=256000-", "bytes=999999999-", "bytes=-0"])
async def test_a_range_outside_is_416(recorded: Rig, wanted: str) -> None:
    answer = await recorded.client.get("/api/calls/c/recording", headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */256000"
    assert answer.json()["code"] == "recording.range"


@pytest.mark.anyio
@pytest.mark.parametrize("wanted", ["bytes=", "bytes=a-b", "bytes=5-1", "seconds=0-1", "bytes=0-1,5-6", "bytes=٣-"])
async def test_a_range_that_is_not_one_is_ignored(recorded: Rig, wanted: str) -> None:
    answer = await recorded.client.get("/api/calls/c/recording", headers=[(b"Range", wanted.encode())])
    assert answer.status_code == 200
    assert len(answer.content) == len(AUDIO)


@pytest.mark.anyio
async def test_head_says_size_and_sends_nothing(recorded: Rig) -> None:
    answer = await recorded.client.head("/api/calls/c/recording")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "256000", b"")
    part = await recorded.client.head("/api/calls/c/recording", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.headers["content-length"]) == (206, "10")


@pytest.mark.anyio
async def test_a_range_of_another_version_gets_the_whole_file(recorded: Rig) -> None:
    tag = (await recorded.client.head("/api/calls/c/recording")).headers["etag"]
    headers = {"Range": "bytes=0-9", "If-Range": tag}
    assert (await recorded.client.get("/api/calls/c/recording", headers=headers)).status_code == 206
    with (recorded.recordings / "c.wav").open("ab") as file:
        file.write(b"more")
    grown = await recorded.client.get("/api/calls/c/recording", headers=headers)
    assert grown.status_code == 200
    assert len(grown.content) == len(AUDIO) + 4


@pytest.mark.anyio
@pytest.mark.parametrize(
    "call",
    [
        "nobody",
        "..%2fsecret",
        "%2e%2e%2fsecret",
        "..%5csecret",
        "%2fetc%2fpasswd",
        "c%00",
        "c.wav%00",
        ".",
        "c%0a",
        "ｃ",
    ],
)
async def test_nothing_but_recordings_is_read(recorded: Rig, call: str) -> None:
    answer = await recorded.client.get(f"/api/calls/{call}/recording")
    assert answer.status_code == 404, answer.text
    assert b"not for anybody" not in answer.content


@pytest.mark.anyio
async def test_a_summary_says_whether_there_is_a_recording(recorded: Rig) -> None:
    await recorded.speaker.begin("c")
    await recorded.speaker.begin("d")
    flags = {call["call"]: call["recording"] for call in (await recorded.client.get("/api/calls")).json()["calls"]}
    assert flags == {"c": True, "d": False}


def test_a_link_out_of_the_folder_is_no_recording(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (tmp_path / "secret.wav").write_bytes(b"x")
    (folder / "c.wav").symlink_to(tmp_path / "secret.wav")
    with pytest.raises(NoRecordingError):
        Recordings(folder).find(CallId("c"))


@given(st.integers(0, 2**40), st.integers(0, 2**40) | st.none(), st.integers(0, 2**40))
def test_what_a_range_answers_exists(start: int, last: int | None, size: int) -> None:
    header = f"bytes={start}-{'' if last is None else last}"
    try:
        found = parse_range(header, size)
    except RangeError:
        assert start >= size
        return
    if found is None:
        assert last is not None
        assert last < start
        return
    assert found.start == start
    assert found.length > 0
    assert found.end <= size
    assert last is None or found.end <= last + 1


@given(st.integers(1, 2**40), st.integers(1, 2**40))
def test_a_suffix_is_the_end(suffix: int, size: int) -> None:
    assert parse_range(f"bytes=-{suffix}", size) == ByteRange(max(0, size - suffix), size)


@given(st.text(max_size=30), st.integers(0, 1000))
def test_noise_is_no_range(noise: str, size: int) -> None:
    try:
        found = parse_range(noise, size)
    except RangeError:
        return
    assert found is None or 0 <= found.start < found.end <= size
