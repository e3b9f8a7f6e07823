"""`warmline evaluate asr` on real and on broken lists; the engine is the one without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from typer.testing import CliRunner

from agent_console.asr_evaluation import evaluate_asr
from agent_console.cli import app
from agent_console.settings import Settings
from asr.fake import FakeRecognizer, FakeUtterance
from asr.types import Hypothesis, Language
from asr.whisper_prompt import MOST_TERMS
from voice.audio.bandwidth import is_fast
from voice.audio.telephone import through_telephone
from voice.contracts.audio import Pcm
from voice.contracts.errors import ManifestError, ModelError, ModelMissingError, SettingsError, UnknownEngineError

Make = Callable[..., Path]


def speak(seconds: float, seed: int = 1) -> Pcm:
    """Noise that swells and fades like syllables."""
    place = np.arange(int(16_000 * seconds))
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * place / 16_000)
    noise = np.random.default_rng(seed).standard_normal(len(place))
    return np.asarray(0.1 * swell * noise, np.float32)


def record(path: Path, pcm: Pcm, language: Language = Language.ZH) -> str:
    """Write a recording; answers what the fake recognizer hears in it."""
    sf.write(path, pcm, 16_000, subtype="PCM_16")
    utterance = FakeRecognizer().begin(language)
    utterance.accept(sf.read(path, dtype="float32")[0])
    return utterance.finish().text


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Two speakers of Mandarin, heard right and with an addition, and one line of English."""
    lines = []
    for number, (speaker, channel) in enumerate([("甲", "phone"), ("甲", "web"), ("乙", "phone"), ("乙", "web")]):
        heard = record(tmp_path / f"{number}.wav", speak(1.0 + number / 2, seed=number))
        text = heard + ("吗" if speaker == "乙" else "")
        lines.append({"audio": f"{number}.wav", "text": text, "lang": "zh-CN", "speaker": speaker, "channel": channel})
    lines.append({"audio": "e.wav", "text": record(tmp_path / "e.wav", speak(1.0), Language.EN), "lang": "en"})
    return write(tmp_path, lines)


def write(folder: Path, lines: list[Any]) -> Path:
    path = folder / "list.jsonl"
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def run(*arguments: str) -> tuple[dict[str, Any], str]:
    result = CliRunner().invoke(app, ["evaluate", "asr", "--engine", "fake", "--json", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


def evaluate(manifest: Path, **changed: Any) -> None:
    engine = changed.pop("engine", "fake")
    settings = Settings.load(engine=engine, models=manifest.parent / "models")
    options = {"bands": ("clean",), "text": "raw", "group": None, "live": False, "skip_broken": False, "seed": 0}
    evaluate_asr(manifest, settings, **options | changed, progress=lambda *_: None)


def test_figures_per_language_and_band(manifest: Path) -> None:
    found, notes = run("--manifest", str(manifest), "--text", "raw")
    figures = {each["name"]: each for each in found["figures"]}
    assert set(figures) == {
        "cer_zh_clean", "wer_en_clean", "rtf_cpu_clean", "cer_zh_telephone", "wer_en_telephone", "rtf_cpu_telephone",
    }  # fmt: skip
    zh = figures["cer_zh_clean"]
    row = next(each for each in found["bands"]["clean"]["rates"] if each["language"] == "zh")
    assert (row["deletions"], row["substitutions"], row["insertions"]) == (2, 0, 0)
    assert zh["value"] == pytest.approx(2 / row["length"], rel=1e-5)
    assert zh["low"] == 0.0
    assert zh["low"] < zh["value"] < zh["high"] <= 1.0, "from one speaker's rate to the other's"
    assert (figures["wer_en_clean"]["value"], figures["wer_en_clean"]["low"]) == (0.0, None)
    assert figures["cer_zh_telephone"]["value"] > zh["value"]
    assert found["engine"] == "fake/fake"
    assert found["languages"] == {"en": {"utterances": 1, "speakers": 0}, "zh": {"utterances": 4, "speakers": 2}}
    assert 'en: there are lines without "speaker"' in notes


def test_the_same_seed_gives_the_same_document(manifest: Path) -> None:
    first, second = (run("--manifest", str(manifest), "--seed", "7")[0] for _ in range(2))
    for each in (first, second):
        each["figures"] = [figure for figure in each["figures"] if not figure["name"].startswith("rtf")]
    assert first == second


def test_groups(manifest: Path) -> None:
    found, _ = run("--manifest", str(manifest), "--group", "channel", "--band", "clean")
    groups = {(each["language"], each["group"]): each for each in found["bands"]["clean"]["groups"]}
    assert set(groups) == {("zh", "phone"), ("zh", "web"), ("en", "–")}
    assert all(each["speakers"] == 2 for key, each in groups.items() if key[0] == "zh")
    whole = found["bands"]["clean"]["rates"][1]
    assert sum(each["length"] for key, each in groups.items() if key[0] == "zh") == whole["length"]


def test_a_group_that_no_line_has(manifest: Path) -> None:
    with pytest.raises(ManifestError, match="Did you mean 'channel'"):
        evaluate(manifest, group="chanel")


def test_substitutions_name_their_lines(tmp_path: Path) -> None:
    lines = []
    for number in range(3):
        heard = record(tmp_path / f"{number}.wav", speak(0.2, seed=5))
        lines.append({"audio": f"{number}.wav", "text": "喂", "lang": "zh"})
    found, _ = run("--manifest", str(write(tmp_path, lines)), "--band", "clean", "--text", "raw")
    listed = found["bands"]["clean"]["substitutions"]["zh"]
    assert listed == [{"said": "喂", "heard": heard, "count": 3, "lines": ["1", "2", "3"]}]


def test_the_display_text_is_evaluated_unless_raw_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeUtterance, "finish", lambda _: Hypothesis("查一下无流"))
    record(tmp_path / "a.wav", speak(1.0))
    path = write(tmp_path, [{"audio": "a.wav", "text": "查一下物流", "lang": "zh"}])
    raw, _ = run("--manifest", str(path), "--band", "clean", "--text", "raw")
    written, _ = run("--manifest", str(path), "--band", "clean")
    assert (raw["text"], written["text"]) == ("raw", "written")
    assert (raw["figures"][0]["value"], written["figures"][0]["value"]) == (0.2, 0.0)


def test_at_real_pace(manifest: Path) -> None:
    found, _ = run("--manifest", str(manifest), "--band", "telephone", "--live", "--text", "raw")
    assert found["live"]["utterances"] == 5
    figures = {each["name"]: each["value"] for each in found["figures"]}
    assert 0 <= figures["final_p50_ms"] <= figures["final_p95_ms"] < 1000
    assert figures["first_partial_p50_ms"] >= 200, "the first word is 200 ms long"
    assert found["live"]["partials"] >= 10


def test_sample_calls_are_a_list_as_they_are(project: Path) -> None:
    found, notes = run("--manifest", str(project / "samples" / "calls"), "--band", "clean", "--group", "call")
    assert found["languages"]["zh"]["utterances"] == 67
    assert found["languages"]["en"] == {"utterances": 7, "speakers": 1}
    calls = {each["group"] for each in found["bands"]["clean"]["groups"]}
    assert {"zh-digits-pauses", "zh-stereo-exchange", "en-refund-agent"} <= calls
    assert "one speaker" in notes


def test_a_folder_without_calls(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"call\.json"):
        evaluate(tmp_path)


def test_a_sample_call_that_is_none(tmp_path: Path) -> None:
    for name, description in (("a", "[]"), ("b", "{"), ("c", '{"language": "zh"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "call.json").write_text(description, encoding="utf-8")
        sf.write(tmp_path / name / "audio.wav", speak(0.5), 16_000)
    with pytest.raises(ManifestError) as caught:
        evaluate(tmp_path)
    assert all(f"line {number}: {name}: call.json" in str(caught.value) for number, name in enumerate("abc", 1))


def test_every_broken_line_is_named(tmp_path: Path) -> None:
    sf.write(tmp_path / "good.wav", speak(0.5), 16_000)
    spoiled = speak(0.5)
    spoiled[100:110] = np.nan
    sf.write(tmp_path / "nan.wav", spoiled, 16_000, subtype="FLOAT")
    (tmp_path / "torn.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:8_000])
    (tmp_path / "noise.wav").write_bytes(b"\x07" * 5_000)
    (tmp_path / "empty.wav").touch()
    path = write(
        tmp_path,
        [
            {"audio": "good.wav", "text": "你好", "lang": "zh"},
            "{",
            "[1]",
            {"audio": "absent.wav", "text": "你好", "lang": "zh"},
            {"audio": "nan.wav", "text": "你好", "lang": "zh"},
            {"audio": "torn.wav", "text": "你好", "lang": "zh"},
            {"audio": "noise.wav", "text": "你好", "lang": "zh"},
            {"audio": "empty.wav", "text": "你好", "lang": "zh"},
            {"audio": str(tmp_path / "good.wav"), "text": "你好", "lang": "zh"},
        ],
    )
    with pytest.raises(ManifestError) as caught:
        evaluate(path)
    message = str(caught.value)
    assert "8 broken lines" in message
    for line, reason in (
        (2, "not JSON"),
        (3, "expected an object"),
        (4, "there is no file absent.wav"),
        (5, "no numbers"),
        (6, "breaks off"),
        (7, "not an audio file"),
        (8, "empty"),
        (9, "line 1 names the same audio"),
    ):
        assert f"line {line}: " in message
        assert reason in message.split(f"line {line}: ")[1].splitlines()[0]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"text": ""}, '"text" is empty'),
        ({"text": "……"}, '"text" is empty'),
        ({"text": None}, '"text" has to be what is said'),
        ({"text": 7}, '"text" has to be what is said'),
        ({"lang": "fr"}, '"lang" has to be one of zh, en, ko'),
        ({"lang": None}, '"lang" has to be one of'),
        ({"speaker": ["甲"]}, '"speaker" has to name who speaks'),
    ],
)
def test_a_line_that_says_nothing_useful(tmp_path: Path, wrong: dict[str, Any], reason: str) -> None:
    sf.write(tmp_path / "a.wav", speak(0.5), 16_000)
    line = {"audio": "a.wav", "text": "你好", "lang": "zh", "speaker": "甲"} | wrong
    with pytest.raises(ManifestError, match="1 broken line") as caught:
        evaluate(write(tmp_path, [line]))
    assert reason in str(caught.value)
    with pytest.raises(ManifestError, match="no line that can be used"):
        evaluate(write(tmp_path, [line]), skip_broken=True)


def test_broken_lines_may_be_left_out(manifest: Path) -> None:
    manifest.write_text(manifest.read_text("utf-8") + "\nnonsense\n", encoding="utf-8")
    found, notes = run("--manifest", str(manifest), "--skip-broken", "--band", "clean")
    assert found["skipped"] == [{"line": 6, "reason": "not JSON at column 1"}]
    assert found["utterances"] == 5
    assert "Left out: 1 broken lines (6)" in notes


def test_a_telephone_at_twice_its_speed_is_told(tmp_path: Path) -> None:
    clips = Path(__file__).parents[2] / "samples" / "numbers"
    pcm, rate = sf.read(clips / "01-zh-phone.flac", dtype="float32")
    sf.write(tmp_path / "honest.wav", pcm, rate, subtype="PCM_16")
    sf.write(tmp_path / "doubled.wav", pcm, 2 * rate, subtype="PCM_16")
    lines = [{"audio": name, "text": "你好", "lang": "zh"} for name in ("honest.wav", "doubled.wav")]
    found, notes = run("--manifest", str(write(tmp_path, lines)), "--band", "clean")
    assert found["fast"] == ["2"]
    assert "twice its speed (2)" in notes


def test_real_speech_is_not_taken_for_a_telephone_at_twice_its_speed(shared_data: Path) -> None:
    folder = shared_data / "speech" / "aishell1-sample"
    for path in sorted(folder.glob("*.flac"))[::10]:
        pcm, rate = sf.read(path, dtype="float32")
        assert not is_fast(pcm, rate)
        assert not is_fast(through_telephone(pcm), rate)


def test_a_narrow_band_recording_that_claims_more_is_told(tmp_path: Path) -> None:
    wide = speak(1.0)
    spectrum = np.fft.rfft(wide)
    spectrum[3_800:] = 0
    sf.write(tmp_path / "wide.wav", wide, 16_000, subtype="PCM_16")
    sf.write(tmp_path / "narrow.wav", np.fft.irfft(spectrum, len(wide)), 16_000, subtype="PCM_16")
    sf.write(tmp_path / "honest.wav", wide[::2], 8_000, subtype="PCM_16")
    lines = [{"audio": name, "text": "你好", "lang": "zh"} for name in ("wide.wav", "narrow.wav", "honest.wav")]
    found, notes = run("--manifest", str(write(tmp_path, lines)), "--band", "clean")
    assert found["narrow"] == ["2"]
    assert "nothing above 4 kHz (2)" in notes


@pytest.mark.parametrize(
    ("engine", "error", "says"),
    [
        ("whispr", UnknownEngineError, "whisper"),
        ("whisper", ModelMissingError, "whisper-base"),
        ("vosk/none", ModelMissingError, "none"),
    ],
)
def test_an_engine_that_is_not_there(manifest: Path, engine: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        evaluate(manifest, engine=engine)


def test_as_many_terms_may_be_prompted_as_a_prompt_names() -> None:
    assert Settings.load(prompt_terms=MOST_TERMS).prompt_terms == MOST_TERMS
    with pytest.raises(SettingsError, match="0 to 8"):
        Settings.load(prompt_terms=MOST_TERMS + 1)


@pytest.mark.model
def test_a_language_that_the_engine_does_not_speak(manifest: Path, need_model: Callable[[str], Path]) -> None:
    models = need_model("vosk-ko").parent
    settings = Settings.load(engine="vosk/vosk-ko", models=models)
    with pytest.raises(ModelError, match="recognizes ko"):
        evaluate_asr(
            manifest, settings, bands=("clean",), text="raw", group=None, live=False, skip_broken=False, seed=0,
            progress=lambda *_: None,
        )  # fmt: skip


@pytest.mark.parametrize(("lang", "words"), [("zh", ("语音识别", "每秒音频")), ("en", ("recognition", "per second"))])
def test_tables_are_in_the_language_asked_for(manifest: Path, lang: str, words: tuple[str, ...]) -> None:
    arguments = ["evaluate", "asr", "--engine", "fake", "--manifest", str(manifest), "--group", "channel"]
    result = CliRunner().invoke(app, [*arguments, "--lang", lang], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    assert all(word in result.stdout for word in words)
    assert "fake/fake" in result.stdout
