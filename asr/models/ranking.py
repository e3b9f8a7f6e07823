"""Which model is the best for a language, as far as figures tell.

`--engine auto` takes the first installed one of the order below. Where a figure is known it stands beside the model,
with the test it was got on and whether it is ours. Published figures are the publishers': other speech, other
normalisation, mostly read aloud and never over the telephone. They order models; they promise nothing. Where nobody
publishes a figure for exactly that model, its place is a judgement from its kind and its training, and says so.
Sources: An et al. 2024, "FunAudioLLM", arXiv 2407.04051 (AISHELL-1 test: SenseVoice-Small 2.96, Whisper small 10.04,
Whisper large-v3 5.14, Paraformer 1.95; WenetSpeech meetings: 7.44, 25.62, 18.87, 6.97); Alpha Cephei's list of models,
which for vosk-small-cn also has 23.54 and 38.29 on SpeechIO 2 and 6, and does not say whether it counts characters; the
model card of FluidInference's conversion of SenseVoice-Small (LibriSpeech 3.22, AISHELL-1 3.09); the model card of
Whisper base (5.009), as in Radford et al. 2022.
`warmline evaluate asr` measures on recordings of your own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from asr.types import Language


@dataclass(frozen=True, slots=True)
class Standing:
    """A model's place for a language.

    Attributes:
        model: name in the catalogue.
        error_percent: character error rate for zh, word error rate for others; None where none is known.
        test: what speech the figure was got on.
        source: who says so; "Warmline" where it was measured here.
    """

    model: str
    error_percent: float | None = None
    test: str = ""
    source: str = ""

    @property
    def zh(self) -> str:
        """The figure for people, in Chinese."""
        if self.error_percent is None:
            return "没有公布的数字"
        source = "由我们测得" if self.ours else f"由发布方公布，并非我们测得：{self.source}"
        return f"错误率 {self.error_percent:g}%，{self.test}；{source}"

    @property
    def en(self) -> str:
        """Likewise in English."""
        if self.error_percent is None:
            return "no figure is published"
        source = "measured by us" if self.ours else f"published, not ours: {self.source}"
        return f"{self.error_percent:g} % errors, {self.test}; {source}"

    @property
    def ours(self) -> bool:
        """Whether the figure was measured here."""
        return self.source == _OURS


_OURS: Final = "Warmline"
_FUN_AUDIO: Final = "An et al. 2024, FunAudioLLM"
_FLUID: Final = "FluidInference, of its conversion"
_ALPHA_CEPHEI: Final = "Alpha Cephei's list of models"

STANDINGS: Final[Mapping[Language, tuple[Standing, ...]]] = {
    Language.ZH: (
        Standing("sense-voice-small", 2.96, "AISHELL-1 test", _FUN_AUDIO),
        # Its sibling that hears whole utterances has 1.95 % on AISHELL-1 (Gao et al. 2023); streaming costs accuracy.
        Standing("paraformer-streaming-zh-en"),
        Standing("zipformer-small-zh-en"),
        Standing("vosk-small-cn", 17.15, "THCHS-30", _ALPHA_CEPHEI),
        Standing("whisper-base", 18.5, "AISHELL-1, 100 utterances, 16 kHz", _OURS),
    ),
    Language.EN: (
        Standing("sense-voice-small", 3.22, "LibriSpeech test-clean", _FLUID),
        Standing("whisper-base", 5.0, "LibriSpeech test-clean", "Radford et al. 2022"),
        Standing("vosk-small-en", 9.85, "LibriSpeech test-clean", _ALPHA_CEPHEI),
        # Both were trained on Mandarin with English in between.
        Standing("zipformer-small-zh-en"),
        Standing("paraformer-streaming-zh-en"),
    ),
    Language.KO: (
        Standing("sense-voice-small"),
        Standing("vosk-ko"),
        Standing("whisper-base"),
    ),
}


def standings_of(model: str) -> dict[Language, Standing]:
    """What is known of a model, by language."""
    return {language: s for language, row in STANDINGS.items() for s in row if s.model == model}


def best_of(language: Language, models: Collection[str]) -> Standing | None:
    """The first in order of those models, None where the order knows none of them."""
    return next((standing for standing in STANDINGS[language] if standing.model in models), None)
