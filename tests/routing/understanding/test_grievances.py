"""Complaints without a word of complaint, the language they are written in, and the model of whole sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routing.document import Document, read
from routing.understanding.grievances import compile_grievances
from routing.understanding.heard import hear
from routing.understanding.holidays import compile_holidays
from routing.understanding.lexicon import LANGUAGES, load_lexicon
from routing.understanding.mood import MODEL, SURE, load_mood, weigh
from routing.understanding.sentiment import Sentiment, read_sentiment
from routing.understanding.taxonomy import DATA
from routing.understanding.wordings import WordingError, compile_wordings
from voice.contracts.errors import ModelCorruptError, ModelMissingError, UnderstandingDataError


def read_mood(text: str) -> Sentiment:
    return read_sentiment(hear(text), tuple(load_lexicon(language) for language in LANGUAGES))


def document(name: str, text: str) -> Document:
    return read(text, name=name, error=UnderstandingDataError)


@pytest.mark.parametrize(
    "text",
    [
        "都三天了还没到",
        "打了五遍电话没人管",
        "你们就是这么对客户的",
        "我等了一上午",
        "你们可真行",
        "再不处理我就换别家",
        "说好昨天送结果到现在没人来",
        "修了三次了还是老毛病",
        "都三天了還沒到",
        "this is the third time I'm calling",
        "I've been on hold for forty minutes",
        "you said Monday and it's still not here",
        "great so now I have no internet",
        "if you don't fix this I'm cancelling",
        "what kind of company is this",
        "nobody ever calls me back",
    ],
)
def test_a_complaint_needs_no_word_of_complaint(text: str) -> None:
    mood = read_mood(text)
    assert mood.negative
    assert not mood.escalate
    assert all(text[term.start : term.end] == term.text for term in mood.terms)


@pytest.mark.parametrize(
    "text",
    [
        "三天能到吗",
        "麻烦您帮我催一下谢谢",
        "不着急你慢慢查",
        "终于打通了我想查个快递",
        "我打过一次电话那边让我打这个号码",
        "洗衣机显示E4是什么意思",
        "it's been working fine since Monday",
        "no rush take your time",
        "it finally arrived thanks",
        "can you check if it shipped",
    ],
)
def test_asking_is_no_complaint(text: str) -> None:
    assert not read_mood(text).negative


@pytest.mark.parametrize(
    ("text", "escalate"),
    [
        ("我要发抖音曝光你们", True),
        ("我们法院见", True),
        ("我不会发到网上的", False),
        ("订单尾号三一五二", False),
        ("手机号幺三八幺二三一五六七八", False),
        ("烟雾报警器一直报警", False),
        ("我在律师事务所上班", False),
        ("我接到一个诈骗电话", False),
        ("I'm going to post this on twitter", True),
        ("I got a scam text", False),
        ("I work at a law firm", False),
        ("I'm not going to sue anyone", False),
    ],
)
def test_threats_and_mentions(text: str, escalate: bool) -> None:
    assert read_mood(text).escalate is escalate


@pytest.mark.parametrize(
    ("text", "escalate"),
    [
        # A denial in one clause leaves the threat of the next.
        ("你们不给我退票我去交警队告你们", True),
        ("不给我修好我就往民政局反映", True),
        ("这不是敲诈吗", True),
        ("我表哥是律师楼的他说你们这是违法", True),
        ("that's not going to stop me from calling the ombudsman", True),
        ("i'm not going to post a bad review", False),
        ("i never wanted to leave a one star review", False),
        ("我没打算往上面反映", False),
        # Errands at an office are none.
        ("我要去交警队拿认定书需要保单吗", False),
        ("派出所开的证明可以用来办卡吗", False),
        ("how do i dispute a charge", False),
        ("do you have a media center", False),
    ],
)
def test_a_threat_stands_beside_a_denial(text: str, escalate: bool) -> None:
    assert read_mood(text).escalate is escalate


@pytest.mark.parametrize(
    ("text", "language", "matches", "misses"),
    [
        ("(再不|还不)~(我就|别怪)", "zh", ["再不处理我就走", "还不来别怪我"], ["我就走再不", "再不。我就"]),
        ("打了{n}遍", "zh", ["打了三遍"], ["打了四遍", "打三遍"]),
        ("等(了)?很?久", "zh", ["等了很久", "等久"], ["等了"]),
        ("called (you)? {n} times", "en", ["i called you three times", "called three times"], ["recalled three times"]),
        ("nobody ~ (help|care)", "en", ["nobody ever helped or will help"], ["nobody", "help nobody"]),
        ("ruin*", "en", ["ruined"], ["rain"]),
        ("(right now|now)$", "en", ["fix it now", "right now!"], ["now i see"]),
    ],
)
def test_wordings(text: str, language: str, matches: list[str], misses: list[str]) -> None:
    pattern = compile_wordings([text], {"n": ["三", "三十", "three"]}, language)
    assert all(pattern.search(each) for each in matches)
    assert not any(pattern.search(each) for each in misses)


@pytest.mark.parametrize(
    "text", ["(a", "a)", "a+", "[a]", "a.b", "{nn}", "(?:a)", "((((((a))))))", "(a)?", "a{2}", "\\d"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wording_that_is_none_is_refused(text: str, language: str) -> None:
    if text == "(a)?" and language == "zh":
        text = "?"
    with pytest.raises(WordingError):
        compile_wordings([text], {"n": ["three"]}, language)


def test_broken_grievances_name_line_and_list() -> None:
    good = (DATA / "grievances.yaml").read_text(encoding="utf-8")
    bad = good.replace("{contact}(你们", "{contct}(你们", 1)
    line = bad[: bad.index("{contct}")].count("\n") + 1
    with pytest.raises(UnderstandingDataError, match=r"contct.*Did you mean contact") as caught:
        compile_grievances(document("grievances.yaml", bad))
    assert f"line {line}, " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('- {zh: [元旦], day: "13-01"}', "line 1.*month must be"),
        ('- {zh: [元旦], day: "1-1"}', "MM-DD"),
        ('- {zh: [元旦]}\n- {zh: [国庆], day: "10-01"}', "line 1.*one of day, dates and weekday"),
        ('- {zh: [元旦], day: "01-01"}\n- {zh: [元旦], day: "01-02"}', "line 2.*stands here twice"),
        ("- {en: [x day], weekday: [5, 9, 7]}", "weekday is"),
        ('- {en: [x day], dy: "01-01"}', "Did you mean day"),
    ],
)
def test_broken_holidays_are_refused(text: str, message: str) -> None:
    with pytest.raises(UnderstandingDataError, match=message):
        compile_holidays(document("holidays.yaml", text))


def test_the_model_that_ships_reaches_the_target_with_every_author_held_out() -> None:
    metrics = load_mood().metrics["multilingual-e5-small-q4"]
    assert metrics["zh"]["both"]["f1"] >= 0.85
    assert metrics["en"]["both"]["f1"] >= 0.85
    assert metrics["zh"]["both"]["f1"] > metrics["zh"]["words"]["f1"]


def test_meaning_adds_and_takes_back_but_never_overrules_a_threat() -> None:
    silent, threat = read_mood("我这把年纪了让我跑四趟"), read_mood("我要投诉")
    assert weigh(silent, 0.9).negative
    assert not weigh(silent, SURE - 0.05).negative
    assert weigh(silent, None) == silent
    assert weigh(threat, 0.01) == threat
    assert not weigh(read_mood("我不是要投诉，就是想问问"), 0.95).negative
    weak = read_mood("我等了一上午")
    assert weigh(weak, 0.01).strength < weak.strength
    assert weigh(read_mood(""), 0.99).strength < 0.7


def test_the_model_judges_only_vectors_it_knows() -> None:
    model = load_mood()
    assert model.judge(np.ones(384, np.float32), "another") is None
    assert model.judge(np.ones(7, np.float32), "multilingual-e5-small-q4") is None
    assert model.judge(np.ones(1024, np.float32), "pieces-1024") is None
    assert model.judge(np.zeros(384, np.float32), "multilingual-e5-small-q4") is None
    chance = model.judge(np.full(384, 0.05, np.float32), "multilingual-e5-small-q4")
    assert chance is not None
    assert 0 <= chance <= 1


@pytest.mark.parametrize(
    "change",
    [
        {"format": 9},
        {"heads": []},
        {"heads": {"a": {"weights": ["x"], "bias": 0}}},
        {"heads": {"a": {"weights": [[1]], "bias": 0}}},
    ],
)
def test_a_broken_model_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "mood.json"
    path.write_text(json.dumps(json.loads(MODEL.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ModelCorruptError, match="train_mood"):
        load_mood(path)
    with pytest.raises(ModelMissingError):
        load_mood(tmp_path / "none.json")
