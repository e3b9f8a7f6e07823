"""Callers passed on at a real desk: to a queue, to another agent, to somebody outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asr.types import Language
from routing.commands import CommandRefusedError
from routing.desk.commands import AcceptOffer, EnterQueue, SetPresence
from routing.desk.file import load_desk
from routing.desk.keeper import Keeper
from routing.desk.serving import DeskServing
from routing.desk.terms import AgentId, ContactState, Presence
from routing.journal.desk_log import DeskLogFile
from voice.clock import ManualClock
from voice.contracts.audio import CallId

pytestmark = pytest.mark.anyio
CALL = CallId("call-1")
DESK = """
version: 2026.11.1
title: {zh: 测试, en: Test}
default_queue: general
queues:
  general:
    title: {zh: 综合, en: General}
    wrap_up_s: 20
  billing:
    title: {zh: 账单, en: Billing}
    skills: {billing: 1}
skills:
  billing: {zh: 账单, en: Billing}
agents:
  mei: {languages: [zh]}
  lin: {languages: [zh], skills: {billing: 3}}
"""


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[tuple[Keeper, DeskServing]]:
    """A desk at which mei serves the caller and lin is on a break."""
    (folder / "desk.yaml").write_text(DESK, encoding="utf-8")
    clock = ManualClock()
    with DeskLogFile(folder / "desk.db") as log:
        async with Keeper.open(load_desk(folder / "desk.yaml"), log, clock) as keeper:
            await keeper.execute(SetPresence("p-mei", AgentId("mei"), Presence.READY))
            await keeper.execute(EnterQueue("e-1", CALL, "t-1", Language.ZH, priority=60))
            offer = keeper.ledger.contacts[CALL].offer
            assert offer is not None
            await keeper.execute(AcceptOffer("a-1", offer.id, AgentId("mei"), "desk"))
            serving = DeskServing(keeper, clock)
            await serving.bridged(CALL, "mei")
            yield keeper, serving


async def test_a_queue_takes_the_caller_with_their_priority_and_the_agent_wraps_up(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as (keeper, serving):
        await serving.requeue(CALL, "mei", "billing", Language.ZH)
        contact = keeper.ledger.contacts[CALL]
        assert (contact.state, contact.queue, contact.priority) == (ContactState.WAITING, "billing", 60)
        assert keeper.ledger.agents[AgentId("mei")].presence is Presence.AFTER_CALL
        # Whoever can serve that queue is offered the caller; mei is not.
        await keeper.execute(SetPresence("p-lin", AgentId("lin"), Presence.READY))
        assert (offer := keeper.ledger.contacts[CALL].offer) is not None
        assert offer.agent == "lin"


async def test_only_whoever_serves_passes_on_and_only_to_what_there_is(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as (keeper, serving):
        before = keeper.ledger.next_seq
        for agent, queue, reason in (("mei", "biling", "queue.unknown"), ("lin", "billing", "call.state")):
            with pytest.raises(CommandRefusedError) as refused:
                await serving.requeue(CALL, agent, queue, Language.ZH)
            assert refused.value.reason == reason
        for agent, reason in (("nobody", "agent.unknown"), ("mei", "agent.engaged"), ("lin", "agent.engaged")):
            with pytest.raises(CommandRefusedError) as refused:
                await serving.ask(CALL, agent, 30.0)
            assert refused.value.reason == reason
        assert keeper.ledger.next_seq == before
        await keeper.execute(SetPresence("p-lin", AgentId("lin"), Presence.READY))
        await serving.ask(CALL, "lin", 30.0)
        assert keeper.ledger.agents[AgentId("lin")].asked_by == CALL
        await serving.excuse(CALL, "lin")
        assert keeper.ledger.agents[AgentId("lin")].free


async def test_another_agent_takes_the_caller_and_gives_them_back(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as (keeper, serving):
        await keeper.execute(SetPresence("p-lin", AgentId("lin"), Presence.READY))
        await serving.take_over(CALL, "lin", "mei", Language.ZH)
        assert keeper.ledger.contacts[CALL].agent == "lin"
        await serving.take_over(CALL, "mei", "lin", Language.ZH)
        assert keeper.ledger.contacts[CALL].agent == "mei"


async def test_who_goes_on_with_somebody_outside_is_at_the_desk_no_more(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as (keeper, serving):
        await serving.finished(CALL, "mei")
        assert CALL not in keeper.ledger.contacts
        assert keeper.ledger.agents[AgentId("mei")].presence is Presence.AFTER_CALL
        await serving.take_over(CALL, "mei", None, Language.ZH)  # nobody was reached after all
        assert keeper.ledger.contacts[CALL].agent == "mei"
