"""`warmline prosody` as a shell sees it: the numbers of live calls as table, CSV, JSON, picture; good and bad input."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from agent_console import cli, typeface
from agent_console.exit_codes import ExitCode
from prosody.types import ProsodyFeatures
from voice.contracts.audio import SAMPLE_RATE


@dataclass(frozen=True)
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def warmline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["warmline", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        said = capsys.readouterr()
        code = exited.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def calls(project: Path) -> Path:
    return project / "samples" / "calls"


@pytest.fixture
def escalating(calls: Path) -> Path:
    return calls / "zh-tone-only"


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory, calls: Path) -> Path:
    """Eleven seconds with two utterances."""
    pcm, rate = soundfile.read(calls / "zh-tone-only" / "audio.wav", dtype="float32")
    path = tmp_path_factory.mktemp("audio") / "brief.wav"
    soundfile.write(path, pcm[: 11 * rate], rate)
    return path


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_numbers_are_those_of_the_live_pipeline(warmline: Run, escalating: Path) -> None:
    """The same spans, features and scores as a replayed call has in its log."""
    replayed = subprocess.run(
        [sys.executable, "-m", "agent_console", "replay", str(escalating), "--engine", "fake", "--jsonl"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    log: list[dict[str, Any]] = [json.loads(line) for line in replayed.stdout.splitlines()]
    spans = [event["span"] for event in log if event["type"] == "speech.ended"]
    measured = [event["features"] for event in log if event["type"] == "prosody.measured"]
    scored = [event["score"] for event in log if event["type"] == "emotion.scored" if event["score"]["basis"] == "tone"]
    done = warmline("prosody", escalating, "--json")
    assert done.code == ExitCode.OK, done.err
    ours = json.loads(done.out)["utterances"]
    assert len(ours) == len(spans) == 7
    assert [{"start_ms": each["start_s"] * 1000, "end_ms": each["end_s"] * 1000} for each in ours] == spans
    for utterance, features, score in zip(ours, measured, scored, strict=True):
        for name, value in utterance["features"].items():
            assert value == features[name], name
        for name in ("arousal", "valence", "confidence", "label", "curve_arousal", "curve_arousal_sd", "risk"):
            assert utterance["emotion"][name] == score[name], name


def test_json_holds_everything(warmline: Run, escalating: Path) -> None:
    found = json.loads(warmline("prosody", escalating, "--json").out)
    assert found["party"] == "caller"
    assert found["pitch"] == "own"
    assert found["complete"] is True
    assert found["duration_s"] == pytest.approx(37.24, abs=0.02)
    first = found["utterances"][0]
    assert set(first["features"]) == {field.name for field in fields(ProsodyFeatures)}
    contour = first["features"]["f0_contour_hz"]
    assert len(contour) == pytest.approx(first["features"]["duration_s"] / 0.05, abs=1)
    assert any(value is None for value in contour)
    assert all(60 <= value <= 500 for value in contour if value is not None)
    assert [shift["current"] for shift in found["shifts"]] == ["tense", "upset"]


def test_the_table_is_for_people(warmline: Run, escalating: Path) -> None:
    done = warmline("prosody", escalating)
    assert done.code == ExitCode.OK
    for heading in ("F0 Hz", "range st", "level dBFS", "jitter %", "HNR dB", "F1 Hz", "arousal"):
        assert heading in done.out
    assert sum(":" in line for line in done.out.splitlines()) == 7
    assert "settled → tense" in done.err
    assert "own earlier utterances" in done.err


def test_a_narrow_terminal_gets_several_whole_tables(
    warmline: Run, brief: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for lang in ("en", "zh"):
        done = warmline("prosody", brief, "--lang", lang)
        assert "…" not in done.out
        assert done.out.count("0:00.5") >= 2, "every table says which utterance"
        assert ("激动" in done.out) == (lang == "zh")


def test_csv_names_units_and_has_one_row_per_utterance(warmline: Run, brief: Path, tmp_path: Path) -> None:
    done = warmline("prosody", brief, "--csv")
    rows = rows_of(done.out)
    assert len(rows) == 2
    assert {"start_s", "f0_median_hz", "intensity_mean_dbfs", "jitter_local_ratio", "hnr_db", "mfcc_mean_13"} <= set(
        rows[0]
    )
    assert 150 < float(rows[0]["f0_median_hz"]) < 300
    assert rows[0]["label"] == "uncertain"
    assert all(text.isascii() for text in done.out.splitlines())
    written = warmline("prosody", brief, "--csv", "--out", tmp_path / "a.csv")
    assert written.out == ""
    assert (tmp_path / "a.csv").read_text() == done.out


def test_frames_are_the_track_that_the_median_comes_from(warmline: Run, brief: Path) -> None:
    frames = rows_of(warmline("prosody", brief, "--csv", "--frames").out)
    whole = rows_of(warmline("prosody", brief, "--csv").out)
    for number, utterance in enumerate(whole):
        mine = [row for row in frames if row["utterance"] == str(number)]
        steps = np.diff([float(row["time_s"]) for row in mine])
        assert np.allclose(steps, 0.01, atol=1e-6)
        voiced = [float(row["f0_hz"]) for row in mine if row["f0_hz"]]
        assert 0.2 < len(voiced) / len(mine) < 0.95
        assert np.median(voiced) == pytest.approx(float(utterance["f0_median_hz"]), rel=0.01)
        formants = [row["f2_hz"] for row in mine if not row["f0_hz"]]
        assert not any(formants), "formants are measured where the voice sounds"


def test_a_window_selects_but_changes_no_number(warmline: Run, escalating: Path) -> None:
    whole = json.loads(warmline("prosody", escalating, "--json").out)["utterances"]
    window = json.loads(warmline("prosody", escalating, "--json", "--from", 20, "--to", 30).out)
    # The last one goes on beyond the window and is heard to its end.
    assert window["utterances"] == whole[3:6]
    assert window["window"] == {"start_s": 20, "end_s": 30}
    assert window["duration_s"] == pytest.approx(37.24, abs=0.02)


def test_an_agent_is_measured_but_not_judged(warmline: Run, calls: Path, tmp_path: Path) -> None:
    exchange = calls / "zh-stereo-exchange"
    found = json.loads(warmline("prosody", exchange, "--party", "agent", "--json").out)
    assert found["utterances"]
    assert all(each["emotion"] is None and each["level"] is None for each in found["utterances"])
    assert found["shifts"] == []
    assert all(each["features"]["f0_median_hz"] for each in found["utterances"])
    shown = warmline("prosody", exchange, "--party", "agent", "--plot", tmp_path / "a.svg")
    assert "arousal" not in shown.out
    assert "not inferred" in shown.err
    header = warmline("prosody", exchange, "--party", "agent", "--csv").out.splitlines()[0]
    for word in ("arousal", "valence", "label", "risk"):
        assert word not in header
    caller = json.loads(warmline("prosody", exchange, "--json").out)
    assert caller["utterances"][0]["start_s"] != found["utterances"][0]["start_s"]


def test_one_channel_has_no_agent(warmline: Run, brief: Path) -> None:
    done = warmline("prosody", brief, "--party", "agent")
    assert done.code == ExitCode.AUDIO
    assert "two channels" in done.err


def test_a_picture_is_drawn_the_same_every_time(warmline: Run, brief: Path, tmp_path: Path) -> None:
    done = warmline("prosody", brief, "--plot", tmp_path / "a.png")
    assert done.code == ExitCode.OK, done.err
    assert "a.png" in done.err
    warmline("prosody", brief, "--plot", tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width >= 1200
        assert picture.height >= 1000
        assert len(picture.convert("L").getcolors() or []) > 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"], "nothing half-written is left"


@pytest.mark.parametrize("suffix", ["svg", "pdf", "PNG"])
def test_a_picture_takes_the_format_of_its_name(warmline: Run, brief: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    assert warmline("prosody", brief, "--to", 3, "--plot", path).code == ExitCode.OK
    assert path.read_bytes()[:5] in (b"<?xml", b"%PDF-", b"\x89PNG\r")


def test_a_long_recording_becomes_an_overview(warmline: Run, calls: Path, tmp_path: Path) -> None:
    pcm, rate = soundfile.read(calls / "zh-tone-only" / "audio.wav", dtype="float32")
    soundfile.write(tmp_path / "long.wav", np.concatenate([pcm, pcm]), rate)
    done = warmline("prosody", tmp_path / "long.wav", "--plot", tmp_path / "a.png")
    assert "overview" in done.err
    assert "--from 18 --to 48" in done.err, "it leads to the first shift"
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 2000


def test_without_a_chinese_font_labels_are_english_and_a_note_says_so(
    warmline: Run, brief: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typeface, "_CHINESE", ())
    path = tmp_path / "通话.wav"
    path.write_bytes(brief.read_bytes())
    done = warmline("prosody", path, "--to", 3, "--plot", tmp_path / "a.png", "--lang", "zh")
    assert done.code == ExitCode.OK, done.err
    assert "fonts-noto-cjk" in done.err
    assert "激动" in done.out, "the terminal speaks Chinese all the same"


def test_pyin_can_be_asked_for(warmline: Run, brief: Path, tmp_path: Path) -> None:
    own, other = (
        json.loads(warmline("prosody", brief, "--to", 4, "--json", "--pitch", pitch).out) for pitch in ("own", "pyin")
    )
    assert other["pitch"] == "pyin"
    ours, theirs = (found["utterances"][0]["features"]["f0_median_hz"] for found in (own, other))
    assert ours != theirs
    assert ours == pytest.approx(theirs, rel=0.15)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no audio at all" * 100),
        lambda path: soundfile.write(path, np.zeros(0, np.float32), SAMPLE_RATE, format="WAV"),
    ],
    ids=["missing", "folder without call", "empty file", "text", "no samples"],
)
def test_audio_that_is_none_is_said(warmline: Run, tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "call.wav"
    make(path)
    done = warmline("prosody", path, "--plot", tmp_path / "a.png", "--json")
    assert done.code == ExitCode.AUDIO
    assert done.out == ""
    assert "[audio." in done.err
    assert "call.wav" in done.err
    assert not (tmp_path / "a.png").exists()


def silence() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.zeros(3 * SAMPLE_RATE)


def noise() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 0.02 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE)


def tones() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The key 5, held down."""
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    return 0.2 * np.sin(2 * np.pi * 770 * time) + 0.2 * np.sin(2 * np.pi * 1336 * time)


def one_sample() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.full(1, 0.5)


def no_numbers() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.where(np.arange(SAMPLE_RATE) % 7 == 0, np.nan, np.inf)


@pytest.mark.parametrize("make", [silence, noise, tones, one_sample, no_numbers])
def test_what_holds_no_speech_is_shown_as_such(
    warmline: Run, tmp_path: Path, make: Callable[[], np.ndarray[tuple[int], np.dtype[np.float64]]]
) -> None:
    soundfile.write(tmp_path / "a.wav", make(), SAMPLE_RATE, subtype="FLOAT")
    done = warmline("prosody", tmp_path / "a.wav", "--plot", tmp_path / "a.png", "--json")
    assert done.code == ExitCode.OK, done.err
    assert json.loads(done.out)["utterances"] == []
    assert "No speech found" in done.err
    assert (tmp_path / "a.png").stat().st_size > 5000
    assert warmline("prosody", tmp_path / "a.wav").out == ""
    assert warmline("prosody", tmp_path / "a.wav", "--csv").out == "utterance,start_s,end_s\n"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--from", "11.1"], ExitCode.USAGE, "11.0 s long"),
        (["--from", "5", "--to", "5"], ExitCode.USAGE, "0 <= from < to"),
        (["--from", "-1"], ExitCode.USAGE, "0 <= from < to"),
        (["--from", "nan"], ExitCode.USAGE, "0 <= from < to"),
        (["--to", "inf"], ExitCode.USAGE, "0 <= from < to"),
        (["--csv", "--json"], ExitCode.USAGE, "exclude"),
        (["--frames"], ExitCode.USAGE, "--csv"),
        (["--out", "a.json"], ExitCode.USAGE, "--json"),
        (["--plot", "a.gif"], ExitCode.USAGE, ".png"),
        (["--plot", "nowhere/a.png"], ExitCode.FAILED, "no folder nowhere"),
        (["--plot", "there.png"], ExitCode.FAILED, "is a folder"),
        (["--csv", "--out", "/proc/a.csv"], ExitCode.FAILED, "cannot be written"),
        (["--party", "bot"], ExitCode.USAGE, "bot"),
        (["--pitch", "rapt"], ExitCode.USAGE, "rapt"),
    ],
)
def test_options_that_cannot_be_are_said(
    warmline: Run, brief: Path, tmp_path: Path, options: list[str], code: ExitCode, says: str
) -> None:
    (tmp_path / "there.png").mkdir()
    done = warmline("prosody", brief, *options)
    assert done.code == code
    assert says in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_recording_is_not_written_over(warmline: Run, brief: Path, tmp_path: Path) -> None:
    copy = tmp_path / "call.wav"
    copy.write_bytes(brief.read_bytes())
    done = warmline("prosody", copy, "--csv", "--out", copy)
    assert done.code == ExitCode.FAILED
    assert "the recording itself" in done.err
    assert copy.read_bytes() == brief.read_bytes()


def test_a_disk_that_fills_up_leaves_what_was_there(
    warmline: Run, brief: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.csv"
    target.write_text("before")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    done = warmline("prosody", brief, "--csv", "--out", target)
    assert done.code == ExitCode.FAILED
    assert "No space left" in done.err
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("missing", "options"), [("matplotlib", ["--plot", "a.png"]), ("librosa", ["--pitch", "pyin"])]
)
def test_a_missing_extra_is_said_with_how_to_get_it(
    warmline: Run, brief: Path, monkeypatch: pytest.MonkeyPatch, missing: str, options: list[str]
) -> None:
    for name in [name for name in sys.modules if name == "prosody.pyin" or name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    done = warmline("prosody", brief, *options)
    assert done.code == ExitCode.FAILED
    assert "[install.extra]" in done.err
    assert "warmline[offline]" in done.err
    assert missing in done.err


def test_a_damaged_file_is_used_as_far_as_it_goes(warmline: Run, brief: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.wav"
    data = brief.read_bytes()
    torn.write_bytes(data[: len(data) * 2 // 3])
    done = warmline("prosody", torn, "--json")
    assert done.code == ExitCode.OK
    assert json.loads(done.out)["complete"] is False
    assert "incomplete" in done.err
