"""The coach beside a call: told what happens on it, and writing into the log what the agent should know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from prosody.types import EmotionScore, EmotionShift
from routing.coaching import Coach
from routing.events import CoachingHinted
from routing.log import CallLog
from routing.terms import Stage
from routing.turn import Turn
from voice.contracts.audio import Party, Samples
from voice.vad.segmenter import SegmentClosed


class Advice:
    """Passes on what a coach needs to know. Where the coach breaks, the call goes on without one.

    Args:
        log: where hints go.
    """

    def __init__(self, log: CallLog) -> None:
        self._log = log
        self._coach: Coach | None = None

    def begin(self, coach: Coach) -> None:
        """An agent serves from now on."""
        self._coach = coach

    def end(self) -> None:
        """No agent serves any more."""
        self._coach = None

    async def open(self, turn: Turn, known_at: Samples) -> None:
        """An utterance is announced, at that media time of its party."""
        await self._ask(partial(Coach.open, party=turn.party, segment=turn.id, start=turn.start, known_at=known_at))

    async def close(self, closed: SegmentClosed) -> None:
        """An utterance is closed."""
        await self._ask(
            partial(Coach.close, party=closed.party, span=closed.span, reason=closed.reason, silence=closed.silence)
        )

    async def hear(self, party: Party, until: Samples) -> None:
        """A party was heard up to that media time, with all that it opened and closed before."""
        await self._ask(partial(Coach.hear, party=party, until=until))

    async def feel(self, turn: Turn, score: EmotionScore, shift: EmotionShift | None) -> None:
        """A turn of the caller was scored with its words."""
        await self._ask(partial(Coach.feel, segment=turn.id, span=turn.closed.span, score=score, shift=shift))

    async def say(self, turn: Turn) -> None:
        """A final is there."""
        if turn.party is Party.AGENT:
            closed, text = turn.closed, turn.hypothesis.text
            await self._ask(
                partial(
                    Coach.say,
                    segment=turn.id,
                    span=closed.span,
                    reason=closed.reason,
                    text=text,
                    silence=closed.silence,
                )
            )

    async def _ask(self, ask: Callable[[Coach], Sequence[CoachingHinted] | None]) -> None:
        if self._coach is None:
            return
        try:
            hints = ask(self._coach)
        except Exception as error:  # a stage boundary: the call goes on without advice
            self._coach = None
            await self._log.write_failure(Stage.COACHING, error)
        else:
            if hints:
                await self._log.write(*hints)
