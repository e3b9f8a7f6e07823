"""Facts as a call's log has them, and back: a decision can be explained and made again from the log alone.

Only what is not at its usual value is written. What the caller's address and the language say stands in the event that
began the call, and is taken from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, asdict, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from asr.types import Language
from prosody.types import EmotionLevel
from routing.events import CallStarted
from routing.policy.facts import OF_TURN, Facts, QueueLoad
from routing.service_events import FactFound
from routing.terms import CollaborationMode, Grade
from voice.contracts.audio import SegmentId
from voice.contracts.errors import EventError

_OF_CALL: Final = frozenset({"language", "channel", "caller", "called"})
_INNER: Final = frozenset({"evidence", "asked", "course"})

_USUAL: Final = MappingProxyType(
    {
        field.name: field.default if field.default is not MISSING else None
        for field in fields(Facts)
        if field.name not in _OF_CALL | _INNER
    }
)
"""Facts that are written, and what they are unless they are written."""


def _read_queues(value: Any) -> tuple[QueueLoad, ...]:
    return tuple(QueueLoad(**one) for one in value)


_READ: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "grade": Grade,
        "emotion": EmotionLevel,
        "mode": CollaborationMode,
        "sentiment": frozenset,
        "local_time": datetime.fromisoformat,
        "queues": _read_queues,
    }
)
"""How those are read that JSON has no type for; the others are numbers, truths and texts."""

_PLAIN: Final[Mapping[str, tuple[type, ...]]] = MappingProxyType(
    dict.fromkeys(("tier", "intent", "dtmf", "grade", "emotion", "mode", "local_time"), (str,))
    | dict.fromkeys(("sentiment", "queues"), (list,))
    | dict.fromkeys(("escalate", "asked_for_human"), (bool,))
    | dict.fromkeys(("turns", "negative_turns", "unclear_turns", "repetition"), (int,))
)
"""What JSON has for a fact; the others are numbers."""


def tell_facts(facts: Facts) -> tuple[FactFound, ...]:
    """The facts that are not at their usual value, and those that rest on segments of their own."""
    found = []
    for name, usual in _USUAL.items():
        value, evidence = getattr(facts, name), facts.evidence.get(name, ())
        if value != usual or (evidence and name not in OF_TURN):
            found.append(FactFound(name, _as_json(value), evidence))
    return tuple(found)


def read_facts(started: CallStarted, found: Iterable[FactFound]) -> Facts:
    """The facts of a decision, as `tell_facts` wrote them.

    Raises:
        EventError: a value is not one of its fact; facts that a newer Warmline knows are passed over.
    """
    values: dict[str, Any] = {}
    evidence: dict[str, tuple[SegmentId, ...]] = {}
    for one in found:
        if one.fact not in _USUAL:
            continue
        evidence[one.fact] = one.evidence
        values[one.fact] = _from_json(one)
    for name in OF_TURN:
        evidence.setdefault(name, evidence.get("turns", ()))
    return Facts(
        language=Language(started.language),
        channel=started.channel,
        caller=started.caller,
        called=started.called,
        evidence={name: segments for name, segments in evidence.items() if segments},
        **values,
    )


def _as_json(value: object) -> str:
    match value:
        case frozenset():
            plain: object = sorted(value)
        case datetime():
            plain = value.isoformat(timespec="seconds")
        case tuple():
            plain = [asdict(one) for one in value]
        case _:
            plain = value
    return json.dumps(plain, ensure_ascii=False)


def _from_json(found: FactFound) -> Any:
    kinds = _PLAIN.get(found.fact, (int, float))
    try:
        value = json.loads(found.value)
        if value is None and _USUAL[found.fact] is None:
            return None
        if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
            return _READ.get(found.fact, lambda plain: plain)(value)
    except (ValueError, TypeError) as broken:
        raise EventError(f"decision.made: {found.value[:60]!r} is no value of {found.fact}.") from broken
    raise EventError(f"decision.made: {found.value[:60]!r} is no value of {found.fact}.")
