"""`warmline evaluate negative` and `warmline evaluate entities`: figures, tables, and what is wrong with a list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agent_console.evaluate_cli import app
from agent_console.labelled_lines import Score
from voice.contracts.errors import ManifestError

NEGATIVE = [
    {"text": "我要投诉你们", "negative": True, "escalate": True},
    {"text": "this is the worst service ever", "negative": True, "escalate": False},
    {"text": "帮我查一下快递", "negative": False, "escalate": False},
    {"text": "我不是要投诉", "negative": False, "escalate": False},
]
ENTITIES: list[dict[str, Any]] = [
    {"text": "退我三百五十块", "ref_date": "2026-03-11", "entities": [{"type": "amount", "value": "350"}]},
    {"text": "上周三买的", "ref_date": "2026-03-11", "entities": [{"type": "date", "value": "2026-03-04"}]},
    {"text": "你好", "ref_date": "2026-03-11", "entities": []},
    {"text": "退我五十块", "ref_date": "2026-03-11", "entities": [{"type": "amount", "value": "51"}]},
]


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines), encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_negative_as_json(tmp_path: Path) -> None:
    done = run("negative", "--file", write(tmp_path / "f.jsonl", NEGATIVE), "--models", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["n"] == 4
    for key in ("negative", "escalate"):
        assert {"precision", "recall", "f1"} <= set(found[key])
        assert found[key]["recall"] == 1


def test_entities_as_json(tmp_path: Path) -> None:
    done = run("entities", "--file", write(tmp_path / "f.jsonl", ENTITIES), "--json")
    found = json.loads(done.stdout)
    assert found["overall"] == {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "n": 3}
    assert found["per_type"]["date"]["f1"] == 1
    assert found["per_type"]["amount"]["precision"] == 0.5


@pytest.mark.parametrize(("lang", "words"), [("zh", "召回率"), ("en", "recall")])
def test_tables_in_both_languages(tmp_path: Path, lang: str, words: str) -> None:
    for name, lines in (("negative", NEGATIVE), ("entities", ENTITIES)):
        extra = ("--models", tmp_path) if name == "negative" else ()
        done = run(name, "--file", write(tmp_path / "f.jsonl", lines), "--lang", lang, *extra)
        assert done.exit_code == 0, done.output
        assert words in done.stdout


def test_every_broken_line_is_named(tmp_path: Path) -> None:
    lines = [
        ENTITIES[0],
        "{",
        "[]",
        {"text": 7},
        {
            "text": "a",
            "ref_date": "yesterday",
            "entities": [{"type": "amout", "value": "1"}, {"type": "date", "value": 1}],
        },
        {"text": "a", "ref_date": "2026-01-01", "entities": {}},
    ]
    done = run("entities", "--file", write(tmp_path / "f.jsonl", lines))
    assert isinstance(done.exception, ManifestError)
    said = str(done.exception)
    for part in (
        "5 broken lines",
        "line 2: not JSON",
        "line 3: expected an object",
        'line 4: "text"',
        "line 5:",
        "line 6:",
    ):
        assert part in said
    assert "Did you mean amount?" in said
    assert '"value" has to be text' in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no line"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"text": "a", "negative": 1}', "true or false"),
        (None, "not there"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "f.jsonl"
    if content is not None:
        path.write_bytes(content)
    done = run("negative", "--file", path, "--models", tmp_path)
    assert isinstance(done.exception, ManifestError)
    assert message in str(done.exception)


def test_scores_without_anything_to_find() -> None:
    assert (Score().precision, Score().recall, Score().f1) == (1, 1, 1)
    assert (Score(wrong=1).precision, Score(wrong=1).recall) == (0, 0)
    assert (Score(missed=1).precision, Score(missed=1).recall) == (0, 0)
