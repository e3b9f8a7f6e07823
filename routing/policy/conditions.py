"""Conditions over the facts of a call: what holds, and which facts made it hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from routing.policy.facts import Facts

FactNames: TypeAlias = frozenset[str]
NOTHING: FactNames = frozenset()

Minutes: TypeAlias = tuple[int, int]
"""From and until in minutes since local midnight, half open; an end at or before the start is on the next day."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the facts: what was latched before, and what is latched now."""

    facts: Facts
    before: frozenset[str] = frozenset()
    now: set[str] = field(default_factory=set)


class Condition(Protocol):
    """Something that holds or does not.

    `match` answers the facts that made it hold, or None where it does not. Every part is looked at each time, because
    a part with hysteresis has to follow its fact even while the whole cannot hold.
    """

    def match(self, look: Look) -> FactNames | None:
        """The facts that made it hold; None where it does not."""
        ...


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every part does."""

    parts: tuple[Condition, ...]

    def match(self, look: Look) -> FactNames | None:
        """The facts of all parts."""
        found = [part.match(look) for part in self.parts]
        held = [names for names in found if names is not None]
        return NOTHING.union(*held) if len(held) == len(found) else None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one part does."""

    parts: tuple[Condition, ...]

    def match(self, look: Look) -> FactNames | None:
        """The facts of the parts that hold."""
        held = [names for names in [part.match(look) for part in self.parts] if names is not None]
        return NOTHING.union(*held) if held else None


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not; what did not happen rests on no segment."""

    part: Condition

    def match(self, look: Look) -> FactNames | None:
        """No facts."""
        return NOTHING if self.part.match(look) is None else None


@dataclass(frozen=True, slots=True)
class Always:
    """Holds."""

    def match(self, look: Look) -> FactNames | None:  # noqa: ARG002  the protocol's signature
        """No facts."""
        return NOTHING


@dataclass(frozen=True, slots=True)
class OneOf:
    """Holds where a fact has one of the values, or has several and one is among them; what is not known has none."""

    fact: str
    values: frozenset[str | bool]

    def match(self, look: Look) -> FactNames | None:
        """The fact."""
        value = getattr(look.facts, self.fact)
        holds = bool(value & self.values) if isinstance(value, frozenset) else value in self.values
        return frozenset({self.fact}) if holds else None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a number has to lie; `above` and `below` are strict, the others are not.

    Attributes:
        until: hysteresis: having held, it goes on holding while the number lies beyond this (looser) bound.
    """

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    until: float | None = None

    @property
    def rising(self) -> bool:
        """Whether there is a lower bound."""
        return self.above is not None or self.at_least is not None

    def hold(self, value: float, *, latched: bool) -> bool:
        """Whether the number lies there, or, having lain there, lies near enough."""
        inside = (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )
        return inside or (latched and self._still(value))

    def _still(self, value: float) -> bool:
        if self.until is None:
            return False
        return value > self.until if self.rising else value < self.until


@dataclass(frozen=True, slots=True)
class Within:
    """Holds where a number lies within bounds.

    Attributes:
        key: names this condition within its policy, for `Memory.latched`.
    """

    fact: str
    key: str
    bounds: Bounds

    def match(self, look: Look) -> FactNames | None:
        """The fact."""
        value = getattr(look.facts, self.fact)
        return frozenset({self.fact}) if _lies(value, self.bounds, self.key, look) else None


@dataclass(frozen=True, slots=True)
class Like:
    """Holds where an address is like one of the patterns; a star at an end stands for anything."""

    fact: str
    patterns: tuple[str, ...]

    def match(self, look: Look) -> FactNames | None:
        """The fact."""
        text = getattr(look.facts, self.fact)
        return frozenset({self.fact}) if any(is_like(text, pattern) for pattern in self.patterns) else None


@dataclass(frozen=True, slots=True)
class DuringHours:
    """Holds where the time of day lies in one of the stretches."""

    stretches: tuple[Minutes, ...]

    def match(self, look: Look) -> FactNames | None:
        """The local time."""
        minute = look.facts.minute
        if minute is None:
            return None
        inside = any(
            begin <= minute < end if begin < end else (minute >= begin or minute < end) for begin, end in self.stretches
        )
        return frozenset({"local_time"}) if inside else None


@dataclass(frozen=True, slots=True)
class QueueIs:
    """Holds where a queue is as busy as every part says; a queue of which nothing is known is not.

    Attributes:
        queue: its name; None for the desk's default queue.
        key: names this condition within its policy, for `Memory.latched`.
        open: whether it has to be open, or closed; None for either.
        parts: what of it has to lie where.
    """

    queue: str | None
    key: str
    open: bool | None = None
    parts: tuple[tuple[str, Bounds], ...] = ()

    def match(self, look: Look) -> FactNames | None:
        """The queues."""
        load = look.facts.load(self.queue)
        if load is None:
            return None
        held = [_lies(getattr(load, name), bounds, f"{self.key}/{name}", look) for name, bounds in self.parts]
        is_open = self.open is None or load.open is self.open
        return frozenset({"queues"}) if is_open and all(held) else None


def _lies(value: float | None, bounds: Bounds, key: str, look: Look) -> bool:
    if value is None or not bounds.hold(value, latched=key in look.before):
        return False
    if bounds.until is not None:
        look.now.add(key)
    return True


def is_like(text: str, pattern: str) -> bool:
    """Whether an address is like a pattern: equal, or, where a star stands at an end, beginning or ending so."""
    bare = pattern.strip("*")
    match pattern.startswith("*"), pattern.endswith("*"):
        case True, True:
            return bare in text
        case True, False:
            return text.endswith(bare)
        case False, True:
            return text.startswith(bare)
        case _:
            return text == pattern
