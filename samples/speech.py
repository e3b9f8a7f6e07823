"""Text to speech with Kokoro-82M on the CPU, Mandarin and English, without any download at run time.

Mandarin goes through misaki's grapheme-to-phoneme rules (jieba, pypinyin); Latin capitals within it are read out by
their English names. English is looked up word by word in the pronouncing dictionary that misaki carries; a word it
lacks must be given in the script, so nothing is ever guessed.
"""

import importlib.resources
import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from misaki.zh import ZHG2P
from numpy.typing import NDArray

from samples.assets import KokoroFiles

Signal = NDArray[np.float64]
Language = Literal["zh-CN", "en-US"]

SPEECH_RATE_HZ = 24_000
_WORD = re.compile(r"[A-Za-z']+|[,.!?;:]")
_LETTERS = re.compile(r"([A-Z](?:\s*[A-Z])*)")
# Unstressed forms: the dictionary lists the citation form, running speech has these.
_WEAK_FORMS = {"a": "ɐ", "an": "ɐn", "the": "ðə", "am": "æm", "and": "ænd"}
_VOWELS = frozenset("AIOQWYaeiouæɐɑɒɔəɚɛɜɪʊʌᵊᵻ")


class PronunciationError(Exception):
    """A word has no pronunciation in the dictionary or the script."""


@dataclass(frozen=True, slots=True)
class Kokoro:
    """A loaded text-to-speech model.

    Attributes:
        session: The ONNX model; inputs `tokens` (1, n), `style` (1, 256), `speed` (1,).
        vocabulary: Token number of every phoneme character the model knows.
        voices: Folder of style vectors.
        english: Pronouncing dictionary, word to phonemes.
    """

    session: Any
    vocabulary: dict[str, int]
    voices: Path
    english: dict[str, str]

    def say(self, text: str, language: Language, voice: str, speed: float) -> Signal:
        """Speak one stretch of text.

        Args:
            text: What to say, with punctuation; at most about 100 characters.
            language: `zh-CN` or `en-US`.
            voice: File name of the voice without its ending, such as `zf_xiaobei`.
            speed: Rate factor; 1.0 is the voice's own, 1.2 a fifth faster.

        Returns:
            Mono samples at 24 000 Hz, nominally in [-1, 1]. The same text gives the same samples on the same machine;
            int8 kernels differ between processor families in the last bits.

        Raises:
            PronunciationError: An English word is in neither the dictionary nor the script.
        """
        speak = mandarin_phonemes if language == "zh-CN" else english_phonemes
        phonemes = speak(text, self.english)
        tokens = [self.vocabulary[character] for character in phonemes if character in self.vocabulary]
        styles = np.fromfile(self.voices / f"{voice}.bin", dtype=np.float32).reshape(-1, 256)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": styles[len(tokens)][np.newaxis],
            "speed": np.array([speed], dtype=np.float32),
        }
        return np.asarray(self.session.run(None, inputs)[0], dtype=np.float64).ravel()


def load_kokoro(files: KokoroFiles, pronunciations: dict[str, str]) -> Kokoro:
    """Load the model on one thread.

    Args:
        files: Verified files from `samples.assets`.
        pronunciations: Additional English words and their phonemes, in misaki's notation.
    """
    logging.getLogger("jieba").setLevel(logging.WARNING)
    onnxruntime.set_seed(0)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(files.model), options, providers=["CPUExecutionProvider"])
    vocabulary: dict[str, int] = json.loads(files.vocabulary.read_text(encoding="utf-8"))["vocab"]
    return Kokoro(session, vocabulary, files.voices, _english_dictionary() | pronunciations)


def mandarin_phonemes(text: str, letters: dict[str, str]) -> str:
    """Return Kokoro's phonemes for Mandarin text; digits must already be spelled as they are spoken.

    Args:
        text: Words, and capitals that are read out one by one.
        letters: Phonemes of each capital, as the English dictionary has them.
    """
    speak = ZHG2P()
    parts = (
        " ".join(letters[letter] for letter in part if letter != " ") if place % 2 else str(speak(part)[0])
        for place, part in enumerate(_LETTERS.split(text))
        if part
    )
    return "".join(parts)


def english_phonemes(text: str, dictionary: dict[str, str]) -> str:
    """Return Kokoro's phonemes for English text by dictionary look-up.

    Raises:
        PronunciationError: A word is not in the dictionary.
    """
    words = _WORD.findall(text)
    spoken: list[str] = []
    for index, word in enumerate(words):
        if not word[0].isalpha():
            spoken[-1] += word
            continue
        weak = None if len(word) == 1 and word.isupper() else _WEAK_FORMS.get(word.lower())
        phonemes = weak or dictionary.get(word) or dictionary.get(word.lower())
        if phonemes is None:
            raise PronunciationError(f"no pronunciation for {word!r}: add it to the script's [pronunciations]")
        if word.lower() == "the" and _begins_with_vowel(words[index + 1 : index + 2], dictionary):
            phonemes = "ði"
        spoken.append(phonemes)
    return " ".join(spoken)


def _begins_with_vowel(following: list[str], dictionary: dict[str, str]) -> bool:
    phonemes = "".join(dictionary.get(word.lower(), "") for word in following).lstrip("ˈˌ")
    return phonemes[:1] in _VOWELS


def _english_dictionary() -> dict[str, str]:
    """Read misaki's American dictionaries; where a word has several readings, take the default one."""
    merged: dict[str, str] = {}
    data = importlib.resources.files("misaki") / "data"
    for name in ("us_silver.json", "us_gold.json"):
        entries: dict[str, str | dict[str, str | None]] = json.loads((data / name).read_text(encoding="utf-8"))
        for word, reading in entries.items():
            phonemes = reading if isinstance(reading, str) else reading.get("DEFAULT")
            if phonemes:
                merged[word] = phonemes
    return merged
