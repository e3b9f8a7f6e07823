"""Who holds the floor: the agent talking over the caller, and both silent. Pure, in media time.

What is known of a party's speech becomes known with a delay: a segment is announced once it is certain to be kept, and
closed when the hang-over has passed. Each such mark has the media time at which that party's audio gave it. Marks are
worked on in the order of those times, and only up to where both parties have been heard; so it makes no difference
which party's audio comes first, or at what pace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from routing.terms import HintKind
from voice.contracts.audio import Party, Samples, SegmentId, Span, from_ms
from voice.contracts.errors import CapacityError
from voice.contracts.speech import EndReason
from voice.vad.segmenter import SegmenterSettings

MOST_AHEAD: Final = 256
"""Marks by which one party's audio may be ahead of the other's: 128 utterances, minutes of speech."""

_LEAD_IN: Final = from_ms(SegmenterSettings().pre_roll_ms)
HANG_OVER: Final[Samples] = from_ms(SegmenterSettings().hangover_ms)
_SPEAKERS: Final = (Party.CALLER, Party.AGENT)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened on the floor.

    Attributes:
        kind: talking over, or a long silence.
        at: media time at which it was certain.
        span: the overlap so far, or the silence so far.
        evidence: the segments that led to it, in order.
    """

    kind: HintKind
    at: Samples
    span: Span
    evidence: tuple[SegmentId, ...]


@dataclass(frozen=True, slots=True)
class _Opened:
    at: Samples
    segment: SegmentId
    start: Samples


@dataclass(frozen=True, slots=True)
class _Closed:
    at: Samples
    span: Span
    reason: EndReason
    silence: Samples


_Mark: TypeAlias = _Opened | _Closed


@dataclass(slots=True)
class _Stretch:
    """Speech of one party without a pause as long as the hang-over; `end` is None while it lasts."""

    start: Samples
    segments: list[SegmentId]
    end: Samples | None = None
    cut_at: Samples | None = None
    judged: bool = False


@dataclass(slots=True)
class _Speaker:
    """What is known of one party."""

    heard: Samples = 0
    ahead: deque[_Mark] = field(default_factory=deque)
    latest: _Stretch | None = None

    @property
    def speaks(self) -> bool:
        return self.latest is not None and self.latest.end is None


def spoken(span: Span, reason: EndReason, silence: Samples = HANG_OVER) -> Span:
    """The speech inside a segment: without pre-roll, and without the pause that ended it unless cut in mid-speech."""
    end = span.end if reason is EndReason.MAX_LENGTH else span.end - silence
    start = min(span.start + _LEAD_IN, span.end)
    return Span(start, max(start, end))


class Floor:
    """Finds overlaps and silences between the caller and the agent.

    Args:
        since: media time from which the agent serves.
        overlap: speech of the agent over the caller's that is too much, samples. Shorter is how people take turns, and
            what signals that one listens.
        first: by how much the caller has to have begun before the agent; less is a start at the same time.
        silence: silence of both that is too long, samples.
        again: samples of the same silence until it is too long once more.
    """

    def __init__(self, since: Samples, *, overlap: Samples, first: Samples, silence: Samples, again: Samples) -> None:
        self._since = since
        self._overlap = overlap
        self._first = first
        self._silence = silence
        self._again = again
        self._speakers = {party: _Speaker() for party in _SPEAKERS}
        self._silent_until: Samples | None = None

    def open(self, party: Party, segment: SegmentId, start: Samples, known_at: Samples) -> None:
        """A segment that begins at `start` is announced at `known_at`."""
        self._mark(party, _Opened(known_at, segment, start))

    def close(self, party: Party, span: Span, reason: EndReason, silence: Samples = HANG_OVER) -> None:
        """The party's open segment is closed, at its end."""
        self._mark(party, _Closed(span.end, span, reason, silence))

    def hear(self, party: Party, until: Samples) -> list[Moment]:
        """What is certain now that a party has been heard up to `until`; call it after the marks that lie before."""
        if party not in self._speakers:
            return []
        self._speakers[party].heard = until
        certain = min(speaker.heard for speaker in self._speakers.values())
        moments: list[Moment] = []
        while (speaker := self._next(certain)) is not None:
            mark = speaker.ahead.popleft()
            moments += self._pass(mark.at - 1)
            _take(speaker, mark)
            moments += self._judge(mark.at)
        moments += self._pass(certain)
        return moments

    def _mark(self, party: Party, mark: _Mark) -> None:
        if party not in self._speakers:
            return
        ahead = self._speakers[party].ahead
        if len(ahead) >= MOST_AHEAD:
            raise CapacityError(f"The {party} is {MOST_AHEAD} marks ahead of the other party's audio.")
        ahead.append(mark)

    def _next(self, certain: Samples) -> _Speaker | None:
        """Whose mark comes next; the caller's where both have one at the same time."""
        due = [one for one in self._speakers.values() if one.ahead and one.ahead[0].at <= certain]
        return min(due, key=lambda one: one.ahead[0].at, default=None)

    def _pass(self, until: Samples) -> Iterator[Moment]:
        """Time passes in which nothing new becomes known."""
        caller, agent = (self._speakers[party] for party in _SPEAKERS)
        if caller.speaks and agent.speaks and agent.latest is not None:
            at = agent.latest.start + self._overlap + HANG_OVER
            if at <= until:
                yield from self._judge(at)
        while not (caller.speaks or agent.speaks):
            began = self._silent_since()
            at = began + self._silence
            if self._silent_until is not None and self._silent_until >= began:
                at = max(at, self._silent_until + self._again)
            if at > until:
                return
            self._silent_until = at
            last = [one.latest.segments[-1] for one in (caller, agent) if one.latest is not None]
            yield Moment(HintKind.LONG_SILENCE, at, Span(began, at), tuple(sorted(last)))

    def _silent_since(self) -> Samples:
        ends = [one.latest.end for one in self._speakers.values() if one.latest is not None]
        return max([self._since, *(end for end in ends if end is not None)])

    def _judge(self, at: Samples) -> Iterator[Moment]:
        """Whether the agent's latest stretch lies over the caller's for too long, as far as is certain at `at`."""
        caller, agent = (self._speakers[party].latest for party in _SPEAKERS)
        if (
            caller is None
            or agent is None
            or agent.judged
            or agent.start < max(caller.start + self._first, self._since)
        ):
            return
        # While a segment is open, its speaker may have fallen silent up to a hang-over ago.
        ends = [at - HANG_OVER if one.end is None else one.end for one in (caller, agent)]
        end = min(ends)
        if end - agent.start >= self._overlap:
            agent.judged = True
            evidence = tuple(sorted({caller.segments[-1], agent.segments[0]}))
            yield Moment(HintKind.TALKING_OVER, at, Span(agent.start, end), evidence)


def _take(speaker: _Speaker, mark: _Mark) -> None:
    """What is known of a speaker after one more mark."""
    latest = speaker.latest
    match mark:
        case _Opened(segment=segment, start=start):
            if latest is not None and latest.cut_at == start:
                latest.end = latest.cut_at = None
                latest.segments.append(segment)
            else:
                speaker.latest = _Stretch(start + _LEAD_IN, [segment])
        case _Closed(span=span, reason=reason, silence=silence):
            if latest is not None:
                latest.end = max(latest.start, spoken(span, reason, silence).end)
                latest.cut_at = span.end if reason is EndReason.MAX_LENGTH else None
