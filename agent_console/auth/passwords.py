"""Rules for names and passwords, and how passwords are kept."""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from voice.contracts.errors import AccountError

USER_LENGTHS: Final = (2, 64)
PASSWORD_LENGTHS: Final = (10, 256)

_PUNCTUATION: Final = frozenset("._-@")


def normalise_user(user: str) -> str:
    """A user name as it is stored and compared: NFKC, case folded, 2 to 64 letters, digits, `.`, `_`, `-` or `@`.

    Raises:
        AccountError: the name breaks these rules.
    """
    name = unicodedata.normalize("NFKC", user.strip()).casefold()
    shortest, longest = USER_LENGTHS
    if not shortest <= len(name) <= longest:
        raise AccountError(f"A user name has {shortest} to {longest} characters; got {len(name)}.")
    if wrong := sorted({sign for sign in name if not (sign.isalnum() or sign in _PUNCTUATION)}):
        raise AccountError(
            f"A user name consists of letters, digits and . _ - @; got {' '.join(map(repr, wrong))}.",
            fix="Put names with spaces into the display name.",
        )
    return name


def check_password(password: str, *, user: str) -> None:
    """Demand a password that is worth guessing.

    Raises:
        AccountError: too short, too long, a repeated sign, or the user's own name.
    """
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise AccountError(f"A password has {shortest} to {longest} characters; got {len(password)}.")
    if len(set(password)) < 4:
        raise AccountError("A password has at least 4 different characters.")
    if user in password.casefold() and len(password) < len(user) + shortest:
        raise AccountError("A password is more than the user's own name.")


class PasswordVault:
    """Hashes and verifies passwords with argon2id. Slow on purpose: call it in a worker thread.

    The default parameters are RFC 9106's for constrained memory (64 MiB, 3 passes, 4 lanes).
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._decoy = self._hasher.hash("somebody who does not exist")

    def hash(self, password: str) -> str:
        """The hash to store, with its parameters and salt."""
        return self._hasher.hash(_spell(password))

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether the password belongs to the hash; `stored` None (unknown user) takes as long and answers no."""
        try:
            right = self._hasher.verify(self._decoy if stored is None else stored, _spell(password))
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def _spell(password: str) -> str:
    """One spelling for what different keyboards send (RFC 8265, OpaqueString: NFC)."""
    return unicodedata.normalize("NFC", password)
