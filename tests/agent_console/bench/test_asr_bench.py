"""`warmline bench asr`: the bare loop is asked for the same work, nobody waits for what broke, and no figure lacks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from agent_console import bench_cli
from agent_console.bench.asr import measure_asr
from agent_console.bench.asr_bare import BareLoop, Chance, load_bare
from agent_console.bench.asr_costs import measure_cost
from agent_console.bench.asr_speech import LONGEST, Spoken, SpokenSet, read_spoken
from asr.fake import FakeRecognizer
from asr.models.entry import Engine
from asr.ports import HAND_OVER, PAUSE_HEARD, Recognizer, Utterance
from asr.sherpa import load_sherpa
from asr.types import Language
from asr.worker import RecognitionWorker
from tests.asr.tiny_sherpa import BUILDERS
from voice.contracts.audio import SAMPLE_RATE, Pcm, from_ms
from voice.contracts.errors import ManifestError, ModelError, ModelMissingError, UnknownEngineError

pytestmark = pytest.mark.anyio

COMMON = [
    "rtf_cpu_{}",
    "rtf_cpu_{}_4_streams",
    "final_after_speech_p50_ms_{}",
    "final_after_speech_p95_ms_{}",
    "final_after_sound_p95_ms_{}",
    "final_cpu_p95_ms_{}",
    "loop_stall_p99_ms_{}",
    "final_late_max_ms_{}_killed",
    "final_late_max_ms_{}_hung",
    "rss_mb_{}",
    "rss_per_stream_mb_{}",
]
BESIDE_BARE = ["overhead_ratio_vs_bare_{}", "overhead_ratio_vs_bare_{}_4_streams", "rtf_cpu_bare_{}"]


@pytest.fixture(scope="module")
def spoken() -> SpokenSet:
    return read_spoken(None, 13)


@pytest.fixture
def short_speech(tmp_path: Path, spoken: SpokenSet) -> Path:
    """A folder with the shortest Mandarin utterance, and the silence that ends it."""
    shortest = min((each.pcm for each in spoken.utterances if each.language is Language.ZH), key=len)
    folder = tmp_path / "speech"
    folder.mkdir()
    silence = np.zeros(SAMPLE_RATE, np.float32)
    soundfile.write(folder / "a.wav", np.concatenate([shortest, silence]), SAMPLE_RATE)
    (folder / "manifest.jsonl").write_text('{"audio": "a.wav", "lang": "zh", "text": "x"}\n\n', encoding="utf-8")
    return folder


class Recorder:
    """A loop that notes what it is asked for."""

    what: ClassVar[str] = "nothing"

    def __init__(self) -> None:
        self.asked: list[tuple[int, Language, list[Chance]]] = []

    def recognize(self, pcm: Pcm, language: Language, chances: Sequence[Chance]) -> str:
        self.asked.append((len(pcm), language, list(chances)))
        return "bare"


def ignore(step: str) -> None:
    """Nobody watches."""


def test_sample_calls_take_turns_in_both_languages_and_end_in_a_pause(spoken: SpokenSet) -> None:
    assert len(spoken.utterances) == 13
    assert {each.language for each in spoken.utterances[:11]} == {Language.ZH, Language.EN}
    assert all(from_ms(500) <= len(each.pcm) <= LONGEST for each in spoken.utterances)
    assert all(0 <= each.pause < len(each.pcm) for each in spoken.utterances)
    assert sum(each.pause == from_ms(560) for each in spoken.utterances) > 6  # the hang-over of a call


def test_a_folder_is_cut_the_same_way(short_speech: Path) -> None:
    found = read_spoken(short_speech, 5)
    assert found.source == str(short_speech)
    assert [each.language for each in found.utterances] == [Language.ZH]
    assert found.utterances[0].pause == from_ms(560)


@pytest.mark.parametrize(
    "line", ["{", "[1]", '{"audio": "a.wav"}', '{"audio": 3, "lang": "zh"}', '{"audio": "a.wav", "lang": "xx"}']
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "manifest.jsonl").write_text("\n" + line + "\n", encoding="utf-8")
    with pytest.raises(ManifestError, match="line 2"):
        read_spoken(tmp_path, 1)


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.jsonl"):
        read_spoken(tmp_path, 1)


@pytest.mark.parametrize("engine", ["auto", "whisper", "vosk", "sherpa", "whisper/none"])
async def test_no_model_is_said_with_what_mends_it(tmp_path: Path, engine: str) -> None:
    with pytest.raises(ModelMissingError) as caught:
        await measure_asr(tmp_path, None, engine=engine, utterances=1, threads=1, report=ignore)
    assert "warmline models pull" in str(caught.value.fix)


async def test_an_unknown_engine_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownEngineError, match="whisper"):
        await measure_asr(tmp_path, None, engine="wisper", utterances=1, threads=1, report=ignore)


@pytest.mark.parametrize("streams", [1, 4])
async def test_the_loop_gets_the_same_audio_and_the_same_partials(spoken: SpokenSet, streams: int) -> None:
    bare = Recorder()
    said = spoken.utterances[:4]
    groups = [said[start : start + streams] for start in range(0, 4, streams)]
    async with RecognitionWorker(FakeRecognizer(), threads=2) as worker:
        cost = await measure_cost(worker, bare, groups, 2)
    heard = [len(each.pcm) - max(0, each.pause - PAUSE_HEARD) for each in said]
    assert sorted(length for length, _, _ in bare.asked) == sorted(heard), "what the final hears, and no more"
    assert {language for _, language, _ in bare.asked} == {each.language for each in said}
    for length, _, chances in bare.asked:
        lengths = [chance.heard for chance in chances]
        assert lengths == sorted(set(lengths))
        assert all(each < length for each in lengths)
    if streams == 1:
        # Nothing competes: a hand-over loses its chance for a partial only where the next one comes before it.
        assert all(0 < len(chances) <= length // HAND_OVER for length, _, chances in bare.asked)
    assert any(chance.told for _, _, chances in bare.asked for chance in chances)
    assert cost.own > 0
    assert cost.bare is not None
    assert [text for _, text in cost.texts] == ["bare"] * 4


@pytest.mark.parametrize("breaks_at", ["begin", "accept", "partial"])
async def test_nobody_waits_for_an_engine_that_broke(spoken: SpokenSet, breaks_at: str) -> None:
    class Broken:
        name = "broken"
        languages = frozenset(Language)

        def begin(self, language: Language) -> Utterance:
            utterance = FakeRecognizer().begin(language)
            if breaks_at == "begin":
                raise ModelError("broken")

            def fail(*_: object) -> None:
                raise ModelError("broken")

            setattr(utterance, breaks_at, fail)
            return utterance

    broken: Recognizer = Broken()
    async with RecognitionWorker(broken, threads=1) as worker:
        with pytest.raises(ExceptionGroup) as caught:
            await measure_cost(worker, None, [spoken.utterances[:1]], 1)
    assert caught.group_contains(ModelError, match="broken")


@pytest.mark.parametrize("kind", list(BUILDERS))
def test_the_loop_over_sherpa_runs_each_kind_of_model(tmp_path: Path, spoken: SpokenSet, kind: str) -> None:
    folder = BUILDERS[kind](tmp_path / "tiny")
    own = load_sherpa(folder, [Language.ZH]).begin(Language.ZH)
    pcm = spoken.utterances[0].pcm[: SAMPLE_RATE * 2]
    own.accept(pcm)
    bare = load_bare(Engine.SHERPA, folder, [Language.ZH], 1)
    assert bare is not None
    text = bare.recognize(pcm, Language.ZH, [Chance(SAMPLE_RATE, True)])
    # Made-up models say made-up words; that both hear some or none is what can be compared.
    assert bool(text) == bool(own.finish().text)


@pytest.mark.model
def test_the_loop_over_whisper_hears_what_the_product_hears(
    need_model: Callable[[str], Path], spoken: SpokenSet
) -> None:
    bare = load_bare(Engine.WHISPER, need_model("whisper-base"), [Language.ZH], 1)
    assert bare is not None
    each = min((each for each in spoken.utterances if each.language is Language.EN), key=lambda each: len(each.pcm))
    assert _is_text(bare, each)


def _is_text(bare: BareLoop, spoken: Spoken) -> bool:
    text = bare.recognize(
        spoken.pcm, spoken.language, [Chance(len(spoken.pcm) // 2, True), Chance(len(spoken.pcm), False)]
    )
    return any(letter.isalpha() for letter in text)


@pytest.mark.slow
def test_the_document_is_whole_without_a_library(short_speech: Path) -> None:
    run = CliRunner().invoke(
        bench_cli.app, ["asr", "--engine", "fake", "--speech", str(short_speech), "--utterances", "1", "--json"]
    )
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    names = [figure["name"] for figure in found["figures"]]
    assert {name.format("fake") for name in COMMON} <= set(names)
    assert names[-1] == "loop_stall_p99_ms"
    assert not [name for name in names if "bare" in name]
    assert found["about"]["engines"]["fake"]["bare_loop"] is None


@pytest.mark.model
@pytest.mark.slow
async def test_every_figure_of_whisper_is_there_and_finite(
    need_model: Callable[[str], Path], short_speech: Path
) -> None:
    models = need_model("whisper-base").parent
    figures, about = await measure_asr(
        models, short_speech, engine="whisper/whisper-base", utterances=1, threads=1, rounds=1, report=ignore
    )
    names = [figure.name for figure in figures]
    assert {name.format("whisper") for name in [*COMMON, *BESIDE_BARE]} <= set(names)
    assert len(names) == len(set(names))
    assert all(math.isfinite(figure.value) and figure.lowest <= figure.highest for figure in figures)
    positive = [figure for figure in figures if not {"stream", "late", "lost"} & set(figure.name.split("_"))]
    assert all(figure.value > 0 for figure in positive)
    targets = {figure.name: str(figure.target) for figure in figures if figure.target}
    assert targets == {
        "overhead_ratio_vs_bare_whisper": "<= 1.15",
        "overhead_ratio_vs_bare_whisper_4_streams": "<= 1.15",
        "final_after_speech_p95_ms_whisper": "<= 900",
        "final_late_max_ms_whisper_killed": "<= 2000",
        "final_late_max_ms_whisper_hung": "<= 2000",
        "words_lost_whisper_killed": "<= 0",
        "words_lost_whisper_hung": "<= 0",
        "loop_stall_p99_ms": "<= 20",
    }
    engine = about["engines"]["whisper"]
    assert engine["speech_is_in_its_languages"]
    assert engine["texts_alike"] == [1, 1]
    assert engine["finals_whole_after_kill"] == engine["finals_whole_after_hang"] == [1, 1]
