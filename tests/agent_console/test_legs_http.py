"""Legs over HTTP: who may ask for what, and what is asked of the calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_console.deps import DeskSide
from routing.audit import AuditKind
from routing.audit_trail import AuditTrail
from routing.commands import (
    ChangeMode,
    Command,
    CommandRefusedError,
    HoldCall,
    JoinCall,
    LeaveCall,
    LegMode,
    MuteLeg,
    PauseRecording,
    ResumeCall,
    ResumeRecording,
    UnmuteLeg,
)
from routing.desk.file import load_desk
from routing.desk.keeper import Keeper
from routing.journal.audit_log import AuditLogFile
from routing.journal.desk_log import DeskLogFile
from routing.journal.memory import MemoryJournal
from tests.agent_console.conftest import OpenRig, Rig
from voice.clock import ManualClock
from voice.contracts.audio import CallId

pytestmark = pytest.mark.anyio
CALL = CallId("call-1")
KEY = "key-of-eight"


async def ask(rig: Rig, method: str, path: str, **body: Any) -> tuple[int, str]:
    """Status, and the code of a refusal."""
    answer = await rig.client.request(method, f"/api/calls/{CALL}/{path}", json={"key": KEY} | body)
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


ASKED: list[tuple[str, str, dict[str, Any], Command]] = [
    ("PUT", "hold", {"held": True}, HoldCall(KEY, CALL, "mei")),
    ("PUT", "hold", {"held": False}, ResumeCall(KEY, CALL, "mei")),
    ("PUT", "mute", {"muted": True}, MuteLeg(KEY, CALL, "mei")),
    ("PUT", "mute", {"muted": False}, UnmuteLeg(KEY, CALL, "mei")),
    ("PUT", "recording", {"paused": True}, PauseRecording(KEY, CALL, "mei")),
    ("PUT", "recording", {"paused": False}, ResumeRecording(KEY, CALL, "mei")),
]


@pytest.mark.parametrize(("method", "path", "body", "command"), ASKED)
async def test_what_an_agent_asks_is_carried_out(
    rig: Rig, method: str, path: str, body: dict[str, Any], command: Command
) -> None:
    await rig.sign_in()
    assert await ask(rig, method, path, **body) == (204, "")
    assert rig.commands.executed == [command]


async def test_an_agent_serves_and_gives_back(rig: Rig) -> None:
    await rig.sign_in()
    answer = await rig.client.post(f"/api/calls/{CALL}/legs", json={"key": KEY, "sdp": "v=0", "mode": "serve"})
    assert (answer.status_code, answer.json()) == (201, {"sdp": "v=0 leg"})
    assert answer.headers["Cache-Control"] == "no-store"
    left = await rig.client.delete(f"/api/calls/{CALL}/legs/mine", params={"key": KEY})
    assert left.status_code == 204
    assert rig.commands.executed == [JoinCall(KEY, CALL, "mei", LegMode.SERVE, "v=0"), LeaveCall(KEY, CALL, "mei")]


@pytest.mark.parametrize("mode", ["listen", "whisper", "barge"])
async def test_only_supervisors_supervise(rig: Rig, mode: str) -> None:
    await rig.sign_in()
    assert await ask(rig, "POST", "legs", sdp="v=0", mode=mode) == (403, "auth.forbidden")
    assert await ask(rig, "PUT", "legs/mine", mode=mode) == (403, "auth.forbidden")
    assert rig.commands.executed == []
    for boss in ("supervisor", "admin"):
        await rig.sign_in(boss)
        assert (await ask(rig, "POST", "legs", sdp="v=0", mode=mode))[0] == 201
        assert await ask(rig, "PUT", "legs/mine", mode=mode) == (204, "")
        assert rig.commands.executed[-1] == ChangeMode(KEY, CALL, boss, LegMode(mode))


async def test_a_supervisor_oversees_and_quality_assurance_touches_nothing(rig: Rig) -> None:
    await rig.sign_in("supervisor")
    assert await ask(rig, "PUT", "hold", held=True) == (204, "")
    assert rig.commands.executed == [HoldCall(KEY, CALL, "supervisor", oversees=True)]
    await rig.sign_in("qa")
    for method, path, body, _ in ASKED:
        assert await ask(rig, method, path, **body) == (403, "auth.forbidden")
    assert await ask(rig, "POST", "legs", sdp="v=0", mode="serve") == (403, "auth.forbidden")
    assert (await rig.client.delete(f"/api/calls/{CALL}/legs/mine", params={"key": KEY})).status_code == 403
    assert len(rig.commands.executed) == 1


async def test_without_a_session_nothing_is_done(rig: Rig) -> None:
    for method, path, body, _ in ASKED:
        assert await ask(rig, method, path, **body) == (401, "auth.required")
    assert await ask(rig, "POST", "legs", sdp="v=0", mode="serve") == (401, "auth.required")
    assert rig.commands.executed == []


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "serve"},
        {"mode": "shout"},
        {"mode": "listen", "key": "short"},
        {"mode": "serve", "reason": "because"},
        {"mode": "listen", "more": 1},
        {"mode": "serve", "reason": "staffing", "note": "x" * 501},
    ],
)
async def test_a_wish_that_is_none_is_refused(rig: Rig, body: dict[str, Any]) -> None:
    await rig.sign_in("supervisor")
    assert await ask(rig, "PUT", "legs/mine", **body) == (422, "request.invalid")
    assert rig.commands.executed == []


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("call.unknown", 404),
        ("call.state", 409),
        ("call.not_yours", 403),
        ("webrtc.sdp", 400),
        ("capacity.exceeded", 503),
        ("agent.engaged", 409),
    ],
)
async def test_refusals_have_their_status(
    rig: Rig, refuse: Callable[[str], CommandRefusedError], reason: str, status: int
) -> None:
    await rig.sign_in()
    rig.commands.refusal = refuse(reason)
    assert await ask(rig, "POST", "legs", sdp="v=0", mode="serve") == (status, reason)


async def test_an_id_that_no_call_can_have_is_unknown(rig: Rig) -> None:
    await rig.sign_in()
    answer = await rig.client.put("/api/calls/..%2Fetc/hold", json={"key": KEY, "held": True})
    assert answer.status_code == 404
    assert rig.commands.executed == []


async def test_a_take_over_is_audited_before_it_happens(open_rig: OpenRig, tmp_path: Path) -> None:
    clock = ManualClock()
    with DeskLogFile(tmp_path / "desk.db") as log, AuditLogFile(tmp_path / "audit.db") as audit:
        async with (
            AuditTrail.open(audit, MemoryJournal(), clock) as trail,
            Keeper.open(load_desk(), log, clock) as keeper,
            open_rig(desk=DeskSide(keeper, trail)) as rig,
        ):
            await rig.sign_in("supervisor")
            assert await ask(rig, "PUT", "legs/mine", mode="serve", reason="other") == (422, "audit.invalid")
            assert rig.commands.executed == []
            taken = {"mode": "serve", "reason": "vulnerable_customer", "note": "asked for me"}
            assert await ask(rig, "PUT", "legs/mine", **taken) == (204, "")
            assert rig.commands.executed == [ChangeMode(KEY, CALL, "supervisor", LegMode.SERVE)]
            entries = [record.entry() for record in audit.records()]
    overrides = [entry for entry in entries if entry["kind"] == AuditKind.OVERRIDE]
    assert [(one["actor"], one["action"], one["reason"], one["subject"]) for one in overrides] == [
        ("supervisor", "call.take_over", "vulnerable_customer", CALL)
    ]
