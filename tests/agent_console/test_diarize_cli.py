"""`warmline diarize`, `replay --diarize` and `evaluate diarization` from the outside, with and without the extra."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from agent_console import cli, diarization_evaluation, diarization_source, diarized_replay
from agent_console.diarization_result import Diarized, document, summary
from agent_console.diarized_replay import DiarizedReplay, DiarizeOptions, write_sides
from agent_console.prosody_options import Lang
from agent_console.settings import Settings
from asr.diarization.neural import installation
from asr.diarization.parties import assign_parties
from asr.diarization.rttm import format_rttm, read_rttm
from asr.diarization.types import Diarization, SpeakerTurn
from asr.fake import FakeRecognizer
from asr.types import Language
from asr.worker import RecognitionWorker
from voice.audio.decode import AudioFile, inspect
from voice.contracts.audio import Pcm, Span, from_s
from voice.contracts.errors import (
    AudioFormatError,
    DiarizationError,
    ManifestError,
    MissingExtraError,
    OutputError,
    RttmError,
    SettingsError,
    WarmlineError,
)

TALK = Diarization.of(
    [
        SpeakerTurn(Span(from_s(0.5), from_s(2)), "SPEAKER_00"),
        SpeakerTurn(Span(from_s(2.5), from_s(5)), "SPEAKER_01"),
        SpeakerTurn(Span(from_s(5.2), from_s(6)), "SPEAKER_00"),
    ]
)


class Told:
    """A diarizer that knows the answer; stands where loading a real one takes seconds and the extra."""

    def __init__(self, answer: Diarization) -> None:
        self.answer = answer
        self.asked: list[int | None] = []

    def diarize(self, pcm: Pcm, *, speakers: int | None = None, progress: Any = None) -> Diarization:
        """The answer, whatever is heard."""
        self.asked.append(speakers)
        return self.answer


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What every command diarizes with."""
    diarizer = Told(TALK)
    for module in (diarization_source, diarization_evaluation, diarized_replay):
        monkeypatch.setattr(module, "open_pipeline", lambda _settings, _pipeline: diarizer)
    return diarizer


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    monkeypatch.setattr(installation, "describe_installation", lambda: None)


def write_wav(path: Path, channels: int = 1, seconds: float = 7) -> Path:
    pcm = np.random.default_rng(3).normal(0, 3000, (round(seconds * 16_000), channels)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(pcm.tobytes())
    return path


def run(*arguments: str | Path) -> str:
    """What a command prints on standard output.

    Raises:
        WarmlineError: as the command does.
    """
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def make_pipeline(folder: Path) -> Path:
    for name in ("segmentation/pytorch_model.bin", "embedding/pytorch_model.bin"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"weights")
    return folder


def test_turns_are_shown_written_and_told_as_json(told: Told, tmp_path: Path) -> None:
    audio, out = write_wav(tmp_path / "my call.wav"), tmp_path / "turns.rttm"
    found = json.loads(run("diarize", audio, "--json", "--out", out, "--speakers", "2"))
    assert told.asked == [2]
    assert [each["party"] for each in found["speakers"]] == ["agent", "caller"]
    assert found["turns"][1] == {"start_s": 2.5, "end_s": 5.0, "speaker": "SPEAKER_01", "party": "caller"}
    assert found["parties"] == {"ground": "first_serves", "sure": True}
    assert read_rttm(out) == {"my_call": TALK}
    shown = run("diarize", audio, "--lang", "zh", "--caller", "first")
    assert "2 位说话人，3 段" in shown
    assert "来电人" in shown


def test_where_nobody_speaks_that_is_said(told: Told, tmp_path: Path) -> None:
    told.answer = Diarization(())
    audio, out = write_wav(tmp_path / "a.wav"), tmp_path / "a.rttm"
    found = json.loads(run("diarize", audio, "--json", "--out", out))
    assert found["turns"] == []
    assert found["parties"] is None
    assert out.read_text() == ""
    nobody = Diarized(audio, 16_000, told.answer, None)
    assert document(nobody)["speakers"] == []
    assert summary(nobody, Lang.ZH) == ["这份录音里没有人说话。"]


@pytest.mark.parametrize(
    ("make", "arguments", "error", "says"),
    [
        (lambda p: write_wav(p / "a.wav", channels=2), [], AudioFormatError, "a channel for each party"),
        (lambda p: p / "none.wav", [], AudioFormatError, "There is no file"),
        (lambda p: write_wav(p / "a.wav"), ["--out", "{}/no/a.rttm"], OutputError, "there is no folder"),
        (lambda p: write_wav(p / "a.wav"), ["--out", "{}/a.wav"], OutputError, "the recording itself"),
        (lambda p: write_wav(p / "a.wav"), ["--caller", "third"], DiarizationError, "in this order"),
    ],
)
def test_what_cannot_work_is_said(
    told: Told,
    tmp_path: Path,
    make: Callable[[Path], Path],
    arguments: list[str],
    error: type[WarmlineError],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        run("diarize", make(tmp_path), *(argument.format(tmp_path) for argument in arguments))


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path) -> None:
    audio, pipeline = write_wav(tmp_path / "a.wav"), make_pipeline(tmp_path / "p")
    for command in (("diarize", audio), ("replay", audio, "--diarize")):
        with pytest.raises((MissingExtraError, BaseExceptionGroup)) as caught:
            run(*command, "--pipeline", pipeline)
        assert "make diarize" in repr(caught.value) + str(getattr(caught.value, "fix", ""))


def test_options_of_diarization_need_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Add --diarize"):
        run("replay", write_wav(tmp_path / "a.wav"), "--speakers", "2")


@pytest.mark.anyio
async def test_a_mono_recording_is_played_as_two_sides_and_a_stereo_one_as_it_is(told: Told, tmp_path: Path) -> None:
    mono, stereo = write_wav(tmp_path / "m.wav"), write_wav(tmp_path / "s.wav", channels=2)
    with AudioFile(mono) as file:
        original = np.concatenate(list(file.blocks()), axis=1)[0]
    async with (
        RecognitionWorker(FakeRecognizer()) as recognition,
        DiarizedReplay.open([mono, stereo], Settings.load(), DiarizeOptions(speakers=2)) as replay,
    ):
        assert await replay.split(stereo, recognition, Language.ZH) == stereo
        played = await replay.split(mono, recognition, Language.ZH)
        assert inspect(played).channels == 2
        with AudioFile(played) as file:
            caller, agent = np.concatenate(list(file.blocks()), axis=1)
        assert told.asked == [2]
        np.testing.assert_array_equal(agent[from_s(0.5) : from_s(2)], original[from_s(0.5) : from_s(2)])
        np.testing.assert_array_equal(caller[from_s(2.5) : from_s(5)], original[from_s(2.5) : from_s(5)])
        assert not caller[: from_s(2)].any()
        assert not agent[from_s(2.5) : from_s(5)].any()
        told.answer = Diarization((TALK.turns[0],))
        assert await replay.split(mono, recognition, Language.ZH) == mono, "one speaker is the caller anyway"
    assert not played.exists()


@pytest.mark.anyio
async def test_stereo_alone_loads_no_pipeline(without_extra: None, tmp_path: Path) -> None:
    stereo = write_wav(tmp_path / "s.wav", channels=2)
    async with (
        DiarizedReplay.open([stereo], Settings.load(), DiarizeOptions(pipeline=tmp_path)) as replay,
        RecognitionWorker(FakeRecognizer()) as recognition,
    ):
        assert await replay.split(stereo, recognition, Language.ZH) == stereo


def test_sides_of_a_long_recording_are_written_block_by_block(tmp_path: Path) -> None:
    pcm = np.random.default_rng(0).uniform(-0.4, 0.4, from_s(65)).astype(np.float32)
    target = tmp_path / "sides.wav"
    write_sides(pcm, TALK, assign_parties(TALK), target)
    with AudioFile(target) as file:
        assert sum(block.shape[1] for block in file.blocks()) == len(pcm)


def test_an_evaluation_counts_what_pyannote_counts(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diarization_evaluation, "rate_by_pyannote", lambda _pairs, _collar: 0.25)
    late = Diarization.of(
        [SpeakerTurn(Span(turn.span.start + 800, turn.span.end), turn.speaker) for turn in TALK.turns]
    )
    for name, truth in (("a", TALK), ("b", late)):
        write_wav(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.rttm").write_text(format_rttm({name: truth}))
    manifest = tmp_path / "calls.jsonl"
    manifest.write_text("".join(f'{{"audio": "{name}.wav", "rttm": "{name}.rttm"}}\n' for name in "ab"))
    found = json.loads(run("evaluate", "diarization", "--manifest", manifest, "--json"))
    figures = {each["name"]: each for each in found["figures"]}
    speech = sum(turn.span.length for turn in (*TALK.turns, *late.turns))
    assert figures["der"]["value"] == pytest.approx(3 * 800 / speech)
    assert figures["false_alarm"]["value"] == figures["der"]["value"]
    assert figures["missed"]["value"] == figures["confusion"]["value"] == 0
    assert figures["der"]["low"] == 0
    assert figures["der"]["high"] == pytest.approx(3 * 800 / (speech / 2 - 1200))
    assert figures["speakers_right"]["value"] == 1
    assert found["by_recording"][0]["der"] == 0
    run("evaluate", "diarization", "--manifest", manifest, "--oracle", "--lang", "zh")
    assert told.asked == [None, None, 2, 2]


def test_a_list_with_mistakes_is_refused_line_by_line(told: Told, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav")
    write_wav(tmp_path / "s.wav", channels=2)
    write_wav(tmp_path / "b.wav")
    (tmp_path / "bad.rttm").write_text("SPEAKER a 1 zero 1 <NA> <NA> A <NA> <NA>\n")
    (tmp_path / "empty.rttm").write_text(";; nobody\n")
    (tmp_path / "good.rttm").write_text(format_rttm({"s": TALK}))
    manifest = tmp_path / "calls.jsonl"
    manifest.write_text(
        '{"audio": "a.wav", "rttm": "bad.rttm"}\n{"audio": "s.wav", "rttm": "good.rttm"}\n'
        '{"audio": "b.wav", "rttm": "empty.rttm"}\n{"audio": "b.wav"}\n'
    )
    with pytest.raises(ManifestError) as caught:
        run("evaluate", "diarization", "--manifest", manifest)
    for says in ("line 1: [diarization.rttm] Line 1", "line 2: [audio.format]", "line 3: nobody speaks", "line 4"):
        assert says in str(caught.value)
    with pytest.raises(ManifestError, match="no line that can be used"):
        run("evaluate", "diarization", "--manifest", manifest, "--skip-broken")
    assert issubclass(RttmError, WarmlineError)
