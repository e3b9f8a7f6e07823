"""Policy files: broken ones name line and mend; changes are taken up, broken ones leave the old policy in force."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest

from routing.kept_file import KeptFile
from routing.policy.checks import schema_text
from routing.policy.facts import Facts
from routing.policy.file import load_policy, read_policy
from voice.contracts.errors import PolicyError

GOOD = """\
version: 1.2.3
title: {zh: 试, en: trial}
start:
  target: ai
  priority: 10
  reason: {zh: 开始, en: start}
rules:
  - id: loud
    when:
      any:
        - {emotion: [tense, upset]}
        - {arousal: {above: 0.6, until: 0.4}, intent: [complaint, unknown]}
    after: 2
    then: {target: human, hold: true, priority: {at_least: 50}}
    reason: {zh: 激动, en: loud}
  - id: keyed
    when: {dtmf: 0}
    then: {target: human}
    reason: {zh: 按键, en: key}
"""


def test_the_good_policy_is_good() -> None:
    policy = read_policy(GOOD)
    assert [rule.id for rule in policy.rules] == ["loud", "keyed"]
    assert policy.version.startswith("1.2.3+")
    assert len(policy.version) == len("1.2.3+") + 8


def test_the_version_follows_the_content_and_not_its_layout() -> None:
    assert (
        read_policy(GOOD).version
        == read_policy("# note\n" + GOOD.replace("{zh: 试, en: trial}", "{en: trial, zh: 试}")).version
    )
    assert read_policy(GOOD).version != read_policy(GOOD.replace("at_least: 50", "at_least: 51")).version


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "target: human, hold",
            "target: humen, hold",
            14,
            r"then\.target: expected one of ai, human; got 'humen'\. Did you mean human\?",
        ),
        ("{emotion: [tense", "{emotoin: [tense", 11, r"emotoin: this key is not known here\. Did you mean emotion\?"),
        ("tense, upset", "tens, upset", 11, r"emotion\[0\]: 'tens' is no emotion that exists\. Did you mean tense\?"),
        (
            "[complaint, unknown]",
            "[complaints]",
            12,
            r"'complaints' is no intent that exists\. Did you mean complaint\?",
        ),
        ("[complaint, unknown]", "7", 12, r"intent: expected string or array; got 7"),
        ("above: 0.6, until", "above: 6, until", 12, r"arousal\.above: expected at most 1; got 6"),
        ("above: 0.6, until", "over: 0.6, until", 12, r"over: this key is not known here"),
        ("until: 0.4", "until: 0.9", 12, r"until: expected a looser bound, below 0\.6; got 0\.9"),
        ("above: 0.6, until: 0.4", "above: 0.6, below: 0.2", 12, r"nothing lies between 0\.6 and 0\.2"),
        ("above: 0.6, until: 0.4", "above: 0.1, below: 0.5, until: 0", 12, r"expected exactly one bound beside it"),
        ("above: 0.6, until: 0.4", "until: 0.4", 12, r"expected exactly one bound beside it"),
        ("{arousal: {above: 0.6, until: 0.4}", "{arousal: high", 12, r"arousal: expected object; got 'high'"),
        ("after: 2", "after: 0", 13, r"after: expected at least 1; got 0"),
        ("after: 2", "after: 99999999999999999999", 13, r"after: expected at most 100"),
        ("at_least: 50", "at_least: 100", 14, r"expected at most 99; got 100"),
        ("at_least: 50", "at_least: 1e3", 14, r"expected integer"),
        ("{at_least: 50}", "{at_least: 50, set: 7}", 14, r"expected at most 1 key\(s\); got at_least, set"),
        (
            "{target: human, hold: true, priority: {at_least: 50}}",
            "{hold: true}",
            14,
            r"expected a target or a priority|expected a target to hold",
        ),
        ("hold: true", "hold: yes", 14, r"hold: expected boolean or object; got 'yes'"),
        ("reason: {zh: 激动, en: loud}", "reason: {zh: 激动}", 15, r"reason: expected the key en; it is missing"),
        ("reason: {zh: 激动, en: loud}", "reason: {zh: '', en: loud}", 15, r"at least 1 character"),
        ("id: keyed", "id: loud", 16, r"the id loud is taken \(line 8\)"),
        ("id: keyed", "id: start", 16, r"the id start is taken \(line 3\)"),
        ("id: keyed", "id: Key Ed", 16, r"expected an id of lower-case letters"),
        ("when: {dtmf: 0}", "when: {}", 17, r"expected at least 1 key"),
        ("when: {dtmf: 0}", "when: {dtmf: 12}", 17, r"dtmf: expected at most 9; got 12"),
        ("when: {dtmf: 0}", "when: {dtmf: E}", 17, r"'E' is no dtmf that exists"),
        ("when: {dtmf: 0}", "when: {always: false}", 17, r"always: expected one of True; got False"),
        ("when: {dtmf: 0}", "when: \"__import__('os').system('x')\"", 17, r"when: expected object"),
        ("when: {dtmf: 0}", "when: {any: []}", 17, r"any: expected at least 1 item"),
        ("version: 1.2.3", "version: 1", 1, r"version: expected string; got 1"),
        ("version: 1.2.3", "version: 'a b'", 1, r"version: expected a version of 1 to 40"),
        ("priority: 10", "priority: -1", 5, r"start\.priority: expected at least 0; got -1"),
        ("rules:", "rulez:", 7, r"rulez: this key is not known here"),
    ],
)
def test_a_broken_policy_names_line_and_mend(old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    with pytest.raises(PolicyError, match=message) as caught:
        read_policy(GOOD.replace(old, new, 1), name="p.yaml")
    assert f"line {line}, " in str(caught.value)
    assert str(caught.value).startswith("p.yaml, ")


def test_several_problems_come_at_once_in_order() -> None:
    broken = GOOD.replace("priority: 10", "priority: 100").replace("after: 2", "after: x").replace("en: key", "fr: key")
    with pytest.raises(PolicyError, match=r"line 5, .*; line 13, .*; line 19, .*; line 19, "):
        read_policy(broken)


def test_the_schema_knows_every_fact() -> None:
    schema = json.loads(schema_text())
    conditions = set(schema["$defs"]["condition"]["properties"]) - {"all", "any", "not", "always"}
    asked_otherwise = {"local_time": {"hours", "weekday"}, "queues": {"queue"}, "caller": {"tier"}}
    inner = {"evidence", "asked", "course"}
    facts = {field.name for field in fields(Facts)} - inner - set(asked_otherwise)
    assert conditions == facts.union(*asked_otherwise.values())


def test_the_default_policy_is_valid_and_speaks_both_languages() -> None:
    policy = load_policy()
    assert policy.rules
    assert all(rule.reason.zh and rule.reason.en for rule in (policy.start, *policy.rules))


def touch(path: Path, text: str, tick: int) -> None:
    """Write and move the file's time on, whatever the clock's grain."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(tick * 10**9, tick * 10**9))


def test_a_changed_file_comes_into_force(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    touch(path, GOOD, 1)
    file = KeptFile(path, load_policy)
    first = file.current
    assert file.refresh() is None
    assert file.current is first
    touch(path, GOOD.replace("at_least: 50", "at_least: 60"), 2)
    assert file.refresh() is None
    assert file.current.version != first.version


def test_a_broken_change_leaves_the_old_one_in_force_and_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    touch(path, GOOD, 1)
    file = KeptFile(path, load_policy)
    first = file.current
    touch(path, GOOD.replace("target: human", "target: humen"), 2)
    problem = file.refresh()
    assert problem is not None
    assert problem.code == "policy.invalid"
    assert "line 14" in str(problem)
    assert file.current is first
    assert file.refresh() is None
    assert file.error is problem
    touch(path, GOOD.replace("at_least: 50", "at_least: 60"), 3)
    assert file.refresh() is None
    assert file.current.version != first.version


def test_a_mended_file_has_no_error(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    touch(path, "rules: 7", 1)
    file = KeptFile(path, load_policy)
    file.refresh()
    touch(path, GOOD, 2)
    file.refresh()
    assert file.error is None
    assert file.current.rules


def test_a_file_that_vanishes_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    touch(path, GOOD, 1)
    file = KeptFile(path, load_policy)
    first = file.current
    path.unlink()
    assert file.refresh() is not None
    assert file.current is first
    touch(path, GOOD, 2)
    assert file.refresh() is None
    assert file.current.version == first.version


def test_a_file_that_was_never_valid_has_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("rules: 7", encoding="utf-8")
    with pytest.raises(PolicyError):
        _ = KeptFile(path, load_policy).current


def test_other_intents_may_be_named_where_the_taxonomy_is_another() -> None:
    text = GOOD.replace("[complaint, unknown]", "[booking]")
    assert read_policy(text, intents={"booking"}).rules
    with pytest.raises(PolicyError, match="booking"):
        read_policy(text)
