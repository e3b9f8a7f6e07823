"""What `warmline bench prosody` compares with. Each is used as an engineer would use it, from Python.

Nothing of it is part of the product: Praat is under the GPL, openSMILE may be used for research only, and RAPT and
WORLD need a C++ compiler to be installed.
"""

from __future__ import annotations

import importlib
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Final

from voice.contracts.errors import MissingExtraError

PEERS: Final = {
    "librosa": "librosa",
    "opensmile": "openSMILE",
    "parselmouth": "Praat (parselmouth)",
    "pysptk": "RAPT (pysptk)",
    "pyworld": "WORLD (pyworld)",
    "threadpoolctl": "threadpoolctl",
}
"""Module and name of everything the benchmark needs beyond the product."""

_DISTRIBUTIONS: Final = {"parselmouth": "praat-parselmouth"}


def check_peers() -> None:
    """Refuse to begin where something to compare with is missing.

    Raises:
        MissingExtraError: names all that are missing.
    """
    missing = [name for module, name in PEERS.items() if find_spec(module) is None]
    if missing:
        raise _missing(missing)


def load(module: str) -> Any:
    """Import a peer.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # pyworld and pysptk import pkg_resources, which warns of its own end.
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        raise _missing([PEERS[module.partition(".")[0]]]) from error


def peer_versions() -> dict[str, str]:
    """Which versions are compared with, by name."""
    return {name: version(_DISTRIBUTIONS.get(module, module)) for module, name in PEERS.items()}


def _missing(names: list[str]) -> MissingExtraError:
    return MissingExtraError(
        f"Expected the peers that the benchmark compares with; not installed: {', '.join(names)}.",
        fix="Run: make peers (needs a C++ compiler).",
    )
