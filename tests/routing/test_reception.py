"""Calls and desk together: a decision for a human enters the queue, and the call's log tells how it went."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile
from anyio.lowlevel import checkpoint
from anyio.to_thread import run_sync

from asr.types import Language
from routing.audit import verify
from routing.audit_trail import AuditTrail
from routing.desk.commands import AcceptOffer, ConfirmBridge, DeclineOffer, SetPresence
from routing.desk.file import load_desk
from routing.desk.keeper import Keeper
from routing.desk.outlook import Outlook
from routing.desk.terms import AgentId, ContactState, Presence, SkillLevel
from routing.events import CallEnded, CallEvent, CallStarted, Stamped
from routing.grammar import check_log
from routing.handover import HandoverEvent, HandoverStage
from routing.journal.audit_log import AuditLogFile
from routing.journal.desk_log import DeskLogFile
from routing.journal.memory import MemoryJournal
from routing.policy.facts import QueueLoad, Situation
from routing.reception import Reception
from routing.service_events import (
    AnnouncementMade,
    DecisionMade,
    HandoverBridged,
    HandoverRequested,
    PriorityChanged,
    RouteDecided,
)
from routing.state import CallState, fold
from routing.teller import Teller
from routing.telling import Tellings
from routing.terms import CallEndReason, Channel, Direction, RouteTarget, Wording
from voice.clock import ManualClock
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import UnknownCallError
from voice.speech.prompts import Prompts
from voice.speech.recorded import Recorded

pytestmark = pytest.mark.anyio

WHY = Wording("来电者要求人工服务", "The caller asked for a person")
HUMAN = RouteDecided(RouteTarget.HUMAN, "asked-for-human", WHY, (), "1+ab")
AI = RouteDecided(RouteTarget.AI, "simple-need", WHY, (), "1+ab")
ANN, BOB = AgentId("ann"), AgentId("bob")


@dataclass
class House:
    """Calls that live on in a journal, whatever becomes of the desk."""

    folder: Path
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    seqs: dict[CallId, int] = field(default_factory=dict)
    over: set[CallId] = field(default_factory=set)
    steps: list[HandoverEvent] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)
    told: list[tuple[CallId, str]] = field(default_factory=list)
    announced: list[tuple[CallId, AnnouncementMade]] = field(default_factory=list)

    async def announce(self, call: CallId, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        assert pcm.size
        assert disclosure is (prompt == "handover.requested")
        self.told.append((call, prompt))

    def note(self, call: CallId, made: AnnouncementMade) -> None:
        if call in self.over:
            raise UnknownCallError("over")
        self.announced.append((call, made))

    async def write(self, call: CallId, *events: CallEvent) -> None:
        first = self.seqs.get(call, 0)
        self.seqs[call] = first + len(events)
        await self.journal.append([Stamped(call, first + i, 0, event) for i, event in enumerate(events)])

    async def begin(self, call: CallId, *events: CallEvent) -> None:
        at = f"2026-01-01T00:00:{len(self.seqs):02}Z"
        started = CallStarted(Direction.INBOUND, Channel.SIP, "tel:1", "main", Language.ZH, at)
        await self.write(call, started, *events)

    async def end(self, call: CallId) -> None:
        self.over.add(call)
        await self.write(call, CallEnded(CallEndReason.CALLER_HUNG_UP, 0))

    async def hand_over(self, call: CallId, step: HandoverEvent) -> None:
        if call in self.over or call not in self.seqs:
            raise UnknownCallError("over")
        await self.write(call, step)
        self.steps.append(step)

    async def state(self, call: CallId) -> CallState:
        log = await self.journal.read(call)
        check_log(log, complete=False)
        return fold(log, CallState(call))

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Keeper]:
        with DeskLogFile(self.folder / "desk.db") as log, AuditLogFile(self.folder / "audit.db") as audit:
            async with (
                AuditTrail.open(audit, self.journal, self.clock) as trail,
                Teller.open(
                    Tellings.load(), Prompts.load().say, self.announce, Recorded(self.folder).load, self.note
                ) as teller,
            ):
                reception = Reception(self.journal, self.hand_over, self.clock, trail, teller)
                async with (
                    Keeper.open(load_desk(), log, self.clock, reception.act) as keeper,
                    anyio.create_task_group() as tasks,
                ):
                    tasks.start_soon(reception.run, keeper)
                    yield keeper
                    tasks.cancel_scope.cancel()
            assert verify(audit.records()) is None

    async def until(self, holds: Callable[[], bool]) -> None:
        with anyio.fail_after(20):
            while not holds():
                await checkpoint()
                await run_sync(lambda: None)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_caller_is_handed_over_and_the_log_says_every_step(house: House) -> None:
    call = CallId("c1")
    async with house.desk() as keeper:
        await house.begin(call, AI, PriorityChanged(0, 40, "r", WHY, (), "1"), HUMAN)
        await house.until(lambda: call in keeper.ledger.contacts)
        contact = keeper.ledger.contacts[call]
        assert (contact.priority, contact.language, contact.ticket) == (40, Language.ZH, "c1.h1")
        await house.write(call, PriorityChanged(40, 80, "r", WHY, (), "1"))
        await house.until(lambda: contact.priority == 80)
        for agent in (ANN, BOB):
            await keeper.execute(SetPresence("key", agent, Presence.READY, enrol=True))
        await house.until(lambda: contact.offer is not None)
        assert contact.offer is not None
        await keeper.execute(DeclineOffer("key", contact.offer.id, ANN))
        await house.until(lambda: contact.offer is not None and contact.offer.agent == BOB)
        await keeper.execute(AcceptOffer("key", contact.offer.id, BOB, "left"))
        await keeper.execute(ConfirmBridge("key", call, BOB))
        await house.until(lambda: HandoverBridged("c1.h1", BOB) in house.steps)
        handover = (await house.state(call)).handover
        assert handover is not None
        assert (handover.stage, handover.agent, handover.attempts) == (HandoverStage.BRIDGED, "bob", 2)
        await house.end(call)
        await house.until(lambda: call not in keeper.ledger.contacts)
        assert keeper.ledger.agents[BOB].presence is Presence.AFTER_CALL
        requested = [one.event for one in await house.journal.read(call) if isinstance(one.event, HandoverRequested)]
        assert requested == [HandoverRequested("c1.h1", WHY)]


async def test_a_caller_whose_route_changes_or_who_hangs_up_leaves_the_queue(house: House) -> None:
    one, other = CallId("c1"), CallId("c2")
    async with house.desk() as keeper:
        for call in (one, other):
            await house.begin(call, HUMAN)
        await house.until(lambda: len(keeper.ledger.contacts) == 2)
        await house.write(one, AI)
        await house.end(other)
        await house.until(lambda: not keeper.ledger.contacts)
        await house.write(one, HUMAN)
        await house.until(lambda: one in keeper.ledger.contacts)
        assert keeper.ledger.contacts[one].ticket == "c1.h2"


async def test_what_happened_while_the_desk_was_away_is_caught_up_with(house: House) -> None:
    stays, gone, fresh = CallId("c1"), CallId("c2"), CallId("c3")
    async with house.desk() as keeper:
        for call in (stays, gone):
            await house.begin(call, HUMAN)
        await house.until(lambda: len(keeper.ledger.contacts) == 2)
        since = keeper.ledger.contacts[stays].since
    await house.write(stays, PriorityChanged(0, 60, "r", WHY, (), "1"))
    await house.end(gone)
    await house.begin(fresh, HUMAN)
    async with house.desk() as keeper:
        await house.until(lambda: set(keeper.ledger.contacts) == {stays, fresh})
        contact = keeper.ledger.contacts[stays]
        await house.until(lambda: contact.priority == 60)
        assert (contact.since, contact.state, contact.ticket) == (since, ContactState.WAITING, "c1.h1")


async def test_the_caller_hears_every_step_and_their_place(house: House) -> None:
    first, second = CallId("c1"), CallId("c2")
    async with house.desk() as keeper:
        await house.begin(first, HUMAN)
        await house.until(lambda: (first, "handover.requested") in house.told)
        await house.begin(second, HUMAN)
        await keeper.execute(SetPresence("key", ANN, Presence.READY, enrol=True))
        contact = keeper.ledger.contacts[first]
        await house.until(lambda: contact.offer is not None)
        assert contact.offer is not None
        await keeper.execute(AcceptOffer("key", contact.offer.id, ANN, "left"))
        await house.until(lambda: (first, "handover.accepted") in house.told)
        house.clock.advance(60.0)
        await house.until(lambda: any(call == second and "notice." in prompt for call, prompt in house.told))
    assert [prompt for call, prompt in house.told if call == first][-1] == "handover.accepted"


BUSY = Wording("当前排队较多", "It is busy")
ANNOUNCING = DecisionMade(None, RouteTarget.AI, 0, ("busy",), (), "1+ab", BUSY, announced_by="busy")


async def test_what_the_policy_announces_is_noted_and_said_where_it_is_recorded(house: House, tmp_path: Path) -> None:
    quiet, spoken, known = CallId("c1"), CallId("c2"), CallId("c3")
    async with house.desk():
        await house.begin(quiet, ANNOUNCING)
        await house.until(lambda: (quiet, AnnouncementMade("busy", BUSY, False)) in house.announced)
        (tmp_path / "zh").mkdir()
        soundfile.write(tmp_path / "zh" / "busy.wav", np.full(1600, 0.1, np.float32), 16_000)
        await house.begin(spoken, ANNOUNCING)
        await house.until(lambda: (spoken, "policy.busy") in house.told)
    assert house.announced[1] == (spoken, AnnouncementMade("busy", BUSY, True))
    # Another process begins: what was announced is not announced again, what was not is.
    await house.write(quiet, AnnouncementMade("busy", BUSY, False))
    await house.write(spoken, replace(ANNOUNCING, announced_by="other"), AnnouncementMade("busy", BUSY, True))
    house.announced.clear()
    async with house.desk():
        await house.begin(known, ANNOUNCING)
        await house.until(lambda: len(house.announced) == 2)
    assert {(call, made.rule) for call, made in house.announced} == {(spoken, "other"), (known, "busy")}
    assert not [prompt for call, prompt in house.told if call == quiet]


COMPLAINT = replace(HUMAN, queue="complaints", skills=(SkillLevel("complaint", 5),))


async def test_the_policy_says_which_queue_and_which_skills(house: House) -> None:
    call = CallId("c1")
    async with house.desk() as keeper:
        await house.begin(call, COMPLAINT)
        await house.until(lambda: call in keeper.ledger.contacts)
        contact = keeper.ledger.contacts[call]
        assert (contact.queue, contact.skills) == ("complaints", COMPLAINT.skills)


async def test_a_queue_that_is_gone_loses_nobody(house: House) -> None:
    call = CallId("c1")
    async with house.desk() as keeper:
        await house.begin(call, replace(HUMAN, queue="closed-down", skills=(SkillLevel("juggling", 1),)))
        await house.until(lambda: call in keeper.ledger.contacts)
        contact = keeper.ledger.contacts[call]
        assert (contact.queue, contact.skills) == ("general", ())


async def test_who_waits_moves_to_the_queue_that_is_named_later_and_keeps_the_place(house: House) -> None:
    call = CallId("c1")
    async with house.desk() as keeper:
        await house.begin(call, HUMAN)
        await house.until(lambda: call in keeper.ledger.contacts)
        contact = keeper.ledger.contacts[call]
        since = contact.since
        assert contact.queue == "general"
        house.clock.advance(5)
        await house.write(call, COMPLAINT)
        await house.until(lambda: contact.queue == "complaints")
        assert (contact.since, contact.skills) == (since, COMPLAINT.skills)
        assert [step.TYPE for step in house.steps].count("handover.requested") == 1


async def test_calls_are_told_how_the_desk_stands(house: House) -> None:
    first, second = CallId("c1"), CallId("c2")
    outlook = Outlook()
    assert outlook.situation(first) == Situation()
    async with house.desk() as keeper:
        outlook.watch(keeper)
        await keeper.execute(SetPresence("key", ANN, Presence.BREAK, enrol=True))
        await keeper.execute(SetPresence("key", BOB, Presence.AFTER_CALL, enrol=True))
        await house.begin(first, HUMAN)
        await house.until(lambda: first in keeper.ledger.contacts)
        house.clock.advance(30)
        general, complaints = outlook.situation(second).queues
        assert general == QueueLoad("general", waiting=1, longest_wait_s=30, agents=1)
        assert complaints == QueueLoad("complaints")
        assert outlook.situation(second).waited_s is None
        assert outlook.situation(first).waited_s == 30
