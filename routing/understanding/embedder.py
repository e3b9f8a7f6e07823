"""Sentences as vectors: the port behind which a sentence encoder or, without one, hashed pieces of sound stand."""

from __future__ import annotations

import re
import zlib
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routing.understanding.features import count_features
from routing.understanding.heard import hear

Vector: TypeAlias = NDArray[np.float32]
"""Of unit length; all zeros where a text holds nothing to embed."""

HASHED_SIZE: Final = 1024
"""Dimensions that pieces are hashed into: a turn has some 150 pieces, so few of them collide."""


_BLANKS: Final = re.compile("，{2,}")


def blank_once(text: str) -> str:
    """A text whose denied words are blanked by ，，， with one comma for each, as it is embedded."""
    return _BLANKS.sub("，", text)


class Embedder(Protocol):
    """Makes vectors of sentences. One serves all calls, from any thread; never on an event loop.

    The same text always gives the same vector, whatever was embedded before, beside it, or on how many cores.
    """

    @property
    def name(self) -> str:
        """Which vectors these are; only those of one name can be compared."""
        ...

    @property
    def size(self) -> int:
        """Dimensions."""
        ...

    def embed(self, text: str) -> Vector:
        """The vector of a text of any length, shape (size,), read-only; time is bounded whatever the length."""
        ...


class PieceEmbedder:
    """The fall-back: pieces of characters, sounds and words, and concepts, hashed with signs into a vector.

    Feature hashing after Weinberger et al. 2009. It knows wordings and homophones and no meanings; it needs no model.
    """

    @property
    def name(self) -> str:
        """Which vectors these are."""
        return f"pieces-{HASHED_SIZE}"

    @property
    def size(self) -> int:
        """Dimensions."""
        return HASHED_SIZE

    def embed(self, text: str) -> Vector:
        """The vector of a text; a fraction of a millisecond."""
        vector: Vector = np.zeros(HASHED_SIZE, np.float32)
        for piece, count in count_features(hear(text)).items():
            hashed = zlib.crc32(piece.encode("utf-8", "surrogatepass"))
            vector[hashed % HASHED_SIZE] += (1 if hashed & 0x80000000 else -1) * (1 + np.log(count))
        return unit(vector)


def unit(vector: Vector) -> Vector:
    """The vector at length one, read-only; zeros stay zeros."""
    length = float(np.sqrt((vector * vector).sum()))
    scaled: Vector = vector / np.float32(length) if length > 0 else vector
    scaled.flags.writeable = False
    return scaled


def similarity(one: Vector, other: Vector) -> float:
    """Cosine of two vectors of one embedder, [-1, 1]; 0 where either text held nothing."""
    return float(one @ other)
