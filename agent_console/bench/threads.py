"""CPU time by thread: what recognition costs, and what all the rest does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Final

_TASKS: Final = Path("/proc/self/task")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds of this process since it began.

    Attributes:
        total: all threads, ended ones too.
        rest: the main thread and Python's other threads, but for those that recognize.
    """

    total: float
    rest: float

    def __sub__(self, earlier: CpuTime) -> CpuTime:
        return CpuTime(self.total - earlier.total, self.rest - earlier.rest)


def cpu_time() -> CpuTime:
    """CPU time so far. Native threads (of the recognition library) count as recognition, as do `recognition-*`.

    Raises:
        OSError: not on Linux.
    """
    rest = 0.0
    for thread in threading.enumerate():
        if thread.native_id is not None and not thread.name.startswith("recognition"):
            rest += _thread_time(thread.native_id)
    return CpuTime(process_time(), rest)


def _thread_time(native_id: int) -> float:
    try:
        nanoseconds = (_TASKS / str(native_id) / "schedstat").read_text(encoding="ascii").split()[0]
    except FileNotFoundError:  # it ended meanwhile
        return 0.0
    return int(nanoseconds) / 1e9
