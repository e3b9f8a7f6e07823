"""`warmline bench soak`: ten calls at once in one process: does the event loop stay free, does memory stay flat?

Words are the fake recognizer's, so that what is measured is everything else. First the calls come at real pace, to see
how late the event loop gets; then, in rounds, as fast as they go, to see what stays behind in memory.
"""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Final

import anyio
import soundfile
from rich.console import Console as Terminal

from agent_console.bench.audio import long_call
from agent_console.bench.figures import Figure, Target, percentile_of
from agent_console.bench.resident import resident_mb
from agent_console.bench.threads import cpu_time
from agent_console.settings import Settings
from agent_console.wiring import open_rooms
from asr.types import Language
from routing.grammar import check_log
from routing.journal.sqlite import SqliteJournal
from routing.replay import replay
from routing.rooms import Rooms
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, CallId, from_s
from voice.contracts.ports import Clock

CALLS: Final = 10
REAL_PACE_S: Final = 60.0
"""Audio of each call at real pace: ten minutes in all."""
ROUNDS: Final = 5
ROUND_S: Final = 120.0
"""Audio of each call in each of the unpaced rounds: five rounds are ten minutes a call, a hundred in all."""
TICK_S: Final = 0.01


async def measure_soak(settings: Settings, terminal: Terminal) -> list[Figure]:
    """Run the benchmark; takes about four minutes.

    Raises:
        AudioFormatError: the sample calls are not there.
        LogGrammarError: a call's log is not as it must be.
    """
    audio = long_call(200)
    with tempfile.TemporaryDirectory(prefix="warmline-soak-") as folder:
        short, long = Path(folder) / "short.wav", Path(folder) / "long.wav"
        soundfile.write(short, audio[: from_s(REAL_PACE_S)], SAMPLE_RATE, subtype="PCM_16")
        soundfile.write(long, audio[: from_s(ROUND_S)], SAMPLE_RATE, subtype="PCM_16")
        own = settings.model_copy(update={"engine": "fake"})
        async with (
            open_rooms(own) as (rooms, _),
            SqliteJournal.open(Path(folder) / "journal.db") as journal,
        ):
            terminal.print(f"{CALLS} calls of {REAL_PACE_S:g} s at real pace …")
            before = cpu_time()
            lags = await _play(rooms, journal, short, speed=1.0)
            spent = (cpu_time() - before).total
            resident: list[float] = []
            during: list[float] = []
            for number in range(1, ROUNDS + 1):
                terminal.print(f"{CALLS} calls of {ROUND_S:g} s without a pace, {number} of {ROUNDS} …")
                during_round: list[float] = []
                await _play(rooms, journal, long, speed=None, memory=during_round)
                during += during_round
                resident.append(resident_mb())
            for entry in await journal.calls():
                check_log(await journal.read(entry.call, limit=1_000_000))
    # The first round fills pools and caches; from then on nothing more should stay.
    growth = [later - resident[0] for later in resident[1:]]
    per_call = spent / (CALLS * REAL_PACE_S)
    return [
        percentile_of("loop_lag_p50_ms", lags, 50, "ms"),
        percentile_of("loop_lag_p99_ms", lags, 99, "ms", Target("<=", 50)),
        Figure("memory_growth_mb", growth[-1], "MB", len(growth), min(growth), max(growth), Target("<=", 20)),
        Figure("memory_peak_mb", max(during), "MB", len(during), min(during), max(during)),
        Figure("cpu_s_per_audio_s_without_asr", per_call, "s/s", CALLS, per_call, per_call),
    ]


async def _play(
    rooms: Rooms, journal: SqliteJournal, path: Path, *, speed: float | None, memory: list[float] | None = None
) -> list[float]:
    """Ten replays at once; answers how late the event loop was, in milliseconds, at each tick."""
    clock = WallClock()
    lags: list[float] = []

    async def watch() -> None:
        due = clock.now_s()
        while True:
            due = max(due, clock.now_s()) + TICK_S
            await clock.sleep_until(due)
            lags.append((clock.now_s() - due) * 1000)
            if memory is not None and len(lags) % 50 == 0:
                memory.append(resident_mb())

    async def call(number: int) -> None:
        # Real calls do not begin in step.
        await clock.sleep_until(clock.now_s() + number * 0.137)
        await replay(path, _name(clock, path, number), Language.ZH, rooms, journal, clock, speed=speed)

    async with anyio.create_task_group() as watching:
        watching.start_soon(watch)
        async with anyio.create_task_group() as calls:
            for number in range(CALLS):
                calls.start_soon(call, number)
        watching.cancel_scope.cancel()
    gc.collect()
    if memory is not None:
        memory.append(resident_mb())
    return lags


def _name(clock: Clock, path: Path, number: int) -> CallId:
    return CallId(f"soak-{path.stem}-{number}-{clock.utc_now():%H%M%S%f}")
