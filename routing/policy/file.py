"""Policy files: read, checked and compiled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from asr.types import Language
from prosody.types import EmotionLevel
from routing.document import Document, DocumentPath, Problem, read, read_file, suggest
from routing.policy.rules import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    Effect,
    Not,
    OneOf,
    Policy,
    PriorityEffect,
    Rule,
    Within,
)
from routing.terms import Grade, RouteTarget, Wording
from routing.understanding.taxonomy import load_taxonomy
from routing.understanding.utterances import UNKNOWN
from voice.contracts.errors import PolicyError

FOLDER: Final = Path(__file__).parent
DEFAULT_POLICY: Final = FOLDER / "default.yaml"
"""The policy that ships."""

KEYS: Final = frozenset("0123456789*#ABCD")
CLOSED: Final = {
    "language": frozenset(Language),
    "grade": frozenset(Grade),
    "emotion": frozenset(EmotionLevel),
    "dtmf": KEYS,
}


def load_policy(path: Path = DEFAULT_POLICY, *, intents: Collection[str] | None = None) -> Policy:
    """Read and check a policy file.

    Args:
        path: the file; the one that ships if left out.
        intents: intents that conditions may name; those that the classifier knows if left out.

    Raises:
        PolicyError: names line and field of what is wrong, says what was expected and what came.
    """
    return compile_policy(read_file(path, error=PolicyError), intents=intents)


def read_policy(text: str | bytes, *, name: str = "policy", intents: Collection[str] | None = None) -> Policy:
    """Read and check a policy from text; see `load_policy`.

    Raises:
        PolicyError: names line and field of what is wrong.
    """
    return compile_policy(read(text, name=name, error=PolicyError), intents=intents)


def compile_policy(document: Document, *, intents: Collection[str] | None = None) -> Policy:
    """Check a document against the schema and beyond it, and make a policy of it.

    Raises:
        PolicyError: names line and field of what is wrong.
    """
    document.check(json.loads((FOLDER / "policy.schema.json").read_text(encoding="utf-8")))
    known = frozenset(intents if intents is not None else load_taxonomy()) | {UNKNOWN}
    document.refuse(_problems(document, known))
    data = document.data
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Policy(
        version=f"{data['version']}+{hashlib.sha256(canonical.encode()).hexdigest()[:8]}",
        title=Wording(**data["title"]),
        start=Rule(
            id="start",
            when=Always(),
            reason=Wording(**data["start"]["reason"]),
            target=RouteTarget(data["start"]["target"]),
            priority=PriorityEffect(Effect.SET, data["start"]["priority"]),
        ),
        rules=tuple(_rule(entry) for entry in data["rules"]),
    )


def _rule(entry: dict[str, Any]) -> Rule:
    then = entry["then"]
    effect = next(iter(then["priority"].items())) if "priority" in then else None
    return Rule(
        id=entry["id"],
        when=_condition(entry["when"], entry["id"]),
        reason=Wording(**entry["reason"]),
        target=RouteTarget(then["target"]) if "target" in then else None,
        priority=PriorityEffect(Effect(effect[0]), effect[1]) if effect else None,
        hold=then.get("hold", False),
        release=then.get("release", False),
        after=entry.get("after", 1),
    )


def _condition(entry: dict[str, Any], key: str) -> Condition:
    parts = tuple(_part(name, wanted, f"{key}/{name}") for name, wanted in entry.items())
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _part(name: str, wanted: Any, key: str) -> Condition:
    match name:
        case "all":
            return AllOf(tuple(_condition(one, f"{key}/{number}") for number, one in enumerate(wanted)))
        case "any":
            return AnyOf(tuple(_condition(one, f"{key}/{number}") for number, one in enumerate(wanted)))
        case "not":
            return Not(_condition(wanted, key))
        case "always":
            return Always()
        case _ if isinstance(wanted, dict):
            return Within(name, key, **wanted)
        case _ if isinstance(wanted, bool):
            return OneOf(name, frozenset({wanted}))
        case _:
            return OneOf(name, frozenset(_texts(wanted)))


def _texts(wanted: Any) -> list[str]:
    return [str(one) for one in (wanted if isinstance(wanted, list) else [wanted])]


def _problems(document: Document, intents: frozenset[str]) -> Iterator[Problem]:
    """What a schema cannot say: names that must exist, ids that must differ, bounds that must fit together."""
    seen: dict[str, int] = {"start": document.line(("start",))}
    for number, rule in enumerate(document.data["rules"]):
        path: DocumentPath = ("rules", number)
        line = document.line((*path, "id"))
        if rule["id"] in seen:
            yield document.problem((*path, "id"), f"the id {rule['id']} is taken (line {seen[rule['id']]}).")
        seen.setdefault(rule["id"], line)
        then = rule["then"]
        if not {"target", "priority"} & set(then):
            yield document.problem((*path, "then"), "expected a target or a priority; there is neither.")
        for name in ("hold", "release"):
            if then.get(name) and "target" not in then:
                yield document.problem((*path, "then", name), f"expected a target to {name}; there is none.")
        yield from _condition_problems(document, (*path, "when"), rule["when"], intents)


def _condition_problems(
    document: Document, path: DocumentPath, entry: dict[str, Any], intents: frozenset[str]
) -> Iterator[Problem]:
    for name, wanted in entry.items():
        at = (*path, name)
        if name in ("all", "any"):
            for number, one in enumerate(wanted):
                yield from _condition_problems(document, (*at, number), one, intents)
        elif name == "not":
            yield from _condition_problems(document, at, wanted, intents)
        elif isinstance(wanted, dict):
            yield from _bound_problems(document, at, wanted)
        elif not isinstance(wanted, bool):
            known = CLOSED.get(name, intents)
            for number, text in enumerate(_texts(wanted)):
                if text not in known:
                    where = (*at, number) if isinstance(wanted, list) else at
                    yield document.problem(where, f"{text[:60]!r} is no {name} that exists.", suggest(text, known))


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
