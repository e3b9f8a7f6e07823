"""A recognizer without a model: deterministic words made from the audio itself.

It serves conformance tests, soak runs and machines without a model. The same audio gives the same words however it is
cut into chunks, loud stretches give words and quiet ones none, and a word takes microseconds.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from asr.types import Hypothesis, Language, Word
from voice.contracts.audio import Pcm, Samples, Span, from_ms
from voice.contracts.errors import ModelError

BLOCK: Final[Samples] = from_ms(200)
"""Samples that make one word: 200 ms, about one spoken syllable."""

QUIET_RMS: Final = 0.003
"""Root mean square below which a block is silence: about -50 dBFS."""

_WORDS: Final[dict[Language, tuple[str, ...]]] = {
    Language.ZH: (
        "我",
        "想",
        "查",
        "一下",
        "订单",
        "快递",
        "到",
        "哪里",
        "了",
        "谢谢",
        "请",
        "帮",
        "退款",
        "好",
        "的",
        "吗",
    ),
    Language.EN: ("i", "want", "to", "check", "my", "order", "where", "is", "the", "parcel", "please", "thanks"),
    Language.KO: ("제", "주문", "배송", "확인", "해", "주세요", "감사", "합니다"),
}
_JOINT: Final[dict[Language, str]] = {Language.ZH: "", Language.EN: " ", Language.KO: " "}


class FakeRecognizer:
    """Words from zero crossings and level of each 200 ms; implements `Recognizer`."""

    name = "fake/fake"
    languages = frozenset(_WORDS)

    def begin(self, language: Language) -> FakeUtterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        if language not in self.languages:
            raise ModelError(f"The fake recognizer speaks {', '.join(sorted(self.languages))}; got {language!r}.")
        return FakeUtterance(language)


class FakeUtterance:
    """One utterance; implements `Utterance`."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._rest: Pcm = np.zeros(0, dtype=np.float32)
        self._words: list[Word] = []
        self._told = 0
        self._at: Samples = 0

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio."""
        audio = np.concatenate([self._rest, pcm])
        whole = len(audio) - len(audio) % BLOCK
        for start in range(0, whole, BLOCK):
            self._hear(audio[start : start + BLOCK])
        self._rest = audio[whole:]

    def partial(self) -> Hypothesis | None:
        """The words so far, or None where none was added since the last partial."""
        if len(self._words) == self._told:
            return None
        self._told = len(self._words)
        return self._hypothesis()

    def finish(self) -> Hypothesis:
        """The final words; a last block that is shorter than 200 ms counts as well."""
        if len(self._rest):
            self._hear(self._rest)
        return self._hypothesis()

    def _hear(self, block: Pcm) -> None:
        start, self._at = self._at, self._at + len(block)
        rms = float(np.sqrt(np.mean(np.square(block))))
        if rms < QUIET_RMS:
            return
        crossings = int(np.count_nonzero(np.diff(np.signbit(block))))
        choices = _WORDS[self._language]
        text = choices[(crossings + int(rms * 64)) % len(choices)]
        self._words.append(Word(text, Span(start, self._at), round(min(1.0, 0.5 + rms), 3)))

    def _hypothesis(self) -> Hypothesis:
        return Hypothesis(_JOINT[self._language].join(word.text for word in self._words), tuple(self._words))
