"""Training of a small segmentation network (PyanNet with powerset output) on generated conversations.

Bredin, H. and Laurent, A. (2021), "End-to-end speaker segmentation for overlap-aware resegmentation", Interspeech, for
the network and the permutation-free loss; Plaquet, A. and Bredin, H. (2023), "Powerset multi-class cross entropy loss
for neural speaker diarization", Interspeech, section 2.2, for its output: one class per set of speakers.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pyannote.audio.core.model import Model
from pyannote.audio.utils.powerset import Powerset
from safetensors.torch import save_file
from torch import Tensor, nn

from asr.diarization.layout import CONFIG, HEAD_FILE, WEIGHTS_FILE
from asr.diarization.mixtures import Mixture, MixtureSettings, mix_conversation
from asr.diarization.neural.folder import PIPELINES, make_network
from voice.contracts.audio import SAMPLE_RATE, Pcm

EMBEDDING: Final = "embedding"
SEGMENTATION: Final = "segmentation"


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """How large the network is; the defaults make about 170 000 numbers.

    Attributes:
        stride: of the first convolution over samples; 10 gives frames of 17 ms.
        hidden: of each of the recurrent layers, in each direction.
        layers: recurrent ones.
        linear: width of the layer after them.
        duration_s: of the window it looks at.
        speakers: it can tell apart in a window.
        at_once: of them at the same time.
    """

    stride: int = 10
    hidden: int = 48
    layers: int = 2
    linear: int = 48
    duration_s: float = 5.0
    speakers: int = 2
    at_once: int = 2

    def describe(self) -> dict[str, Any]:
        """What stands beside the weights."""
        return {
            "sincnet": {"stride": self.stride},
            "lstm": {
                "hidden_size": self.hidden,
                "num_layers": self.layers,
                "bidirectional": True,
                "monolithic": True,
                "dropout": 0.0,
            },
            "linear": {"hidden_size": self.linear, "num_layers": 1},
            "duration_s": self.duration_s,
            "speakers": self.speakers,
            "at_once": self.at_once,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """How far training is: the step, its loss, and the mean of the last fifty."""

    number: int
    loss: float
    recent: float


def train(
    voices: Mapping[str, Sequence[Pcm]],
    shape: NetworkShape,
    *,
    steps: int,
    batch: int = 16,
    rate: float = 2e-3,
    seed: int = 0,
    threads: int = 1,
    told: Callable[[Step], None] = lambda _: None,
) -> Model:
    """Train on conversations of two voices (some of one), made anew for every step.

    Args:
        voices: utterances by speaker, at least two speakers.
        shape: of the network.
        steps: of the optimizer.
        batch: windows per step.
        rate: highest learning rate; it rises for a tenth of the steps and falls to nothing.
        seed: of everything.
        threads: that PyTorch may use.
        told: of each step.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = make_network(shape.describe())
    model.train()
    powerset = Powerset(shape.speakers, shape.at_once)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    losses: list[float] = []
    for number in range(steps):
        audio, truth = _make_batch(voices, shape, model, batch, rng)
        scores = model(audio)
        loss = _permutation_free_loss(scores, truth, powerset)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        told(Step(number + 1, losses[-1], float(np.mean(losses[-50:]))))
    model.eval()
    return model


def save_pipeline(model: Model, shape: NetworkShape, folder: Path, embedding: Path, *, threshold: float = 0.8) -> None:
    """Write a pipeline's folder: the network without pickle, an embedding beside it, and the description.

    Args:
        model: as `train` makes it.
        shape: of it.
        folder: to be made; what is in it is written over.
        embedding: the embedding's folder of another pipeline, which is copied.
        threshold: distance from which two voices are two.
    """
    target = folder / SEGMENTATION
    target.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, target / WEIGHTS_FILE)
    (target / HEAD_FILE).write_text(json.dumps(shape.describe(), indent=1) + "\n", encoding="utf-8")
    shutil.copytree(embedding, folder / EMBEDDING, dirs_exist_ok=True)
    config = {
        "pipeline": {
            "name": PIPELINES[0],
            "params": {
                "segmentation": f"$model/{SEGMENTATION}",
                "embedding": f"$model/{EMBEDDING}",
                "clustering": "AgglomerativeClustering",
                "segmentation_step": 0.25,
                "embedding_exclude_overlap": True,
                "segmentation_batch_size": 16,
                "embedding_batch_size": 2,
            },
        },
        "params": {
            "clustering": {"method": "centroid", "min_cluster_size": 6, "threshold": threshold},
            "segmentation": {"min_duration_off": 0.0},
        },
    }
    (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def count_numbers(model: Model) -> int:
    """How many numbers the network consists of."""
    return sum(parameter.numel() for parameter in model.parameters())


def _make_batch(
    voices: Mapping[str, Sequence[Pcm]], shape: NetworkShape, model: Model, batch: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Audio, shape (batch, 1, samples), and who speaks in each frame, shape (batch, frames, speakers)."""
    names = list(voices)
    settings = replace(MixtureSettings(), length_s=shape.duration_s)
    mixtures = []
    for _ in range(batch):
        count = 1 if rng.random() < 0.1 else min(2, shape.speakers)
        chosen = [names[int(place)] for place in rng.choice(len(names), size=count, replace=False)]
        mixtures.append(mix_conversation({name: voices[name] for name in chosen}, rng, settings))
    audio = torch.from_numpy(np.stack([mixture.pcm for mixture in mixtures]))[:, None]
    frames = model.num_frames(audio.shape[-1])
    field = model.receptive_field
    centres = ((field.start + field.duration / 2 + field.step * np.arange(frames)) * SAMPLE_RATE).astype(np.int64)
    truth = np.stack([_truth_at(mixture, centres, shape.speakers) for mixture in mixtures])
    return audio, torch.from_numpy(truth)


def _truth_at(mixture: Mixture, centres: NDArray[np.int64], speakers: int) -> NDArray[np.float32]:
    truth = np.zeros((len(centres), speakers), np.float32)
    for column, name in enumerate(mixture.truth.speakers[:speakers]):
        for span in mixture.truth.of_speaker(name):
            truth[(centres >= span.start) & (centres < span.end), column] = 1
    return truth


def _permutation_free_loss(scores: Tensor, truth: Tensor, powerset: Powerset) -> Tensor:
    """Cross entropy under the best order of speakers in each window; scores are log probabilities."""
    losses = [
        nn.functional.nll_loss(
            scores.transpose(1, 2), powerset.to_powerset(truth[..., list(order)]).argmax(dim=-1), reduction="none"
        ).mean(dim=1)
        for order in itertools.permutations(range(truth.shape[-1]))
    ]
    best: Tensor = torch.stack(losses).amin(dim=0).mean()
    return best
