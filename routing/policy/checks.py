"""What a JSON schema cannot say of a policy: names that must exist, ids that must differ, bounds that must fit."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from asr.types import Language
from prosody.types import EmotionLevel
from routing.document import Document, DocumentPath, Problem, suggest
from routing.policy.facts import WEEKDAYS
from routing.terms import Channel, CollaborationMode, Grade
from routing.understanding.lexicon import CATEGORIES
from routing.understanding.taxonomy import load_taxonomy
from routing.understanding.utterances import UNKNOWN

SCHEMA_FILE: Final = Path(__file__).parent / "policy.schema.json"

KEYS: Final = frozenset("0123456789*#ABCD")
CLOSED: Final[dict[str, frozenset[str]]] = {
    "language": frozenset(Language),
    "channel": frozenset(Channel),
    "grade": frozenset(Grade),
    "emotion": frozenset(EmotionLevel),
    "sentiment": frozenset({*CATEGORIES, "positive", "urgent"}),
    "mode": frozenset(CollaborationMode),
    "weekday": frozenset(WEEKDAYS),
    "dtmf": KEYS,
}
"""Facts that have one of a few values, whatever the installation."""

PATTERNS: Final = frozenset({"called", "hours"})
"""Facts whose values the schema alone checks."""

LOADS: Final = ("waiting", "longest_wait_s", "agents", "free")
"""What a condition may ask of a queue besides whether it is open."""

OUTCOMES: Final = frozenset({"target", "priority", "queue", "skills", "announce", "hint"})
"""Actions of which a rule has at least one."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a policy may use.

    Attributes:
        intents: those that the classifier knows; `unknown` besides.
        queues: the desk's; None where any name is taken.
        skills: likewise.
    """

    intents: frozenset[str]
    queues: Collection[str] | None = None
    skills: Collection[str] | None = None

    @classmethod
    def known(
        cls,
        intents: Collection[str] | None = None,
        queues: Collection[str] | None = None,
        skills: Collection[str] | None = None,
    ) -> Names:
        """The names, with the intents that the classifier knows where none are given."""
        return cls(frozenset(intents if intents is not None else load_taxonomy()) | {UNKNOWN}, queues, skills)


@cache
def schema_text() -> str:
    """The JSON schema of policy files."""
    return SCHEMA_FILE.read_text(encoding="utf-8")


def find_problems(document: Document, names: Names) -> list[Problem]:
    """Everything that is wrong with a policy, in order of its lines; where its form is wrong, its form alone."""
    return document.violations(json.loads(schema_text())) or sorted(set(_problems(document, names)))


def texts(wanted: Any) -> list[str]:
    """One value or several as texts."""
    return [str(one) for one in (wanted if isinstance(wanted, list) else [wanted])]


def _problems(document: Document, names: Names) -> Iterator[Problem]:
    data = document.data
    tiers = data.get("tiers", {})
    for number, entry in enumerate(data.get("modes", ())):
        path: DocumentPath = ("modes", number, "when")
        yield from _condition_problems(document, path, entry["when"], names, tiers, of_mode=True)
    seen: dict[str, int] = {"start": document.line(("start",))}
    for number, rule in enumerate(data["rules"]):
        path = ("rules", number)
        line = document.line((*path, "id"))
        if rule["id"] in seen:
            yield document.problem((*path, "id"), f"the id {rule['id']} is taken (line {seen[rule['id']]}).")
        seen.setdefault(rule["id"], line)
        yield from _action_problems(document, (*path, "then"), rule["then"], names)
        yield from _condition_problems(document, (*path, "when"), rule["when"], names, tiers)


def _action_problems(document: Document, path: DocumentPath, then: dict[str, Any], names: Names) -> Iterator[Problem]:
    if not OUTCOMES & set(then):
        yield document.problem(path, "expected a target or a priority, or something to be told; there is neither.")
    for name in ("hold", "release"):
        if then.get(name) and "target" not in then:
            yield document.problem((*path, name), f"expected a target to {name}; there is none.")
    for name in ("queue", "skills"):
        if name in then and then.get("target") == "ai":
            yield document.problem((*path, name), "whom the AI serves waits in no queue.", "Leave it out.")
    if "queue" in then:
        yield from _name_problem(document, (*path, "queue"), then["queue"], "queue", names.queues)
    for skill in then.get("skills", {}):
        yield from _name_problem(document, (*path, "skills", skill), skill, "skill", names.skills)


def _name_problem(
    document: Document, path: DocumentPath, name: str, what: str, known: Collection[str] | None
) -> Iterator[Problem]:
    if known is not None and name not in known:
        yield document.problem(path, f"{name[:60]!r} is no {what} that exists.", suggest(name, known))


def _condition_problems(
    document: Document,
    path: DocumentPath,
    entry: dict[str, Any],
    names: Names,
    tiers: Collection[str],
    *,
    of_mode: bool = False,
) -> Iterator[Problem]:
    for name, wanted in entry.items():
        at = (*path, name)
        if name in ("all", "any", "not"):
            parts = [(at, wanted)] if name == "not" else [((*at, number), one) for number, one in enumerate(wanted)]
            for where, part in parts:
                yield from _condition_problems(document, where, part, names, tiers, of_mode=of_mode)
        elif name == "queue":
            yield from _queue_problems(document, at, wanted, names)
        elif name == "mode" and of_mode:
            yield document.problem(at, "what decides the mode cannot ask for it; that goes round in a circle.")
        elif name == "hours":
            for text in texts(wanted):
                if text[:5] == text[6:]:
                    yield document.problem(at, f"nothing lies between {text[:5]} and {text[6:]}.")
        elif isinstance(wanted, dict):
            yield from _bound_problems(document, at, wanted)
        elif not isinstance(wanted, bool) and name not in PATTERNS:
            known = tiers if name == "tier" else CLOSED.get(name, names.intents)
            for number, text in enumerate(texts(wanted)):
                if text not in known:
                    where = (*at, number) if isinstance(wanted, list) else at
                    fix = suggest(text, known) or "List it under tiers, with the addresses of its callers."
                    yield document.problem(where, f"{text[:60]!r} is no {name} that exists.", fix)


def _queue_problems(document: Document, path: DocumentPath, wanted: dict[str, Any], names: Names) -> Iterator[Problem]:
    if "name" in wanted:
        yield from _name_problem(document, (*path, "name"), wanted["name"], "queue", names.queues)
    if set(wanted) == {"name"}:
        yield document.problem(path, f"expected what the queue shall be: open, {', '.join(LOADS)}; there is nothing.")
    for name in LOADS:
        if name in wanted:
            yield from _bound_problems(document, (*path, name), wanted[name])


def _bound_problems(document: Document, path: DocumentPath, bounds: dict[str, float]) -> Iterator[Problem]:
    low = max((bounds[name] for name in ("above", "at_least") if name in bounds), default=None)
    high = min((bounds[name] for name in ("below", "at_most") if name in bounds), default=None)
    if low is not None and high is not None:
        open_ended = bounds.get("above") == low or bounds.get("below") == high
        if low > high or (low == high and open_ended):
            yield document.problem(path, f"nothing lies between {low} and {high}.", "Swap the two bounds.")
    if "until" not in bounds:
        return
    if (low is None) == (high is None):
        yield document.problem((*path, "until"), "expected exactly one bound beside it, lower or upper.")
    elif (low is not None and bounds["until"] >= low) or (high is not None and bounds["until"] <= high):
        side = f"below {low}" if low is not None else f"above {high}"
        yield document.problem((*path, "until"), f"expected a looser bound, {side}; got {bounds['until']}.")
