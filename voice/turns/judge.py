"""Judging a party's pauses beside the event loop: asked when the pause is long enough, answered when it is due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError, TurnAnswerError, WarmlineError

Sound: TypeAlias = Callable[[Pcm], float]
"""How likely it is that the speaker has finished, from the sound up to the pause; called on a thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Pause:
    """A pause to be judged.

    Attributes:
        pcm: the segment so far, pause included; at most its last eight seconds.
        words: waits for the words up to the pause, as they were heard; None where they are not known.
    """

    pcm: Pcm
    words: Callable[[], Awaitable[str | None]]


Judge: TypeAlias = Callable[[Pause], Awaitable[float | None]]
"""How likely it is that the speaker has finished, or None for no opinion; called on the event loop, which it must not
hold up. It has to answer the same for the same audio, or a replay is cut differently."""


class SoundJudge:
    """Judges pauses by their sound, on a thread; a `Judge`.

    Args:
        sound: the model, shared by all parties.
        threads: bounds the threads.
    """

    def __init__(self, sound: Sound, threads: anyio.CapacityLimiter) -> None:
        self._sound = sound
        self._threads = threads

    async def __call__(self, pause: Pause) -> float:
        """What the sound says. A judgement that nobody waits for any more is not begun."""
        return await run_sync(self._sound, pause.pcm, limiter=self._threads)


@dataclass(slots=True, eq=False)
class _Judgement:
    """One question's way to its answer."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    done: anyio.Event = field(default_factory=anyio.Event)
    probability: float | None = None
    error: WarmlineError | None = None


class TurnJudge:
    """Judges one party's pauses, one after the other. All methods belong to the event loop.

    A newer question ends an older one, because it is asked only after speech has voided that.

    Args:
        judge: what judges.
        tasks: where judging runs; leaving it waits for what a thread is at.
    """

    def __init__(self, judge: Judge, tasks: TaskGroup) -> None:
        self._judge = judge
        self._tasks = tasks
        self._latest: _Judgement | None = None

    def ask(self, pause: Pause) -> None:
        """Have a pause judged."""
        if self._latest is not None:
            self._latest.scope.cancel()
        self._latest = _Judgement()
        self._tasks.start_soon(self._run, self._latest, pause, name="pause")

    async def answer(self) -> float | None:
        """Wait for what was judged of the latest pause: a probability in [0, 1], or None for no opinion.

        Raises:
            TurnAnswerError: nothing was asked.
            WarmlineError: the pause could not be judged.
        """
        if self._latest is None:
            raise TurnAnswerError("No pause was given to be judged.")
        await self._latest.done.wait()
        if self._latest.error is not None:
            raise self._latest.error
        return self._latest.probability

    async def _run(self, judgement: _Judgement, pause: Pause) -> None:
        with judgement.scope:
            try:
                judgement.probability = await self._judge(pause)
            except WarmlineError as error:
                judgement.error = error
            except Exception as error:  # the boundary of this stage: a pause that nobody judges has the ordinary timer
                judgement.error = ModelError(f"The judge of turns broke: {type(error).__name__}.")
                judgement.error.__cause__ = error
        judgement.done.set()
