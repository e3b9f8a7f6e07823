"""The call board over a journal that misbehaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import anyio
import orjson
import pytest

from agent_console.live.board import LIST_CALLS, RETRY_S, CallBoard
from agent_console.live.summary import LAST_TEXT_CHARACTERS
from agent_console.qa.recordings import Recordings
from asr.types import Language
from prosody.types import EmotionBasis, EmotionLabel, EmotionLevel, EmotionScore, EmotionShift
from routing.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    EmotionScored,
    EmotionShifted,
    IntentRecognized,
    SpeechEnded,
    SpeechStarted,
    Stamped,
    TranscriptPartial,
)
from routing.journal.memory import MemoryJournal
from routing.journal.ports import CallEntry
from routing.service_events import NoteWritten, PriorityChanged, RouteDecided
from routing.terms import CallEndReason, Channel, Direction, Grade, RouteTarget, Wording
from voice.clock import ManualClock
from voice.contracts.audio import CallId, Party, SegmentId, Span
from voice.contracts.errors import JournalUnavailableError, UnknownCallError
from voice.contracts.speech import EndReason

pytestmark = pytest.mark.anyio


CALL = CallId("c")
SAID = Wording("要人工", "asked for a human")


def started(at: str = "2026-11-22T08:00:00+00:00") -> CallStarted:
    return CallStarted(Direction.INBOUND, Channel.SIP, "sip:li@example", "4001", Language.ZH, at)


def stamps(call: CallId, first: int, *events: CallEvent) -> list[Stamped]:
    return [Stamped(call, first + number, 0, event) for number, event in enumerate(events)]


class FaultyJournal(MemoryJournal):
    """Cannot be read while `available` is false, and counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.available = True
        self.reads = 0

    def _demand(self) -> None:
        if not self.available:
            raise JournalUnavailableError("the disk is gone")

    async def calls(self, *, limit: int = 100, before: str | None = None) -> Sequence[CallEntry]:
        self._demand()
        return await super().calls(limit=limit, before=before)

    async def read(self, call: CallId, *, after: int = -1, limit: int = 10_000) -> Sequence[Stamped]:
        self._demand()
        self.reads += 1
        return await super().read(call, after=after, limit=limit)


class Watcher:
    """A board that runs, and what a console would be told."""

    def __init__(self, journal: FaultyJournal, folder: Path) -> None:
        self.journal = journal
        self.clock = ManualClock()
        self.board = CallBoard(journal, Recordings(folder), self.clock)
        self.lines: list[tuple[str, int]] = []

    def take(self, call: CallId, line: str) -> None:
        self.lines.append((call, orjson.loads(line)["call"]["last_seq"]))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        async with self.board.running():
            await self.board.wait_loaded()
            with self.board.listening(self.take):
                yield self

    async def settle(self) -> None:
        await anyio.wait_all_tasks_blocked()


def is_current(watcher: Watcher) -> bool:
    """Asked through a function, because it changes while a test waits."""
    return watcher.board.is_current


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    return Watcher(FaultyJournal(), tmp_path)


def _score(basis: EmotionBasis, *, risk: float) -> EmotionScore:
    return EmotionScore(0.6, -0.6, 0.8, EmotionLabel.ANGRY, basis, (), 0.5, -0.5, 0.2, 0.2, risk)


async def test_a_summary_tells_everything_about_a_call(watcher: Watcher, tmp_path: Path) -> None:
    (tmp_path / "c.wav").write_bytes(b"RIFF")
    shift = EmotionShift(EmotionLevel.SETTLED, EmotionLevel.UPSET, Span(0, 320), (), "arousal_high")
    async with watcher.running():
        await watcher.journal.append(
            stamps(
                CALL,
                0,
                started(),
                SpeechStarted(Party.CALLER, SegmentId(0), 0),
                TranscriptPartial(SegmentId(0), "头" + "话" * 300 + "尾"),
                SpeechEnded(Party.CALLER, SegmentId(0), Span(0, 320), EndReason.SILENCE),
                IntentRecognized(SegmentId(0), "complaint", Grade.COMPLEX, 0.9, "1"),
                EmotionScored(SegmentId(0), _score(EmotionBasis.TONE, risk=0.1)),
                EmotionScored(SegmentId(0), _score(EmotionBasis.TONE_AND_WORDS, risk=0.7)),
                EmotionShifted(shift),
                PriorityChanged(0, 80, "upset", SAID, (SegmentId(0),), "7"),
                RouteDecided(RouteTarget.HUMAN, "asked", SAID, (SegmentId(0),), "7"),
                CallEnded(CallEndReason.CALLER_HUNG_UP, 16_001),
            )
        )
        await watcher.settle()
        (summary,) = watcher.board.recent()
    text = summary.last_text
    assert summary.model_dump() == {
        "call": "c",
        "started_at": "2026-11-22T08:00:00+00:00",
        "channel": "sip",
        "caller": "sip:li@example",
        "called": "4001",
        "language": "zh",
        "ended": True,
        "duration_ms": 1000.0625,
        "priority": 80,
        "route": "human",
        "route_reason": {"zh": "要人工", "en": "asked for a human"},
        "level": "upset",
        "risk": 0.7,
        "intent": "complaint",
        "last_text": text,
        "last_seq": 10,
        "asked": None,
        "consulted": None,
        "recording": True,
    }
    assert len(text) == LAST_TEXT_CHARACTERS
    assert text.endswith("话尾")


async def test_calls_from_before_the_start_are_there(watcher: Watcher) -> None:
    await watcher.journal.append(stamps(CALL, 0, started()))
    async with watcher.running():
        assert [summary.call for summary in watcher.board.recent()] == ["c"]
        assert watcher.board.is_current


async def test_a_note_after_the_end_counts(watcher: Watcher) -> None:
    async with watcher.running():
        await watcher.journal.append(stamps(CALL, 0, started(), CallEnded(CallEndReason.AUDIO_ENDED, 0)))
        await watcher.settle()
        watcher.clock.advance(1)
        await watcher.journal.append(stamps(CALL, 2, NoteWritten("mei", "rang back")))
        await watcher.settle()
        (summary,) = watcher.board.recent()
        assert (summary.last_seq, summary.ended) == (2, True)
        assert await watcher.board.summary(CALL) == summary
    assert watcher.lines[-1] == ("c", 2)


async def test_a_board_that_fell_behind_reads_again_and_misses_nothing(watcher: Watcher) -> None:
    async with watcher.running():
        await watcher.journal.append(stamps(CALL, 0, started()))
        notes = [NoteWritten("mei", str(number)) for number in range(6_000)]
        await watcher.journal.append(stamps(CALL, 1, *notes))  # more than a watcher's queue holds
        await watcher.settle()
        watcher.clock.advance(RETRY_S)
        await watcher.settle()
        watcher.clock.advance(RETRY_S)
        await watcher.settle()
        (summary,) = watcher.board.recent()
        assert summary.last_seq == 6_000
        assert watcher.board.is_current
    assert watcher.lines[-1] == ("c", 6_000)


async def test_a_journal_that_fails_is_tried_again(watcher: Watcher) -> None:
    journal = watcher.journal
    journal.available = False
    async with watcher.running():
        assert not is_current(watcher)
        assert watcher.board.recent() == []
        with pytest.raises(JournalUnavailableError):
            await watcher.board.summary(CALL)
        await journal.append(stamps(CALL, 0, started()))
        journal.available = True
        watcher.clock.advance(RETRY_S)
        await watcher.settle()
        assert is_current(watcher)
        assert [summary.call for summary in watcher.board.recent()] == ["c"]
    assert watcher.lines == [("c", 0)]


async def test_a_call_whose_log_is_broken_is_left_out_and_the_others_stay(
    watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    broken = SpeechEnded(Party.CALLER, SegmentId(9), Span(0, 320), EndReason.SILENCE)
    await watcher.journal.append(stamps(CallId("old"), 0, started(), broken))
    async with watcher.running():
        await watcher.journal.append(stamps(CallId("new"), 0, started(), broken))
        await watcher.journal.append(stamps(CALL, 0, started()))
        await watcher.settle()
        assert [summary.call for summary in watcher.board.recent()] == ["c"]
        assert watcher.board.is_current
    assert "old" in caplog.text
    assert "new" in caplog.text


async def test_the_list_is_bounded_and_holds_the_newest(watcher: Watcher) -> None:
    async with watcher.running():
        for number in range(LIST_CALLS + 30):
            at = f"2026-11-22T08:{number // 60:02}:{number % 60:02}+00:00"
            call = CallId(f"c{number}")
            await watcher.journal.append(stamps(call, 0, started(at)))
            if number % 2:
                await watcher.journal.append(stamps(call, 1, CallEnded(CallEndReason.AUDIO_ENDED, 0)))
        await watcher.settle()
        listed = [summary.call for summary in watcher.board.recent()]
    assert listed == [f"c{number}" for number in range(LIST_CALLS + 29, 29, -1)]


async def test_an_old_call_is_folded_once(watcher: Watcher) -> None:
    journal = watcher.journal
    async with watcher.running():
        for number in range(LIST_CALLS + 1):
            at = f"2026-11-22T08:{number // 60:02}:{number % 60:02}+00:00"
            ended = CallEnded(CallEndReason.AUDIO_ENDED, 0)
            await journal.append(stamps(CallId(f"c{number}"), 0, started(at), ended))
        await watcher.settle()
        entry = (await journal.calls(limit=LIST_CALLS + 1))[-1]
        before = journal.reads
        first = await watcher.board.summary_of(entry)
        assert first.call == "c0"
        assert await watcher.board.summary_of(entry) is first
        assert await watcher.board.summary(entry.call) is first
        assert journal.reads == before + 1


async def test_a_note_on_an_old_call_is_not_hidden_by_what_was_remembered(watcher: Watcher) -> None:
    journal = watcher.journal
    async with watcher.running():
        for number in range(LIST_CALLS + 1):
            at = f"2026-11-22T08:{number // 60:02}:{number % 60:02}+00:00"
            ended = CallEnded(CallEndReason.AUDIO_ENDED, 0)
            await journal.append(stamps(CallId(f"c{number}"), 0, started(at), ended))
        await watcher.settle()
        assert (await watcher.board.summary(CallId("c0"))).last_seq == 1
        await journal.append(stamps(CallId("c0"), 2, NoteWritten("mei", "rang back")))
        await watcher.settle()
        assert (await watcher.board.summary(CallId("c0"))).last_seq == 2


async def test_an_unknown_call_is_a_typed_error(watcher: Watcher) -> None:
    async with watcher.running():
        with pytest.raises(UnknownCallError):
            await watcher.board.summary(CallId("nobody"))


async def test_lines_are_spread_over_time_and_the_last_word_is_told(watcher: Watcher) -> None:
    async with watcher.running():
        await watcher.journal.append(stamps(CALL, 0, started()))
        await watcher.settle()
        for number in range(1, 41):
            await watcher.journal.append(stamps(CALL, number, NoteWritten("mei", "x")))
            await watcher.settle()
            watcher.clock.advance(0.05)  # 20 changes a second
        watcher.clock.advance(0.2)
        await watcher.settle()
    assert watcher.lines[0] == ("c", 0)
    assert watcher.lines[-1] == ("c", 40)
    assert 8 <= len(watcher.lines) <= 5 * 2 + 2  # 2 s
