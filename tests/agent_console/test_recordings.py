"""A call's audio over HTTP: ranges, validators, and nothing but recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_console.qa.ranges import ByteRange, RangeError, parse_range
from agent_console.qa.recordings import NoRecordingError, Recordings
from voice.contracts.audio import CallId, Party
from voice.contracts.errors import PeaksError
from voice.contracts.recording import RecordingFormat
from voice.measured_peaks import measure_peaks
from voice.peaks import Peaks, decode_peaks
from voice.recording import StereoRecorder

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


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("flac", "audio/flac"), ("opus", "audio/ogg")],
)
async def test_every_format_is_served_as_what_it_is(recorded: Rig, kind: str, media_type: str) -> None:
    (recorded.recordings / f"d.{kind}").write_bytes(AUDIO)
    answer = await recorded.client.get("/api/calls/d/recording", headers={"Range": "bytes=5-9"})
    assert (answer.status_code, answer.content) == (206, AUDIO[5:10])
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'inline; filename="d.{kind}"'
    await recorded.speaker.begin("d")
    assert (await recorded.client.get("/api/calls/d")).json()["recording"] is True


def speak(folder: Path, call: str, kind: str = "wav") -> Path:
    """Record a second of a call: the caller speaks first, the agent after."""
    path = folder / f"{call}.{kind}"
    with StereoRecorder(path) as recorder:
        recorder.write(Party.CALLER, 0, np.full(8_000, 0.5, np.float32))
        recorder.write(Party.AGENT, 8_000, np.full(8_000, -0.25, np.float32))
    return path


@pytest.mark.anyio
@pytest.mark.parametrize("kind", RecordingFormat)
async def test_the_waveform_of_a_recording(recorded: Rig, kind: str) -> None:
    speak(recorded.recordings, "w", kind)
    answer = (await recorded.client.get("/api/calls/w/recording/peaks")).raise_for_status().json()
    assert {key: answer[key] for key in ("sample_rate", "samples_per_point", "points")} == {
        "sample_rate": 16_000,
        "samples_per_point": 320,
        "points": 50,
    }
    caller, agent = answer["channels"]
    assert caller == {"party": "caller", "low": [64] * 25 + [0] * 25, "high": [64] * 25 + [0] * 25}
    assert agent == {"party": "agent", "low": [0] * 25 + [-32] * 25, "high": [0] * 25 + [-32] * 25}
    few = (await recorded.client.get("/api/calls/w/recording/peaks?points=5")).json()
    assert (few["samples_per_point"], few["points"]) == (3_200, 5)
    assert few["channels"][0]["high"] == [64, 64, 64, 0, 0]


@pytest.mark.anyio
async def test_the_waveform_needs_what_the_recording_needs(rig: Rig) -> None:
    speak(rig.recordings, "w")
    assert (await rig.client.get("/api/calls/w/recording/peaks")).status_code == 401
    await rig.sign_in()
    assert (await rig.client.get("/api/calls/nobody/recording/peaks")).json()["code"] == "recording.unknown"
    assert (await rig.client.get("/api/calls/..%2fw/recording/peaks")).status_code == 404
    for points in ("0", "-1", "20001", "x"):
        refused = await rig.client.get(f"/api/calls/w/recording/peaks?points={points}")
        assert (refused.status_code, refused.json()["code"]) == (422, "request.invalid")
    (rig.recordings / "w.peaks").write_bytes(b"damaged")
    assert (await rig.client.get("/api/calls/w/recording/peaks")).json()["code"] == "recording.peaks"


@pytest.mark.parametrize("kind", RecordingFormat)
def test_missing_and_damaged_peaks_are_measured_once(tmp_path: Path, kind: str) -> None:
    path = speak(tmp_path, "w", kind)
    kept = decode_peaks((tmp_path / "w.peaks").read_bytes())
    measured: list[Path] = []

    def measure(audio: Path) -> Peaks:
        measured.append(audio)
        return measure_peaks(audio)

    recordings = Recordings(tmp_path, measure)
    assert np.array_equal(recordings.peaks(CallId("w")).values, kept.values)
    assert not measured
    (tmp_path / "w.peaks").write_bytes(b"damaged")
    found = recordings.peaks(CallId("w"))
    assert found.values.shape == kept.values.shape
    assert kind == "opus" or np.array_equal(found.values, kept.values)  # Opus keeps no constant
    assert np.array_equal(recordings.peaks(CallId("w")).values, found.values)
    assert measured == [path]


def test_what_is_no_audio_has_no_peaks(tmp_path: Path) -> None:
    (tmp_path / "w.wav").write_bytes(b"no audio")
    with pytest.raises(PeaksError, match=r"audio\."):
        Recordings(tmp_path, measure_peaks).peaks(CallId("w"))


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
