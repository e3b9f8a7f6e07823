"""Hand-overs: which step may follow which, what failed attempts leave, and what callers are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.desk.events import (
    ContactBridged,
    ContactLeft,
    ContactReleased,
    ContactReturned,
    ContactTurnedAway,
    OfferAccepted,
    OfferMade,
)
from routing.desk.notices import Notice, NoticeKind
from routing.desk.terms import AgentId, Departure, OfferId, QueueId
from routing.handover import Handover, HandoverEvent, HandoverStage, follow, report
from routing.service_events import (
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
)
from routing.telling import TEXTS, Tellings
from routing.terms import HandoverFailure, HandoverReturn, Wording
from voice.contracts.audio import CallId
from voice.contracts.errors import DeskConfigError, HandoverError

WHY = Wording("要人工", "wants a person")
REQUEST = HandoverRequested("t", WHY)
OFFER = HandoverOffered("t", "ann")
ACCEPT = HandoverAccepted("t", "ann")
BRIDGE = HandoverBridged("t", "ann")
DECLINED = HandoverFailed("t", HandoverFailure.DECLINED, "ann", HandoverReturn.QUEUE)
GONE = HandoverFailed("t", HandoverFailure.CALLER_GONE)
CALL, ANN = CallId("c"), AgentId("ann")


def folded(*events: HandoverEvent) -> Handover:
    handover: Handover | None = None
    for event in events:
        handover = follow(handover, event)
    assert handover is not None
    return handover


def test_a_hand_over_goes_through_or_fails_and_is_offered_again() -> None:
    through = folded(REQUEST, OFFER, DECLINED, HandoverOffered("t", "bob"), HandoverAccepted("t", "bob"))
    assert (through.stage, through.agent, through.failure, through.attempts) == (
        HandoverStage.ACCEPTED,
        "bob",
        HandoverFailure.DECLINED,
        2,
    )
    assert through.open
    assert not folded(REQUEST, OFFER, ACCEPT, BRIDGE).open
    lost = folded(REQUEST, OFFER, ACCEPT, BRIDGE, HandoverFailed("t", HandoverFailure.AGENT_LOST, "ann"))
    assert (lost.stage, lost.agent) == (HandoverStage.FAILED, None)
    assert folded(REQUEST, GONE).stage is HandoverStage.OVER


@pytest.mark.parametrize(
    "events",
    [
        (OFFER,),
        (REQUEST, REQUEST),
        (REQUEST, ACCEPT),
        (REQUEST, BRIDGE),
        (REQUEST, OFFER, OFFER),
        (REQUEST, OFFER, HandoverAccepted("t", "bob")),
        (REQUEST, OFFER, BRIDGE),
        (REQUEST, OFFER, ACCEPT, ACCEPT),
        (REQUEST, OFFER, DECLINED, ACCEPT),
        (REQUEST, GONE, OFFER),
        (REQUEST, HandoverOffered("other", "ann")),
    ],
)
def test_a_step_out_of_turn_is_an_error(events: tuple[HandoverEvent, ...]) -> None:
    with pytest.raises(HandoverError):
        folded(*events)


def test_the_desk_says_in_the_calls_log_what_concerns_the_caller() -> None:
    offer = OfferId("o1-1")
    assert report(OfferMade(offer, CALL, ANN, 15.0), "t") == OFFER
    assert report(OfferAccepted(offer, CALL, ANN, "left", 25.0), "t") == ACCEPT
    assert report(ContactBridged(CALL, ANN), "t") == BRIDGE
    returned = ContactReturned(CALL, HandoverFailure.DECLINED, HandoverReturn.QUEUE, ANN, offer)
    assert report(returned, "t") == DECLINED
    assert report(ContactLeft(CALL, Departure.CALLER_GONE), "t") == GONE
    assert report(ContactLeft(CALL, Departure.SERVED, ANN), "t") is None
    assert report(ContactReleased(CALL), "t") is None
    closed = report(ContactTurnedAway(CALL, "t", QueueId("q"), None), "t")
    assert closed == HandoverFailed("t", HandoverFailure.CLOSED, None, HandoverReturn.AI)


def test_callers_are_told_every_step_in_both_languages() -> None:
    tellings = Tellings.load()
    for event in (REQUEST, OFFER, ACCEPT, BRIDGE, DECLINED, GONE):
        told = tellings.of_handover(event)
        assert told.clips[0] in tellings.texts
        assert told.text.zh
        assert told.text.en
    assert tellings.of_handover(REQUEST).text.zh == "正在为您转接专业客服"
    assert tellings.of_notice(Notice(CALL, NoticeKind.CLOSED)).text.zh


@pytest.mark.parametrize(
    ("ahead", "wait_s", "clips", "zh"),
    [
        (3, 290.0, ("notice.ahead.3", "notice.wait.5"), "您前面还有 3 位，预计等待约 5 分钟"),
        (1, 61.0, ("notice.ahead.1", "notice.wait.2"), "您前面还有 1 位，预计等待约 2 分钟"),
        (2, 45.0, ("notice.ahead.2", "notice.wait.short"), "您前面还有 2 位，预计等待不到一分钟"),
        (0, 20.0, ("notice.next", "notice.wait.short"), "您是下一位，请稍候，预计等待不到一分钟"),
        (0, None, ("notice.next",), "您是下一位，请稍候"),
        (20, 3600.0, ("notice.ahead.20", "notice.wait.60"), "您前面还有 20 位，预计等待约 60 分钟"),
        (21, 3601.0, ("notice.ahead.many", "notice.wait.long"), "您前面还有二十多位，预计等待超过一小时"),
        (None, None, ("notice.next",), "您是下一位，请稍候"),
    ],
)
def test_a_place_in_the_queue_is_told(ahead: int | None, wait_s: float | None, clips: tuple[str, ...], zh: str) -> None:
    told = Tellings.load().of_notice(Notice(CALL, NoticeKind.POSITION, ahead, wait_s))
    assert told.clips == clips
    assert told.text.zh == zh
    assert set(clips) <= set(Tellings.load().spoken())


def test_a_missing_text_is_named(tmp_path: Path) -> None:
    short = tmp_path / "telling.yaml"
    short.write_text(TEXTS.read_text(encoding="utf-8").replace("failed.declined", "failed.delcined"), encoding="utf-8")
    with pytest.raises(DeskConfigError, match=r"failed\.declined"):
        Tellings.load(short)
