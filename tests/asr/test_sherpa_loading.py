"""Models for sherpa-onnx that are damaged, of another kind or version, or too large: typed errors.

The process lives on, which the native code alone does not grant.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from asr.sherpa import load_sherpa
from asr.types import Language
from tests.asr.tiny_sherpa import build_paraformer, build_sense_voice, build_zipformer
from voice.contracts.errors import ModelCorruptError, ModelError, ModelMissingError


def bent(folder: Path, file: str, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A model folder with one of its networks changed."""
    (path,) = folder.glob(file)
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return folder


def without(key: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        kept = [entry for entry in model.metadata_props if entry.key != key]
        del model.metadata_props[:]
        model.metadata_props.extend(kept)

    return change


def with_value(key: str, value: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        without(key)(model)
        model.metadata_props.add(key=key, value=value)

    return change


@pytest.mark.parametrize(
    ("build", "file", "key"),
    [
        (build_zipformer, "encoder*", "model_type"),
        (build_zipformer, "encoder*", "decode_chunk_len"),
        (build_zipformer, "encoder*", "left_context_len"),
        (build_zipformer, "decoder*", "context_size"),
        (build_zipformer, "decoder*", "vocab_size"),
        (build_paraformer, "encoder*", "lfr_window_shift"),
        (build_paraformer, "encoder*", "neg_mean"),
        (build_paraformer, "encoder*", "decoder_num_blocks"),
        (build_sense_voice, "model*", "model_type"),
        (build_sense_voice, "model*", "version"),
        (build_sense_voice, "model*", "lang_yue"),
        (build_sense_voice, "model*", "inv_stddev"),
    ],
)
def test_metadata_that_lacks_an_entry_is_refused_and_the_process_lives(
    tmp_path: Path, build: Callable[[Path], Path], file: str, key: str
) -> None:
    """Left to itself the native code ends the process with 255 over each of these."""
    with pytest.raises(ModelCorruptError, match=f"its metadata should .* {key}"):
        load_sherpa(bent(build(tmp_path / "m"), file, without(key)), [Language.ZH])


@pytest.mark.parametrize(
    ("build", "file", "key", "value", "message"),
    [
        (build_zipformer, "encoder*", "model_type", "lstm", "model_type zipformer or zipformer2; got 'lstm'"),
        (build_zipformer, "encoder*", "encoder_dims", "4,x", "whole numbers .* got '4,x'"),
        (build_zipformer, "encoder*", "num_heads", "1,1", "differ in length"),
        (build_zipformer, "encoder*", "num_encoder_layers", "2", "should have 15 inputs .* it has 9"),
        (build_zipformer, "encoder*", "decode_chunk_len", "46", "advances by 46 frames over chunks of 45"),
        (build_zipformer, "decoder*", "vocab_size", "-3", "whole numbers from 1"),
        (build_zipformer, "decoder*", "vocab_size", "99", "should name 99 symbols and lacks number"),
        (build_paraformer, "encoder*", "lfr_window_shift", "0", "whole numbers from 1"),
        (build_paraformer, "encoder*", "lfr_window_size", "5", "stacks 5 frames every 6"),
        (build_paraformer, "encoder*", "neg_mean", "1,2,3", "560 numbers for neg_mean; got 3"),
        (build_paraformer, "encoder*", "model_type", "zipformer2", "model_type paraformer"),
        (build_sense_voice, "model*", "version", "1", "version 2 is needed"),
        (build_sense_voice, "model*", "comment", "Fun-ASR-Nano", "another model in the same wrapping"),
        (build_sense_voice, "model*", "model_type", "paraformer", "sense_voice_ctc; got 'paraformer'"),
    ],
)
def test_a_model_of_another_kind_or_version_is_refused(
    tmp_path: Path, build: Callable[[Path], Path], file: str, key: str, value: str, message: str
) -> None:
    with pytest.raises(ModelCorruptError, match=message):
        load_sherpa(bent(build(tmp_path / "m"), file, with_value(key, value)), [Language.ZH])


@pytest.mark.parametrize(
    ("build", "file", "message"),
    [
        (build_zipformer, "tokens.txt", "lacks tokens.txt"),
        (build_zipformer, "decoder*", "A sherpa-onnx model folder holds"),
        (build_paraformer, "encoder*", "A sherpa-onnx model folder holds"),
        (build_sense_voice, "model*", "A sherpa-onnx model folder holds"),
    ],
)
def test_a_folder_that_lacks_a_file(tmp_path: Path, build: Callable[[Path], Path], file: str, message: str) -> None:
    folder = build(tmp_path / "m")
    next(folder.glob(file)).unlink()
    with pytest.raises(ModelMissingError, match=message):
        load_sherpa(folder, [Language.ZH])


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="warmline models pull nothing"):
        load_sherpa(tmp_path / "nothing", [Language.ZH])


def test_a_zipformer_without_its_joiner_is_no_paraformer(tmp_path: Path) -> None:
    folder = build_zipformer(tmp_path / "m")
    next(folder.glob("joiner*")).unlink()
    with pytest.raises(ModelCorruptError, match="model_type paraformer; got 'zipformer2'"):
        load_sherpa(folder, [Language.ZH])


@pytest.mark.parametrize("damage", ["empty", "half", "page", "noise"])
@pytest.mark.parametrize("build", [build_zipformer, build_paraformer, build_sense_voice])
def test_a_damaged_network_is_refused(tmp_path: Path, build: Callable[[Path], Path], damage: str) -> None:
    folder = build(tmp_path / "m")
    path = next(path for path in sorted(folder.glob("*.onnx"), reverse=True) if "decoder" not in path.name)
    raw = path.read_bytes()
    noise = np.random.default_rng(3).bytes(len(raw))
    path.write_bytes({"empty": b"", "half": raw[: len(raw) // 2], "page": b"<html>No</html>", "noise": noise}[damage])
    with pytest.raises(ModelCorruptError):
        load_sherpa(folder, [Language.ZH])


def test_a_network_that_only_its_header_vouches_for_is_refused(tmp_path: Path) -> None:
    """Metadata, inputs and outputs are right; the weights do not fit together, which only decoding shows."""

    def spoil(model: onnx.ModelProto) -> None:
        for weights in model.graph.initializer:
            if list(weights.dims) == [80, 4]:
                weights.dims[0] = 40
                weights.raw_data = weights.raw_data[: len(weights.raw_data) // 2]
        for value in model.graph.input[0].type.tensor_type.shape.dim:
            value.Clear()

    with pytest.raises(ModelCorruptError):
        load_sherpa(bent(build_zipformer(tmp_path / "m"), "encoder*", spoil), [Language.ZH])


def test_a_failure_that_sense_voice_hides_is_told(tmp_path: Path) -> None:
    """The native code catches the runtime's errors there and answers with an empty result."""

    def spoil(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            if node.output[0] == "in_style":
                node.input[1] = "text_norm"

    with pytest.raises(ModelCorruptError, match="loads but cannot recognize"):
        load_sherpa(bent(build_sense_voice(tmp_path / "m"), "model*", spoil), [Language.ZH])


@pytest.mark.parametrize("line", ["我", "我 x", "我 3 4", "", "我 -1", "我 ²"])
def test_a_table_of_symbols_with_a_broken_line(tmp_path: Path, line: str) -> None:
    folder = build_paraformer(tmp_path / "m")
    table = (folder / "tokens.txt").read_text("utf-8")
    (folder / "tokens.txt").write_text(f"{line}\n{table}", encoding="utf-8")
    with pytest.raises(ModelCorruptError, match=r"tokens\.txt, line 1"):
        load_sherpa(folder, [Language.ZH])


def test_too_little_memory_is_told_as_such(tmp_path: Path) -> None:
    """A model of 80 MB where the process may take 60 MB more."""

    def weigh_down(model: onnx.ModelProto) -> None:
        ballast = numpy_helper.from_array(np.zeros(20_000_000, dtype=np.float32), "ballast")
        model.graph.initializer.append(ballast)
        model.graph.node.append(helper.make_node("ReduceSum", ["ballast"], ["weight"], keepdims=0))
        (last,) = (node for node in model.graph.node if node.output[0] == "logits")
        last.output[0] = "light"
        model.graph.node.append(helper.make_node("Add", ["light", "weight"], ["logits"]))

    folder = bent(build_sense_voice(tmp_path / "m"), "model*", weigh_down)
    script = f"""
        import resource
        from pathlib import Path
        from asr.sherpa import load_sherpa
        from asr.types import Language
        from voice.contracts.errors import ModelError

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        limit = pages * resource.getpagesize() + (60 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            load_sherpa(Path({str(folder)!r}), [Language.ZH])
        except ModelError as error:
            print(error.code, error)
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=120
    )
    assert told.stdout.startswith("model.error Memory does not suffice for sherpa/m.")


def test_sense_voice_refuses_a_language_it_does_not_know(tmp_path: Path) -> None:
    class Klingon(str):
        __slots__ = ()

    with pytest.raises(ModelError, match="recognizes en, ko, zh; got tlh"):
        load_sherpa(build_sense_voice(tmp_path / "m"), [Klingon("tlh")])  # type: ignore[list-item]  # no Language
