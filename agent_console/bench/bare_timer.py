"""A process with nothing to do but wake every 20 ms: how late that is says what the machine, not the code, is late by.

It runs beside a measurement. A timer inside the measured process would count its own delays as the machine's.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

TICK_S: Final = 0.02
LATE_S: Final = 0.04
_END_S: Final = 5.0


@dataclass(slots=True)
class BareTimer:
    """What the bare timer saw; complete once its context is left.

    Attributes:
        ticks: that were due.
        late: those among them that came more than 40 ms late.
        worst_ms: the latest one.
    """

    ticks: int = 0
    late: int = 0
    worst_ms: float = 0.0

    @property
    def late_share(self) -> float:
        """Late ones of all."""
        return self.late / self.ticks if self.ticks else 0.0


@asynccontextmanager
async def run_bare_timer() -> AsyncIterator[BareTimer]:
    """Let a bare timer run in a process of its own, for as long as the context lasts."""
    timer = BareTimer()
    command = [sys.executable, "-m", "agent_console.bench.bare_timer"]
    async with await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None) as process:
        try:
            yield timer
        finally:
            with anyio.move_on_after(_END_S, shield=True):
                if process.stdin is not None and process.stdout is not None:
                    await process.stdin.aclose()
                    said = b"".join([part async for part in process.stdout])
                    ticks, late, worst = said.split()
                    timer.ticks, timer.late, timer.worst_ms = int(ticks), int(late), float(worst)


def waited_for_cpu_s() -> float:
    """How long the calling thread could have run and had no processor, since it began; 0 where Linux does not say."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _tick() -> None:
    """Wake every 20 ms until standard input ends; then print how many ticks there were, how many late, the worst."""
    ended = threading.Event()

    def read() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    timer = BareTimer()
    moment_s = time.monotonic()
    while not ended.is_set():
        time.sleep(max(0.0, moment_s - time.monotonic()))
        late_s = time.monotonic() - moment_s
        timer.ticks += 1
        timer.late += late_s > LATE_S
        timer.worst_ms = max(timer.worst_ms, 1000 * late_s)
        moment_s += TICK_S
    sys.stdout.write(f"{timer.ticks} {timer.late} {timer.worst_ms:.1f}\n")


if __name__ == "__main__":
    _tick()
