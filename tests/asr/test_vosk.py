"""Vosk on its one model at hand, which is Korean.

There is no free Korean speech here, so this shows that the engine runs: real speech in, Hangul words with times and
confidences out, repeatably. How well it hears Korean, Mandarin or English is not measured here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from asr.types import Language
from asr.vosk import VoskRecognizer, load_vosk
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelCorruptError, ModelMissingError

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def recognizer(need_model: Callable[[str], Path]) -> VoskRecognizer:
    return VoskRecognizer({Language.KO: ("vosk-ko", load_vosk(need_model("vosk-ko")))})


@pytest.fixture(scope="module")
def speech(project: Path) -> Pcm:
    pcm: Pcm = sf.read(project / "tests" / "asr" / "librivox" / "austen-0880.flac", dtype="float32")[0]
    return pcm


def is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"


def test_speech_becomes_hangul_with_times_and_confidences(recognizer: VoskRecognizer, speech: Pcm) -> None:
    utterance = recognizer.begin(Language.KO)
    utterance.accept(speech)
    final = utterance.finish()
    letters = [c for c in final.text if c.isalpha()]
    assert len(letters) >= 4
    assert sum(map(is_hangul, letters)) >= len(letters) * 0.8
    assert len(final.words) >= 3
    assert all(word.confidence is not None and 0 < word.confidence <= 1 for word in final.words)
    assert all(word.span.length > 0 for word in final.words)
    heard = sum(word.span.length for word in final.words)
    assert heard > 0.4 * len(speech)


def test_a_native_recognizer_that_was_used_before_says_the_same(need_model: Callable[[str], Path], speech: Pcm) -> None:
    model = load_vosk(need_model("vosk-ko"))
    pieces = [speech[:30_001], speech[20_000:70_000], speech[:30_001], speech * 0]
    used = VoskRecognizer({Language.KO: ("vosk-ko", model)})
    left = used.begin(Language.KO)
    left.accept(speech[:20_000])  # and is never finished
    for pcm in pieces:
        finals = []
        for recognizer in (VoskRecognizer({Language.KO: ("vosk-ko", model)}), used):
            utterance = recognizer.begin(Language.KO)
            utterance.accept(pcm)
            finals.append(utterance.finish())
        assert finals[0] == finals[1]
    assert sum(len(pool._idle) for pool in used._models.values()) == 1, "one after the other need one"


def test_a_native_recognizer_is_let_go_in_time(monkeypatch: pytest.MonkeyPatch, recognizer: VoskRecognizer) -> None:
    monkeypatch.setattr("asr.vosk.LONGEST_USE", 16_000)
    pool = recognizer._models[Language.KO]
    idle = len(pool._idle)
    utterance = recognizer.begin(Language.KO)
    utterance.accept(np.zeros(32_000, np.float32))
    utterance.finish()
    assert len(pool._idle) == max(0, idle - 1)


def test_a_pause_does_not_lose_what_came_before(recognizer: VoskRecognizer, speech: Pcm) -> None:
    """Kaldi settles its result at a pause; the utterance keeps it and goes on."""
    utterance = recognizer.begin(Language.KO)
    utterance.accept(speech)
    utterance.accept(speech[:1] * 0)
    silence = speech[:32_000] * 0
    utterance.accept(silence)
    utterance.accept(silence)
    utterance.accept(speech)
    final = utterance.finish()
    second = 2 * len(speech) + 1 + 2 * len(silence)
    middle = len(speech) + len(silence)
    assert any(word.span.end < middle for word in final.words)
    assert any(word.span.start > middle for word in final.words)
    assert final.words[-1].span.end <= second


@pytest.mark.parametrize("missing", ["am/final.mdl", "graph/Gr.fst", "conf/mfcc.conf"])
def test_a_folder_that_lacks_a_file(need_model: Callable[[str], Path], tmp_path: Path, missing: str) -> None:
    folder = copy(need_model("vosk-ko"), tmp_path)
    (folder / missing).unlink()
    with pytest.raises(ModelMissingError, match=missing):
        load_vosk(folder)


@pytest.mark.parametrize("cut", ["am/final.mdl", "graph/HCLr.fst", "ivector/final.dubm"])
def test_a_truncated_file(need_model: Callable[[str], Path], tmp_path: Path, cut: str) -> None:
    source = need_model("vosk-ko")
    folder = copy(source, tmp_path)
    (folder / cut).unlink()
    with (source / cut).open("rb") as file:
        (folder / cut).write_bytes(file.read(10_000))
    with pytest.raises(ModelCorruptError, match="vosk-ko"):
        load_vosk(folder)


@pytest.mark.parametrize("empty", ["conf/model.conf", "am/final.mdl"])
def test_an_empty_file(need_model: Callable[[str], Path], tmp_path: Path, empty: str) -> None:
    """With an empty model.conf Kaldi searches without any limit and seems to hang."""
    folder = copy(need_model("vosk-ko"), tmp_path)
    (folder / empty).unlink()
    (folder / empty).touch()
    with pytest.raises(ModelCorruptError, match=f"{empty} empty"):
        load_vosk(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="warmline models pull nothing"):
        load_vosk(tmp_path / "nothing")


def copy(source: Path, tmp_path: Path) -> Path:
    """A folder of links, so that single files can be spoiled."""
    folder = tmp_path / source.name
    shutil.copytree(source, folder, copy_function=lambda a, b: Path(b).symlink_to(Path(a).resolve()))
    return folder
