"""One utterance on its way through a call: what is known of it, and who waits for what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import anyio

from asr.ports import LiveUtterance
from asr.types import Hypothesis, Word
from routing.events import TranscriptFinal
from voice.contracts.audio import Party, Samples, SegmentId, Span
from voice.contracts.speech import SpeechSegment


@dataclass(slots=True, eq=False)
class Turn:
    """An utterance from its opening to its decision.

    Attributes:
        id: the segment's id.
        party: who speaks.
        start: media time of its first sample.
        utterance: its recognition; None where recognition could not begin.
        segment: set when it is closed.
        hypothesis: set when `recognized` is.
        recognized: the final hypothesis is there (an empty one where recognition failed).
        toned: its tone is scored, or never will be.
        has_tone: whether a caller's tracker scored its tone.
        done: everything that follows from it is written.
    """

    id: SegmentId
    party: Party
    start: Samples
    utterance: LiveUtterance | None = None
    segment: SpeechSegment | None = None
    hypothesis: Hypothesis = field(default_factory=lambda: Hypothesis(""))
    recognized: anyio.Event = field(default_factory=anyio.Event)
    toned: anyio.Event = field(default_factory=anyio.Event)
    has_tone: bool = False
    done: anyio.Event = field(default_factory=anyio.Event)

    @property
    def closed(self) -> SpeechSegment:
        """The segment.

        Raises:
            RuntimeError: it is not closed yet.
        """
        if self.segment is None:
            raise RuntimeError(f"Turn {self.id} is worked on before it is closed.")
        return self.segment

    async def heard_so_far(self) -> str | None:
        """The words up to the pause under way, as the engine heard them; None where they are not known."""
        heard = None if self.utterance is None else await self.utterance.settle()
        return None if heard is None else heard.text

    def words_in_call(self, words: tuple[Word, ...]) -> tuple[Word, ...]:
        """Words whose spans count from the utterance's start, with spans in media time."""
        return tuple(
            replace(word, span=Span(self.start + word.span.start, self.start + word.span.end)) for word in words
        )

    def final(self, engine: str) -> TranscriptFinal:
        """The event that says what was recognized; only once `recognized` is set."""
        said = self.hypothesis
        return TranscriptFinal(
            self.id,
            said.text,
            self.words_in_call(said.words),
            engine,
            raw=said.raw,
            stretches=said.stretches,
            repairs=said.repairs,
            tags=said.tags,
        )
