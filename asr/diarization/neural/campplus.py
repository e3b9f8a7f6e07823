"""CAM++, a network that turns a voice into 192 numbers, as a pyannote.audio model.

Wang, H., Zheng, S., Chen, Y., Cheng, L. and Chen, Q. (2023), "CAM++: A Fast and Efficient Network for Speaker
Verification Using Context-Aware Masking", Interspeech: a front end of 2-D convolutions, three densely connected blocks
of time-delay layers, each layer masked by what its surroundings and the whole utterance say, then statistics over time.
Names of layers are those of the published weights.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from pyannote.audio.core.model import Model
from torch import Tensor, nn
from torch.nn import functional as fn

from asr.diarization.neural.installation import load_torchaudio
from voice.contracts.audio import SAMPLE_RATE

BANDS: Final = 80
DIMENSION: Final = 192
GROWTH: Final = 32
BLOCKS: Final = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each dense block."""

NEIGHBOURHOOD: Final = 100
"""Frames that a layer's mask looks at together: 2 s."""

FEWEST_FRAMES: Final = 25
"""A quarter of a second; of less no voice is told."""


class CamPlusPlus(Model):
    """Speaker embedding of 192 numbers, to be compared by angle.

    A mask selects the frames that are looked at, before the network: what others say leaves no trace.
    """

    def __init__(self, sample_rate: int = SAMPLE_RATE, num_channels: int = 1, task: Any = None) -> None:
        super().__init__(sample_rate=sample_rate, num_channels=num_channels, task=task)
        self.head = _FrontEnd()
        channels = 4 * GROWTH
        layers: dict[str, nn.Module] = {"tdnn": _Tdnn(self.head.channels, channels)}
        for number, (depth, dilation) in enumerate(BLOCKS, start=1):
            layers[f"block{number}"] = _DenseBlock(depth, channels, dilation)
            channels += depth * GROWTH
            layers[f"transit{number}"] = _Transit(channels)
            channels //= 2
        layers["out_nonlinear"] = _norm_relu(channels)
        layers["stats"] = _Statistics()
        layers["dense"] = _Dense(2 * channels)
        self.xvector = nn.Sequential()
        for name, layer in layers.items():
            self.xvector.add_module(name, layer)

    @property
    def dimension(self) -> int:
        """Numbers per voice."""
        return DIMENSION

    def forward(self, waveforms: Tensor, weights: Tensor | None = None) -> Tensor:
        """Embed voices.

        Args:
            waveforms: shape (batch, 1, samples), 16 kHz.
            weights: shape (batch, frames) of any resolution; frames of at least 0.5 are looked at.

        Returns:
            Shape (batch, 192); NaN where too little is left to look at.
        """
        found = []
        cached: tuple[int, Tensor] | None = None
        for place, waveform in enumerate(waveforms):
            # The speakers of one window come one after the other, each with the same audio.
            if cached is None or not torch.equal(waveforms[cached[0]], waveform):
                cached = (place, _filter_bank(waveform))
            features = cached[1]
            if weights is not None:
                mask = fn.interpolate(weights[place][None, None], size=len(features), mode="nearest")[0, 0]
                features = features[mask >= 0.5]
            found.append(self._embed(features))
        return torch.stack(found)

    def _embed(self, features: Tensor) -> Tensor:
        if len(features) < FEWEST_FRAMES:
            return torch.full((DIMENSION,), torch.nan, device=features.device)
        centred = features - features.mean(dim=0, keepdim=True)
        embedding: Tensor = self.xvector(self.head(centred.T[None]))[0]
        return embedding


def load_campplus(state: dict[str, Tensor]) -> CamPlusPlus:
    """A network with the given weights.

    Raises:
        RuntimeError: they are not those of this network.
    """
    model = CamPlusPlus()
    model.load_state_dict(state, strict=True)
    model.eval()
    return model


def _filter_bank(waveform: Tensor) -> Tensor:
    """Log mel energies, shape (frames of 10 ms, 80), as Kaldi computes them."""
    if waveform.shape[-1] < SAMPLE_RATE // 40:
        return waveform.new_zeros((0, BANDS))
    kaldi = load_torchaudio()
    bank: Tensor = kaldi.fbank(waveform, num_mel_bins=BANDS, sample_frequency=SAMPLE_RATE, dither=0.0)
    return bank


def _norm_relu(channels: int) -> nn.Sequential:
    layer = nn.Sequential()
    layer.add_module("batchnorm", nn.BatchNorm1d(channels))
    layer.add_module("relu", nn.ReLU())
    return layer


class _Residual(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, channels, 1, stride=(stride, 1), bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, frames: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(fn.relu(self.bn1(self.conv1(frames)))))
        return fn.relu(inner + self.shortcut(frames))


class _FrontEnd(nn.Module):
    """2-D convolutions that shrink the bands to an eighth and keep time."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(_Residual(width, 2), _Residual(width, 1))
        self.layer2 = nn.Sequential(_Residual(width, 2), _Residual(width, 1))
        self.conv2 = nn.Conv2d(width, width, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.channels = width * BANDS // 8

    def forward(self, bank: Tensor) -> Tensor:
        frames = fn.relu(self.bn1(self.conv1(bank[:, None])))
        frames = fn.relu(self.bn2(self.conv2(self.layer2(self.layer1(frames)))))
        return frames.flatten(1, 2)


class _Tdnn(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, out, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _norm_relu(out)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.nonlinear(self.linear(frames))
        return out


class _ContextMask(nn.Module):
    """A local layer whose output is scaled by what its neighbourhood and the whole utterance are like."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(channels, GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(channels, channels // 2, 1)
        self.linear2 = nn.Conv1d(channels // 2, GROWTH, 1)

    def forward(self, frames: Tensor) -> Tensor:
        length = frames.shape[-1]
        near = fn.avg_pool1d(frames, NEIGHBOURHOOD, NEIGHBOURHOOD, ceil_mode=True)
        near = near.repeat_interleave(NEIGHBOURHOOD, dim=-1)[..., :length]
        mask = torch.sigmoid(self.linear2(fn.relu(self.linear1(frames.mean(-1, keepdim=True) + near))))
        local: Tensor = self.linear_local(frames)
        return local * mask


class _DenseLayer(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _norm_relu(channels)
        self.linear1 = nn.Conv1d(channels, 4 * GROWTH, 1, bias=False)
        self.nonlinear2 = _norm_relu(4 * GROWTH)
        self.cam_layer = _ContextMask(4 * GROWTH, dilation)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(frames))))
        return out


class _DenseBlock(nn.Module):
    """Each layer hears all layers before it."""

    def __init__(self, depth: int, channels: int, dilation: int) -> None:
        super().__init__()
        self.depth = depth
        for number in range(depth):
            self.add_module(f"tdnnd{number + 1}", _DenseLayer(channels + number * GROWTH, dilation))

    def forward(self, frames: Tensor) -> Tensor:
        for layer in self.children():
            frames = torch.cat([frames, layer(frames)], dim=1)
        return frames


class _Transit(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = _norm_relu(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.linear(self.nonlinear(frames))
        return out


class _Statistics(nn.Module):
    """Mean and standard deviation over time."""

    def forward(self, frames: Tensor) -> Tensor:
        return torch.cat([frames.mean(dim=-1), frames.std(dim=-1, unbiased=True)], dim=-1)


class _Dense(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, DIMENSION, 1, bias=False)
        self.nonlinear = nn.Sequential()
        self.nonlinear.add_module("batchnorm", nn.BatchNorm1d(DIMENSION, affine=False))

    def forward(self, statistics: Tensor) -> Tensor:
        out: Tensor = self.nonlinear(self.linear(statistics[..., None]).squeeze(-1))
        return out
