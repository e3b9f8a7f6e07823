"""`warmline bench echo` counts what it says it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent_console.bench import echo
from agent_console.bench.echo import echo_table, measure_echo
from agent_console.bench.echo_room import NOWHERE, PATHS, EchoPath, place, spoken
from agent_console.demo import SAMPLES
from voice.contracts.audio import SAMPLE_RATE, from_ms
from voice.contracts.errors import AudioFormatError


def test_an_echo_comes_as_late_and_as_loud_as_it_says() -> None:
    played = np.zeros(4 * SAMPLE_RATE, np.float32)
    played[SAMPLE_RATE] = 0.1
    late = EchoPath(-12, 150).echo(played)
    assert int(np.argmax(np.abs(late))) - SAMPLE_RATE == from_ms(150)
    assert 10 * np.log10(np.sum(late**2) / np.sum(played**2)) == pytest.approx(-12, abs=0.1)
    assert not NOWHERE.echo(played).any()
    assert len({path.key for path in (*PATHS, NOWHERE)}) == len(PATHS) + 1


def test_speech_is_placed_where_it_is_said_to_be() -> None:
    near, starts = place([np.full(320, 0.5, np.float32), np.full(640, 0.5, np.float32)])
    assert [bool(near[start]) and not near[start - 1] for start in starts] == [True, True]
    assert spoken([near], 1_000_000).size == 1_000_000


def test_one_path_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "PATHS", (EchoPath(-12.0, 150.0),))
    monkeypatch.setattr(echo, "ALONE_S", 12)
    steps: list[str] = []
    figures, results = measure_echo(SAMPLES, None, utterances=2, report=steps.append)
    assert steps == ["-12 dB, 150 ms", "no echo, 150 ms"]
    found = {figure.name: figure.value for figure in figures}
    assert found["echo_erle_db_12db_150ms_0ms"] > 5
    assert found["echo_false_per_minute_12db_150ms_0ms"] < results[0].false_before
    assert len(results[0].onset_ms) == 2
    assert echo_table(results).row_count == 2


def test_a_list_without_two_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"audio": "a.wav", "text": "x", "lang": "zh"}\n', encoding="utf-8")
    with pytest.raises(AudioFormatError, match="at least two"):
        measure_echo(tmp_path / "manifest.jsonl", None, utterances=2, report=lambda _: None)
