"""Which tone model is evaluated, and whether it can have learned from what it is evaluated on."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent_console.settings import Settings
from agent_console.tone_model import SHIPPED, load_tone_model
from prosody.ports import ToneModel
from prosody.tone_linear import LinearToneModel
from prosody.train_tone import read_corpus, train
from voice.contracts.errors import UnknownEngineError, WarmlineError

RULES: Final = "rules"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class ToneChoice:
    """What judges an utterance's sound beside the rules.

    Attributes:
        name: of the model, or `rules`.
        model_for: the model by speaker; None for the rules alone.
        is_unseen: whether no speaker is judged by what was learned from their own recordings.
        is_retrained: whether each speaker is judged by a model that was trained anew without them.
    """

    name: str
    model_for: Callable[[str], ToneModel | None]
    is_unseen: bool
    is_retrained: bool = False


def choose_tone_model(name: str, manifest: Path) -> ToneChoice:
    """Load a tone model.

    The linear model is trained anew without each speaker, if what is evaluated is what it was trained on: a folder
    whose `manifest.jsonl` and audio have the model's digest.

    Args:
        name: `rules`, `linear`, `default` (as the settings say), or the path of an ONNX file.
        manifest: what it will be evaluated on.

    Raises:
        UnknownEngineError: neither.
        ModelError: the model is missing or broken.
    """
    if name not in (DEFAULT, RULES, SHIPPED) and not name.endswith(".onnx"):
        known = (DEFAULT, RULES, SHIPPED)
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"Choose {', '.join(known)}, or the path of a file *.onnx."
        raise UnknownEngineError(f"There is no tone model called {name!r}.", fix=hint)
    model = load_tone_model(Settings.load().tone_model if name == DEFAULT else None if name == RULES else name)
    if model is None:
        return ToneChoice(RULES, lambda _speaker: None, is_unseen=True)
    held_out = _train_without(manifest, model) if isinstance(model, LinearToneModel) else None
    if held_out is None:
        return ToneChoice(model.name, lambda _speaker: model, is_unseen=False)
    return ToneChoice(model.name, held_out.get, is_unseen=True, is_retrained=True)


def _train_without(manifest: Path, model: LinearToneModel) -> dict[str, ToneModel] | None:
    """A model for each speaker that never heard them; None where the recordings are not those of the training."""
    try:
        import sklearn  # noqa: PLC0415  training only: an evaluation without it is possible, if less sure
    except ImportError:
        return None
    del sklearn
    if manifest.name != "manifest.jsonl":
        return None
    try:
        recordings, digest = read_corpus(manifest.parent)
    except (WarmlineError, OSError):  # lines without an emotion, or broken ones: not what it was trained on
        return None
    if digest != model.data_sha256:
        return None
    speakers = sorted({one.speaker for one in recordings})
    return {
        speaker: LinearToneModel.of(train([one for one in recordings if one.speaker != speaker], digest))
        for speaker in speakers
    }
