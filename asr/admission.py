"""Whether one more call can be recognized: a pure judgement of what recognition was seen to keep up with.

Two things say that it cannot. It is behind already: audio or finals wait. Or it would be: the share of the processors
that it used in the latest minute, grown by what the present calls have cost on average, is more than there is. Once
refused, calls are admitted again only when there is room to spare, so that the answer does not flutter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from asr.ports import WorkerLoad

WINDOW_S: Final = 60.0
"""What is looked back upon."""

LEAST_SPAN_S: Final = 10.0
LEAST_SPEECH_S: Final = 10.0
"""Less than that in the window, of time or of audio pushed, tells nothing about the cost of a call."""

CLOSE_WAITING_S: Final = 4.0
OPEN_WAITING_S: Final = 1.0
"""Audio that waits, over all utterances, seconds: calls are refused from the first on, admitted again below the second.
What waits longer than two finals take makes every final late."""

CLOSE_SHARE: Final = 0.9
OPEN_SHARE: Final = 0.75
"""Of the processors that recognition may use: the share expected with one more call."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no call is admitted.

    Attributes:
        waiting_s: audio that waits, seconds.
        share: of the processors, expected with one more call; None where too little was seen to say.
    """

    waiting_s: float
    share: float | None

    def __str__(self) -> str:
        if self.share is None or self.share <= OPEN_SHARE:
            return f"Recognition is {self.waiting_s:.1f} s of audio behind."
        return f"Recognition would need {self.share:.0%} of its processors for one more call."


@dataclass(frozen=True, slots=True)
class _Seen:
    at_s: float
    pushed_s: float
    cpu_s: float
    calls: int


class Admission:
    """Judges by what `see` is told, about once a second. Times are seconds of one monotonic clock.

    Args:
        cores: processors that recognition may use.
    """

    def __init__(self, cores: int) -> None:
        if cores < 1:
            raise ValueError(f"Recognition uses at least one processor; got {cores}.")
        self._cores = cores
        self._seen: deque[_Seen] = deque()
        self._refusal: Refusal | None = None

    @property
    def refusal(self) -> Refusal | None:
        """Why no call is admitted now; None where one is."""
        return self._refusal

    @property
    def cpu_per_speech_s(self) -> float | None:
        """CPU seconds per second of audio in the window; None where too little was heard."""
        if len(self._seen) < 2:
            return None
        first, last = self._seen[0], self._seen[-1]
        pushed = last.pushed_s - first.pushed_s
        return (last.cpu_s - first.cpu_s) / pushed if pushed >= LEAST_SPEECH_S else None

    def see(self, load: WorkerLoad, calls: int, now_s: float) -> None:
        """Take in how busy recognition is, with how many calls."""
        # Less CPU time than before: processes were replaced, and what they used is counted anew.
        if self._seen and load.cpu_s < self._seen[-1].cpu_s:
            self._seen.clear()
        self._seen.append(_Seen(now_s, load.pushed_s, load.cpu_s, calls))
        while now_s - self._seen[0].at_s > WINDOW_S:
            self._seen.popleft()
        share = self._expected_share(calls, load.seats)
        waiting = load.audio_waiting_s
        if self._refusal is None:
            closed = waiting >= CLOSE_WAITING_S or (share is not None and share >= CLOSE_SHARE)
        else:
            closed = waiting >= OPEN_WAITING_S or (share is not None and share >= OPEN_SHARE)
        self._refusal = Refusal(waiting, share) if closed else None

    def _expected_share(self, calls: int, seats: int) -> float | None:
        """Of the processors, the share with one more call that costs what the others did."""
        first, last = self._seen[0], self._seen[-1]
        span = last.at_s - first.at_s
        if span < LEAST_SPAN_S or self.cpu_per_speech_s is None or not calls:
            return None
        usual = sum(seen.calls for seen in self._seen) / len(self._seen)
        each = (last.cpu_s - first.cpu_s) / span / max(usual, 1.0)
        return each * (calls + 1) / max(1, min(self._cores, seats))
