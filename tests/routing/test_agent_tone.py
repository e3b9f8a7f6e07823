"""Agents are not measured (P6): proved on real stereo calls, on the types, and by the type checker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from asr.fake import FakeRecognizer
from asr.types import Language
from prosody.features import UtteranceAnalyser
from prosody.types import AgentTone, EmotionScore, EmotionShift, ProsodyFeatures, VoiceNormal
from routing import tone
from routing.agent_tone import AgentTonePermission
from routing.events import (
    EVENT_TYPES,
    AgentToneAllowed,
    AgentToneScored,
    CallEvent,
    EmotionScored,
    EmotionShifted,
    ProsodyMeasured,
    ReportableEvent,
    SpeechEnded,
    SpeechStarted,
    StageFailed,
    Stamped,
)
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import PartyJoined
from routing.replay import replay
from routing.rooms import Rooms
from routing.state import CallState, fold
from routing.terms import Stage
from tests.routing.rooms import CALL, frames_of, of_type, open_rooms, outcome, run_call, voice_of
from voice.clock import WallClock
from voice.contracts.audio import Party, from_s
from voice.vad.detectors import load_detectors

pytestmark = pytest.mark.anyio
PERMISSION = AgentTonePermission("occupational safety, works agreement 7")
EMOTION = (AgentTone, EmotionScore, EmotionShift, ProsodyFeatures, VoiceNormal)
"""Everything in the vocabulary that says how somebody sounded."""


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms(FakeRecognizer(), threads=2, new_detector=load_detectors("silero")) as opened:
        yield opened


async def replay_stereo(rooms: Rooms, path: Path) -> list[Stamped]:
    journal = MemoryJournal()
    await replay(path, CALL, Language.ZH, rooms, journal, WallClock())
    log = list(await journal.read(CALL))
    check_log(log)
    return log


def stereo_calls(project: Path) -> list[Path]:
    return sorted((project / "samples" / "calls").glob("*stereo*/audio.wav"))


def parties(log: list[Stamped]) -> dict[int, Party]:
    return {event.segment: event.party for event in of_type(log, SpeechStarted)}


def within(value: object) -> Iterator[object]:
    """A value and everything in it."""
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from within(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from within(item)


async def test_by_default_no_event_says_how_an_agent_sounded(
    rooms: Rooms, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0

    class CountedAnalyser(UtteranceAnalyser):
        def __init__(self) -> None:
            nonlocal made
            super().__init__()
            made += 1

    monkeypatch.setattr(tone, "UtteranceAnalyser", CountedAnalyser)
    calls = stereo_calls(project)
    assert calls
    for path in calls:
        made = 0
        log = await replay_stereo(rooms, path)
        speakers = parties(log)
        assert sum(party is Party.AGENT for party in speakers.values()) >= 4
        for stamped in log:
            event = stamped.event
            assert not isinstance(event, AgentToneScored | AgentToneAllowed)
            if any(isinstance(part, EMOTION) for part in within(event)):
                about = (
                    event.shift.segments
                    if isinstance(event, EmotionShifted)
                    else (event.segment,)
                    if isinstance(event, ProsodyMeasured | EmotionScored)
                    else None
                )
                assert about is not None, f"{event.TYPE} carries emotion"
                assert {speakers[segment] for segment in about} == {Party.CALLER}
        assert made == sum(party is Party.CALLER for party in speakers.values()), "no agent's audio is analysed"


async def test_with_permission_agents_tone_is_logged_apart_and_changes_nothing_else(
    rooms: Rooms, project: Path
) -> None:
    path = stereo_calls(project)[0]
    off = await replay_stereo(rooms, path)
    on = await replay_stereo(replace(rooms, agent_tone=PERMISSION), path)
    speakers = parties(on)
    allowed = [stamped.seq for stamped in on if isinstance(stamped.event, AgentToneAllowed)]
    joined = [stamped.seq for stamped in on if isinstance(stamped.event, PartyJoined)]
    assert allowed == [joined[-1] + 1]
    assert of_type(on, AgentToneAllowed) == [AgentToneAllowed(PERMISSION.legal_basis)]
    scored = of_type(on, AgentToneScored)
    assert [event.segment for event in scored] == [one for one, party in speakers.items() if party is Party.AGENT]
    assert any(event.tone.confidence > 0.3 for event in scored)
    kept = [stamped for stamped in on if not isinstance(stamped.event, AgentToneScored)]
    assert outcome(kept) == outcome(off)
    before, after = fold(off, CallState(CALL)), fold(on, CallState(CALL))
    assert replace(before, last_seq=0, started=None) == replace(after, last_seq=0, started=None)


async def test_a_broken_measure_of_an_agent_costs_only_itself(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    class BrokenAnalyser(UtteranceAnalyser):
        def finish(self, usual_hz: float | None = None) -> ProsodyFeatures:
            raise ZeroDivisionError

    monkeypatch.setattr(tone, "UtteranceAnalyser", BrokenAnalyser)
    caller = frames_of(Party.CALLER, np.zeros(from_s(3), np.float32))
    agent = frames_of(Party.AGENT, voice_of(1))
    items = [frame for pair in zip(caller, agent, strict=True) for frame in pair]
    async with open_rooms(FakeRecognizer()) as synthetic:
        log = await run_call(
            replace(synthetic, agent_tone=PERMISSION), items, parties=(Party.CALLER, Party.AGENT), in_step=True
        )
    assert len(of_type(log, SpeechEnded)) == 1
    assert [failure.stage for failure in of_type(log, StageFailed)] == [Stage.PROSODY]


def types_within(hint: Any) -> set[type]:
    """Every class that a type hint can reach."""
    arguments = get_args(hint)
    if arguments:
        return set().union(*(types_within(argument) for argument in arguments))
    if not is_dataclass(hint):
        return {hint} if isinstance(hint, type) else set()
    assert isinstance(hint, type)
    hints = get_type_hints(hint)
    return {hint}.union(*(types_within(hints[field.name]) for field in fields(hint)))


def test_no_event_that_reports_may_take_reaches_an_agents_tone() -> None:
    reportable = set(get_args(ReportableEvent))
    assert set(EVENT_TYPES.values()) - reportable == {AgentToneScored}
    assert set(get_args(CallEvent)) == reportable | {AgentToneScored}
    for kind in reportable:
        assert AgentTone not in types_within(kind), kind.__name__
    assert AgentTone in types_within(AgentToneScored), "the search finds what it looks for"
    assert EmotionScore in types_within(EmotionScored)


def test_an_agents_tone_shares_no_type_with_a_callers() -> None:
    assert not issubclass(AgentTone, EmotionScore)
    assert not issubclass(EmotionScore, AgentTone)
    assert not issubclass(AgentToneScored, get_args(ReportableEvent))


SNIPPET = """
from prosody.types import AgentTone
from routing.events import AgentToneScored, EmotionScored, ReportableEvent
from routing.log import CallLog
from voice.contracts.audio import SegmentId


def count(event: ReportableEvent) -> int:
    return 1


async def report(log: CallLog, scored: EmotionScored) -> None:
    count(scored)
    tone = AgentToneScored(SegmentId(0), AgentTone(0.1, 0.2))
    count(tone)
    await log.write(scored)
    await log.write(tone)
    log.offer(tone)
    await log.write_agent_tone(tone)
"""


@pytest.mark.slow
def test_the_type_checker_refuses_a_report_on_an_agents_tone(project: Path, tmp_path: Path) -> None:
    snippet = tmp_path / "report.py"
    snippet.write_text(SNIPPET, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", str(project / "pyproject.toml"), str(snippet)],
        capture_output=True,
        text=True,
        cwd=project,
        env=os.environ | {"MYPYPATH": str(project)},
        timeout=240,
        check=False,
    )
    wrong = {
        int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line and "report.py" in line
    }
    lines = SNIPPET.splitlines()
    assert [lines[number - 1].strip() for number in sorted(wrong)] == [
        "count(tone)",
        "await log.write(tone)",
        "log.offer(tone)",
    ], done.stdout
