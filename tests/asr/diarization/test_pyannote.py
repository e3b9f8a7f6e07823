"""What needs the extra: the pipeline on real speech and on what is no speech, its folder, and the closed network."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import yaml

from asr.diarization.diarizer import open_diarizer, rate_by_pyannote
from asr.diarization.mixtures import MixtureSettings, mix_conversation
from asr.diarization.rttm import read_recording_rttm
from asr.diarization.scoring import DiarizationErrors, score
from asr.diarization.types import Diarization, SpeakerTurn
from asr.diarization.voices import read_voices
from voice.audio.decode import AudioFile
from voice.audio.telephone import through_telephone
from voice.contracts.audio import Pcm, Span, from_s
from voice.contracts.errors import AudioFormatError, DiarizationError, ModelCorruptError, ModelMissingError

pytestmark = [pytest.mark.diarize, pytest.mark.filterwarnings("ignore")]
"""Warnings are those of PyTorch's world, at import and at load; ours are errors everywhere else."""


def heard(path: Path) -> Pcm:
    with AudioFile(path) as file:
        pcm: Pcm = np.concatenate(list(file.blocks()), axis=1)[0]
    return pcm


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuses every connection and every look-up of a name, and lists them."""
    tried: list[str] = []

    def refuse(*arguments: Any, **_: Any) -> NoReturn:
        tried.append(repr(arguments[-1]))
        raise OSError("the network is closed")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


def test_a_telephone_call_between_two_is_told_apart(diarizer: Any, sample_call: tuple[Path, Path]) -> None:
    audio, rttm = sample_call
    reference = read_recording_rttm(rttm, "sample")
    found = diarizer.diarize(heard(audio))
    assert len(found.speakers) == 2
    scored = score(reference, found)
    assert scored.errors.rate < 0.12
    assert set(scored.mapping.values()) == set(reference.speakers)
    assert rate_by_pyannote([(reference, found)]) == pytest.approx(scored.errors.rate, abs=1e-6)


def test_a_steep_line_does_not_make_one_voice_of_two(diarizer: Any, sample_call: tuple[Path, Path]) -> None:
    audio, rttm = sample_call
    scored = score(read_recording_rttm(rttm, "sample"), diarizer.diarize(through_telephone(heard(audio))))
    assert scored.errors.rate < 0.2, "without its low band 0.49"


def test_our_figures_are_those_of_pyannote_metrics(need_extra: None) -> None:
    rng = np.random.default_rng(4)

    def draw() -> Diarization:
        starts = rng.integers(0, 400_000, 25)
        return Diarization.of(
            [
                SpeakerTurn(Span(int(start), int(start) + int(rng.integers(800, 60_000))), "abcd"[rng.integers(4)])
                for start in starts
            ]
        )

    for collar in (0, 4_000):
        pairs = [(draw(), draw()) for _ in range(6)]
        errors = sum((score(real, found, collar=collar).errors for real, found in pairs), DiarizationErrors())
        assert rate_by_pyannote(pairs, collar) == pytest.approx(errors.rate, abs=2e-4 if collar else 1e-6)


def test_loading_and_diarizing_touch_no_network(
    pipeline_folder: Path, sample_call: tuple[Path, Path], no_network: list[str]
) -> None:
    found = open_diarizer(pipeline_folder, threads=1).diarize(heard(sample_call[0])[: from_s(10)])
    assert found.turns
    assert no_network == []


@pytest.mark.parametrize("speakers", [None, 2])
def test_what_is_no_speech_has_no_turns(diarizer: Any, speakers: int | None) -> None:
    rng = np.random.default_rng(0)
    for pcm in (
        np.zeros(0, np.float32),
        np.zeros(from_s(5), np.float32),
        rng.normal(0, 0.05, from_s(5)).astype(np.float32),
        (0.3 * np.sin(np.arange(from_s(5)) * 0.2)).astype(np.float32),
    ):
        assert diarizer.diarize(pcm, speakers=speakers).turns == ()


def test_short_and_single_voices_are_one_speaker(diarizer: Any, shared_data: Path) -> None:
    alone = heard(shared_data / "speech" / "aishell1-sample" / "BAC009S0150W0032.flac")
    assert len(diarizer.diarize(alone).speakers) == 1
    half = alone[len(alone) // 2 : len(alone) // 2 + from_s(0.5)]
    assert len(diarizer.diarize(half, speakers=2).speakers) <= 1
    clipped = np.sign(alone).astype(np.float32)
    assert all(turn.span.end <= len(alone) for turn in diarizer.diarize(clipped).turns)


def test_what_cannot_be_diarized_is_refused(diarizer: Any) -> None:
    with pytest.raises(AudioFormatError, match="mono"):
        diarizer.diarize(np.zeros((2, 16_000), np.float32))
    with pytest.raises(AudioFormatError, match="NaN"):
        diarizer.diarize(np.full(16_000, np.nan, np.float32))
    with pytest.raises(AudioFormatError, match="at most 6 h"):
        diarizer.diarize(np.broadcast_to(np.float32(0), (from_s(7 * 3600),)))
    with pytest.raises(DiarizationError, match="1 to 20 speakers; got 0"):
        diarizer.diarize(np.zeros(16_000, np.float32), speakers=0)


def make_published_folder(source: Path, folder: Path) -> None:
    """A folder of the same structure as pyannote.audio's community pipeline: VBx clustering, and a PLDA."""
    rng = np.random.default_rng(0)
    (folder / "plda").mkdir(parents=True)
    for part in ("segmentation", "embedding"):
        shutil.copytree(source / part, folder / part)
    lda = np.linalg.qr(rng.standard_normal((192, 128)))[0]
    np.savez(folder / "plda" / "xvec_transform.npz", mean1=np.zeros(192), mean2=np.zeros(128), lda=lda)
    psi = np.linspace(4.0, 0.2, 128)
    np.savez(folder / "plda" / "plda.npz", mu=np.zeros(128), tr=np.eye(128), psi=psi)
    config = {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {
            "name": "pyannote.audio.pipelines.SpeakerDiarization",
            "params": {
                "clustering": "VBxClustering",
                "segmentation": "$model/segmentation",
                "segmentation_batch_size": 8,
                "segmentation_step": 0.25,
                "embedding": "$model/embedding",
                "embedding_batch_size": 3,
                "embedding_exclude_overlap": True,
                "plda": "$model/plda",
            },
        },
        "params": {
            "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
            "segmentation": {"min_duration_off": 0.0},
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_a_folder_as_pyannote_publishes_them_is_loaded(
    pipeline_folder: Path, sample_call: tuple[Path, Path], tmp_path: Path, no_network: list[str]
) -> None:
    folder = tmp_path / "community"
    make_published_folder(pipeline_folder, folder)
    found = open_diarizer(folder, threads=1).diarize(heard(sample_call[0]), speakers=2)
    assert len(found.speakers) == 2
    assert no_network == []


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    change(config)
    path.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda c: c["pipeline"].update(name="subprocess.Popen"), ModelCorruptError, "should be pyannote.audio"),
        (lambda c: c.update(preprocessors={"x": {"name": "os.system"}}), ModelCorruptError, "preprocessors"),
        (lambda c: c["pipeline"]["params"].update(segmentation="pyannote/x"), ModelMissingError, "no model hub"),
        (lambda c: c["pipeline"]["params"].update(segmentation="$model/../.."), ModelMissingError, "no such folder"),
        (lambda c: c["pipeline"]["params"].update(embedding=7), ModelCorruptError, "embedding should be"),
        (lambda c: c["pipeline"]["params"].pop("embedding"), ModelCorruptError, "names no embedding"),
        (lambda c: c["pipeline"]["params"].update(clustering="Magic"), ModelCorruptError, "Magic|clustering"),
        (lambda c: c["pipeline"]["params"].update(nonsense=1), ModelCorruptError, "nonsense"),
        (lambda c: c.pop("params"), ModelCorruptError, "parameters open"),
        (lambda c: c.pop("pipeline"), ModelCorruptError, '"pipeline"'),
    ],
)
def test_a_description_that_asks_for_anything_else_is_refused(
    pipeline_folder: Path,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    error: type[Exception],
    says: str,
) -> None:
    folder = tmp_path / "p"
    make_published_folder(pipeline_folder, folder)
    edit(folder, change)
    with pytest.raises(error, match=says):
        open_diarizer(folder)


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"PK\x03\x04 and no more", b"\x00" * 4096])
@pytest.mark.parametrize(
    "name", ["segmentation/pytorch_model.bin", "embedding/campplus_cn_en_common.pt", "plda/plda.npz"]
)
def test_weights_that_are_broken_are_refused(pipeline_folder: Path, tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "p"
    make_published_folder(pipeline_folder, folder)
    (folder / name).write_bytes(content)
    with pytest.raises(ModelCorruptError):
        open_diarizer(folder)


class Malice:
    """Unpickled, it writes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("open('owned', 'w').close()",))


def test_weights_that_would_run_code_are_refused_and_do_not_run(
    pipeline_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = sys.modules.get("torch") or pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for name in ("segmentation/pytorch_model.bin", "embedding/campplus_cn_en_common.pt"):
        folder = tmp_path / name.partition("/")[0]
        make_published_folder(pipeline_folder, folder)
        torch.save({"state_dict": {}, "pyannote.audio": Malice()}, folder / name)
        with pytest.raises(ModelCorruptError):
            open_diarizer(folder)
        assert not (tmp_path / "owned").exists()


def test_a_few_steps_of_training_make_a_pipeline_that_loads(
    pipeline_folder: Path, shared_data: Path, tmp_path: Path
) -> None:
    from asr.diarization.neural.training import NetworkShape, save_pipeline, train

    voices = read_voices([shared_data / "speech" / "aishell1-sample"], most_each=4)
    shape = NetworkShape(hidden=8, layers=1, linear=8, duration_s=2.0)
    losses: list[float] = []
    model = train(voices, shape, steps=3, batch=2, told=lambda step: losses.append(step.loss))
    assert len(losses) == 3
    assert all(0 < loss < 5 for loss in losses)
    folder = tmp_path / "own"
    save_pipeline(model, shape, folder, pipeline_folder / "embedding")
    conversation = mix_conversation(voices, np.random.default_rng(0), MixtureSettings(length_s=8))
    found = open_diarizer(folder, threads=1).diarize(conversation.pcm)
    assert all(turn.span.end <= len(conversation.pcm) for turn in found.turns)
    (folder / "segmentation" / "model.json").write_text('{"sincnet": {"stride": 10}}')
    with pytest.raises(ModelCorruptError, match="do not fit together"):
        open_diarizer(folder)
