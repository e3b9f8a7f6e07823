"""What lies beside an ONNX tone model and says how it is to be read: a small JSON file, strictly checked."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, cast

from prosody.fusion import PLANE
from voice.contracts.errors import ModelCorruptError, ModelMissingError

_LARGEST: Final = 65_536
"""Bytes of a sidecar."""
_LONGEST_S: Final = 30.0
"""Seconds that a network may be given; what it costs grows with the square for attention."""

Choice = TypeVar("Choice", bound=StrEnum)


class Meaning(StrEnum):
    """What a network's numbers are."""

    DIMENSIONS = "dimensions"
    CLASSES = "classes"


class Normalisation(StrEnum):
    """What is done to the samples first."""

    NONE = "none"
    UNIT_VARIANCE = "unit_variance"
    PEAK = "peak"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """How a network is fed and read.

    Attributes:
        name: of the model, as events name it.
        licence: of the weights, in words; an operator has to have read it.
        sampling_rate: that the network hears, hertz: 16000 or 8000.
        input: name of its one input, float samples of shape (1, n).
        output: name of the output that counts.
        meaning: what that output's numbers are.
        order: dimensions (`arousal`, `valence`, `dominance`; the last is not used) or class names, in its order.
        normalisation: of the samples: `none`, `unit_variance` (mean 0, as wav2vec2 wants it) or `peak`.
        classes: for classes: each name of `order` as a word of the plane (angry, bored, disgusted, fearful, happy,
            neutral, sad, surprised).
        is_logits: for classes: whether a softmax is still to be applied.
        temperature: for logits: divides them first, above 0; calibrated on data like the operator's.
        range: for dimensions: what the network's scale runs from and to.
        neutral: for dimensions: what neutral speech gets on it; the middle of the range unless given.
        confidence: for dimensions: the share of its judgements that hold, by a measurement of the operator's; [0, 1].
        shortest_s: seconds below which it does not judge.
        longest_s: seconds that it is given at most; of what is longer, the end.
    """

    name: str
    licence: str
    sampling_rate: int
    input: str
    output: str
    meaning: Meaning
    order: tuple[str, ...]
    normalisation: Normalisation = Normalisation.NONE
    classes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    is_logits: bool = True
    temperature: float = 1.0
    range: tuple[float, float] = (0.0, 1.0)
    neutral: float = math.nan
    confidence: float = 0.6
    shortest_s: float = 0.4
    longest_s: float = 10.0

    @property
    def longest(self) -> int:
        """`longest_s` in samples of the network's rate."""
        return round(self.longest_s * self.sampling_rate)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a sidecar.

        Raises:
            ModelMissingError: it is not there.
            ModelCorruptError: it is not JSON, has an unknown key, lacks one, or a value is not what is expected.
        """
        try:
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        except OSError as error:
            raise ModelMissingError(
                f"Expected the description of a tone model at {path}; {error.strerror}.",
                fix="An ONNX tone model needs a .json file of the same name beside it.",
            ) from error
        if len(data) > _LARGEST:
            raise ModelCorruptError(f"{path} is larger than {_LARGEST} bytes, which no description of a model is.")
        try:
            document = json.loads(data)
        except ValueError as error:
            raise ModelCorruptError(f"{path} is not JSON: {error}.") from error
        if not isinstance(document, dict):
            raise ModelCorruptError(f"{path} is expected to hold one JSON object; got {type(document).__name__}.")
        return cls._of(document, path)

    @classmethod
    def _of(cls, document: dict[str, Any], path: Path) -> Self:
        """Check keys and values, one after the other."""
        known = [one.name for one in fields(cls)]
        for key in document:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                raise ModelCorruptError(
                    f"{path} has the unknown key {key[:80]!r}.",
                    fix=f"Did you mean {near[0]!r}?" if near else f"Keys are {', '.join(known)}.",
                )
        for one in fields(cls):
            if one.default is MISSING and one.default_factory is MISSING and one.name not in document:
                raise ModelCorruptError(f"{path} lacks the key {one.name!r}.")
        reader = _Reader(document, path)
        limits = reader.pair("range", (0.0, 1.0))
        meaning = reader.choice("meaning", Meaning)
        sidecar = cls(
            name=reader.text("name"),
            licence=reader.text("licence"),
            sampling_rate=int(reader.number("sampling_rate", 0, 8_000, 16_000)),
            input=reader.text("input"),
            output=reader.text("output"),
            meaning=meaning,
            order=reader.texts("order"),
            normalisation=reader.choice("normalisation", Normalisation, Normalisation.NONE),
            classes=reader.mapping("classes"),
            is_logits=reader.flag("is_logits", default=True),
            temperature=reader.number("temperature", 1.0, 0.01, 100.0),
            range=limits,
            neutral=reader.number("neutral", sum(limits) / 2, *limits),
            confidence=reader.number("confidence", 0.6, 0.0, 1.0),
            shortest_s=reader.number("shortest_s", 0.4, 0.02, _LONGEST_S),
            longest_s=reader.number("longest_s", 10.0, 0.1, _LONGEST_S),
        )
        sidecar._check(reader)
        return sidecar

    def _check(self, reader: _Reader) -> None:
        """What holds between values."""
        if self.sampling_rate not in (8_000, 16_000):
            raise reader.refuse("sampling_rate", "8000 or 16000")
        if len(set(self.order)) != len(self.order):
            raise reader.refuse("order", "names that differ")
        if self.shortest_s > self.longest_s:
            raise reader.refuse("shortest_s", f"at most longest_s, {self.longest_s}")
        if self.meaning is Meaning.DIMENSIONS:
            if not set(self.order) <= {"arousal", "valence", "dominance"} or not set(self.order) & {
                "arousal",
                "valence",
            }:
                raise reader.refuse("order", "arousal, valence, dominance, at least one of the first two")
            if not self.range[0] < self.neutral < self.range[1]:
                raise reader.refuse("neutral", f"inside the range {list(self.range)}")
        elif set(self.classes) != set(self.order) or not set(self.classes.values()) <= set(PLANE):
            raise reader.refuse("classes", f"each name of order, as one of {', '.join(PLANE)}")


class _Reader:
    """Values of one document, each refused with its key where it is not what is expected."""

    def __init__(self, document: dict[str, Any], path: Path) -> None:
        self._document = document
        self._path = path

    def refuse(self, key: str, expected: str) -> ModelCorruptError:
        """The error for a value."""
        came = json.dumps(self._document.get(key), ensure_ascii=False)[:120]
        return ModelCorruptError(f"{self._path}: {key!r} is expected to be {expected}; got {came}.")

    def text(self, key: str) -> str:
        value = self._document[key]
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(key, "text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._document[key]
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise self.refuse(key, "a list of names")
        return tuple(value)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self._document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.refuse(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def pair(self, key: str, default: tuple[float, float]) -> tuple[float, float]:
        value = self._document.get(key, list(default))
        sound = isinstance(value, list) and len(value) == 2
        if not sound or not all(type(one) in (int, float) and math.isfinite(one) for one in value):
            raise self.refuse(key, "two numbers")
        if value[0] >= value[1]:
            raise self.refuse(key, "two numbers, the lower one first")
        return float(value[0]), float(value[1])

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._document.get(key, default)
        if not isinstance(value, bool):
            raise self.refuse(key, "true or false")
        return value

    def mapping(self, key: str) -> Mapping[str, str]:
        value = self._document.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.refuse(key, "an object of names")
        return MappingProxyType(cast(dict[str, str], value))

    def choice(self, key: str, kind: type[Choice], default: Choice | None = None) -> Choice:
        value = self._document.get(key, default)
        if value not in list(kind):
            raise self.refuse(key, f"one of {', '.join(kind)}")
        return kind(value)
