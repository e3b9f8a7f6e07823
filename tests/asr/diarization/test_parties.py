"""Who calls and who serves."""

from __future__ import annotations

import pytest

from asr.diarization.parties import Ground, Spoken, assign_parties, is_greeting
from asr.diarization.types import Diarization, SpeakerTurn
from voice.contracts.audio import Party, Span, from_ms, from_s
from voice.contracts.errors import DiarizationError


def talk(*turns: tuple[float, float, str]) -> Diarization:
    return Diarization.of([SpeakerTurn(Span(from_s(start), from_s(end)), name) for start, end, name in turns])


TWO = talk((0.5, 3, "A"), (3.5, 9, "B"), (9.2, 12, "A"))


def test_who_speaks_first_serves() -> None:
    found = assign_parties(TWO)
    assert found.of == {"A": Party.AGENT, "B": Party.CALLER}
    assert (found.ground, found.is_sure) == (Ground.FIRST_SERVES, True)
    assert assign_parties(TWO, is_inbound=False).of == {"A": Party.CALLER, "B": Party.AGENT}


def test_a_click_before_the_greeting_opens_nothing() -> None:
    clicked = Diarization.of([*TWO.turns, SpeakerTurn(Span(0, from_ms(120)), "B")])
    assert assign_parties(clicked).of["A"] is Party.AGENT


def test_words_decide_against_time() -> None:
    words = [
        Spoken(Span(from_s(0.6), from_s(2)), "喂你好"),
        Spoken(Span(from_s(3.5), from_s(6)), "您好，这里是云联客服中心，工号八零二一"),
    ]
    found = assign_parties(TWO, words)
    assert found.of == {"A": Party.CALLER, "B": Party.AGENT}
    assert found.ground is Ground.GREETING


def test_words_of_both_decide_nothing() -> None:
    words = [Spoken(turn.span, "Thank you for calling, how may I help you?") for turn in TWO.turns[:2]]
    assert assign_parties(TWO, words).ground is Ground.FIRST_SERVES


def test_a_farewell_is_no_greeting() -> None:
    late = talk((0.5, 3, "A"), (3.5, 60, "B"))
    words = [Spoken(Span(from_s(55), from_s(58)), "thank you for calling")]
    assert assign_parties(late, words).ground is Ground.FIRST_SERVES


@pytest.mark.parametrize(
    "text",
    [
        "您好，这里是云联客服",
        "喂您好这里是售后",
        "很高兴为您服务",
        "请问有什么可以帮您",
        "感谢您的来电",
        "欢迎致电中国移动",
        "工号1024为您服务",
        "Thank you for calling Acme, my name is Ann",
        "Good morning, how can I help you today?",
        "How may I assist?",
    ],
)
def test_what_those_who_serve_say(text: str) -> None:
    assert is_greeting(text)


@pytest.mark.parametrize(
    "text",
    [
        "喂，你好",
        "您好，我想问一下我的订单",
        "Hello?",
        "Hi, I have a question about my bill",
        "我的手机号是一三八",
        "能不能帮我查一下",
        "我这里是三号楼",
        "Can you help me",
    ],
)
def test_what_callers_say(text: str) -> None:
    assert not is_greeting(text)


def test_one_speaker_is_the_caller() -> None:
    found = assign_parties(talk((0, 3, "A"), (5, 8, "A")))
    assert found.of == {"A": Party.CALLER}
    assert found.ground is Ground.ONE_SPEAKER


def test_of_three_the_caller_is_the_one_who_stays() -> None:
    transferred = talk((0, 5, "A"), (5, 9, "B"), (9, 20, "A"), (22, 30, "C"), (30, 40, "B"), (40, 41, "C"))
    found = assign_parties(transferred)
    assert found.of == {"A": Party.AGENT, "B": Party.CALLER, "C": Party.AGENT}
    assert (found.ground, found.is_sure) == (Ground.LONGEST_PRESENT, False)
    assert found.speakers(Party.AGENT) == ("A", "C")


@pytest.mark.parametrize(("choice", "caller"), [("first", "A"), ("second", "B"), ("A", "A"), ("B", "B")])
def test_people_may_choose(choice: str, caller: str) -> None:
    found = assign_parties(TWO, [Spoken(TWO.turns[0].span, "how can I help you")], caller=choice)
    assert found.speakers(Party.CALLER) == (caller,)
    assert found.ground is Ground.CHOSEN


def test_a_choice_that_is_nobody_is_refused() -> None:
    with pytest.raises(DiarizationError, match="speak A, B, in this order"):
        assign_parties(TWO, caller="C")
    with pytest.raises(DiarizationError, match="second"):
        assign_parties(talk((0, 3, "A")), caller="second")


def test_where_nobody_speaks_there_are_no_parties() -> None:
    with pytest.raises(DiarizationError, match="Nobody speaks"):
        assign_parties(Diarization(()))
