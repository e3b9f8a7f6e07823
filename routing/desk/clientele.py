"""Callers as a policy sees them: what each kind says and sounds like, and what the policy then decides.

The shares are an assumption, not a measurement: they are what a shop with parcels, refunds and complaints might see.
State your own with `--priorities` where you know them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from asr.types import Language
from prosody.types import EmotionLevel
from routing.desk.scenario import Kind
from routing.policy.facts import Facts
from routing.policy.rules import Policy, decide
from routing.terms import Grade, RouteTarget

TURNS: Final = 3
"""After how many alike turns the decision is taken, so that rules that wait have their say."""


@dataclass(frozen=True, slots=True)
class Need:
    """One kind of caller: a name, the share of all, and the facts that a turn of theirs leaves."""

    name: str
    share: float
    facts: dict[str, Any]


NEEDS: Final = (
    Need("parcel", 0.45, {"intent": "logistics", "grade": Grade.SIMPLE, "confidence": 0.9}),
    Need("refund", 0.2, {"intent": "refund", "grade": Grade.COMPLEX, "confidence": 0.85}),
    Need("asks for a person", 0.15, {"intent": "unknown", "grade": Grade.SIMPLE, "asked_for_human": True}),
    Need("dissatisfied", 0.1, {"intent": "complaint", "grade": Grade.COMPLEX, "confidence": 0.9, "negative": 0.6}),
    Need("calm words, angry voice", 0.06, {"intent": "logistics", "emotion": EmotionLevel.UPSET}),
    Need("threatens", 0.04, {"intent": "complaint", "escalate": True, "negative": 1.0, "grade": Grade.URGENT}),
)


def kinds_by_policy(policy: Policy, needs: Sequence[Need] = NEEDS) -> tuple[tuple[Kind, ...], float]:
    """The kinds whom the policy sends to a human, with the priority it gives them, and their share of all callers."""
    kinds = []
    for need in needs:
        decision = None
        for turn in range(1, TURNS + 1):
            facts = replace(Facts(Language.ZH), turns=turn, **need.facts)
            decision = decide(policy, facts, decision)
        if decision is not None and decision.target is RouteTarget.HUMAN:
            kinds.append(Kind(share=need.share, priority=decision.priority))
    total = sum(need.share for need in needs)
    return tuple(kinds), sum(kind.share for kind in kinds) / total
