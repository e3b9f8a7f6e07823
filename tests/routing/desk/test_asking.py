"""An agent who is asked to a colleague's call is offered nobody meanwhile, and never longer than was said."""

from __future__ import annotations

import itertools

import pytest

from asr.types import Language
from routing.desk.commands import AskAgent, EnterQueue, ExcuseAgent, RemoveAgent, SetPresence, TakeContact
from routing.desk.desk import Answer, Desk
from routing.desk.file import load_desk
from routing.desk.ledger import Ledger
from routing.desk.snapshot import decode_logged, encode_logged, freeze, thaw
from routing.desk.terms import AgentId, ContactState, Presence
from routing.desk.views import view_agent
from routing.desk.witness import Witness
from voice.contracts.audio import CallId

CALL, NEXT = CallId("c1"), CallId("c2")
MEI, LIN = AgentId("mei"), AgentId("lin")
NOW = 1_750_000_000.0


class Floor:
    """A desk that a witness watches; lin is ready."""

    def __init__(self) -> None:
        config = load_desk()
        self.desk, self.witness = Desk(config), Witness(config)
        self.now = NOW
        self._keys = (str(number) for number in itertools.count())
        self._see(self.desk.adopt(config, NOW))
        self.ask(SetPresence, LIN, Presence.READY, enrol=True)

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    def ask(self, kind: type, *details: object, **more: object) -> str:
        """Carry out a command; answers the code of its refusal."""
        answer = self.desk.execute(kind(next(self._keys), *details, **more), self.now)
        self._see(answer)
        return answer.refusal.code if answer.refusal else ""

    def come(self, call: CallId) -> None:
        assert self.ask(EnterQueue, call, f"{call}.h1", Language.ZH) == ""

    def state(self, call: CallId) -> ContactState:
        return self.ledger.contacts[call].state

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self._see(self.desk.advance(self.now))

    def _see(self, answer: Answer) -> None:
        self.witness.watch(decode_logged(encode_logged(one)) for one in answer.logged)
        self.witness.check(self.now)
        self.witness.check_all_served(self.now)


def test_who_is_asked_is_offered_nobody_until_they_are_excused() -> None:
    floor = Floor()
    assert floor.ask(AskAgent, CALL, LIN, 30.0) == ""
    floor.come(NEXT)
    assert floor.state(NEXT) is ContactState.WAITING
    assert (seen := view_agent(floor.ledger, LIN)) is not None
    assert seen.presence is Presence.BUSY
    assert floor.ask(ExcuseAgent, CallId("another"), LIN) == ""  # not that call's
    assert floor.state(NEXT) is ContactState.WAITING
    assert floor.ask(ExcuseAgent, CALL, LIN) == ""
    assert floor.state(NEXT) is ContactState.OFFERED


def test_it_runs_out_by_itself_unless_it_is_said_again() -> None:
    floor = Floor()
    floor.ask(AskAgent, CALL, LIN, 30.0)
    floor.come(NEXT)
    floor.pass_time(15)
    assert floor.ask(AskAgent, CALL, LIN, 30.0) == ""
    floor.pass_time(29)
    assert floor.state(NEXT) is ContactState.WAITING
    floor.pass_time(1)
    assert floor.state(NEXT) is ContactState.OFFERED


def test_a_restart_forgets_nobody_who_is_asked_and_keeps_nobody_for_ever() -> None:
    floor = Floor()
    floor.ask(AskAgent, CALL, LIN, 30.0)
    floor.come(NEXT)
    desk = Desk(floor.ledger.config, thaw(freeze(floor.ledger), floor.ledger.config))
    assert desk.resume(floor.now + 10).refusal is None
    assert desk.ledger.contacts[NEXT].state is ContactState.WAITING
    desk.advance(floor.now + 30)
    assert desk.ledger.contacts[NEXT].state is ContactState.OFFERED


def test_one_at_a_time_and_only_who_is_free() -> None:
    floor = Floor()
    assert floor.ask(AskAgent, CALL, AgentId("nobody"), 30.0) == "agent.unknown"
    assert floor.ask(AskAgent, CALL, LIN, 30.0) == ""
    assert floor.ask(AskAgent, CallId("another"), LIN, 30.0) == "agent.engaged"
    floor.ask(ExcuseAgent, CALL, LIN)
    floor.come(NEXT)
    assert floor.state(NEXT) is ContactState.OFFERED
    assert floor.ask(AskAgent, CALL, LIN, 30.0) == "agent.engaged"
    floor.ask(SetPresence, LIN, Presence.BREAK)
    assert floor.ask(AskAgent, CALL, LIN, 30.0) == "agent.engaged"


@pytest.mark.parametrize("for_s", [0.0, -1.0, 301.0, float("nan"), float("inf")])
def test_nobody_is_kept_for_no_time_or_for_ever(for_s: float) -> None:
    floor = Floor()
    assert floor.ask(AskAgent, CALL, LIN, for_s) == "id.malformed"
    assert floor.ledger.agents[LIN].free


def test_who_takes_the_caller_is_asked_no_more_and_an_agent_who_is_gone_is_no_trouble() -> None:
    floor = Floor()
    floor.ask(SetPresence, MEI, Presence.READY, enrol=True)
    floor.come(CALL)
    floor.ask(TakeContact, CALL, MEI, None, Language.ZH)
    assert floor.ask(AskAgent, CALL, LIN, 30.0) == ""
    assert floor.ask(TakeContact, CALL, LIN, MEI, Language.ZH) == ""
    assert (floor.ledger.agents[LIN].asked_by, floor.ledger.agents[LIN].calls) == (None, (CALL,))
    floor.ask(SetPresence, MEI, Presence.READY)
    floor.ask(AskAgent, CALL, MEI, 30.0)
    assert floor.ask(RemoveAgent, MEI) == ""
    floor.pass_time(31)
    assert floor.ask(ExcuseAgent, CALL, MEI) == ""
