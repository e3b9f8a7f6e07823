"""`warmline evaluate emotion` as a shell sees it, on made-up voices, on real ones, and on lists that are broken."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent_console import cli
from agent_console.exit_codes import ExitCode
from agent_console.manifest import read_manifest
from agent_console.tone_choice import choose_tone_model
from voice.contracts.audio import SAMPLE_RATE
from voice.contracts.errors import ManifestError


@dataclass(frozen=True)
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]
FIGURES = ("auc_arousal", "uar_arousal", "uar_region", "uar_label", "ccc_arousal", "ccc_valence", "answered", "ece")


@pytest.fixture
def warmline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["warmline", "evaluate", "emotion", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        said = capsys.readouterr()
        code = exited.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)

    return run


def speak(path: Path, f0_hz: float, level: float, seconds: float = 1.5, rate: int = SAMPLE_RATE) -> None:
    """Syllables of a buzzing voice with intonation."""
    time = np.arange(round(seconds * rate)) / rate
    contour = f0_hz * 2 ** (np.sin(2 * np.pi * 1.3 * time) / 6)
    phase = 2 * np.pi * np.cumsum(contour) / rate
    voice = sum(np.sin(phase * partial) / partial for partial in range(1, 20))
    syllables = np.clip(1.4 * np.sin(2 * np.pi * 2.5 * time) ** 2, 0.02, 1)
    noise = 1e-3 * np.random.default_rng(round(f0_hz * 10)).standard_normal(len(time))
    soundfile.write(path, level * voice * syllables / 3 + noise, rate)


SPOKEN = (
    ("neutral", 1.0, 0.1),
    ("neutral", 1.03, 0.11),
    ("neutral", 0.97, 0.1),
    ("sadness", 0.92, 0.07),
    ("anger", 1.6, 0.3),
    ("happiness", 1.5, 0.25),
    ("fear", 1.55, 0.2),
)
"""Emotion, F0 over the speaker's usual one, level."""


def write(path: Path, lines: Iterable[Mapping[str, Any] | str]) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def voices(tmp_path: Path) -> list[dict[str, Any]]:
    """Three speakers: four calm utterances and three raised ones each."""
    lines = []
    for speaker, low_hz in (("a", 100), ("b", 130), ("c", 200)):
        for number, (emotion, factor, level) in enumerate(SPOKEN):
            path = tmp_path / f"{speaker}{number}.wav"
            speak(path, low_hz * factor, level)
            lines.append({"audio": path.name, "speaker": speaker, "emotion": emotion, "text": "anything"})
    return lines


def figures(done: Done) -> dict[str, dict[str, Any]]:
    assert done.code == ExitCode.OK, done.err
    return {figure["name"]: figure for figure in json.loads(done.out)["figures"]}


def test_json_is_one_document_of_figures(warmline: Run, voices: list[dict[str, Any]], tmp_path: Path) -> None:
    done = warmline("--manifest", write(tmp_path / "list.jsonl", voices), "--json", "--model", "rules")
    found = figures(done)
    assert list(found) == [f"{name}_{band}" for band in ("clean", "telephone") for name in FIGURES]
    auc = found["auc_arousal_clean"]
    assert (auc["value"], auc["low"], auc["high"], auc["n"], auc["chance"]) == (1, 1, 1, 21, 0.5)
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in found.values())
    document = json.loads(done.out)
    assert document["evaluation"] == "emotion"
    assert document["speakers"] == 3
    assert document["labels"] == {"anger": 3, "fear": 3, "happiness": 3, "neutral": 9, "sadness": 3}
    assert document["model"] == {"name": "rules", "unseen": True, "retrained": False}
    for band in ("clean", "telephone"):
        confusion = document["bands"][band]["confusion"]
        assert {label: sum(row.values()) for label, row in confusion.items()} == document["labels"]
        assert document["bands"][band]["judged"] == 21
        assert sum(each["n"] for each in document["bands"][band]["calibration"]) == 21


def test_one_band_can_be_chosen_and_the_telephone_is_heard(
    warmline: Run, voices: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "list.jsonl", voices)
    both = figures(warmline("--manifest", path, "--json"))
    alone = figures(warmline("--manifest", path, "--json", "--band", "telephone"))
    assert alone == {name: figure for name, figure in both.items() if name.endswith("telephone")}
    assert both["ccc_arousal_clean"]["value"] != both["ccc_arousal_telephone"]["value"]


def test_the_same_every_time_and_only_intervals_hang_on_the_seed(
    warmline: Run, voices: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "list.jsonl", voices)
    first, again, other = (
        figures(warmline("--manifest", path, "--json", "--band", "clean", "--seed", seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert {name: each["value"] for name, each in first.items()} == {
        name: each["value"] for name, each in other.items()
    }


def test_tables_are_for_people(warmline: Run, voices: list[dict[str, Any]], tmp_path: Path) -> None:
    path = write(tmp_path / "list.jsonl", voices)
    english = warmline("--manifest", path)
    for word in ("auc_arousal", "telephone [95 %]", "chance", "labelled down", "raised unpleasant", "confidence"):
        assert word in english.out
    assert "conventions" in english.err
    chinese = warmline("--manifest", path, "--lang", "zh", "--band", "clean")
    for word in ("指标", "原声 [95 %]", "行为标注", "置信度"):
        assert word in chinese.out
    assert "约定" in chinese.err


def test_values_may_stand_for_labels(warmline: Run, voices: list[dict[str, Any]], tmp_path: Path) -> None:
    places = {
        "neutral": (0, 0),
        "sadness": (-0.3, -0.6),
        "anger": (0.6, -0.5),
        "happiness": (0.5, 0.8),
        "fear": (0.6, -0.6),
    }
    lines = []
    for line in voices:
        arousal, valence = places[line.pop("emotion")]
        lines.append(line | {"arousal": arousal, "valence": valence})
    found = figures(warmline("--manifest", write(tmp_path / "list.jsonl", lines), "--json", "--band", "clean"))
    assert "uar_label_clean" not in found
    assert found["ccc_arousal_clean"]["value"] > 0.7
    assert found["auc_arousal_clean"]["value"] == 1


BROKEN: tuple[tuple[Any, str], ...] = (
    ("{not json", "not JSON at column 2"),
    ("[1, 2]", "expected an object, got list"),
    ({"speaker": "a", "emotion": "anger"}, '"audio" has to name a file'),
    ({"audio": 7, "speaker": "a", "emotion": "anger"}, '"audio" has to name a file'),
    ({"audio": "nowhere.wav", "speaker": "a", "emotion": "anger"}, "there is no file nowhere.wav"),
    ({"audio": "a0.wav", "speaker": "a", "emotion": "neutral"}, "line 1 names the same audio"),
    ({"audio": "x1.wav", "emotion": "anger"}, '"speaker" has to name'),
    ({"audio": "x2.wav", "speaker": "a"}, 'expected "emotion", or both'),
    ({"audio": "x3.wav", "speaker": "a", "arousal": 0.5}, 'expected "emotion", or both'),
    ({"audio": "x4.wav", "speaker": "a", "emotion": "angr"}, "did you mean 'angry'"),
    ({"audio": "x5.wav", "speaker": "a", "emotion": "zorn"}, "known are"),
    ({"audio": "x6.wav", "speaker": "a", "arousal": 2, "valence": 0}, '"arousal" has to lie in [-1, 1]; got 2'),
    ('{"audio": "x7.wav", "speaker": "a", "arousal": NaN, "valence": 0}', '"arousal" has to lie'),
    ({"audio": "x8.wav", "speaker": "a", "arousal": True, "valence": "0"}, '"valence" has to lie'),
    ({"audio": "text.wav", "speaker": "a", "emotion": "anger"}, "[audio.format]"),
    ({"audio": "empty.wav", "speaker": "a", "emotion": "anger"}, "[audio.empty]"),
    ({"audio": "hours.wav", "speaker": "a", "emotion": "anger"}, "120 s"),
)


@pytest.fixture
def broken(voices: list[dict[str, Any]], tmp_path: Path) -> Path:
    """A list with every kind of broken line after the good ones."""
    for number in range(9):
        (tmp_path / f"x{number}.wav").write_bytes((tmp_path / "a0.wav").read_bytes())
    (tmp_path / "text.wav").write_text("no audio" * 100)
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "hours.wav", np.zeros(8000 * 130, np.float32), 8000)
    return write(tmp_path / "list.jsonl", [*voices, "", *(line for line, _ in BROKEN)])


def test_every_broken_line_is_said_with_number_and_reason(warmline: Run, broken: Path) -> None:
    done = warmline("--manifest", broken, "--json")
    assert done.code == ExitCode.USAGE
    assert done.out == ""
    assert f"{len(BROKEN)} broken lines" in done.err
    said = done.err.splitlines()
    for place, (_, reason) in enumerate(BROKEN):
        number = 21 + 1 + place + 1
        assert any(f"line {number}:" in line and reason in line for line in said), (number, reason)
    assert "--skip-broken" in done.err
    assert "Traceback" not in done.err


def test_broken_lines_can_be_left_out_but_not_in_silence(
    warmline: Run, broken: Path, voices: list[dict[str, Any]], tmp_path: Path
) -> None:
    done = warmline("--manifest", broken, "--json", "--skip-broken", "--band", "clean")
    whole = warmline("--manifest", write(tmp_path / "good.jsonl", voices), "--json", "--band", "clean")
    assert figures(done) == figures(whole)
    skipped = json.loads(done.out)["skipped"]
    assert [each["line"] for each in skipped] == list(range(23, 23 + len(BROKEN)))
    assert f"{len(BROKEN)} broken lines" in done.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "it is not there"),
        (b"", "holds no line"),
        (b"\n \n", "holds no line"),
        (b"\xff\xfe\x00{", "not UTF-8"),
        (b'{"audio": "a"}', "1 broken line"),
    ],
)
def test_lists_that_are_none(warmline: Run, tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "list.jsonl"
    if content is not None:
        path.write_bytes(content)
    done = warmline("--manifest", path)
    assert done.code == ExitCode.USAGE
    assert "[manifest.invalid]" in done.err
    assert says in done.err


def test_a_folder_is_no_list(warmline: Run, tmp_path: Path) -> None:
    done = warmline("--manifest", tmp_path)
    assert done.code == ExitCode.USAGE
    assert "a folder" in done.err


def test_many_broken_lines_are_counted_not_all_shown(tmp_path: Path, warmline: Run) -> None:
    done = warmline("--manifest", write(tmp_path / "list.jsonl", ["{"] * 500))
    assert "500 broken lines" in done.err
    assert "and 480 more" in done.err
    assert len(done.err.splitlines()) < 30


def test_nothing_usable_is_left(warmline: Run, tmp_path: Path) -> None:
    done = warmline("--manifest", write(tmp_path / "list.jsonl", ["{"]), "--skip-broken")
    assert done.code == ExitCode.USAGE
    assert "no line that can be used" in done.err


def test_neutral_speech_is_needed(warmline: Run, voices: list[dict[str, Any]], tmp_path: Path) -> None:
    angry = [line for line in voices if line["emotion"] != "neutral"]
    done = warmline("--manifest", write(tmp_path / "list.jsonl", angry))
    assert done.code == ExitCode.USAGE
    assert '"emotion": "neutral"' in done.err


def test_who_has_no_neutral_speech_is_left_out_and_counted(
    warmline: Run, voices: list[dict[str, Any]], tmp_path: Path
) -> None:
    lines = [line for line in voices if line["speaker"] != "c" or line["emotion"] != "neutral"]
    done = warmline("--manifest", write(tmp_path / "list.jsonl", lines), "--json", "--band", "clean")
    clean = json.loads(done.out)["bands"]["clean"]
    assert (clean["judged"], clean["without_normal"]) == (14, 4)
    assert "4 utterances of speakers who have no other neutral one" in done.err


def test_one_speaker_has_no_interval(warmline: Run, voices: list[dict[str, Any]], tmp_path: Path) -> None:
    alone = [line for line in voices if line["speaker"] == "a"]
    done = warmline("--manifest", write(tmp_path / "list.jsonl", alone), "--json", "--band", "clean")
    assert figures(done)["auc_arousal_clean"]["low"] is None
    assert "One speaker" in done.err
    shown = warmline("--manifest", tmp_path / "list.jsonl", "--band", "clean").out
    (row,) = [line for line in shown.splitlines() if line.strip().startswith("auc_arousal") and "1.000" in line]
    assert "[" not in row


def test_recordings_of_any_rate_and_two_channels(warmline: Run, voices: list[dict[str, Any]], tmp_path: Path) -> None:
    for line in voices[:7]:
        pcm, rate = soundfile.read(tmp_path / line["audio"])
        soundfile.write(tmp_path / line["audio"], np.repeat(pcm, 2).reshape(-1, 2), rate)
    for line, (_, factor, level) in zip(voices[7:14], SPOKEN, strict=True):
        speak(tmp_path / line["audio"], 130 * factor, level, rate=22_050)
    found = figures(warmline("--manifest", write(tmp_path / "list.jsonl", voices), "--json", "--band", "clean"))
    assert found["auc_arousal_clean"]["value"] == 1


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("lineer", ExitCode.MODEL, "linear"),
        ("gpt", ExitCode.MODEL, "*.onnx"),
        ("nowhere.onnx", ExitCode.MODEL, "nowhere"),
    ],
)
def test_models_that_are_none(
    warmline: Run, voices: list[dict[str, Any]], tmp_path: Path, name: str, code: ExitCode, says: str
) -> None:
    done = warmline("--manifest", write(tmp_path / "list.jsonl", voices), "--model", name)
    assert done.code == code
    assert says in done.err


def test_a_model_that_may_have_learned_from_the_recordings_is_flagged(
    warmline: Run, voices: list[dict[str, Any]], tmp_path: Path
) -> None:
    done = warmline(
        "--manifest", write(tmp_path / "manifest.jsonl", voices), "--model", "linear", "--json", "--band", "clean"
    )
    assert json.loads(done.out)["model"]["unseen"] is False
    assert json.loads(done.out)["model"]["name"].startswith("tone-linear/")
    assert "may have learned" in done.err


def test_default_is_what_the_settings_say(
    warmline: Run, voices: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "list.jsonl", voices)
    plain = json.loads(warmline("--manifest", path, "--json", "--band", "clean").out)
    assert plain["model"]["name"] == "rules"
    monkeypatch.setenv("WARMLINE_TONE_MODEL", "linear")
    chosen = json.loads(warmline("--manifest", path, "--json", "--band", "clean").out)
    assert chosen["model"]["name"].startswith("tone-linear/")


def test_the_trained_model_is_trained_anew_without_each_speaker(shared_data: Path) -> None:
    """On the corpus that it was trained on nobody may be judged by what was learned from themselves."""
    choice = choose_tone_model("linear", shared_data / "speech" / "emodb" / "manifest.jsonl")
    assert choice.is_retrained
    assert choice.is_unseen
    models = [choice.model_for(speaker) for speaker in ("03", "09", "11", "14", "15")]
    weights = [tuple(getattr(model, "weights").values()) for model in models]  # noqa: B009  the port has no weights
    assert len(set(weights)) == 5, "five speakers, five models"
    assert choice.model_for("nobody") is None


def test_acted_speech(warmline: Run, shared_data: Path) -> None:
    done = warmline("--manifest", shared_data / "speech" / "emodb" / "manifest.jsonl", "--json", "--model", "linear")
    found = figures(done)
    for band in ("clean", "telephone"):
        assert found[f"auc_arousal_{band}"]["value"] > 0.95
        assert found[f"auc_arousal_{band}"]["n"] == 117
        assert found[f"uar_arousal_{band}"]["value"] > 0.85
    assert json.loads(done.out)["model"]["retrained"] is True
    assert "trained anew" in done.err


def test_a_list_is_read_with_a_byte_order_mark_and_paths_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "好.wav").write_bytes(b"x")
    path = tmp_path / "list.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + '{"audio": "audio/好.wav"}\r\n'.encode())
    ((entry,), broken) = read_manifest(path)
    assert (entry.line, entry.audio, broken) == (1, tmp_path / "audio" / "好.wav", [])
    with pytest.raises(ManifestError, match="not there"):
        read_manifest(tmp_path / "other.jsonl")
