"""`warmline evaluate numbers` on real clips and on broken lists; the engine is the one without a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf
from typer.testing import CliRunner

from agent_console.cli import app
from agent_console.numbers_evaluation import NumbersReport, Share, judge
from agent_console.numbers_manifest import Dictated, load_dictated
from agent_console.numbers_report import default_variant, notes
from agent_console.prosody_options import Lang
from asr.types import Language
from voice.contracts.errors import ManifestError, WarmlineError

NUMBERS = Path(__file__).parents[2] / "samples" / "numbers"


def write(folder: Path, lines: list[Any]) -> Path:
    path = folder / "list.jsonl"
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two real clips, one of them in English."""
    lines = (NUMBERS / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    chosen = [json.loads(line) for line in lines if '"12-zh-order' in line or '"20-en-order' in line]
    for each in chosen:
        shutil.copy(NUMBERS / each["audio"], tmp_path)
    return write(tmp_path, chosen)


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["evaluate", "numbers", "--engine", "fake", "--json", *arguments])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def dictated(**changed: Any) -> Dictated:
    fields: dict[str, Any] = {
        "line": 1, "audio": Path("a.wav"), "value": "13800138000", "forms": ("13800138000",), "kind": "phone",
        "language": Language.ZH, "speaker": "甲", "fields": {},
    }  # fmt: skip
    return Dictated(**fields | changed)


def test_every_number_goes_through_the_pipeline(two: Path) -> None:
    found = run("--manifest", str(two), "--turns", "timer-1000", "--group", "kind")
    assert list(found["groups"]) == ["before", "timer-560", "timer-1000"]
    assert set(found["groups"]["before"]) == {"all", "zh", "en", "kind=order_no"}
    figures = {each["name"]: each for each in found["figures"]}
    # The fake hears words of its own, so no number is right, and every digit is missing.
    assert figures["right_all_timer-560"]["hits"] == 0
    assert figures["digit_error_rate_zh_before"]["value"] >= 0.5
    assert figures["cpu_s_per_audio_s_timer-1000"]["value"] > 0
    assert [each["value"] for each in found["outcomes"]] == ["6672", "5539"]
    assert all(each["variants"]["timer-560"]["finals"] >= 1 for each in found["outcomes"])


def test_one_kind_of_line_alone(two: Path) -> None:
    assert run("--manifest", str(two), "--only", "lang=en-US")["numbers"] == 1


def test_table_for_people(two: Path) -> None:
    for lang, expected in (("zh", "正确"), ("en", "digit errors")):
        result = CliRunner().invoke(
            app,
            ["evaluate", "numbers", "--engine", "fake", "--manifest", str(two), "--lang", lang],
            env={"COLUMNS": "160"},
        )
        assert result.exit_code == 0, result.output
        assert expected in result.stdout


def test_right_in_a_text_or_as_an_entity() -> None:
    cut = judge(dictated(), ["手机号是幺三八，", "零零幺三", "八零零零"], [])
    assert (cut.right, cut.all_digits, cut.edits.errors, cut.finals) == (False, True, 0, 3)
    written = judge(dictated(), ["手机号是13800138000。"], [])
    assert (written.in_text, written.as_entity, written.right) == (True, False, True)
    joined = judge(dictated(), ["手机号是138，", "00138000"], [("phone", "13800138000")])
    assert (joined.in_text, joined.as_entity, joined.right) == (False, True, True)
    wrong = judge(dictated(), ["手机号是13800138009。"], [("phone", "13800138009")])
    assert (wrong.right, wrong.all_digits, wrong.edits.substitutions) == (False, False, 1)
    amount = judge(dictated(value="328.5", forms=("328.5",), kind="amount"), ["扣了328.5元"], [])
    assert (amount.right, amount.all_digits, amount.edits.length) == (True, None, 0)


def test_interval_of_a_share_is_wilsons() -> None:
    # Newcombe, R. G. (1998), "Two-sided confidence intervals for the single proportion", table I, method 3: 81 of 263.
    low, high = Share(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert Share(0, 40).interval[0] == 0
    assert Share(40, 40).interval[1] == 1


def test_the_default_is_one_of_the_variants() -> None:
    assert default_variant() == "turn-words"


def test_a_telephone_at_twice_its_speed_is_told(two: Path) -> None:
    lines = [json.loads(line) for line in two.read_text(encoding="utf-8").splitlines()]
    pcm, rate = sf.read(two.parent / lines[1]["audio"], dtype="float32")
    sf.write(two.parent / "doubled.wav", pcm, 2 * rate, subtype="PCM_16")
    write(two.parent, [lines[0], lines[1] | {"audio": "doubled.wav"}])
    used, _ = load_dictated(two)
    assert [each.is_fast for each in used] == [False, True]
    report = NumbersReport(two, "fake", tuple(used), {}, None, (), 0)
    assert any("twice its speed (2)" in note for note in notes(report, Lang.EN))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": 6672}, '"value"'),
        ({"value": "无"}, '"value"'),
        ({"kind": "plate"}, '"kind" has to be one of amount, date, order_no, phone, tracking_no'),
        ({"lang": "fr"}, '"lang"'),
        ({"also": "6672"}, '"also"'),
        ({"speaker": True}, '"speaker"'),
        ({"audio": "missing.flac"}, "there is no file"),
    ],
)
def test_broken_lines_are_named(two: Path, change: dict[str, Any], reason: str) -> None:
    lines = [json.loads(line) for line in two.read_text(encoding="utf-8").splitlines()]
    write(two.parent, [lines[0] | change, lines[1]])
    used, broken = load_dictated(two)
    assert len(used) == 1
    assert [each.line for each in broken] == [1]
    assert reason in broken[0].reason
    result = CliRunner().invoke(app, ["evaluate", "numbers", "--engine", "fake", "--manifest", str(two)])
    assert isinstance(result.exception, ManifestError)


@pytest.mark.parametrize("arguments", [["--group", "knd"], ["--only", "knd=x"], ["--only", "kind=amount"]])
def test_what_no_line_has_is_refused(two: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["evaluate", "numbers", "--engine", "fake", "--manifest", str(two), *arguments])
    assert isinstance(result.exception, WarmlineError)
