"""Whether a recognition process hangs: a pure judgement of what it said last, how long ago, and what its CPU did since.

A process is taken to hang when it says nothing and computes nothing (it is stopped), or computes and goes on saying
nothing (a native call holds the interpreter), when a step is under way and uses no CPU (a native call waits for what
never comes), or when a step uses more CPU than its audio can
explain (a native call runs in a circle). Slow is not hung: CPU time is counted, not the clock's, and what is dear is
what this engine's steps do not cost on this machine. Where that is not known yet, or where the same utterance was taken
for a hang before, a process that computes is left alone for long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from asr.child_messages import Beat
from voice.contracts.audio import to_s

SILENT_S: Final = 0.8
SILENT_CPU_S: Final = 3.0
"""Without a word for so long a process hangs; it beats every 0.2 s. One that computes meanwhile may hold its
interpreter, as a first import does, and get little of a busy machine: it has that much CPU time for it."""

STILL_S: Final = 0.6
"""A step without CPU progress for so long hangs."""

STILL_CPU_S: Final = 0.01
"""CPU time that is no progress: what the process does beside the step."""

STEP_CPU_S: Final = 10.0
STEP_CPU_PER_S: Final = 5.0
"""CPU time that a step may take: 10 s, and 5 s for each second of its utterance. Whisper large takes about 2 on a slow
core; Whisper base, whose slowest step takes the longest window three times, 0.5 for each."""

TIMES: Final = 3.0
LEAST_CPU_S: Final = 1.5
"""Where it is known what the latest steps cost: the CPU time that one may take, as a multiple of the dearest of them,
and at least. A Vosk recognizer that is new to its graph takes ten times as much for its first words as later."""

SLOW_TIMES: Final = 2.0
SLOW_CPU_S: Final = 0.8
SLOW_UNKNOWN_S: Final = 3.0
"""CPU time of a step, as `TIMES` and `LEAST_CPU_S`, from which a final had better be made elsewhere as well; and where
it is not known what steps cost. Whoever is wrong about that has wasted work and nothing more, so it comes early."""

LATE_S: Final = 0.4
"""Whoever asks later than that after the time before was not running itself, and judges nothing by it."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Why a process is taken to hang; `what` is for the log."""

    what: str


class Vigil:
    """Watches one process. Times are seconds of one monotonic clock.

    Args:
        now_s: when the process said that it is ready.
    """

    def __init__(self, now_s: float) -> None:
        self._beat_at = now_s
        self._asked_at = now_s
        self._beat: Beat | None = None
        # The step under way: its number and the CPU time before it.
        self._step = 0
        self._step_cpu_s = 0.0
        # (time, CPU time) of the beats of the step under way, back to one that is `STILL_S` old.
        self._progress: deque[tuple[float, float]] = deque()
        # (time, CPU time) of the process as the system counts it, back to one that is `STILL_S` old.
        self._counted: deque[tuple[float, float]] = deque()

    def hear(self, beat: Beat, now_s: float) -> None:
        """The process said that it lives."""
        before = self._beat
        self._beat, self._beat_at = beat, now_s
        if beat.step != self._step:
            self._step = beat.step
            self._step_cpu_s = beat.work_cpu_s if before is None else before.work_cpu_s
            self._progress.clear()
        if beat.step:
            self._progress.append((now_s, beat.work_cpu_s))
            while len(self._progress) > 1 and self._progress[1][0] <= now_s - STILL_S:
                self._progress.popleft()

    def is_slow(self, *, dearest_s: float = 0.0) -> bool:
        """Whether the step under way may be one that never ends; `dearest_s` is as `judge` takes it."""
        limit = max(SLOW_CPU_S, SLOW_TIMES * dearest_s) if dearest_s > 0 else SLOW_UNKNOWN_S
        return self._spent_s > limit

    def _computes_in_silence(self) -> bool:
        """Whether a process of which nothing is heard uses its CPU, and has not used too much of it."""
        if not self._counted:
            return False
        before, now = self._counted[0][1], self._counted[-1][1]
        heard = self._beat.cpu_s if self._beat is not None else 0.0
        return now - before >= STILL_CPU_S and now - heard < SILENT_CPU_S

    @property
    def _spent_s(self) -> float:
        """CPU time of the step under way, seconds; 0 without one."""
        return self._beat.work_cpu_s - self._step_cpu_s if self._beat is not None and self._beat.step else 0.0

    def judge(self, now_s: float, *, dearest_s: float = 0.0, cpu_s: float | None = None) -> Hang | None:
        """Whether the process hangs now; to be asked every 0.1 s or so.

        Args:
            now_s: what the clock shows.
            dearest_s: CPU time of the dearest of the latest steps of this engine; 0 where that is not known, or where
                the step under way shall have all the time that any engine needs.
            cpu_s: CPU time of the process as the system counts it now; None where it does not tell.
        """
        late = now_s - self._asked_at > LATE_S
        self._asked_at = now_s
        if late:
            self._beat_at = now_s
            self._progress.clear()
            return None
        if cpu_s is not None:
            self._counted.append((now_s, cpu_s))
            while len(self._counted) > 1 and self._counted[1][0] <= now_s - STILL_S:
                self._counted.popleft()
        if now_s - self._beat_at > SILENT_S and not self._computes_in_silence():
            return Hang(f"nothing was heard of it for {now_s - self._beat_at:.1f} s")
        beat = self._beat
        if beat is None or not beat.step:
            return None
        spent = self._spent_s
        limit = STEP_CPU_S + STEP_CPU_PER_S * to_s(beat.step_audio)
        if dearest_s > 0:
            limit = min(limit, max(LEAST_CPU_S, TIMES * dearest_s))
        if spent > limit:
            return Hang(f"a step on {to_s(beat.step_audio):.1f} s of audio used {spent:.1f} s of CPU")
        if self._progress:
            (since, cpu_before), (until, cpu_after) = self._progress[0], self._progress[-1]
            if until - since >= STILL_S and cpu_after - cpu_before < STILL_CPU_S:
                return Hang(f"a step used no CPU for {until - since:.1f} s")
        return None
