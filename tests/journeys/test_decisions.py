"""Who serves, and why: scripted calls through the real call and the real console.

What samples show with recorded speech stands in `test_samples.py`: simple logistics, a complaint, denied words, a
person at once, calm words in an angry voice. Here are the calls that no sample holds, and what the console shows of
decisions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from routing.call import Call
from routing.events import DtmfReceived, EmotionShifted, SpeechEnded, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.policy.course import decide_again, read_course
from routing.policy.file import load_policy
from routing.service_events import DecisionMade, PriorityChanged, RouteDecided
from routing.terms import CallEndReason, RouteTarget
from tests.journeys.tone_script import Stage, console_at, sign_in
from tests.routing.policy.talk import CALM, Talk, Tone
from tests.routing.rooms import (
    CALL,
    STARTED,
    ScriptedRecognizer,
    frames_of,
    of_type,
    open_rooms,
    run_call,
    speak,
    voice_of,
)
from voice.clock import ManualClock
from voice.contracts.audio import AudioFrame, Party, Pcm, from_s

AI, HUMAN = RouteTarget.AI, RouteTarget.HUMAN
ANGRY: Tone = (0.8, -0.7, 0.85)


def check_reasons(log: list[Stamped]) -> None:
    """Every change has its reason in both languages and evidence among the caller's words, and can be made again."""
    said = {event.segment: event.text for event in of_type(log, TranscriptFinal)}
    changes: list[RouteDecided | PriorityChanged] = [*of_type(log, RouteDecided), *of_type(log, PriorityChanged)]
    for change in changes:
        assert re.search("[\u4e00-\u9fff]", change.reason.zh)
        assert change.reason.en.isascii()
        assert change.policy_version == load_policy().version
        if change.rule not in {"start", "pressed-zero"}:
            assert change.evidence
            assert all(segment in said for segment in change.evidence)
    assert not any(one.changed for one in decide_again(load_policy(), read_course(log)))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("texts", "target", "rule", "evidence"),
    [
        (["我想查一下我的快递到哪里了", "订单号是6672", "好的谢谢"], AI, "simple-need", (0,)),
        (["我要转人工"], HUMAN, "asked-for-human", (0,)),
        (["hello can i speak to a real person"], HUMAN, "asked-for-human", (0,)),
        (["查一下物流", "我要投诉你们"], HUMAN, "escalating-words", (1,)),
        (["我不是要投诉，也没有不满意，就想问问发票"], AI, "simple-need", (0,)),
        (["我的快递到哪里了呀", "嗯我的快递到哪里了", "我问的是我的快递到哪里了"], HUMAN, "asked-again", (0, 1, 2)),
    ],
    ids=["simple logistics", "a person at once", "in English", "a complaint", "denied words", "the same three times"],
)
async def test_words_alone(texts: list[str], target: RouteTarget, rule: str, evidence: tuple[int, ...]) -> None:
    async with open_rooms(ScriptedRecognizer(texts)) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, voice_of(len(texts))))
    check_reasons(log)
    route = of_type(log, RouteDecided)[-1]
    assert (route.target, route.rule, route.evidence) == (target, rule, evidence)
    highest = max((change.current for change in of_type(log, PriorityChanged)), default=0)
    assert (highest > 0) is (target is HUMAN)


@pytest.mark.anyio
async def test_the_key_0_works_before_the_first_word() -> None:
    journal, clock = MemoryJournal(), ManualClock()
    send, receive = anyio.create_memory_object_stream[AudioFrame](1)
    async with open_rooms(ScriptedRecognizer([])) as rooms:
        call = Call(CALL, STARTED, rooms, journal, clock)
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks, send:
                tasks.start_soon(call.run, receive, [Party.CALLER], lambda: CallEndReason.CALLER_HUNG_UP)
                await call.press("0")
                call.end(CallEndReason.CALLER_HUNG_UP)
    receive.close()
    log = list(await journal.read(CALL))
    check_log(log)
    check_reasons(log)
    kinds = [type(stamped.event) for stamped in log]
    at = kinds.index(DtmfReceived)
    assert kinds[at : at + 4] == [DtmfReceived, DecisionMade, PriorityChanged, RouteDecided]
    assert of_type(log, RouteDecided)[0].target is HUMAN


def flapping_voice(utterances: int) -> Pcm:
    """A voice that is calm and raised in turn: every other utterance is louder by 14 dB and higher by 9 semitones."""
    silence = np.zeros(from_s(1), np.float32)
    calm, raised = speak(1.2, f0_hz=180, gain=0.05), speak(1.2, f0_hz=300, gain=0.25)
    parts = [one for number in range(utterances) for one in (silence, raised if number % 2 else calm)]
    return np.concatenate([*parts, silence])


@pytest.mark.anyio
async def test_a_flapping_voice_does_not_flap_the_decision() -> None:
    texts = [
        "我想查一下物流",
        "单号一二三四",
        "寄到上海",
        "上个星期买的",
        "是电饭煲",
        "在你们店里",
        "用微信付的",
        "白色的",
        "对",
        "谢谢",
    ]
    async with open_rooms(ScriptedRecognizer(texts)) as rooms:
        log = await run_call(rooms, frames_of(Party.CALLER, flapping_voice(len(texts))))
    check_reasons(log)
    assert len(of_type(log, SpeechEnded)) == len(texts)
    assert len(of_type(log, EmotionShifted)) <= 2
    assert len(of_type(log, RouteDecided)) <= 2
    priorities = [change.current for change in of_type(log, PriorityChanged)]
    assert priorities == sorted(priorities)


def test_scores_that_flap_about_the_threshold_change_the_route_once_at_most() -> None:
    talk = Talk(load_policy())
    texts = [
        "我想查一下物流",
        "单号一二三四",
        "寄到上海",
        "上个星期买的",
        "是电饭煲",
        "在你们店里",
        "用微信付的",
        "白色的",
    ]
    for number, text in enumerate(texts * 2):
        talk.tell(text, (0.75, -0.6, 0.8) if number % 2 else CALM)
    check_reasons(talk.finish().log)
    assert len(talk.routes) <= 2
    priorities = [change.current for change in talk.priorities]
    assert priorities == sorted(priorities)


def scripted_calls() -> dict[str, Talk]:
    """The calls that the console is looked at with, by name."""
    policy = load_policy()
    calls: dict[str, list[str | tuple[str, Tone]]] = {
        "calm-logistics": ["我想查一下我的快递到哪里了", "好的谢谢"],
        "complaint": ["查一下物流", "我要投诉你们"],
        "angry-voice": [("我想查一下物流", CALM), ("单号一二三四", ANGRY), ("寄到上海", ANGRY), ("对", ANGRY)],
        "denied": ["我不是要投诉，就是想问问发票"],
        "person": ["转人工"],
        "zero": ["0"],
        "again": ["我的快递到哪里了呀", "嗯我的快递到哪里了", "我问的是我的快递到哪里了"],
    }
    talks = {}
    for name, turns in calls.items():
        talk = talks[name] = Talk(policy, call=name)
        for turn in turns:
            if turn == "0":
                talk.press("0")
            else:
                talk.tell(*((turn, CALM) if isinstance(turn, str) else turn))
        talk.finish()
    return talks


@pytest.fixture(scope="module")
def talks() -> dict[str, Talk]:
    return scripted_calls()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, project: Path, talks: dict[str, Talk]) -> Iterator[Stage]:
    with console_at(tmp_path_factory.mktemp("decisions"), project) as stage:
        for talk in talks.values():
            stage.write(*talk.log)
        yield stage


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_console_shows_what_every_decision_is_and_why(
    console: Stage, browser: Browser, talks: dict[str, Talk], locale: str
) -> None:
    context = browser.new_context(locale=locale, viewport={"width": 1440, "height": 900})
    page = sign_in(context, console, "mei")
    for name, talk in talks.items():
        page.goto(f"{console.url}/?call={name}")
        expect(page.get_by_test_id("call-view")).to_have_attribute("data-last-seq", str(len(talk.log) - 1))
        for fold in ("decisions-all", "decisions-more"):
            if page.get_by_test_id(fold).is_visible():
                page.get_by_test_id(fold).click()
        for entry in page.locator(".looked > summary").all():
            entry.click()
        for stamped in talk.log:
            shown = page.locator(f"[data-testid=decision][data-seqs~='{stamped.seq}']")
            match stamped.event:
                case RouteDecided(target=target, reason=reason, evidence=evidence):
                    expect(shown.get_by_test_id("decision-target")).to_have_attribute("data-target", target)
                    expect(shown.get_by_test_id("decision-queue")).to_have_count(int(target is HUMAN))
                case PriorityChanged(current=current, reason=reason, evidence=evidence):
                    expect(shown.get_by_test_id("decision-priority")).to_contain_text(f"→ {current}")
                case DecisionMade(policy_version=version, because=because):
                    expect(shown.get_by_test_id("decision-policy")).to_have_text(version)
                    facts = shown.get_by_test_id("deciding-fact")
                    shown_facts = facts.evaluate_all("all => all.map((one) => one.dataset.fact)")
                    assert tuple(shown_facts) == because
                    continue
                case _:
                    continue
            expect(shown).to_contain_text(reason.zh if locale == "zh-CN" else reason.en)
            for segment in evidence:
                link = shown.get_by_test_id("decision-reason").locator(f"[data-evidence='{segment}']").first
                link.click()
                expect(page.locator(f"#segment-{segment} button").first).to_be_focused()
        expect(page.get_by_test_id("route")).to_have_attribute("data-value", talk.target.value)
    context.close()
