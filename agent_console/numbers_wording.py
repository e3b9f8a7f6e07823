"""What `warmline evaluate numbers` says, in both languages."""

from __future__ import annotations

from typing import Final

from routing.terms import Wording

TITLE: Final = Wording("口述号码：{count} 个", "dictated numbers: {count}")
VARIANT: Final = Wording("断句与文本", "turns and text")
RIGHT: Final = Wording("正确", "right")
IN_TEXT: Final = Wording("文本中", "in a text")
AS_ENTITY: Final = Wording("实体中", "as entity")
ALL_DIGITS: Final = Wording("数字全对", "all digits")
DIGIT_ERRORS: Final = Wording("数字错误率", "digit errors")
FINALS: Final = Wording("句数", "turns")
CHANGED: Final = Wording("多对/少对", "won/lost")
CPU: Final = Wording("CPU/秒", "CPU s/s")

VARIANTS: Final = {
    "before": Wording("处理前：引擎原文，560 毫秒", "before: as heard, timer 560 ms"),
    "timer-560": Wording("静音 560 毫秒", "timer 560 ms"),
    "timer-1000": Wording("静音 1000 毫秒", "timer 1000 ms"),
    "turn-words": Wording("词义判断断句", "turns by words"),
    "smart-turn": Wording("Smart Turn", "Smart Turn"),
}
DEFAULT: Final = Wording("{name}（默认）", "{name} (default)")
ALL: Final = Wording("全部", "all")

MEANING: Final = {
    "right": Wording(
        "整个号码以数字形式正确出现在某一句或某个实体中的比例",
        "share whose whole number stands, in digits, in one final or entity",
    ),
    "digit_error_rate": Wording(
        "逐位念出的号码中，每位数字的错误数；所有句子合在一起，写成汉字也算对",
        "errors per digit of numbers that are read out, all finals together, however they are spelled",
    ),
    "all_digits": Wording(
        "逐位念出的号码中，每位都听对的比例，不论断成几句",
        "share of read-out numbers whose every digit was heard, in however many finals",
    ),
    "turns": Wording("每个号码断成的句数", "turns per number"),
    "cpu_s_per_audio_s": Wording(
        "整个进程每秒音频所用的处理器秒数", "processor seconds of the whole process per second of audio"
    ),
}

INTERVALS: Final = Wording(
    "比例的区间为 Wilson 95 % 区间；数字错误率的区间来自对说话人的自助抽样。",
    "Intervals of shares are Wilson's for 95 %; those of digit errors come from a bootstrap over speakers.",
)
SKIPPED: Final = Wording("略去 {count} 行有误的（{lines}）。", "Left out: {count} broken lines ({lines}).")
