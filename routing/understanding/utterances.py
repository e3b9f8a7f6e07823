"""The utterances that the intent classifier is trained from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from routing.document import read_file
from routing.understanding.taxonomy import DATA, load_taxonomy
from voice.contracts.errors import UnderstandingDataError

UNKNOWN: Final = "unknown"
"""The label of a turn that names no need, or none that the classifier is sure of."""

LANGUAGES: Final = ("zh", "en")

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "minLength": 1, "maxLength": 400},
    },
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line of training data.

    Attributes:
        text: what is said, as a recognizer writes it.
        label: its intent, or `unknown`.
        language: zh or en, the first part of the file's name.
        group: the file's name: one author writing about one field; held out as a whole.
    """

    text: str
    label: str
    language: str
    group: str


def read_utterances(folder: Path = DATA, extra: Path | None = None) -> tuple[Utterance, ...]:
    """All utterances, in the order of files and lines; the same wording under the same intent counts once.

    Args:
        folder: the data that ships, or a copy of it.
        extra: a folder with more files like those in `utterances`, named after language and group: `zh-shop.yaml`.

    Raises:
        UnderstandingDataError: a file is not valid, names an unknown intent, or one wording has two intents; or there
            is no utterance.
    """
    known = {*load_taxonomy(folder), UNKNOWN}
    seen: dict[str, str] = {}
    taken: set[str] = set()
    found: list[Utterance] = []
    for path in _files(folder, extra):
        document = read_file(path, error=UnderstandingDataError)
        document.check(SCHEMA)
        document.refuse(
            document.problem((label,), f"{label} is no intent that exists.")
            for label in document.data
            if label not in known
        )
        document.refuse(
            document.problem((label, number), f"this wording stands under {seen[text]} as well.")
            for label, texts in document.data.items()
            for number, text in enumerate(texts)
            if seen.setdefault(text, label) != label
        )
        language = path.stem.split("-")[0]
        for label, texts in document.data.items():
            for text in texts:
                if text not in taken:
                    taken.add(text)
                    found.append(Utterance(text, label, language, path.stem))
    if not found:
        raise UnderstandingDataError(
            f"Expected utterances in {folder.name}/utterances; there are none.",
            fix="Put files such as zh-shop.yaml there: a mapping of intents to lists of utterances.",
        )
    return tuple(found)


def _files(folder: Path, extra: Path | None) -> list[Path]:
    files = sorted((folder / "utterances").glob("*.yaml"))
    if extra is not None:
        added = sorted(extra.glob("*.yaml")) if extra.is_dir() else []
        if not added:
            raise UnderstandingDataError(
                f"Expected a folder with files of utterances at {extra}; there is none.",
                fix="Name a folder with files such as zh-shop.yaml: a mapping of intents to lists of utterances.",
            )
        taken = {path.stem for path in files}
        for path in added:
            if path.stem.split("-")[0] not in LANGUAGES:
                raise UnderstandingDataError(
                    f"{path.name}: expected a name that begins with a language, {' or '.join(LANGUAGES)}.",
                    fix=f"Call it zh-{path.stem}.yaml or en-{path.stem}.yaml.",
                )
            if path.stem in taken:
                raise UnderstandingDataError(
                    f"{path.name}: a group of this name ships already.", fix=f"Call it {path.stem}-own.yaml."
                )
        files += added
    return files


def hash_utterances(utterances: Sequence[Utterance]) -> str:
    """SHA-256 over some utterances, in their order."""
    digest = hashlib.sha256()
    for one in utterances:
        digest.update(f"{one.group}\t{one.label}\t{one.text}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def hash_groups(utterances: Sequence[Utterance]) -> dict[str, str]:
    """A hash of every group, by name."""
    return {
        group: hash_utterances([one for one in utterances if one.group == group])[:16]
        for group in sorted({one.group for one in utterances})
    }


def hash_data(folder: Path = DATA, extra: Path | None = None) -> str:
    """SHA-256 over what the classifier is trained from: utterances, intents, concepts and the table of sounds.

    The lexicons, which blank what is denied, are left out: they change often, and the classifier with them hardly.
    """
    digest = hashlib.sha256(hash_utterances(read_utterances(folder, extra)).encode())
    for name in ("intents.yaml", "concepts.yaml", "syllables.txt"):
        digest.update(f"{name}\n".encode())
        digest.update((folder / name).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
