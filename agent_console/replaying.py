"""What `warmline replay` does."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio
from anyio.to_thread import run_sync
from rich.console import Console as Terminal

from agent_console.asr_wording import FAST_FILE
from agent_console.diarized_replay import DiarizedReplay, DiarizeOptions
from agent_console.recordings import Recording
from agent_console.settings import Settings
from agent_console.transcript_view import describe
from agent_console.wiring import JOURNAL, RECORDINGS, open_rooms
from asr.types import Language
from routing.events import CallEnded, SpeechStarted, VoiceRecalled
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.journal.sqlite import SqliteJournal
from routing.replay import replay
from routing.rooms import Rooms
from routing.wire import encode_line
from voice.audio.bandwidth import file_is_fast
from voice.clock import WallClock
from voice.contracts.audio import CallId, Party, SegmentId
from voice.contracts.errors import UnknownCallError

_HEAD_EVENTS: Final = 16
"""Events among which voice.recalled stands where there is one: it follows party.joined."""


async def replay_all(
    recordings: list[Recording],
    settings: Settings,
    *,
    jsonl: bool,
    speed: float | None,
    language: Language | None,
    diarize: DiarizeOptions | None = None,
) -> None:
    """Replay one recording after the other and print what happens.

    Raises:
        AudioFormatError: a file cannot be read as audio.
        ModelError: recognition cannot be loaded.
        LogGrammarError: the pipeline wrote a log that breaks its grammar (a defect of Warmline).
        MissingExtraError: mono recordings shall be diarized, and the extra `diarize` is not installed.
        DiarizationError: a recording cannot be diarized.
    """
    for recording in recordings:
        if await run_sync(file_is_fast, recording.audio):
            warning = Terminal(stderr=True, style="yellow", soft_wrap=True, highlight=False)
            for said in (FAST_FILE.zh, FAST_FILE.en):
                warning.print(said.format(path=recording.audio), markup=False)
    terminal = Terminal()
    async with AsyncExitStack() as stack:
        split = None
        if diarize is not None:
            audio = [recording.audio for recording in recordings]
            split = await stack.enter_async_context(DiarizedReplay.open(audio, settings, diarize))
        rooms, _ = await stack.enter_async_context(open_rooms(settings))
        for recording in recordings:
            spoken = language or recording.language or Language(settings.language)
            played = await split.split(recording.audio, rooms.worker, spoken) if split else recording.audio
            await _replay_one(replace(recording, audio=played), spoken, rooms, speed, terminal, jsonl=jsonl)


async def _replay_one(
    recording: Recording, language: Language, rooms: Rooms, speed: float | None, terminal: Terminal, *, jsonl: bool
) -> None:
    journal = MemoryJournal()

    async def show() -> None:
        speakers: dict[SegmentId, Party] = {}
        async with journal.watch() as events:
            ready.set()
            async for stamped in events:
                if jsonl:
                    sys.stdout.buffer.write(encode_line(stamped) + b"\n")
                    sys.stdout.buffer.flush()
                else:
                    if isinstance(stamped.event, SpeechStarted):
                        speakers[stamped.event.segment] = stamped.event.party
                    if line := describe(stamped, speakers):
                        terminal.print(line)
                if isinstance(stamped.event, CallEnded):
                    return

    ready = anyio.Event()
    recalled = await find_recalled(recording.audio)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(show)
        await ready.wait()
        await replay(
            recording.audio, recording.call, language, rooms, journal, WallClock(), speed=speed, recalled=recalled
        )
    check_log(await journal.read(recording.call))


async def find_recalled(audio: Path) -> VoiceRecalled | None:
    """What the recorded call began with, so that its replay begins there, too.

    A call's recording lies in `recordings` inside a data folder and is named after the call; the folder's journal then
    has the call's log. None for any other file, and where that call began with nothing.

    Raises:
        JournalUnavailableError: there is a journal, but it cannot be read.
    """
    journal_file = await run_sync(_journal_beside, audio)
    if journal_file is None:
        return None
    async with SqliteJournal.open(journal_file) as journal:
        try:
            head = await journal.read(CallId(audio.stem), limit=_HEAD_EVENTS)
        except UnknownCallError:
            return None
    return next((stamped.event for stamped in head if isinstance(stamped.event, VoiceRecalled)), None)


def _journal_beside(audio: Path) -> Path | None:
    folder = audio.absolute().parent
    found = folder.parent / JOURNAL
    return found if folder.name == RECORDINGS and found.is_file() else None
