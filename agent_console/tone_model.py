"""Which tone model has a say beside the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from prosody.ports import ToneModel
from prosody.tone_linear import LinearToneModel

SHIPPED: Final = "linear"
"""Names the trained model that is part of the package."""


def load_tone_model(name: str | None) -> ToneModel | None:
    """The model of the setting `tone_model`; None where the rules are to judge alone.

    Args:
        name: `linear`, or the path of an ONNX model with its sidecar beside it; None for the rules alone.

    Raises:
        ModelMissingError: a file is not there.
        ModelCorruptError: it is no tone model, or not what its sidecar says.
    """
    if name is None:
        return None
    if name == SHIPPED:
        return LinearToneModel.load()
    from prosody.tone_onnx import OnnxToneModel  # noqa: PLC0415  brings scipy.signal, half a second of every start

    return OnnxToneModel.load(Path(name))
