"""The vocabulary of a business: terms that recognition should rather hear than what sounds like them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asr.chinese import is_han
from voice.contracts.errors import TermsError

SHIPPED: Final = Path(__file__).with_name("terms.txt")
"""Terms of any service line."""

MOST_TERMS: Final = 20_000
LONGEST_TERM: Final = 12
"""Characters; longer terms are sentences."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms in the order of their files, each once. All of them are Chinese ideographs, two or more.

    Attributes:
        words: the shipped ones and the installation's own.
        own: the installation's own, those that are shipped as well included.
    """

    words: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    @classmethod
    def load(cls, own: Path | None = None) -> Terms:
        """The shipped terms and, where given, an installation's own.

        Args:
            own: a UTF-8 text file with a term a line; empty lines and lines that begin with # do not count.

        Raises:
            TermsError: the file cannot be read, or a line is no term; names the line.
        """
        added = dict.fromkeys(_read(own)) if own is not None else {}
        return cls(tuple(dict.fromkeys(_read(SHIPPED)) | added), tuple(added))


def _read(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise TermsError(
            f"The terms file {path} cannot be read: {error.strerror}.", fix="Check the path and its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise TermsError(f"The terms file {path} is not UTF-8 text.", fix="Save it as UTF-8.") from error
    found = []
    for number, line in enumerate(lines, 1):
        term = line.strip()
        if not term or term.startswith("#"):
            continue
        if not 2 <= len(term) <= LONGEST_TERM or not all(is_han(character) for character in term):
            raise TermsError(
                f"{path}, line {number}: a term is 2 to {LONGEST_TERM} Chinese characters; got {term[:40]!r}.",
                fix="Write one term a line, without spaces, Latin letters or punctuation.",
            )
        found.append(term)
    if len(found) > MOST_TERMS:
        raise TermsError(f"{path} has {len(found)} terms; {MOST_TERMS} is the most.", fix="Keep those that matter.")
    return found
