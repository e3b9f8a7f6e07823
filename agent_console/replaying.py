"""What `warmline replay` does."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
from rich.console import Console as Terminal

from agent_console.recordings import Recording, find_recording
from agent_console.settings import Settings
from agent_console.transcript_view import describe
from agent_console.wiring import open_rooms
from asr.types import Language
from routing.call import Rooms
from routing.events import CallEnded, SpeechStarted
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.replay import replay
from routing.wire import encode_line
from voice.audio.decode import inspect
from voice.clock import WallClock
from voice.contracts.audio import Party, SegmentId


async def replay_all(
    paths: list[Path], settings: Settings, *, jsonl: bool, speed: float | None, language: Language | None
) -> None:
    """Replay one recording after the other and print what happens.

    Every file is looked at before the first is played, so that a mistyped name is not found out an hour later.

    Raises:
        AudioFormatError: a file cannot be read as audio.
        ModelError: recognition cannot be loaded.
        LogGrammarError: the pipeline wrote a log that breaks its grammar (a defect of Warmline).
    """
    recordings = [find_recording(path) for path in paths]
    for recording in recordings:
        inspect(recording.audio)
    terminal = Terminal()
    async with open_rooms(settings) as (rooms, _):
        for recording in recordings:
            spoken = language or recording.language or Language(settings.language)
            await _replay_one(recording, spoken, rooms, speed, terminal, jsonl=jsonl)


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
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(show)
        await ready.wait()
        await replay(recording.audio, recording.call, language, rooms, journal, WallClock(), speed=speed)
    check_log(await journal.read(recording.call))
