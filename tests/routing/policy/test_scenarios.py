"""Scenario tables: what the policies that ship decide, from words, tone, keys, hour and desk to route and priority."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from routing.desk.file import load_desk
from routing.policy.facts import QueueLoad, Situation
from routing.policy.file import DEFAULT_POLICY, EXAMPLE_POLICY, load_policy, read_policy
from routing.policy.rules import Policy
from routing.terms import RouteTarget
from tests.routing.policy.talk import CALM, Talk, Tone

AI, HUMAN = RouteTarget.AI, RouteTarget.HUMAN
SHANGHAI = ZoneInfo("Asia/Shanghai")
BANK_DESK = load_desk(EXAMPLE_POLICY.parents[1] / "desk" / "bank.yaml")
BANK = load_policy(EXAMPLE_POLICY, desk=BANK_DESK)
DEFAULT = load_policy(desk=load_desk())
TENSE: Tone = (0.6, -0.35, 0.8)
ANGRY: Tone = (0.8, -0.7, 0.8)
NIGHT = "2026-11-24T15:30:00+00:00"
"""Half past eleven at night in Shanghai."""

OPEN = Situation((QueueLoad("service", agents=5, free=2),))
CLOSED = Situation((QueueLoad("service", open=False),))
BUSY = Situation((QueueLoad("service", waiting=12, longest_wait_s=200, agents=5),))


@dataclass(frozen=True)
class Scenario:
    """What happens in a call, and what must come of it: turns are words, or words and tone, or a key."""

    name: str
    turns: tuple[str | tuple[str, Tone], ...]
    target: RouteTarget
    priority: tuple[int, int]
    rule: str
    queue: str | None = None
    skills: dict[str, int] = field(default_factory=dict)
    caller: str = "tel:+8613900139000"
    started_at: str = "2026-11-24T02:00:00+00:00"
    situation: Situation = OPEN

    def play(self, rules: Policy) -> Talk:
        talk = Talk(
            rules, caller=self.caller, started_at=self.started_at, zone=SHANGHAI, situation=lambda: self.situation
        )
        for turn in self.turns:
            if isinstance(turn, str) and len(turn) == 1:
                talk.press(turn)
            else:
                talk.tell(*((turn, CALM) if isinstance(turn, str) else turn))
        return talk.finish()


BANKING = (
    Scenario("a simple need", ("账单怎么查",), AI, (0, 0), "simple-need"),
    Scenario("stolen card", ("我的信用卡被盗刷了，怎么办",), HUMAN, (90, 90), "card-in-danger", "cards", {"fraud": 3}),
    Scenario(
        "stolen card, in English", ("my card was stolen",), HUMAN, (90, 90), "card-in-danger", "cards", {"fraud": 3}
    ),
    Scenario(
        "stolen card at night",
        ("我的信用卡被盗刷了",),
        HUMAN,
        (90, 90),
        "card-in-danger",
        "cards",
        {"fraud": 3},
        started_at=NIGHT,
        situation=CLOSED,
    ),
    Scenario("the regulator", ("我要去银监会投诉你们",), HUMAN, (80, 80), "threatens", "complaints", {"complaint": 5}),
    Scenario("a complaint that is denied", ("我不是要投诉，就是想问问账单怎么查",), AI, (0, 0), "simple-need"),
    Scenario("a person", ("我想转人工客服",), HUMAN, (40, 40), "wants-a-person"),
    Scenario("the key 0 at once", ("0",), HUMAN, (40, 40), "wants-a-person"),
    Scenario("the key #", ("#",), HUMAN, (40, 40), "wants-a-person"),
    Scenario("another key", ("7",), AI, (0, 0), "start"),
    Scenario(
        "a private client",
        ("账单怎么查",),
        HUMAN,
        (50, 50),
        "private-client",
        "private",
        {"wealth": 3},
        caller="tel:+861001",
    ),
    Scenario("asked twice", ("我的信用卡账单怎么查", "我问的是信用卡账单怎么查"), HUMAN, (45, 45), "asked-again"),
    Scenario("a complex need", ("我对你们扣费不满意，要求赔偿",), HUMAN, (35, 99), "complex-need"),
    Scenario(
        "a complex need at night",
        ("我对你们扣费不满意，要求赔偿",),
        AI,
        (35, 35),
        "closed-at-night",
        started_at=NIGHT,
        situation=CLOSED,
    ),
    Scenario("a busy line", ("账单怎么查",), AI, (0, 0), "busy-line", situation=BUSY),
    Scenario(
        "calm words, angry voice",
        (("账单怎么查", CALM), ("卡号是6222", TENSE), ("上个月的", ANGRY), ("就是上个月", ANGRY), ("对", ANGRY)),
        HUMAN,
        (70, 70),
        "upset-voice",
    ),
    Scenario(
        "a long wait",
        ("我想转人工客服", "还要等多久"),
        HUMAN,
        (60, 60),
        "wants-a-person",
        situation=Situation(OPEN.queues, waited_s=200.0),
    ),
)


@pytest.mark.parametrize("scenario", BANKING, ids=lambda scenario: scenario.name)
def test_the_bank(scenario: Scenario) -> None:
    talk = scenario.play(BANK)
    route = talk.routes[-1]
    assert (route.target, route.rule, route.queue) == (scenario.target, scenario.rule, scenario.queue)
    assert {one.name: one.level for one in route.skills} == scenario.skills
    low, high = scenario.priority
    assert low <= talk.decision.priority <= high
    assert all(event.reason.zh and event.reason.en for event in talk.routes)
    assert all(event.reason.zh and event.reason.en for event in talk.priorities)


def test_the_banks_private_line_is_led_by_people_in_office_hours_only() -> None:
    def serves(started_at: str) -> tuple[RouteTarget, str]:
        talk = Talk(BANK, started_at=started_at, zone=SHANGHAI, called="95001", situation=lambda: OPEN)
        return talk.tell("账单怎么查").target, talk.routes[-1].rule

    assert serves("2026-11-24T02:00:00+00:00") == (HUMAN, "private-client")
    assert serves("2026-11-24T00:59:50+00:00") == (AI, "simple-need")
    assert serves("2026-11-24T10:00:00+00:00") == (AI, "simple-need")
    assert serves("2026-11-22T02:00:00+00:00") == (AI, "simple-need")


def test_the_bank_tells_callers_and_agents_what_the_rules_say() -> None:
    talk = Talk(BANK, zone=SHANGHAI, situation=lambda: OPEN)
    told = talk.tell("我的信用卡被盗刷了，怎么办")
    assert told.announce is not None
    assert told.announce.zh.startswith("请不要挂机")
    assert [hint.zh for hint in told.hints] == ["先冻结卡片，再核实身份。"]
    assert talk.tell("信用卡被盗刷了").announce is None


def test_the_banks_callers_calm_down_and_keep_their_person_for_four_turns() -> None:
    talk = Talk(BANK, zone=SHANGHAI, situation=lambda: OPEN)
    talk.tell("账单怎么查")
    for text in ("卡号是6222", "上个月的", "就是上个月", "六月"):
        talk.tell(text, ANGRY)
    assert talk.target is HUMAN
    lines = [
        "网点几点开门",
        "怎么修改预留手机号",
        "年费是多少",
        "积分怎么兑换",
        "网银登录不上",
        "怎么开发票",
        "怎么改地址",
        "优惠券怎么用",
        "会员有什么权益",
    ]
    targets = [talk.tell(text, (-0.3, 0.5, 0.9)).target for text in lines]
    assert targets[:4] == [HUMAN] * 4
    assert targets[-1] is AI
    assert sum(one is not other for one, other in pairwise(targets)) == 1


SHOP = (
    Scenario("a parcel", ("我想查一下我的快递到哪里了",), AI, (0, 0), "simple-need"),
    Scenario("a complaint", ("我要投诉你们",), HUMAN, (80, 80), "escalating-words"),
    Scenario("a person in the first breath", ("喂，转人工",), HUMAN, (40, 40), "asked-for-human"),
    Scenario("a person, in English", ("hi can i talk to a human agent please",), HUMAN, (40, 40), "asked-for-human"),
    Scenario("0 before a word", ("0",), HUMAN, (40, 40), "pressed-zero"),
    Scenario("0 after a while", ("我想查一下我的快递", "0"), HUMAN, (40, 40), "pressed-zero"),
    Scenario("denied words", ("我不是要投诉，没有不满意，不用转人工，就想问问发票怎么开",), AI, (0, 0), "simple-need"),
    Scenario(
        "the same three times",
        ("我的快递到哪里了呀", "嗯我的快递到哪里了", "我问的是我的快递到哪里了"),
        HUMAN,
        (45, 45),
        "asked-again",
    ),
    Scenario(
        "calm words, angry voice",
        (("我想查一下我的快递", CALM), ("订单号是1234", ANGRY), ("寄到上海的", ANGRY)),
        HUMAN,
        (75, 75),
        "upset-voice",
    ),
    Scenario(
        "a tense voice",
        (("我想查一下我的快递", CALM), ("单号1234", TENSE), ("上海", TENSE), ("对", TENSE)),
        AI,
        (30, 30),
        "simple-need",
    ),
)


@pytest.mark.parametrize("scenario", SHOP, ids=lambda scenario: scenario.name)
def test_the_default(scenario: Scenario) -> None:
    talk = scenario.play(DEFAULT)
    assert (talk.routes[-1].target, talk.routes[-1].rule) == (scenario.target, scenario.rule)
    low, high = scenario.priority
    assert low <= talk.decision.priority <= high
    if talk.routes[-1].rule not in {"start", "pressed-zero"}:
        assert talk.routes[-1].evidence


def test_people_lead_where_the_default_is_told_so() -> None:
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    lead = text.replace("# modes:\n#   - {mode", "modes:\n  - {mode")
    assert lead != text
    rules = read_policy(lead)
    by_day = Talk(rules, zone=SHANGHAI)
    assert (by_day.tell("我想查一下我的快递到哪里了").target, by_day.routes[-1].rule) == (HUMAN, "people-first")
    assert Talk(rules, zone=SHANGHAI, started_at=NIGHT).tell("我想查一下我的快递到哪里了").target is AI


def test_tomorrow_counts_from_the_day_where_the_business_is() -> None:
    late = "2026-11-24T16:30:00+00:00"
    text = "明天下午送过来可以吗"

    def date_of(zone: ZoneInfo) -> str:
        talk = Talk(DEFAULT, zone=zone, started_at=late)
        talk.tell(text)
        return next(value for kind, value in talk.entities if kind == "date")

    assert date_of(SHANGHAI) == datetime(2026, 11, 26).date().isoformat()
    assert date_of(ZoneInfo("UTC")) == datetime(2026, 11, 25).date().isoformat()


@pytest.mark.parametrize("path", [DEFAULT_POLICY, EXAMPLE_POLICY], ids=lambda path: path.name)
def test_what_ships_says_everything_in_both_languages(path: Path) -> None:
    rules = load_policy(path)
    wordings = [one for rule in rules.rules for one in (rule.reason, rule.announce, rule.hint) if one is not None]
    assert all(any("\u4e00" <= char <= "\u9fff" for char in one.zh) and one.en.isascii() for one in wordings)
