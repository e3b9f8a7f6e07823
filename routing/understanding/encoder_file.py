"""The file of a 4-bit sentence encoder: header, pieces, and tensors by name.

Little endian: `E5S1`, version, seven sizes, the norms' epsilon, the block size; the unigram model of pieces and its
table of rewritten characters; a directory of tensors (name, kind, values, offset, bytes). A 4-bit tensor is blocks of
32 values as `Q4_0` of ggml has them: a float16 scale and 16 bytes, value j in the low and j + 16 in the high half of
byte j, less 8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.understanding.pieces import Pieces
from voice.contracts.errors import ModelCorruptError

MAGIC: Final = b"E5S1"
BLOCK: Final = 32
BLOCK_BYTES: Final = 18
FLOATS: Final = 0
BLOCKS: Final = 1
PENALTY: Final = 10.0
"""How much less probable than the rarest piece a character is that no piece covers; as SentencePiece has it."""

_MOST_PIECES: Final = 1_000_000
_MOST_TENSORS: Final = 10_000

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A 4-bit matrix whose rows are unpacked when they are needed; blocks of shape (rows, blocks, 18)."""

    blocks: NDArray[np.uint8]

    def rows(self, numbers: Sequence[int]) -> Floats:
        """Some rows, shape (len(numbers), size)."""
        return _unpack(self.blocks[list(numbers)]).reshape(len(numbers), -1)


class EncoderFile:
    """The file's content, checked as far as reading it needs.

    Raises:
        ModelCorruptError: it is not in this form, or a number in it cannot be right.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0
        if data[: len(MAGIC)] != MAGIC:
            raise ModelCorruptError(f"expected a file that begins with {MAGIC.decode()}; got {data[:4]!r}.")
        self._place = len(MAGIC)
        try:
            self._read_head()
            self._pieces = self._read_pieces()
            self._directory = self._read_directory()
        except (struct.error, UnicodeDecodeError, ValueError, IndexError, OverflowError) as broken:
            raise ModelCorruptError(f"expected a whole sentence encoder; its head cannot be read ({broken}).") from None

    def pieces(self) -> Pieces:
        """How texts are cut."""
        return self._pieces

    def words(self) -> Rows:
        """Vectors of the pieces."""
        return Rows(self._blocks("emb.word", self._size))

    def places(self) -> Floats:
        """Vectors of the places in a sentence, that of the one kind of sentence added; shape (places, size)."""
        places = self._floats("emb.pos")
        kinds = self._floats("emb.type")
        if places.size % self._size or kinds.size < self._size:
            raise ModelCorruptError("expected vectors of places in the size of the encoder.")
        summed: Floats = places.reshape(-1, self._size) + kinds[: self._size]
        return summed

    def norm(self, name: str) -> tuple[Floats, Floats]:
        """Gain and bias of a norm."""
        gain, bias = self._floats(f"{name}.w"), self._floats(f"{name}.b")
        if gain.shape != (self._size,) or bias.shape != (self._size,):
            raise ModelCorruptError(f"expected {name} to have {self._size} values; got {gain.size}, {bias.size}.")
        return gain, bias

    def joined(self, *names: str) -> tuple[Floats, Floats]:
        """Matrices side by side, shape (in, out), and their biases."""
        biases = [self._floats(f"{name}.b") for name in names]
        matrices = []
        for name, bias in zip(names, biases, strict=True):
            _, count, _, _ = self._find(f"{name}.w", BLOCKS)
            if not bias.size or count % bias.size or count // bias.size not in {self._size, self._wide}:
                raise ModelCorruptError(f"expected {name} to fit an encoder of size {self._size}; got {count} values.")
            matrices.append(_unpack(self._blocks(f"{name}.w", count // bias.size)).reshape(bias.size, -1).T)
        return np.ascontiguousarray(np.concatenate(matrices, axis=1)), np.concatenate(biases)

    def _read_head(self) -> None:
        _, size, layers, heads, wide, _, _, _ = self._take("I7i")
        self.epsilon: float = self._take("f")[0]
        block = self._take("i")[0]
        sizes = (size, layers, heads, wide)
        if (
            block != BLOCK
            or not all(0 < one <= 65_536 for one in sizes)
            or size % heads
            or size % BLOCK
            or wide % BLOCK
        ):
            raise ModelCorruptError(f"expected sizes of an encoder in blocks of {BLOCK}; got {sizes} and {block}.")
        self._size, self.layers, self.heads, self._wide = sizes

    def _read_pieces(self) -> Pieces:
        count, begin, end, _, unknown = self._take("5i")
        length = self._take("Q")[0]
        if not 0 < count <= _MOST_PIECES or not 0 <= unknown < count:
            raise ModelCorruptError(f"expected up to {_MOST_PIECES} pieces; got {count}.")
        offsets = self._array("<u4", count + 1)
        scores = self._array("<f4", count)
        letters = self._slice(length)
        known = {
            letters[offsets[number] : offsets[number + 1]].decode(): (float(scores[number]), number)
            for number in range(count)
            if offsets[number] < offsets[number + 1] and number != unknown
        }
        rewritten: dict[int, str] = {}
        entries, _ = self._take("iI")
        for _ in range(entries):
            point, replaced = self._take("IB")
            rewritten[point] = "".join(map(chr, self._take(f"{replaced}I")))
        return Pieces(
            known, max(map(len, known)), unknown, float(scores.min()) - PENALTY, rewritten, begin=begin, end=end
        )

    def _read_directory(self) -> dict[str, tuple[int, int, int, int]]:
        count = self._take("i")[0]
        if not 0 < count <= _MOST_TENSORS:
            raise ModelCorruptError(f"expected up to {_MOST_TENSORS} tensors; got {count}.")
        directory: dict[str, tuple[int, int, int, int]] = {}
        for _ in range(count):
            name = self._slice(self._take("H")[0]).decode()
            kind, values, offset, length = self._take("BIQQ")
            directory[name] = (kind, values, offset, length)
        return directory

    def _find(self, name: str, kind: int) -> tuple[int, int, int, int]:
        found = self._directory.get(name)
        of = {FLOATS: (1, 4), BLOCKS: (BLOCK, BLOCK_BYTES)}[kind]
        if (
            found is None
            or found[0] != kind
            or found[3] * of[0] != found[1] * of[1]
            or found[2] + found[3] > len(self._data)
        ):
            raise ModelCorruptError(f"expected a tensor {name} within the file; got {found}.")
        return found

    def _floats(self, name: str) -> Floats:
        _, count, offset, _ = self._find(name, FLOATS)
        values = np.frombuffer(self._data, "<f4", count, offset).astype(np.float32)
        if not np.isfinite(values).all():
            raise ModelCorruptError(f"expected finite numbers in {name}.")
        return values

    def _blocks(self, name: str, size: int) -> NDArray[np.uint8]:
        _, count, offset, length = self._find(name, BLOCKS)
        if count % size:
            raise ModelCorruptError(f"expected rows of {size} values in {name}; got {count} values.")
        return np.frombuffer(self._data, np.uint8, length, offset).reshape(-1, size // BLOCK, BLOCK_BYTES)

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self._data, self._place)
        self._place += struct.calcsize("<" + form)
        return values

    def _slice(self, length: int) -> bytes:
        if length > len(self._data) - self._place:
            raise ModelCorruptError(f"expected {length} more bytes; the file ends before.")
        taken = self._data[self._place : self._place + length]
        self._place += length
        return taken

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self._slice(count * np.dtype(kind).itemsize), kind)


def _unpack(blocks: NDArray[np.uint8]) -> Floats:
    """Values of 4-bit blocks; shape (..., 18) to (..., 32)."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    values: Floats = (np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8) * scales
    return values
