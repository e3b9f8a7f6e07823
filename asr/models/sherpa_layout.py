"""What a folder must hold for sherpa-onnx, down to the metadata of its networks.

The native code trusts its models: a missing entry ends the process, a step of zero divides by it, a symbol without a
line in tokens.txt throws in the middle of a call. What it takes for granted is checked here, before it is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from asr.models.onnx_header import OnnxHeader, read_header
from voice.contracts.errors import ModelCorruptError, ModelMissingError

TOKENS: Final = "tokens.txt"
MEL_BINS: Final = 80
LFR_WINDOW: Final = 7
LFR_SHIFT: Final = 6
"""Frames of 10 ms that Paraformer and SenseVoice stack, and by how many they advance. sherpa-onnx cuts Paraformer's
chunks of 610 ms to fit exactly these."""

SENSE_VOICE_LANGUAGES: Final = ("auto", "zh", "en", "ja", "ko", "yue")
MAX_TOKENS_BYTES: Final = 16 << 20

_SPACES: Final = re.compile(r"[ \t]+")

_LISTS: Final = {
    "zipformer": ("encoder_dims", "attention_dims", "num_encoder_layers", "cnn_module_kernels", "left_context_len"),
    "zipformer2": (
        "encoder_dims",
        "query_head_dims",
        "value_head_dims",
        "num_heads",
        "num_encoder_layers",
        "cnn_module_kernels",
        "left_context_len",
    ),
}


class SherpaKind(StrEnum):
    """Families of models that are loaded."""

    ZIPFORMER = "zipformer"
    PARAFORMER = "paraformer"
    SENSE_VOICE = "sense_voice"


@dataclass(frozen=True, slots=True)
class SherpaFiles:
    """A model whose files were checked.

    Attributes:
        kind: the family.
        networks: by role: `encoder`, `decoder`, `joiner` or `model`.
        tokens: the table of symbols.
        model_type: as the encoder names itself, for example `zipformer2`.
    """

    kind: SherpaKind
    networks: dict[str, Path]
    tokens: Path
    model_type: str


def check_sherpa(folder: Path) -> SherpaFiles:
    """Find the files of a model in a folder and check what they say of themselves.

    Where a network lies there in both precisions, the 8-bit one is taken; only the transducer's decoder, which gains
    nothing from 8 bits, is taken in 32.

    Raises:
        ModelMissingError: the folder or a file is not there.
        ModelCorruptError: a file is damaged, of another kind, or of a version that is not understood.
    """
    kind = detect_kind(folder)
    if kind is None:
        raise ModelMissingError(
            f"A sherpa-onnx model folder holds {TOKENS} beside encoder*.onnx, decoder*.onnx and joiner*.onnx "
            "(Zipformer), encoder*.onnx and decoder*.onnx (Paraformer) or model*.onnx (SenseVoice); "
            f"{folder} does not.",
            fix=f"Run: warmline models pull {folder.name}",
        )
    tokens = folder / TOKENS
    if not tokens.is_file():
        raise ModelMissingError(f"{folder} lacks {TOKENS}.", fix=f"Run: warmline models pull {folder.name}")
    match kind:
        case SherpaKind.ZIPFORMER:
            return _check_zipformer(folder, tokens)
        case SherpaKind.PARAFORMER:
            return _check_paraformer(folder, tokens)
        case SherpaKind.SENSE_VOICE:
            return _check_sense_voice(folder, tokens)


def detect_kind(folder: Path) -> SherpaKind | None:
    """The family that a folder's file names tell, None for none."""
    encoder, decoder, joiner, model = (_pick(folder, role) for role in ("encoder", "decoder", "joiner", "model"))
    if encoder and decoder:
        return SherpaKind.ZIPFORMER if joiner else SherpaKind.PARAFORMER
    return SherpaKind.SENSE_VOICE if model else None


def read_symbols(tokens: Path) -> dict[int, str]:
    """The table of symbols, by number.

    Raises:
        ModelCorruptError: a line is not a symbol and a number.
    """
    if tokens.stat().st_size > MAX_TOKENS_BYTES:
        raise ModelCorruptError(f"{tokens} is larger than any table of symbols.")
    try:
        # Some symbols are line or paragraph separators of Unicode, so only real ends of lines count.
        lines = tokens.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ModelCorruptError(f"{tokens} is not UTF-8 text.") from error
    table: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        parts = _SPACES.split(line.strip(" \t\r"))
        if len(parts) > 2 or not (parts[-1].isascii() and parts[-1].isdecimal()):
            raise ModelCorruptError(f"{tokens}, line {number}: a line is a symbol and its number; got {line[:40]!r}.")
        # A symbol that is itself a space leaves the number alone.
        table.setdefault(int(parts[-1]), parts[0] if len(parts) == 2 else " ")
    return table


def _check_zipformer(folder: Path, tokens: Path) -> SherpaFiles:
    networks = {
        "encoder": _require(folder, "encoder"),
        "decoder": _require(folder, "decoder", int8=False),
        "joiner": _require(folder, "joiner"),
    }
    encoder, decoder, joiner = (_Network(path) for path in networks.values())
    model_type = encoder.text("model_type", tuple(_LISTS))
    stacks = {key: encoder.integers(key) for key in _LISTS[model_type]}
    if len({len(values) for values in stacks.values()}) != 1:
        raise encoder.wrong(f"its lists {', '.join(stacks)} differ in length")
    chunk, shift = encoder.integer("T"), encoder.integer("decode_chunk_len")
    if not 0 < shift <= chunk:
        raise encoder.wrong(f"it advances by {shift} frames over chunks of {chunk}")
    layers = sum(stacks["num_encoder_layers"])
    states = 6 * layers + 2 if model_type == "zipformer2" else 7 * len(stacks["encoder_dims"])
    encoder.expect(1 + states, 1 + states)
    decoder.expect(1, 1)
    joiner.expect(2, 1)
    decoder.integer("context_size")
    _check_symbols(tokens, decoder.integer("vocab_size"))
    return SherpaFiles(SherpaKind.ZIPFORMER, networks, tokens, model_type)


def _check_paraformer(folder: Path, tokens: Path) -> SherpaFiles:
    networks = {"encoder": _require(folder, "encoder"), "decoder": _require(folder, "decoder")}
    encoder, decoder = (_Network(path) for path in networks.values())
    encoder.text("model_type", ("paraformer",), optional=True)
    encoder.check_stacking()
    encoder.integer("encoder_output_size")
    encoder.integer("decoder_kernel_size")
    blocks = encoder.integer("decoder_num_blocks")
    encoder.expect(2, 3)
    decoder.expect(4 + blocks, 2 + blocks)
    _check_symbols(tokens, encoder.integer("vocab_size"))
    return SherpaFiles(SherpaKind.PARAFORMER, networks, tokens, "paraformer")


def _check_sense_voice(folder: Path, tokens: Path) -> SherpaFiles:
    networks = {"model": _require(folder, "model")}
    (model,) = (_Network(path) for path in networks.values())
    model.text("model_type", ("sense_voice_ctc",))
    if "Nano" in model.header.metadata.get("comment", ""):
        raise model.wrong("it is Fun-ASR-Nano, another model in the same wrapping")
    if model.integer("version") < 2:
        raise model.wrong("version 1 was quantised in a way that the runtime computes wrongly; version 2 is needed")
    model.check_stacking()
    for key in ("normalize_samples", "with_itn", "without_itn", *(f"lang_{name}" for name in SENSE_VOICE_LANGUAGES)):
        model.integer(key, least=0)
    model.expect(4, 1)
    _check_symbols(tokens, model.integer("vocab_size"))
    return SherpaFiles(SherpaKind.SENSE_VOICE, networks, tokens, "sense_voice_ctc")


class _Network:
    """A network's header with checks that say which file is meant."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: OnnxHeader = read_header(path)

    def wrong(self, what: str) -> ModelCorruptError:
        return ModelCorruptError(
            f"{self.path} cannot be used: {what}.", fix=f"Run: warmline models pull {self.path.parent.name}"
        )

    def text(self, key: str, allowed: Sequence[str], *, optional: bool = False) -> str:
        got = self.header.metadata.get(key)
        if got is None and optional:
            return allowed[0]
        if got is None or got not in allowed:
            raise self.wrong(f"its metadata should name {key} {' or '.join(allowed)}; got {got!r}")
        return got

    def integer(self, key: str, *, least: int = 1) -> int:
        values = self.integers(key, least=least)
        if len(values) != 1:
            raise self.wrong(f"its metadata should give one number for {key}; got {len(values)}")
        return values[0]

    def integers(self, key: str, *, least: int = 1) -> list[int]:
        """A list of whole numbers.

        Raises:
            ModelCorruptError: it is missing, or a part of it is no number or less than `least`.
        """
        got = self.header.metadata.get(key, "")
        try:
            values = [int(part) for part in got.split(",")]
        except ValueError:
            values = []
        if not values or min(values) < least or max(values) >= 1 << 31:
            raise self.wrong(f"its metadata should give whole numbers from {least} up for {key}; got {got[:40]!r}")
        return values

    def check_stacking(self) -> None:
        """Frames are stacked and normalised as sherpa-onnx does it."""
        window, shift = self.integer("lfr_window_size"), self.integer("lfr_window_shift")
        if (window, shift) != (LFR_WINDOW, LFR_SHIFT):
            raise self.wrong(f"it stacks {window} frames every {shift}; {LFR_WINDOW} every {LFR_SHIFT} are understood")
        for key in ("neg_mean", "inv_stddev"):
            try:
                count = len([float(part) for part in self.header.metadata.get(key, "").split(",")])
            except ValueError:
                count = 0
            if count != MEL_BINS * LFR_WINDOW:
                raise self.wrong(f"its metadata should give {MEL_BINS * LFR_WINDOW} numbers for {key}; got {count}")

    def expect(self, inputs: int, outputs: int) -> None:
        got = len(self.header.inputs), len(self.header.outputs)
        if got != (inputs, outputs):
            raise self.wrong(
                f"it should have {inputs} inputs and {outputs} outputs by its metadata; it has {got[0]} and {got[1]}"
            )


def _check_symbols(tokens: Path, size: int) -> None:
    table = read_symbols(tokens)
    missing = next((number for number in range(size) if number not in table), None)
    if missing is not None:
        raise ModelCorruptError(
            f"{tokens} belongs to another model: it should name {size} symbols and lacks number {missing}.",
            fix=f"Run: warmline models pull {tokens.parent.name}",
        )


def _require(folder: Path, role: str, *, int8: bool = True) -> Path:
    path = _pick(folder, role, int8=int8)
    if path is None:
        raise ModelMissingError(f"{folder} lacks {role}*.onnx.", fix=f"Run: warmline models pull {folder.name}")
    return path


def _pick(folder: Path, role: str, *, int8: bool = True) -> Path | None:
    """The file of a role in the precision wanted, else in the other."""
    found = sorted(path for path in folder.glob(f"{role}*.onnx") if path.is_file())
    preferred = [path for path in found if path.name.endswith(".int8.onnx") is int8]
    return next(iter(preferred or found), None)
