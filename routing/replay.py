"""A recording as a call: through the very same pipeline, at real pace or as fast as the machine allows."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from asr.types import Language
from routing.call import Call
from routing.events import CallStarted, VoiceRecalled
from routing.journal.ports import Journal
from routing.rooms import Rooms
from routing.terms import CallEndReason, Channel, Direction
from voice.clock import ManualClock
from voice.contracts.audio import CallId
from voice.contracts.ports import Clock
from voice.replay import FileSource


async def replay(
    path: Path,
    call: CallId,
    language: Language,
    rooms: Rooms,
    journal: Journal,
    clock: Clock,
    *,
    speed: float | None = None,
    recalled: VoiceRecalled | None = None,
) -> None:
    """Run the recording `path` as the call `call`; returns when its last event is stored.

    Args:
        path: audio in any format that `voice.audio.decode` reads; stereo is caller left, agent right.
        call: the id to give it.
        language: what is spoken.
        rooms: what a call joins.
        journal: where the events go.
        clock: paces the replay, and dates it.
        speed: 1 is real pace, 2 twice that; None hears on as soon as everything that follows from an utterance is
            written, so that the log is the same every time.
        recalled: how the caller sounded before, from the log of the call that was recorded; the replay then begins as
            that call did. A replay asks no journal for it: its caller is a file.

    Raises:
        AudioFormatError: the file cannot be read as audio.
    """
    media = ManualClock(start_utc=clock.utc_now())
    source = FileSource(path, pace=None if speed is None else clock, speed=speed or 1.0, media_clock=media)
    started_at = clock.utc_now().isoformat(timespec="milliseconds")
    started = CallStarted(Direction.INBOUND, Channel.REPLAY, call, "replay", language, started_at)
    async with aclosing(source.frames()) as frames:
        run = Call(call, started, rooms, journal, clock, media_clock=media, in_step=speed is None, recalled=recalled)
        await run.run(frames, source.parties, lambda: CallEndReason.AUDIO_ENDED)
