"""Judging a party's pauses beside the event loop: asked when the pause is long enough, answered when it is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError, TurnAnswerError, WarmlineError
from voice.vad.segmenter import TurnQuestion

Judge: TypeAlias = Callable[[Pcm], float | None]
"""How likely it is that the speaker has finished, from the sound up to the pause, or None for no opinion; called on a
thread. It has to answer the same for the same sound, or a replay is cut differently."""


@dataclass(slots=True, eq=False)
class _Judgement:
    """One question's way to its answer."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    done: anyio.Event = field(default_factory=anyio.Event)
    probability: float | None = None
    error: WarmlineError | None = None


class TurnJudge:
    """Judges one party's pauses, one after the other. All methods belong to the event loop.

    At most one question is judged and one waits for a thread: a newer one takes the place of what still waits, because
    it is asked only after speech has voided the older.

    Args:
        judge: the model, shared by all parties.
        tasks: where judging runs; leaving it waits for what a thread is at.
        threads: bounds the threads.
    """

    def __init__(self, judge: Judge, tasks: TaskGroup, threads: anyio.CapacityLimiter) -> None:
        self._judge = judge
        self._tasks = tasks
        self._threads = threads
        self._latest: _Judgement | None = None

    def ask(self, question: TurnQuestion) -> None:
        """Have a pause judged."""
        if self._latest is not None:
            self._latest.scope.cancel()
        self._latest = _Judgement()
        self._tasks.start_soon(self._run, self._latest, question.pcm, name=f"turn of the {question.party}")

    async def answer(self) -> float | None:
        """Wait for what was judged of the latest question: a probability in [0, 1], or None for no opinion.

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

    async def _run(self, judgement: _Judgement, pcm: Pcm) -> None:
        with judgement.scope:
            try:
                judgement.probability = await run_sync(self._judge, pcm, limiter=self._threads)
            except WarmlineError as error:
                judgement.error = error
            except Exception as error:  # the boundary of this stage: a pause that nobody judges has the ordinary timer
                judgement.error = ModelError(f"The judge of turns broke: {type(error).__name__}.")
                judgement.error.__cause__ = error
        judgement.done.set()
