"""Agents, queues and reservations over HTTP: who may do what, and what a refusal looks like."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from agent_console.deps import DeskSide, reach_anybody
from asr.types import Language
from routing.audit import AuditKind, verify
from routing.audit_trail import AuditTrail
from routing.desk.commands import ConfirmBridge, EnterQueue
from routing.desk.file import load_desk
from routing.desk.keeper import Keeper
from routing.desk.terms import AgentId, QueueId
from routing.journal.audit_log import AuditLogFile
from routing.journal.desk_log import DeskLogFile
from routing.journal.memory import MemoryJournal
from tests.agent_console.conftest import OpenRig, Rig
from voice.clock import ManualClock
from voice.contracts.audio import CallId

pytestmark = pytest.mark.anyio


class DeskRig:
    def __init__(self, rig: Rig, keeper: Keeper, audit: AuditLogFile) -> None:
        self.rig = rig
        self.keeper = keeper
        self.audit = audit
        self._keys = (f"key-{number:06}" for number in itertools.count())

    def key(self) -> str:
        return next(self._keys)

    async def come(self, *calls: str) -> None:
        for call in calls:
            await self.keeper.execute(EnterQueue(self.key(), CallId(call), f"{call}.h1", Language.ZH))

    async def ask(self, method: str, path: str, **body: Any) -> tuple[int, str]:
        """Status and code; a body gets a fresh key unless it has one."""
        answer = await self.rig.client.request(method, f"/api/desk/{path}", json={"key": self.key()} | body)
        return answer.status_code, answer.json()["code"] if answer.content else ""

    async def get(self, path: str) -> Any:
        answer = await self.rig.client.get(f"/api/desk/{path}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.json()


@asynccontextmanager
async def open_desk(
    open_rig: OpenRig, folder: Path, reaches: Callable[[str], bool] = reach_anybody
) -> AsyncIterator[DeskRig]:
    clock = ManualClock()
    with DeskLogFile(folder / "desk.db") as log, AuditLogFile(folder / "audit.db") as audit:
        async with (
            AuditTrail.open(audit, MemoryJournal(), clock) as trail,
            Keeper.open(load_desk(), log, clock) as keeper,
            open_rig(desk=DeskSide(keeper, trail, reaches)) as rig,
        ):
            yield DeskRig(rig, keeper, audit)


async def test_an_agent_takes_a_caller_at_one_console_and_serves_them(open_rig: OpenRig, tmp_path: Path) -> None:
    async with open_desk(open_rig, tmp_path) as desk:
        await desk.rig.sign_in("mei")
        assert await desk.get("me") is None
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (204, "")
        me = await desk.get("me")
        assert (me["agent"], me["presence"], me["ready_in_s"]) == ("mei", "ready", None)
        assert await desk.get("reservation") is None
        await desk.come("c1", "c2")
        offered = await desk.get("reservation")
        assert (offered["call"], offered["remaining_s"]) == ("c1", 15.0)
        offer = offered["offer"]
        taken = {"console": "left", "key": "the-same-key"}
        assert await desk.ask("POST", f"reservations/{offer}/accept", **taken) == (204, "")
        assert await desk.ask("POST", f"reservations/{offer}/accept", **taken) == (204, "")
        assert await desk.ask("POST", f"reservations/{offer}/accept", console="right") == (409, "offer.taken")
        assert await desk.ask("POST", "contacts/c1/finished") == (409, "call.state")
        await desk.keeper.execute(ConfirmBridge(desk.key(), CallId("c1"), AgentId("mei")))
        contacts = {one["call"]: one for one in await desk.get("contacts")}
        assert (contacts["c1"]["state"], contacts["c1"]["agent"]) == ("serving", "mei")
        assert (contacts["c2"]["state"], contacts["c2"]["ahead"]) == ("waiting", 0)
        assert [one["presence"] for one in await desk.get("agents")] == ["busy"]
        queues = {one["queue"]: one for one in await desk.get("queues")}
        assert (queues["general"]["waiting"], queues["general"]["staffed"]) == (1, True)
        assert queues["general"]["expected_wait_s"] > 0
        assert await desk.ask("POST", "contacts/c1/finished") == (204, "")
        assert [one["presence"] for one in await desk.get("agents")] == ["after_call"]
        assert (await desk.get("me"))["ready_in_s"] == 20.0
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (204, "")
        again = await desk.get("reservation")
        assert again["call"] == "c2"
        assert await desk.ask("POST", f"reservations/{again['offer']}/decline") == (204, "")
        assert await desk.ask("POST", f"reservations/{again['offer']}/accept", console="left") == (409, "offer.closed")


async def test_who_may_do_what(open_rig: OpenRig, tmp_path: Path) -> None:
    async with open_desk(open_rig, tmp_path) as desk:
        for path in ("agents", "me", "queues", "contacts", "reservation"):
            assert (await desk.rig.client.get(f"/api/desk/{path}")).status_code == 401
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (401, "auth.required")
        await desk.rig.sign_in("mei")
        assert await desk.ask("PUT", "agents/other/presence", presence="ready") == (403, "auth.forbidden")
        assert await desk.ask("PUT", "agents/mei", capacity=2) == (403, "auth.forbidden")
        await desk.come("c1")
        assert await desk.ask("POST", "contacts/c1/priority", priority=9, reason="staffing") == (403, "auth.forbidden")
        await desk.rig.sign_in("qa")
        assert await desk.ask("PUT", "agents/qa/presence", presence="ready") == (403, "auth.forbidden")
        await desk.rig.sign_in("supervisor")
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (404, "agent.unknown")
        profile = {"skills": {"refund": 4}, "languages": ["zh", "en"], "capacity": 2}
        assert await desk.ask("PUT", "agents/mei", **profile) == (204, "")
        assert await desk.ask("PUT", "agents/mei", skills={"juggling": 4}) == (422, "skill.unknown")
        assert await desk.ask("PUT", "agents/mei", languages=["zh", "zh"]) == (422, "agent.profile")
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (204, "")
        offer = desk.keeper.ledger.agents[next(iter(desk.keeper.ledger.agents))].offer
        assert await desk.ask("POST", f"reservations/{offer}/accept", console="x") == (403, "offer.not_yours")
        assert await desk.ask("POST", "reservations/none/accept", console="x") == (404, "offer.unknown")


async def test_an_override_needs_a_reason_and_is_audited_before_it_takes_effect(
    open_rig: OpenRig, tmp_path: Path
) -> None:
    async with open_desk(open_rig, tmp_path) as desk:
        await desk.come("c1")
        await desk.rig.sign_in("supervisor")
        assert await desk.ask("POST", "contacts/c1/priority", priority=90) == (422, "request.invalid")
        other = {"priority": 90, "reason": "other"}
        assert await desk.ask("POST", "contacts/c1/priority", **other) == (422, "audit.invalid")
        assert desk.keeper.ledger.contacts[CallId("c1")].priority == 0
        assert await desk.ask("POST", "contacts/c1/priority", **other, note="VIP called back twice") == (204, "")
        assert desk.keeper.ledger.contacts[CallId("c1")].priority == 90
        records = list(desk.audit.records())
        assert verify(records) is None
        told = records[-1].entry()
        assert (told["kind"], told["actor"], told["reason"]) == (AuditKind.OVERRIDE, "supervisor", "other")


async def test_queues_and_skills_have_names(open_rig: OpenRig, tmp_path: Path) -> None:
    async with open_desk(open_rig, tmp_path) as desk:
        await desk.rig.sign_in("qa")
        names = await desk.get("names")
    assert names["default_queue"] == "general"
    assert names["queues"]["complaints"] == {"zh": "投诉受理", "en": "Complaints"}
    assert names["skills"]["refund"] == {"zh": "退款", "en": "Refunds"}


async def test_callbacks_keep_the_place(open_rig: OpenRig, tmp_path: Path) -> None:
    async with open_desk(open_rig, tmp_path) as desk:
        await desk.come("c1", "c2")
        await desk.rig.sign_in("mei")
        assert await desk.ask("POST", "contacts/c1/callback", address="tel:+8613800138000") == (204, "")
        assert [one["call"] for one in await desk.get("contacts")] == ["c1", "c2"]
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (204, "")
        assert (await desk.get("reservation"))["call"] == "c1"


async def test_whom_no_trunk_calls_is_promised_no_callback(open_rig: OpenRig, tmp_path: Path) -> None:
    async with open_desk(open_rig, tmp_path, reaches=lambda address: address.startswith("tel:+86")) as desk:
        await desk.come("c1")
        await desk.rig.sign_in("mei")
        assert await desk.ask("POST", "contacts/c1/callback", address="+900190012345") == (409, "callback.none")
        assert not (await desk.get("contacts"))[0]["callback"]
        assert await desk.ask("POST", "contacts/c1/callback", address="+8613800138000") == (204, "")
        assert desk.keeper.ledger.contacts[CallId("c1")].address == "tel:+8613800138000"
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (204, "")
        offered = await desk.get("reservation")
        assert (offered["callback"], offered["attempts"]) == (True, 0)


async def test_a_server_without_a_desk_says_so_and_the_interface_is_described(rig: Rig) -> None:
    await rig.sign_in("mei")
    answer = await rig.client.get("/api/desk/queues")
    assert (answer.status_code, answer.json()["code"]) == (503, "desk.absent")
    described = (await rig.client.get("/api/openapi.json")).json()["paths"]
    assert "/api/desk/reservations/{offer}/accept" in described
    with anyio.fail_after(30):
        await rig.client.get("/livez")


async def test_a_queue_says_how_long_somebody_who_joins_it_now_would_wait(open_rig: OpenRig, tmp_path: Path) -> None:
    async with open_desk(open_rig, tmp_path) as desk:
        await desk.rig.sign_in("mei")

        async def expected() -> float | None:
            queues = {one["queue"]: one for one in await desk.get("queues")}
            found = queues["general"]["expected_wait_s"]
            assert found is None or isinstance(found, float)
            return found

        assert await expected() is None  # nobody is there
        assert await desk.ask("PUT", "agents/mei/presence", presence="ready") == (204, "")
        assert await expected() == 0.0  # mei is free
        await desk.come("c1", "c2", "c3")
        queue = desk.keeper.ledger.config.queues[QueueId("general")]
        each_s = queue.expected_handle_s + queue.wrap_up_s
        assert await expected() == pytest.approx(3 * each_s)  # one is offered, two wait, and then our caller
