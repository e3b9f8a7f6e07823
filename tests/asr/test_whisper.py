"""Whisper: windows, long utterances, script, guards and broken models, on the real model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from asr.scoring import compare, units
from asr.types import Language
from asr.whisper import LONGEST, WINDOWS_S, WhisperRecognizer, WhisperSettings, fit_window, load_whisper, quiet_cut
from voice.contracts.audio import Pcm, from_s
from voice.contracts.errors import ModelCorruptError, ModelMissingError


@pytest.mark.parametrize(
    ("seconds", "window"), [(0.0, 10), (8.9, 10), (9.1, 15), (14.5, 20), (19.5, 30), (29.5, 30), (30.0, 30)]
)
def test_the_window_is_the_shortest_with_a_margin(seconds: float, window: int) -> None:
    assert fit_window(from_s(seconds)) == window


def test_a_long_utterance_is_cut_where_it_is_quiet() -> None:
    pcm = np.random.default_rng(2).standard_normal(LONGEST).astype(np.float32) * np.float32(0.1)
    pcm[from_s(21.0) : from_s(21.4)] = 0.0
    assert from_s(21.0) < quiet_cut(pcm) < from_s(21.4)
    assert LONGEST // 2 <= quiet_cut(pcm[::-1]) <= LONGEST, "only the second half is searched"


@pytest.fixture(scope="module")
def model(need_model: Callable[[str], Path]) -> Path:
    return need_model("whisper-base")


@pytest.fixture(scope="module")
def recognizer(model: Path) -> WhisperRecognizer:
    return load_whisper(model)


@pytest.fixture(scope="module")
def sentences(project: Path) -> list[Pcm]:
    folder = project / "tests" / "asr" / "librivox"
    return [sf.read(path, dtype="float32")[0] for path in sorted(folder.glob("*.flac"))]


def finish(
    recognizer: WhisperRecognizer, pcm: Pcm, language: Language = Language.EN
) -> tuple[str, list[tuple[int, int]]]:
    utterance = recognizer.begin(language)
    utterance.accept(pcm)
    final = utterance.finish()
    return final.text, [(word.span.start, word.span.end) for word in final.words]


@pytest.mark.model
def test_more_than_thirty_seconds_are_recognized_to_the_end(
    recognizer: WhisperRecognizer, sentences: list[Pcm]
) -> None:
    pcm = np.concatenate([*sentences, *sentences])
    assert len(pcm) > LONGEST
    text, spans = finish(recognizer, pcm)
    assert text.lower().count("amiable himself") == 2
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert spans[-1][1] > len(pcm) - from_s(1.5)


@pytest.mark.model
def test_partials_of_a_long_utterance_reach_its_end(recognizer: WhisperRecognizer, sentences: list[Pcm]) -> None:
    utterance = recognizer.begin(Language.EN)
    last = ""
    audio = np.concatenate([*sentences, *sentences])
    for start in range(0, len(audio), from_s(6.0)):
        utterance.accept(audio[start : start + from_s(6.0)])
        partial = utterance.partial()
        if partial is not None:
            assert partial.words == ()
            last = partial.text
    assert last.lower().startswith("and mr")
    assert last.lower().count("more respectable") == 2


@pytest.mark.model
def test_partials_wait_for_a_second_of_new_audio(recognizer: WhisperRecognizer, sentences: list[Pcm]) -> None:
    utterance = recognizer.begin(Language.EN)
    pcm = sentences[0]
    told = []
    for start in range(0, from_s(5.0), from_s(0.1)):
        utterance.accept(pcm[start : start + from_s(0.1)])
        if utterance.partial() is not None:
            told.append(start)
    assert 3 <= len(told) <= 5
    assert all(after - before >= from_s(1.0) for before, after in pairwise(told))


@pytest.mark.model
def test_the_short_window_hears_what_the_long_one_hears(recognizer: WhisperRecognizer, sentences: list[Pcm]) -> None:
    pcm = sentences[1]
    short, long = (
        units(recognizer.transcribe(pcm, Language.EN, beam=1, window_s=window).text, Language.EN)
        for window in (WINDOWS_S[0], WINDOWS_S[-1])
    )
    assert compare(long, short).edits.rate < 0.15


@pytest.mark.model
def test_without_word_times_the_text_is_the_same(
    model: Path, recognizer: WhisperRecognizer, sentences: list[Pcm]
) -> None:
    plain = load_whisper(model, settings=WhisperSettings(word_times=False))
    text, spans = finish(plain, sentences[1])
    assert spans == []
    assert text == finish(recognizer, sentences[1])[0]


@pytest.mark.model
@pytest.mark.parametrize("seconds", [1.0, 5.0, 12.0])
@pytest.mark.parametrize("sound", ["hum", "clicks", "hiss", "pink", "keypad", "knocks"])
def test_nothing_is_said_where_nobody_speaks(recognizer: WhisperRecognizer, sound: str, seconds: float) -> None:
    length = from_s(seconds)
    time = np.arange(length) / 16_000
    noise = np.random.default_rng(5).standard_normal(length)
    match sound:
        case "hum":
            pcm = 0.05 * np.sin(2 * np.pi * 50 * time) + 0.02 * np.sin(2 * np.pi * 150 * time)
        case "clicks":
            pcm = np.zeros(length)
            pcm[::8000] = 0.5
        case "hiss":
            pcm = 0.02 * noise
        case "pink":
            spectrum = np.fft.rfft(noise) / np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / 16_000), 50))
            pcm = np.fft.irfft(spectrum, length)
            pcm *= 0.03 / pcm.std()
        case "keypad":
            pcm = 0.1 * (np.sin(2 * np.pi * 770 * time) + np.sin(2 * np.pi * 1336 * time))
        case _:
            pcm = 0.1 * noise * np.exp(-12 * (3 * time % 1))
    text, _ = finish(recognizer, pcm.astype(np.float32), Language.ZH)
    assert text == ""


@pytest.mark.model
@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.bin", "truncated"),
        ("model.bin", "garbage"),
        ("config.json", "garbage"),
        ("tokenizer.json", "garbage"),
        ("tokenizer.json", "foreign"),
        ("vocabulary.*", "empty"),
    ],
)
def test_a_broken_model_is_a_typed_error(model: Path, tmp_path: Path, file: str, damage: str) -> None:
    folder = tmp_path / "whisper-base"
    folder.mkdir()
    for path in model.iterdir():
        (folder / path.name).symlink_to(path.resolve())
    (file,) = (path.name for path in model.glob(file))
    (folder / file).unlink()
    match damage:
        case "truncated":
            shutil.copyfile(model / file, folder / file)
            with (folder / file).open("r+b") as opened:
                opened.truncate(50_000_000)
        case "garbage":
            (folder / file).write_bytes(b"\x00\xff" * 5000)
        case "foreign":
            (folder / file).write_text('{"version":"1.0","model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}')
        case _:
            (folder / file).touch()
    with pytest.raises(ModelCorruptError, match="warmline models"):
        load_whisper(folder)


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="warmline models pull whisper-base"):
        load_whisper(tmp_path / "whisper-base")
