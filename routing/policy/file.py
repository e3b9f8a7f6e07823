"""Policy files: read, checked and compiled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from routing.desk.config import DeskConfig
from routing.desk.terms import SkillLevel
from routing.document import Document, read, read_file
from routing.policy.checks import LOADS, Names, find_problems, texts
from routing.policy.conditions import (
    AllOf,
    Always,
    AnyOf,
    Bounds,
    Condition,
    DuringHours,
    Like,
    Not,
    OneOf,
    QueueIs,
    Within,
)
from routing.policy.rules import AT_ONCE, FOR_GOOD, Effect, ModeRule, Policy, PriorityEffect, Rule, Stretch
from routing.terms import CollaborationMode, RouteTarget, Wording
from voice.contracts.errors import PolicyError

FOLDER: Final = Path(__file__).parent
DEFAULT_POLICY: Final = FOLDER / "default.yaml"
"""The policy that ships."""

EXAMPLE_POLICY: Final = FOLDER / "bank.yaml"
"""A policy for another business, to be read and taken over from."""

ANNOUNCEMENTS: Final = "announcements"
"""The folder beside a policy file with what was recorded for its announcements: `zh/RULE.wav`, `en/RULE.wav`."""


def load_policy(
    path: Path = DEFAULT_POLICY, *, intents: Collection[str] | None = None, desk: DeskConfig | None = None
) -> Policy:
    """Read and check a policy file.

    Args:
        path: the file; the one that ships if left out.
        intents: intents that conditions may name; those that the classifier knows if left out.
        desk: the desk whose queues and skills may be named; any name is taken if left out.

    Raises:
        PolicyError: names line and field of what is wrong, says what was expected and what came.
    """
    return compile_policy(read_file(path, error=PolicyError), names_of(desk, intents))


def read_policy(
    text: str | bytes,
    *,
    name: str = "policy",
    intents: Collection[str] | None = None,
    desk: DeskConfig | None = None,
) -> Policy:
    """Read and check a policy from text; see `load_policy`.

    Raises:
        PolicyError: names line and field of what is wrong.
    """
    return compile_policy(read(text, name=name, error=PolicyError), names_of(desk, intents))


def names_of(desk: DeskConfig | None, intents: Collection[str] | None = None) -> Names:
    """The names that a policy may use beside this desk; any queue and skill where there is none."""
    return Names.known(intents, None if desk is None else desk.queues, None if desk is None else desk.skills)


def compile_policy(document: Document, names: Names) -> Policy:
    """Check a document against the schema and beyond it, and make a policy of it.

    Raises:
        PolicyError: names line and field of what is wrong.
    """
    document.refuse(find_problems(document, names))
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
        tiers={name: tuple(callers) for name, callers in data.get("tiers", {}).items()},
        modes=tuple(
            ModeRule(CollaborationMode(entry["mode"]), _condition(entry["when"], f"modes/{number}"))
            for number, entry in enumerate(data.get("modes", ()))
        ),
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
        hold=_hold(then.get("hold", False)),
        release=then.get("release", False),
        after=_after(entry.get("after", 1)),
        queue=then.get("queue"),
        skills=tuple(SkillLevel(name, level) for name, level in sorted(then.get("skills", {}).items())),
        announce=Wording(**then["announce"]) if "announce" in then else None,
        hint=Wording(**then["hint"]) if "hint" in then else None,
    )


def _hold(wanted: bool | dict[str, Any]) -> Stretch | None:
    if isinstance(wanted, bool):
        return FOR_GOOD if wanted else None
    return Stretch(wanted.get("turns", 0), float(wanted.get("seconds", 0)))


def _after(wanted: int | dict[str, Any]) -> Stretch:
    if isinstance(wanted, int):
        return AT_ONCE if wanted == 1 else Stretch(turns=wanted)
    return Stretch(wanted.get("turns", 0), float(wanted.get("seconds", 0)))


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
        case "hours":
            return DuringHours(tuple((_minutes(text[:5]), _minutes(text[6:])) for text in texts(wanted)))
        case "called":
            return Like(name, tuple(texts(wanted)))
        case "queue":
            parts = tuple((one, Bounds(**wanted[one])) for one in LOADS if one in wanted)
            return QueueIs(wanted.get("name"), key, wanted.get("open"), parts)
        case _ if isinstance(wanted, dict):
            return Within(name, key, Bounds(**wanted))
        case _ if isinstance(wanted, bool):
            return OneOf(name, frozenset({wanted}))
        case _:
            return OneOf(name, frozenset(texts(wanted)))


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
