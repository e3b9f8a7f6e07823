"""Guards catch what models invent and leave alone what people say."""

from __future__ import annotations

import numpy as np
import pytest

from asr.guards import is_loop, is_no_speech, is_silent, is_training_subtitle, without_loop


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("外汤铭店外汤铭店外汤铭店外汤铭店外", 2.0),
        ("62223410622234106222341010101010101010", 3.0),
        ("大约十分钟左右消防车赶到大约十分钟左右消防车赶到", 3.0),
        ("the the the the the the the the the the the the", 1.0),
        ("好" * 40, 2.0),
        ("作词、作曲、作曲、作曲、作曲、作曲、作曲、作曲、", 20.0),
    ],
)
def test_loops_are_found(text: str, seconds: float) -> None:
    assert is_loop(text, seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("转人工转人工转人工", 4.0),
        ("对对对，我知道了", 2.0),
        ("好的好的，谢谢您", 2.0),
        ("订单号是一一一二二二三三三", 4.0),
        ("号码是1010101010", 4.0),
        ("对对对对对，没错", 2.0),
        ("我要投诉你们，我要投诉", 3.0),
        ("no no no, that is not what I said", 3.0),
        ("", 0.0),
    ],
)
def test_what_people_say_is_no_loop(text: str, seconds: float) -> None:
    assert not is_loop(text, seconds)


def test_a_loop_is_told_once() -> None:
    assert without_loop("外汤铭店外汤铭店外汤铭店") == "外汤铭店"
    assert without_loop("消防车赶到了消防车赶到了") == "消防车赶到了"
    assert without_loop("我要退款") == "我要退款"
    assert without_loop("作词、作曲、作曲、作曲、作曲、") == ""


@pytest.mark.parametrize(
    "text",
    ["以下是普通话的句子。", "请不吝点赞 订阅 转发", "字幕由Amara.org社区提供", "Thanks for watching!", "谢谢观看。"],
)
def test_credits_of_videos_are_not_speech(text: str) -> None:
    assert is_training_subtitle(text)


@pytest.mark.parametrize(
    "text", ["谢谢", "请帮我查一下订单，我想请你们把字幕由中文改成英文可以吗谢谢", "I was watching it, thanks"]
)
def test_speech_is_not_taken_for_credits(text: str) -> None:
    assert not is_training_subtitle(text)


def test_silence_is_a_matter_of_the_loudest_tenth_of_a_second() -> None:
    pcm = np.zeros(32_000, dtype=np.float32)
    assert is_silent(pcm)
    assert is_silent(pcm[:0])
    pcm[-800:] = 0.01
    assert not is_silent(pcm)
    assert is_silent(pcm[:-800])


def test_no_speech_needs_both_signs() -> None:
    assert is_no_speech(0.9, -1.5)
    assert not is_no_speech(0.9, -0.3)
    assert not is_no_speech(0.1, -1.5)
