"""Desk files: read, checked, and made into a `DeskConfig`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from asr.types import Language
from routing.desk.config import NEWCOMER, CallbackTerms, DeskConfig, Overflow, Queue
from routing.desk.hours import Hours, Minutes, SpecialDay
from routing.desk.terms import MAX_ID, AgentId, AgentProfile, QueueId, SkillLevel, Skills, Strategy
from routing.document import Document, DocumentPath, Problem, read, read_file, suggest
from routing.terms import HandoverReturn, Wording
from voice.contracts.errors import DeskConfigError

FOLDER: Final = Path(__file__).parent
DEFAULT_DESK: Final = FOLDER / "default.yaml"
"""The desk that ships."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_NUMBERS: Final = (
    "priority",
    "ageing",
    "match_language",
    "offer_timeout_s",
    "connect_timeout_s",
    "wrap_up_s",
    "sticky_s",
    "reoffer_after_s",
    "rest_after_no_answer",
    "announce_s",
    "expected_handle_s",
    "target_s",
)


def load_desk(path: Path = DEFAULT_DESK, *, zone: tzinfo = UTC) -> DeskConfig:
    """Read and check a desk file.

    Args:
        path: the file; the one that ships if left out.
        zone: where the business is; opening hours that name no zone of their own are meant by its clocks.

    Raises:
        DeskConfigError: names line and field of what is wrong, says what was expected and what came.
    """
    return compile_desk(read_file(path, error=DeskConfigError), zone=zone)


def read_desk(text: str | bytes, *, name: str = "desk", zone: tzinfo = UTC) -> DeskConfig:
    """Read and check a desk from text; see `load_desk`.

    Raises:
        DeskConfigError: names line and field of what is wrong.
    """
    return compile_desk(read(text, name=name, error=DeskConfigError), zone=zone)


def compile_desk(document: Document, *, zone: tzinfo = UTC) -> DeskConfig:
    """Check a document against the schema and beyond it, and make a desk's set-up of it.

    Raises:
        DeskConfigError: names line and field of what is wrong.
    """
    document.check(json.loads((FOLDER / "desk.schema.json").read_text(encoding="utf-8")))
    document.refuse(_problems(document))
    data = document.data
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    hours = {name: _hours(entry, zone) for name, entry in data.get("hours", {}).items()}
    return DeskConfig(
        version=f"{data['version']}+{hashlib.sha256(canonical.encode()).hexdigest()[:8]}",
        title=Wording(**data["title"]),
        default_queue=QueueId(data["default_queue"]),
        skills={name: Wording(**wording) for name, wording in data.get("skills", {}).items()},
        queues={QueueId(name): _queue(QueueId(name), entry, hours) for name, entry in data["queues"].items()},
        agents={AgentId(name): _agent(entry) for name, entry in data.get("agents", {}).items()},
        newcomer=_agent(data["newcomer"]) if "newcomer" in data else NEWCOMER,
        lease_s=float(data.get("lease_s", 60)),
    )


def _queue(name: QueueId, entry: dict[str, Any], hours: Mapping[str, Hours]) -> Queue:
    given: dict[str, Any] = {key: entry[key] for key in _NUMBERS if key in entry}
    if "strategy" in entry:
        given["strategy"] = Strategy(entry["strategy"])
    if "after_failure" in entry:
        given["after_failure"] = HandoverReturn(entry["after_failure"])
    if "callback" in entry:
        given["callback"] = CallbackTerms(**entry["callback"])
    steps = sorted(entry.get("overflow", ()), key=lambda step: float(step["after_s"]))
    return Queue(
        id=name,
        title=Wording(**entry["title"]),
        skills=_skills(entry.get("skills", {})),
        hours=hours[entry["hours"]] if "hours" in entry else None,
        overflow=tuple(Overflow(float(step["after_s"]), QueueId(step["queue"])) for step in steps),
        **given,
    )


def _agent(entry: dict[str, Any]) -> AgentProfile:
    languages = tuple(Language(one) for one in entry.get("languages", ("zh", "en")))
    return AgentProfile(entry.get("name", ""), _skills(entry.get("skills", {})), languages, entry.get("capacity", 1))


def _skills(levels: dict[str, int]) -> Skills:
    return tuple(SkillLevel(name, level) for name, level in sorted(levels.items()))


def _hours(entry: dict[str, Any], zone: tzinfo) -> Hours:
    days = {
        date.fromisoformat(day["date"]): SpecialDay(Wording(**day["name"]), _times(day.get("open", ())))
        for day in entry.get("days", ())
    }
    return Hours(
        zone=ZoneInfo(entry["time_zone"]) if "time_zone" in entry else zone,
        week=tuple(_times(entry["week"].get(day, ())) for day in WEEKDAYS),
        special=days,
    )


def _times(texts: Any) -> tuple[Minutes, ...]:
    return tuple((_minutes(text[:5]), _minutes(text[6:])) for text in texts)


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _problems(document: Document) -> Iterator[Problem]:
    """What a schema cannot say: names that must exist, dates and zones that must be real, overflow that must end."""
    data = document.data
    queues, skills, hours = data["queues"], data.get("skills", {}), data.get("hours", {})
    if data["default_queue"] not in queues:
        yield _unknown(document, ("default_queue",), "queue", queues)
    for name, queue in queues.items():
        at: DocumentPath = ("queues", name)
        yield from _skill_problems(document, at, queue, skills)
        if "hours" in queue and queue["hours"] not in hours:
            yield _unknown(document, (*at, "hours"), "opening hours", hours)
        for number, step in enumerate(queue.get("overflow", ())):
            if step["queue"] not in queues:
                yield _unknown(document, (*at, "overflow", number, "queue"), "queue", queues)
    yield from _cycles(document, queues)
    for name, agent in data.get("agents", {}).items():
        if not 1 <= len(name) <= MAX_ID:
            yield document.problem(("agents", name), f"expected a name of 1 to {MAX_ID} characters.")
        yield from _skill_problems(document, ("agents", name), agent, skills)
        yield from _language_problems(document, ("agents", name), agent)
    yield from _skill_problems(document, ("newcomer",), data.get("newcomer", {}), skills)
    yield from _language_problems(document, ("newcomer",), data.get("newcomer", {}))
    for name, entry in hours.items():
        yield from _hour_problems(document, ("hours", name), entry)


def _unknown(document: Document, path: DocumentPath, what: str, known: Mapping[str, Any]) -> Problem:
    wanted: Any = document.data
    for part in path:
        wanted = wanted[part]
    return document.problem(path, f"{wanted!r} is no {what} that exists.", suggest(wanted, known))


def _skill_problems(
    document: Document, path: DocumentPath, entry: dict[str, Any], skills: Mapping[str, Any]
) -> Iterator[Problem]:
    for name in entry.get("skills", {}):
        if name not in skills:
            at = (*path, "skills", name)
            yield document.problem(at, f"{name[:60]!r} is no skill that exists.", suggest(name, skills))


def _language_problems(document: Document, path: DocumentPath, entry: dict[str, Any]) -> Iterator[Problem]:
    languages = entry.get("languages", ())
    if len(set(languages)) != len(languages):
        yield document.problem((*path, "languages"), "expected each language once.")


def _cycles(document: Document, queues: dict[str, Any]) -> Iterator[Problem]:
    """Overflow that leads back to where it came from would send callers round for ever."""
    onward = {name: [step["queue"] for step in queue.get("overflow", ())] for name, queue in queues.items()}
    ended: set[str] = set()
    for start in queues:
        way: list[str] = []
        branches = [iter([start])]
        while branches:
            here = next(branches[-1], None)
            if here is None:
                branches.pop()
                if way:
                    ended.add(way.pop())
            elif here in way:
                circle = " -> ".join([*way[way.index(here) :], here])
                yield document.problem(("queues", way[-1], "overflow"), f"overflow goes round in a circle: {circle}.")
            elif here not in ended:
                way.append(here)
                branches.append(iter(onward.get(here, [])))


def _hour_problems(document: Document, path: DocumentPath, entry: dict[str, Any]) -> Iterator[Problem]:
    try:
        ZoneInfo(entry.get("time_zone", "UTC"))
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        yield document.problem((*path, "time_zone"), "expected a time zone such as Asia/Shanghai.")
    except KeyError:
        yield document.problem(
            (*path, "time_zone"), f"{entry['time_zone'][:60]!r} is no time zone.", "Write it as in Asia/Shanghai."
        )
    for day, times in entry["week"].items():
        yield from _time_problems(document, (*path, "week", day), times)
    seen: set[str] = set()
    for number, day in enumerate(entry.get("days", ())):
        at = (*path, "days", number)
        try:
            date.fromisoformat(day["date"])
        except ValueError:
            yield document.problem((*at, "date"), f"{day['date']} is no date of the calendar.")
        if day["date"] in seen:
            yield document.problem((*at, "date"), f"{day['date']} stands here twice.", "Keep one of the two.")
        seen.add(day["date"])
        yield from _time_problems(document, (*at, "open"), day.get("open", ()))


def _time_problems(document: Document, path: DocumentPath, times: Any) -> Iterator[Problem]:
    for number, text in enumerate(times):
        if text[:5] == text[6:]:
            yield document.problem((*path, number), f"nothing lies between {text[:5]} and {text[6:]}.")
