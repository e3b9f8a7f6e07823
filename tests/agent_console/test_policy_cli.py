"""`warmline policy …` as a shell sees it: what it prints, what it says of broken input, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from typer.testing import CliRunner

from agent_console.cli import app
from agent_console.exit_codes import ExitCode, exit_code
from routing.journal.sqlite import SqliteJournal
from routing.policy.archive import PolicyArchive
from routing.policy.file import DEFAULT_POLICY, EXAMPLE_POLICY, load_policy
from tests.routing.policy.talk import Talk
from voice.contracts.errors import WarmlineError
from voice.speech.prompts import PROMPTS

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def warmline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `warmline policy` in an empty folder, in this process; a known error becomes message and exit code."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WARMLINE_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["policy", *arguments])
        code, message = done.exit_code, done.stderr
        if isinstance(done.exception, WarmlineError):
            code, message = exit_code(done.exception), f"{message}{done.exception}"
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, code, done.stdout, message)

    return run


def talk(call: str = "c-1") -> Talk:
    one = Talk(load_policy(), call=call)
    one.tell("你好，我想查一下我的快递到哪里了")
    one.tell("包裹怎么一直在拖延")
    one.tell("我要投诉你们")
    return one.finish()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose journal has a call in which nothing was asked for, and one with a complaint."""
    folder = tmp_path / "data"
    folder.mkdir()
    calm = Talk(load_policy(), call="c-0", started_at="2026-11-24T01:00:00+00:00")
    calm.tell("我想查一下我的快递到哪里了")

    async def keep() -> None:
        async with SqliteJournal.open(folder / "journal.db") as journal:
            for one in (calm.finish(), talk()):
                await journal.append(one.log)

    anyio.run(keep)
    return folder


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The policy that ships, but for complaints: it waits for a second one, and asks no threshold of words."""
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    text = text.replace("    when: {escalate: true}\n", "    when: {escalate: true}\n    after: 2\n")
    text = text.replace("    when: {grade: urgent}\n", "    when: {grade: urgent}\n    after: 2\n")
    path = tmp_path / "changed.yaml"
    path.write_text(text.replace("version: 2026.11.2", "version: next"), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", [DEFAULT_POLICY, EXAMPLE_POLICY], ids=lambda path: path.name)
def test_a_good_policy_is_good(warmline: Run, path: Path) -> None:
    desk = ["--desk", str(DEFAULT_POLICY.parents[1] / "desk" / path.name)]
    done = warmline("check", str(path), *desk)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "有效 / valid" in done.stdout
    document = json.loads(warmline("check", str(path), *desk, "--json").stdout)
    assert document["valid"]
    assert document["policy"]["version"] == load_policy(path).version
    assert document["problems"] == []


def test_every_problem_has_its_line_and_the_name_that_was_meant(warmline: Run, tmp_path: Path) -> None:
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    broken = text.replace("emotion: upset", "emotoin: upset").replace(
        "priority: {at_least: 80}", "priority: {at_leest: 80}"
    )
    lines = [number for number, line in enumerate(broken.splitlines(), 1) if "emotoin" in line or "at_leest" in line]
    path = tmp_path / "mine.yaml"
    path.write_text(broken, encoding="utf-8")
    done = warmline("check", str(path))
    assert done.returncode == ExitCode.POLICY
    assert done.stdout == ""
    assert "Did you mean emotion?" in done.stderr
    assert "Did you mean at_least?" in done.stderr
    told = json.loads(warmline("check", str(path), "--json").stdout)
    assert not told["valid"]
    assert sorted(problem["line"] for problem in told["problems"]) == lines
    assert {problem["fix"] for problem in told["problems"]} == {"Did you mean emotion?", "Did you mean at_least?"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a: &x [*x]", "anchors and aliases"),
        (b"rules: [", "not valid YAML"),
        (b"\xff\xfe", "expected UTF-8"),
        (b"[" * 5000, "levels"),
        (b"7", "expected object"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_policy_at_all_is_told(warmline: Run, tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    done = warmline("check", str(path), "--json")
    assert done.returncode == ExitCode.POLICY
    (problem,) = json.loads(done.stdout)["problems"]
    assert message in problem["message"]


def test_a_queue_that_the_desk_lacks_is_told(warmline: Run) -> None:
    done = warmline("check", str(EXAMPLE_POLICY), "--desk", str(DEFAULT_POLICY.parents[1] / "desk" / "default.yaml"))
    assert done.returncode == ExitCode.POLICY
    assert "is no queue that exists" in done.stderr


def test_the_schema_is_printed(warmline: Run) -> None:
    done = warmline("schema")
    assert done.returncode == ExitCode.OK
    assert json.loads(done.stdout)["title"] == "Warmline policy"


def test_a_call_in_the_journal_is_explained(warmline: Run, data: Path) -> None:
    done = warmline("explain", "c-1", "--data", str(data))
    assert done.returncode == ExitCode.OK, done.stderr
    for text in (
        "c-1",
        "escalating-words",
        "来电者扬言投诉、曝光或诉诸法律",
        "The caller threatens a complaint, publicity or legal action",
        "escalate: yes",
        "我要投诉",
        "差一点 / nearly",
        "negative_turns: ≥ 3 (found 2)",
    ):
        assert text in done.stdout


def test_an_explanation_as_json_has_rules_values_and_words(warmline: Run, tmp_path: Path) -> None:
    events = talk().write(tmp_path / "events.jsonl")
    done = warmline("explain", str(events), "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    (call,) = json.loads(done.stdout)["calls"]
    first, second, third = call["decisions"]
    assert (first["target"], first["priority"], first["rules"][0]["rule"]) == ("ai", 0, "simple-need")
    assert second["urgency"]["rule"] == "negative-words"
    assert (third["target"], third["priority"], third["same"]) == ("human", 80, True)
    assert third["route"]["rule"] == "escalating-words"
    (evidence,) = third["route"]["evidence"]
    assert evidence["text"] == "我要投诉你们"
    assert any("投诉" in word for word in evidence["words"])
    fact = third["rules"][0]["condition"]
    assert (fact["wanted"], fact["found"], fact["holds"]) == ("escalate: yes", "yes", True)
    assert third["facts"]["escalate"] is True
    assert "negative-again" in [rule["rule"] for rule in third["nearly"]]


def test_explaining_by_another_policy_says_that_it_differs(warmline: Run, data: Path, changed: Path) -> None:
    done = warmline("explain", "c-1", "--data", str(data), "--policy", str(changed))
    assert "不同 / differs" in done.stdout


def test_another_policy_is_tried_out_on_calls_that_were(warmline: Run, data: Path, changed: Path) -> None:
    done = warmline("replay", "--policy", str(changed), "--last", "10", "--data", str(data), "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    document = json.loads(done.stdout)
    assert document["policy"].startswith("next+")
    calm, angry = document["calls"]
    assert (calm["call"], calm["changed"], angry["call"], angry["changed"]) == ("c-0", False, "c-1", True)
    last: dict[str, Any] = angry["decisions"][-1]
    assert (last["was"]["target"], last["was"]["priority"]) == ("human", 80)
    assert last["would_be"]["priority"] < 80
    summary = document["summary"]
    assert (summary["calls"], summary["calls_changed"], summary["less_urgent"]) == (2, 1, 1)
    table = warmline("replay", "--policy", str(changed), "c-1", "--data", str(data)).stdout
    assert "calls changed" in table
    assert "人工 human 80 →" in table


def test_the_same_policy_changes_nothing(warmline: Run, data: Path) -> None:
    done = warmline("replay", "--policy", str(DEFAULT_POLICY), "c-0", "c-1", "--data", str(data), "--json")
    summary = json.loads(done.stdout)["summary"]
    assert (summary["decisions"], summary["decisions_changed"]) == (4, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["explain", "nobody"], ExitCode.USAGE, "nor a call in the journal"),
        (["explain", "nobody", "--data", "elsewhere"], ExitCode.USAGE, "there is no journal in elsewhere"),
        (["explain", "broken.jsonl"], ExitCode.FAILED, "broken.jsonl, line 2"),
        (["explain", "empty.jsonl"], ExitCode.FAILED, "the file is empty"),
        (["explain", "older.jsonl"], ExitCode.FAILED, "lacks what its decisions looked at"),
        (["explain", "c-1", "--policy", "absent.yaml"], ExitCode.POLICY, "cannot be read"),
        (["replay", "--policy", str(DEFAULT_POLICY)], ExitCode.USAGE, "nothing to replay"),
        (["replay", "c-1"], ExitCode.USAGE, "--policy"),
        (["frobnicate"], ExitCode.USAGE, "No such command"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_wrong_use_is_told(
    warmline: Run, data: Path, tmp_path: Path, arguments: list[str], code: ExitCode, message: str
) -> None:
    good = talk().write(tmp_path / "good.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "broken.jsonl").write_bytes(good[0] + b'{"type": "nothing"}\n')
    (tmp_path / "empty.jsonl").write_bytes(b"\n")
    (tmp_path / "older.jsonl").write_bytes(b"".join(line for line in good if b"decision.made" not in line))
    assert data.is_dir()
    done = warmline(*arguments)
    assert done.returncode == code, done.stderr
    assert message in " ".join(done.stderr.split())


def test_a_decision_is_explained_by_the_version_that_made_it(
    warmline: Run, data: Path, changed: Path, tmp_path: Path
) -> None:
    archive = PolicyArchive(data / "policies")
    old = archive.load(DEFAULT_POLICY)
    new = archive.load(changed)
    # The policy of the settings has moved on; the calls were decided by the one before.
    settings = tmp_path / "warmline.toml"
    settings.write_text(f'policy = "{changed}"\n', encoding="utf-8")
    done = warmline("explain", "c-1", "--data", str(data), "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    document = json.loads(done.stdout)
    assert document["policy"] == new.version
    decisions = document["calls"][0]["decisions"]
    assert {one["explained_by"] for one in decisions} == {old.version}
    assert all(one["same"] for one in decisions)
    named = warmline("explain", "c-1", "--data", str(data), "--policy", new.version, "--json")
    assert not json.loads(named.stdout)["calls"][0]["decisions"][-1]["same"]
    table = warmline("explain", "c-1", "--data", str(data)).stdout
    assert f"policy {old.version}" in table
    replayed = warmline("replay", "--policy", old.version, "c-1", "--data", str(data), "--json")
    assert json.loads(replayed.stdout)["summary"]["decisions_changed"] == 0


def test_kept_versions_are_listed_and_printed_as_they_were_written(warmline: Run, data: Path, changed: Path) -> None:
    archive = PolicyArchive(data / "policies")
    assert "no version is kept" in warmline("versions", "--data", str(data)).stderr
    old, new = archive.load(DEFAULT_POLICY), archive.load(changed)
    os.utime(data / "policies" / f"{old.version}.yaml", (1, 1))
    (data / "policies" / "1+00000000.yaml").write_text("rules: [", encoding="utf-8")
    os.utime(data / "policies" / "1+00000000.yaml", (0, 0))
    listed = json.loads(warmline("versions", "--data", str(data), "--json").stdout)["versions"]
    assert [one["version"] for one in listed] == ["1+00000000", old.version, new.version]
    assert listed[1]["rules"] == len(old.rules)
    lines = warmline("versions", "--data", str(data)).stdout.splitlines()
    assert "cannot be read" in lines[0]
    assert old.title.en in lines[1]
    shown = warmline("versions", "--show", new.version, "--data", str(data))
    assert shown.stdout == changed.read_text(encoding="utf-8")
    for absent in ("9+12345678", "../../etc/passwd"):
        refused = warmline("versions", "--show", absent, "--data", str(data))
        assert refused.returncode == ExitCode.POLICY
        assert "is kept in" in refused.stderr


def test_a_check_says_what_is_recorded(warmline: Run, tmp_path: Path) -> None:
    path, clips = tmp_path / "mine.yaml", tmp_path / "announcements"
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    text += "  - {id: a, when: {always: true}, then: {announce: {zh: 甲, en: A}}, reason: {zh: 甲, en: A}}\n"
    text += "  - {id: b, when: {always: true}, then: {announce: {zh: 乙, en: B}}, reason: {zh: 乙, en: B}}\n"
    path.write_text(text, encoding="utf-8")
    for language, content in (("zh", (PROMPTS / "zh" / "notice.nobody.opus").read_bytes()), ("en", b"no audio")):
        (clips / language).mkdir(parents=True)
        (clips / language / "a.opus").write_bytes(content)
    first, second = json.loads(warmline("check", str(path), "--json").stdout)["announcements"]
    assert (first["rule"], first["zh"]) == ("a", "recorded")
    assert "cannot be played" in first["en"]
    assert second == {"rule": "b", "zh": "written", "en": "written"}
    told = warmline("check", str(path)).stdout
    assert "已录音 / recorded" in told
    assert "仅文字 / in writing only" in told


@pytest.mark.parametrize("command", ["check", "explain", "replay", "schema", "versions"])
def test_help_teaches(warmline: Run, command: str) -> None:
    done = warmline(command, "--help")
    assert done.returncode == ExitCode.OK
    assert "Example: warmline policy" in done.stdout


def test_a_shell_gets_message_and_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent_console", "policy", "explain", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("error [settings.invalid]")
