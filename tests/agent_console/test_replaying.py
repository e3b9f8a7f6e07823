"""A recording that lies in a data folder is replayed from where its call began; any other file from nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent_console.replaying import find_recalled
from agent_console.wiring import JOURNAL, RECORDINGS
from asr.types import Language
from prosody.types import FeatureNormal, VoiceNormal
from routing.events import CallEvent, CallStarted, Stamped, VoiceRecalled
from routing.journal.sqlite import SqliteJournal
from routing.leg_events import PartyJoined
from routing.terms import Channel, Direction
from voice.contracts.audio import CallId, Party
from voice.contracts.errors import JournalUnavailableError
from voice.contracts.recording import RecordingFormat

pytestmark = pytest.mark.anyio
RECALLED = VoiceRecalled(VoiceNormal((FeatureNormal("f0_median", 91.0, 1.5, 6.0),)), CallId("c-earlier"))


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder with a call that began with a recalled voice, and one that did not."""
    (tmp_path / RECORDINGS).mkdir()
    async with SqliteJournal.open(tmp_path / JOURNAL) as journal:
        for call, known in (("c-known", True), ("c-new", False)):
            at = "2026-01-01T00:00:00Z"
            events: list[CallEvent] = [
                CallStarted(Direction.INBOUND, Channel.SIP, "ann", "main", Language.ZH, at),
                PartyJoined(Party.CALLER),
                *([RECALLED] if known else []),
            ]
            await journal.append([Stamped(CallId(call), seq, 0, event) for seq, event in enumerate(events)])
    return tmp_path


@pytest.mark.parametrize("kind", RecordingFormat)
async def test_the_voice_that_the_call_began_with_is_found(data: Path, kind: RecordingFormat) -> None:
    assert await find_recalled(data / RECORDINGS / f"c-known{kind.suffix}") == RECALLED


@pytest.mark.parametrize("name", ["c-new.wav", "c-unknown.wav", "c-known.partial.wav"])
async def test_a_call_that_began_with_nothing_is_replayed_from_nothing(data: Path, name: str) -> None:
    assert await find_recalled(data / RECORDINGS / name) is None


async def test_a_copy_elsewhere_is_a_recording_like_any_other(data: Path, tmp_path: Path) -> None:
    assert await find_recalled(data / "c-known.wav") is None
    (data / JOURNAL).unlink()
    assert await find_recalled(data / RECORDINGS / "c-known.wav") is None
    assert not (data / JOURNAL).exists(), "looking makes no journal"


async def test_a_journal_that_cannot_be_read_is_said(data: Path) -> None:
    shutil.rmtree(data / RECORDINGS, ignore_errors=True)
    (data / RECORDINGS).mkdir()
    (data / JOURNAL).write_bytes(b"no database at all, but long enough to look like one" * 50)
    with pytest.raises(JournalUnavailableError):
        await find_recalled(data / RECORDINGS / "c-known.wav")
