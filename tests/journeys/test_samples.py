"""`warmline replay samples/calls/* --jsonl`: real audio through the real pipeline, down to the decision.

Recognition's arithmetic differs in its last bits between processors, so that texts are compared with a bound; what the
script of a call demands is compared exactly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr.scoring import compare, units
from asr.types import Language
from prosody.types import EmotionLevel
from routing.events import (
    EmotionScored,
    EmotionShifted,
    IntentRecognized,
    ProsodyMeasured,
    SpeechEnded,
    Stamped,
    TranscriptFinal,
)
from routing.grammar import check_log
from routing.policy.course import decide_again, read_course
from routing.policy.file import load_policy
from routing.service_events import PriorityChanged, RouteDecided
from routing.wire import decode_line
from voice.contracts.audio import to_ms

pytestmark = [pytest.mark.model, pytest.mark.slow]
CALLS = Path(__file__).parents[2] / "samples" / "calls"
NAMES = sorted(folder.name for folder in CALLS.iterdir() if folder.is_dir())
LOWEST_PRIORITY = (0, 20, 50, 75)
"""From which priority a call counts as normal, raised, high, urgent."""


def replay(models: Path, *arguments: str) -> dict[str, list[Stamped]]:
    """The logs that `warmline replay … --jsonl` prints, by the sample's name."""
    command = [sys.executable, "-m", "agent_console", "replay", *arguments, "--jsonl"]
    environment = os.environ | {"WARMLINE_MODELS": str(models), "WARMLINE_ENGINE": "whisper"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=280, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, list[Stamped]] = defaultdict(list)
    for line in done.stdout.splitlines():
        stamped = decode_line(line)
        found[stamped.call.removeprefix("r-")].append(stamped)
    return found


@pytest.fixture(scope="module")
def logs(need_model: Callable[[str], Path]) -> dict[str, list[Stamped]]:
    """The logs of all samples, from one run of the command."""
    return replay(need_model("whisper-base").parent, *(str(CALLS / name) for name in NAMES))


def test_real_pace_changes_nothing(logs: dict[str, list[Stamped]], models_folder: Path) -> None:
    name = "zh-webrtc-wideband"
    paced = replay(models_folder, str(CALLS / name), "--speed", "1")[name]
    check_log(paced)
    for kind in (SpeechEnded, TranscriptFinal, ProsodyMeasured, EmotionScored, PriorityChanged, RouteDecided):
        assert sorted(map(repr, _of(paced, kind))) == sorted(map(repr, _of(logs[name], kind)))


@pytest.mark.parametrize("name", NAMES)
def test_the_log_obeys_the_grammar(logs: dict[str, list[Stamped]], name: str) -> None:
    check_log(logs[name])


@pytest.mark.parametrize("name", NAMES)
def test_the_decisions_are_those_that_the_script_demands(logs: dict[str, list[Stamped]], name: str) -> None:
    call = json.loads((CALLS / name / "call.json").read_text(encoding="utf-8"))
    expect, log = call["expect"], logs[name]
    routes = [stamped.event for stamped in log if isinstance(stamped.event, RouteDecided)]
    assert routes, "the first decision is always stated"
    if expect["final_route"] != "any":
        assert routes[-1].target == expect["final_route"]
    highest = max((stamped.event.current for stamped in log if isinstance(stamped.event, PriorityChanged)), default=0)
    assert highest >= LOWEST_PRIORITY[expect["min_priority"]]
    if expect.get("max_priority") == 0:
        assert highest < 30, "a calm call may be glanced at, not hurried"
    intents = {stamped.event.label for stamped in log if isinstance(stamped.event, IntentRecognized)}
    assert bool(intents & set(expect["intents"])) == bool(expect["intents"])
    if expect["asked_for_human"]:
        assert "human_agent" in intents
    if "handover_turn" in expect:
        by = call["script"][expect["handover_turn"]]["end_ms"] + 2_000
        decided = next(s for s in log if isinstance(s.event, RouteDecided) and s.event.target == "human")
        spoken = {s.event.segment: to_ms(s.event.span.start) for s in log if isinstance(s.event, SpeechEnded)}
        assert isinstance(decided.event, RouteDecided)
        assert spoken[decided.event.evidence[-1]] <= by
    upset = [s for s in log if isinstance(s.event, EmotionShifted) and s.event.shift.current != EmotionLevel.SETTLED]
    assert bool(upset) == expect["emotion_shift"]


@pytest.mark.parametrize("name", NAMES)
def test_every_decision_has_its_reason_and_can_be_made_again(logs: dict[str, list[Stamped]], name: str) -> None:
    policy, log = load_policy(), logs[name]
    for kind in (RouteDecided, PriorityChanged):
        for change in _of(log, kind):
            assert change.reason.zh
            assert change.reason.en
            assert change.evidence or change.rule == "start"
    differences = decide_again(policy, read_course(log))
    assert differences
    assert not any(one.changed for one in differences)


@pytest.mark.parametrize("name", NAMES)
def test_the_log_is_the_one_that_is_kept(logs: dict[str, list[Stamped]], name: str) -> None:
    expected = [decode_line(line) for line in (CALLS / name / "expected.jsonl").read_bytes().splitlines()]
    check_log(expected)
    assert _of(logs[name], SpeechEnded) == _of(expected, SpeechEnded)
    assert [event.segment for event in _of(logs[name], ProsodyMeasured)] == [
        event.segment for event in _of(expected, ProsodyMeasured)
    ]
    language = Language.EN if name.startswith("en") else Language.ZH
    said, kept = (
        units(" ".join(event.text for event in _of(log, TranscriptFinal)), language) for log in (logs[name], expected)
    )
    assert compare(kept, said).edits.rate <= 0.15


def _of(log: list[Stamped], kind: type[Any]) -> list[Any]:
    return [stamped.event for stamped in log if isinstance(stamped.event, kind)]
