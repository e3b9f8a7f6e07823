"""What `warmline prosody` says, in both languages."""

from __future__ import annotations

from typing import Final

from agent_console.prosody_options import Lang
from prosody.types import EmotionLabel, EmotionLevel
from routing.terms import Wording

LEVELS: Final = {
    EmotionLevel.SETTLED: Wording("平稳", "settled"),
    EmotionLevel.TENSE: Wording("紧张", "tense"),
    EmotionLevel.UPSET: Wording("激烈", "upset"),
}

LABELS: Final = {
    EmotionLabel.CALM: Wording("平静", "calm"),
    EmotionLabel.NEUTRAL: Wording("中性", "neutral"),
    EmotionLabel.PLEASED: Wording("满意", "pleased"),
    EmotionLabel.ANXIOUS: Wording("焦急", "anxious"),
    EmotionLabel.FRUSTRATED: Wording("不满", "frustrated"),
    EmotionLabel.ANGRY: Wording("愤怒", "angry"),
    EmotionLabel.SAD: Wording("低落", "sad"),
    EmotionLabel.UNCERTAIN: Wording("不确定", "uncertain"),
}

REASONS: Final = {
    "arousal_high": Wording("激动", "aroused"),
    "valence_low": Wording("不快", "displeased"),
    "settling": Wording("趋于平静", "settling"),
}

PARTIES: Final = {
    "caller": Wording("来电者", "caller"),
    "agent": Wording("坐席", "agent"),
    "bot": Wording("机器人", "bot"),
}

NO_SPEECH: Final = Wording("{seconds:.1f} 秒内没有找到语音。", "No speech found in {seconds:.1f} s.")
HEARD: Final = Wording(
    "{count} 句话，{spoken:.1f} 秒；所看时长 {seconds:.1f} 秒。",
    "Utterances: {count}, {spoken:.1f} s of {seconds:.1f} s.",
)
SHIFT: Final = Wording(
    "情绪转变 {previous} → {current}，{start}–{end}（{reason}）",
    "Shift {previous} → {current}, {start}–{end} ({reason})",
)
NO_EMOTION_OF_AGENTS: Final = Wording(
    "不推断坐席的情绪，只测量声音。", "An agent's emotion is not inferred; only the sound is measured."
)
INCOMPLETE: Final = Wording(
    "文件不完整，只用了能解码的部分。", "The file is incomplete; what could be decoded was used."
)
RELATIVE: Final = Wording(
    "激动度相对于说话人自己此前的话；第一句总是不确定。声级取决于设备。",
    "Arousal is relative to the speaker's own earlier utterances; the first is always uncertain. "
    "Level depends on the device.",
)
NO_FONT: Final = Wording(
    "本机没有能显示中文的字体，图中文字改用英文。安装 Noto Sans CJK 后重试（Debian：apt-get install fonts-noto-cjk）。",
    "No font here can show Chinese, so the picture is labelled in English. Install Noto Sans CJK and try again "
    "(Debian: apt-get install fonts-noto-cjk).",
)
DRAWN: Final = Wording("图已写入 {path}。", "The picture is in {path}.")
OVERVIEW: Final = Wording(
    "这是概览。要看语谱图和共振峰，请选不超过 {most:.0f} 秒的一段，例如 --from {start:.0f} --to {end:.0f}。",
    "This is an overview. For spectrogram and formants choose at most {most:.0f} s, "
    "for example --from {start:.0f} --to {end:.0f}.",
)


def name_reason(reason: str, lang: Lang) -> str:
    """A shift's reason, for example `arousal_high+valence_low`, in words."""
    parts = (REASONS.get(part) for part in reason.split("+"))
    named = [lang.of(each) if each else part for each, part in zip(parts, reason.split("+"), strict=True)]
    return ("、" if lang is Lang.ZH else ", ").join(named)


def clock(seconds: float) -> str:
    """Minutes and seconds, to a tenth."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
