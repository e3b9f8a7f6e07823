"""The `warmline` command as a shell sees it: output, messages and exit codes, with good and bad input."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from agent_console.cli import app
from agent_console.exit_codes import ExitCode
from agent_console.late_commands import LATE, load
from routing.grammar import check_log
from routing.wire import decode_line

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def warmline(tmp_path: Path) -> Run:
    """Runs the command in an empty folder, with the fake recognizer unless told otherwise."""
    return runner(tmp_path)


def runner(folder: Path) -> Run:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WARMLINE_")}

    def run(*arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        chosen = {"WARMLINE_ENGINE": "fake", "COLUMNS": "200"} | {
            f"WARMLINE_{k.upper()}": v for k, v in settings.items()
        }
        return subprocess.run(
            [sys.executable, "-m", "agent_console", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=folder,
            env=inherited | chosen,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def sample(project: Path) -> str:
    return str(project / "samples" / "calls" / "zh-human-at-once")


@pytest.fixture(scope="module")
def replayed(sample: str, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The sample, as fast as possible, one event per line."""
    return runner(tmp_path_factory.mktemp("replayed"))("replay", sample, "--jsonl")


def test_help_names_every_command_and_the_exit_codes(warmline: Run) -> None:
    done = warmline("--help")
    assert done.returncode == ExitCode.OK
    for word in ("serve", "replay", "models", "users", "doctor", "config", "bench", "Exit codes"):
        assert word in done.stdout


@pytest.mark.parametrize("name", LATE)
def test_a_late_command_is_listed_as_it_describes_itself_and_shows_its_own_help(name: str) -> None:
    command = load(name)
    assert " ".join(command.help.split()).startswith(LATE[name])
    assert not [option for option in command.params if "completion" in option.name], "the root command has it"
    shown = CliRunner().invoke(app, [name, "-h"], prog_name="warmline")
    assert shown.exit_code == ExitCode.OK
    assert f"Usage: warmline {name} " in shown.stdout
    wrong = CliRunner().invoke(app, [name, "--no-such-option"], prog_name="warmline")
    assert wrong.exit_code == ExitCode.USAGE
    assert f"Usage: warmline {name} " in wrong.stderr


def test_a_mistyped_command_is_said_with_the_nearest() -> None:
    wrong = CliRunner().invoke(app, ["polcy"])
    assert wrong.exit_code == ExitCode.USAGE
    assert "policy" in wrong.stderr


def test_no_command_pays_for_the_imports_of_another() -> None:
    script = (
        "import sys, typer.main, agent_console.cli\n"
        "typer.main.get_command(agent_console.cli.app)\n"
        "assert not {'numpy', 'sqlalchemy', 'pydantic', 'fastapi'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_replay_prints_events_and_nothing_else(replayed: subprocess.CompletedProcess[str]) -> None:
    assert replayed.returncode == ExitCode.OK, replayed.stderr
    log = [decode_line(line) for line in replayed.stdout.splitlines()]
    check_log(log)
    head = json.loads(replayed.stdout.splitlines()[0])
    assert list(head)[:4] == ["call", "seq", "at_ms", "type"]
    assert head["call"] == "r-zh-human-at-once"
    assert head["language"] == "zh"


def test_replay_at_a_pace_gives_the_same_finals(
    warmline: Run, sample: str, replayed: subprocess.CompletedProcess[str]
) -> None:
    paced = warmline("replay", sample, "--jsonl", "--speed", "10")
    finals = [
        [line["text"] for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "transcript.final"]
        for done in (replayed, paced)
    ]
    assert finals[0]
    assert finals[0] == finals[1]


def test_replay_for_people_shows_words_and_route(warmline: Run, sample: str) -> None:
    done = warmline("replay", sample)
    assert "caller" in done.stdout
    assert "route" in done.stdout


@pytest.mark.parametrize(
    "make",
    [
        lambda _: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no audio at all" * 100),
        lambda path: soundfile.write(path, np.zeros(0, np.float32), 16_000, format="WAV"),
    ],
    ids=["missing", "folder without call", "empty file", "text", "no samples"],
)
def test_audio_that_is_none_is_said_before_anything_is_loaded(
    warmline: Run, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "call.wav"
    make(path)
    done = warmline("replay", str(path), "--jsonl")
    assert done.returncode == ExitCode.AUDIO
    assert done.stdout == ""
    assert "call.wav" in done.stderr
    assert "[audio." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_telephone_at_twice_its_speed_is_warned_of_in_both_languages(warmline: Run, tmp_path: Path) -> None:
    clip = Path(__file__).parents[2] / "samples" / "numbers" / "12-zh-order.flac"
    pcm, rate = soundfile.read(clip, dtype="float32")
    for name, claimed in (("honest.wav", rate), ("doubled.wav", 2 * rate)):
        soundfile.write(tmp_path / name, pcm, claimed, subtype="PCM_16")
    result = warmline("replay", "--jsonl", str(tmp_path / "honest.wav"), str(tmp_path / "doubled.wav"))
    warnings = [line for line in result.stderr.splitlines() if "twice its speed" in line or "两倍速" in line]
    assert len(warnings) == 2
    assert all("doubled.wav" in line for line in warnings), "and nothing of the honest one"
    assert "sounds like a telephone at twice its speed" in result.stderr
    assert "两倍速" in result.stderr
    assert {json.loads(line)["call"] for line in result.stdout.splitlines()} == {"r-honest", "r-doubled"}
    assert all(json.loads(line) for line in result.stdout.splitlines()), "and nothing of it among the events"


def test_one_bad_file_stops_a_replay_before_the_first_is_played(warmline: Run, sample: str, tmp_path: Path) -> None:
    done = warmline("replay", sample, str(tmp_path / "missing.wav"), "--jsonl")
    assert (done.returncode, done.stdout) == (ExitCode.AUDIO, "")


def test_an_unknown_engine_is_said_with_the_nearest(warmline: Run, sample: str) -> None:
    done = warmline("replay", sample, "--engine", "whispr")
    assert done.returncode == ExitCode.MODEL
    assert "engine.unknown" in done.stderr
    assert "whisper" in done.stderr


def test_a_missing_model_is_said_with_the_command_that_fetches_it(warmline: Run, sample: str, tmp_path: Path) -> None:
    done = warmline("replay", sample, "--engine", "whisper", "--models", str(tmp_path / "nothing"))
    assert done.returncode == ExitCode.MODEL
    assert "warmline models pull whisper-base" in done.stderr


def test_a_broken_policy_is_said_with_its_line(warmline: Run, sample: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 2026.1.1\ntitel: {zh: 一, en: one}\n", encoding="utf-8")
    done = warmline("replay", sample, "--policy", str(policy))
    assert done.returncode == ExitCode.POLICY
    assert "policy.yaml" in done.stderr
    assert "title" in done.stderr


def test_an_unknown_setting_is_said_with_the_nearest(warmline: Run) -> None:
    done = warmline("config", "show", prot="9000")
    assert done.returncode == ExitCode.USAGE
    assert "port" in done.stderr


def test_config_show_says_where_a_value_comes_from(warmline: Run, tmp_path: Path) -> None:
    (tmp_path / "warmline.toml").write_text('vad = "webrtc"\n', encoding="utf-8")
    done = warmline("config", "show", "--json", port="9001")
    shown = json.loads(done.stdout)
    assert shown["port"] | {"expected": ""} == {"value": "9001", "source": "environment WARMLINE_PORT", "expected": ""}
    assert shown["vad"]["source"] == "warmline.toml"
    assert shown["host"]["source"] == "default"


def test_a_port_in_use_is_said(warmline: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = warmline("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == ExitCode.SERVE
    assert "serve.port_in_use" in done.stderr
    assert "--port" in done.stderr


def test_a_data_folder_that_cannot_be_written_is_said(warmline: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = warmline("serve", "--data", str(tmp_path / "file" / "data"), "--port", "0")
    assert done.returncode == ExitCode.SERVE
    assert "data.unwritable" in done.stderr


def test_users_are_added_listed_and_removed(warmline: Run) -> None:
    added = warmline("users", "add", "mei", "--role", "qa", "--password-stdin", stdin="a long pass phrase 42\n")
    assert added.returncode == ExitCode.OK, added.stderr
    assert "mei" in warmline("users", "list").stdout
    again = warmline("users", "add", "mei", "--password-stdin", stdin="a long pass phrase 42\n")
    assert again.returncode == ExitCode.USAGE
    assert warmline("users", "passwd", "mei", "--password-stdin", stdin="short\n").returncode == ExitCode.USAGE
    assert warmline("users", "remove", "mei").returncode == ExitCode.OK
    assert warmline("users", "remove", "mei").returncode == ExitCode.USAGE


def test_models_list_knows_licence_and_size(warmline: Run) -> None:
    listed = json.loads(warmline("models", "list", "--json").stdout)["models"]
    by_name = {entry["name"]: entry for entry in listed}
    assert {"whisper-base", "vosk-small-cn", "vosk-small-en"} <= set(by_name)
    assert by_name["whisper-base"]["licence"] == "MIT"
    assert all(entry["download_bytes"] > 10_000_000 for entry in listed)
    assert not any(entry["installed"] for entry in listed)


def test_an_unknown_model_is_said(warmline: Run) -> None:
    done = warmline("models", "pull", "whisper-bse")
    assert done.returncode == ExitCode.MODEL
    assert "whisper-base" in done.stderr


def test_verify_finds_a_changed_byte(warmline: Run, tmp_path: Path, need_model: Callable[[str], Path]) -> None:
    original = need_model("whisper-base")
    copy = tmp_path / "models" / "whisper-base"
    copy.mkdir(parents=True)
    for path in original.iterdir():
        (copy / path.name).symlink_to(path)
    assert warmline("models", "verify").returncode == ExitCode.OK
    damaged = bytearray((original / "config.json").read_bytes())
    damaged[10] ^= 1
    (copy / "config.json").unlink()
    (copy / "config.json").write_bytes(damaged)
    done = warmline("models", "verify", "--json")
    assert done.returncode == ExitCode.FOUND_WRONG
    assert "model.corrupt" in json.loads(done.stdout)["whisper-base"]


def test_doctor_names_what_is_missing_and_how_to_mend_it(warmline: Run) -> None:
    done = warmline("doctor", "--json", port="0")
    assert done.returncode == ExitCode.FOUND_WRONG
    findings = json.loads(done.stdout)
    models = next(finding for finding in findings if finding["subject"] == "models")
    assert models["problem"]
    assert "warmline models pull" in models["fix"]


def test_doctor_says_whether_tone_is_compiled_which_model_judges_and_who_is_measured(warmline: Run) -> None:
    findings = {finding["subject"]: finding for finding in json.loads(warmline("doctor", "--json", port="0").stdout)}
    assert "compiled" in findings["tone"]["found"]
    assert "rules" in findings["tone model"]["found"]
    assert findings["agents' tone"]["found"] == "not measured"
    measured = warmline(
        "doctor",
        "--json",
        port="0",
        tone_model="linear",
        measure_agents="true",
        measure_agents_legal_basis="agreement 7",
    )
    findings = {finding["subject"]: finding for finding in json.loads(measured.stdout)}
    assert "tone-linear/" in findings["tone model"]["found"]
    assert "agreement 7" in findings["agents' tone"]["found"]
    assert "Article 5(1)(f)" in findings["agents' tone"]["fix"]


def test_doctor_names_a_tone_model_that_is_not_there(warmline: Run) -> None:
    done = warmline("doctor", "--json", port="0", tone_model="nowhere.onnx")
    finding = next(one for one in json.loads(done.stdout) if one["subject"] == "tone model")
    assert finding["problem"]
    assert "nowhere" in finding["found"]


def test_a_tone_model_that_is_not_there_stops_a_replay_with_its_name(warmline: Run, sample: str) -> None:
    done = warmline("replay", sample, tone_model="nowhere.onnx")
    assert done.returncode == ExitCode.MODEL
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
