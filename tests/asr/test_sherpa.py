"""sherpa-onnx on tiny models made here, through its true runtime: states, times, tags, terms, threads, memory.

The models know nothing (see `tiny_sherpa`), so nothing here says how well sherpa-onnx recognizes speech.
"""

from __future__ import annotations

import gc
import logging
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from asr.sherpa import SherpaRecognizer, SherpaSettings, load_sherpa, spell_terms
from asr.sherpa_sense_voice import LONGEST, SenseVoiceRecognizer, SenseVoiceSettings
from asr.types import Hypothesis, Language
from tests.asr.tiny_sherpa import BUILDERS, build_paraformer, build_sense_voice, build_zipformer
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelError

BOTH = (Language.ZH, Language.EN)


@pytest.fixture(scope="module")
def speech(project: Path) -> Pcm:
    pcm: Pcm = sf.read(project / "tests" / "asr" / "librivox" / "austen-0880.flac", dtype="float32")[0]
    return pcm


@pytest.fixture(scope="module", params=list(BUILDERS))
def recognizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SherpaRecognizer:
    return load_sherpa(BUILDERS[request.param](tmp_path_factory.mktemp(request.param) / "tiny"), BOTH)


def recognize(recognizer: SherpaRecognizer, pcm: Pcm, language: Language = Language.ZH) -> Hypothesis:
    utterance = recognizer.begin(language)
    for start in range(0, len(pcm), 1600):
        utterance.accept(pcm[start : start + 1600])
    return utterance.finish()


def loud(seconds: float, seed: int = 5) -> Pcm:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * 16_000)).astype(np.float32)
    return noise * np.float32(0.1)


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def test_zipformer_answers_with_times_and_confidences(tmp_path: Path, speech: Pcm) -> None:
    final = recognize(load_sherpa(build_zipformer(tmp_path / "m"), BOTH), speech)
    assert len(final.words) > 3
    assert all(word.confidence is not None and 0 < word.confidence <= 1 for word in final.words)
    assert all(word.span.start % 640 == 0 for word in final.words), "symbols come on the encoder's grid of 40 ms"
    assert final.text == final.text.lower(), "a table that has capitals only is written small"


def test_paraformers_words_lie_in_the_chunk_that_brought_them(tmp_path: Path) -> None:
    """It tells no times. Silence before the sound must stay free of words up to the resolution of a chunk."""
    recognizer = load_sherpa(build_paraformer(tmp_path / "m"), BOTH)
    sound = np.concatenate([np.zeros(48_000, dtype=np.float32), loud(2), np.zeros(48_000, dtype=np.float32)])
    final = recognize(recognizer, sound)
    assert final.words
    assert final.words[0].span.start > 48_000 - 9_600
    assert final.words[-1].span.start < 48_000 + 32_000 + 9_600


def test_sense_voice_tells_what_it_hears_besides_words(tmp_path: Path, speech: Pcm) -> None:
    angry = load_sherpa(build_sense_voice(tmp_path / "a"), BOTH)
    assert recognize(angry, speech).tags == ("language:zh", "emotion:angry", "event:laughter")
    assert recognize(angry, speech, Language.EN).tags[0] == "language:en"
    calm = load_sherpa(build_sense_voice(tmp_path / "c", emotion="EMO_UNKNOWN", event="Speech"), BOTH)
    assert recognize(calm, speech).tags == ("language:zh",)
    assert recognize(calm, speech).text


def test_what_sense_voice_takes_for_no_speech_has_no_words(tmp_path: Path, speech: Pcm) -> None:
    deaf = load_sherpa(build_sense_voice(tmp_path / "m", language="nospeech", event="BGM"), BOTH)
    assert recognize(deaf, speech) == Hypothesis("", tags=("emotion:angry", "event:bgm"))


@dataclass
class Heard:
    """What sherpa-onnx answers."""

    tokens: list[str]
    lang: str = "<|zh|>"
    emotion: str = "<|NEUTRAL|>"
    event: str = "<|Speech|>"

    @property
    def timestamps(self) -> list[float]:
        return [0.06 * number for number in range(len(self.tokens))]


class Scripted:
    """A recognizer of sherpa-onnx that always hears the same; it is its own stream."""

    def __init__(self, result: Heard) -> None:
        self.result = result

    def create_stream(self) -> Scripted:
        return self

    def accept_waveform(self, rate: int, samples: Pcm) -> None:
        assert rate == 16_000
        assert len(samples) >= 8_000

    def decode_stream(self, stream: Scripted) -> None:
        pass


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        (Heard(["退", "款"]), "退款"),
        (Heard(["嗯"]), "嗯"),
        (Heard(["嗯", "。"], event="<|BGM|>"), ""),
        (Heard([" The", "."], event="<|Cough|>"), ""),
        (Heard(["退", "款"], event="<|BGM|>"), "退款"),
        (Heard(["退", "款"], lang="<|nospeech|>"), ""),
        (Heard([*"谢谢观看"]), ""),
        (Heard([*"我要退款" * 12]), "我要退款"),
    ],
)
def test_sense_voice_does_not_get_away_with_inventions(heard: Heard, text: str) -> None:
    recognizer = SenseVoiceRecognizer("sherpa/scripted", {Language.ZH: Scripted(heard)}, SenseVoiceSettings())
    assert recognize(recognizer, loud(2)).text == text


def test_sense_voice_cuts_long_audio_and_forgets_none_of_it(tmp_path: Path, speech: Pcm) -> None:
    recognizer = load_sherpa(build_sense_voice(tmp_path / "m"), [Language.ZH])
    long = np.tile(speech, 70 * 16_000 // len(speech) + 1)[: 70 * 16_000]
    utterance = recognizer.begin(Language.ZH)
    partials = 0
    for start in range(0, len(long), 16_000):
        utterance.accept(long[start : start + 16_000])
        partials += utterance.partial() is not None
    final = utterance.finish()
    assert partials > 10
    assert final == recognize(recognizer, long), "partials change nothing about where the final is cut"
    starts = np.array([word.span.start for word in final.words])
    assert starts.max() > 60 * 16_000
    assert np.diff(starts).max() < 10 * 16_000
    assert len(long) > 2 * LONGEST


@pytest.mark.parametrize("seconds", [1 / 16_000, 0.001, 0.02, 0.07])
def test_the_shortest_utterances_do_no_harm(recognizer: SherpaRecognizer, seconds: float) -> None:
    recognize(recognizer, loud(seconds))


def test_no_audio_at_all(recognizer: SherpaRecognizer) -> None:
    assert recognizer.begin(Language.ZH).finish() == Hypothesis("")


def test_samples_that_are_no_numbers_are_silence(recognizer: SherpaRecognizer, speech: Pcm) -> None:
    spoilt, zeroed = speech.copy(), speech.copy()
    spoilt[4_000:4_400:3], zeroed[4_000:4_400:3] = np.nan, 0.0
    spoilt[9_000:9_040], zeroed[9_000:9_040] = np.inf, 0.0
    assert recognize(recognizer, spoilt) == recognize(recognizer, zeroed)
    assert recognize(recognizer, np.full(16_000, np.nan, dtype=np.float32)) == Hypothesis("")


def test_clipped_audio_and_an_offset_do_no_harm(recognizer: SherpaRecognizer, speech: Pcm) -> None:
    recognize(recognizer, np.clip(speech * 50, -1, 1))
    recognize(recognizer, speech * 50)
    recognize(recognizer, np.clip(speech + 0.9, -1, 1))


@pytest.mark.parametrize("level", [0.0, 0.0005])
def test_a_minute_of_silence_has_no_words(recognizer: SherpaRecognizer, level: float) -> None:
    quiet = np.random.default_rng(1).standard_normal(60 * 16_000).astype(np.float32) * np.float32(level)
    assert recognize(recognizer, quiet) == Hypothesis("")


def test_many_streams_on_one_model_do_not_touch_each_other(recognizer: SherpaRecognizer, speech: Pcm) -> None:
    pieces = [speech[shift : shift + 24_000] for shift in range(0, 16_000, 2_000)]
    alone = [recognize(recognizer, piece) for piece in pieces]
    assert len({final.text for final in alone}) > 1
    with ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            assert list(threads.map(lambda piece: recognize(recognizer, piece), pieces)) == alone
    side_by_side = [recognizer.begin(Language.ZH) for _ in pieces]
    for start in range(0, 24_000, 800):
        for utterance, piece in zip(side_by_side, pieces, strict=True):
            utterance.accept(piece[start : start + 800])
    assert [utterance.finish() for utterance in side_by_side] == alone


def test_utterances_leave_no_memory_behind(recognizer: SherpaRecognizer, speech: Pcm) -> None:
    for _ in range(40):
        recognize(recognizer, speech)
    gc.collect()
    before = resident()
    for _ in range(200):
        recognize(recognizer, speech)
    gc.collect()
    assert resident() - before < 8 << 20


def test_a_recognizer_breaks_alone(tmp_path: Path, speech: Pcm) -> None:
    recognizer = load_sherpa(build_zipformer(tmp_path / "m"), BOTH)
    whole = recognizer.begin(Language.ZH)
    broken = recognizer.begin(Language.ZH)

    class Throwing:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("onnxruntime says no")

    broken._model = replace(broken._model, native=Throwing())  # type: ignore[union-attr]  # a streaming one
    with pytest.raises(ModelError, match="sherpa/m broke on this utterance: RuntimeError"):
        broken.accept(speech)
    whole.accept(speech)
    assert whole.finish().text


def test_terms_change_what_a_transducer_hears(tmp_path: Path, speech: Pcm) -> None:
    folder = build_zipformer(tmp_path / "m")
    plain = recognize(load_sherpa(folder, BOTH), speech)

    def biased(score: float, beam: int) -> str:
        settings = SherpaSettings(terms=("地址",), term_score=score, beam=beam)
        return recognize(load_sherpa(folder, BOTH, settings), speech).text

    assert "地址" not in plain.text
    assert biased(0.0, 40) == plain.text, "a beam alone changes nothing for this model"
    assert "地址" in biased(6.0, 40)
    assert "地址" not in biased(6.0, 2), "a term that is not among the likeliest by its sound is not forced upon it"


def test_terms_that_cannot_be_spelt_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The native code would write them, which may be customers' names, to standard error."""
    assert spell_terms(["订单", "保险", "地址", "订单", ""], "订单地址") == ["订 单", "地 址"]
    with caplog.at_level(logging.INFO):
        load_sherpa(build_zipformer(tmp_path / "m"), BOTH, SherpaSettings(terms=("订单", "保险单")))
    assert "1 of 2 terms can be biased" in caplog.text
    assert "保险" not in caplog.text


def test_decoding_lets_other_threads_run(tmp_path: Path) -> None:
    """The binding gives the interpreter free while the network runs; a thread that counts goes on counting."""
    recognizer = load_sherpa(build_sense_voice(tmp_path / "m"), [Language.ZH])
    assert isinstance(recognizer, SenseVoiceRecognizer)
    longest, stop = 0.0, threading.Event()

    def watch() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not stop.is_set():
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    watcher = threading.Thread(target=watch)
    pcm = loud(30)
    watcher.start()
    began = time.perf_counter()
    for _ in range(5):
        recognizer.transcribe(pcm, Language.ZH, 0)
    took = (time.perf_counter() - began) / 5
    stop.set()
    watcher.join()
    assert longest < max(0.8 * took, 0.1)
