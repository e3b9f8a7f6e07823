"""Guards against what sequence models invent: words in silence, loops, and the subtitles they were trained on.

Koenecke et al. 2024, "Careless Whisper", describe the phenomenon. The rules here are simple on purpose: each tells from
the text, the audio's level and the model's own probabilities that nobody said this.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from asr.chinese import is_han
from voice.contracts.audio import SAMPLE_RATE, Pcm

SILENCE_RMS: Final = 0.001
"""Root mean square (loudest 100 ms) below which nobody speaks: -60 dBFS."""

NO_SPEECH: Final = 0.6
NO_SPEECH_LOG_PROB: Final = -1.0
"""Whisper's own rule (Radford et al. 2022, section 4.5): no speech if its probability exceeds 0.6 while the mean
log-probability of the text is below -1."""

FASTEST_SYLLABLES: Final = 12.0
"""Ideographs or digits per second that nobody exceeds; Mandarin is spoken at 4 to 7."""

FASTEST_LETTERS: Final = 35.0
"""Letters per second that nobody exceeds; English is spoken at about 15."""

_LOOP: Final = re.compile(r"(.{2,60}?)\1{2,}|(.{4,}?)\2+$")
"""A phrase three times in a row, or a longer one twice at the end."""

_OBSTINATE: Final = re.compile(r"(\D{2,60}?)\1{4,}")
"""A phrase five times in a row, which no hurry explains; digits may well be read like that."""

_TRAINING_SUBTITLES: Final = (
    "以下是普通话的句子",
    "请不吝点赞",
    "点赞订阅转发",
    "字幕由",
    "字幕志愿者",
    "字幕组",
    "谢谢观看",
    "感谢观看",
    "明镜与点点",
    "作词作曲",
    "作曲编曲",
    "thanks for watching",
    "thank you for watching",
    "subtitles by",
    "please subscribe",
    "시청해주셔서 감사합니다",
    "구독과 좋아요",
)


def is_silent(pcm: Pcm) -> bool:
    """Whether no 100 ms of the audio are louder than `SILENCE_RMS`."""
    block = SAMPLE_RATE // 10
    whole = len(pcm) - len(pcm) % block
    power = [float(np.mean(np.square(part))) for part in pcm[:whole].reshape(-1, block)]
    if len(pcm) > whole:
        power.append(float(np.mean(np.square(pcm[whole:]))))
    return max(power, default=0.0) < SILENCE_RMS**2


def is_no_speech(no_speech_probability: float, mean_log_probability: float) -> bool:
    """Whether the model itself holds that nobody spoke."""
    return no_speech_probability > NO_SPEECH and mean_log_probability < NO_SPEECH_LOG_PROB


def is_loop(text: str, seconds: float) -> bool:
    """Whether a text repeats itself faster than anybody speaks; 转人工转人工转人工 in two seconds is real speech."""
    bare = _bare(text)
    syllables = sum(is_han(character) or character.isdigit() for character in bare)
    fastest = FASTEST_SYLLABLES if syllables * 2 >= len(bare) else FASTEST_LETTERS
    if len(bare) > fastest * (seconds + 0.5):
        return True
    if _OBSTINATE.search(bare):
        return True
    slow = len(bare) <= fastest / 2 * seconds
    return not slow and _LOOP.search(bare) is not None


def is_training_subtitle(text: str) -> bool:
    """Whether the text is one of the credits that video subtitles end with, the prompt itself, or only punctuation."""
    bare = _bare(text)
    return not bare or any(_bare(line) in bare and len(bare) <= len(_bare(line)) + 12 for line in _TRAINING_SUBTITLES)


def without_loop(text: str) -> str:
    """The text with every immediate repetition told once; empty where a video's credits are what remains."""
    once = _LOOP.sub(lambda match: match.group(1) or match.group(2), text)
    return "" if is_training_subtitle(once) else once


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()
