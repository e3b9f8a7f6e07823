"""Decisions as people and programs read them: why they fell so, and what another policy would have decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console as Terminal
from rich.markup import escape
from rich.table import Table

from routing.events import KeyPointFound, Stamped, TranscriptFinal
from routing.policy.course import Difference, Effects
from routing.policy.decision import Decision
from routing.policy.explanation import Explained, Finding, RuleFinding, Shape
from routing.service_events import DecisionMade
from routing.terms import KeyPointTag, RouteTarget
from voice.contracts.audio import CallId, Samples, SegmentId, to_ms, to_s

TARGETS: Final = {RouteTarget.AI: "AI", RouteTarget.HUMAN: "人工 human"}

EFFECTS: Final = {
    "calls": "通话 / calls",
    "calls_changed": "有变化的通话 / calls changed",
    "decisions": "决策 / decisions",
    "decisions_changed": "有变化的决策 / decisions changed",
    "to_human": "会转到人工（原未转） / would reach a person, did not",
    "to_ai": "会留在智能客服（原转人工） / would stay with the AI, did not",
    "sooner": "更早转人工 / a person sooner",
    "later": "更晚转人工 / a person later",
    "more_urgent": "最高优先级更高 / higher highest priority",
    "less_urgent": "最高优先级更低 / lower highest priority",
}


class Words:
    """What was said in a call, and which of it tells of mood or wish."""

    def __init__(self, log: Iterable[Stamped]) -> None:
        self._texts: dict[SegmentId, str] = {}
        self._marked: dict[SegmentId, list[str]] = {}
        for stamped in log:
            match stamped.event:
                case TranscriptFinal(segment=segment, text=text):
                    self._texts[segment] = text
                case KeyPointFound(segment=segment, tag=KeyPointTag.SENTIMENT | KeyPointTag.REQUEST, text=text):
                    self._marked.setdefault(segment, []).append(text)
                case _:
                    pass

    def text(self, segment: SegmentId | None) -> str:
        """What was said in a segment; empty for none."""
        return "" if segment is None else self._texts.get(segment, "")

    def describe(self, segments: Iterable[SegmentId]) -> list[dict[str, Any]]:
        """The segments with what was said in them, and the words that tell."""
        return [{"segment": one, "text": self.text(one), "words": self._telling(one)} for one in segments]

    def _telling(self, segment: SegmentId) -> list[str]:
        """The longest of the marked words: 太差 is part of 真的太差."""
        marked = list(dict.fromkeys(self._marked.get(segment, ())))
        return [one for one in marked if not any(one != other and one in other for other in marked)]


def describe_explained(call: CallId, log: Sequence[Stamped], explained: Sequence[Explained]) -> dict[str, Any]:
    """The explained decisions of a call as plain data."""
    words = Words(log)
    return {"call": call, "decisions": [_decision(one, words) for one in explained]}


def _decision(one: Explained, words: Words) -> dict[str, Any]:
    made, decision = one.taken.made, one.decision
    return {
        "seq": one.taken.seq,
        "at_ms": to_ms(one.taken.at),
        "segment": made.segment,
        "text": words.text(made.segment),
        "target": made.target.value,
        "priority": made.priority,
        "policy_version": made.policy_version,
        "explained_by": decision.policy_version,
        "same": one.same,
        "changed": one.taken.route is not None or one.taken.priority is not None,
        "route": _ruling(decision, words, urgency=False),
        "urgency": _ruling(decision, words, urgency=True),
        "rules": [_rule(rule, words) for rule in one.rules],
        "nearly": [_rule(rule, words) for rule in one.nearly],
        "facts": {fact.fact: json.loads(fact.value) for fact in made.facts},
    }


def _ruling(decision: Decision, words: Words, *, urgency: bool) -> dict[str, Any]:
    why = decision.urgency if urgency else decision.route
    outcome: dict[str, Any] = {"priority": decision.priority} if urgency else {"target": decision.target.value}
    if not urgency:
        outcome |= {"queue": decision.queue, "skills": {one.name: one.level for one in decision.skills}}
    return {**outcome, "rule": why.rule, "reason": asdict(why.reason), "evidence": words.describe(why.evidence)}


def _rule(one: RuleFinding, words: Words) -> dict[str, Any]:
    return {
        "rule": one.rule.id,
        "reason": asdict(one.rule.reason),
        "waits": one.waits,
        "turns": one.turns,
        "condition": _finding(one.finding, words),
    }


def _finding(one: Finding, words: Words) -> dict[str, Any]:
    if one.shape is not Shape.FACT:
        return {"shape": one.shape.value, "holds": one.holds, "parts": [_finding(part, words) for part in one.parts]}
    return {
        "shape": one.shape.value,
        "wanted": one.wanted,
        "found": one.found,
        "holds": one.holds,
        "close": one.close,
        "evidence": words.describe(one.evidence),
    }


def show_explained(
    terminal: Terminal,
    call: CallId,
    log: Sequence[Stamped],
    explained: Sequence[Explained],
    version: str,
    *,
    everything: bool,
) -> None:
    """Print why the decisions of a call fell as they did."""
    words = Words(log)
    terminal.print(f"\n[bold]{escape(call)}[/] [dim]{len(explained)} 次决策 / decisions, policy {version}[/]")
    for one in explained:
        made, decision = one.taken.made, one.decision
        if not everything and one.taken.route is None and one.taken.priority is None and one.same:
            continue
        said = escape(words.text(made.segment)) or (
            f"按键 / key {one.taken.facts.dtmf}" if one.taken.facts.dtmf else ""
        )
        terminal.print(f"[dim]{_clock(one.taken.at)}[/] [bold]“{said}”[/]", highlight=False, soft_wrap=True)
        queue = f", 队列 / queue {escape(decision.queue)}" if decision.queue else ""
        terminal.print(
            f"  → [bold yellow]{TARGETS[made.target]}[/], 优先级 / priority {one.before} → {made.priority}{queue}",
            highlight=False,
        )
        if decision.policy_version != version:
            terminal.print(f"  [dim]策略 / policy {escape(decision.policy_version)}[/]", highlight=False)
        if not one.same:
            took_part = ", ".join(made.rules) or "-"
            terminal.print(
                f"  [red]不同 / differs[/]: 当时策略 / decided by {made.policy_version} ({took_part}); "
                f"本策略 / this policy: {TARGETS[decision.target]}, {decision.priority}",
                highlight=False,
            )
        for rule in one.rules:
            _show_rule(terminal, rule, words, _roles(rule, decision))
        for rule in one.nearly:
            _show_rule(terminal, rule, words, "[dim]差一点 / nearly[/]")
        if everything:
            facts = "; ".join(f"{fact.fact} {fact.value}" for fact in made.facts)
            terminal.print(f"    [dim]{escape(facts)}[/]", highlight=False, soft_wrap=True)


def _roles(rule: RuleFinding, decision: Decision) -> str:
    roles = [
        name
        for name, why in (("路由 route", decision.route), ("优先级 priority", decision.urgency))
        if why.rule == rule.rule.id
    ]
    return f"[green]{' + '.join(roles)}[/]" if roles else "[dim]也符合 / held too[/]"


def _show_rule(terminal: Terminal, one: RuleFinding, words: Words, role: str) -> None:
    reason = one.rule.reason
    terminal.print(
        f"    [cyan]{one.rule.id}[/] {role}: {escape(reason.zh)} / {escape(reason.en)}", highlight=False, soft_wrap=True
    )
    if one.waits:
        terminal.print(f"      … 已连续 / held for {one.turns} 轮 / turns, 还不够 / not yet enough", highlight=False)
    _show_finding(terminal, one.finding, words, 3)


def _show_finding(terminal: Terminal, one: Finding, words: Words, depth: int) -> None:
    indent, mark = "  " * depth, "[green]✓[/]" if one.holds else "[red]✗[/]"
    if one.shape is not Shape.FACT:
        if len(one.parts) > 1 or one.shape is Shape.NOT:
            terminal.print(f"{indent}{mark} {one.shape.value}", highlight=False)
        for part in one.parts:
            _show_finding(terminal, part, words, depth + 1)
        return
    quoted = [
        "、".join(entry["words"]) or entry["text"]
        for entry in words.describe(one.evidence)
        if one.holds and entry["text"]
    ]
    evidence = f" [dim]← {escape(' | '.join(f'“{quote}”' for quote in quoted))}[/]" if quoted else ""
    found = f" [dim](found {escape(one.found)})[/]" if one.found else ""
    terminal.print(f"{indent}{mark} {escape(one.wanted)}{found}{evidence}", highlight=False, soft_wrap=True)


def describe_differences(call: CallId, differences: Sequence[Difference]) -> dict[str, Any]:
    """What another policy would have decided in a call, as plain data."""
    return {
        "call": call,
        "changed": any(one.changed for one in differences),
        "decisions": [
            {
                "seq": one.taken.seq,
                "at_ms": to_ms(one.taken.at),
                "segment": one.taken.made.segment,
                "changed": one.changed,
                "was": _was(one.taken.made, one.taken.queue),
                "would_be": _would_be(one.other),
            }
            for one in differences
        ],
    }


def _was(made: DecisionMade, queue: str | None) -> dict[str, Any]:
    return {
        "target": made.target.value,
        "priority": made.priority,
        "queue": queue,
        "rules": list(made.rules),
        "policy_version": made.policy_version,
    }


def _would_be(other: Decision) -> dict[str, Any]:
    return {
        "target": other.target.value,
        "priority": other.priority,
        "queue": other.queue,
        "rules": list(other.matched),
        "reason": asdict(other.route.reason),
    }


def show_differences(terminal: Terminal, call: CallId, differences: Sequence[Difference]) -> None:
    """Print the decisions of a call that would have been others."""
    changed = [one for one in differences if one.changed]
    if not changed:
        return
    terminal.print(f"[bold]{escape(call)}[/] {len(changed)} / {len(differences)}", highlight=False)
    for one in changed:
        made, other = one.taken.made, one.other
        terminal.print(
            f"  [dim]{_clock(one.taken.at)}[/] {TARGETS[made.target]} {made.priority}{_queue(one.taken.queue)} → "
            f"[bold]{TARGETS[other.target]} {other.priority}{_queue(other.queue)}[/] "
            f"[dim]{escape(', '.join(other.matched) or '-')}[/]",
            highlight=False,
            soft_wrap=True,
        )


def show_effects(terminal: Terminal, effects: Effects, version: str) -> None:
    """Print what another policy would have changed in sum."""
    table = Table("", "", title=f"{escape(version)}", show_header=False)
    figures: Mapping[str, int] = asdict(effects)
    for name, label in EFFECTS.items():
        table.add_row(label, str(figures[name]))
    terminal.print(table)


def _queue(queue: str | None) -> str:
    return f" ({escape(queue)})" if queue else ""


def _clock(at: Samples) -> str:
    minutes, seconds = divmod(to_s(at), 60)
    return f"{int(minutes):02}:{seconds:04.1f}"
