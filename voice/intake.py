"""Where live audio meets the pipeline: the one place per leg in which audio may be lost.

Live audio cannot wait. If the pipeline falls behind, the oldest frames go, and the loss is said.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import anyio
import anyio.lowlevel

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Samples, Span, from_s
from voice.contracts.errors import CapacityError, FrameError

INTAKE_BOUND_S: Final = 2.0
"""How far the pipeline may fall behind one party's live audio before the oldest is dropped. Longer would only make
every later event late; shorter would lose words to an ordinary pause of the machine."""

NOTES_BOUND: Final = 64
"""How many notes may wait: people come, go and press buttons that often in a minute."""


@dataclass(frozen=True, slots=True)
class AudioLost:
    """A party's audio that will not come: lost on the way here, or dropped because the pipeline was late.

    Attributes:
        party: whose.
        span: media time, whole frames.
    """

    party: Party
    span: Span


@dataclass(frozen=True, slots=True)
class Begun:
    """A party's audio begins here, for the first time or anew: nothing of it before `start` is lost.

    Attributes:
        party: whose.
        start: media time.
        who: who it is; None where that is not known.
    """

    party: Party
    start: Samples
    who: str | None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that happened between two frames, in its place; what it is means nothing to the intake."""

    what: object


IntakeItem: TypeAlias = AudioFrame | AudioLost | Begun | Noted


class Intake:
    """A bounded hand-over of frames, from a leg to the pipeline, on one event loop.

    Iterating yields, for each party, frames and losses in order and without a gap from the first frame that was put.
    Parties come in the order in which their frames were put. Losses that touch are one `AudioLost`, yielded right
    before the first frame after it. Notes keep their place. Iteration ends when the intake was closed and is empty.

    Args:
        bound_s: how much audio of each party may wait, seconds; the oldest beyond it is dropped.
    """

    def __init__(self, *, bound_s: float = INTAKE_BOUND_S) -> None:
        self._bound = max(1, from_s(bound_s) // FRAME_SAMPLES)
        self._waiting: deque[AudioFrame | Begun | Noted] = deque()
        self._notes = 0
        self._count: dict[Party, int] = {}
        self._put_up_to: dict[Party, Samples] = {}
        self._yielded_up_to: dict[Party, Samples] = {}
        self._dropped: dict[Party, Samples] = {}
        # The frame whose loss before it has been yielded: it may no longer be dropped, or two losses would touch.
        self._held: AudioFrame | None = None
        self._changed = anyio.Event()
        self._closed = False

    def put(self, frame: AudioFrame) -> None:
        """Hand over one frame; never blocks. Ignored once the intake is closed: the last packets race the hang-up.

        Raises:
            FrameError: the frame begins before the end of the party's frame before it.
        """
        if self._closed:
            return
        party = frame.party
        if frame.start < self._put_up_to.get(party, 0):
            raise FrameError(
                f"Frames of the {party} have to come in order: expected {self._put_up_to[party]} samples or later; "
                f"got {frame.start}."
            )
        self._put_up_to[party] = frame.start + FRAME_SAMPLES
        self._yielded_up_to.setdefault(party, frame.start)
        self._waiting.append(frame)
        self._count[party] = self._count.get(party, 0) + 1
        if self._count[party] > self._bound:
            self._drop_oldest(party)
        self._changed.set()

    def begin(self, party: Party, start: Samples, who: str | None = None) -> None:
        """A party's audio begins (anew) at `start`; its next frame starts there or later. Ignored once closed.

        Raises:
            FrameError: `start` lies before the end of the party's frame before it.
            CapacityError: too much waits to be taken notice of.
        """
        if start < self._put_up_to.get(party, 0):
            raise FrameError(f"The {party} was heard up to {self._put_up_to[party]} samples; got a start at {start}.")
        if not self._closed:
            self._put_note(Begun(party, start, who))
            self._put_up_to[party] = start

    def note(self, what: object) -> None:
        """Yield `what` as `Noted` between the frames put before and those put after. Ignored once closed.

        Raises:
            CapacityError: too much waits to be taken notice of.
        """
        if not self._closed:
            self._put_note(Noted(what))

    def put_up_to(self, party: Party) -> Samples:
        """The end of the party's newest frame; 0 where none was put."""
        return self._put_up_to.get(party, 0)

    def close(self) -> None:
        """No more frames will come; what waits is still yielded."""
        self._closed = True
        self._changed.set()

    def dropped(self, party: Party) -> Samples:
        """How much of the party's audio was dropped here, because the pipeline was late, since the intake was made."""
        return self._dropped.get(party, 0)

    @property
    def waiting(self) -> int:
        """Frames that wait, over all parties."""
        return len(self._waiting) + (self._held is not None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> IntakeItem:
        """The next frame or loss; waits for one.

        Raises:
            StopAsyncIteration: closed and empty.
        """
        # Also where something waits already: a pipeline that catches up has to let others run.
        await anyio.lowlevel.checkpoint()
        if self._held is not None:
            frame, self._held = self._held, None
            return frame
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._changed = anyio.Event()
            await self._changed.wait()
        item = self._waiting.popleft()
        if not isinstance(item, AudioFrame):
            self._notes -= 1
            if isinstance(item, Begun):
                self._yielded_up_to[item.party] = item.start
            return item
        frame = item
        self._count[frame.party] -= 1
        reached = self._yielded_up_to[frame.party]
        self._yielded_up_to[frame.party] = frame.start + FRAME_SAMPLES
        if frame.start > reached:
            self._held = frame
            return AudioLost(frame.party, Span(reached, frame.start))
        return frame

    def _put_note(self, note: Begun | Noted) -> None:
        if self._notes >= NOTES_BOUND:
            raise CapacityError(f"At most {NOTES_BOUND} notes may wait for the pipeline.", fix="Try again in a moment.")
        self._notes += 1
        self._waiting.append(note)
        self._changed.set()

    def _drop_oldest(self, party: Party) -> None:
        # Parties alternate, so the oldest frame of one is among the first few.
        oldest = next(
            index for index, item in enumerate(self._waiting) if isinstance(item, AudioFrame) and item.party is party
        )
        del self._waiting[oldest]
        self._count[party] -= 1
        self._dropped[party] = self._dropped.get(party, 0) + FRAME_SAMPLES
