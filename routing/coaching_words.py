"""What hints say: the reason, then what the agent could do or say, each in both languages."""

from __future__ import annotations

from typing import Final

from asr.types import Language
from prosody.types import EmotionLevel, EmotionShift
from routing.terms import Wording

_LEVELS: Final = {
    EmotionLevel.SETTLED: Wording("平稳", "settled"),
    EmotionLevel.TENSE: Wording("紧张", "tense"),
    EmotionLevel.UPSET: Wording("激烈", "upset"),
}
_ACKNOWLEDGE: Final = Wording(
    "放慢一点，先回应感受，再处理问题。可以说：“给您添麻烦了，我很理解，我现在就来处理。”",
    "Slow down a little and acknowledge the feeling first: “I can see what trouble this has caused. "
    "Let me sort it out right now.”",
)
_COMMIT: Final = Wording(
    "别解释也别争辩，先道歉，再说清您会做什么、什么时候有结果。可以说：“这件事由我负责到底，今天之内给您答复。”需要时请主管加入。",
    "Don't explain or argue: apologise, then say what you will do and by when. “I will see this through myself and "
    "get back to you today.” Bring in a supervisor if you need one.",
)
_YIELD: Final = Wording(
    "停下来，让客户把话说完。可以说：“抱歉打断您，您请接着说。”",
    "Stop and let the caller finish: “Sorry, I interrupted you. Please go on.”",
)
_BREAK_SILENCE: Final = Wording(
    "告诉客户您正在做什么、还要多久。可以说：“我正在为您查询，大约需要半分钟。”",
    "Tell the caller what you are doing and how long it will take: “I'm looking that up for you, it will take about "
    "half a minute.”",
)
_SLOW_DOWN: Final = Wording(
    "慢一点，一次只说一件事，停一停再确认。可以说：“我说得清楚吗？需要我再说一遍吗？”",
    "Slow down, say one thing at a time, pause and check: “Was that clear? Shall I say it again?”",
)


def say_shift(shift: EmotionShift) -> tuple[Wording, Wording]:
    """The caller's level rose."""
    before, now = _LEVELS[shift.previous], _LEVELS[shift.current]
    reason = Wording(f"客户情绪由{before.zh}转为{now.zh}", f"The caller went from {before.en} to {now.en}")
    return reason, _COMMIT if shift.current is EmotionLevel.UPSET else _ACKNOWLEDGE


def say_risk(risk: float) -> tuple[Wording, Wording]:
    """The caller is getting more upset, without having reached the next level."""
    reason = Wording(
        f"客户情绪正在变差，升级风险 {100 * risk:.0f}（满分 100）",
        f"The caller's mood is getting worse; escalation risk {100 * risk:.0f} of 100",
    )
    return reason, _ACKNOWLEDGE


def say_talking_over(seconds: float) -> tuple[Wording, Wording]:
    """The agent began while the caller spoke, and both went on."""
    reason = Wording(
        f"客户还在说话时您也在说，已重叠 {seconds:.1f} 秒",
        f"You have been speaking over the caller for {seconds:.1f} s",
    )
    return reason, _YIELD


def say_silence(seconds: float) -> tuple[Wording, Wording]:
    """Nobody speaks."""
    reason = Wording(f"双方已有 {seconds:.0f} 秒没有说话", f"Nobody has spoken for {seconds:.0f} s")
    return reason, _BREAK_SILENCE


def say_fast(pace: float, language: Language) -> tuple[Wording, Wording]:
    """The agent speaks faster than most people follow with ease; `pace` in characters or words per second."""
    zh, en = ("字", "characters") if language is Language.ZH else ("个单词", "words")
    reason = Wording(
        f"您最近的语速约每秒 {pace:.1f} {zh}，偏快", f"You are speaking fast: about {pace:.1f} {en} a second"
    )
    return reason, _SLOW_DOWN
