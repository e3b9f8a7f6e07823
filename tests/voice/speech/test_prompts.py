"""The recorded prompts: whole, spoken as written, and refused where they are not what was listed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from asr.scoring import Edits, compare_texts
from asr.types import Language
from asr.whisper import load_whisper
from routing.telling import Tellings
from voice.contracts.audio import SAMPLE_RATE, from_ms
from voice.contracts.errors import PromptError
from voice.speech.prompts import LIST, PAUSE_MS, PROMPTS, Prompts

LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    return Prompts.load()


def test_everything_that_is_told_has_its_clip_and_the_clip_its_text(prompts: Prompts) -> None:
    spoken = Tellings.load().spoken()
    expected = {(language, clip): getattr(text, language) for clip, text in spoken.items() for language in LANGUAGES}
    assert prompts.texts == expected, "run: python -m routing.telling | python -m samples.prompts"


def test_no_clip_lies_there_that_nobody_needs(prompts: Prompts) -> None:
    assert {(path.parent.name, path.stem) for path in PROMPTS.glob("*/*.opus")} == set(prompts.clips)


def test_clips_are_alike_in_level_and_begin_and_end_in_silence(prompts: Prompts) -> None:
    for name, pcm in prompts.clips.items():
        assert SAMPLE_RATE // 2 < pcm.size < 12 * SAMPLE_RATE, name
        blocks = pcm[: pcm.size // 320 * 320].reshape(-1, 320)
        power = np.mean(blocks**2, axis=1)
        level = 10 * np.log10(np.mean(power[power > power.max() / 1000]))
        assert level == pytest.approx(-22, abs=1.5), name
        assert np.abs(pcm).max() < 1.0, name
        assert max(np.abs(pcm[:32]).max(), np.abs(pcm[-32:]).max()) < 0.02, name


def test_clips_say_in_their_metadata_that_nobody_spoke_them() -> None:
    for path in PROMPTS.glob("*/*.opus"):
        with av.open(str(path)) as container:
            comment = {**container.metadata, **container.streams.audio[0].metadata}
        assert any("AI-generated" in value for value in comment.values()), path.name


@pytest.mark.model
def test_what_is_heard_is_what_is_written(prompts: Prompts, need_model: Callable[[str], Path]) -> None:
    recognizer = load_whisper(need_model("whisper-base"))
    for language in LANGUAGES:
        edits = Edits()
        for clip in ("handover.requested", "failed.no_answer", "notice.closed", "notice.ahead.12", "notice.wait.15"):
            utterance = recognizer.begin(Language(language))
            utterance.accept(prompts.say([clip], language))
            found = compare_texts(prompts.texts[language, clip], utterance.finish().text, Language(language))
            edits += found.edits
        assert edits.rate < 0.2, (language, edits)


def test_clips_are_joined_with_a_breath(prompts: Prompts) -> None:
    pieces = [prompts.clips["zh", name] for name in ("notice.ahead.3", "notice.wait.5")]
    said = prompts.say(["notice.ahead.3", "notice.wait.5"], "zh")
    assert said.size == pieces[0].size + from_ms(PAUSE_MS) + pieces[1].size
    assert np.array_equal(said[: pieces[0].size], pieces[0])
    assert np.array_equal(said[-pieces[1].size :], pieces[1])


def test_an_unknown_clip_is_named(prompts: Prompts) -> None:
    with pytest.raises(PromptError, match=r"handover\.unheard"):
        prompts.say(["handover.unheard"], "zh")
    with pytest.raises(PromptError, match="in fr"):
        prompts.say(["handover.offered"], "fr")


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder with one clip of each language."""
    listed = json.loads((PROMPTS / LIST).read_text(encoding="utf-8"))
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        shutil.copy(PROMPTS / language / "notice.next.opus", tmp_path / language)
    one = {language: {"notice.next": listed[language]["notice.next"]} for language in LANGUAGES}
    (tmp_path / LIST).write_text(json.dumps(one), encoding="utf-8")
    return tmp_path


def test_a_missing_clip_is_told(few: Path) -> None:
    Prompts.load(few)
    (few / "zh" / "notice.next.opus").unlink()
    with pytest.raises(PromptError, match=r"notice\.next\.opus cannot be read"):
        Prompts.load(few)


def test_an_altered_clip_is_told(few: Path) -> None:
    path = few / "en" / "notice.next.opus"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(PromptError, match="not the one"):
        Prompts.load(few)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"zh": 3}', '{"zh": {"a": {}}}', '{"zh": {"a": {"text": 1, "sha256": 2}}}']
)
def test_a_broken_list_is_told(few: Path, text: str) -> None:
    (few / LIST).write_text(text, encoding="utf-8")
    with pytest.raises(PromptError, match="list of prompts"):
        Prompts.load(few)
