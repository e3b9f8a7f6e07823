"""`warmline bench echo` counts what it says it counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent_console.bench import echo
from agent_console.bench.echo import EchoBench, OnPath, echo_figures, echo_table, loud_at
from agent_console.bench.echo_room import NOWHERE, PATHS, QUICK, EchoPath, place, spoken
from agent_console.bench.echo_words import EchoWords
from agent_console.bench_cli import app
from agent_console.demo import SAMPLES
from asr.evaluation import Reference
from asr.fake import FakeRecognizer, FakeUtterance
from asr.types import Language
from voice.contracts.audio import SAMPLE_RATE, Pcm, from_ms
from voice.contracts.errors import AudioFormatError


def click() -> Pcm:
    played = np.zeros(4 * SAMPLE_RATE, np.float32)
    played[SAMPLE_RATE] = 0.1
    return played


def test_an_echo_comes_as_late_and_as_loud_as_it_says() -> None:
    played = click()
    late = EchoPath("x", "x", -12, 150).echo(played)
    assert int(np.argmax(np.abs(late))) - SAMPLE_RATE == from_ms(150)
    assert 10 * np.log10(np.sum(late**2) / np.sum(played**2)) == pytest.approx(-12, abs=0.1)
    assert not any(path.echo(played).any() for path in NOWHERE)
    assert len({path.key for path in (*PATHS, *NOWHERE)}) == len(PATHS) + len(NOWHERE)
    assert set(QUICK) < {*PATHS, *NOWHERE}


def test_a_room_a_clock_and_a_telephone_do_what_they_say() -> None:
    played = np.random.default_rng(1).normal(0, 0.1, 20 * SAMPLE_RATE).astype(np.float32)
    still, moving = (EchoPath("x", "x", -6, drive=0, moves=moves).echo(played) for moves in (False, True))
    assert np.allclose(still[: 5 * SAMPLE_RATE], moving[: 5 * SAMPLE_RATE], atol=1e-5)
    assert abs(np.corrcoef(still[10 * SAMPLE_RATE :], moving[10 * SAMPLE_RATE :])[0, 1]) < 0.5
    late = np.zeros(60 * SAMPLE_RATE, np.float32)
    late[40 * SAMPLE_RATE] = 0.1
    drifted = EchoPath("x", "x", -6, drift_ppm=50).echo(late)
    assert from_ms(150) - int(np.argmax(np.abs(drifted)) - 40 * SAMPLE_RATE) == pytest.approx(32, abs=2)  # 2 ms
    narrow = EchoPath("x", "x", None, telephone=True).hear(played)
    power = np.abs(np.fft.rfft(narrow)) ** 2
    hz = np.fft.rfftfreq(narrow.size, 1 / SAMPLE_RATE)
    assert power[(hz > 4500)].mean() < power[(hz > 500) & (hz < 3000)].mean() / 300


def test_speech_is_placed_where_it_is_said_to_be() -> None:
    near, starts = place([np.full(320, 0.5, np.float32), np.full(640, 0.5, np.float32)])
    assert [bool(near[start]) and not near[start - 1] for start in starts] == [True, True]
    assert spoken([near], 1_000_000).size == 1_000_000
    assert loud_at(
        np.concatenate([np.zeros(3200, np.float32), near[starts[0] :][:320], np.ones(3200, np.float32)])
    ) in (
        3200,
        3840,
    )


class CountingRecognizer(FakeRecognizer):
    begun = 0

    def begin(self, language: Language) -> FakeUtterance:
        self.begun += 1
        return super().begin(language)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "QUICK", (EchoPath("room", "room", -12.0), EchoPath("none", "none", None)))
    monkeypatch.setattr(echo, "ALONE_QUICK_S", 8)


@pytest.mark.usefixtures("short")
def test_one_path_is_measured() -> None:
    bench = EchoBench(SAMPLES, None, utterances=2, quick=True)
    steps: list[tuple[str, int]] = []
    bench.run(lambda path, done: steps.append((path, done)))
    assert steps[0] == ("room", 0)
    assert steps[-1] == ("", bench.steps) == ("", 2)
    found = {figure.name: figure.value for figure in echo_figures(bench.results)}
    assert found["echo_erle_db_room"] > 5
    assert found["echo_false_per_minute_room"] < found["echo_false_per_minute_off_room"]
    assert len(bench.results[0].onset_ms) == 2
    assert echo_table(bench.results).row_count == 2


def test_words_are_counted_once_where_they_are_heard_again() -> None:
    said = [Reference("a", np.zeros(SAMPLE_RATE, np.float32), "一二三四", Language.ZH, "x")]
    recognizer = CountingRecognizer()
    words = EchoWords(recognizer, said, [SAMPLE_RATE])
    told: list[int] = []
    heard = np.full(3 * SAMPLE_RATE, 0.1, np.float32)
    first = words.count(heard, 0, told.append)
    assert words.count(heard, 0, told.append) == first
    assert words.invented([heard[: SAMPLE_RATE + 2 * from_ms(250)]]) >= 0
    assert recognizer.begun == 1
    assert told == [1, 1]
    assert 0 <= first.lost <= first.errors


@pytest.mark.usefixtures("short")
def test_what_was_measured_before_an_interruption_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = EchoBench._measure

    def stop_at_the_second(self: EchoBench, path: EchoPath, report: object) -> OnPath:
        if self.results:
            raise KeyboardInterrupt
        return measure(self, path, lambda _done: None)

    monkeypatch.setattr(EchoBench, "_measure", stop_at_the_second)
    answer = CliRunner().invoke(app, ["echo", "--quick", "--json", "--engine", "fake", "--utterances", "2"])
    assert answer.exit_code == 130
    document = json.loads(answer.stdout)
    assert document["about"]["paths"] == "1 of 2"
    assert any(figure["name"] == "echo_erle_db_room" for figure in document["figures"])


def test_a_list_without_two_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"audio": "a.wav", "text": "x", "lang": "zh"}\n', encoding="utf-8")
    with pytest.raises(AudioFormatError, match="at least two"):
        EchoBench(tmp_path / "manifest.jsonl", None, utterances=2)
