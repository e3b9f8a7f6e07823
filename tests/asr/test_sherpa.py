"""sherpa-onnx on tiny models made here, through its true runtime: loading, refusals, states, times, tags, terms.

The models know nothing (see `tiny_sherpa`), so nothing here says how well sherpa-onnx recognizes speech.
"""

from __future__ import annotations

import gc
import logging
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile as sf

from asr.sherpa import SherpaRecognizer, SherpaSettings, load_sherpa, spell_terms
from asr.sherpa_sense_voice import LONGEST, SenseVoiceRecognizer
from asr.types import Hypothesis, Language
from tests.asr.tiny_sherpa import BUILDERS, build_paraformer, build_sense_voice, build_zipformer
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelCorruptError, ModelError, ModelMissingError

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


def bent(folder: Path, file: str, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A model folder with one of its networks changed."""
    (path,) = folder.glob(file)
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return folder


def without(key: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        kept = [entry for entry in model.metadata_props if entry.key != key]
        del model.metadata_props[:]
        model.metadata_props.extend(kept)

    return change


def with_value(key: str, value: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        without(key)(model)
        model.metadata_props.add(key=key, value=value)

    return change


@pytest.mark.parametrize(
    ("build", "file", "key"),
    [
        (build_zipformer, "encoder*", "model_type"),
        (build_zipformer, "encoder*", "decode_chunk_len"),
        (build_zipformer, "encoder*", "left_context_len"),
        (build_zipformer, "decoder*", "context_size"),
        (build_zipformer, "decoder*", "vocab_size"),
        (build_paraformer, "encoder*", "lfr_window_shift"),
        (build_paraformer, "encoder*", "neg_mean"),
        (build_paraformer, "encoder*", "decoder_num_blocks"),
        (build_sense_voice, "model*", "model_type"),
        (build_sense_voice, "model*", "version"),
        (build_sense_voice, "model*", "lang_yue"),
        (build_sense_voice, "model*", "inv_stddev"),
    ],
)
def test_metadata_that_lacks_an_entry_is_refused_and_the_process_lives(
    tmp_path: Path, build: Callable[[Path], Path], file: str, key: str
) -> None:
    """Left to itself the native code ends the process with 255 over each of these."""
    with pytest.raises(ModelCorruptError, match=f"its metadata should .* {key}"):
        load_sherpa(bent(build(tmp_path / "m"), file, without(key)), [Language.ZH])


@pytest.mark.parametrize(
    ("build", "file", "key", "value", "message"),
    [
        (build_zipformer, "encoder*", "model_type", "lstm", "model_type zipformer or zipformer2; got 'lstm'"),
        (build_zipformer, "encoder*", "encoder_dims", "4,x", "whole numbers .* got '4,x'"),
        (build_zipformer, "encoder*", "num_heads", "1,1", "differ in length"),
        (build_zipformer, "encoder*", "num_encoder_layers", "2", "should have 15 inputs .* it has 9"),
        (build_zipformer, "encoder*", "decode_chunk_len", "46", "advances by 46 frames over chunks of 45"),
        (build_zipformer, "decoder*", "vocab_size", "-3", "whole numbers from 1"),
        (build_zipformer, "decoder*", "vocab_size", "99", "should name 99 symbols and lacks number"),
        (build_paraformer, "encoder*", "lfr_window_shift", "0", "whole numbers from 1"),
        (build_paraformer, "encoder*", "lfr_window_size", "5", "stacks 5 frames every 6"),
        (build_paraformer, "encoder*", "neg_mean", "1,2,3", "560 numbers for neg_mean; got 3"),
        (build_paraformer, "encoder*", "model_type", "zipformer2", "model_type paraformer"),
        (build_sense_voice, "model*", "version", "1", "version 2 is needed"),
        (build_sense_voice, "model*", "comment", "Fun-ASR-Nano", "another model in the same wrapping"),
        (build_sense_voice, "model*", "model_type", "paraformer", "sense_voice_ctc; got 'paraformer'"),
    ],
)
def test_a_model_of_another_kind_or_version_is_refused(
    tmp_path: Path, build: Callable[[Path], Path], file: str, key: str, value: str, message: str
) -> None:
    with pytest.raises(ModelCorruptError, match=message):
        load_sherpa(bent(build(tmp_path / "m"), file, with_value(key, value)), [Language.ZH])


@pytest.mark.parametrize(
    ("build", "file", "message"),
    [
        (build_zipformer, "tokens.txt", "lacks tokens.txt"),
        (build_zipformer, "decoder*", "A sherpa-onnx model folder holds"),
        (build_paraformer, "encoder*", "A sherpa-onnx model folder holds"),
        (build_sense_voice, "model*", "A sherpa-onnx model folder holds"),
    ],
)
def test_a_folder_that_lacks_a_file(tmp_path: Path, build: Callable[[Path], Path], file: str, message: str) -> None:
    folder = build(tmp_path / "m")
    next(folder.glob(file)).unlink()
    with pytest.raises(ModelMissingError, match=message):
        load_sherpa(folder, [Language.ZH])


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="warmline models pull nothing"):
        load_sherpa(tmp_path / "nothing", [Language.ZH])


def test_a_zipformer_without_its_joiner_is_no_paraformer(tmp_path: Path) -> None:
    folder = build_zipformer(tmp_path / "m")
    next(folder.glob("joiner*")).unlink()
    with pytest.raises(ModelCorruptError, match="model_type paraformer; got 'zipformer2'"):
        load_sherpa(folder, [Language.ZH])


@pytest.mark.parametrize("damage", ["empty", "half", "page", "noise"])
@pytest.mark.parametrize("build", [build_zipformer, build_paraformer, build_sense_voice])
def test_a_damaged_network_is_refused(tmp_path: Path, build: Callable[[Path], Path], damage: str) -> None:
    folder = build(tmp_path / "m")
    path = next(path for path in sorted(folder.glob("*.onnx"), reverse=True) if "decoder" not in path.name)
    raw = path.read_bytes()
    noise = np.random.default_rng(3).bytes(len(raw))
    path.write_bytes({"empty": b"", "half": raw[: len(raw) // 2], "page": b"<html>No</html>", "noise": noise}[damage])
    with pytest.raises(ModelCorruptError):
        load_sherpa(folder, [Language.ZH])


def test_a_network_that_only_its_header_vouches_for_is_refused(tmp_path: Path) -> None:
    """Metadata, inputs and outputs are right; the weights do not fit together, which only decoding shows."""

    def spoil(model: onnx.ModelProto) -> None:
        for weights in model.graph.initializer:
            if list(weights.dims) == [80, 4]:
                weights.dims[0] = 40
                weights.raw_data = weights.raw_data[: len(weights.raw_data) // 2]
        for value in model.graph.input[0].type.tensor_type.shape.dim:
            value.Clear()

    with pytest.raises(ModelCorruptError):
        load_sherpa(bent(build_zipformer(tmp_path / "m"), "encoder*", spoil), [Language.ZH])


def test_a_failure_that_sense_voice_hides_is_told(tmp_path: Path) -> None:
    """The native code catches the runtime's errors there and answers with an empty result."""

    def spoil(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            if node.output[0] == "in_style":
                node.input[1] = "text_norm"

    with pytest.raises(ModelCorruptError, match="loads but cannot recognize"):
        load_sherpa(bent(build_sense_voice(tmp_path / "m"), "model*", spoil), [Language.ZH])


@pytest.mark.parametrize("line", ["我", "我 x", "我 3 4", "", "我 -1", "我 ²"])
def test_a_table_of_symbols_with_a_broken_line(tmp_path: Path, line: str) -> None:
    folder = build_paraformer(tmp_path / "m")
    table = (folder / "tokens.txt").read_text("utf-8")
    (folder / "tokens.txt").write_text(f"{line}\n{table}", encoding="utf-8")
    with pytest.raises(ModelCorruptError, match=r"tokens\.txt, line 1"):
        load_sherpa(folder, [Language.ZH])


def test_too_little_memory_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(**_: object) -> None:
        raise RuntimeError("bfc_arena.cc Failed to allocate memory for requested buffer of size 607000000")

    monkeypatch.setattr("asr.sherpa.sherpa_onnx.OnlineRecognizer.from_paraformer", give_up)
    with pytest.raises(ModelError, match="Memory does not suffice for sherpa/m"):
        load_sherpa(build_paraformer(tmp_path / "m"), [Language.ZH])


def test_sense_voice_refuses_a_language_it_does_not_know(tmp_path: Path) -> None:
    class Klingon(str):
        __slots__ = ()

    with pytest.raises(ModelError, match="recognizes en, ko, zh; got tlh"):
        load_sherpa(build_sense_voice(tmp_path / "m"), [Klingon("tlh")])  # type: ignore[list-item]  # no Language


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
