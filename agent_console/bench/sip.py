"""`warmline bench sip`: calls from sipp with real speech, without recognition: what they cost, whether any is lost.

This process answers and listens; sipp, a process of its own, calls. CPU is this process's alone. A tick is the moment
at which one call's next 20 ms are due to be sent; it counts as late where the turn that sends them begins more than
40 ms behind it. A late turn has two causes: the turns before it took too long, or others had the processor. Two figures
tell them apart: `bare_timer_late_share` is the same of a process beside this one that does nothing but wake every
20 ms, and `waited_for_cpu_share` is the part of the time in which this thread could have run and had no processor
(Linux's own account, /proc/thread-self/schedstat).
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import anyio
import soundfile
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from agent_console.bench.bare_timer import run_bare_timer, waited_for_cpu_s
from agent_console.bench.figures import Figure, Target, percentile_of
from agent_console.bench.sip_scenario import SCENARIO
from voice.audio.g711 import encode_ulaw
from voice.clock import WallClock
from voice.contracts.errors import MissingExtraError
from voice.contracts.ports import LegEnd
from voice.contracts.sip_errors import SipCallError
from voice.rates import RateLimit
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.sip.trunks import SipSettings, Trunk

CALLS: Final = 50
SPEECH_S: Final = 20
SAMPLE: Final = Path(__file__).parents[2] / "samples" / "calls" / "zh-human-8k" / "audio.wav"
_SETTLE_S: Final = 3.0
_LOOPBACK: Final = Trunk("loopback", networks=(ip_network("127.0.0.0/8"),))


@dataclass(slots=True)
class _Taken:
    """What became of the calls.

    Attributes:
        tasks: where they are listened to.
        calls: how many are to come.
        setup_ms: from the INVITE to the first frame of audio.
        heard_s: of each call that ended.
        ends: why.
        ticks: that the audio of all calls had.
        late_ticks: those among them that were more than 40 ms late.
        half_way_mb: this process's memory when half of the calls were over.
    """

    tasks: TaskGroup
    calls: int
    setup_ms: list[float] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)
    ends: list[LegEnd | None] = field(default_factory=list)
    ticks: int = 0
    late_ticks: int = 0
    half_way_mb: float = 0.0

    async def take(self, leg: SipLeg, _: Line) -> None:
        """Listen to a call from now on."""
        self.tasks.start_soon(self._listen, leg, time.monotonic())

    async def _listen(self, leg: SipLeg, came_s: float) -> None:
        frames = 0
        async with leg:
            async for _ in leg.source.frames():
                if not frames:
                    self.setup_ms.append(1000 * (time.monotonic() - came_s))
                frames += 1
        self.heard_s.append(frames / 50)
        self.ends.append(leg.end_reason)
        if leg.media is not None:
            self.ticks += leg.media.ticks
            self.late_ticks += leg.media.late_ticks
        if len(self.ends) == max(1, self.calls // 2):
            self.half_way_mb = _resident_mb()


async def measure_sip(
    report: Callable[[str], None], *, seconds: float = 60, rate_calls: int = 500
) -> tuple[list[Figure], dict[str, Any]]:
    """Measure 50 calls at once, then many short ones.

    Args:
        report: told each step.
        seconds: how long the 50 calls last.
        rate_calls: how many calls of 5 s come at 10 a second.

    Raises:
        MissingExtraError: sipp is not installed.
        SipCallError: sipp ends for another reason than failed calls.
    """
    program = shutil.which("sipp")
    if program is None:
        raise MissingExtraError("sipp was expected; it is not installed.", fix="Debian: apt-get install sip-tester")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await run_sync(_prepare, folder)
        report(f"{CALLS} calls at once for {seconds:g} s")
        together = await _run(program, folder, calls=CALLS, rate=10, seconds=seconds)
        report(f"{rate_calls} calls of 5 s, 10 a second")
        quick = await _run(program, folder, calls=rate_calls, rate=10, seconds=5)
    failed = together.failed + quick.failed
    share = together.late_share
    figures = [
        _one("cpu_core_share_per_call", together.cpu_share, "of a core", CALLS, Target("<=", 0.01)),
        _one("late_rtp_tick_share", share, "of ticks", together.ticks, Target("<=", 0.001)),
        _one("bare_timer_late_share", together.bare_late_share, "of ticks", together.bare_ticks),
        _one("waited_for_cpu_share", together.waited_share, "of the time", 1),
        percentile_of("setup_p95_ms", quick.setup_ms, 95, "ms", Target("<=", 300)),
        _one("calls_failed", failed, "calls", CALLS + rate_calls, Target("<=", 0)),
        _one("audio_heard_share", together.heard_share, "of what was said", CALLS, Target(">=", 0.99)),
        _one("sockets_left", together.sockets_left + quick.sockets_left, "sockets", 2, Target("<=", 0)),
        _one("tasks_left", together.tasks_left + quick.tasks_left, "tasks", 2, Target("<=", 0)),
        _one("memory_growth_mb", quick.memory_mb, "MB over the second half of the calls", 1, Target("<=", 2)),
    ]
    about = {
        "speech": "samples/calls/zh-human-8k",
        "heard_share_quick": quick.heard_share,
        "late_share_quick": quick.late_share,
        "bare_timer_late_share_quick": quick.bare_late_share,
        "bare_timer_worst_ms": [together.bare_worst_ms, quick.bare_worst_ms],
        "waited_for_cpu_share_quick": quick.waited_share,
        "cpu_share_quick": quick.cpu_share,
    }
    return figures, about


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run of sipp came to."""

    cpu_share: float
    late_share: float
    ticks: int
    setup_ms: list[float]
    failed: int
    heard_share: float
    sockets_left: int
    tasks_left: int
    memory_mb: float
    bare_late_share: float
    bare_ticks: int
    bare_worst_ms: float
    waited_share: float


async def _run(program: str, folder: Path, *, calls: int, rate: int, seconds: float) -> _Run:
    clock = WallClock()
    settings = SipSettings("127.0.0.1", 0, trunks=(_LOOPBACK,), rate=RateLimit(1000, 1000), silence_s=10)
    gc.collect()
    sockets, waiting = _open_files(), _tasks()
    async with (
        run_bare_timer() as bare,
        anyio.create_task_group() as tasks,
        SipEndpoint.open(settings, clock) as endpoint,
    ):
        taken = _Taken(tasks, calls)
        command = [program, "-sf", "scenario.xml", "-i", "127.0.0.1", "-nostdin", "-m", str(calls)]
        command += ["-r", str(rate), "-l", str(max(calls, 100)), "-d", str(int(1000 * seconds)), "-s", "4001"]
        command += ["-timeout", f"{int(seconds + calls / rate + 60)}s", f"127.0.0.1:{endpoint.port}"]
        with endpoint.accept(taken.take):
            began_s, began_cpu_s, began_waiting_s = clock.now_s(), time.process_time(), waited_for_cpu_s()
            done = await anyio.run_process(command, cwd=folder, check=False)
            took_s, cpu_s = clock.now_s() - began_s, time.process_time() - began_cpu_s
            waited_s = waited_for_cpu_s() - began_waiting_s
            with anyio.move_on_after(_SETTLE_S):
                while endpoint.legs:  # noqa: ASYNC110 - the last BYEs are on their way
                    await anyio.sleep(0.05)
            left = endpoint.legs
    if done.returncode not in (0, 1):
        raise SipCallError(f"sipp was expected to call; it ended with {done.returncode}.")
    gc.collect()
    # The CPU is shared by what the calls lasted together, not by the clock: they begin one after the other.
    together_s = max(1e-9, sum(taken.heard_s))
    whole = sum(end is LegEnd.HUNG_UP for end in taken.ends)
    return _Run(
        cpu_share=cpu_s / together_s,
        late_share=taken.late_ticks / max(1, taken.ticks),
        ticks=taken.ticks,
        setup_ms=taken.setup_ms or [took_s * 1000],
        failed=max(calls - whole, _failed(done.stdout)) + left,
        heard_share=together_s / (calls * seconds),
        sockets_left=max(0, _open_files() - sockets),
        tasks_left=max(0, _tasks() - waiting),
        memory_mb=_resident_mb() - taken.half_way_mb,
        bare_late_share=bare.late_share,
        bare_ticks=bare.ticks,
        bare_worst_ms=bare.worst_ms,
        waited_share=waited_s / took_s,
    )


def _prepare(folder: Path) -> None:
    pcm, rate = soundfile.read(SAMPLE, dtype="int16", frames=SPEECH_S * 8_000)
    assert rate == 8_000  # noqa: S101 - the sample is ours
    (folder / "speech.ul").write_bytes(encode_ulaw(pcm))
    (folder / "scenario.xml").write_text(SCENARIO, encoding="utf-8")


def _failed(output: bytes) -> int:
    found = re.findall(rb"Failed call\s*\|\s*\d+\s*\|\s*(\d+)", output)
    return int(found[-1]) if found else 0


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208 - no path of ours


def _tasks() -> int:
    return len(asyncio.all_tasks())


def _resident_mb() -> float:
    try:
        words = Path("/proc/self/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _one(name: str, value: float, unit: str, n: int, target: Target | None = None) -> Figure:
    return Figure(name, value, unit, n, value, value, target)
