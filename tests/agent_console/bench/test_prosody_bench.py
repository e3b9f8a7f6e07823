"""`warmline bench prosody`: its truth is true, its peers are asked fairly, its document is complete."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent_console import bench_cli
from agent_console.bench import prosody_peers
from agent_console.bench.figures import document
from agent_console.bench.prosody import measure_prosody
from agent_console.bench.prosody_f0 import CONDITIONS, Scores, Tally, call_in, f0_table, score, score_all
from agent_console.bench.prosody_peers import PEERS, check_peers
from agent_console.bench.prosody_speech import Speech, Utterance, read_speech
from agent_console.bench.prosody_trackers import (
    LINE_RATE,
    Track,
    Tracker,
    own_tracker,
    peer_trackers,
    to_line,
)
from agent_console.bench.prosody_truth import (
    Reference,
    babble_of,
    speak_by_glottis,
    speak_by_world,
    take_apart,
    telephone,
)
from voice.audio.telephone import through_telephone
from voice.contracts.audio import SAMPLE_RATE
from voice.contracts.errors import AudioFormatError, ManifestError, MissingExtraError


@pytest.fixture(scope="module")
def peers() -> None:
    """Everything that is compared with; skips where it is not installed, but fails where CI=true."""
    missing = [module for module in PEERS if find_spec(module) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"CI installs the peers; missing: {missing}")
    if missing:
        pytest.skip(f"no {', '.join(missing)} (run: make peers)")


@pytest.fixture(scope="module")
def small() -> Speech:
    """One utterance of each of the two wideband voices, and one more."""
    speech = read_speech(None, 11)
    return Speech("two voices", (speech.utterances[0], speech.utterances[8], speech.utterances[1]), is_own=False)


@pytest.fixture(scope="module")
def truths(peers: None, small: Speech) -> dict[str, list[Reference]]:
    anatomies = [take_apart(utterance) for utterance in small.utterances]
    return {
        "world": [speak_by_world(anatomy) for anatomy in anatomies],
        "glottal": [speak_by_glottis(anatomy, seed) for seed, anatomy in enumerate(anatomies)],
    }


def flat(f0_hz: float, frames: int, *, audible: bool = True) -> Reference:
    pcm = np.zeros(frames * 80, np.float32)
    return Reference("anna", pcm, np.full(frames, f0_hz), np.full(frames, audible))


def every_10_ms(values: list[float]) -> Track:
    return Track(np.arange(len(values)) * np.float64(0.01), np.array(values, np.float64))


def test_frames_are_counted_by_what_they_are() -> None:
    track = every_10_ms([100, 119, 121, 79, 200, 0, 0, 100])
    assert score(track, flat(100, 16)) == Tally(voiced=8, missed=2, gross=3)
    assert score(track, flat(0, 16)) == Tally(unvoiced=8, false_alarms=6)
    assert score(track, flat(100, 16, audible=False)) == Tally()
    tally = Tally(voiced=8, missed=2, gross=3, unvoiced=4, false_alarms=1)
    assert (tally.gross_error, tally.miss, tally.false_alarm) == (50, 25, 25)
    assert (Tally().gross_error, Tally().miss, Tally().false_alarm) == (0, 0, 0)


def test_frames_beyond_the_end_count_for_nobody() -> None:
    assert score(every_10_ms([100.0] * 20), flat(100, 16)).voiced == 8


def test_the_truth_is_read_between_its_frames_but_not_across_silence() -> None:
    truth = Reference("anna", np.zeros(400, np.float32), np.array([100, 110, 0, 0, 200.0]), np.ones(5, np.bool_))
    f0_hz, counts = truth.at(np.array([0.0, 0.0025, 0.006, 0.009, 0.019, 0.03]))
    assert f0_hz[:5].tolist() == pytest.approx([100, 105, 110, 0, 200])
    assert counts.tolist() == [True] * 5 + [False]


def test_a_figure_pools_frames_and_ranges_over_speakers() -> None:
    scores = Scores({"anna": Tally(voiced=10, missed=1), "ben": Tally(voiced=90, missed=45)})
    figure = scores.figure("f0_miss_clean", lambda tally: tally.miss, scores.total.voiced)
    assert (figure.value, figure.lowest, figure.highest, figure.n) == (46, 10, 50, 100)


@pytest.mark.parametrize("reference", ["world", "glottal"])
def test_what_is_spoken_has_the_f0_it_was_given(truths: dict[str, list[Reference]], reference: str) -> None:
    """Wideband and clean, where every tracker is good, all agree with the truth: it is what sounds."""
    wideband = [np.asarray(truth.pcm) for truth in truths[reference]]
    lines = [to_line(low_passed(pcm)) for pcm in wideband]
    for name in ("rapt", "praat"):
        total = score_all(peer_trackers()[name], truths[reference], lines).total
        assert total.voiced > 300
        assert total.gross_error < 1.5, name
        assert total.miss < 12, name
    assert score_all(own_tracker, truths[reference], lines).total.gross_error < 1.5


@pytest.mark.parametrize("name", ["ours", "rapt", "praat", "pyin", "opensmile"])
def test_each_tracker_is_asked_at_the_time_it_speaks_of(peers: None, name: str) -> None:
    """On a tone whose pitch rises and falls, no other time fits clearly better."""
    tracker: Tracker = own_tracker if name == "ours" else peer_trackers()[name]
    time = np.arange(4 * LINE_RATE) / LINE_RATE
    f0_hz = 160 * np.exp2(0.5 * np.sin(2 * np.pi * 1.5 * time))
    phase = 2 * np.pi * np.cumsum(f0_hz) / LINE_RATE
    tone = sum(np.where(k * f0_hz < 3400, np.cos(k * phase) / k, 0) for k in range(1, 40))
    track = tracker((0.2 * tone / np.abs(tone).max()).astype(np.float32))
    heard = track.f0_hz > 0
    assert heard.mean() > 0.9

    def distance(shift_s: float) -> float:
        truth = np.interp(track.times_s[heard] + shift_s, time, f0_hz)
        return float(np.median(np.abs(np.log2(track.f0_hz[heard] / truth))))

    shifts = np.arange(-0.012, 0.0121, 0.001)
    assert abs(shifts[np.argmin([distance(shift) for shift in shifts])]) <= 0.002


@pytest.mark.parametrize("snr_db", [20.0, 5.0])
def test_noise_is_as_loud_as_it_says(truths: dict[str, list[Reference]], small: Speech, snr_db: float) -> None:
    truth = truths["world"][0]
    clean, noisy = (telephone(truth, small.utterances, snr, 1).astype(np.float64) for snr in (None, snr_db))
    spoken = np.repeat(truth.audible, 40)[: len(clean)]
    speech, noise = clean[: len(spoken)][spoken], (noisy - clean)
    measured = 10 * np.log10(np.mean(speech**2) / np.mean(noise**2))
    assert measured == pytest.approx(snr_db, abs=1.5)


def test_the_same_seed_gives_the_same_noise(small: Speech) -> None:
    once, again, other = (babble_of(small.utterances, 16_000, seed) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert np.abs(np.corrcoef(once, other)[0, 1]) < 0.5
    assert np.mean(once**2) == pytest.approx(1)


def test_a_line_is_half_as_fast(small: Speech) -> None:
    pcm = small.utterances[0].pcm
    assert len(to_line(through_telephone(pcm))) == math.ceil(len(pcm) / 2)


def test_silence_is_no_truth_and_no_failure(peers: None) -> None:
    anatomy = take_apart(Utterance("anna", np.zeros(SAMPLE_RATE, np.float32)))
    for truth in (speak_by_world(anatomy), speak_by_glottis(anatomy, 1)):
        lines = call_in([truth], 10.0)
        assert np.isfinite(lines[0]).all()
        assert score(own_tracker(lines[0]), truth).voiced == 0


@pytest.mark.slow
def test_the_document_is_complete_and_our_pitch_is_no_worse_than_rapts(peers: None) -> None:
    steps: list[str] = []
    figures, about = measure_prosody(None, utterances=2, rounds=1, report=steps.append)
    content = document("prosody", figures, about)
    by_name = {figure["name"]: figure for figure in content["figures"]}
    assert len(by_name) == len(figures)
    trackers = ("", "_rapt", "_praat", "_pyin", "_opensmile")
    expected = {
        f"f0_{measure}_{condition}{tracker}"
        for measure in ("gross_error", "miss")
        for condition in ("clean", "20db", "10db", "5db")
        for tracker in trackers
    } | {
        "cpu_ratio_vs_opensmile_8k",
        "cpu_ratio_vs_opensmile_16k",
        "cpu_ratio_vs_librosa_pyin",
        "cpu_ratio_vs_librosa_yin",
        "utterance_3s_cpu_ms",
    }
    assert expected <= by_name.keys()
    assert all(math.isfinite(figure[key]) for figure in by_name.values() for key in ("value", "min", "max"))
    assert all(figure["min"] <= figure["value"] <= figure["max"] for figure in by_name.values())
    for name in expected:
        has_target = name.startswith("cpu") or name.endswith(("ms", *(condition for condition, _ in CONDITIONS)))
        assert (by_name[name]["target"] is not None) == has_target, name
    assert about["utterances"] == 2
    assert "sample calls" in about["speech"]
    assert set(about["peers"]) == set(PEERS.values())
    assert steps
    assert f0_table(figures).row_count == 8
    for prefix in ("", "glottal_"):
        ours, rapt = (
            sum(by_name[f"{prefix}f0_gross_error_{condition}{suffix}"]["value"] for condition, _ in CONDITIONS)
            for suffix in ("", "_rapt")
        )
        assert ours <= rapt


def test_missing_peers_are_named_with_the_way_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> object:
        return None if module in ("pysptk", "opensmile") else object()

    monkeypatch.setattr(prosody_peers, "find_spec", absent)
    with pytest.raises(MissingExtraError, match=r"openSMILE, RAPT \(pysptk\)\. Run: make peers"):
        check_peers()
    result = CliRunner().invoke(bench_cli.app, ["prosody", "--json"])
    assert isinstance(result.exception, MissingExtraError)
    assert not result.stdout


def test_speakers_take_turns(tmp_path: Path, write_speech: Callable[[Path, list[tuple[str, float]]], None]) -> None:
    write_speech(tmp_path / "one", [("anna", 2), ("anna", 2), ("anna", 1), ("ben", 9)])
    write_speech(tmp_path / "two", [("anna", 2)])
    speech = read_speech(tmp_path, 10)
    assert [utterance.speaker for utterance in speech.utterances] == ["one/anna", "one/ben", "two/anna", "one/anna"]
    assert [len(utterance.pcm) / SAMPLE_RATE for utterance in speech.utterances] == [2, 6, 2, 2]
    assert speech.speakers == 3
    assert len(read_speech(tmp_path / "one", 2).utterances) == 2
    assert [len(segment) / SAMPLE_RATE for segment in speech.segments(3.0, 10)] == [3, 3, 3]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("{", "line 1"),
        ('\n{"audio": "a.wav"}', "line 2"),
        ("[1]", "line 1"),
        ('{"audio": 3, "speaker": "anna"}', "line 1"),
        ("\xff", "line 1"),
    ],
)
def test_a_bad_manifest_is_refused_by_line(tmp_path: Path, manifest: str, message: str) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(manifest.encode("latin-1"))
    with pytest.raises(ManifestError, match=message):
        read_speech(tmp_path, 3)


def test_a_folder_without_speech_is_refused(
    tmp_path: Path, write_speech: Callable[[Path, list[tuple[str, float]]], None]
) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.jsonl"):
        read_speech(tmp_path, 3)
    write_speech(tmp_path, [("anna", 0.5)])
    with pytest.raises(AudioFormatError, match=r"at least 1\.2 s"):
        read_speech(tmp_path, 3)
    (tmp_path / "0.wav").unlink()
    with pytest.raises(ManifestError, match=r"line 1: there is no file 0\.wav"):
        read_speech(tmp_path, 3)


def test_the_peers_lock_adds_to_the_lock_and_changes_nothing(project: Path) -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (project / name).read_text("utf-8").splitlines()
        found = (re.match(r"([a-z0-9._-]+)==([^ ;\\]+)", line) for line in lines)
        return {match[1]: match[2] for match in found if match}

    lock, peers_lock = pins("requirements.lock"), pins("requirements-bench.lock")
    assert len(lock) > 50
    assert lock.items() <= peers_lock.items()
    assert {"opensmile", "pysptk", "pyworld"} <= peers_lock.keys() - lock.keys()


@pytest.fixture
def write_speech() -> Callable[[Path, list[tuple[str, float]]], None]:
    """Writes a folder of tones with a manifest: speaker and seconds of each."""

    def write(folder: Path, recordings: list[tuple[str, float]]) -> None:
        import soundfile

        folder.mkdir(exist_ok=True)
        lines = []
        for number, (speaker, seconds) in enumerate(recordings):
            time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
            soundfile.write(folder / f"{number}.wav", 0.1 * np.sin(2 * np.pi * 200 * time), SAMPLE_RATE)
            lines.append(json.dumps({"audio": f"{number}.wav", "speaker": speaker}))
        (folder / "manifest.jsonl").write_text("\n".join(lines))

    return write


def low_passed(pcm: np.ndarray) -> np.ndarray:
    """Nothing above 4 kHz, everything below."""
    spectrum = np.fft.rfft(pcm.astype(np.float64))
    spectrum[np.fft.rfftfreq(len(pcm), 1 / SAMPLE_RATE) > 3900] = 0
    return np.fft.irfft(spectrum, len(pcm)).astype(np.float32)
