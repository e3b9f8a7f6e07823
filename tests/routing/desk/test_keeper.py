"""The keeper over a real file: a restart in the middle of anything loses nobody and offers nobody twice."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint
from anyio.to_thread import run_sync

from asr.types import Language
from routing.commands import CommandRefusedError
from routing.desk.commands import (
    AcceptOffer,
    ConfirmBridge,
    DeskCommand,
    EnterQueue,
    FinishCall,
    LeaveQueue,
    PutAgent,
    Reprioritize,
    Reroute,
    SetPresence,
)
from routing.desk.config import DeskConfig
from routing.desk.events import ContactQueued, Logged, OfferMade
from routing.desk.file import load_desk, read_desk
from routing.desk.keeper import Keeper, restore
from routing.desk.notices import Notice
from routing.desk.snapshot import decode_logged, encode_logged, freeze, thaw
from routing.desk.terms import AgentId, AgentProfile, ContactState, OfferId, Presence
from routing.desk.witness import Witness
from routing.journal.desk_log import DeskLogFile
from voice.clock import ManualClock
from voice.contracts.audio import CallId
from voice.contracts.errors import DeskLogError, JournalUnavailableError

pytestmark = pytest.mark.anyio

ANN, BOB = AgentId("ann"), AgentId("bob")
DAY = datetime(2026, 11, 22, tzinfo=UTC)


class Stage:
    """A desk's file and everything the desk decided over all its lives."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "desk.db"
        self.utc = DAY
        self.decided: list[Logged] = []
        self.noticed: list[Notice] = []
        self.keys = 0

    async def act(self, logged: Sequence[Logged], notices: Sequence[Notice]) -> None:
        self.decided += logged
        self.noticed += notices

    @asynccontextmanager
    async def live(self, config: DeskConfig | None = None) -> AsyncIterator[tuple[Keeper, ManualClock]]:
        clock = ManualClock(start_s=7.0, start_utc=self.utc + timedelta(seconds=7.0))
        with DeskLogFile(self.path) as log:
            async with Keeper.open(config or load_desk(), log, clock, self.act) as keeper:
                yield keeper, clock
                self.utc = clock.utc_now()

    async def ask(self, keeper: Keeper, kind: type[DeskCommand], *values: object) -> None:
        self.keys += 1
        await keeper.execute(kind(f"key-{self.keys}", *values))  # type: ignore[arg-type]  # values fit their kind

    async def staff(self, keeper: Keeper, *agents: AgentId) -> None:
        for agent in agents:
            await self.ask(keeper, SetPresence, agent, Presence.READY, True)

    async def come(self, keeper: Keeper, *calls: str, priority: int = 0) -> None:
        for call in calls:
            self.keys += 1
            command = EnterQueue(f"key-{self.keys}", CallId(call), f"{call}.h1", Language.ZH, priority=priority)
            await keeper.execute(command)

    def offers(self) -> list[tuple[str, str]]:
        made = (one.event for one in self.decided if isinstance(one.event, OfferMade))
        return [(event.call, event.agent) for event in made]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def settle() -> None:
    for _ in range(20):
        await checkpoint()
        await run_sync(lambda: None)


async def test_a_restart_while_queueing_and_while_an_offer_is_open_loses_nobody(stage: Stage) -> None:
    async with stage.live() as (keeper, clock):
        await stage.staff(keeper, ANN)
        await stage.come(keeper, "c1", "c2", "c3")
        await stage.come(keeper, "urgent", priority=90)
        clock.advance(5.0)
        before = {one.call: (one.state, one.since, one.order, one.offer) for one in keeper.ledger.contacts.values()}
        assert before[CallId("c1")][0] is ContactState.OFFERED
    stage.utc += timedelta(seconds=300)  # the machine was away for longer than the offer lasts
    async with stage.live() as (keeper, clock):
        after = {one.call: (one.state, one.since, one.order) for one in keeper.ledger.contacts.values()}
        assert after == {call: known[:3] for call, known in before.items()}
        offer = keeper.ledger.contacts[CallId("c1")].offer
        assert offer is not None
        await stage.ask(keeper, AcceptOffer, offer.id, ANN, "left")
        await stage.ask(keeper, ConfirmBridge, CallId("c1"), ANN)
    async with stage.live() as (keeper, clock):
        assert keeper.ledger.contacts[CallId("c1")].state is ContactState.SERVING
        await stage.ask(keeper, FinishCall, CallId("c1"), ANN)
        await stage.ask(keeper, SetPresence, ANN, Presence.READY)
        await settle()
        assert stage.offers() == [("c1", "ann"), ("urgent", "ann")]
        assert sum(isinstance(one.event, ContactQueued) for one in stage.decided) == 4
    with DeskLogFile(stage.path) as log:
        witness = Witness(load_desk())
        witness.watch(decode_logged(body) for body in log.read())
        witness.check(0.0)
        assert [one.seq for one in stage.decided] == list(range(len(stage.decided)))


@pytest.mark.parametrize("killed_after", range(0, 14, 1))
async def test_wherever_the_log_ends_everybody_who_entered_is_there_once(stage: Stage, killed_after: int) -> None:
    """As if the process had been killed after any of its events: the rest of the log is cut away."""
    async with stage.live() as (keeper, clock):
        await stage.staff(keeper, ANN, BOB)
        await stage.come(keeper, "c1", "c2", "c3")
        offer = keeper.ledger.contacts[CallId("c1")].offer
        assert offer is not None
        await stage.ask(keeper, AcceptOffer, offer.id, ANN, "left")
        clock.advance(16.0)
        await settle()
    with sqlite3.connect(stage.path) as db:
        total = db.execute("SELECT count(*) FROM desk_event").fetchone()[0]
        db.execute("DELETE FROM desk_event WHERE seq >= ?", (killed_after,))
        kept = [decode_logged(body) for (body,) in db.execute("SELECT body FROM desk_event ORDER BY seq")]
    assert total >= 11
    entered = [one.event.call for one in kept if isinstance(one.event, ContactQueued)]
    stage.decided = list(kept)
    async with stage.live() as (keeper, clock):
        assert sorted(keeper.ledger.contacts) == sorted(entered)
        offered = [one for one in keeper.ledger.contacts.values() if one.state is ContactState.OFFERED]
        assert len({one.offer.agent for one in offered if one.offer}) == len(offered)
        await settle()
        witness = Witness(load_desk())
        witness.watch(stage.decided)
        witness.check(keeper.now_s())


async def test_time_passes_by_the_clock_and_offers_run_out(stage: Stage) -> None:
    async with stage.live() as (keeper, clock):
        await stage.staff(keeper, ANN, BOB)
        await stage.come(keeper, "c1")
        clock.advance(14.0)
        await settle()
        assert stage.offers() == [("c1", "ann")]
        clock.advance(2.0)
        with anyio.fail_after(30):
            while len(stage.offers()) < 2:
                await settle()
        assert stage.offers() == [("c1", "ann"), ("c1", "bob")]
        assert keeper.ledger.agents[ANN].presence is Presence.BREAK
        with pytest.raises(CommandRefusedError) as refused:
            await stage.ask(keeper, AcceptOffer, OfferId("o4-1"), ANN, "left")
        assert refused.value.reason in {"offer.expired", "offer.unknown"}


async def test_two_consoles_of_one_agent_get_one_call(stage: Stage) -> None:
    async with stage.live() as (keeper, _clock):
        await stage.staff(keeper, ANN)
        await stage.staff(keeper, ANN)
        await stage.come(keeper, "c1", "c2")
        await settle()
        assert stage.offers() == [("c1", "ann")]
        offer = keeper.ledger.contacts[CallId("c1")].offer
        assert offer is not None
        left = AcceptOffer("the-key", offer.id, ANN, "left")
        await keeper.execute(left)
        await keeper.execute(left)  # word for word: the same answer
        await keeper.execute(AcceptOffer("another", offer.id, ANN, "left"))
        with pytest.raises(CommandRefusedError) as refused:
            await keeper.execute(AcceptOffer("the-key", offer.id, ANN, "right"))
        assert refused.value.reason == "offer.taken"
        assert keeper.ledger.agents[ANN].calls == ("c1",)
        assert keeper.ledger.contacts[CallId("c2")].state is ContactState.WAITING


@pytest.mark.parametrize("seed", range(6))
async def test_duplicated_and_reordered_commands_do_nothing_twice(stage: Stage, seed: int) -> None:
    """Commands come as a network in trouble brings them: late, early, again; each is carried out once at most."""
    chance = random.Random(seed)
    calls = [CallId(f"c{number}") for number in range(6)]
    sent: list[DeskCommand] = [SetPresence(f"p-{agent}", agent, Presence.READY, enrol=True) for agent in (ANN, BOB)]
    for number, call in enumerate(calls):
        sent.append(EnterQueue(f"e-{call}", call, f"{call}.h1", Language.ZH, priority=number))
        sent += [Reprioritize(f"r-{call}-{step}", call, 10 * step) for step in range(3)]
        sent += [Reroute(f"q-{call}", call, None), LeaveQueue(f"l-{call}", call)]
    arriving = [one for one in sent for _ in range(chance.randint(1, 3))]
    chance.shuffle(arriving)
    answers: dict[DeskCommand, str] = {}
    async with stage.live() as (keeper, clock):
        for command in arriving:
            try:
                await keeper.execute(command)
                answer = ""
            except CommandRefusedError as refused:
                answer = refused.reason
            assert answers.setdefault(command, answer) == answer  # the same command gets the same answer
            assert answer in {"", "call.unknown"}
            if chance.random() < 0.3:
                clock.advance(chance.choice([0.5, 4.0, 30.0]))
            for offer in list(keeper.ledger.offers)[:1]:
                accept = AcceptOffer(f"a-{offer}", offer, chance.choice([ANN, BOB]), "left")
                for _ in range(2):
                    with suppress(CommandRefusedError):
                        await keeper.execute(accept)
        await settle()
    entered = [one.event.call for one in stage.decided if isinstance(one.event, ContactQueued)]
    assert sorted(entered) == sorted(set(entered))
    assert set(entered) == {call for call in calls if answers[sent[2 + 6 * calls.index(call)]] == ""}
    witness = Witness(load_desk())
    witness.watch(stage.decided)
    witness.check(0.0)


async def test_what_cannot_be_stored_did_not_happen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage.live() as (keeper, _clock):
        await stage.staff(keeper, ANN)

        def full(_log: DeskLogFile, _seq: int, _bodies: Sequence[bytes]) -> None:
            raise JournalUnavailableError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(DeskLogFile, "append", full)
            with pytest.raises(CommandRefusedError) as refused:
                await stage.come(keeper, "c1")
        assert refused.value.reason == "journal.unavailable"
        assert not keeper.ledger.contacts
        await stage.come(keeper, "c1")
        await settle()
        assert stage.offers() == [("c1", "ann")]


async def test_a_clock_set_back_between_two_lives_does_not_turn_desk_time_back(stage: Stage) -> None:
    async with stage.live() as (keeper, _clock):
        await stage.come(keeper, "c1")
        since = keeper.ledger.contacts[CallId("c1")].since
    stage.utc -= timedelta(days=400)
    async with stage.live() as (keeper, clock):
        assert keeper.now_s() >= since
        clock.advance(1.0)
        await stage.come(keeper, "c2")
        assert keeper.ledger.contacts[CallId("c2")].since >= since


async def test_another_set_up_moves_callers_of_queues_that_are_gone(stage: Stage) -> None:
    shipped = load_desk()
    other = read_desk(
        'version: "2"\ntitle: {zh: 新, en: new}\ndefault_queue: all\nqueues: {all: {title: {zh: 全部, en: all}}}\n'
    )
    async with stage.live(shipped) as (keeper, _clock):
        await stage.come(keeper, "c1")
        await keeper.adopt(other)
        assert keeper.ledger.contacts[CallId("c1")].queue == "all"
    async with stage.live(other) as (keeper, _clock):
        await stage.staff(keeper, ANN)
        await settle()
        assert stage.offers() == [("c1", "ann")]


async def test_snapshots_say_the_same_as_the_whole_log(stage: Stage) -> None:
    async with stage.live() as (keeper, clock):
        await stage.ask(keeper, PutAgent, BOB, AgentProfile("Bob", (), (Language.EN,), 2))
        await stage.staff(keeper, ANN, BOB)
        await stage.come(keeper, "c1", "c2")
        await stage.ask(keeper, Reprioritize, CallId("c2"), 40)
        clock.advance(3.0)
        frozen = freeze(keeper.ledger)
        again = thaw(frozen, load_desk())
        assert freeze(again) == frozen
    with DeskLogFile(stage.path) as log:
        told = restore(log, load_desk())
        assert {one.call: one.state for one in told.contacts.values()} == {
            one.call: one.state for one in again.contacts.values()
        }
        log.keep_snapshot(99, b'{"format": 7}')  # cannot be used: the whole log is read
        assert restore(log, load_desk()).next_seq == told.next_seq
        log.append(told.next_seq, [b'{"seq": 0}'])
        with pytest.raises(DeskLogError):
            restore(log, load_desk())
        with pytest.raises(DeskLogError):
            log.append(0, [b"{}"])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{}",
        '{"seq":0,"at":1,"type":"x"}',
        '{"seq":true,"at":1,"type":"contact.woken","call":"c"}',
        '{"seq":0,"at":1,"type":"contact.woken"}',
        '{"seq":0,"at":1,"type":"contact.woken","call":"c","more":1}',
    ],
)
def test_a_malformed_event_is_an_error(line: str) -> None:
    with pytest.raises(DeskLogError):
        decode_logged(line)


def test_events_survive_their_wire_form(stage: Stage) -> None:
    event = ContactQueued(CallId("c"), "c.h1", load_desk().default_queue, 1.5, 30, Language.EN, sticky=ANN)
    assert decode_logged(encode_logged(Logged(3, 9.25, event))) == Logged(3, 9.25, event)
