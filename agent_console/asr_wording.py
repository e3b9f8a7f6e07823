"""What `warmline evaluate asr` says, in both languages."""

from __future__ import annotations

from typing import Final

from routing.terms import Wording

TITLE: Final = Wording(
    "语音识别，{engine}，{text}：{utterances} 句", "recognition, {engine}, {text}: {utterances} utterances"
)
TEXTS: Final = {
    "raw": Wording("引擎原文", "as the engine heard it"),
    "written": Wording("书写后的文本", "as it is written for people"),
}
BANDS: Final = {"clean": Wording("原声", "clean"), "telephone": Wording("电话频带", "telephone")}
FIGURE: Final = Wording("指标", "figure")
GROUP: Final = Wording("分组", "group")
BAND: Final = Wording("频带", "band")
SUBSTITUTED: Final = Wording("替换", "substituted")
DELETED: Final = Wording("遗漏", "deleted")
INSERTED: Final = Wording("多出", "inserted")
UNITS: Final = Wording("字/词", "units")
SPEAKERS: Final = Wording("人", "speakers")
SUBSTITUTIONS: Final = Wording("最常见的替换；{band}，{language}", "most frequent substitutions; {band}, {language}")
SAID: Final = Wording("所说", "said")
HEARD: Final = Wording("听成", "heard")
COUNT: Final = Wording("次数", "times")
LINES: Final = Wording("出处", "lines")
COST: Final = Wording("耗时与延迟", "cost and delay")
VALUE: Final = Wording("数值", "value")
CHOICE: Final = Wording("{language}：{engine}/{model}（{reason}）", "{language}: {engine}/{model} ({reason})")

MEANING: Final = {
    "cer": Wording("字错误率：每个参考字的错误数", "character error rate: errors per character of the reference"),
    "wer": Wording("词错误率：每个参考词的错误数", "word error rate: errors per word of the reference"),
    "rtf_cpu": Wording("每秒音频所用的处理器秒数", "processor seconds per second of audio"),
    "final_p50_ms": Wording(
        "实时播放时，从音频结束到定稿，中位数", "at real pace, from the end of the audio to the final, median"
    ),
    "final_p95_ms": Wording("同上，第 95 百分位", "the same, 95th percentile"),
    "first_partial_p50_ms": Wording(
        "从音频开始到第一个中间结果，中位数", "from the beginning of the audio to the first partial, median"
    ),
    "partial_gap_p50_ms": Wording("相邻中间结果的间隔，中位数", "time between partials, median"),
    "partial_gap_p95_ms": Wording("同上，第 95 百分位", "the same, 95th percentile"),
}

NUMBERS: Final = Wording(
    "标点、大小写、语气词和数字写法不计为错误；区间来自对说话人的自助抽样。",
    "Punctuation, case, fillers and how a number is written do not count as errors. "
    "Intervals come from a bootstrap over speakers.",
)
ONE_SPEAKER: Final = Wording(
    "{language}：只有一位说话人，没有区间，也不能推及他人。",
    "{language}: one speaker, so no interval, and nothing that holds for others.",
)
WITHOUT_SPEAKER: Final = Wording(
    '{language}：有的行没有写明说话人（"speaker"），没有区间。',
    '{language}: there are lines without "speaker", so no interval.',
)
NARROW: Final = Wording(
    "{count} 份录音的采样率高于 8 kHz，4 kHz 以上却没有声音（{lines}）：它们来自窄带线路，“原声”其实也是电话。",
    "{count} recordings have a rate above 8 kHz and nothing above 4 kHz ({lines}): they come from a narrow-band line, "
    "and what is called clean is telephone.",
)
FAST_FILE: Final = Wording(
    "{path} 听起来像两倍速的电话录音：多半是 8 kHz 的音频标成了 16 kHz，识别必然出错；请改正采样率。",
    "{path} sounds like a telephone at twice its speed: most likely 8 kHz audio that is labelled as 16 kHz, in which "
    "nothing can be recognized; correct its rate.",
)
FAST: Final = Wording(
    "{count} 份录音听起来像两倍速的电话录音（{lines}）：多半是 8 kHz 的音频标成了 16 kHz，识别必然出错；请改正采样率。",
    "{count} recordings sound like a telephone at twice its speed ({lines}): most likely 8 kHz audio that is labelled "
    "as 16 kHz, in which nothing can be recognized; correct their rate.",
)
SKIPPED: Final = Wording("略去 {count} 行有误的（{lines}）。", "Left out: {count} broken lines ({lines}).")
