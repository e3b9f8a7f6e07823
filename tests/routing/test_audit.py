"""The audit log: every way of touching it is found, at the first position that is not what it was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from agent_console.audit_cli import app
from asr.types import Language
from routing.audit import (
    AuditEntry,
    AuditHead,
    AuditKind,
    AuditRecord,
    OverrideReason,
    PlainValue,
    canonical,
    chain,
    digest,
    verify,
)
from routing.audit_trail import AuditTrail
from routing.desk.events import ContactWoken, Logged, OfferMade
from routing.desk.terms import AgentId, OfferId
from routing.events import CallStarted, Stamped
from routing.journal.audit_log import AuditLogFile
from routing.journal.memory import MemoryJournal
from routing.service_events import PriorityChanged, RouteDecided
from routing.terms import Channel, Direction, RouteTarget, Wording
from voice.clock import ManualClock
from voice.contracts.audio import CallId, SegmentId
from voice.contracts.errors import AuditError, JournalUnavailableError

WHY = Wording("要人工", "asks for a person")


def entry(number: int) -> AuditEntry:
    details: dict[str, PlainValue] = {"seq": number, "target": "human"}
    return AuditEntry("2026-11-22T08:00:00Z", AuditKind.DECISION, "c", "policy", "route.decided", "rule", details)


def records(count: int = 6) -> list[AuditRecord]:
    return list(chain([entry(number) for number in range(count)], None))


def rechained(changed: list[AuditRecord], at: int) -> list[AuditRecord]:
    """What somebody does who knows how the chain is made: every hash from there on is made anew."""
    found = changed[:at]
    before = found[-1].hash if found else "0" * 64
    for record in changed[at:]:
        before = digest(before, record.body)
        found.append(replace(record, hash=before))
    return found


def edited(log: list[AuditRecord]) -> list[AuditRecord]:
    return [replace(one, body=one.body.replace("human", "ai")) if one.position == 3 else one for one in log]


TAMPERED: dict[str, tuple[Callable[[list[AuditRecord]], list[AuditRecord]], int]] = {
    "edited": (edited, 3),
    "deleted": (lambda log: log[:3] + log[4:], 3),
    "first deleted": (lambda log: log[1:], 0),
    "inserted": (lambda log: [*log[:3], log[1], *log[3:]], 3),
    "reordered": (lambda log: [*log[:2], log[3], log[2], *log[4:]], 2),
    "renumbered": (lambda log: log[:3] + [replace(one, position=one.position - 1) for one in log[4:]], 3),
    "hash replaced": (lambda log: [replace(one, hash="f" * 64) if one.position == 5 else one for one in log], 5),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_touched_chain_breaks_where_it_was_touched(how: str) -> None:
    tamper, position = TAMPERED[how]
    log = records()
    assert verify(log) is None
    found = verify(tamper(log))
    assert found is not None
    assert found.position == position


def test_a_cut_end_and_a_chain_made_anew_are_shown_by_a_head_that_was_kept() -> None:
    log = records()
    head = AuditHead(5, log[5].hash)
    assert verify(log[:4]) is None
    cut = verify(log[:4], [head])
    assert cut is not None
    assert cut.position == 4
    forged = rechained(edited(log), 3)
    assert verify(forged) is None
    found = verify(forged, [head, AuditHead(2, log[2].hash)])
    assert found is not None
    assert found.position == 5
    emptied = verify([], [head])
    assert emptied is not None
    assert emptied.position == 0


@given(st.integers(0, 5), st.integers(0, 500), st.integers(0, 255))
def test_any_changed_character_is_found(position: int, offset: int, character: int) -> None:
    log = records()
    body = log[position].body
    at = offset % len(body)
    changed = body[:at] + chr(character) + body[at + 1 :]
    log[position] = replace(log[position], body=changed)
    found = verify(log)
    assert (found is None) == (changed == body)
    assert found is None or found.position == position


def test_canonical_json_is_one_text_for_one_document() -> None:
    assert canonical({"b": 1, "a": {"d": "转", "c": None}}) == '{"a":{"c":null,"d":"转"},"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"x": float("nan")})


@pytest.mark.parametrize(
    ("reason", "note"), [("because", "x"), ("other", None), ("other", "  "), ("staffing", "x" * 501)]
)
def test_an_override_without_its_reason_is_refused_and_stores_nothing(
    reason: str, note: str | None, tmp_path: Path
) -> None:
    override = AuditEntry("now", AuditKind.OVERRIDE, "c", "mei", "priority", reason, {"note": note})
    with AuditLogFile(tmp_path / "audit.db") as log:
        with pytest.raises(AuditError):
            log.append([entry(0), override])
        assert list(log.records()) == []


@pytest.mark.parametrize("text", ["", "7", "x:y", "3:abc", f"-1:{'0' * 64}", f"1:{'Z' * 64}"])
def test_a_malformed_head_is_refused(text: str) -> None:
    with pytest.raises(AuditError):
        AuditHead.parse(text)


def raw(path: Path, *statements: str) -> None:
    """Change the file as somebody does who has it."""
    with sqlite3.connect(path) as db:
        for name in ("audit_is_kept", "audit_is_never_cut", "audit_is_next"):
            db.execute(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            db.execute(statement)


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE audit SET body = replace(body, 'human', 'ai') WHERE position = 2", 2),
        ("DELETE FROM audit WHERE position = 2", 2),
        ("DELETE FROM audit WHERE position >= 3", 3),
        ("UPDATE audit SET position = 100 - position WHERE position IN (1, 2)", 1),
        ("INSERT INTO audit VALUES (5, '{}', 'x')", 5),
        ("DELETE FROM audit", 0),
    ],
)
def test_the_command_names_the_first_broken_position(tmp_path: Path, statement: str, position: int) -> None:
    path = tmp_path / "audit.db"
    with AuditLogFile(path) as log:
        log.append([entry(0), entry(1)])
        log.append([entry(number) for number in range(2, 5)])
    runner, where = CliRunner(), ["--data", str(tmp_path)]
    whole = runner.invoke(app, ["verify", "--json", *where])
    assert whole.exit_code == 0, whole.output
    assert json.loads(whole.stdout) == {"whole": True, "entries": 5, "broken": None}
    kept = runner.invoke(app, ["head", *where]).stdout.strip()
    assert len(runner.invoke(app, ["export", "--call", "c", *where]).stdout.splitlines()) == 5
    raw(path, statement)
    found = runner.invoke(app, ["verify", "--json", *where])
    assert found.exit_code == 1
    assert json.loads(found.stdout)["broken"]["position"] == position
    (tmp_path / "audit.db.head").unlink()
    assert runner.invoke(app, ["verify", "--head", kept, *where]).exit_code == 1


def test_the_database_itself_refuses_to_change_entries(tmp_path: Path) -> None:
    with AuditLogFile(tmp_path / "audit.db") as log:
        log.append([entry(0)])
    with sqlite3.connect(tmp_path / "audit.db") as db:
        for statement in ("DELETE FROM audit", "UPDATE audit SET hash = ''", "INSERT INTO audit VALUES (7, '', '')"):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(statement)


def test_a_log_that_is_not_there_or_no_log_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AuditError), AuditLogFile(tmp_path / "audit.db", existing=True):
        pass
    (tmp_path / "audit.db").write_bytes(b"not a database, but long enough to look like something" * 40)
    with pytest.raises(JournalUnavailableError), AuditLogFile(tmp_path / "audit.db"):
        pass


@pytest.mark.anyio
async def test_the_trail_misses_nothing_and_says_nothing_twice_over_restarts(tmp_path: Path) -> None:
    journal, clock, call = MemoryJournal(), ManualClock(), CallId("c1")
    started = CallStarted(Direction.INBOUND, Channel.WEBRTC, "web", "main", Language.ZH, "2026-01-01T00:00:00Z")
    await journal.append(
        [
            Stamped(call, 0, 0, started),
            Stamped(call, 1, 0, PriorityChanged(0, 40, "pressed-zero", WHY, (), "1+ab")),
        ]
    )
    offered = Logged(0, 1.0, OfferMade(OfferId("o0-1"), call, AgentId("ann"), 16.0))
    with AuditLogFile(tmp_path / "audit.db") as log:
        async with AuditTrail.open(log, journal, clock) as trail:
            await trail.note_desk([offered, Logged(1, 1.0, ContactWoken(call))])
            await journal.append([Stamped(call, 2, 0, RouteDecided(RouteTarget.HUMAN, "r", WHY, (SegmentId(0),), "1"))])
            with anyio.fail_after(30):
                while len(list(log.records())) < 3:
                    await anyio.lowlevel.checkpoint()
            await trail.override("sup", call, "priority", OverrideReason.STAFFING, {"priority": 90})
        await journal.append([Stamped(call, 3, 0, PriorityChanged(40, 60, "late", WHY, (), "1+ab"))])
        async with AuditTrail.open(log, journal, clock) as trail:
            await trail.note_desk([offered])
            with anyio.fail_after(30):
                while len(list(log.records())) < 5:
                    await anyio.lowlevel.checkpoint()
        found = list(log.records())
        assert verify(found, [log.kept_head() or AuditHead(99, "0" * 64)]) is None
        told = [(one.entry()["kind"], one.entry()["reason"]) for one in found]
        assert sorted(told[:3]) == [("assignment", "highest_score"), ("decision", "pressed-zero"), ("decision", "r")]
        assert told[3:] == [("override", "staffing"), ("decision", "late")]
