"""Random events for a desk, as wild as they come, with a witness that checks every one of them."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

import numpy as np

from asr.types import Language
from routing.desk.commands import (
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
from routing.desk.desk import Answer, Desk
from routing.desk.file import read_desk
from routing.desk.snapshot import freeze, thaw
from routing.desk.terms import AgentId, AgentProfile, ContactKind, Departure, OfferId, Presence, QueueId, SkillLevel
from routing.desk.witness import Witness
from voice.contracts.audio import CallId
from voice.contracts.errors import DeskLogError

AGENTS: Final = tuple(AgentId(f"agent{number}") for number in range(14))
SUPERVISORS: Final = tuple(AgentId(f"boss{number}") for number in range(3))
CALLS: Final = 60
SKILLS: Final = ((), (SkillLevel("refund", 2),), (SkillLevel("complaint", 4),))

_DESK: Final = """\
version: random
title: {zh: 随机, en: Random}
default_queue: general
lease_s: 90
skills: {refund: {zh: 退款, en: refunds}, complaint: {zh: 投诉, en: complaints}}
hours:
  office:
    time_zone: Asia/Shanghai
    week: {mon: ["09:00-18:00"], tue: ["09:00-18:00"], thu: ["22:00-06:00"], fri: ["00:00-24:00"]}
queues:
  general: {title: {zh: 综合, en: general}, wrap_up_s: 8, callback: {above_s: 30, attempts: 3, retry_s: 60}}
  urgent: {title: {zh: 加急, en: urgent}, priority: 60, ageing: 9, skills: {complaint: 3}, strategy: best_skill,
           rest_after_no_answer: false, reoffer_after_s: 12, overflow: [{after_s: 40, queue: general}]}
  refunds: {title: {zh: 退款, en: refunds}, skills: {refund: 2}, hours: office, wrap_up_s: 0, match_language: false,
            after_failure: ai, overflow: [{after_s: 0, queue: urgent}, {after_s: 20, queue: general}], callback: {}}
agents:
  agent0: {skills: {refund: 9, complaint: 9}, capacity: 3}
  agent1: {skills: {complaint: 5}, languages: [en]}
"""


class RandomDay:
    """Commands drawn by chance: sensible ones, late, early, repeated and impossible ones; time jumps and runs back.

    Attributes:
        events: commands, steps of time, restarts and reloads so far.
        carried_out: commands that were not refused, by kind, repeated ones included.
        restarts: how often the desk went on from its snapshot.
        offers_kept: offers that were open at a restart.
    """

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self._configs = (
            read_desk(_DESK),
            read_desk(_DESK.replace("  urgent: {title", "  hasty: {title", 1).replace("queue: urgent", "queue: hasty")),
        )
        self._config = self._configs[0]
        self._desk, self._witness = Desk(self._config), Witness(self._config)
        self._now = 1_000_000.0
        self._asked: deque[DeskCommand] = deque(maxlen=50)
        self.events = 0
        self.carried_out: Counter[str] = Counter()
        self.restarts = 0
        self.offers_kept = 0
        self._take(self._desk.adopt(self._config, self._now))

    def step(self) -> None:
        """One random event.

        Raises:
            DeskLogError: something did not hold.
        """
        self.events += 1
        draw = self._chance.random()
        if draw < 0.25:
            self._pass_time()
        elif draw < 0.254:
            self._restart()
        elif draw < 0.255:
            self._reload()
        elif draw < 0.28 and self._asked:
            self._ask(self._asked[int(self._chance.integers(len(self._asked)))])
        else:
            self._ask(self._command())
        self._witness.check(self._desk.ledger.now)
        self._witness.check_all_served(self._desk.ledger.now)

    def _pass_time(self) -> None:
        due = self._desk.next_due
        if due is not None and self._chance.random() < 0.4:
            self._now = max(self._now, due)
        else:
            jumps = np.array([0.0, 0.5, 2.0, 6.0, 15.0, 60.0, 4_000.0, 1e6, -20.0, -1e5])
            odds = np.array([0.1, 0.3, 0.3, 0.2, 0.05, 0.03, 0.006, 0.001, 0.01, 0.003])
            self._now = max(0.0, self._now + float(self._chance.choice(jumps, p=odds / odds.sum())))
        self._take(self._desk.advance(self._now))

    def _restart(self) -> None:
        """Go on from what was written, as another process would: an open offer goes on and is not made again."""
        old = self._desk.ledger
        open_offers = dict(old.offers)
        new = thaw(freeze(old), self._config)
        self._desk = Desk(self._config, new)
        self._now = max(self._now, old.now) + float(self._chance.choice([0.0, 5.0, 500.0]))
        self._take(self._desk.resume(self._now))
        if not open_offers.items() <= self._desk.ledger.offers.items():
            raise DeskLogError("The desk broke a rule: an open offer is gone after a restart.")
        self.restarts += 1
        self.offers_kept += len(open_offers)

    def _reload(self) -> None:
        self._config = self._configs[int(self._chance.integers(len(self._configs)))]
        self._witness.ledger.adopt(self._config)
        self._take(self._desk.adopt(self._config, self._now))

    def _command(self) -> DeskCommand:
        draw = self._chance.random()
        if draw < 0.22:
            return self._entry()
        if draw < 0.5 and self._desk.ledger.offers:
            return self._answer()
        engaged = [one for one in self._desk.ledger.contacts.values() if one.agent is not None]
        if draw < 0.75 and engaged:
            contact = engaged[int(self._chance.integers(len(engaged)))]
            agent = contact.agent if contact.agent is not None and self._chance.random() < 0.97 else self._agent()
            if self._chance.random() < (0.5 if contact.kind is ContactKind.CALLBACK else 0.02):
                by = self._call()
                return AnswerCallback("", contact.call, agent, by, f"{by}.c1")
            kinds = (ConfirmBridge, ConfirmBridge, FinishCall, FinishCall, FailBridge, MissCallback)
            return kinds[int(self._chance.integers(len(kinds)))]("", contact.call, agent)
        if draw < 0.9:
            return self._agent_says()
        return self._caller_says()

    def _entry(self) -> EnterQueue:
        call = self._call()
        queue = (None, "general", "urgent", "hasty", "refunds", "nowhere")[int(self._chance.integers(6))]
        return EnterQueue(
            key="",
            call=call,
            ticket=f"{call}.h{int(self._chance.integers(2))}",
            language=tuple(Language)[int(self._chance.integers(2))],
            queue=None if queue is None else QueueId(queue),
            priority=int(self._chance.choice([0, 0, 0, 30, 80, 99, 1000])),
            skills=SKILLS[int(self._chance.integers(len(SKILLS)))],
            sticky=self._agent() if self._chance.random() < 0.3 else None,
            kind=ContactKind.CALLBACK if self._chance.random() < 0.1 else ContactKind.LIVE,
            address="tel:1",
        )

    def _answer(self) -> DeskCommand:
        offers = list(self._desk.ledger.offers.items())
        offer, call = offers[int(self._chance.integers(len(offers)))]
        held = self._desk.ledger.contacts[call].offer
        agent = held.agent if held is not None and self._chance.random() < 0.95 else self._agent()
        draw = self._chance.random()
        if draw < 0.05:
            offer = OfferId(f"o{int(self._chance.integers(1000))}-1")
        return DeclineOffer("", offer, agent) if draw > 0.85 else AcceptOffer("", offer, agent, "left")

    def _agent_says(self) -> DeskCommand:
        agent, draw = self._agent(), self._chance.random()
        if draw < 0.5:
            return SetPresence("", agent, Presence.READY, enrol=True)
        if draw < 0.6:
            return SetPresence("", agent, tuple(Presence)[int(self._chance.integers(len(Presence)))])
        if draw < 0.8:
            return ShowLife("", agent)
        if draw < 0.9:
            asked = self._call()
            if self._chance.random() < 0.5:
                known = self._desk.ledger.agents.get(agent)
                return ExcuseAgent("", (known and known.asked_by) or asked, agent)
            return AskAgent("", asked, agent, float(self._chance.integers(0, 60)))
        if draw < 0.95:
            profile = AgentProfile(
                "", SKILLS[int(self._chance.integers(3))], (Language.ZH,), int(self._chance.integers(4))
            )
            return PutAgent("", agent, profile)
        return LoseAgent("", agent) if draw < 0.98 else RemoveAgent("", agent)

    def _caller_says(self) -> DeskCommand:
        call, draw = self._call(), self._chance.random()
        if draw < 0.4:
            return Reprioritize("", call, int(self._chance.integers(-5, 110)))
        if draw < 0.5:
            return RequestCallback("", call, "tel:2")
        if draw < 0.55:
            return NoteAddress("", call, f"tel:{int(self._chance.integers(3, 6))}")
        if draw < 0.7:
            queue = (None, "general", "urgent", "hasty", "refunds", "nowhere")[int(self._chance.integers(6))]
            return Reroute("", call, None if queue is None else QueueId(queue), SKILLS[int(self._chance.integers(3))])
        if draw < 0.85:
            return self._take_over(call)
        return LeaveQueue("", call, tuple(Departure)[int(self._chance.integers(len(Departure)))])

    def _take_over(self, call: CallId) -> TakeContact:
        contact = self._desk.ledger.contacts.get(call)
        known = contact.agent if contact is not None else None
        former = known if self._chance.random() < 0.9 else self._agent()
        taker = self._agent() if self._chance.random() < 0.5 else SUPERVISORS[int(self._chance.integers(3))]
        return TakeContact("", call, taker, former, tuple(Language)[int(self._chance.integers(2))])

    def _agent(self) -> AgentId:
        return AGENTS[int(self._chance.integers(len(AGENTS)))]

    def _call(self) -> CallId:
        return CallId(f"call{int(self._chance.integers(CALLS))}")

    def _ask(self, command: DeskCommand) -> None:
        self._asked.append(command)
        answer = self._desk.execute(command, self._now)
        self.carried_out[type(command).__name__] += answer.refusal is None
        self._take(answer)

    def _take(self, answer: Answer) -> None:
        self._witness.watch(answer.logged)
