"""Callers who are to be called back at the desk: whom an agent accepts, who answers, who is missed, who is given up."""

from __future__ import annotations

import itertools

import pytest

from asr.types import Language
from routing.desk.commands import (
    AcceptOffer,
    AnswerCallback,
    DeskCommand,
    EnterQueue,
    FailBridge,
    LeaveQueue,
    MissCallback,
    NoteAddress,
    RequestCallback,
    SetPresence,
    TakeContact,
)
from routing.desk.desk import Answer, Desk
from routing.desk.events import CallbackAnswered, CallbackMissed, ContactLeft, ContactSlept
from routing.desk.file import read_desk
from routing.desk.notices import NoticeKind
from routing.desk.records import ContactRecord
from routing.desk.snapshot import freeze, thaw
from routing.desk.terms import AgentId, ContactKind, ContactState, Departure, Presence, QueueId
from routing.desk.witness import Witness
from routing.terms import TransferFailure
from voice.contracts.audio import CallId

CALL, BY, OTHER = CallId("c1"), CallId("c2"), CallId("c3")
MEI, LIN = AgentId("mei"), AgentId("lin")
NUMBER = "tel:+8613800138000"
CONFIG = read_desk("""
version: "1"
title: {zh: 试, en: trial}
default_queue: general
lease_s: 0
hours:
  office: {time_zone: UTC, week: {thu: ["00:00-01:00", "05:00-06:00"]}}
queues:
  general:
    title: {zh: 综合, en: general}
    wrap_up_s: 5
    connect_timeout_s: 10
    callback: {above_s: 0, attempts: 2, retry_s: 600, ring_s: 25}
  office:
    title: {zh: 办公, en: office}
    hours: office
    callback: {above_s: 0, attempts: 3, retry_s: 1800}
""")
_keys = itertools.count()


class Day:
    """A desk, watched by a witness, from Thursday 1970-01-01 00:00 UTC on."""

    def __init__(self) -> None:
        self.desk, self.witness, self.now = Desk(CONFIG), Witness(CONFIG), 0.0
        self.take(self.desk.adopt(CONFIG, self.now))

    def take(self, answer: Answer) -> Answer:
        self.witness.watch(answer.logged)
        self.witness.check(self.now)
        self.witness.check_all_served(self.now)
        return answer

    def ask(self, command: DeskCommand) -> Answer:
        return self.take(self.desk.execute(command, self.now))

    def wait(self, seconds: float) -> Answer:
        self.now += seconds
        return self.take(self.desk.advance(self.now))

    def come(self, call: CallId = CALL, *, queue: str | None = None, address: str | None = NUMBER) -> Answer:
        wanted = None if queue is None else QueueId(queue)
        return self.ask(EnterQueue(key(), call, f"{call}.h1", Language.ZH, wanted, address=address))

    def contact(self, call: CallId = CALL) -> ContactRecord:
        return self.desk.ledger.contacts[call]

    def accept(self, call: CallId = CALL) -> None:
        offer = self.contact(call).offer
        assert offer is not None
        assert self.ask(AcceptOffer(key(), offer.id, offer.agent, "desk")).refusal is None

    def asked(self) -> None:
        """A caller came, wanted to be called back, and hung up; mei came after, and has accepted."""
        self.come()
        self.ask(RequestCallback(key(), CALL, NUMBER))
        self.ask(LeaveQueue(key(), CALL))
        self.wait(30)
        self.ask(SetPresence(key(), MEI, Presence.READY, enrol=True))
        self.accept()


def key() -> str:
    return f"k{next(_keys)}"


def test_only_who_can_be_called_is_offered_a_callback() -> None:
    day = Day()
    assert NoticeKind.CALLBACK_OFFERED not in {one.kind for one in day.come(address=None).notices}
    assert day.ask(NoteAddress(key(), CALL, NUMBER)).refusal is None
    told = [one.kind for one in day.wait(45).notices]
    assert told.count(NoticeKind.CALLBACK_OFFERED) == 1
    refusal = day.ask(RequestCallback(key(), CALL, "")).refusal
    assert refusal is not None
    assert refusal.code == "callback.none"


def test_who_answers_is_known_by_the_new_call_and_keeps_the_place() -> None:
    day = Day()
    day.asked()
    assert day.contact().connect_by == 30 + 25 + 10  # it may ring for 25 s
    day.wait(20)
    answered = day.ask(AnswerCallback(key(), CALL, MEI, BY, "c2.c1")).logged
    assert [one.event for one in answered] == [CallbackAnswered(CALL, MEI, BY, "c2.c1", 60.0)]
    contact = day.contact(BY)
    assert (contact.kind, contact.state, contact.since, contact.ticket) == (
        ContactKind.LIVE,
        ContactState.CONNECTING,
        0.0,
        "c2.c1",
    )
    assert day.desk.ledger.agents[MEI].calls == (BY,)
    assert CALL not in day.desk.ledger.contacts
    thawed = thaw(freeze(day.desk.ledger), CONFIG)
    assert thawed.contacts[BY] == contact
    day.wait(11)  # mei's audio does not come about: whoever has answered waits on, at the old place
    assert (day.contact(BY).state, day.contact(BY).since) == (ContactState.WAITING, 0.0)
    assert day.desk.ledger.counted(contact.queue).answered == 1


@pytest.mark.parametrize("code", [TransferFailure.BUSY, TransferFailure.NO_ANSWER, TransferFailure.UNREACHABLE])
def test_who_is_missed_is_tried_again_and_then_given_up(code: TransferFailure) -> None:
    day = Day()
    day.asked()
    missed = day.ask(MissCallback(key(), CALL, MEI, code)).logged
    assert [type(one.event) for one in missed] == [CallbackMissed, ContactSlept]
    assert day.desk.ledger.agents[MEI].free
    assert day.wait(599).logged == ()
    day.wait(1)
    day.accept()
    missed = day.ask(MissCallback(key(), CALL, MEI, code)).logged
    assert missed[0].event == CallbackMissed(CALL, MEI, code)
    assert missed[1].event == ContactLeft(CALL, Departure.NOT_REACHED, MEI)
    assert day.desk.ledger.agents[MEI].free
    assert not day.desk.ledger.contacts


def test_who_may_not_be_called_is_given_up_at_once() -> None:
    day = Day()
    day.asked()
    missed = day.ask(MissCallback(key(), CALL, MEI, TransferFailure.FORBIDDEN)).logged
    assert isinstance(missed[-1].event, ContactLeft)
    assert day.desk.ledger.agents[MEI].free


def test_nobody_is_called_while_the_queue_is_closed() -> None:
    day = Day()
    day.come(queue="office")
    day.ask(RequestCallback(key(), CALL, NUMBER))
    day.ask(LeaveQueue(key(), CALL))
    day.wait(2400)
    day.ask(SetPresence(key(), MEI, Presence.READY, enrol=True))
    day.accept()
    day.ask(MissCallback(key(), CALL, MEI))
    day.wait(1800)  # due at 01:10, and closed from one o'clock on
    assert day.contact().state is ContactState.ASLEEP
    assert day.contact().asleep_until == 5 * 3600
    day.now = 5 * 3600 - 1.0
    day.wait(1)
    assert day.contact().state is ContactState.OFFERED


def test_hanging_up_while_it_rings_changes_nothing() -> None:
    day = Day()
    day.asked()
    day.ask(LeaveQueue(key(), CALL))
    assert (day.contact().state, day.contact().agent) == (ContactState.CONNECTING, MEI)


def test_what_cannot_be_is_refused() -> None:
    day = Day()
    day.asked()
    day.come(OTHER)
    before = day.desk.ledger.next_seq
    for command, code in (
        (AnswerCallback(key(), CALL, LIN, BY, "t"), "call.state"),
        (AnswerCallback(key(), CALL, MEI, OTHER, "t"), "call.queued"),
        (AnswerCallback(key(), OTHER, MEI, BY, "t"), "call.state"),
        (AnswerCallback(key(), CALL, MEI, CallId(""), "t"), "id.malformed"),
        (MissCallback(key(), OTHER, MEI), "call.state"),
        (TakeContact(key(), CALL, LIN, MEI, Language.ZH), "call.state"),
        (NoteAddress(key(), BY, NUMBER), "call.unknown"),
        (NoteAddress(key(), OTHER, "x" * 201), "callback.none"),
    ):
        refusal = day.ask(command).refusal
        assert refusal is not None, command
        assert refusal.code == code, command
    assert day.desk.ledger.next_seq == before


def test_an_agent_who_gives_a_callback_back_is_not_an_attempt() -> None:
    day = Day()
    day.asked()
    day.ask(FailBridge(key(), CALL, MEI))
    assert (day.contact().state, day.contact().attempts, day.contact().kind) == (
        ContactState.WAITING,
        0,
        ContactKind.CALLBACK,
    )
