"""A call's facts and the decision in force: turns, scores and keys in, events out."""

from __future__ import annotations

from collections.abc import Callable

from asr.types import Language
from prosody.types import EmotionScore, EmotionShift
from routing.events import EntityFound, IntentRecognized, KeyPointFound, ReportableEvent
from routing.policy.decision import Decision, Facts
from routing.policy.rules import Policy, decide
from routing.service_events import PriorityChanged, RouteDecided
from routing.understanding.continuation import Told, continue_number
from routing.understanding.named_values import Entity
from routing.understanding.turn import TurnMeaning
from voice.contracts.audio import SegmentId


class Decider:
    """Folds what becomes known of a call into its facts, and states each change of target or priority.

    Pure: it has no clock and no I/O. The policy is asked for at each decision, so that a new one takes effect at once.
    """

    def __init__(self, language: Language, policy: Callable[[], Policy]) -> None:
        self._policy = policy
        self._facts = Facts(language)
        self._decision: Decision | None = None
        self._told: Told | None = None

    def hear(self, segment: SegmentId, meaning: TurnMeaning, told: Told | None = None) -> list[ReportableEvent]:
        """Take in what a turn means; answers the events that say so.

        Args:
            segment: the turn's segment.
            meaning: what it means.
            told: its words and when they were said; a number that the turn before began is completed with them.
        """
        self._facts = self._facts.hear(segment, meaning)
        intent = meaning.intent
        events: list[ReportableEvent] = [
            IntentRecognized(segment, intent.label, meaning.grade, intent.confidence, intent.model_version)
        ]
        events += (
            KeyPointFound(segment, point.tag, point.start, point.end, point.text, point.value)
            for point in meaning.key_points
        )
        events += (
            EntityFound(segment, entity.kind, entity.start, entity.end, entity.text, entity.value, begun_in)
            for entity, begun_in in self._entities(meaning, told)
        )
        return events

    def _entities(self, meaning: TurnMeaning, told: Told | None) -> list[tuple[Entity, SegmentId | None]]:
        """The turn's values; the rest of a number stands for the whole of it."""
        continued = None if told is None else continue_number(self._told, told, self._facts.language)
        self._told = told
        if continued is None:
            return [(entity, None) for entity in meaning.entities]
        whole = continued.entity
        others = [(each, None) for each in meaning.entities if each.end <= whole.start or each.start >= whole.end]
        return sorted([(whole, continued.begun_in), *others], key=lambda pair: pair[0].start)

    def feel(self, segment: SegmentId, score: EmotionScore, shift: EmotionShift | None) -> None:
        """Take in a turn's emotion."""
        self._facts = self._facts.feel(segment, score, shift)

    def press(self, digit: str) -> list[ReportableEvent]:
        """Take in a key and decide."""
        self._facts = self._facts.press(digit)
        return self.decide()

    def decide(self) -> list[ReportableEvent]:
        """The changes of target and priority that the facts lead to; none where all stays as it is."""
        before = self._decision
        after = self._decision = decide(self._policy(), self._facts, before)
        events: list[ReportableEvent] = []
        priority = before.priority if before else 0
        if after.priority != priority:
            why = after.urgency
            events.append(
                PriorityChanged(priority, after.priority, why.rule, why.reason, why.evidence, after.policy_version)
            )
        if before is None or after.target is not before.target:
            why = after.route
            events.append(RouteDecided(after.target, why.rule, why.reason, why.evidence, after.policy_version))
        return events
