"""What diarization says, in both languages."""

from __future__ import annotations

from typing import Final

from asr.diarization.parties import Ground
from routing.terms import Wording
from voice.contracts.audio import Party

TITLE: Final = Wording("{name}：{speakers} 位说话人，{turns} 段", "{name}: {speakers} speakers, {turns} turns")
START: Final = Wording("开始", "start")
END: Final = Wording("结束", "end")
LENGTH: Final = Wording("秒", "seconds")
SPEAKER: Final = Wording("说话人", "speaker")
PARTY: Final = Wording("一方", "party")
PARTIES: Final = {
    Party.CALLER: Wording("来电人", "caller"),
    Party.AGENT: Wording("服务方", "serves"),
    Party.BOT: Wording("机器人", "bot"),
}
TALK: Final = Wording(
    "{speaker}（{party}）共说 {seconds:.1f} 秒，占 {share:.0%}",
    "{speaker} ({party}) speaks {seconds:.1f} s, {share:.0%}",
)
NOBODY: Final = Wording("这份录音里没有人说话。", "Nobody speaks in this recording.")
GROUNDS: Final = {
    Ground.CHOSEN: Wording("来电人由 --caller 指定。", "The caller is the one that --caller names."),
    Ground.ONE_SPEAKER: Wording(
        "只听到一位说话人，按来电人处理；若其实有两位，请加 --speakers 2。",
        "One speaker was heard, who is taken for the caller; if there are two, say --speakers 2.",
    ),
    Ground.GREETING: Wording(
        "服务方由问候语认出（如“您好，这里是…”）。",
        'Who serves was told by the greeting ("thank you for calling", …).',
    ),
    Ground.FIRST_SERVES: Wording(
        "来电先由服务方应答，因此先说话的一方是服务方；若不是，请用 --caller first。",
        "Whoever serves answers an incoming call, so the first to speak serves; if not, say --caller first.",
    ),
    Ground.FIRST_CALLS: Wording("外呼由客户先应答，因此先说话的一方是客户。", "The one who was called answers first."),
    Ground.LONGEST_PRESENT: Wording(
        "说话人多于两位：在场最久且非最先说话的一位按来电人处理，请核对，或用 --caller 指定。",
        "More than two speakers: of those who do not speak first, the one who stays longest is taken for the caller. "
        "Listen, or choose with --caller.",
    ),
}
STEPS: Final = {
    "loading": Wording("载入模型", "loading the models"),
    "segmentation": Wording("切分", "segmenting"),
    "speaker_counting": Wording("计人数", "counting speakers"),
    "embeddings": Wording("辨声", "comparing voices"),
    "discrete_diarization": Wording("合成", "joining"),
}
WRITTEN: Final = Wording("已写入 {path}。", "{path} is written.")
STEREO: Final = Wording(
    "{path} 每方各占一个声道，无需分辨说话人，按原样播放。",
    "{path} has a channel for each party; nothing has to be told apart, and it is played as it is.",
)
REPLAYED: Final = Wording(
    "{path}：{caller} 是来电人，{served_by} 是服务方。{ground}",
    "{path}: {caller} calls, {served_by} serves. {ground}",
)
NO_ONE: Final = Wording("无人", "nobody")

EVALUATED: Final = Wording(
    "说话人分辨，{pipeline}：{recordings} 份录音，{speech:.0f} 秒话语",
    "diarization, {pipeline}: {recordings} recordings, {speech:.0f} s of speech",
)
FIGURE: Final = Wording("指标", "figure")
MEANING: Final = {
    "der": Wording("分辨错误率：以下三项之和", "diarization error rate: the three below together"),
    "missed": Wording("漏掉的话语", "speech that was not found"),
    "false_alarm": Wording("多出的话语", "speech found where nobody spoke"),
    "confusion": Wording("归错了人的话语", "speech given to the wrong speaker"),
    "der_pyannote_metrics": Wording("同一错误率，由 pyannote.metrics 计算", "the same rate by pyannote.metrics"),
    "speakers_right": Wording("人数正确的录音所占比例", "share of recordings with the right number of speakers"),
    "rtf_cpu": Wording("每秒音频所用的处理器秒数", "processor seconds per second of audio"),
}
RECORDING: Final = Wording("录音", "recording")
REAL: Final = Wording("实有人数", "speakers")
FOUND: Final = Wording("听出人数", "found")
NUMBERS: Final = Wording(
    "不设容差（边界前后全部计分），重叠话语计分；区间来自对录音的自助抽样。",
    "No collar, overlapped speech counts; intervals come from a bootstrap over recordings.",
)
ONE_RECORDING: Final = Wording(
    "只有一份录音，没有区间，也不能推及其他录音。", "One recording, so no interval, and nothing that holds for others."
)
GIVEN: Final = Wording(
    "人数由参考给出（--oracle）。", "The number of speakers was given from the reference (--oracle)."
)
SKIPPED: Final = Wording("略去 {count} 行有误的（{lines}）。", "Left out: {count} broken lines ({lines}).")
