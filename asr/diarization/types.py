"""What diarization speaks of: turns, and all turns of a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voice.contracts.audio import Samples, Span


@dataclass(frozen=True, slots=True, order=True)
class SpeakerTurn:
    """One speaker speaks without a pause.

    Attributes:
        span: when, in samples at 16 kHz from the beginning of the recording; never empty.
        speaker: the label, the same for all turns of a voice; it names nobody.

    Raises:
        ValueError: an empty span, or a label that is empty or holds a space.
    """

    span: Span
    speaker: str

    def __post_init__(self) -> None:
        if not self.span.length:
            raise ValueError(f"A turn lasts at least one sample; got [{self.span.start}, {self.span.end}).")
        if not self.speaker or self.speaker != "".join(self.speaker.split()):
            raise ValueError(f"A speaker's label is not empty and holds no space; got {self.speaker!r}.")


@dataclass(frozen=True, slots=True)
class Diarization:
    """All turns of a recording, in the order of their starts. Turns of several speakers may overlap.

    Attributes:
        turns: sorted by start, then end, then label; turns of one speaker neither overlap nor touch.
    """

    turns: tuple[SpeakerTurn, ...]

    @classmethod
    def of(cls, turns: Sequence[SpeakerTurn]) -> Diarization:
        """Sort turns, and join those of one speaker that overlap or touch."""
        joined: list[SpeakerTurn] = []
        last: dict[str, int] = {}
        for turn in sorted(turns):
            place = last.get(turn.speaker)
            if place is not None and turn.span.start <= joined[place].span.end:
                before = joined[place].span
                joined[place] = SpeakerTurn(Span(before.start, max(before.end, turn.span.end)), turn.speaker)
            else:
                last[turn.speaker] = len(joined)
                joined.append(turn)
        return cls(tuple(sorted(joined)))

    @property
    def speakers(self) -> tuple[str, ...]:
        """The labels, in the order in which they are first heard."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))

    def of_speaker(self, *speakers: str) -> tuple[Span, ...]:
        """When any of these speaks, in order; stretches that overlap or touch are one."""
        return join_spans([turn.span for turn in self.turns if turn.speaker in speakers])

    def talk(self, speaker: str) -> Samples:
        """How long one speaks in all."""
        return sum(turn.span.length for turn in self.turns if turn.speaker == speaker)


def join_spans(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Sort spans, and make one of those that overlap or touch; empty ones are left out."""
    return tuple(_joined(sorted(span for span in spans if span.length)))


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in spans:
        if current is not None and span.start <= current.end:
            current = Span(current.start, max(current.end, span.end))
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current
