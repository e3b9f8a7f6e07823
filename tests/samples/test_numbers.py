"""The dictated numbers are what their list says: forty, telephone band, pauses, and two sets with nothing in common."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

NUMBERS = Path(__file__).parents[2] / "samples" / "numbers"
LINES: list[dict[str, Any]] = [
    json.loads(line) for line in (NUMBERS / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
]
SPOKEN = str.maketrans("零一二三四五六七八九幺", "01234567891")
ENGLISH = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
}  # fmt: skip


def test_forty_numbers_mandarin_first() -> None:
    assert len(LINES) == 40
    assert sum(each["lang"] == "zh-CN" for each in LINES) == 30
    assert sum(each["kind"] in {"phone", "order_no", "tracking_no"} for each in LINES) >= 36
    assert len({each["value"] for each in LINES}) == 40
    assert {path.name for path in NUMBERS.glob("*.flac")} == {each["audio"] for each in LINES}


def test_what_is_held_out_shares_neither_voice_nor_words_with_the_rest() -> None:
    sets = {name: [each for each in LINES if each["set"] == name] for name in ("tuning", "held-out")}
    assert {name: len(lines) for name, lines in sets.items()} == {"tuning": 20, "held-out": 20}
    assert not {each["speaker"] for each in sets["tuning"]} & {each["speaker"] for each in sets["held-out"]}
    openings = {name: {each["text"].split("，")[0] for each in lines} for name, lines in sets.items()}
    assert not openings["tuning"] & openings["held-out"]


@pytest.mark.parametrize("line", LINES, ids=[each["audio"] for each in LINES])
def test_a_clip_is_a_telephone_line_that_says_its_number(line: dict[str, Any]) -> None:
    pcm, rate = sf.read(NUMBERS / line["audio"])
    assert rate == 8000
    assert pcm.ndim == 1
    assert 2.5 < len(pcm) / rate < 12
    assert 0.1 < np.abs(pcm).max() < 1
    power = np.abs(np.fft.rfft(pcm)) ** 2
    hz = np.fft.rfftfreq(len(pcm), 1 / rate)
    outside = power[(hz < 200) | (hz > 3600)].sum() / power.sum()
    assert outside < 0.01
    # µ-law has 256 values.
    assert len(np.unique(pcm)) <= 256
    assert all(300 <= pause <= 1000 for pause in line["pauses_ms"])
    if line["kind"] in {"phone", "order_no", "tracking_no"}:
        assert "".join(c for c in line["value"] if c.isdigit()) in said(line)
        assert all(c in line["text"] for c in line["value"] if c.isalpha())


def said(line: dict[str, Any]) -> str:
    """The digits that are said, without what stands between them."""
    if line["lang"] == "zh-CN":
        return "".join(c for c in line["text"].translate(SPOKEN) if c.isdigit())
    words = line["text"].lower().replace(",", " ").replace(".", " ").split()
    return "".join(ENGLISH.get(word, "") for word in words)


def test_the_clips_are_marked_as_synthetic() -> None:
    for line in LINES:
        with sf.SoundFile(NUMBERS / line["audio"]) as file:
            assert "AI-generated" in file.comment
