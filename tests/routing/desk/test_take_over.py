"""A supervisor takes a caller over: the desk agrees from whatever state, and the others are free again."""

from __future__ import annotations

import itertools

import pytest

from asr.types import Language
from routing.desk.commands import (
    AcceptOffer,
    ConfirmBridge,
    EnterQueue,
    FailBridge,
    FinishCall,
    PutAgent,
    SetPresence,
    TakeContact,
)
from routing.desk.desk import Answer, Desk
from routing.desk.file import load_desk
from routing.desk.snapshot import decode_logged, encode_logged, freeze, thaw
from routing.desk.terms import AgentId, AgentProfile, ContactState, Presence
from routing.desk.witness import Witness
from routing.terms import HandoverFailure
from voice.contracts.audio import CallId

CALL, MEI, BOSS, CHIEF = CallId("c1"), AgentId("mei"), AgentId("boss"), AgentId("chief")
NOW = 1_750_000_000.0


class Floor:
    """A desk that a witness watches."""

    def __init__(self) -> None:
        config = load_desk()
        self.desk = Desk(config)
        self.witness = Witness(config)
        self._keys = (str(number) for number in itertools.count())
        self.now = NOW
        self._see(self.desk.adopt(config, NOW))

    def ask(self, kind: type, *details: object, **more: object) -> str:
        """Carry out a command; answers the code of its refusal."""
        self.now += 1
        answer = self.desk.execute(kind(next(self._keys), *details, **more), self.now)
        self._see(answer)
        return answer.refusal.code if answer.refusal else ""

    def serving(self) -> None:
        self.ask(SetPresence, MEI, Presence.READY, enrol=True)
        self.ask(EnterQueue, CALL, "c1.h1", Language.ZH)

    @property
    def contact(self) -> tuple[ContactState, str | None]:
        one = self.desk.ledger.contacts[CALL]
        return one.state, one.agent

    def _see(self, answer: Answer) -> None:
        self.witness.watch(answer.logged)
        self.witness.check(self.now)
        for one in answer.logged:
            assert decode_logged(encode_logged(one)) == one


@pytest.mark.parametrize("stage", ["nowhere", "waiting", "offered", "connecting", "serving"])
def test_from_every_state(stage: str) -> None:
    floor = Floor()
    former = None
    if stage == "waiting":
        floor.ask(EnterQueue, CALL, "c1.h1", Language.ZH)
    elif stage != "nowhere":
        floor.serving()
        offer = floor.desk.ledger.contacts[CALL].offer
        assert offer is not None
        if stage in ("connecting", "serving"):
            assert floor.ask(AcceptOffer, offer.id, MEI, "left") == ""
        if stage == "serving":
            assert floor.ask(ConfirmBridge, CALL, MEI) == ""
            former = MEI
    assert floor.ask(TakeContact, CALL, BOSS, former, Language.ZH) == ""
    assert floor.contact == (ContactState.SERVING, BOSS)
    assert floor.ask(TakeContact, CALL, BOSS, former, Language.ZH) == ""
    ledger = floor.desk.ledger
    assert not ledger.offers
    if stage not in ("nowhere", "waiting"):
        assert ledger.agents[MEI].calls == ()
        assert ledger.agents[MEI].offer is None
    # Nothing of the former connection comes due any more.
    floor.now += 3600
    floor._see(floor.desk.advance(floor.now))
    assert floor.contact == (ContactState.SERVING, BOSS)
    thawed = thaw(freeze(ledger), ledger.config)
    assert thawed.contacts == ledger.contacts
    assert thawed.agents == ledger.agents
    assert floor.ask(FinishCall, CALL, BOSS) == ""
    assert CALL not in ledger.contacts


def test_of_two_who_take_over_from_the_same_agent_the_second_is_refused() -> None:
    floor = Floor()
    floor.serving()
    offer = floor.desk.ledger.contacts[CALL].offer
    assert offer is not None
    floor.ask(AcceptOffer, offer.id, MEI, "left")
    floor.ask(ConfirmBridge, CALL, MEI)
    assert floor.ask(TakeContact, CALL, BOSS, MEI, Language.ZH) == ""
    assert floor.ask(TakeContact, CALL, CHIEF, MEI, Language.ZH) == "call.state"
    assert floor.contact == (ContactState.SERVING, BOSS)
    assert floor.ask(FailBridge, CALL, MEI) == "call.state"
    # Who took over may be lost like anybody, and the caller is back at the old place.
    assert floor.ask(FailBridge, CALL, BOSS, HandoverFailure.AGENT_LOST) == ""
    assert floor.contact[0] in (ContactState.WAITING, ContactState.OFFERED)


def test_who_serves_somebody_else_cannot_take_over() -> None:
    floor = Floor()
    assert floor.ask(TakeContact, CallId("other"), BOSS, None, Language.ZH) == ""
    floor.ask(EnterQueue, CALL, "c1.h1", Language.ZH)
    assert floor.ask(TakeContact, CALL, BOSS, None, Language.ZH) == "agent.engaged"


def test_who_is_offered_another_caller_gives_that_one_back() -> None:
    floor = Floor()
    floor.ask(SetPresence, BOSS, Presence.READY, enrol=True)
    floor.ask(EnterQueue, CALL, "c1.h1", Language.ZH)
    assert floor.contact == (ContactState.OFFERED, None)
    answered = floor.ask(TakeContact, CallId("other"), BOSS, None, Language.ZH)
    assert answered == ""
    assert floor.contact == (ContactState.WAITING, None)


def test_who_takes_the_caller_they_were_offered_gets_the_next_where_they_serve_two() -> None:
    floor = Floor()
    floor.ask(PutAgent, MEI, AgentProfile("", (), (Language.ZH,), 2))
    floor.serving()
    waiting = CallId("c2")
    floor.ask(EnterQueue, waiting, "c2.h1", Language.ZH)
    assert floor.desk.ledger.contacts[waiting].state is ContactState.WAITING
    assert floor.ask(TakeContact, CALL, MEI, None, Language.ZH) == ""
    assert floor.contact == (ContactState.SERVING, MEI)
    assert floor.desk.ledger.contacts[waiting].state is ContactState.OFFERED
    floor.witness.check_all_served(floor.now)


def test_an_agent_gives_a_caller_back() -> None:
    floor = Floor()
    floor.serving()
    offer = floor.desk.ledger.contacts[CALL].offer
    assert offer is not None
    floor.ask(AcceptOffer, offer.id, MEI, "left")
    floor.ask(ConfirmBridge, CALL, MEI)
    assert floor.ask(FailBridge, CALL, MEI, HandoverFailure.DECLINED) == ""
    assert floor.contact[0] is ContactState.WAITING
    assert floor.ask(FailBridge, CALL, MEI, HandoverFailure.CLOSED) == "handover.code"
