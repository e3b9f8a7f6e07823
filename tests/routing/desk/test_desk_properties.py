"""Whatever is asked of the desk, in whatever order and at whatever time, what must hold of it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent_console.bench.desk import measure_properties
from agent_console.bench.desk_events import RandomDay
from asr.types import Language
from routing.desk.commands import (
    REFUSALS,
    AcceptOffer,
    AnswerCallback,
    AskAgent,
    ConfirmBridge,
    DeclineOffer,
    DeskCommand,
    EnterQueue,
    ExcuseAgent,
    FailBridge,
    FinishCall,
    LeaveQueue,
    LoseAgent,
    MissCallback,
    NoteAddress,
    PutAgent,
    RemoveAgent,
    Reprioritize,
    RequestCallback,
    Reroute,
    SetPresence,
    ShowLife,
    TakeContact,
)
from routing.desk.decisions import Decisions
from routing.desk.desk import Answer, Desk
from routing.desk.events import ContactReturned, Logged
from routing.desk.file import read_desk
from routing.desk.ledger import Ledger
from routing.desk.line import Line
from routing.desk.records import ContactRecord
from routing.desk.snapshot import freeze, thaw
from routing.desk.terms import (
    AgentId,
    AgentProfile,
    ContactKind,
    ContactState,
    Departure,
    OfferId,
    Presence,
    QueueId,
    SkillLevel,
)
from routing.desk.witness import Witness
from routing.terms import HandoverFailure
from voice.contracts.audio import CallId
from voice.contracts.errors import DeskLogError

DESK = """\
version: "1"
title: {zh: 试, en: trial}
default_queue: general
lease_s: 40
skills:
  refund: {zh: 退款, en: refunds}
  complaint: {zh: 投诉, en: complaints}
hours:
  office:
    time_zone: UTC
    week: {thu: ["00:00-02:00", "05:00-24:00"], fri: ["09:00-18:00"]}
queues:
  general: {title: {zh: 综合, en: general}, wrap_up_s: 5, callback: {above_s: 0, attempts: 2, retry_s: 30}}
  urgent:
    title: {zh: 加急, en: urgent}
    priority: 60
    ageing: 10
    skills: {complaint: 3}
    strategy: best_skill
    rest_after_no_answer: false
    reoffer_after_s: 7
    sticky_s: 20
    overflow: [{after_s: 0, queue: refunds}, {after_s: 25, queue: general}]
  refunds: {title: {zh: 退款, en: refunds}, skills: {refund: 2}, hours: office, after_failure: ai, wrap_up_s: 0,
            match_language: false, overflow: [{after_s: 10, queue: general}], callback: {}}
agents:
  ann: {skills: {refund: 9, complaint: 2}, languages: [en]}
  mei: {skills: {complaint: 5}, languages: [zh, en], capacity: 2}
"""
OTHER = DESK.replace("  refunds: {title", "  returns: {title").replace("queue: refunds", "queue: returns")
CONFIGS = (read_desk(DESK), read_desk(OTHER), read_desk(DESK.replace("  ann: ", "  zoe: ")))

AGENTS = tuple(AgentId(name) for name in ("ann", "mei", "bob", "lin", "stranger"))
BOSSES = AgentId("boss"), AgentId("chief")
CALLS = tuple(CallId(f"c{number}") for number in range(12))
SKILLS = (SkillLevel("complaint", 3),), (SkillLevel("refund", 1),), (), (SkillLevel("juggling", 1),)

agents = st.sampled_from(AGENTS)
calls = st.sampled_from(CALLS)
priorities = st.sampled_from([0, 0, 0, 20, 50, 80, 99, 100, -1, 10**30])


class DeskMachine(RuleBasedStateMachine):
    """Everything that may be asked of a desk, and time that passes, stands still, jumps and runs backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.config = CONFIGS[0]
        self.desk = Desk(self.config)
        self.witness = Witness(self.config)
        self.asked: list[DeskCommand] = []

    @initialize()
    def begin(self) -> None:
        self.take(self.desk.adopt(self.config, self.now))
        for agent in AGENTS[1:4]:
            self.presence(agent, Presence.READY)

    def take(self, answer: Answer) -> None:
        self.witness.watch(answer.logged)
        for notice in answer.notices:
            assert notice.ahead is None or 0 <= notice.ahead < len(CALLS)
            assert notice.wait_s is None or notice.wait_s >= 0
        assert answer.refusal is None or answer.refusal.code in REFUSALS

    def ask(self, command: DeskCommand) -> Answer:
        self.asked.append(command)
        answer = self.desk.execute(command, self.now)
        self.take(answer)
        return answer

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 9.5, 15.0, 40.0, 61.0, 700.0, 90_000.0, -30.0, -1e6]))
    def time(self, seconds: float) -> None:
        self.now = max(self.now + seconds, 0.0)
        self.take(self.desk.advance(self.now))

    @rule()
    def next_due(self) -> None:
        if self.desk.next_due is not None:
            self.now = max(self.now, self.desk.next_due)
            self.take(self.desk.advance(self.now))

    @rule(agent=agents, presence=st.sampled_from([*[Presence.READY] * 4, *Presence]))
    def presence(self, agent: AgentId, presence: Presence) -> None:
        self.ask(SetPresence("k", agent, presence, enrol=agent != "stranger"))

    @rule(agent=agents, call=calls, for_s=st.sampled_from([10.0, 30.0, 0.0, 1e9]), excuses=st.booleans())
    def colleague(self, agent: AgentId, call: CallId, for_s: float, excuses: bool) -> None:
        known = self.desk.ledger.agents.get(agent)
        by = (known and known.asked_by) or call
        self.ask(ExcuseAgent("k", by, agent) if excuses else AskAgent("k", call, agent, for_s))

    @rule(
        agent=agents,
        what=st.sampled_from(["profile", "remove", "lose", "life"]),
        skills=st.sampled_from(SKILLS),
        capacity=st.sampled_from([1, 2, 3, 0, 11]),
    )
    def agent(self, agent: AgentId, what: str, skills: tuple[SkillLevel, ...], capacity: int) -> None:
        match what:
            case "profile":
                self.ask(PutAgent("k", agent, AgentProfile(agent, skills, (Language.ZH,), capacity)))
            case "remove":
                self.ask(RemoveAgent("k", agent))
            case "lose":
                self.ask(LoseAgent("k", agent))
            case _:
                self.ask(ShowLife("k", agent))

    @rule(
        call=calls,
        again=st.booleans(),
        queue=st.sampled_from([None, "general", "urgent", "refunds", "nowhere"]),
        language=st.sampled_from(Language),
        priority=priorities,
        skills=st.sampled_from(SKILLS),
        sticky=st.sampled_from([None, *AGENTS]),
        kind=st.sampled_from([ContactKind.LIVE, ContactKind.LIVE, ContactKind.CALLBACK]),
    )
    def enter(
        self,
        call: CallId,
        again: bool,
        queue: str | None,
        language: Language,
        priority: int,
        skills: tuple[SkillLevel, ...],
        sticky: AgentId | None,
        kind: ContactKind,
    ) -> None:
        wanted = None if queue is None else QueueId(queue)
        ticket = f"{call}.h{again}"
        self.ask(EnterQueue("k", call, ticket, language, wanted, priority, skills, sticky, kind, "tel:1"))

    @rule(
        call=calls,
        queue=st.sampled_from([None, "general", "urgent", "refunds", "nowhere"]),
        skills=st.sampled_from(SKILLS),
    )
    def reroute(self, call: CallId, queue: str | None, skills: tuple[SkillLevel, ...]) -> None:
        self.ask(Reroute("k", call, None if queue is None else QueueId(queue), skills))

    @rule(
        call=calls,
        by=st.sampled_from([*AGENTS, *BOSSES]),
        former=st.sampled_from(["known", "known", None, *AGENTS]),
        language=st.sampled_from(Language),
    )
    def take_over(self, call: CallId, by: AgentId, former: str | None, language: Language) -> None:
        contact = self.desk.ledger.contacts.get(call)
        if former == "known":
            former = contact.agent if contact is not None else None
        self.ask(TakeContact("k", call, by, None if former is None else AgentId(former), language))

    @rule(
        call=calls,
        what=st.sampled_from([*Departure, "callback", "callback", "address", "priority"]),
        priority=priorities,
    )
    def caller(self, call: CallId, what: str, priority: int) -> None:
        if what == "callback":
            self.ask(RequestCallback("k", call, "tel:2"))
        elif what == "address":
            self.ask(NoteAddress("k", call, "tel:3"))
        elif what == "priority":
            self.ask(Reprioritize("k", call, priority))
        else:
            self.ask(LeaveQueue("k", call, Departure(what)))

    @precondition(lambda self: self.desk.ledger.offers)
    @rule(data=st.data(), accepts=st.sampled_from([True, True, False]), console=st.sampled_from(["left", "right"]))
    def answer(self, data: st.DataObject, accepts: bool, console: str) -> None:
        offer = data.draw(st.sampled_from(sorted(self.desk.ledger.offers)))
        held = self.desk.ledger.contacts[self.desk.ledger.offers[offer]].offer
        assert held is not None
        self.ask(AcceptOffer("k", offer, held.agent, console) if accepts else DeclineOffer("k", offer, held.agent))

    @rule(agent=agents, number=st.integers(0, 40), attempt=st.integers(1, 3), accepts=st.booleans())
    def answer_any(self, agent: AgentId, number: int, attempt: int, accepts: bool) -> None:
        offer = OfferId(f"o{number}-{attempt}")
        self.ask(AcceptOffer("k", offer, agent, "left") if accepts else DeclineOffer("k", offer, agent))

    @precondition(lambda self: any(one.agent for one in self.desk.ledger.contacts.values()))
    @rule(
        data=st.data(),
        what=st.sampled_from(["confirm", "confirm", "fail", "lost", "reached", "reached", "miss", "finish", "finish"]),
        by=calls,
    )
    def serve(self, data: st.DataObject, what: str, by: CallId) -> None:
        engaged = sorted(one.call for one in self.desk.ledger.contacts.values() if one.agent)
        call = data.draw(st.sampled_from(engaged))
        agent = self.desk.ledger.contacts[call].agent
        assert agent is not None
        match what:
            case "confirm":
                self.ask(ConfirmBridge("k", call, agent))
            case "fail":
                self.ask(FailBridge("k", call, agent))
            case "lost":
                self.ask(FailBridge("k", call, agent, HandoverFailure.AGENT_LOST))
            case "reached":
                self.ask(AnswerCallback("k", call, agent, by, f"{by}.c1"))
            case "miss":
                self.ask(MissCallback("k", call, agent))
            case _:
                self.ask(FinishCall("k", call, agent))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A command arrives again, out of its turn."""
        self.ask(data.draw(st.sampled_from(self.asked)))

    @rule(number=st.integers(0, len(CONFIGS)), away=st.sampled_from([0.0, 3.0, 600.0]))
    def change(self, number: int, away: float) -> None:
        if number == len(CONFIGS):
            self.restart(away)
            return
        self.config = CONFIGS[number]
        self.witness.ledger.adopt(self.config)
        self.take(self.desk.adopt(self.config, self.now))

    def restart(self, away: float) -> None:
        """The desk goes on from its records, as another process would."""
        old = self.desk.ledger
        offers = dict(old.offers)
        self.desk = Desk(self.config, thaw(freeze(old), self.config))
        self.now = max(self.now, old.now) + away
        self.take(self.desk.resume(self.now))
        assert offers.items() <= self.desk.ledger.offers.items()

    @invariant()
    def holds(self) -> None:
        self.witness.check(self.desk.ledger.now)
        self.witness.check_all_served(self.desk.ledger.now)

    @invariant()
    def the_log_tells_all(self) -> None:
        ledger, told = self.desk.ledger, self.witness.ledger
        assert {one.id: (one.presence, one.calls, one.offer, one.idle_order) for one in ledger.agents.values()} == {
            one.id: (one.presence, one.calls, one.offer, one.idle_order) for one in told.agents.values()
        }
        assert {one.call: (one.state, one.queue, one.offer, one.since) for one in ledger.contacts.values()} == {
            one.call: (one.state, one.queue, one.offer, one.since) for one in told.contacts.values()
        }


DeskMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
TestDesk = DeskMachine.TestCase


@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_thousand_random_events_break_nothing(seed: int) -> None:
    """Four days of 25 000 events; who is waited for, offered, served and taken over is checked after each of them."""
    day = RandomDay(seed)
    while day.events < 25_000:
        day.step()
    # The day was one: every kind of command was carried out, and restarts met open offers.
    assert set(day.carried_out) == {kind.__name__ for kind in get_args(DeskCommand)}
    assert min(day.carried_out.values()) > 20
    assert day.restarts > 50
    assert day.offers_kept > 50


def lose_the_place(patch: pytest.MonkeyPatch) -> None:
    honest = Ledger.apply

    def apply(self: Ledger, logged: Logged) -> None:
        honest(self, logged)
        if isinstance(logged.event, ContactReturned) and logged.event.agent is not None:
            self.contacts[logged.event.call].since += 1.0

    patch.setattr(Ledger, "apply", apply)


def offer_to_anybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ContactRecord, "bars", lambda _self, _agent, _now: False)


def forget_the_free(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Decisions, "offer_agent", lambda _self, _agent: None)
    patch.setattr(Decisions, "offer_contact", lambda _self, _contact: False)


def serve_in_another_order(patch: pytest.MonkeyPatch) -> None:
    honest = Decisions._first_for

    def last_for(self: Decisions, agent: AgentId, line: Line) -> tuple[ContactRecord, float] | None:
        found = honest(self, agent, Line(line.slope, line.places[::-1]))
        return None if found is None else (found[0], found[1])

    patch.setattr(Decisions, "_first_for", last_for)


def leave_the_former_in_charge(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "_part", lambda _self, _contact: None)


def offer_again_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    honest = Desk.resume

    def resume(self: Desk, now: float) -> Answer:
        for call in self.ledger.offers.values():
            self.ledger.contacts[call].state = ContactState.WAITING
        self.ledger.offers.clear()
        return honest(self, now)

    patch.setattr(Desk, "resume", resume)


BUGS = (
    lose_the_place,
    offer_to_anybody,
    forget_the_free,
    serve_in_another_order,
    leave_the_former_in_charge,
    offer_again_after_a_restart,
)


@pytest.mark.parametrize("bug", BUGS)
def test_a_broken_desk_is_found_out(bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises((DeskLogError, LookupError)):
        measure_properties(events=5_000, seed=1)
