"""Tone models by the names that the command line uses."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from prosody.ports import ToneModel
from prosody.tone_onnx import OnnxToneModel
from voice.contracts.errors import UnknownEngineError

NAMES = ("default", "rules", "linear")


@dataclass(frozen=True, slots=True)
class ToneChoice:
    """What judges an utterance's sound beside the rules.

    Attributes:
        name: of the model, or `rules`.
        model: loaded; None for the rules alone.
        is_unseen: whether it cannot have learned from recordings that it is evaluated on.
    """

    name: str
    model: ToneModel | None
    is_unseen: bool


def choose_tone_model(name: str) -> ToneChoice:
    """Load a tone model.

    Args:
        name: `rules`, `linear`, `default` (what calls are judged with), or the path of an ONNX file.

    Raises:
        UnknownEngineError: neither.
        ModelError: the model is missing or broken.
    """
    if name in ("rules", "default"):
        return ToneChoice("rules", None, is_unseen=True)
    if name.endswith(".onnx"):
        model = OnnxToneModel.load(Path(name))
        return ToneChoice(model.name, model, is_unseen=False)
    near = difflib.get_close_matches(name.lower(), NAMES, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"Choose {', '.join(NAMES)}, or the path of a file *.onnx."
    raise UnknownEngineError(f"There is no tone model called {name!r}.", fix=hint)
