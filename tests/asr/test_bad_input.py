"""What no engine may stumble over: a minute of noise, music or keys, single samples, clipped audio, NaN, mixed speech.

What a caller's line carries goes through the segmenter first, as in a call; what passes it is recognized.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from asr.engines import load_recognizer
from asr.ports import Recognizer
from asr.scoring import compare_texts
from asr.types import Language
from asr.vosk import load_vosk
from asr.whisper import load_whisper
from tests.asr.tiny_sherpa import BUILDERS
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, from_ms
from voice.contracts.errors import ModelError
from voice.vad.detectors import load_detectors
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings

MINUTE = 60 * SAMPLE_RATE


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("whisper/whisper-base", Language.ZH), marks=pytest.mark.model, id="whisper-zh"),
        pytest.param(("whisper/whisper-base", Language.EN), marks=pytest.mark.model, id="whisper-en"),
        pytest.param(("vosk/vosk-ko", Language.KO), marks=pytest.mark.model, id="vosk-ko"),
        *(pytest.param((f"sherpa/{kind}", Language.ZH), id=f"sherpa-{kind}") for kind in BUILDERS),
    ],
)
def subject(
    request: pytest.FixtureRequest,
    need_model: Callable[[str], Path],
    models_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Recognizer, Language]:
    name, language = request.param
    engine, _, model = name.partition("/")
    if engine == "sherpa":
        models_folder = tmp_path_factory.mktemp("models")
        BUILDERS[model](models_folder / f"tiny-{model}-zh-en")
        name = f"sherpa/tiny-{model}-zh-en"
    else:
        need_model(model)
    return load_recognizer(name, models_folder, [language]).recognizer, language


def segments(pcm: Pcm) -> list[Pcm]:
    segmenter = Segmenter(load_detectors("silero")(), SegmenterSettings(), Party.CALLER)
    outputs = []
    for start in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        outputs += segmenter.feed(AudioFrame(Party.CALLER, start, pcm[start : start + FRAME_SAMPLES]))
    outputs += segmenter.flush()
    return [output.pcm for output in outputs if isinstance(output, SegmentClosed)]


def recognize(subject: tuple[Recognizer, Language], pcm: Pcm) -> str:
    recognizer, language = subject
    utterance = recognizer.begin(language)
    utterance.accept(pcm)
    return utterance.finish().text


def time_s() -> NDArray[np.float64]:
    return np.arange(MINUTE) / SAMPLE_RATE


def white() -> NDArray[np.float64]:
    return np.random.default_rng(3).standard_normal(MINUTE)


def pink() -> NDArray[np.float64]:
    spectrum = np.fft.rfft(white())
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(MINUTE, 1 / SAMPLE_RATE), 50))
    noise = np.fft.irfft(spectrum, MINUTE)
    return np.asarray(noise / noise.std(), np.float64)


def music() -> NDArray[np.float64]:
    """Plucked chords, two a second."""
    notes = (261.6, 329.6, 392.0, 523.3, 440.0, 349.2, 293.7, 392.0)
    beat = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    chords = []
    for place in range(120):
        heights = [notes[(3 * place + step) % 8] for step in (0, 2, 4)]
        chords.append(
            sum(np.sin(2 * np.pi * hz * k * beat) / k * np.exp(-3 * beat) for hz in heights for k in range(1, 6))
        )
    return np.asarray(0.1 * np.concatenate(chords), np.float64)


def keys() -> NDArray[np.float64]:
    place = (time_s() * 2).astype(int)
    low, high = np.array([697, 770, 852, 941])[place % 4], np.array([1209, 1336, 1477])[place % 3]
    tones = np.sin(2 * np.pi * low * time_s()) + np.sin(2 * np.pi * high * time_s())
    return np.asarray(0.2 * tones * ((time_s() * 2) % 1 < 0.4), np.float64)


SOUNDS: dict[str, Callable[[], NDArray[np.float64]]] = {
    "silence": lambda: np.zeros(MINUTE),
    "offset": lambda: np.full(MINUTE, 0.5),
    "hiss": lambda: 0.003 * white(),
    "white noise": lambda: 0.1 * white(),
    "pink noise": lambda: 0.1 * pink(),
    "noise in bursts": lambda: 0.2 * white() * (time_s() % 3 < 0.7),
    "hum": lambda: 0.3 * np.sin(2 * np.pi * 50 * time_s()),
    "ringing": lambda: 0.3 * np.sin(2 * np.pi * 450 * time_s()) * (time_s() % 5 < 1),
    "music": music,
    "keys": keys,
}


@pytest.fixture(scope="module")
def passed() -> dict[str, list[Pcm]]:
    """What the segmenter lets through of a minute of each."""
    return {name: segments(np.clip(sound(), -1, 1).astype(np.float32)) for name, sound in SOUNDS.items()}


def test_a_minute_without_speech_has_no_final(
    subject: tuple[Recognizer, Language], passed: dict[str, list[Pcm]]
) -> None:
    finals = {name: [recognize(subject, pcm) for pcm in found] for name, found in passed.items()}
    assert {name: [text for text in texts if text] for name, texts in finals.items()} == {name: [] for name in SOUNDS}


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_an_utterance_of_one_sample(subject: tuple[Recognizer, Language], value: float) -> None:
    assert recognize(subject, np.array([value], np.float32)) == ""
    assert recognize(subject, np.zeros(0, np.float32)) == ""


@pytest.fixture(scope="module")
def breathless(project: Path) -> list[Pcm]:
    """Utterances of four calls, a minute together and more, each without its pauses at either end."""
    calls = [project / "samples" / "calls" / name / "audio.wav" for name in ("zh-human-16k", "zh-webrtc-wideband")]
    calls += sorted((project / "tests" / "asr" / "librivox").glob("*.flac"))
    found = [pcm for call in calls for pcm in segments(sf.read(call, dtype="float32", always_2d=True)[0][:, 0])]
    while sum(map(len, found)) < MINUTE:
        found += found
    return found


def test_a_minute_without_a_pause(subject: tuple[Recognizer, Language], breathless: list[Pcm]) -> None:
    """It is cut where an utterance may be no longer; nothing falls between the pieces, and each has its final."""
    pcm = np.concatenate(breathless)[:MINUTE]
    pieces = segments(pcm)
    assert sum(map(len, pieces)) >= 0.95 * MINUTE
    assert max(map(len, pieces)) <= from_ms(SegmenterSettings().max_utterance_ms)
    texts = [recognize(subject, piece) for piece in pieces]
    assert sum(map(len, texts)) < 60 * 15
    if subject[0].name.startswith("whisper"):
        assert all(texts)


@pytest.fixture(scope="module")
def sentence(project: Path) -> Pcm:
    pcm: Pcm = sf.read(sorted((project / "tests" / "asr" / "librivox").glob("*.flac"))[0], dtype="float32")[0]
    return pcm[: 3 * SAMPLE_RATE // 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_harm_only_themselves(
    subject: tuple[Recognizer, Language], sentence: Pcm, bad: float
) -> None:
    before = recognize(subject, sentence)
    broken = sentence.copy()
    broken[1000:1100] = bad
    assert isinstance(recognize(subject, broken), str)
    assert recognize(subject, sentence) == before


@pytest.mark.model
@pytest.mark.parametrize("spoil", ["clipped", "offset"])
def test_clipped_and_shifted_speech_is_still_understood(
    need_model: Callable[[str], Path], project: Path, spoil: str
) -> None:
    folder = project / "tests" / "asr" / "librivox"
    recognizer = load_whisper(need_model("whisper-base"))
    pcm = sf.read(sorted(folder.glob("*.flac"))[0], dtype="float32")[0]
    spoilt = np.clip(8 * pcm, -0.5, 0.5) if spoil == "clipped" else pcm + np.float32(0.3)
    said = recognize((recognizer, Language.EN), pcm)
    assert compare_texts(said, recognize((recognizer, Language.EN), spoilt), Language.EN).edits.rate < 0.3


@pytest.mark.model
def test_two_languages_in_one_call(need_model: Callable[[str], Path], project: Path, sentence: Pcm) -> None:
    """The language of a call is its own; speech in another one gives words, right or wrong, and no more of them."""
    recognizer = load_whisper(need_model("whisper-base"))
    with sf.SoundFile(project / "samples" / "calls" / "zh-webrtc-wideband" / "audio.wav") as file:
        mandarin = file.read(5 * SAMPLE_RATE, dtype="float32")
    mixed = np.concatenate([mandarin, sentence])
    alone = recognize((recognizer, Language.ZH), mandarin)
    text = recognize((recognizer, Language.ZH), mixed)
    assert alone
    assert len(text) < 200
    assert recognize((recognizer, Language.ZH), mandarin) == alone


@pytest.mark.parametrize(("engine", "other"), [("whisper", "vosk-ko"), ("vosk", "whisper-base")])
@pytest.mark.model
def test_a_model_of_the_wrong_kind(need_model: Callable[[str], Path], engine: str, other: str) -> None:
    folder = need_model(other)
    with pytest.raises(ModelError) as refused:
        load_whisper(folder) if engine == "whisper" else load_vosk(folder)
    assert other in str(refused.value)
    assert refused.value.fix
