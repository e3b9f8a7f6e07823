"""Calls that are written down: what is said, how it sounds, which keys are pressed; meaning and decisions are real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path

from prosody.types import EmotionBasis
from routing.decider import Decider
from routing.events import CallStarted, DtmfReceived, EmotionScored, EmotionShifted, EntityFound
from routing.grammar import check_log
from routing.leg_events import PartyLeft
from routing.policy.facts import Situation
from routing.policy.rules import Policy
from routing.service_events import DecisionMade, PriorityChanged, RouteDecided
from routing.terms import RouteTarget
from routing.understanding.turn import Understander
from routing.wire import encode_line
from tests.journeys.tone_script import Script
from voice.contracts.audio import Party, SegmentId, from_s

MORNING = "2026-11-24T02:00:00+00:00"
"""Ten in the morning in Shanghai, on a Tuesday."""

Tone = tuple[float, float, float]
"""Arousal, valence, confidence."""

CALM: Tone = (0.0, 0.0, 0.8)


@cache
def understander() -> Understander:
    """One for all tests: it never changes."""
    return Understander.load()


class Talk(Script):
    """A call as it is written down; a turn takes three seconds, and two pass before the next."""

    def __init__(
        self,
        policy: Policy | Callable[[], Policy],
        *,
        call: str = "talk",
        started_at: str = MORNING,
        caller: str = "tel:+8613800138000",
        called: str = "4001",
        zone: tzinfo = UTC,
        situation: Callable[[], Situation] = Situation,
    ) -> None:
        super().__init__(call, started_at=started_at, caller=caller)
        began = self.log[0].event
        assert isinstance(began, CallStarted)
        started = replace(began, called=called)
        self.log[0] = replace(self.log[0], event=started)
        rules: Callable[[], Policy] = (lambda: policy) if isinstance(policy, Policy) else policy
        self._decider = Decider(started, rules, zone=zone, situation=situation)
        self._now_s = 0.0

    def tell(self, text: str, tone: Tone = CALM) -> DecisionMade:
        """The caller says this, sounding so; answers the decision that follows."""
        start_s = self._now_s + 2.0
        self._now_s = end_s = start_s + 3.0
        segment = self.say(Party.CALLER, start_s, end_s, text, tone)
        events = self._decider.hear(segment, understander().understand(text, today=self._decider.today))
        self._feel(segment)
        events += self._decider.decide(segment, from_s(end_s))
        self.add(end_s + 0.5, *events)
        return self.decision

    def press(self, digit: str) -> DecisionMade:
        """The caller presses a key."""
        self._now_s += 1.0
        events = self._decider.press(digit, from_s(self._now_s))
        self.add(self._now_s + 0.6, DtmfReceived(Party.CALLER, digit), *events)
        return self.decision

    def finish(self) -> Talk:
        """The caller hangs up; the log is whole."""
        for party, agent in ((Party.CALLER, None), (Party.AGENT, "lin")):
            self.add(self._now_s + 1.0, PartyLeft(party, agent))
        self.end(self._now_s + 1.0)
        check_log(self.log)
        return self

    def write(self, path: Path) -> Path:
        """Keep the log as a file of events."""
        path.write_bytes(b"".join(encode_line(one) + b"\n" for one in self.log))
        return path

    @property
    def decision(self) -> DecisionMade:
        """The newest decision."""
        return self.decisions[-1]

    @property
    def decisions(self) -> list[DecisionMade]:
        """All decisions."""
        return [one.event for one in self.log if isinstance(one.event, DecisionMade)]

    @property
    def routes(self) -> list[RouteDecided]:
        """All changes of the route."""
        return [one.event for one in self.log if isinstance(one.event, RouteDecided)]

    @property
    def priorities(self) -> list[PriorityChanged]:
        """All changes of the priority."""
        return [one.event for one in self.log if isinstance(one.event, PriorityChanged)]

    @property
    def target(self) -> RouteTarget:
        """Who serves."""
        return self.routes[-1].target

    @property
    def entities(self) -> list[tuple[str, str]]:
        """Kind and value of every named value."""
        return [(one.event.kind, one.event.value) for one in self.log if isinstance(one.event, EntityFound)]

    def _feel(self, segment: SegmentId) -> None:
        events = [one.event for one in self.log[-4:]]
        scores = [one.score for one in events if isinstance(one, EmotionScored)]
        shift = next((one.shift for one in events if isinstance(one, EmotionShifted)), None)
        fused = next(score for score in reversed(scores) if score.basis is EmotionBasis.TONE_AND_WORDS)
        self._decider.feel(segment, fused, shift)
