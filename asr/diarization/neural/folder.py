"""A pipeline's folder: its description, and its networks, loaded without trusting either.

Three kinds of folder are known. One as pyannote.audio publishes its pipelines (`config.yaml`, then
`segmentation/pytorch_model.bin`, `embedding/pytorch_model.bin` and `plda/*.npz`); the model `diarization` of Warmline's
catalogue; and what `python -m asr.diarization.train` writes. A network file may hold numbers and the descriptions that
pyannote.audio puts beside them, and nothing that could run.
"""

from __future__ import annotations

import copy
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import yaml
from pyannote.audio.core.model import Model
from pyannote.audio.core.plda import PLDA
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet
from safetensors import SafetensorError
from safetensors.torch import load_file

from asr.diarization.layout import CAMPPLUS_FILE, CONFIG, HEAD_FILE, NETWORK_FILE, WEIGHTS_FILE, check_layout
from asr.diarization.neural.campplus import load_campplus
from voice.contracts.audio import SAMPLE_RATE
from voice.contracts.errors import ModelCorruptError, ModelMissingError

PIPELINES: Final = ("pyannote.audio.pipelines.SpeakerDiarization",)
"""What a description may ask for; anything else would be a class of its choosing."""

_KEYS: Final = frozenset(("version", "dependencies", "pipeline", "params", "freeze"))
_COMPONENTS: Final = ("segmentation", "embedding", "plda")
_ARCHITECTURES: Final = "pyannote.audio.models."

_PLDA: Final[Mapping[str, frozenset[str]]] = {
    "xvec_transform.npz": frozenset(("mean1", "mean2", "lda")),
    "plda.npz": frozenset(("mu", "tr", "psi")),
}
"""The files of a PLDA, and the arrays in each."""

_ALLOWED: Final = frozenset(
    (
        "torch.torch_version.TorchVersion",
        "pyannote.audio.core.task.Specifications",
        "pyannote.audio.core.task.Problem",
        "pyannote.audio.core.task.Resolution",
        "pyannote.audio.core.model.Introspection",
        "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "lightning.pytorch.callbacks.early_stopping.EarlyStopping",
        "lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint",
        "omegaconf.listconfig.ListConfig",
        "omegaconf.dictconfig.DictConfig",
        "omegaconf.base.ContainerMetadata",
        "omegaconf.base.Metadata",
        "omegaconf.nodes.AnyNode",
        "collections.defaultdict",
        "typing.Any",
    )
)
"""What published checkpoints name beside tensors: descriptions, none of which does anything when it is read."""

_OWN_CONFIG: Final[Mapping[str, Any]] = {
    "pipeline": {
        "name": PIPELINES[0],
        "params": {
            "segmentation": "$model/segmentation",
            "embedding": "$model/embedding",
            "clustering": "AgglomerativeClustering",
            "segmentation_step": 0.2,
            "embedding_exclude_overlap": True,
            "segmentation_batch_size": 8,
            "embedding_batch_size": 3,
        },
    },
    "params": {
        "clustering": {"method": "centroid", "min_cluster_size": 6, "threshold": 0.8},
        "segmentation": {"min_duration_off": 0.0},
    },
}
"""What stands for a description where the folder has none."""


def load_config(folder: Path) -> dict[str, Any]:
    """The pipeline's description, with its networks loaded in place of their names.

    Raises:
        ModelMissingError: the folder, the description or a network is not there.
        ModelCorruptError: one of them is not what it should be, or asks for more than to be read.
    """
    check_layout(folder)
    config = _read_config(folder / CONFIG) if (folder / CONFIG).is_file() else copy.deepcopy(dict(_OWN_CONFIG))
    params = config["pipeline"]["params"]
    for name in _COMPONENTS:
        # pyannote.audio loads a PLDA even where the clustering has no use for one; an empty one is never asked.
        params[name] = _load(name, _find(folder, name, params[name])) if name in params else PLDA.__new__(PLDA)
    return config


def make_network(stated: Mapping[str, Any]) -> Model:
    """A segmentation network without knowledge.

    Args:
        stated: what `model.json` says: sincnet, lstm, linear as PyanNet takes them; duration_s, speakers, at_once.

    Raises:
        KeyError: something is not stated.
        TypeError: something is stated that PyanNet does not take.
    """
    model = PyanNet(sincnet=stated["sincnet"], lstm=stated["lstm"], linear=stated["linear"], sample_rate=SAMPLE_RATE)
    model.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=float(stated["duration_s"]),
        classes=[f"speaker#{number + 1}" for number in range(int(stated["speakers"]))],
        powerset_max_classes=int(stated["at_once"]),
        permutation_invariant=True,
    )
    model.build()
    return model


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _corrupt(path, "it is no readable YAML") from error
    if not isinstance(config, dict) or not isinstance(config.get("pipeline"), dict):
        raise _corrupt(path, 'there is no "pipeline" in it')
    if unknown := sorted(str(key) for key in config if key not in _KEYS):
        raise _corrupt(path, f"{', '.join(unknown)} in it is not known here")
    pipeline = config["pipeline"]
    if pipeline.get("name") not in PIPELINES:
        raise _corrupt(path, f"its pipeline should be {PIPELINES[0]}; it is {pipeline.get('name')!r}")
    if not isinstance(pipeline.setdefault("params", {}), dict):
        raise _corrupt(path, "the pipeline's params should be a mapping")
    missing = [name for name in _COMPONENTS[:2] if name not in pipeline["params"]]
    if missing:
        raise _corrupt(path, f"its pipeline names no {' and no '.join(missing)}")
    return config


def _find(folder: Path, name: str, stated: object) -> Path:
    """The folder of a component, below the pipeline's own; a name on a hub is none."""
    if not isinstance(stated, str):
        raise _corrupt(folder / CONFIG, f"{name} should be $model/FOLDER; it is {stated!r}")
    found = (folder / stated.removeprefix("$model/")).resolve()
    if not found.is_dir() or not found.is_relative_to(folder.resolve()):
        raise ModelMissingError(
            f"{folder / CONFIG} takes its {name} from {stated!r}, and there is no such folder in {folder}.",
            fix="Warmline asks no model hub at run time. Put the files there, and write $model/FOLDER.",
        )
    return found


def _load(name: str, folder: Path) -> Any:
    if name == "plda":
        return _load_plda(folder)
    if (folder / CAMPPLUS_FILE).is_file():
        return _load_campplus(folder / CAMPPLUS_FILE)
    if (folder / WEIGHTS_FILE).is_file():
        return _load_own(folder)
    if (folder / NETWORK_FILE).is_file():
        return _load_checkpoint(folder / NETWORK_FILE)
    raise ModelMissingError(f"{folder} holds no {NETWORK_FILE}.", fix="Copy the whole folder of the pipeline.")


def _load_plda(folder: Path) -> PLDA:
    try:
        for name, arrays in _PLDA.items():
            # pyannote.audio leaves a file open that it cannot read.
            with (folder / name).open("rb") as file, np.load(file, allow_pickle=False) as found:
                if missing := sorted(arrays - set(found.files)):
                    raise _corrupt(folder / name, f"it lacks {', '.join(missing)}")
        return PLDA.from_pretrained(str(folder))
    except FileNotFoundError as error:
        raise ModelMissingError(f"{folder} lacks {Path(error.filename or '').name}.") from error
    except (OSError, EOFError, ValueError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise _corrupt(folder, f"its PLDA cannot be read ({type(error).__name__})") from error


def _load_campplus(path: Path) -> Model:
    try:
        return load_campplus(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError, AttributeError, TypeError) as error:
        raise _corrupt(path, "it does not hold the weights of CAM++") from error


def _load_own(folder: Path) -> Model:
    """A PyanNet as `python -m asr.diarization.train` writes it: weights without pickle, its shape beside them."""
    head = folder / HEAD_FILE
    try:
        stated = json.loads(head.read_text(encoding="utf-8"))
        model = make_network(stated)
        model.load_state_dict(load_file(folder / WEIGHTS_FILE), strict=True)
    except FileNotFoundError as error:
        raise ModelMissingError(f"{folder} lacks {HEAD_FILE}.", fix="Train it again.") from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise _corrupt(folder, f"{WEIGHTS_FILE} and {HEAD_FILE} do not fit together") from error
    model.eval()
    return model


def _load_checkpoint(path: Path) -> Model:
    """A checkpoint of pyannote.audio, after making sure that reading it does nothing but read."""
    try:
        named = set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (ValueError, RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise _corrupt(path, "it is no PyTorch checkpoint") from error
    if forbidden := sorted(named - _ALLOWED):
        raise _corrupt(path, f"it names {', '.join(forbidden)}, which weights have no use for")
    try:
        # What it names was looked through above, and this is how pyannote.audio reads it, too.
        stated = torch.load(path, map_location="cpu", weights_only=False)["pyannote.audio"]["architecture"]
        if not str(stated["module"]).startswith(_ARCHITECTURES):
            raise _corrupt(path, f"it is a network of {stated['module']}, not of {_ARCHITECTURES}*")
        return Model.from_pretrained(str(path), strict=False)
    except (KeyError, TypeError, RuntimeError, OSError, ImportError, AttributeError, ValueError) as error:
        raise _corrupt(path, f"pyannote.audio cannot read it ({type(error).__name__})") from error


def _corrupt(path: Path, what: str) -> ModelCorruptError:
    return ModelCorruptError(
        f"{path} is not part of a sound pipeline: {what}.", fix="Copy the pipeline's folder again."
    )
