"""The language's reference is whole and true: it names every condition and action, and its examples are valid."""

from __future__ import annotations

import json
import re

import pytest

from routing.policy.checks import CLOSED, schema_text
from routing.policy.file import FOLDER, read_policy

TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")
CONDITION_ROWS = TEXT.partition("## Conditions")[2].partition("## Waiting and holding")[0]
ACTION_ROWS = TEXT.partition("## Actions")[2].partition("## What is refused")[0]


def examples(rows: str) -> list[str]:
    """The example of each row of the tables."""
    return re.findall(r"\| `(\{.*\})` \|$", rows, re.MULTILINE)


def policy_with(when: str, then: str) -> str:
    return (
        "version: t\ntitle: {zh: 试, en: t}\nstart: {target: ai, priority: 0, reason: {zh: 因, en: why}}\n"
        "tiers: {vip: ['1*'], staff: ['2*']}\n"
        f"rules:\n  - {{id: a, when: {when}, then: {then}, reason: {{zh: 因, en: why}}}}\n"
    )


@pytest.mark.parametrize("example", examples(CONDITION_ROWS))
def test_every_example_of_a_condition_is_valid(example: str) -> None:
    assert read_policy(policy_with(example, "{target: human}")).rules


@pytest.mark.parametrize("example", examples(ACTION_ROWS))
def test_every_example_of_an_action_is_valid(example: str) -> None:
    assert read_policy(policy_with("{always: true}", example)).rules


def test_the_whole_file_is_valid() -> None:
    whole = next(block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if block.startswith("version"))
    policy = read_policy(whole)
    assert (len(policy.rules), len(policy.modes), list(policy.tiers)) == (1, 1, ["vip"])


def test_nothing_is_left_out() -> None:
    schema = json.loads(schema_text())["$defs"]
    for name in schema["condition"]["properties"]:
        assert f"`{name}`" in CONDITION_ROWS or f"`{name}: true`" in CONDITION_ROWS, name
    for name in schema["action"]["properties"]:
        assert f"| `{name}` |" in ACTION_ROWS, name
    for name in schema["queue"]["properties"]:
        assert f"`{name}`" in CONDITION_ROWS, name
    for fact in ("sentiment", "grade", "emotion", "channel", "mode", "weekday"):
        for value in CLOSED[fact]:
            assert f"`{value}`" in CONDITION_ROWS, value
