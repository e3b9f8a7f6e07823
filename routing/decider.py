"""A call's facts and the decision in force: turns, scores and keys in, events out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, tzinfo

from prosody.types import EmotionScore, EmotionShift
from routing.events import CallStarted, EntityFound, IntentRecognized, KeyPointFound, ReportableEvent
from routing.local_time import local_time
from routing.policy.decision import Decision
from routing.policy.facts import Facts, Situation
from routing.policy.record import tell_facts
from routing.policy.rules import Policy, decide
from routing.service_events import DecisionMade, PriorityChanged, RouteDecided
from routing.understanding.continuation import Told, continue_number
from routing.understanding.named_values import Entity
from routing.understanding.turn import TurnMeaning
from voice.contracts.audio import Samples, SegmentId, to_s


class Decider:
    """Folds what becomes known of a call into its facts, and states each change of target or priority.

    Pure: it has no clock and no I/O. Policy and situation are asked for at each decision, so that a new policy takes
    effect at once. What a decision looked at is stated with it, because what the desk and the hour said stands nowhere
    else in the log.

    Args:
        started: the call's first event.
        policy: the policy in force.
        zone: where the business is.
        situation: what the desk says now.
    """

    def __init__(
        self,
        started: CallStarted,
        policy: Callable[[], Policy],
        *,
        zone: tzinfo = UTC,
        situation: Callable[[], Situation] = Situation,
    ) -> None:
        self._started = started
        self._policy = policy
        self._zone = zone
        self._situation = situation
        self._facts = Facts(started.language, channel=started.channel, caller=started.caller, called=started.called)
        self._decision: Decision | None = None
        self._told: Told | None = None

    @property
    def today(self) -> date:
        """The day on which the call began, where the business is; relative dates count from it."""
        return local_time(self._started, 0, self._zone).date()

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
        continued = None if told is None else continue_number(self._told, told, self._started.language)
        self._told = told
        if continued is None:
            return [(entity, None) for entity in meaning.entities]
        whole = continued.entity
        others = [(each, None) for each in meaning.entities if each.end <= whole.start or each.start >= whole.end]
        return sorted([(whole, continued.begun_in), *others], key=lambda pair: pair[0].start)

    def feel(self, segment: SegmentId, score: EmotionScore, shift: EmotionShift | None) -> None:
        """Take in a turn's emotion."""
        self._facts = self._facts.feel(segment, score, shift)

    def press(self, digit: str, at: Samples) -> list[ReportableEvent]:
        """Take in a key and decide, at that moment of media time."""
        self._facts = self._facts.press(digit)
        return self._decide(None, at)

    def decide(self, segment: SegmentId, at: Samples) -> list[ReportableEvent]:
        """Decide after the turn in `segment`, which ended at that moment of media time.

        Returns:
            the decision with the facts it looked at, and the changes of target and priority that it leads to.
        """
        return self._decide(segment, at)

    def _decide(self, segment: SegmentId | None, at: Samples) -> list[ReportableEvent]:
        before, policy = self._decision, self._policy()
        facts = self._facts.stand(to_s(at), local_time(self._started, at, self._zone), self._situation())
        after = self._decision = decide(policy, facts, before)
        events: list[ReportableEvent] = [
            DecisionMade(
                segment,
                after.target,
                after.priority,
                after.matched,
                tell_facts(replace(facts, tier=after.tier, mode=after.mode)),
                after.policy_version,
                after.announce,
                after.hints,
                after.because,
                after.announced_by,
            )
        ]
        priority = before.priority if before else 0
        if after.priority != priority:
            why = after.urgency
            events.append(
                PriorityChanged(priority, after.priority, why.rule, why.reason, why.evidence, after.policy_version)
            )
        if before is None or after.wanted != before.wanted:
            why, version = after.route, after.policy_version
            events.append(
                RouteDecided(after.target, why.rule, why.reason, why.evidence, version, after.queue, after.skills)
            )
        return events
